package hf

import (
	"fmt"
	"slices"
	"testing"

	"aural/encoder"
	"aural/graph"
	"aural/graph/graphtest"
	"aural/hf/hftest"
	"aural/internal/testkit"
	"aural/kernels"
	"aural/kernels/ref"
	"aural/nn"
)

// backends are all that compute in float32; values are of order 1 and held to 1e-5.
func backends(t *testing.T) []kernels.Backend {
	return append([]kernels.Backend{ref.New()}, graphtest.CPUs(t)...)
}

func open(t *testing.T, dir string, heads ...Head) *Model {
	t.Helper()
	m, err := Open(dir, heads...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// network is a folder as a graph, with or without padding.
type network struct {
	*nn.Net
	cfg     Config
	lengths *graph.Node
	outputs []graph.Output
}

func (n *network) out(name string, node *graph.Node) {
	n.outputs = append(n.outputs, graph.Output{Name: name, Node: node})
}

// encode adds the encoder.
func (n *network) encode(wave *graph.Node) (last *graph.Node, blocks []*graph.Node) {
	e := n.cfg.Encoder()
	_, x := encoder.Project(n.Net, e, encoder.Features(n.Net, e, wave))
	last, states := encoder.Context(n.Net, e, x, n.lengths)
	return last, states[1:]
}

// run feeds the batch of the golden and the weights of the folder.
func (n *network) run(t *testing.T, g hftest.Golden, m *Model, be kernels.Backend) *graphtest.Bench {
	t.Helper()
	r := graphtest.New(t, n.Builder, be, n.outputs...)
	for _, s := range n.Specs() {
		x, err := m.Float32(s.Name)
		if err != nil {
			t.Fatal(err)
		}
		wide := make([]float64, len(x))
		for i, v := range x {
			wide[i] = float64(v)
		}
		r.Set(s.Name, wide)
	}
	r.Feed("wave", g.Waves())
	if n.lengths != nil {
		var frames []float64
		for _, s := range g.Samples {
			frames = append(frames, float64(n.cfg.Encoder().Frames(s)))
		}
		r.Feed("lengths", frames)
	}
	r.Run(&kernels.Step{})
	return r
}

func newNetwork(g hftest.Golden, m *Model) (*network, *graph.Node) {
	n := &network{Net: nn.New(kernels.Float32, false), cfg: m.Config}
	if m.Preprocessor.AttentionMask {
		n.lengths = n.Input("lengths", kernels.Int32, len(g.Samples))
	}
	return n, n.Input("wave", kernels.Float32, len(g.Samples), slices.Max(g.Samples), 1)
}

var exact = testkit.Tol{Abs: 1e-5, Rel: 1e-5}

// Hidden states of every block and CTC logits are those of transformers, padded batches included.
func TestGoldenHiddenStates(t *testing.T) {
	g := hftest.Load(t)
	for name, c := range g.Cases {
		for _, be := range backends(t) {
			t.Run(name+"/"+be.Name(), func(t *testing.T) {
				m := open(t, hftest.Folder(name))
				n, wave := newNetwork(g, m)
				last, blocks := n.encode(wave)
				for i, b := range blocks {
					n.out(fmt.Sprint("block ", i), b)
				}
				n.out("last", last)
				if c.Logits != nil {
					n.out("logits", nn.Linear(n.Net, "lm_head", last, m.Config.VocabSize, nn.Constant(0), nn.Constant(0)))
				}
				r := n.run(t, g, m, be)
				for row, s := range g.Samples {
					frames := c.Frames
					if n.lengths != nil {
						frames = m.Config.Encoder().Frames(s)
					}
					compare := func(what string, got, want []float64) {
						width := len(want) / c.Frames / len(g.Samples)
						at := row * c.Frames * width
						testkit.Close(t, fmt.Sprintf("row %d: %s", row, what), got[at:at+frames*width], want[at:at+frames*width], exact)
					}
					for i, b := range c.Blocks {
						compare(fmt.Sprint("block ", i), r.Out(fmt.Sprint("block ", i)), b)
					}
					compare("last hidden state", r.Out("last"), c.Last)
					if c.Logits != nil {
						compare("logits", r.Out("logits"), c.Logits)
					}
				}
			})
		}
	}
}
