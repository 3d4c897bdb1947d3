package pretrain

import (
	"math"
	"testing"

	"aural/encoder"
	"aural/internal/cudaemu"
	"aural/internal/cudafake"
	"aural/internal/testkit"
	"aural/kernels"
	"aural/kernels/cuda"
	"aural/kernels/ref"
	"aural/train"
)

// inBF16 is the CUDA back end in precision bf16, which stores activations in bfloat16.
func inBF16(t testing.TB) *cuda.Backend {
	t.Helper()
	e := cudaemu.New(cudaemu.Options{Compiler: testkit.Tool(t, "g++")})
	b, err := cuda.New(e, e, cuda.Options{Precision: kernels.PrecisionBF16})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// storing is the reference with the storage of another back end, op by op.
type storing struct {
	*ref.Backend
	kernels.Narrower
}

// With activations in bfloat16 the objective and the gradients are those of the reference with the same storage. What is left is the rounding of weights and
// attention's probabilities, and of what fused kernels do not store: relative 2^-9 for each operand, so that a loss of some 200 (a sum over frames of logits
// that are cosines over 0.1) agrees to 2^-8. Gradients point the same way: those of the first layers, which some forty roundings reach and whose terms nearly cancel, to
// 0.995, as a whole to 0.999.
//
// With soft codes, where nothing chooses, the same bounds hold against the exact objective: a rounding of activations is as large as one of operands. With hard ones a frame
// whose two best codes are nearly equal may take the other, and its logits change altogether.
func TestStorageOfModel(t *testing.T) {
	be, step := inBF16(t), &kernels.Step{Seed: 3, Update: 2}
	for _, norm := range []encoder.ConvNorm{encoder.GroupNorm, encoder.LayerNorm} {
		for _, soft := range []bool{true, false} {
			r := small(norm)
			r.Quantizer.Soft = soft
			got, specs, _ := objective(t, r, kernels.Float32, be)
			got.Run(step)
			agree := func(name string, judge kernels.Backend, float kernels.DType) {
				want, _, _ := objective(t, r, float, judge)
				want.Run(step)
				testkit.Close(t, name+": loss", got.Out(LossOutput), want.Out(LossOutput), testkit.Tol{Rel: 1. / 256})
				largest := 0.0
				var whole, mine []float64
				for _, s := range specs {
					largest = max(largest, length(want.Out(train.GradientOutput(s.Name))))
				}
				for _, s := range specs {
					x, y := want.Out(train.GradientOutput(s.Name)), got.Out(train.GradientOutput(s.Name))
					whole, mine = append(whole, x...), append(mine, y...)
					// Softmax does not depend on the bias of keys: its gradient is nothing but rounding.
					if length(x) < 1e-5*largest {
						continue
					}
					if c := cosine(x, y); !(c > 0.995) {
						t.Errorf("%s, %s norm, soft %v: cosine of the gradients of %s is %v", name, norm, soft, s.Name, c)
					}
				}
				if c := cosine(whole, mine); !(c > 0.999) {
					t.Errorf("%s, %s norm, soft %v: cosine of the gradients is %v", name, norm, soft, c)
				}
			}
			agree("same storage", storing{ref.New(), be}, kernels.Float32)
			if soft {
				agree("float64", ref.New(), kernels.Float64)
			}
		}
	}
}

func TestAccumulationInBF16(t *testing.T) { accumulationIsOneBatch(t, inBF16(t)) }

func TestResumeInBF16(t *testing.T) { resumeIsExact(t, inBF16(t)) }

// Three updates with activations in bfloat16 against three in float32.
func TestUpdatesInBF16(t *testing.T) {
	store, r := corpus(t), quick()
	r.Quantizer.Soft = true
	wantGradient, want := updates(t, taskOn(t, r, store, onCUDA(t)), 3)
	gotGradient, got := updates(t, taskOn(t, r, store, inBF16(t)), 3)
	if c := cosine(wide(wantGradient), wide(gotGradient)); !(c > 0.999) {
		t.Errorf("cosine of the gradients is %v", c)
	}
	// Adam's steps are up to the learning rate, 1e-3, for the smallest gradients too, whose signs may differ; in the mean they hardly do.
	mean, far := 0.0, 0.0
	for i := range got {
		d := math.Abs(float64(got[i] - want[i]))
		mean += d / float64(len(got))
		far = max(far, d)
	}
	if !(far <= 6e-3 && mean <= 5e-5) {
		t.Errorf("after 3 updates weights differ by %v in the mean and by up to %v", mean, far)
	}
}

// length is the Euclidean norm.
func length(x []float64) float64 {
	xx := 0.0
	for _, v := range x {
		xx += v * v
	}
	return math.Sqrt(xx)
}

func wide(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// The arena of the base model shrinks by nearly a half.
func TestStorageOfBase(t *testing.T) {
	r := Default()
	s := Shape{Rows: 5, Samples: 250000, Masked: 5 * 400}
	var sizes []int
	precisions := []kernels.Precision{kernels.PrecisionFloat32, kernels.PrecisionHigh, kernels.PrecisionBF16}
	for _, precision := range precisions {
		be, err := cuda.New(cudafake.New(cudafake.Options{}), anyImage{}, cuda.Options{Precision: precision})
		if err != nil {
			t.Fatal(err)
		}
		defer be.Close()
		m, err := Build(r, s, Mode{Float: kernels.Float32, Training: true})
		if err != nil {
			t.Fatal(err)
		}
		p, err := m.Plan(be, true)
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, p.ArenaBytes())
		t.Logf("%s: %d bytes for %d x %d samples", precision, p.ArenaBytes(), s.Rows, s.Samples)
	}
	if sizes[0] != sizes[1] || sizes[2]*100 > sizes[0]*56 {
		t.Errorf("arenas have %v bytes in %v", sizes, precisions)
	}
}

// cosine of the angle between two gradients.
func cosine(x, y []float64) float64 {
	xy := 0.0
	for i := range x {
		xy += x[i] * y[i]
	}
	return xy / (length(x) * length(y))
}
