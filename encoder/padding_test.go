package encoder

import (
	"math"
	"testing"

	"aural/graph"
	"aural/graph/graphtest"
	"aural/internal/testkit"
	"aural/kernels"
	"aural/nn"
)

// Padding changes nothing: in a batch of rows of different lengths, the real frames of each row have the values that the row has alone. That holds for
// the layer-norm variant; group norm takes its statistics over the padding too, by definition.
func TestPaddingChangesNothing(t *testing.T) {
	cfg := Config{
		Conv:     []ConvLayer{{Channels: 8, Kernel: 10, Stride: 5}, {Channels: 8, Kernel: 3, Stride: 2}, {Channels: 8, Kernel: 2, Stride: 2}},
		ConvNorm: LayerNorm, ConvBias: true, PreNorm: true, Width: 16, Layers: 2, Heads: 2, FFN: 32, PositionKernel: 8, PositionGroups: 4, FeatureGradScale: 1, NormEps: 1e-5,
	}
	const longest = 700
	samples := []int{longest, 431, 580}
	run := func(t *testing.T, b backend, waves [][]float64, lengths []int) []float64 {
		n := nn.New(b.float, false)
		_, x := Project(n, cfg, Features(n, cfg, n.Input("wave", b.float, len(waves), len(waves[0]), 1)))
		var frames *graph.Node
		if lengths != nil {
			frames = n.Input("lengths", kernels.Int32, len(lengths))
		}
		c, _ := Context(n, cfg, x, frames)
		r := graphtest.New(t, n.Builder, b.be, graph.Output{Name: "c", Node: c})
		if err := n.Initialize(1, func(name string, v []float32) error {
			f := make([]float64, len(v))
			for i := range v {
				f[i] = float64(v[i])
			}
			r.Set(name, f)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		var all []float64
		for _, w := range waves {
			all = append(all, w...)
		}
		r.Feed("wave", all)
		if lengths != nil {
			var l []float64
			for _, n := range lengths {
				l = append(l, float64(n))
			}
			r.Feed("lengths", l)
		}
		r.Run(&kernels.Step{})
		return r.Out("c")
	}
	for _, b := range backends(t) {
		t.Run(b.be.Name(), func(t *testing.T) {
			var padded [][]float64
			var lengths []int
			for row, n := range samples {
				w := make([]float64, longest)
				for i := range n {
					w[i] = math.Sin(0.05*float64(i)+float64(row)) + 0.3*math.Sin(0.31*float64(i*(row+1)))
				}
				padded, lengths = append(padded, w), append(lengths, cfg.Frames(n))
			}
			batch := run(t, b, padded, lengths)
			frames := cfg.Frames(longest)
			for row, n := range samples {
				alone := run(t, b, [][]float64{padded[row][:n]}, nil)
				got := batch[row*frames*cfg.Width:][:len(alone)]
				testkit.Close(t, "context", got, alone, b.tol)
			}
		})
	}
}
