package cuda

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aural/internal/dynlib"
	"aural/internal/testkit"
	"aural/kernels/cuda/driver"
	"aural/kernels/cuda/nvrtc"
)

var update = flag.Bool("update", false, "write testdata/resources.txt")

// targets are the architectures whose machine code is checked: A100, consumer Ampere, Ada, Hopper.
var targets = []struct{ major, minor int }{{8, 0}, {8, 6}, {8, 9}, {9, 0}}

// mostShared is the static shared memory that a launch gets without asking; ptxas lets more pass.
const mostShared = 48 << 10

// counted are the instructions that show how a kernel computes and loads: products on tensor cores, and loads of 16 bytes.
var counted = []string{"HMMA", "HGMMA", "LDG.E.128", "LDGSTS", "STG.E.128"}

// TestResources compiles the kernels as the machine of a user would, and compares what they take with a table. A register more is no mistake, but
// it should be seen: go test ./kernels/cuda -run Resources -update writes the table.
func TestResources(t *testing.T) {
	if !dynlib.Available {
		t.Skip("SKIPPED: built with the tag nocuda")
	}
	t.Setenv(nvrtc.Variable, testkit.CUDATools(t, "nvidia/cuda_nvrtc/lib"))
	disassembler := testkit.CUDATools(t, "nvidia/cu13/bin/nvdisasm")
	c, err := nvrtc.Open(0)
	if err != nil {
		t.Fatal(err)
	}
	c.UseCache(nvrtc.CacheFolder())
	table := fmt.Sprintf("%-7s %-28s %9s %6s", "target", "kernel", "registers", "shared")
	for _, name := range counted {
		table += fmt.Sprintf(" %9s", name)
	}
	table += "\n"
	type made struct {
		image []byte
		log   string
		err   error
	}
	results := make([]chan made, len(targets))
	for i, target := range targets { // a minute each when the cache is empty, and NVRTC uses one thread
		results[i] = make(chan made, 1)
		go func() {
			image, log, err := c.Compile(Text(), nil, driver.Info{Major: target.major, Minor: target.minor})
			results[i] <- made{image, log, err}
		}()
	}
	for i, target := range targets {
		arch, _, err := c.Architecture(target.major, target.minor)
		if err != nil {
			t.Fatal(err)
		}
		m := <-results[i]
		if m.err != nil {
			t.Fatalf("%v\n%s", m.err, m.log)
		}
		table += targetRows(t, arch, m.log, instructions(t, disassembler, m.image))
	}
	compareTable(t, table)
}

// targetRows are the lines of one architecture. What no kernel may do fails the test.
func targetRows(t *testing.T, arch, log string, code map[string]map[string]int) (rows string) {
	t.Helper()
	used, warnings, err := nvrtc.ParseLog(log)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range warnings {
		t.Errorf("%s: %s", arch, w)
	}
	slices.SortFunc(used, func(a, b nvrtc.Usage) int { return strings.Compare(a.Kernel, b.Kernel) })
	for _, u := range used {
		if u.SpillStores+u.SpillLoads > 0 {
			t.Errorf("%s %s: registers do not suffice, %d bytes of them are spilt to memory", arch, u.Kernel, u.SpillStores)
		}
		if u.SharedBytes > mostShared {
			t.Errorf("%s %s: %d bytes of static shared memory, %d can be launched", arch, u.Kernel, u.SharedBytes, mostShared)
		}
		if strings.Contains(u.Kernel, "_wgmma_") != (code[u.Kernel]["HGMMA"] > 0) {
			t.Errorf("%s %s: %d HGMMA, which kernels named after wgmma have and no others", arch, u.Kernel, code[u.Kernel]["HGMMA"])
		}
		rows += fmt.Sprintf("%-7s %-28s %9d %6d", arch, u.Kernel, u.Registers, u.SharedBytes)
		for _, name := range counted {
			rows += fmt.Sprintf(" %9d", code[u.Kernel][name])
		}
		rows += "\n"
	}
	return rows
}

// compareTable holds a table against the committed one.
func compareTable(t *testing.T, table string) {
	t.Helper()
	file := filepath.Join("testdata", "resources.txt")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(table), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	was, is := lineSet(string(raw)), lineSet(table)
	for _, line := range slices.Sorted(maps.Keys(is)) {
		if !was[line] {
			t.Errorf("now:    %s", line)
		}
	}
	for _, line := range slices.Sorted(maps.Keys(was)) {
		if !is[line] {
			t.Errorf("before: %s", line)
		}
	}
	if t.Failed() {
		t.Log("go test ./kernels/cuda -run Resources -update writes what is now to " + file)
	}
}

func lineSet(text string) map[string]bool {
	set := map[string]bool{}
	for line := range strings.Lines(text) {
		set[strings.TrimSpace(line)] = true
	}
	return set
}

// instructions counts by kernel how often each of the counted instructions is in the machine code.
func instructions(t *testing.T, disassembler string, image []byte) map[string]map[string]int {
	t.Helper()
	file := filepath.Join(t.TempDir(), "image.cubin")
	if err := os.WriteFile(file, image, 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(disassembler, "--print-code", file).Output()
	if err != nil {
		t.Fatalf("nvdisasm: %v", err)
	}
	counts := map[string]map[string]int{}
	var kernel map[string]int
	for line := range bytes.Lines(out) {
		if _, rest, ok := bytes.Cut(line, []byte(".section\t.text.")); ok {
			name, _, _ := bytes.Cut(rest, []byte(","))
			kernel = map[string]int{}
			counts[string(name)] = kernel
			continue
		}
		for _, name := range counted {
			if kernel != nil && bytes.Contains(line, []byte(" "+name)) {
				kernel[name]++
			}
		}
	}
	return counts
}
