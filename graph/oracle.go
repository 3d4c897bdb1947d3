package graph

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aural/kernels"
)

// adopt registers a node that gorgonia.Grad made by itself (its seed, its sums of gradients), so that gradient rules can use it.
func (b *Builder) adopt(n *Node) error {
	if b.nodes[n.ID()] != nil {
		return nil
	}
	var d kernels.Desc
	switch n.Dtype() {
	case tensor.Float32:
		d.DType = kernels.Float32
	case tensor.Float64:
		d.DType = kernels.Float64
	default:
		return fmt.Errorf("graph: a foreign node of type %v", n.Dtype())
	}
	if s := n.Shape(); !s.IsScalar() {
		d.Shape = s
	}
	b.nodes[n.ID()] = &info{desc: d}
	return nil
}

// compute runs one op on gorgonia's values, for the TapeMachine oracle of the tests. A part computes its whole op again: slow and free of state.
func (b *Builder) compute(a *apply, vals []gorgonia.Value) (gorgonia.Value, error) {
	in := make([]kernels.Buffer, len(vals))
	for i, v := range vals {
		in[i] = kernels.New(a.in[i].DType, a.in[i].Shape...)
		if err := fill(in[i], v.Data()); err != nil {
			return nil, err
		}
	}
	if kernels.IsIdentity(a.op) {
		return value(in[0]), nil
	}
	k, err := b.judge.Compile(a.op, a.in, a.out)
	if err != nil {
		return nil, err
	}
	out := make([]kernels.Buffer, len(a.out))
	for i, d := range a.out {
		out[i] = kernels.New(d.DType, d.Shape...)
	}
	k.Run(&kernels.Step{}, in, out, make([]byte, k.Scratch))
	return value(out[a.part]), nil
}

func fill(b kernels.Buffer, data any) error {
	switch x := data.(type) {
	case float32:
		b.F32()[0] = x
	case float64:
		kernels.Data[float64](b)[0] = x
	case int32:
		b.I32()[0] = x
	case []float32:
		copy(b.F32(), x)
	case []float64:
		copy(kernels.Data[float64](b), x)
	case []int32:
		copy(b.I32(), x)
	case []uint8:
		copy(kernels.Data[uint8](b), x)
	default:
		return fmt.Errorf("graph: cannot read a %T", data)
	}
	return nil
}

func value(b kernels.Buffer) gorgonia.Value {
	switch {
	case b.DType == kernels.Float32 && b.Rank() == 0:
		return gorgonia.NewF32(b.F32()[0])
	case b.DType == kernels.Float64 && b.Rank() == 0:
		return gorgonia.NewF64(kernels.Data[float64](b)[0])
	}
	var back any
	switch b.DType {
	case kernels.Float32:
		back = b.F32()
	case kernels.Float64:
		back = kernels.Data[float64](b)
	case kernels.Int32:
		back = b.I32()
	default:
		back = kernels.Data[uint8](b)
	}
	return tensor.New(tensor.WithShape(b.Shape...), tensor.WithBacking(back))
}
