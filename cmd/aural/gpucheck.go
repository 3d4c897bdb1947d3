package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"aural/internal/atomicfile"
	"aural/kernels"
	"aural/kernels/cuda/driver"

	"github.com/spf13/cobra"
)

// gpucheckFlags are the sizes of a check.
type gpucheckFlags struct {
	out     string
	minutes float64
	ordinal int
	ops     string // which kernels are compared
	parity  string // recipe of the comparison with the CPU
	full    string // recipe of the timed updates
	sets    []string
	rows    []int // batch rows of the timed updates
	curve   int   // updates of the comparison of precisions
	side    int   // of the matrices of the probes
	torch   string
	phases  []string
}

func (a *app) gpucheck() *cobra.Command {
	var f gpucheckFlags
	c := a.command(&cobra.Command{
		Use:   "gpucheck",
		Short: "Check and measure the CUDA back end on a GPU",
		Long: `Gpucheck proves on a GPU what tests prove without one, and measures what only a GPU can tell. It
builds nothing and needs nothing beside this program, NVIDIA's driver and NVRTC.

Its phases are in the order of their value, each with its share of the minutes, so that a check that
is cut off has the important part: env (device, libraries), probes (copies, launches, graphs, two
streams, the fastest product and copy), kernels (every op against the reference in float64),
products (Hopper's wgmma against mma.sync), model (loss, gradients and five updates against the CPU,
then bfloat16 against float32), ops (time of each kernel of an update), library (results and times
of cuBLASLt, if it is there), steps (whole updates at several batch sizes) and torch (PyTorch on the
same machine, with the python3 there and bench/torch_gpu.py).

Each line is PASS, FAIL or SKIP, a name, a value and its limit ("-" where it is only measured). The
last line counts them. gpucheck.json in the folder of --out has the same. The exit code is 1 when
something failed or there is no GPU.`,
		Example: "  aural gpucheck --out check --minutes 8\n  aural gpucheck --out check --phases kernels --op 'attention|linear'",
		Args:    cobra.NoArgs,
	}, func([]string) error { return a.runGPUCheck(f) })
	p := c.Flags()
	p.StringVar(&f.out, "out", "gpucheck", "`FOLDER` for the report")
	p.Float64Var(&f.minutes, "minutes", 8, "most that the check may take")
	p.IntVar(&f.ordinal, "gpu", 0, "which GPU, `N` of the driver's list")
	p.StringVar(&f.ops, "op", "", "regular expression: compare only the kernels of these ops")
	p.StringVar(&f.parity, "recipe", "tiny", "recipe of the comparison with the CPU")
	p.StringVar(&f.full, "full", "base", "recipe of the timed updates")
	p.IntVar(&f.curve, "curve", 200, "updates of the comparison of bfloat16 with float32")
	p.IntVar(&f.side, "side", 8192, "rows and columns of the largest matrix that is multiplied")
	p.IntSliceVar(&f.rows, "rows", []int{5, 7, 16, 48}, "batch rows of the timed updates, of the recipe's longest crop each")
	p.StringVar(&f.torch, "torch", filepath.Join("bench", "torch_gpu.py"), "`SCRIPT` that measures PyTorch")
	p.StringSliceVar(&f.phases, "phases", nil, "only these `PHASES` (env always runs)")
	setFlag(c, &f.sets, nil)
	return c
}

// checkLine is one finding.
type checkLine struct {
	Status  string  `json:"status"` // PASS, FAIL or SKIP
	Name    string  `json:"name"`   // phase/what
	Value   string  `json:"value"`
	Limit   string  `json:"limit"` // "-": only measured
	Note    string  `json:"note,omitempty"`
	Seconds float64 `json:"at_seconds"` // since the beginning
}

func (l checkLine) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s %s  %s", l.Status, l.Name, cmp.Or(l.Value, "-"), cmp.Or(l.Limit, "-"), l.Note))
}

// gpuReport is gpucheck.json.
type gpuReport struct {
	Version  string         `json:"version"`
	Device   driver.Info    `json:"device"`
	Compiler string         `json:"compiler"`
	Began    time.Time      `json:"began"`
	Ceilings ceilings       `json:"ceilings"`
	Lines    []checkLine    `json:"lines"`
	Counts   map[string]int `json:"counts"`
	Steps    []stepReport   `json:"steps,omitempty"`
	Torch    []torchResult  `json:"torch,omitempty"`
}

// gpuCheck is a check under way.
type gpuCheck struct {
	a        *app
	f        gpucheckFlags
	op       *regexp.Regexp
	api      driver.API
	compiler driver.Compiler
	report   gpuReport
	phase    string
	until    time.Time       // end of the phase's time
	pace     map[int]float64 // audio seconds a second of the best update, by rows, for the ratio to PyTorch
}

