package infer

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"aural/internal/testkit"
	"aural/kernels"
	"aural/kernels/cpu"
	"aural/kernels/ref"
)

// golden is hf/testdata/golden.json: what transformers computes, in float64, with the folders beside it.
type golden struct {
	Samples []int
	Cases   map[string]struct {
		Frames int
		Blocks [][]float64
		Last   []float64
		Logits []float64
	}
}

func loadGolden(t *testing.T) golden {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "hf", "testdata", "golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(raw, &g); err != nil {
		t.Fatal(err)
	}
	if len(g.Cases) != 5 {
		t.Fatalf("%d cases, want 5", len(g.Cases))
	}
	return g
}

// wave is row b of the golden's batch, without padding.
func (g golden) wave(b int) []float32 {
	x := make([]float32, g.Samples[b])
	for n := range x {
		x[n] = float32(math.Sin(0.05*float64(n)+0.9*float64(b)) + 0.3*math.Sin(0.31*float64(n)+1+1.7*float64(b)))
	}
	return x
}

func folder(name string) string { return filepath.Join("..", "hf", "testdata", name) }

// backends are all that compute in float32.
func backends(t *testing.T) []kernels.Backend {
	list := []kernels.Backend{ref.New()}
	for _, v := range cpu.Variants() {
		be, err := cpu.New(cpu.Options{Threads: 2, Variant: v})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { be.Close() })
		list = append(list, be)
	}
	return list
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
	m, err := Open(folder(name), o)
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
	g := loadGolden(t)
	ctx := context.Background()
	for name, c := range g.Cases {
		for _, be := range backends(t) {
			t.Run(name+"/"+be.Name(), func(t *testing.T) {
				m := open(t, name, Options{Backend: be}, false)
				if (m.Vocabulary() != nil) != (c.Logits != nil) || m.Head() != (c.Logits != nil) {
					t.Fatalf("head %v, vocabulary %v", m.Head(), m.Vocabulary())
				}
				for row := range g.Samples {
					x := g.wave(row)
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
