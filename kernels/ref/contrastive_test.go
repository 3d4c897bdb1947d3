package ref_test

import (
	"math"
	"testing"

	"aural/internal/testkit"
	"aural/kernels"
)

// wave is f(k) for k = 0..n-1.
func wave(n int, f func(k float64) float64) []float64 {
	x := make([]float64, n)
	for k := range x {
		x[k] = f(float64(k))
	}
	return x
}

// The quantizer, both perplexities, the contrastive logits and the losses of fairseq (testdata/README.md).
func TestFairseqQuantizer(t *testing.T) {
	var gold struct {
		Params         []testkit.Param
		NegIdx         [][]int32 `json:"neg_idx"`
		Q              []float64
		CodePerplexity float64  `json:"code_perplexity"`
		ProbPerplexity float64  `json:"prob_perplexity"`
		NegEqualsPos   [][]bool `json:"neg_equals_pos"`
		Logits         [][]float64
		ContrastiveSum float64 `json:"contrastive_sum"`
		Diversity      float64
		Total          float64
	}
	testkit.Golden(t, "wav2vec2_quantizer_tiny.json", &gold)
	const steps, dim, groups, vars, vq, kappa, alpha = 5, 6, 2, 4, 8, 0.1, 0.1 // config of the file
	p := testkit.Fill(gold.Params)
	for i, v := range p["vars"] {
		p["vars"][i] = float64(float32(v)) // fairseq's codebook was float32, what followed was not
	}
	z := f64(wave(steps*dim, func(k float64) float64 { return math.Sin(0.37*k + 0.2) }), 1, steps, dim)
	c := f64(wave(steps*vq, func(k float64) float64 { return math.Cos(0.23 * k) }), steps, vq)
	index := i32([]int32{0, 1, 2, 3, 4}, steps)

	logits := compute(t, kernels.Linear{}, kernels.Step{}, z,
		f64(p["weight_proj.weight"], groups*vars, dim), f64(p["weight_proj.bias"], groups*vars))[0]
	logits.Shape = []int{steps, groups * vars}
	quantized := compute(t, kernels.GumbelQuantize{Groups: groups, Frames: steps, Hard: true}, kernels.Step{},
		logits, f64(p["vars"], 1, groups*vars, vq/groups), index, f64([]float64{2}))
	testkit.Close(t, "q", data(quantized[0]), gold.Q, testkit.Tol{Abs: 1e-9})

	soft := compute(t, kernels.Diversity{Groups: groups}, kernels.Step{}, logits, index)
	hard := compute(t, kernels.Diversity{Groups: groups, Hard: true}, kernels.Step{}, logits, index)
	fairseqFloat32 := testkit.Tol{Rel: 1e-6, Abs: 1e-6}
	testkit.Close(t, "prob perplexity", []float64{data(soft[2])[0] + data(soft[2])[1]}, []float64{gold.ProbPerplexity}, fairseqFloat32)
	testkit.Close(t, "code perplexity", []float64{data(hard[2])[0] + data(hard[2])[1]}, []float64{gold.CodePerplexity}, fairseqFloat32)
	testkit.Close(t, "diversity", data(soft[0]), []float64{gold.Diversity}, fairseqFloat32)

	var negatives []int32
	var lse []float64
	for n, row := range gold.NegIdx {
		negatives = append(negatives, row...)
		sum := 0.0
		for m := range gold.Logits {
			sum += math.Exp(gold.Logits[m][n])
		}
		lse = append(lse, math.Log(sum))
	}
	nce := compute(t, kernels.InfoNCE{Temp: kappa}, kernels.Step{}, c, quantized[0], i32(negatives, steps, len(gold.NegIdx[0])), quantized[1])
	testkit.Close(t, "contrastive loss", data(nce[0]), []float64{gold.ContrastiveSum}, testkit.Tol{Rel: 1e-9})
	testkit.Close(t, "log-sum-exp", data(nce[1]), lse, testkit.Tol{Abs: 1e-9})
	testkit.Close(t, "total", []float64{data(nce[0])[0] + alpha*steps*data(soft[0])[0]}, []float64{gold.Total}, fairseqFloat32)
	for n := range steps {
		best, equal := int32(1), int32(0)
		for m := range gold.NegEqualsPos {
			if gold.Logits[m+1][n] > gold.Logits[0][n] {
				best = 0
			}
			if gold.NegEqualsPos[m][n] {
				equal++
			}
		}
		if hits := nce[2].I32(); hits[2*n] != best || hits[2*n+1] != equal {
			t.Errorf("step %d: hits %v, want [%d %d]", n, hits[2*n:2*n+2], best, equal)
		}
	}
}