func (a *app) runGPUCheck(f gpucheckFlags) error {
	if !(f.minutes > 0 && f.minutes <= 600) {
		return usagef("--minutes is %v, want a number above 0, at most 600", f.minutes)
	}
	if f.side < 1 || f.side > 32768 {
		return usagef("--side is %d, want 1 to 32768", f.side)
	}
	op, err := regexp.Compile(f.ops)
	if err != nil {
		return usagef("--op: %w", err)
	}
	for _, name := range f.phases {
		if !knownPhase(name) {
			return usagef("--phases: there is no phase %q", name)
		}
	}
	if err := os.MkdirAll(f.out, 0o755); err != nil {
		return err
	}
	c := &gpuCheck{a: a, f: f, op: op, pace: map[int]float64{}, report: gpuReport{Version: versionText(), Began: time.Now(), Counts: map[string]int{}, Ceilings: ceilings{Flops: map[kernels.Precision]float64{}}}}
	end := c.report.Began.Add(time.Duration(f.minutes * float64(time.Minute)))
	left := 0.0
	for _, p := range gpuPhases {
		left += p.share
	}
	for _, p := range gpuPhases {
		now := time.Now()
		c.phase, c.until = p.name, now.Add(time.Duration(p.share/left*float64(end.Sub(now))))
		left -= p.share
		if p.name != "env" && len(f.phases) > 0 && !slices.Contains(f.phases, p.name) {
			continue
		}
		c.runPhase(p.run)
		if err := c.write(); err != nil {
			return err
		}
		if c.api == nil {
			break
		}
	}
	n := c.report.Counts
	a.print("%d passed, %d failed, %d skipped", n["PASS"], n["FAIL"], n["SKIP"])
	if n["FAIL"] > 0 {
		return fmt.Errorf("the check of the GPU failed: %s; the report is in %s", plural(n["FAIL"], "failure"), f.out)
	}
	return nil
}

// gpuPhase is a part of the check with its share of the time.
type gpuPhase struct {
	name  string
	share float64
	run   func(*gpuCheck) error
}

// gpuPhases are in the order of their value. What a phase leaves of its share goes to those after it.
var gpuPhases = []gpuPhase{
	{"env", 1, (*gpuCheck).env},
	{"probes", 0.5, (*gpuCheck).probes},
	{"kernels", 2, (*gpuCheck).kernels},
	{"products", 0.5, (*gpuCheck).products},
	{"model", 1.5, (*gpuCheck).model},
	{"ops", 1, (*gpuCheck).ops},
	{"library", 0.5, (*gpuCheck).library},
	{"steps", 1.5, (*gpuCheck).steps},
	{"torch", 2, (*gpuCheck).torch},
}

func knownPhase(name string) bool {
	return slices.ContainsFunc(gpuPhases, func(p gpuPhase) bool { return p.name == name })
}

// runPhase turns an error and a panic of a phase into a line, so that the next one runs.
func (c *gpuCheck) runPhase(run func(*gpuCheck) error) {
	defer func() {
		if p := recover(); p != nil {
			c.fail("panic", fmt.Errorf("%v", p))
		}
	}()
	if err := run(c); err != nil {
		c.fail("error", err)
	}
}

// over reports whether the phase has had its time.
func (c *gpuCheck) over() bool { return time.Now().After(c.until) }

// add prints a line at once, so that nothing is lost when the check is cut off.
func (c *gpuCheck) add(l checkLine) {
	l.Name = c.phase + "/" + l.Name
	l.Note = strings.Join(strings.Fields(l.Note), " ")
	l.Seconds = time.Since(c.report.Began).Seconds()
	c.report.Lines = append(c.report.Lines, l)
	c.report.Counts[l.Status]++
	c.a.print("%s", l)
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', 4, 64) }

// limit passes when value is at most limit.
func (c *gpuCheck) limit(name string, value, limit float64, note string) {
	l := checkLine{Status: "FAIL", Name: name, Value: number(value), Limit: number(limit), Note: note}
	if value <= limit {
		l.Status = "PASS"
	}
	c.add(l)
}

// measured is a number without a limit.
func (c *gpuCheck) measured(name string, value float64, unit string) {
	c.add(checkLine{Status: "PASS", Name: name, Value: number(value), Note: unit})
}

func (c *gpuCheck) fail(name string, err error) {
	c.add(checkLine{Status: "FAIL", Name: name, Note: err.Error()})
}

func (c *gpuCheck) skip(name, why string) {
	c.add(checkLine{Status: "SKIP", Name: name, Note: why})
}

// write replaces the report.
func (c *gpuCheck) write() error {
	raw, err := json.MarshalIndent(c.report, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(c.f.out, "gpucheck.json"), append(raw, '\n'), 0o644)
}
