package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"aural/exec"
	"aural/kernels"
	"aural/kernels/cpu"
)

// lines fails where a report is too wide for a terminal, and returns the words of each line.
func lines(t *testing.T, report string) [][]string {
	t.Helper()
	var all [][]string
	for _, line := range strings.Split(report, "\n") {
		if n := len([]rune(line)); n > 100 && !strings.HasPrefix(line, "data ") { // a path may be long
			t.Errorf("a line of %d characters: %s", n, line)
		}
		all = append(all, strings.Fields(line))
	}
	return all
}

// ops is the set of ops that lines of a table begin with.
func ops(report [][]string) map[string]int {
	count := map[string]int{}
	for _, words := range report {
		for _, op := range kernels.All() {
			if len(words) > 5 && words[0] == op.Name() {
				count[words[0]]++
			}
		}
	}
	return count
}

// decode parses a report and fails for a field that it does not know.
func readReport(t *testing.T, report string, v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(report))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Fatalf("%v in\n%s", err, report)
	}
}

func TestBenchStep(t *testing.T) {
	out, _ := call(t, exitDone, "bench", "step", "--recipe", micro, "--batches", "2", "--threads", "1")
	has(t, out, "GFLOP/s", "1 thread", "3 x 1 s", "median", "mean", "AdamW", "of the peak", "not a product", "peak memory")
	seen := ops(lines(t, out))
	for _, op := range []string{"linear", "conv1d_grad_weight", "attention", "info_nce_grad", "sum_squares", "adamw"} {
		if seen[op] != 1 {
			t.Errorf("%d lines of %s in\n%s", seen[op], op, out)
		}
	}

	out, _ = call(t, exitDone, "bench", "step", "--recipe", micro, "--batches", "3", "--threads", "2", "--json")
	var r stepReport
	readReport(t, out, &r)
	if len(r.Updates) != 3 || slices.Sorted(slices.Values(r.Updates))[1] != r.Median.Total {
		t.Errorf("median %v of updates %v", r.Median.Total, r.Updates)
	}
	share, sum := 0.0, r.Mean.Forward+r.Mean.Backward+r.Mean.Norm+r.Mean.AdamW+r.Mean.Host
	for _, o := range r.Ops {
		if o.Share <= 0 || o.Share > 1 || o.Calls < 3 || o.Variant == "" {
			t.Errorf("%+v", o)
		}
		share += o.Share
	}
	if share <= 0.2 || share > 1.001 || sum < 0.999*r.Mean.Total || sum > 1.001*r.Mean.Total {
		t.Errorf("ops take %v of an update, its parts %v of %v s", share, sum, r.Mean.Total)
	}
	if r.Batch.Rows != 3 || r.Batch.Seconds != 1 || r.Machine.Threads != 2 || r.OtherShare <= 0 || r.OtherShare >= 1 || r.PeakShare <= 0 || r.PeakShare > 1.1 {
		t.Errorf("%+v", r)
	}
	if _, known := peakMemory(); known != (r.PeakMemory > 1<<20) {
		t.Errorf("peak memory %d", r.PeakMemory)
	}
}

