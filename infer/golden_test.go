package infer

import (
	"context"
	"math"
	"testing"

	"aural/graph/graphtest"
	"aural/hf/hftest"
	"aural/internal/testkit"
	"aural/kernels"
	"aural/kernels/cpu"
	"aural/kernels/ref"
)

// wave is a row of the golden's batch, without padding.
func wave(g hftest.Golden, row int) []float32 {
	x := make([]float32, g.Samples[row])
	for n, v := range g.Wave(row) {
		x[n] = float32(v)
	}
	return x
}

// backends are all that compute in float32.
func backends(t *testing.T) []kernels.Backend {
	return append([]kernels.Backend{ref.New()}, graphtest.CPUs(t)...)
}

func backend(t testing.TB) kernels.Backend {
	be, err := cpu.New(cpu.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { be.Close() })
	return be
}

// open opens a folder of the tests. The goldens were made of audio that is not normalised.
func open(t testing.TB, name string, o Options, normalize bool) *Model {
	t.Helper()
	m, err := Open(hftest.Folder(name), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	m.normalize = normalize
	return m
}

var exact = testkit.Tol{Abs: 1e-5, Rel: 1e-5}

func wide(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// logSoftmax64 is the plain formula on rows of n logits.
func logSoftmax64(x []float64, n int) []float64 {
	y := make([]float64, len(x))
	for at := 0; at < len(x); at += n {
		sum := 0.0
		for _, v := range x[at : at+n] {
			sum += math.Exp(v)
		}
		for k, v := range x[at : at+n] {
			y[at+k] = v - math.Log(sum)
		}
	}
	return y
}

// Hidden states of every layer and CTC outputs are those of transformers. The padding of base models is audio, as it is for transformers.
func TestGolden(t *testing.T) {
	g := hftest.Load(t)
	ctx := context.Background()
	for name, c := range g.Cases {
		for _, be := range backends(t) {
			t.Run(name+"/"+be.Name(), func(t *testing.T) {
				m := open(t, name, Options{Backend: be}, false)
				if (m.Vocabulary() != nil) != (c.Logits != nil) || m.Head() != (c.Logits != nil) {
					t.Fatalf("head %v, vocabulary %v", m.Head(), m.Vocabulary())
				}
				for row := range g.Samples {
					x := wave(g, row)
					if !m.masks() {
						x = append(x, make([]float32, g.Samples[0]-len(x))...)
					}
					frames := m.Frames(len(x))
					compare := func(what string, got Matrix, want []float64) {
						cols := len(want) / c.Frames / len(g.Samples)
						if got.Rows != frames || got.Cols != cols {
							t.Fatalf("%s is %d x %d, want %d x %d", what, got.Rows, got.Cols, frames, cols)
						}
						testkit.Close(t, what, wide(got.Data), want[row*c.Frames*cols:][:frames*cols], exact)
					}
					layers := []int{2, 1}
					h, err := m.Hidden(ctx, x, layers)
					if err != nil {
						t.Fatal(err)
					}
					compare("last", h[0], c.Last)
					compare("block 0", h[1], c.Blocks[0])
					if c.Logits == nil {
						if _, _, err := m.Emissions(ctx, x, nil); err == nil {
							t.Error("emissions without a head")
						}
						continue
					}
					logp, n, err := m.Emissions(ctx, x, nil)
					if err != nil {
						t.Fatal(err)
					}
					compare("emissions", Matrix{n, m.Classes(), logp}, logSoftmax64(c.Logits, m.Classes()))
				}
			})
		}
	}
}