// Rows of four channels whose cosines are exact in floating point: unit vectors and their opposites.
var (
	east  = []float64{1, 0, 0, 0}
	west  = []float64{-1, 0, 0, 0}
	north = []float64{0, 1, 0, 0}
	none  = []float64{0, 0, 0, 0}
)

func TestInfoNCEHits(t *testing.T) {
	const temp = 0.5
	for _, c := range []struct {
		name      string
		c         []float64
		positive  []float64
		negatives [][]float64
		codes     []int32 // of the positive and the negatives
		loss      float64
		hit, same int32
	}{
		// s = cos/temp: 2 for the same direction, 0 for a right angle, -2 for the opposite.
		{"largest", east, east, [][]float64{west, north}, []int32{0, 1, 2}, math.Log(1 + math.Exp(-4) + math.Exp(-2)), 1, 0},
		{"not largest", north, east, [][]float64{west, north}, []int32{0, 1, 2}, math.Log(2 + math.Exp(2)), 0, 0},
		{"tie with a negative of another code", east, east, [][]float64{east, west}, []int32{0, 1, 2}, math.Log(2 + math.Exp(-4)), 1, 0},
		{"all logits equal", none, east, [][]float64{west, north}, []int32{0, 1, 2}, math.Log(3), 0, 0},
		{"duplicate leaves the sum", east, east, [][]float64{east, west}, []int32{0, 0, 2}, math.Log(1 + math.Exp(-4)), 1, 1},
		{"collapsed codebook", east, north, [][]float64{north, north}, []int32{5, 5, 5}, 0, 1, 2},
		{"collapsed codebook, equal vectors", east, north, [][]float64{north, north}, nil, 0, 1, 2},
		{"duplicate by vector", east, east, [][]float64{east, west}, nil, math.Log(1 + math.Exp(-4)), 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			// Row 0 is the step; the others hold the candidates and are padding as steps.
			n := 1 + len(c.negatives)
			k := len(c.negatives)
			q, ctx := append([]float64{}, c.positive...), append(append([]float64{}, c.c...), make([]float64, 4*k)...)
			negatives := make([]int32, n*k)
			for i := range negatives {
				negatives[i] = -1
			}
			for m, v := range c.negatives {
				q = append(q, v...)
				negatives[m] = int32(m + 1)
			}
			in := []kernels.Buffer{f64(ctx, n, 4), f64(q, n, 4), i32(negatives, n, k)}
			if c.codes != nil {
				in = append(in, i32(c.codes, n, 1))
			}
			out := compute(t, kernels.InfoNCE{Temp: temp}, kernels.Step{}, in...)
			testkit.Close(t, "loss", data(out[0]), []float64{c.loss}, testkit.Tol{Abs: 1e-15})
			hits := out[2].I32()
			if hits[0] != c.hit || hits[1] != c.same {
				t.Errorf("hit %d with %d equal negatives, want %d with %d", hits[0], hits[1], c.hit, c.same)
			}
			for r := 1; r < n; r++ {
				if hits[2*r] != -1 || hits[2*r+1] != 0 || data(out[1])[r] != 0 {
					t.Errorf("padding row %d: hits %v, lse %v", r, hits[2*r:2*r+2], data(out[1])[r])
				}
			}
		})
	}
}
