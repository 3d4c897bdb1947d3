package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"aural/exec"
	"aural/kernels"
	"aural/kernels/cpu"
	"aural/train"

	"github.com/spf13/cobra"
)

func (a *app) benchKernels() *cobra.Command {
	f, pattern, seconds := benchFlags{}, "", 0.0
	c := a.command(&cobra.Command{
		Use:   "kernels",
		Short: "Time every kernel call of a recipe's update against the machine's peaks",
		Long: `Kernels first measures what the machine can do at most, in this process: multiply-adds on registers,
reading and copying blocks that fit each cache, and starting all threads on something. Then it runs
an update of the recipe, with synthetic audio, and in it times each kind of call: an op with its
shapes. A line of the table is one kind:

  n       how often an update makes the call
  share   per cent of the time of an update
  ms      median of one call, its data in the caches as far as they fit
  GF/s    10^9 floating point operations a second
  GB/s    10^9 bytes a second, each input and output counted once
  comp    per cent of the peak of multiply-adds
  mem     per cent of the bandwidth for as many bytes as the call moves
  bound   the roof that allows the least: comp, mem, or fork (starting the threads takes longer)`,
		Example: `  aural bench kernels --recipe tiny
  aural bench kernels --set data.batch_samples=250000 --op 'linear|conv1d' --threads 1`,
		Args: cobra.NoArgs,
	}, func([]string) error { return a.runBenchKernels(f, pattern, seconds) })
	f.add(c, "base", "name of a recipe, or a .yaml file")
	c.Flags().StringVar(&pattern, "op", "", "time only ops whose name matches this regular expression")
	c.Flags().Float64Var(&seconds, "seconds", 0.2, "time for each line, three calls at least")
	return c
}

// kernelsReport is the outcome of bench kernels.
type kernelsReport struct {
	Machine benchMachine `json:"machine"`
	Batch   benchBatch   `json:"batch"`
	Peaks   cpu.Peaks    `json:"peaks"`
	Update  float64      `json:"update_seconds"` // of the update in which the calls were timed, without their repetition
	Calls   []callRow    `json:"calls"`
	Absent  []string     `json:"absent"` // ops that the update does not have
}

// callRow is one kind of call.
type callRow struct {
	Op           string   `json:"op"`
	Variant      string   `json:"kernel"`
	In           []string `json:"in"`
	Out          []string `json:"out"`
	Count        int      `json:"calls_per_update"`
	Runs         int      `json:"runs"`
	Seconds      float64  `json:"seconds"` // median of a call
	Share        float64  `json:"share"`   // of the update
	FLOPs        int64    `json:"flops"`   // of a call
	Bytes        int64    `json:"bytes"`   // of a call
	GFLOPs       float64  `json:"gflops_per_second"`
	GBs          float64  `json:"gb_per_second"`
	ComputeShare float64  `json:"share_of_compute_peak"`
	MemoryShare  float64  `json:"share_of_bandwidth"`
	Bound        string   `json:"bound"`

	shape string
}

func (a *app) runBenchKernels(f benchFlags, pattern string, seconds float64) (err error) {
	want, err := opPattern(pattern)
	if err != nil {
		return err
	}
	each, err := benchTime(seconds)
	if err != nil {
		return err
	}
	f.machine.singly = true
	s, err := a.benchSetup(f)
	if err != nil {
		return err
	}
	defer func() { err = s.closeAfter(err) }()
	r := kernelsReport{Machine: s.machine(), Batch: s.batch(f.recipe)}
	be, ok := s.backend.(*cpu.Backend)
	if !ok {
		return usagef("bench kernels measures the CPU; on a GPU aural gpucheck measures the kernels")
	}
	if r.Peaks, err = be.Peaks(min(each, 100*time.Millisecond)); err != nil {
		return err
	}
	calls, update, err := s.timeCalls(each, want)
	if err != nil {
		return err
	}
	r.fill(calls, update)
	if f.json {
		return writeJSON(a.out, r)
	}
	a.printKernels(r)
	return nil
}

