package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"aural/exec"
	"aural/kernels"
	"aural/kernels/cpu"
	"aural/pretrain"
	"aural/train"

	"github.com/spf13/cobra"
)

func (a *app) benchStep() *cobra.Command {
	f, batches := benchFlags{}, 0
	c := a.command(&cobra.Command{
		Use:   "step --recipe RECIPE",
		Short: "Time whole updates of a recipe on synthetic audio",
		Long: `Step makes a little synthetic audio and trains on it: forward, backward, norm of the gradient (which
clipping needs) and AdamW, in updates of one micro-batch of the recipe's full size. It prints where
the time goes, by part and by kind of op, what share of the machine's peak that is, and the most
memory that the process had. The first update does not count, nor does compiling the program for a
new number of masked frames. The peak is that of the kernels' own instructions; it is measured
between updates, and each is compared with what the machine could do just before and after it, for
processors change their clocks.

On a GPU each batch runs twice before it is timed, so that its program is recorded as CUDA graphs
by then, as in a long run. Forward, backward and the times of ops are the GPU's own; the ops of a
graph share its time in the proportions of their first run.

Reading audio and drawing masks are not part of it: training does them beside the computation.`,
		Example: `  aural bench step --recipe tiny
  aural bench step --recipe base --threads 8 --set data.batch_samples=250000
  aural bench step --recipe base --set data.batch_samples=64000 --set data.max_samples=64000 --json`,
		Args: cobra.NoArgs,
	}, func([]string) error { return a.runBenchStep(f, batches) })
	f.add(c, "", "name of a recipe, or a .yaml file (required)")
	a.deviceFlagOf(c, &f.machine)
	c.Flags().IntVar(&batches, "batches", 5, "updates to time")
	c.MarkFlagRequired("recipe")
	return c
}

// peakTime is how long the peak is measured between two updates.
const peakTime = 50 * time.Millisecond

// updateTimes is how long an update, or part of it, took.
type updateTimes struct {
	total, forward, backward, norm, adamw time.Duration

	flops int64   // by the ops' own count, without the optimiser
	peak  float64 // FLOP/s of the machine, the mean of before and after
}

// host is the rest: feeding the batch, reading results.
func (u updateTimes) host() time.Duration { return u.total - u.forward - u.backward - u.norm - u.adamw }

// stepTimes are seconds.
type stepTimes struct {
	Total    float64 `json:"total"`
	Forward  float64 `json:"forward"`
	Backward float64 `json:"backward"`
	Norm     float64 `json:"norm"`
	AdamW    float64 `json:"adamw"`
	Host     float64 `json:"host"`
}

// stepReport is the outcome of bench step.
type stepReport struct {
	Machine benchMachine `json:"machine"`
	Batch   benchBatch   `json:"batch"`
	Median  stepTimes    `json:"median_seconds"` // each part by itself, so they need not add up
	Mean    stepTimes    `json:"mean_seconds"`
	Updates []float64    `json:"update_seconds"` // in order
	// AudioPerSecond and GFLOPs (a second; by the ops' own count, without the optimiser) are by the median.
	AudioPerSecond float64 `json:"audio_seconds_per_second"`
	GFLOPs         float64 `json:"gflops"`
	PeakGFLOPs     float64 `json:"peak_gflops"`   // the median of the peaks around the updates
	PeakShare      float64 `json:"share_of_peak"` // the median of each update's own
	OtherShare     float64 `json:"not_a_product_share"`
	PeakMemory     int64   `json:"peak_resident_bytes,omitempty"` // of the process; absent where the system does not tell
	Ops            []opRow `json:"ops"`
}

// opRow is what one kind of op took, over all updates.
type opRow struct {
	Op      string  `json:"op"`
	Variant string  `json:"kernel"`
	Calls   int64   `json:"calls"`
	Seconds float64 `json:"seconds"`
	Share   float64 `json:"share"` // of whole updates
	FLOPs   int64   `json:"flops"`
	Bytes   int64   `json:"bytes"`
}

func (a *app) runBenchStep(f benchFlags, batches int) (err error) {
	if batches < 1 {
		return usagef("--batches is %d, want at least 1", batches)
	}
	s, err := a.benchSetup(f)
	if err != nil {
		return err
	}
	defer func() { err = s.closeAfter(err) }()
	times, audio, err := s.timeUpdates(batches)
	if err != nil {
		return err
	}
	r := s.stepReport(times, audio)
	r.Batch = s.batch(f.recipe)
	r.PeakMemory, _ = peakMemory()
	if f.json {
		return writeJSON(a.out, r)
	}
	a.printStep(r)
	return nil
}

