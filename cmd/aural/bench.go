package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"aural/datasets"
	"aural/internal/synth"
	"aural/kernels"
	"aural/recipes"
	"aural/train"

	"github.com/spf13/cobra"
)

// benchFlags are what the benchmarks of a recipe take.
type benchFlags struct {
	recipe  string
	sets    []string
	json    bool
	machine machineFlags
}

func (a *app) bench() *cobra.Command {
	return a.group(&cobra.Command{Use: "bench", Short: "Measure how fast this machine trains and transcribes"}, a.benchStep(), a.benchKernels(), a.benchProducts(), a.benchTranscribe())
}

func (f *benchFlags) add(c *cobra.Command, recipe, usage string) {
	c.Flags().StringVar(&f.recipe, "recipe", recipe, usage)
	c.Flags().BoolVar(&f.json, "json", false, "print the measurements as JSON")
	setFlag(c, &f.sets, recipes.Pretrain.Paths())
	machineFlagsOf(c, &f.machine)
	c.RegisterFlagCompletionFunc("recipe", words(recipes.Pretrain.Names()...))
}

// benchSetup prepares training of a recipe on synthetic audio: one length, nothing held out, and updates of one micro-batch, so that all are the
// same work. The caller closes the setup.
func (a *app) benchSetup(f benchFlags) (_ *setup, err error) {
	r, err := recipes.Pretrain.Load(f.recipe, append(slices.Clone(f.sets), "valid.seconds=0", "data.lengths=1", "train.accumulate=1"))
	if err != nil {
		return nil, usage(err)
	}
	tmp, err := os.MkdirTemp("", "aural-bench-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(tmp)
		}
	}()
	seconds := float64(r.Data.MaxSamples) / datasets.Rate
	corpus := syntheticCorpus(synth.Options{Seed: 1, Utterances: r.Data.BatchSamples/r.Data.MaxSamples + 1, Speakers: 4, MinSeconds: seconds + 0.1, MaxSeconds: seconds + 0.1})
	store := filepath.Join(tmp, "store")
	if _, err := datasets.Import(context.Background(), corpus, store, datasets.ImportOptions{}, nil); err != nil {
		return nil, err
	}
	s, err := open(r, false, store, f.machine)
	if err != nil {
		return nil, err
	}
	s.temporary = tmp
	if err := s.checkMemory(); err != nil {
		return nil, s.closeAfter(err)
	}
	if !f.json {
		s.describe(a, f.recipe)
	}
	return s, nil
}

// benchMachine says what computed, for reports.
type benchMachine struct {
	Version string `json:"version"` // of aural
	Kernels string `json:"kernels"`
	Threads int    `json:"threads"` // 0 on a GPU
}

func (s *setup) machine() benchMachine {
	return benchMachine{versionText(), s.backend.Name(), threadsOf(s.backend)}
}

// benchBatch is the micro-batch of an update, for reports.
type benchBatch struct {
	Recipe     string  `json:"recipe"`
	Parameters int     `json:"parameters"`
	Rows       int     `json:"rows"`
	Seconds    float64 `json:"seconds"` // of a row
	Frames     int     `json:"frames"`  // of a row
}

func (s *setup) batch(recipe string) benchBatch {
	b := s.plan.Shapes[0]
	return benchBatch{recipe, s.plan.Parameters, b.Rows, float64(b.Length) / datasets.Rate, s.recipe.Encoder.Frames(b.Length)}
}

// optimiserOps are the calls of the optimiser on p parameters, with their work.
func optimiserOps(p int, cfg train.AdamWConfig) (norm, update opWork) {
	flat := kernels.Of(kernels.Float32, p)
	work := func(op kernels.Op, in ...kernels.Desc) opWork {
		out, err := op.Infer(in)
		if err != nil {
			panic(err) // the shapes are right by construction
		}
		return opWork{op, in, out}
	}
	return work(kernels.SumSquares{}, flat),
		work(kernels.AdamW{Beta1: cfg.Betas[0], Beta2: cfg.Betas[1], Eps: cfg.Eps}, flat, flat, flat, flat, kernels.Of(kernels.Float64, 3), kernels.Of(kernels.Float64, 4))
}

// opWork is a call of an op.
type opWork struct {
	op      kernels.Op
	in, out []kernels.Desc
}

func (w opWork) flops() int64 { return w.op.FLOPs(w.in, w.out) }
func (w opWork) bytes() int64 { return kernels.Bytes(w.in, w.out) }

// isProduct reports whether an op, or a chain of ops, is mostly a matrix product. Attention counts as a whole, with its softmax; a convolution in a chain with its
// group norm is the first of a feature encoder, which has few multiply-adds.
func isProduct(op string) bool {
	if strings.Contains(op, "+group_norm") {
		return false
	}
	for _, family := range []string{"linear", "conv1d", "attention"} {
		if strings.HasPrefix(op, family) {
			return true
		}
	}
	return false
}

// shortOp is an op's name as tables show it: of a long chain the beginning.
func shortOp(op string) string {
	const most = 28
	if len(op) <= most {
		return op
	}
	return op[:most-3] + "..."
}

// median of times that are sorted.
func median(sorted []time.Duration) time.Duration {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func milliseconds(d time.Duration) string {
	ms := d.Seconds() * 1000
	switch {
	case ms >= 100:
		return fmt.Sprintf("%.0f", ms)
	case ms >= 10:
		return fmt.Sprintf("%.1f", ms)
	case ms >= 1:
		return fmt.Sprintf("%.2f", ms)
	}
	return fmt.Sprintf("%.3f", ms)
}

// perSecond is a rate, 0 where the clock saw no time pass.
func perSecond(n int64, seconds float64) float64 {
	if seconds == 0 {
		return 0
	}
	return float64(n) / seconds
}