// opPattern makes a test of op names. A pattern that no op matches is a mistake.
func opPattern(pattern string) (func(string) bool, error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, usagef("--op: %w", err)
	}
	var names []string
	for _, op := range kernels.All() {
		if re.MatchString(op.Name()) {
			return re.MatchString, nil
		}
		names = append(names, op.Name())
	}
	return nil, usagef("--op %q matches none of the ops: %s", pattern, strings.Join(names, ", "))
}

func benchTime(seconds float64) (time.Duration, error) {
	if !(seconds > 0 && seconds <= 3600) {
		return 0, usagef("--seconds is %v, want a number above 0, at most 3600", seconds)
	}
	return time.Duration(seconds * 1e9), nil
}

// timeCalls times each kind of call of an update, the optimiser's among them, and the update itself.
func (s *setup) timeCalls(each time.Duration, want func(string) bool) ([]exec.Call, time.Duration, error) {
	optimizer, err := train.NewAdamW(s.backend, s.task.Weights(), s.recipe.Train.Optimizer, 1)
	if err != nil {
		return nil, 0, err
	}
	defer optimizer.Free()
	work := s.task.NewWork()
	if _, _, err := s.task.Prepare(context.Background(), train.Position{}, work); err != nil {
		return nil, 0, err
	}
	never := func(string) bool { return false }
	if _, err := s.task.Measure(work, 0, never); err != nil { // first touch of the memory
		return nil, 0, err
	}
	s.task.ResetProfile()
	calls, err := s.task.Measure(work, each, want)
	if err != nil {
		return nil, 0, err
	}
	var update time.Duration
	for _, o := range s.task.Profile() {
		update += o.Time
	}
	norm, adamw := optimiserOps(s.plan.Parameters, s.recipe.Train.Optimizer)
	for _, o := range []struct {
		work opWork
		run  func() error
	}{
		{norm, func() error { return errors.Join(optimizer.Decide(1, 0, 1), s.backend.Sync()) }}, // at a rate of 0 the weights stay
		{adamw, func() error { optimizer.Apply(); return s.backend.Sync() }},
	} {
		budget, name := each, o.work.op.Name()
		if !want(name) {
			budget = 0 // only for the time of the update
		}
		times, err := exec.Repeat(budget, o.run)
		if err != nil {
			return nil, 0, err
		}
		update += median(times)
		c := exec.Call{Op: name, Variant: s.variantOf(o.work), In: o.work.in, Out: o.work.out, Count: 1, FLOPs: o.work.flops(), Bytes: o.work.bytes()}
		if want(name) {
			c.Times = times
		}
		calls = append(calls, c)
	}
	return calls, update, nil
}

// fill makes the rows, those that take most of an update first.
func (r *kernelsReport) fill(calls []exec.Call, update time.Duration) {
	r.Update = update.Seconds()
	seen := map[string]bool{}
	for _, c := range calls {
		seen[c.Op] = true
		if len(c.Times) > 0 {
			r.Calls = append(r.Calls, r.row(c))
		}
	}
	slices.SortStableFunc(r.Calls, func(a, b callRow) int { return cmp.Compare(b.Share, a.Share) })
	r.Absent = []string{}
	for _, op := range kernels.All() {
		if !seen[op.Name()] {
			r.Absent = append(r.Absent, op.Name())
		}
	}
}

func (r *kernelsReport) row(c exec.Call) callRow {
	t := median(c.Times).Seconds()
	row := callRow{
		Op: c.Op, Variant: c.Variant, In: descTexts(c.In), Out: descTexts(c.Out), Count: c.Count, Runs: len(c.Times), Seconds: t,
		Share: float64(c.Count) * t / r.Update, FLOPs: c.FLOPs, Bytes: c.Bytes, GFLOPs: perSecond(c.FLOPs, t) / 1e9, GBs: perSecond(c.Bytes, t) / 1e9,
		shape: largest(c.In) + "→" + largest(c.Out),
	}
	// The least times that the roofs allow (Williams, Waterman and Patterson 2009), with the start of the threads as a third.
	roof := r.Peaks.Roof(c.Bytes)
	compute, memory, fork := float64(c.FLOPs)/r.Peaks.Compute.All, float64(c.Bytes)/roof, r.Peaks.ForkPolling.Seconds()
	row.ComputeShare, row.MemoryShare = perSecond(c.FLOPs, t)/r.Peaks.Compute.All, perSecond(c.Bytes, t)/roof
	switch max(compute, memory, fork) {
	case compute:
		row.Bound = "comp"
	case memory:
		row.Bound = "mem"
	default:
		row.Bound = "fork"
	}
	return row
}