// computePeak is the FLOP/s that the back end can reach: on the CPU of its instructions, on a GPU in a product of matrices.
func (s *setup) computePeak() (float64, error) {
	if be, ok := s.backend.(*cpu.Backend); ok {
		peak, err := be.ComputePeak(peakTime)
		return peak.All, err
	}
	peak, err := train.PeakGFLOPS(s.backend)
	return peak * 1e9, err
}

// timeUpdates makes updates and returns what each took, and the seconds of audio in all of them. On a device, where nothing waits for a part, AdamW is what is
// left of the whole. Where the back end records programs, those are recorded before. s.ops is the profile of the same updates.
func (s *setup) timeUpdates(n int) ([]updateTimes, float64, error) {
	cfg := s.recipe.Train.Resolved()
	optimizer, err := train.NewAdamW(s.backend, s.task.Weights(), cfg.Optimizer, 1)
	if err != nil {
		return nil, 0, err
	}
	defer optimizer.Free()
	ctx, work := context.Background(), s.task.NewWork()
	s.ops = nil
	var at train.Position
	var list []updateTimes
	audio, before := 0.0, 0.0
	for i := range n + 1 {
		_, next, err := s.task.Prepare(ctx, at, work)
		if err != nil {
			return nil, 0, err
		}
		if err := s.warm(ctx, at, work); err != nil {
			return nil, 0, err
		}
		s.task.ResetProfile()
		var m train.Measured
		var u updateTimes
		began := time.Now()
		if err := s.task.Run(ctx, at, work, &m); err != nil {
			return nil, 0, err
		}
		computed := time.Now()
		if err := errors.Join(optimizer.Loss(0, m.Loss), optimizer.Decide(at.Update+1, cfg.Schedule.LR(at.Update), m.SampleSize)); err != nil {
			return nil, 0, err
		}
		summed := time.Now()
		optimizer.Apply()
		if _, err := optimizer.Wait(); err != nil {
			return nil, 0, err
		}
		end := time.Now()
		if err := s.task.Collect(&m); err != nil {
			return nil, 0, err
		}
		u.total, u.forward, u.backward, u.norm, u.adamw = end.Sub(began), m.Forward, m.Backward, summed.Sub(computed), end.Sub(summed)
		if _, ok := s.backend.(kernels.Streamer); ok {
			u.adamw = max(0, u.total-u.forward-u.backward-u.norm)
		}
		after, err := s.computePeak()
		if err != nil {
			return nil, 0, err
		}
		u.flops, u.peak = m.FLOPs, (before+after)/2
		before = after
		if i > 0 {
			list = append(list, u)
			s.ops = append(s.ops, s.task.Profile()...)
			audio += m.AudioSeconds
		}
		at = train.Position{Update: at.Update + 1, Epoch: next.Epoch, Index: next.Index}
	}
	return list, audio, nil
}

// warm makes a program ready for a micro-batch: compiled, and recorded where the back end does that, which takes a plain run and a second one.
func (s *setup) warm(ctx context.Context, at train.Position, work *pretrain.Work) error {
	if err := s.task.Ready(work); err != nil {
		return err
	}
	if _, records := s.backend.(kernels.Recorder); !records {
		return nil
	}
	var m train.Measured
	for range 2 {
		if err := s.task.Run(ctx, at, work, &m); err != nil {
			return err
		}
		if err := errors.Join(s.backend.Sync(), s.task.Collect(&m)); err != nil {
			return err
		}
	}
	return nil
}

