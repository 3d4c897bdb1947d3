package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"aural/datasets"
	"aural/exec"
	"aural/internal/synth"
	"aural/recipes"
	"aural/train"

	"github.com/spf13/cobra"
)

type benchFlags struct {
	recipe  string
	sets    []string
	batches int
	machine machineFlags
}

func (a *app) bench() *cobra.Command {
	f := benchFlags{}
	step := a.command(&cobra.Command{
		Use:   "step --recipe RECIPE",
		Short: "Time micro-batches of a recipe on synthetic audio",
		Long: `Step makes a little synthetic audio, computes the gradients of some micro-batches of the recipe's
full size, and prints the times, in all and by kind of op. The first one, which also compiles, does
not count in the total. The optimiser is not part of it.`,
		Example: "  aural bench step --recipe tiny\n  aural bench step --recipe base --threads 8 --set data.batch_samples=250000",
		Args:    cobra.NoArgs,
	}, func([]string) error { return a.benchStep(f) })
	step.Flags().StringVar(&f.recipe, "recipe", "", "name of a recipe, or a .yaml file (required)")
	step.Flags().IntVar(&f.batches, "batches", 5, "micro-batches to time")
	setFlag(step, &f.sets, recipes.Pretrain.Paths())
	machineFlagsOf(step, &f.machine)
	step.MarkFlagRequired("recipe")
	step.RegisterFlagCompletionFunc("recipe", words(recipes.Pretrain.Names()...))
	return a.group(&cobra.Command{Use: "bench", Short: "Measure how fast this machine trains"}, step)
}

func (a *app) benchStep(f benchFlags) error {
	if f.batches < 1 {
		return usagef("--batches is %d, want at least 1", f.batches)
	}
	// One length and nothing held out: every micro-batch is the same work.
	r, err := recipes.Pretrain.Load(f.recipe, append(f.sets, "valid.seconds=0", "data.lengths=1"))
	if err != nil {
		return usage(err)
	}
	tmp, err := os.MkdirTemp("", "aural-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	seconds := float64(r.Data.MaxSamples) / datasets.Rate
	corpus := syntheticCorpus(synth.Options{Seed: 1, Utterances: r.Data.BatchSamples/r.Data.MaxSamples + 1, Speakers: 4, MinSeconds: seconds + 0.1, MaxSeconds: seconds + 0.1})
	store := filepath.Join(tmp, "store")
	if _, err := datasets.Import(context.Background(), corpus, store, datasets.ImportOptions{}, nil); err != nil {
		return err
	}
	s, err := open(r, store, f.machine)
	if err != nil {
		return err
	}
	defer s.close()
	if err := checkMemory(r.Data, r.Train.Accumulate, s.plan, availableMemory()); err != nil {
		return err
	}
	s.describe(a, f.recipe)
	return a.timeBatches(s, f.batches)
}

func (a *app) timeBatches(s *setup, batches int) error {
	ctx, work := context.Background(), s.task.NewWork()
	var at train.Position
	var took time.Duration
	var sum train.Measured
	for i := range batches + 1 {
		_, next, err := s.task.Prepare(ctx, at, work)
		if err != nil {
			return err
		}
		var m train.Measured
		began := time.Now()
		if err := s.task.Run(ctx, at, work, &m); err != nil {
			return err
		}
		if i > 0 {
			took += time.Since(began)
			sum.AudioSeconds += m.AudioSeconds
			sum.FLOPs += m.FLOPs
			sum.Forward += m.Forward
			sum.Backward += m.Backward
		}
		at = train.Position{Update: at.Update + 1, Epoch: next.Epoch, Index: next.Index}
	}
	each := func(d time.Duration) string { return fmt.Sprintf("%.1f ms", d.Seconds()*1000/float64(batches)) }
	table(a.out, [][]string{
		{"time", each(took) + " a micro-batch: forward " + each(sum.Forward) + ", backward " + each(sum.Backward)},
		{"speed", fmt.Sprintf("%.1f s of audio a second, %.1f GFLOP/s", sum.AudioSeconds/took.Seconds(), float64(sum.FLOPs)/took.Seconds()/1e9)},
	}, nil)
	fmt.Fprintln(a.out)
	table(a.out, opTable(s.task.Profile()), nil)
	return nil
}

// opTable says where the time goes, by kind of op; the first micro-batch counts here too.
func opTable(profile []exec.OpTime) [][]string {
	rows := [][]string{{"op", "kernel", ">calls", ">share", ">ms a call", ">GFLOP/s", ">GB/s"}}
	var total time.Duration
	for _, o := range profile {
		total += o.Time
	}
	for _, o := range profile {
		seconds := o.Time.Seconds()
		if o.Calls == 0 || seconds == 0 {
			continue
		}
		rows = append(rows, []string{
			o.Op, o.Variant, fmt.Sprint(o.Calls), fmt.Sprintf("%.1f %%", 100*seconds/total.Seconds()), fmt.Sprintf("%.3f", 1000*seconds/float64(o.Calls)),
			fmt.Sprintf("%.1f", float64(o.FLOPs)/seconds/1e9), fmt.Sprintf("%.2f", float64(o.Bytes)/seconds/1e9),
		})
	}
	return rows
}
