package ref_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"aural/internal/testkit"
	"aural/kernels"

	"pgregory.net/rapid"
)

// ctcInputs is a batch of one row.
func ctcInputs(float kernels.DType, logits []float64, frames, classes int, target []int32) []kernels.Buffer {
	x := f64(logits, 1, frames, classes)
	if float == kernels.Float32 {
		y := kernels.New(kernels.Float32, 1, frames, classes)
		for i, v := range logits {
			y.F32()[i] = float32(v)
		}
		x = y
	}
	return []kernels.Buffer{x, i32([]int32{int32(frames)}, 1), i32(append(slices.Clone(target), -1), 1, len(target)+1), i32([]int32{int32(len(target))}, 1)}
}

func one(float kernels.DType) kernels.Buffer {
	if float == kernels.Float32 {
		b := kernels.New(kernels.Float32)
		b.F32()[0] = 1
		return b
	}
	return f64([]float64{1})
}

func numbers(b kernels.Buffer) []float64 {
	if b.DType == kernels.Float64 {
		return data(b)
	}
	var x []float64
	for _, v := range b.F32() {
		x = append(x, float64(v))
	}
	return x
}

// Losses and gradients of PyTorch, and probabilities summed over all paths (testdata/README.md).
func TestCTCOfPyTorch(t *testing.T) {
	var gold struct {
		Logits []float64
		T, V   int
		Blank  int
		Cases  []struct {
			Target []int32
			Loss   float64
			Grad   []float64 `json:"grad_logits"`
		}
		Labels [][2]any `json:"exact_label_probs"`
	}
	testkit.Golden(t, "ctc.json", &gold)
	op := kernels.CTCLoss{Blank: gold.Blank}
	for float, tol := range map[kernels.DType]float64{kernels.Float64: 1e-9, kernels.Float32: 1e-6} {
		for _, c := range gold.Cases {
			name := fmt.Sprintf("%v %v", float, c.Target)
			in := ctcInputs(float, gold.Logits, gold.T, gold.V, c.Target)
			testkit.Close(t, name+" loss", numbers(compute(t, op, kernels.Step{}, in...)[0]), []float64{c.Loss}, testkit.Tol{Rel: tol})
			grad := compute(t, kernels.CTCLossGrad{CTC: op}, kernels.Step{}, append([]kernels.Buffer{one(float)}, in...)...)[0]
			testkit.Close(t, name+" gradient", numbers(grad), c.Grad, testkit.Tol{Abs: max(tol, 1e-9)})
		}
	}
	for _, c := range gold.Labels {
		var target []int32
		for _, k := range c[0].([]any) {
			target = append(target, int32(k.(float64)))
		}
		loss := compute(t, op, kernels.Step{}, ctcInputs(kernels.Float64, gold.Logits, gold.T, gold.V, target)...)[0]
		testkit.Close(t, fmt.Sprint("probability of ", target), []float64{math.Exp(-data(loss)[0])}, []float64{c[1].(float64)}, testkit.Tol{Abs: 1e-8})
	}
}

// The definition itself: all V^T paths are collapsed and their probabilities added to that of their labels. Those of all labels add up to 1.
func TestCTCIsTheSumOverPaths(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		frames, classes := rapid.IntRange(1, 5).Draw(rt, "frames"), rapid.IntRange(2, 4).Draw(rt, "classes")
		blank := rapid.IntRange(0, classes-1).Draw(rt, "blank")
		logits := rapid.SliceOfN(rapid.Float64Range(-4, 4), frames*classes, frames*classes).Draw(rt, "logits")
		want := map[string]float64{}
		targets := map[string][]int32{}
		path := make([]int, frames)
		for n := range int(math.Pow(float64(classes), float64(frames))) {
			p := 1.0
			for i := range path {
				path[i] = n % classes
				n /= classes
				sum := 0.0
				for _, v := range logits[i*classes:][:classes] {
					sum += math.Exp(v)
				}
				p *= math.Exp(logits[i*classes+path[i]]) / sum
			}
			var target []int32
			for i, k := range path {
				if k != blank && (i == 0 || path[i-1] != k) {
					target = append(target, int32(k))
				}
			}
			want[fmt.Sprint(target)] += p
			targets[fmt.Sprint(target)] = target
		}
		for name, target := range targets {
			loss := compute(t, kernels.CTCLoss{Blank: blank}, kernels.Step{}, ctcInputs(kernels.Float64, logits, frames, classes, target)...)[0]
			if got := math.Exp(-data(loss)[0]); math.Abs(got-want[name]) > 1e-12 {
				rt.Fatalf("p(%s) = %v, the paths add up to %v", name, got, want[name])
			}
		}
	})
}