func (s *setup) stepReport(times []updateTimes, audio float64) stepReport {
	n := float64(len(times))
	part := func(f func(updateTimes) time.Duration) (mid, mean float64) {
		list := make([]time.Duration, len(times))
		var sum time.Duration
		for i, u := range times {
			list[i] = f(u)
			sum += list[i]
		}
		slices.Sort(list)
		return median(list).Seconds(), sum.Seconds() / n
	}
	r := stepReport{Machine: s.machine()}
	r.Median.Total, r.Mean.Total = part(func(u updateTimes) time.Duration { return u.total })
	r.Median.Forward, r.Mean.Forward = part(func(u updateTimes) time.Duration { return u.forward })
	r.Median.Backward, r.Mean.Backward = part(func(u updateTimes) time.Duration { return u.backward })
	r.Median.Norm, r.Mean.Norm = part(func(u updateTimes) time.Duration { return u.norm })
	r.Median.AdamW, r.Mean.AdamW = part(func(u updateTimes) time.Duration { return u.adamw })
	r.Median.Host, r.Mean.Host = part(updateTimes.host)
	var peaks, shares []float64
	for _, u := range times {
		r.Updates = append(r.Updates, u.total.Seconds())
		peaks, shares = append(peaks, u.peak/1e9), append(shares, float64(u.flops)/u.total.Seconds()/u.peak)
	}
	slices.Sort(peaks)
	slices.Sort(shares)
	r.PeakGFLOPs, r.PeakShare = peaks[len(peaks)/2], shares[len(shares)/2]
	var flops int64
	products := 0.0
	total := r.Mean.Total * n
	add := func(o exec.OpTime) {
		row := opRow{o.Op, o.Variant, o.Calls, o.Time.Seconds(), o.Time.Seconds() / total, o.FLOPs, o.Bytes}
		if isProduct(o.Op) {
			products += row.Share
		}
		r.Ops = append(r.Ops, row)
	}
	for _, o := range exec.MergeProfiles(s.ops) {
		flops += o.FLOPs
		if o.Calls > 0 {
			add(o)
		}
	}
	norm, update := optimiserOps(s.plan.Parameters, s.recipe.Train.Optimizer)
	for _, o := range []struct {
		work opWork
		mean float64
	}{{norm, r.Mean.Norm}, {update, r.Mean.AdamW}} {
		add(exec.OpTime{Op: o.work.op.Name(), Variant: s.variantOf(o.work), Calls: int64(n), Time: time.Duration(o.mean * n * 1e9),
			FLOPs: int64(n) * o.work.flops(), Bytes: int64(n) * o.work.bytes()})
	}
	slices.SortStableFunc(r.Ops, func(a, b opRow) int { return cmp.Compare(b.Seconds, a.Seconds) })
	r.AudioPerSecond = audio / n / r.Median.Total
	r.GFLOPs = float64(flops) / n / r.Median.Total / 1e9
	r.OtherShare = 1 - products
	return r
}

// variantOf is the kernel that a call gets.
func (s *setup) variantOf(w opWork) string {
	k, err := s.backend.Compile(w.op, w.in, w.out)
	if err != nil {
		return ""
	}
	return k.Variant
}

func (a *app) printStep(r stepReport) {
	text := func(t stepTimes) string {
		ms := func(seconds float64) string { return milliseconds(time.Duration(seconds * 1e9)) }
		return fmt.Sprintf("%s ms: forward %s, backward %s, norm %s, AdamW %s, host %s", ms(t.Total), ms(t.Forward), ms(t.Backward), ms(t.Norm), ms(t.AdamW), ms(t.Host))
	}
	memory := "not known on this system"
	if r.PeakMemory > 0 {
		memory = bytesText(r.PeakMemory)
	}
	table(a.out, [][]string{
		{"median", text(r.Median)},
		{"mean", text(r.Mean)},
		{"speed", fmt.Sprintf("%.1f s of audio a second, %.1f GFLOP/s = %s of the peak then, about %.1f", r.AudioPerSecond, r.GFLOPs, percent(r.PeakShare), r.PeakGFLOPs)},
		{"not a product", percent(r.OtherShare) + " of the time (products: linear layers, convolutions, attention)"},
		{"peak memory", memory},
	}, nil)
	fmt.Fprintln(a.out)
	table(a.out, opTable(r.Ops), nil)
}

// opTable says where the time of updates goes, by kind of op.
func opTable(ops []opRow) [][]string {
	rows := [][]string{{"op", "kernel", ">calls", ">share", ">ms a call", ">GFLOP/s", ">GB/s"}}
	for _, o := range ops {
		rows = append(rows, []string{
			shortOp(o.Op), o.Variant, fmt.Sprint(o.Calls), percent(o.Share), fmt.Sprintf("%.3f", 1000*o.Seconds/float64(o.Calls)),
			fmt.Sprintf("%.1f", perSecond(o.FLOPs, o.Seconds)/1e9), fmt.Sprintf("%.2f", perSecond(o.Bytes, o.Seconds)/1e9),
		})
	}
	return rows
}
