package graph

import (
	"encoding/binary"
	"fmt"
	"hash"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aural/kernels"
)

// apply is the one gorgonia.Op of aural: an op of package kernels at one place in a graph, giving one of its outputs. With part 0 its children
// are the op's inputs; a part i > 0 has its parent as first child, then the op's inputs.
type apply struct {
	b       *Builder
	op      kernels.Op
	number  uint32 // differs for every instance: the hash, so that gorgonia never takes two nodes for one
	in, out []kernels.Desc
	part    int
}

var _ gorgonia.SDOp = (*apply)(nil)

// Arity is the number of children.
func (a *apply) Arity() int {
	if a.part > 0 {
		return len(a.in) + 1
	}
	return len(a.in)
}

// Type is made anew at each call, because gorgonia takes function types back into a pool.
func (a *apply) Type() hm.Type {
	ts := make([]hm.Type, 0, len(a.in)+2)
	if a.part > 0 {
		ts = append(ts, typeOf(a.out[0]))
	}
	for _, d := range a.in {
		ts = append(ts, typeOf(d))
	}
	return hm.NewFnType(append(ts, typeOf(a.out[a.part]))...)
}

func typeOf(d kernels.Desc) hm.Type {
	dt, err := dtype(d.DType)
	if err != nil {
		panic(err) // leaf and Apply only make descriptors that have a graph type
	}
	if d.Rank() == 0 {
		return dt
	}
	return gorgonia.TensorType{Dims: d.Rank(), Of: dt}
}

// InferShape gives the shape that the op inferred when it was applied.
func (a *apply) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) {
	d := a.out[a.part]
	if d.Rank() == 0 {
		return tensor.ScalarShape(), nil
	}
	return append(tensor.Shape(nil), d.Shape...), nil
}

func (a *apply) ReturnsPtr() bool     { return false }
func (a *apply) CallsExtern() bool    { return false }
func (a *apply) OverwritesInput() int { return -1 }
func (a *apply) Hashcode() uint32     { return a.number }
func (a *apply) String() string       { return fmt.Sprintf("%s#%d.%d", a.op.Name(), a.number, a.part) }

func (a *apply) WriteHash(h hash.Hash) {
	var w [4]byte
	binary.LittleEndian.PutUint32(w[:], a.number)
	h.Write(w[:])
}

// DiffWRT says which children have a gradient. The slice is never empty: gorgonia takes an empty one for an error.
func (a *apply) DiffWRT(int) []bool {
	d := make([]bool, a.Arity())
	if a.part == 0 {
		copy(d, differentiable(a.op, a.in))
	}
	return d
}

// SymDiff gives the gradients of the children, in the form gorgonia.Grad asks for.
func (a *apply) SymDiff(in gorgonia.Nodes, out, dout *gorgonia.Node) (gorgonia.Nodes, error) {
	// gorgonia makes nodes of its own for sums of gradients and for the seed; tell the builder of them.
	if err := a.b.adopt(dout); err != nil {
		return nil, err
	}
	back := a.b.back
	a.b.back = true
	defer func() { a.b.back = back }()
	grads := a.b.gradient(a.op, in, out, dout)
	return grads, a.b.err
}

// Do computes the op on gorgonia values through the judging back end, which only tests set: programs never run through gorgonia.
func (a *apply) Do(vals ...gorgonia.Value) (gorgonia.Value, error) {
	if a.b.judge == nil {
		return nil, fmt.Errorf("graph: %s: gorgonia's machines are not used; lower the graph instead", a.op.Name())
	}
	if a.part > 0 {
		vals = vals[1:]
	}
	return a.b.compute(a, vals)
}
