package onnx

import (
	"encoding/binary"
	"fmt"
	"math"

	"aural/hf"
)

// graph is a GraphProto under construction. Values are known by their names. The first error stays.
type graph struct {
	m               *hf.Model
	shapes          map[string][]int // of the tensors of m
	nodes           [][]byte
	inputs, outputs [][]byte
	tensors         []*tensor
	known           map[string]bool // names of tensors
	scope           string          // begins the names of nodes
	used            map[string]int
	err             error
}

func newGraph(m *hf.Model) *graph {
	g := &graph{m: m, shapes: map[string][]int{}, known: map[string]bool{}, used: map[string]int{}}
	for _, s := range m.Specs() {
		g.shapes[s.Name] = s.Shape
	}
	return g
}

// op adds a node and returns its value.
func (g *graph) op(op string, attrs []attr, in ...string) string {
	name := g.scope + "/" + op
	g.used[name]++
	if n := g.used[name]; n > 1 {
		name = fmt.Sprintf("%s_%d", name, n)
	}
	g.nodes = append(g.nodes, node(name, op, in, []string{name}, attrs))
	return name
}

// output gives a value the name of an output.
func (g *graph) output(name, value string, dims ...any) {
	g.nodes = append(g.nodes, node(name, "Identity", []string{value}, []string{name}, nil))
	g.outputs = append(g.outputs, valueInfo(name, float, dims...))
}

// add keeps a tensor once.
func (g *graph) add(t *tensor) string {
	if !g.known[t.name] {
		g.known[t.name] = true
		g.tensors = append(g.tensors, t)
	}
	return t.name
}

// scalar is a constant of one number.
func (g *graph) scalar(v float32) string {
	raw := binary.LittleEndian.AppendUint32(nil, math.Float32bits(v))
	return g.add(&tensor{name: fmt.Sprintf("constant/float/%g", v), kind: float, bytes: 4, value: func() ([]byte, error) { return raw, nil }})
}

// ints is a constant list of whole numbers, and one of them alone a scalar when asked for by integer.
func (g *graph) ints(v ...int) string {
	t := g.whole(v)
	t.name, t.shape = fmt.Sprintf("constant/ints/%d", v), []int{len(v)}
	return g.add(t)
}

func (g *graph) integer(v int) string {
	t := g.whole([]int{v})
	t.name = fmt.Sprintf("constant/int/%d", v)
	return g.add(t)
}

func (g *graph) whole(v []int) *tensor {
	var raw []byte
	for _, i := range v {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(i))
	}
	return &tensor{kind: integer, bytes: len(raw), value: func() ([]byte, error) { return raw, nil }}
}

// weight is a tensor of the model as it is.
func (g *graph) weight(name string) string {
	return g.derived(name, name, g.shapes[name], func(x []float32) ([]float32, error) { return x, nil })
}

// derived is a tensor computed from one of the model.
func (g *graph) derived(name, from string, shape []int, f func(x []float32) ([]float32, error)) string {
	if g.shapes[from] == nil && g.err == nil {
		g.err = fmt.Errorf("the model has no tensor %q", from)
	}
	n := 1
	for _, d := range shape {
		n *= d
	}
	return g.add(&tensor{name: name, kind: float, shape: shape, bytes: 4 * n, value: func() ([]byte, error) {
		x, err := g.m.Float32(from)
		if err == nil {
			x, err = f(x)
		}
		if err != nil {
			return nil, err
		}
		raw := make([]byte, 4*len(x))
		for i, v := range x {
			binary.LittleEndian.PutUint32(raw[4*i:], math.Float32bits(v))
		}
		return raw, nil
	}})
}

// transposed is the weight (out,in) of a linear layer as (in,out), which MatMul takes.
func (g *graph) transposed(name string) string {
	s := g.shapes[name]
	if len(s) != 2 {
		return g.weight(name)
	}
	out, in := s[0], s[1]
	return g.derived(name+"/transposed", name, []int{in, out}, func(x []float32) ([]float32, error) {
		y := make([]float32, len(x))
		for o := range out {
			for i := range in {
				y[i*out+o] = x[o*in+i]
			}
		}
		return y, nil
	})
}

// weightNorm is w[:,:,k] = g[k]·v[:,:,k]/‖v[:,:,k]‖, the norm summed in float64 (Salimans and Kingma 2016).
func (g *graph) weightNorm(conv string) string {
	shape := g.shapes[conv+".weight_v"]
	return g.derived(conv+".weight", conv+".weight_v", shape, func(v []float32) ([]float32, error) {
		gain, err := g.m.Float32(conv + ".weight_g")
		if err != nil {
			return nil, err
		}
		k := len(gain)
		w := make([]float32, len(v))
		for j := range k {
			sum := 0.0
			for i := j; i < len(v); i += k {
				sum += float64(v[i]) * float64(v[i])
			}
			scale := float64(gain[j]) / math.Sqrt(sum)
			for i := j; i < len(v); i += k {
				w[i] = float32(scale * float64(v[i]))
			}
		}
		return w, nil
	})
}