func descTexts(list []kernels.Desc) []string {
	text := make([]string, len(list))
	for i, d := range list {
		text[i] = d.String()
	}
	return text
}

// largest is the shape of the largest tensor in few characters: without leading ones, and 1 for a scalar.
func largest(list []kernels.Desc) string {
	shape := slices.MaxFunc(list, func(a, b kernels.Desc) int { return cmp.Compare(a.Size(), b.Size()) }).Shape
	for len(shape) > 1 && shape[0] == 1 {
		shape = shape[1:]
	}
	if len(shape) == 0 {
		return "1"
	}
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(shape), " ", "x"), "[]")
}

func (a *app) printKernels(r kernelsReport) {
	fmt.Fprintln(a.out)
	table(a.out, peakTable(r.Peaks, r.Machine.Threads), nil)
	fmt.Fprintln(a.out)
	rows := [][]string{{"op", "largest input→output", ">n", ">share", ">ms", ">GF/s", ">GB/s", ">comp", ">mem", "bound"}}
	sum := 0.0
	for _, c := range r.Calls {
		sum += c.Share * r.Update
		rows = append(rows, []string{
			c.Op, c.shape, fmt.Sprint(c.Count), fmt.Sprintf("%.1f", 100*c.Share), milliseconds(time.Duration(c.Seconds * 1e9)),
			rateText(c.GFLOPs), rateText(c.GBs), fmt.Sprintf("%.0f", 100*c.ComputeShare), fmt.Sprintf("%.0f", 100*c.MemoryShare), c.Bound,
		})
	}
	table(a.out, rows, nil)
	a.print("\nThese lines, each n times, take %s ms; the update took %s ms.", milliseconds(time.Duration(sum*1e9)), milliseconds(time.Duration(r.Update*1e9)))
	if len(r.Absent) > 0 {
		a.print("%s", wrap("Not in this update: "+strings.Join(r.Absent, ", ")+".", 100))
	}
}

// rateText writes a rate with three digits at most.
func rateText(x float64) string {
	if x >= 99.5 {
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.1f", x)
}

// wrap breaks text into lines of at most the given number of characters, where there are spaces.
func wrap(text string, width int) string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	return strings.Join(append(lines, line), "\n")
}

// peakTable shows what the machine does at most.
func peakTable(p cpu.Peaks, threads int) [][]string {
	rows := [][]string{{"peak", ">1 thread", ">" + plural(threads, "thread")}}
	flops := func(r cpu.Rate) []string {
		return []string{fmt.Sprintf("%.1f GFLOP/s", r.One/1e9), fmt.Sprintf("%.1f GFLOP/s", r.All/1e9)}
	}
	bytes := func(r cpu.Rate) []string {
		return []string{fmt.Sprintf("%.1f GB/s", r.One/1e9), fmt.Sprintf("%.1f GB/s", r.All/1e9)}
	}
	for _, v := range p.Variants {
		rows = append(rows, append([]string{"multiply-adds, " + v.Variant}, flops(v.Rate)...))
	}
	for _, w := range p.Bandwidth {
		where := fmt.Sprintf(" %s, %s", w.Level, bytesText(w.Bytes))
		rows = append(rows, append([]string{"read" + where}, bytes(w.Read)...), append([]string{"copy" + where}, bytes(w.Copy)...))
	}
	micro := func(d time.Duration) string { return fmt.Sprintf("%.1f µs", float64(d.Nanoseconds())/1e3) }
	return append(rows, []string{"fork and join, threads awake", "", micro(p.ForkPolling)}, []string{"fork and join, threads asleep", "", micro(p.ForkParked)})
}
