package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"aural/datasets"
	"aural/kernels/cpu"
	"aural/runlog/host"

	"github.com/spf13/cobra"
	xcpu "golang.org/x/sys/cpu"
)

func (a *app) doctor() *cobra.Command {
	var runs, store string
	c := a.command(&cobra.Command{
		Use:   "doctor",
		Short: "Look at the machine: CPU, memory, disk, terminal, GPU",
		Long: `Doctor prints what matters for training on this machine. It writes a file of 64 MB to the runs
folder to measure the disk, and deletes it. With --data it also verifies a store. The exit code is
1 when something is broken.`,
		Example: "  aural doctor\n  aural doctor --runs /scratch/runs --data stores/mine",
		Args:    cobra.NoArgs,
	}, func([]string) error { return a.examine(runs, store) })
	c.Flags().StringVar(&runs, "runs", "runs", "folder for run directories")
	c.Flags().StringVar(&store, "data", "", "store to verify")
	return c
}

func (a *app) examine(runs, store string) error {
	var broken []string
	rows := [][]string{{"program", "aural " + versionText() + ", " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH}}
	add := func(name, text string) { rows = append(rows, []string{name, text}) }
	add("cpu", cpuText())
	add("kernels", strings.Join(cpu.Variants(), ", ")+" (the first is used unless "+kernelsVariable+" or --kernels says otherwise)")
	add("precision", strings.Trim(fmt.Sprint(cpu.Precisions()), "[]")+" (a recipe's precision; int8 for --precision alone)")
	if has := availableMemory(); has.known {
		add("memory", bytesText(has.bytes)+" available ("+has.source+")")
	} else {
		add("memory", "not known on this system; runs are not checked for their size")
	}
	text, err := diskText(runs)
	if err != nil {
		broken, text = append(broken, "disk"), err.Error()
	}
	add("disk", text)
	add("terminal", a.terminalText())
	rows = append(rows, gpuRows()...)
	if store != "" {
		text, err := storeText(store)
		if err != nil {
			broken, text = append(broken, "store"), err.Error()
		}
		add("store", text)
	}
	table(a.out, rows, nil)
	if len(broken) > 0 {
		return fmt.Errorf("not in order: %s", strings.Join(broken, ", "))
	}
	return nil
}

func cpuText() string {
	text := fmt.Sprintf("%s, %d used by default", plural(runtime.NumCPU(), "CPU"), runtime.GOMAXPROCS(0))
	x := &xcpu.X86
	var features []string
	for _, f := range []struct {
		has  bool
		name string
	}{{x.HasAVX2, "AVX2"}, {x.HasFMA, "FMA"}, {x.HasAVX512F, "AVX-512F"}, {x.HasAVX512BW, "AVX-512BW"}, {x.HasAVX512DQ, "AVX-512DQ"},
		{x.HasAVX512VL, "AVX-512VL"}, {x.HasAVX512BF16, "AVX-512BF16"}, {x.HasAMXTile, "AMX"}, {x.HasAMXBF16, "AMX-BF16"},
		{xcpu.ARM64.HasASIMD, "ASIMD"}, {xcpu.ARM64.HasSVE, "SVE"}} {
		if f.has {
			features = append(features, f.name)
		}
	}
	if len(features) > 0 {
		text += "; " + strings.Join(features, " ")
	}
	return text
}

// diskBytes is the size of the file that is written to measure a disk.
const diskBytes = 64 << 20

// diskText measures how fast checkpoints can be written below dir, or below the nearest folder above it that exists.
func diskText(dir string) (string, error) {
	for {
		if _, err := os.Stat(dir); err == nil || filepath.Dir(dir) == dir {
			break
		}
		dir = filepath.Dir(dir)
	}
	f, err := os.CreateTemp(dir, ".aural-doctor-*")
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	block := make([]byte, 1<<20)
	for i := range block {
		block[i] = byte(i * 2654435761 >> 8) // so that a file system that compresses has something to do
	}
	began := time.Now()
	for range diskBytes / len(block) {
		if _, err := f.Write(block); err != nil {
			return "", err
		}
	}
	if err := f.Sync(); err != nil {
		return "", err
	}
	text := fmt.Sprintf("%s: %.0f MB/s written and synced", dir, diskBytes/1e6/time.Since(began).Seconds())
	if free, _, ok := host.Disk(dir); ok {
		text += ", " + bytesText(free) + " free"
	}
	return text, nil
}

func (a *app) terminalText() string {
	columns, ok := isTerminal(a.out)
	if !ok {
		return "none: output is plain lines"
	}
	text := fmt.Sprintf("%d columns, TERM=%s", columns, os.Getenv("TERM"))
	if os.Getenv("NO_COLOR") != "" {
		text += ", no colour (NO_COLOR)"
	}
	return text
}

func storeText(dir string) (string, error) {
	r, err := datasets.Verify(context.Background(), dir)
	if err != nil {
		return "", err
	}
	if n := len(r.Problems); n > 0 {
		return "", fmt.Errorf("%s: %s, the first in %s: %s (see aural data verify)", dir, plural(n, "problem"), r.Problems[0].File, r.Problems[0].What)
	}
	return fmt.Sprintf("%s is sound: %s, %s", dir, plural(r.Rows, "row"), bytesText(r.Bytes)), nil
}