func TestBenchKernels(t *testing.T) {
	out, _ := call(t, exitDone, "bench", "kernels", "--recipe", micro, "--seconds", "0.001", "--threads", "2")
	has(t, out, "multiply-adds, portable", "read memory", "copy L2", "fork and join", "bound", "Not in this update: ")
	seen := ops(lines(t, out))

	out, _ = call(t, exitDone, "bench", "kernels", "--recipe", micro, "--seconds", "0.001", "--threads", "2", "--json")
	var r kernelsReport
	readReport(t, out, &r)
	rows := map[string]int{}
	for _, c := range r.Calls {
		rows[c.Op]++
		if c.Runs < 3 || c.Count < 1 || c.Seconds <= 0 || c.Share <= 0 || c.Bytes <= 0 || len(c.In) == 0 || len(c.Out) == 0 || c.Variant == "" {
			t.Errorf("%+v", c)
		}
		// Peaks and calls are measured at different times on a machine that may be busy: the limits are wide.
		if c.ComputeShare < 0 || c.ComputeShare > 1.5 || c.MemoryShare < 0 || c.MemoryShare > 1.5 {
			t.Errorf("%s %v: %v of the peak, %v of the bandwidth", c.Op, c.In, c.ComputeShare, c.MemoryShare)
		}
		if !slices.Contains([]string{"comp", "mem", "fork"}, c.Bound) {
			t.Errorf("%s is bound by %q", c.Op, c.Bound)
		}
	}
	// Every op of the vocabulary is either measured or said to be absent.
	for _, op := range kernels.All() {
		name := op.Name()
		if absent := slices.Contains(r.Absent, name); absent == (rows[name] > 0) {
			t.Errorf("%s: %d lines, absent %v", name, rows[name], absent)
		}
		if seen[name] != rows[name] {
			t.Errorf("%s: %d lines in the table, %d in the JSON", name, seen[name], rows[name])
		}
	}
	for _, want := range []string{"linear", "conv1d", "attention_grad", "gumbel_quantize", "info_nce", "sum_squares", "adamw"} {
		if rows[want] == 0 {
			t.Errorf("%s is not measured", want)
		}
	}

	out, _ = call(t, exitDone, "bench", "kernels", "--recipe", micro, "--seconds", "0.001", "--op", "^(adamw|gelu)$", "--json")
	r = kernelsReport{}
	readReport(t, out, &r)
	for _, c := range r.Calls {
		if c.Op != "adamw" && c.Op != "gelu" {
			t.Errorf("--op lets %s through", c.Op)
		}
	}
	if len(r.Calls) < 2 || slices.Contains(r.Absent, "linear") {
		t.Errorf("--op: %d calls, absent %v", len(r.Calls), r.Absent)
	}
}

// The bound is the roof that allows the least, and a share is the time of the roof over the time taken.
func TestRoofs(t *testing.T) {
	rate := func(x float64) cpu.Rate { return cpu.Rate{One: x, All: x} }
	r := kernelsReport{Update: 1, Peaks: cpu.Peaks{
		Compute:     rate(1e9),
		Bandwidth:   []cpu.Bandwidth{{Bytes: 1000, Read: rate(4e8), Copy: rate(2e8)}, {Bytes: 1e6, Read: rate(1e8), Copy: rate(5e7)}},
		ForkPolling: time.Microsecond,
	}}
	d := []kernels.Desc{kernels.Of(kernels.Float32, 1, 1, 3, 5), kernels.Of(kernels.Float32)}
	for _, c := range []struct {
		flops, bytes    int64
		bound           string
		compute, memory float64
	}{
		{1e6, 1000, "comp", 0.1, 0.00025},
		{1e3, 1e6, "mem", 0.0001, 1},
		{1e3, 999999, "mem", 0.0001, 0.25}, // still the bandwidth of the smaller working set
		{10, 10, "fork", 1e-6, 2.5e-6},
	} {
		row := r.row(exec.Call{Op: "x", In: d, Out: d, Count: 4, FLOPs: c.flops, Bytes: c.bytes, Times: []time.Duration{5e6, 1e7, 2e7}})
		close := func(a, b float64) bool { return a > 0.999*b && a < 1.001*b }
		if row.Bound != c.bound || !close(row.ComputeShare, c.compute) || !close(row.MemoryShare, c.memory) || !close(row.Share, 0.04) {
			t.Errorf("%+v: %+v", c, row)
		}
		if row.shape != "3x5→3x5" {
			t.Errorf("shape %q", row.shape)
		}
	}
}

func TestBenchProducts(t *testing.T) {
	out, _ := call(t, exitDone, "bench", "products", "33x20x17", "5x6x7", "--seconds", "0.001", "--threads", "1")
	has(t, out, "1 thread", "peak", "33x20x17")
	lines(t, out)
	out, _ = call(t, exitDone, "bench", "products", "33x70x80", "--seconds", "0.001", "--threads", "1", "--precision", "int8")
	has(t, out, "/int8, 1 thread", "33x70x80", "NT")
	if strings.Contains(out, "TN") {
		t.Errorf("gradients in int8:\n%s", out)
	}
	out, _ = call(t, exitDone, "bench", "products", "33x20x17", "--seconds", "0.001", "--kernels", "portable", "--json")
	var r productsReport
	readReport(t, out, &r)
	var forms []string
	for _, p := range r.Products {
		forms = append(forms, p.Form)
		if p.Shape != "33x20x17" || p.Runs < 3 || p.Seconds <= 0 || p.GFLOPs <= 0 || p.Share <= 0 || p.Share > 1.5 || p.Variant != "gemm/portable" {
			t.Errorf("%+v", p)
		}
	}
	if !slices.Equal(forms, []string{"NT", "NN", "TN"}) {
		t.Errorf("forms %v", forms)
	}
}
