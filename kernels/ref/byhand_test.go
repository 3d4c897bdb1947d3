package ref_test

import (
	"math"
	"testing"

	"aural/internal/testkit"
	"aural/kernels"
)

func u8(values []byte, shape ...int) kernels.Buffer {
	b := kernels.New(kernels.Uint8, shape...)
	copy(b.HostBytes(), values)
	return b
}

// Gradient checks cannot see a forward op that computes the wrong thing consistently. These examples were worked with pencil and paper.
func TestByHand(t *testing.T) {
	x123 := f64([]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 2, 3, 2)
	for _, c := range []struct {
		name string
		op   kernels.Op
		in   []kernels.Buffer
		want [][]float64 // nil for an output that is not looked at
	}{
		{"linear", kernels.Linear{}, []kernels.Buffer{
			f64([]float64{1, 2, 3, 4}, 2, 2), f64([]float64{1, 0, 0, 1, 10, 1}, 3, 2), f64([]float64{0, 0, 100}, 3),
		}, [][]float64{{1, 2, 112, 3, 4, 134}}},
		// Deviations -3, -1, 1, 3 have variance 5; with eps 4 the divisor is 3.
		{"layer norm", kernels.LayerNorm{Eps: 4}, []kernels.Buffer{
			f64([]float64{7, 9, 11, 13}, 1, 4), f64([]float64{3, 3, 3, 6}, 4), f64([]float64{0, 1, 0, 0}, 4),
		}, [][]float64{{-3, 0, 1, 6}, {10}, {1. / 3}}},
		// Two groups of two channels over two frames: 7, 9, 11, 13 as above, and 0, 0, 0, 0.
		{"group norm", kernels.GroupNorm{Groups: 2, Eps: 4}, []kernels.Buffer{
			f64([]float64{7, 9, 0, 0, 11, 13, 0, 0}, 1, 2, 4), f64([]float64{3, 6, 1, 1}, 4), f64([]float64{0, 0, 5, 7}, 4),
		}, [][]float64{{-3, -2, 5, 7, 1, 6, 5, 7}, {10, 0}, {1. / 3, 0.5}}},
		{"add", kernels.AddN{}, []kernels.Buffer{f64([]float64{1, 2}, 2), f64([]float64{10, 20}, 2), f64([]float64{100, 200}, 2)}, [][]float64{{111, 222}}},
		{"scale", kernels.Scale{Factor: -2}, []kernels.Buffer{f64([]float64{1, 3}, 2)}, [][]float64{{-2, -6}}},
		{"scale by", kernels.ScaleBy{}, []kernels.Buffer{f64([]float64{1, 3}, 2), f64([]float64{5})}, [][]float64{{5, 15}}},
		{"mean square", kernels.MeanSquare{}, []kernels.Buffer{f64([]float64{1, -2, 3, 4}, 2, 2)}, [][]float64{{7.5}}},
		{"sum of squares", kernels.SumSquares{}, []kernels.Buffer{f64([]float64{1, -2, 3, 4}, 4)}, [][]float64{{30}}},
		// The norm of a gradient with Σg² = 9 + 16 + 0 over 2 is 2.5; what brings it to 1 is 0.4, up to the 1e-6.
		{"clip", kernels.ClipScale{Clip: 1}, []kernels.Buffer{f64([]float64{1, 2}, 2), f64([]float64{2}), f64([]float64{9, 16, 0}, 3)},
			[][]float64{{2.5, 1 / 2.500001, 0.5 / 2.500001, 0}}},
		{"no clip", kernels.ClipScale{}, []kernels.Buffer{f64([]float64{1}, 1), f64([]float64{2}), f64([]float64{25})}, [][]float64{{2.5, 1, 0.5, 0}}},
		{"loss", kernels.ClipScale{}, []kernels.Buffer{f64([]float64{1, math.Inf(1)}, 2), f64([]float64{2}), f64([]float64{25})}, [][]float64{{2.5, 1, 0.5, kernels.FaultLoss}}},
		{"mask frames", kernels.MaskFrames{}, []kernels.Buffer{x123, u8([]byte{0, 1, 0, 255, 0, 0}, 2, 3), f64([]float64{-1, -2}, 2)},
			[][]float64{{1, 2, -1, -2, 5, 6, -1, -2, 9, 10, 11, 12}}},
		{"mask channels", kernels.MaskChannels{}, []kernels.Buffer{x123, u8([]byte{0, 1, 1, 0}, 2, 2)}, [][]float64{{1, 0, 3, 0, 5, 0, 0, 8, 0, 10, 0, 12}}},
		{"mask padding", kernels.MaskPadding{}, []kernels.Buffer{x123, i32([]int32{2, 0}, 2)}, [][]float64{{1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0}}},
		{"gather", kernels.GatherRows{}, []kernels.Buffer{x123, i32([]int32{5, -1, 0}, 3)}, [][]float64{{11, 12, 0, 0, 1, 2}}},
		{"scatter", kernels.ScatterRows{Batch: 1, Frames: 3}, []kernels.Buffer{
			f64([]float64{1, 2, 10, 20, 100, 200}, 3, 2), i32([]int32{2, -1, 2}, 3),
		}, [][]float64{{0, 0, 0, 0, 101, 202}}},
		{"select a", kernels.Select{}, []kernels.Buffer{i32([]int32{-3}), f64([]float64{1}, 1), f64([]float64{2}, 1)}, [][]float64{{1}}},
		{"select b", kernels.Select{}, []kernels.Buffer{i32([]int32{0}), f64([]float64{1}, 1), f64([]float64{2}, 1)}, [][]float64{{2}}},
		// Heads of width 4: scores (2·log 3)/√4 = log 3 and 0, so probabilities 3/4 and 1/4.
		{"attention", kernels.Attention{Heads: 1}, []kernels.Buffer{
			f64([]float64{2, 0, 0, 0, 2, 0, 0, 0}, 1, 2, 4), f64([]float64{math.Log(3), 0, 0, 0, 0, 9, 9, 9}, 1, 2, 4), f64([]float64{4, 0, 0, 8, 8, 4, 0, 0}, 1, 2, 4),
		}, [][]float64{{5, 1, 0, 6, 5, 1, 0, 6}, {math.Log(4), math.Log(4)}}},
		// softmax(log 1, log 3) = 1/4, 3/4 at temperature 1; the second row is padding.
		{"soft quantizer", kernels.GumbelQuantize{Groups: 1, Frames: 1}, []kernels.Buffer{
			f64([]float64{0, math.Log(3), 9, 9}, 2, 2), f64([]float64{4, 8}, 1, 2, 1), i32([]int32{0, -1}, 2), f64([]float64{1}),
		}, [][]float64{{7, 0}, nil}},
		// Shares 1/4 and 3/4 have the perplexity exp(-(log(1/4)+3·log(3/4))/4) = 4/3^(3/4); the loss is (2 - it)/2, up to the 1e-7 in the logarithm.
		{"diversity", kernels.Diversity{Groups: 1}, []kernels.Buffer{
			f64([]float64{0, math.Log(3), 50, 0}, 2, 2), i32([]int32{4, -1}, 2),
		}, [][]float64{{1 - 2/math.Pow(3, 0.75)}, {0.25, 0.75}, {4 / math.Pow(3, 0.75)}}},
		{"code diversity", kernels.Diversity{Groups: 1, Hard: true}, []kernels.Buffer{
			f64([]float64{0, 1, 5, 5, 0, 2, 3, 4}, 4, 2), i32([]int32{0, 1, 2, 3}, 4), // the tie goes to the first
		}, [][]float64{nil, {0.25, 0.75}, {4 / math.Pow(3, 0.75)}}},
		{"no valid row", kernels.Diversity{Groups: 2}, []kernels.Buffer{f64([]float64{0, 1, 2, 3}, 1, 4), i32([]int32{-1}, 1)},
			[][]float64{{0.5}, {0, 0, 0, 0}, {1, 1}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := compute(t, c.op, kernels.Step{}, c.in...)
			for o, want := range c.want {
				if want != nil {
					testkit.Close(t, c.name, data(out[o]), want, testkit.Tol{Abs: 1e-6, Rel: 1e-12})
				}
			}
		})
	}
}

func TestQuantizerTakesTheFirstLargest(t *testing.T) {
	logits := f64([]float64{1, 3, 3, 0, 2, 2, 2, 2}, 2, 4)
	op := kernels.GumbelQuantize{Groups: 2, Frames: 1, Hard: true}
	out := compute(t, op, kernels.Step{}, logits, f64([]float64{10, 11, 12, 13}, 1, 4, 1), i32([]int32{3, -1}, 2), f64([]float64{1}))
	if codes := out[1].I32(); codes[0] != 1 || codes[1] != 0 || codes[2] != -1 || codes[3] != -1 {
		t.Errorf("codes %v, want 1 0 and padding", codes)
	}
	testkit.Close(t, "q", data(out[0]), []float64{11, 12, 0, 0}, testkit.Tol{})
}
