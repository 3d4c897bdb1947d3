package ref_test

import (
	"math"
	"testing"

	"aural/internal/testkit"
	"aural/kernels"
	"aural/rng"
)

// random is a tensor of normal numbers, different for each site.
func random(site uint32, shape ...int) kernels.Buffer {
	b := kernels.New(kernels.Float64, shape...)
	r := rng.At(1, 0, site)
	for i := range data(b) {
		data(b)[i] = r.NormFloat64()
	}
	return b
}

// batchRows is rows from..to-1 of b along its first axis.
func batchRows(b kernels.Buffer, from, to int) kernels.Buffer {
	shape := append([]int{to - from}, b.Shape[1:]...)
	n := b.Size() / b.Shape[0]
	return f64(data(b)[from*n:to*n], shape...)
}

// A batch of 5 rows and the same rows in micro-batches of 2 and 3 must draw the same noise.
func TestStepRowContinuesTheBatch(t *testing.T) {
	const batch, split, frames, channels = 5, 2, 7, 6
	step := func(row int) kernels.Step { return kernels.Step{Seed: 3, Update: 4, Row: row} }
	q, k, v := random(1, batch, frames, channels), random(2, batch, frames, channels), random(3, batch, frames, channels)
	for _, c := range []struct {
		op kernels.Op
		in []kernels.Buffer
	}{
		{kernels.Dropout{P: 0.4, Site: 8}, []kernels.Buffer{q}},
		{kernels.Attention{Heads: 2, DropP: 0.4, Site: 8}, []kernels.Buffer{q, k, v}},
	} {
		part := func(from, to int) []float64 {
			var in []kernels.Buffer
			for _, b := range c.in {
				in = append(in, batchRows(b, from, to))
			}
			return data(compute(t, c.op, step(from), in...)[0])
		}
		whole := part(0, batch)
		testkit.Close(t, c.op.Name(), append(part(0, split), part(split, batch)...), whole, testkit.Tol{})
	}

	// The rows of a quantizer's list belong to frames; a micro-batch counts its frames from its own first row.
	op := kernels.GumbelQuantize{Groups: 2, Frames: frames, Noise: true, Site: 8}
	logits, codebook, tau := random(4, batch*frames, 8), random(5, 1, 8, 3), f64([]float64{0.7})
	quantize := func(from, to int) []float64 {
		n := (to - from) * frames
		index := kernels.New(kernels.Int32, n)
		for i := range n {
			index.I32()[i] = int32(i)
		}
		return data(compute(t, op, step(from), batchRows(logits, from*frames, to*frames), codebook, index, tau)[0])
	}
	testkit.Close(t, op.Name(), append(quantize(0, split), quantize(split, batch)...), quantize(0, batch), testkit.Tol{})
}

func TestDropoutKeepsTheExpectedShare(t *testing.T) {
	const n, p = 100000, 0.1
	ones := kernels.New(kernels.Float64, n)
	for i := range n {
		data(ones)[i] = 1
	}
	y := data(compute(t, kernels.Dropout{P: p, Site: 1}, kernels.Step{Seed: 1}, ones)[0])
	kept := 0
	for _, v := range y {
		switch v {
		case 0:
		case 1 / (1 - p):
			kept++
		default:
			t.Fatalf("1 became %v", v)
		}
	}
	// The count is binomial with standard deviation √(n·p·(1-p)); five of them are never reached by chance.
	if off := math.Abs(float64(kept) - n*(1-p)); off > 5*math.Sqrt(n*p*(1-p)) {
		t.Errorf("%d of %d kept", kept, n)
	}
}

// The codes of the Gumbel trick are a sample of softmax(logits) (Maddison, Tarlow, Minka 2014).
func TestGumbelSamplesTheSoftmax(t *testing.T) {
	const n = 50000
	probability := []float64{0.5, 0.2, 0.25, 0.05}
	logits, index := kernels.New(kernels.Float64, n, 4), kernels.New(kernels.Int32, n)
	for i := range n {
		index.I32()[i] = int32(i)
		for v, p := range probability {
			data(logits)[4*i+v] = math.Log(p)
		}
	}
	op := kernels.GumbelQuantize{Groups: 1, Frames: n, Noise: true, Hard: true, Site: 2}
	codes := compute(t, op, kernels.Step{Seed: 1}, logits, random(1, 1, 4, 1), index, f64([]float64{1}))[1]
	count := make([]float64, 4)
	for _, c := range codes.I32() {
		count[c]++
	}
	for v, p := range probability {
		if off := math.Abs(count[v] - n*p); off > 5*math.Sqrt(n*p*(1-p)) {
			t.Errorf("entry %d of probability %v was drawn %v times of %d", v, p, count[v], n)
		}
	}
}

// Frames beyond a row's length must not influence the others: the shorter sequence alone gives the same.
func TestAttentionIgnoresPadding(t *testing.T) {
	const frames, length, channels = 9, 5, 4
	q, k, v := random(1, 1, frames, channels), random(2, 1, frames, channels), random(3, 1, frames, channels)
	short := func(b kernels.Buffer) kernels.Buffer { return f64(data(b)[:length*channels], 1, length, channels) }
	op := kernels.Attention{Heads: 2}
	padded := compute(t, op, kernels.Step{}, q, k, v, i32([]int32{length}, 1))[0]
	alone := compute(t, op, kernels.Step{}, short(q), short(k), short(v))[0]
	testkit.Close(t, "y", data(padded)[:length*channels], data(alone), testkit.Tol{})
}
