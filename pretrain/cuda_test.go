package pretrain

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aural/encoder"
	"aural/internal/testkit"
	"aural/kernels"
	"aural/kernels/cpu"
	"aural/kernels/cuda"
	"aural/kernels/ref"
	"aural/train"
	"aural/train/traintest"
)

// onCUDA is the CUDA back end with its kernels on the processor.
func onCUDA(t testing.TB) kernels.Backend {
	t.Helper()
	b, _ := emulated(t)
	return b
}

// The objective and the gradients of all parameters on CUDA are those of the reference, with soft codes and with hard ones.
func TestModelOnCUDA(t *testing.T) {
	be, step := onCUDA(t), &kernels.Step{Seed: 3, Update: 2}
	for _, norm := range []encoder.ConvNorm{encoder.GroupNorm, encoder.LayerNorm} {
		for _, soft := range []bool{true, false} {
			r := small(norm)
			r.Quantizer.Soft = soft
			want, specs, _ := objective(t, r, kernels.Float64, ref.New())
			got, _, _ := objective(t, r, kernels.Float32, be)
			want.Run(step)
			got.Run(step)
			testkit.Close(t, "loss", got.Out(LossOutput), want.Out(LossOutput), testkit.Tol{Rel: 1e-5})
			for _, s := range specs {
				name := train.GradientOutput(s.Name)
				w, largest := want.Out(name), 0.0
				for _, x := range w {
					largest = max(largest, math.Abs(x))
				}
				testkit.Close(t, name, got.Out(name), w, testkit.Tol{Abs: 1e-5*largest + 1e-6})
			}
		}
	}
}

// unfused is a back end that takes no chains.
type unfused struct{ kernels.Backend }

// chainSpy counts the chains that a back end is given.
type chainSpy struct {
	*cuda.Backend
	chains map[string]int
}

func (s chainSpy) Compile(op kernels.Op, in, out []kernels.Desc) (kernels.Kernel, error) {
	if c, ok := op.(*kernels.Chain); ok {
		s.chains[c.Name()]++
	}
	return s.Backend.Compile(op, in, out)
}

// Fusing ops changes loss and gradients by rounding alone, and what both kinds of models are built of is fused.
func TestFusionOnCUDA(t *testing.T) {
	be, step := onCUDA(t).(*cuda.Backend), &kernels.Step{Seed: 3, Update: 2}
	for norm, chains := range map[encoder.ConvNorm]string{
		encoder.GroupNorm: "conv1d+group_norm+gelu gelu_grad+group_norm_grad+conv1d_grad_weight conv1d+gelu conv1d_grad_input+gelu_grad",
		encoder.LayerNorm: "linear+gelu+dropout",
	} {
		spy := chainSpy{be, map[string]int{}}
		r := small(norm)
		want, specs, _ := objective(t, r, kernels.Float32, unfused{be})
		got, _, _ := objective(t, r, kernels.Float32, spy)
		want.Run(step)
		got.Run(step)
		testkit.Close(t, "loss", got.Out(LossOutput), want.Out(LossOutput), testkit.Tol{Rel: 2e-6})
		for _, s := range specs {
			name := train.GradientOutput(s.Name)
			w, largest := want.Out(name), 0.0
			for _, x := range w {
				largest = max(largest, math.Abs(x))
			}
			testkit.Close(t, name, got.Out(name), w, testkit.Tol{Abs: 4e-6*largest + 2e-7})
		}
		t.Log(norm, spy.chains)
		for _, name := range strings.Fields(chains) {
			if spy.chains[name] == 0 {
				t.Errorf("%s: no %s among %v", norm, name, spy.chains)
			}
		}
	}
}

// updates makes some updates and returns the gradient of the first micro-batch and the weights at the end.
func updates(t *testing.T, p *Task, n int) (gradient, weights []float32) {
	t.Helper()
	opt, err := train.NewAdamW(p.backend, p.Weights(), p.recipe.Train.Optimizer, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer opt.Free()
	read := func(b kernels.Buffer) []float32 {
		x := make([]float32, b.Size())
		if err := p.backend.Download(kernels.BytesOf(x), b); err != nil {
			t.Fatal(err)
		}
		return x
	}
	w, at := p.NewWork(), train.Position{}
	for u := range n {
		at.Update = uint64(u)
		_, next, err := p.Prepare(context.Background(), at, w)
		if err != nil {
			t.Fatal(err)
		}
		var m train.Measured
		if err := p.Run(context.Background(), at, w, &m); err != nil {
			t.Fatal(err)
		}
		if u == 0 {
			gradient = read(p.Weights().Grad)
		}
		if err := errors.Join(opt.Loss(0, m.Loss), opt.Decide(uint64(u+1), 1e-3, m.SampleSize)); err != nil {
			t.Fatal(err)
		}
		opt.Apply()
		if v, err := opt.Wait(); err != nil || v.Fault != train.NoFault {
			t.Fatal(v, err)
		}
		next.Row = 0
		at = next
	}
	return gradient, read(p.Weights().Value)
}

// Updates on CUDA are those of the CPU back end, on the same crops, masks, distractors and noise.
func TestUpdatesOnCUDA(t *testing.T) {
	store := corpus(t)
	host, err := cpu.New(cpu.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	r := quick()
	wantGradient, want := updates(t, taskOn(t, r, store, host), 3)
	spy := chainSpy{onCUDA(t).(*cuda.Backend), map[string]int{}}
	gotGradient, got := updates(t, taskOn(t, r, store, spy), 3)
	if first := "gelu_grad+group_norm_grad+conv1d_grad_weight"; spy.chains[first] == 0 {
		t.Errorf("the first layer's gradient is not fused behind 16-bit samples: %v", spy.chains)
	}
	largest := float32(0)
	for _, x := range wantGradient {
		largest = max(largest, max(x, -x))
	}
	for i := range got {
		if d := math.Abs(float64(gotGradient[i] - wantGradient[i])); !(d <= 2e-5*float64(largest)) {
			t.Fatalf("gradient[%d] is %v, on the CPU %v", i, gotGradient[i], wantGradient[i])
		}
		// Adam's steps are up to the learning rate for the smallest gradients too, whose signs may differ.
		if d := math.Abs(float64(got[i] - want[i])); !(d <= 3e-3) {
			t.Fatalf("weight %d is %v, on the CPU %v", i, got[i], want[i])
		}
	}
	sum := 0.0
	for i := range got {
		sum += math.Abs(float64(got[i] - want[i]))
	}
	if mean := sum / float64(len(got)); mean > 2e-6 {
		t.Errorf("weights differ by %v in the mean after 3 updates", mean)
	}
}

func TestAccumulationOnCUDA(t *testing.T) { accumulationIsOneBatch(t, onCUDA(t)) }

// trainOnCUDA trains in a folder until an update, from its checkpoint if there is one.
func trainOnCUDA(t *testing.T, p *Task, dir string, until uint64) {
	t.Helper()
	cfg, opt := p.recipe.Train, train.Options{Seed: p.recipe.Seed}
	cfg.MaxUpdates = until
	if _, err := os.Stat(dir); err == nil {
		if opt.Resume, err = train.Find(dir, "last"); err != nil {
			t.Fatal(err)
		}
	}
	traintest.Run(t, p, p.backend, cfg, dir, opt)
}

func TestResumeOnCUDA(t *testing.T) {
	be, count := emulated(t)
	resumeIsExact(t, be)
	if count.graphs == 0 {
		t.Error("no graph was launched: this shows nothing")
	}
}

// resumeIsExact: two updates, a stop, and two more have the bits of four updates, of two micro-batches each, though the graphs are others.
func resumeIsExact(t *testing.T, be kernels.Backend) {
	t.Helper()
	store := corpus(t)
	r := quick()
	r.Data.BatchSamples /= 2
	c := &r.Train
	c.Accumulate, c.LogEvery, c.ValidEvery, c.SaveEvery, c.SaveMinutes, c.SnapshotEvery = 2, 1, 0, 2, 0, -1
	c.Schedule = train.ScheduleConfig{Kind: train.Constant, Peak: 1e-3}
	straight, parts := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	trainOnCUDA(t, taskOn(t, r, store, be), straight, 4)
	trainOnCUDA(t, taskOn(t, r, store, be), parts, 2)
	trainOnCUDA(t, taskOn(t, r, store, be), parts, 4)
	a, err := train.Find(straight, "last")
	if err != nil {
		t.Fatal(err)
	}
	b, err := train.Find(parts, "last")
	if err != nil {
		t.Fatal(err)
	}
	if a.State.Position.Update != 4 || b.State.Position.Update != 4 {
		t.Fatalf("updates %d and %d, want 4", a.State.Position.Update, b.State.Position.Update)
	}
	for _, name := range []string{"model.safetensors", "optimizer.safetensors"} {
		x, err := os.ReadFile(filepath.Join(a.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if y, err := os.ReadFile(filepath.Join(b.Dir, name)); err != nil || !bytes.Equal(x, y) {
			t.Errorf("%s differs (%v)", name, err)
		}
	}
}
