package nn

import (
	"aural/graph"
	"aural/kernels"
	"aural/rng"
)

// Linear is x·Wᵀ + b with out channels: (…,In) → (…,out). Its weight is drawn by init, its bias by biasInit.
func Linear(n *Net, name string, x *graph.Node, out int, init, biasInit Init) *graph.Node {
	in := n.Dim(x, -1)
	return n.Apply(kernels.Linear{}, x, n.Weight(name+".weight", init, out, in), n.Weight(name+".bias", biasInit, out))
}

// LayerNorm normalises the last axis: (…,C) → (…,C).
func LayerNorm(n *Net, name string, x *graph.Node, eps float64) *graph.Node {
	c := n.Dim(x, -1)
	return n.Apply(kernels.LayerNorm{Eps: eps}, x, n.Weight(name+".weight", Constant(1), c), n.Weight(name+".bias", Constant(0), c))
}

// GroupNorm normalises over time and the channels of each group: (B,T,C) → (B,T,C).
func GroupNorm(n *Net, name string, x *graph.Node, groups int, eps float64) *graph.Node {
	c := n.Dim(x, -1)
	return n.Apply(kernels.GroupNorm{Groups: groups, Eps: eps}, x, n.Weight(name+".weight", Constant(1), c), n.Weight(name+".bias", Constant(0), c))
}

// Conv1D convolves over time without padding: (B,T,C) → (B,T',out).
func Conv1D(n *Net, name string, x *graph.Node, out, kernel, stride int, bias bool) *graph.Node {
	in := n.Dim(x, -1)
	args := []*graph.Node{x, n.Weight(name+".weight", KaimingNormal(), out, in, kernel)}
	if bias {
		args = append(args, n.Weight(name+".bias", FanInUniform(in*kernel), out))
	}
	return n.Apply(kernels.Conv1D{Stride: stride, Groups: 1}, args...)
}

// NormedKernel is a kernel of some shape with weight norm over its last axis, from its magnitude NAME_g and its direction NAME_v (Salimans and Kingma 2016), or
// the kernel NAME itself in a net where that is folded. The direction is drawn by init.
func NormedKernel(n *Net, name string, init Init, shape ...int) *graph.Node {
	if n.Folded {
		return n.Weight(name, init, shape...)
	}
	v := n.Weight(name+"_v", init, shape...)
	g := n.Weight(name+"_g", NormOf(name+"_v", shape, init), 1, 1, shape[len(shape)-1])
	return n.Apply(kernels.WeightNorm{}, g, v)
}

// Dropout zeroes elements with probability p while training; name keys its random stream. x is (B,…).
func Dropout(n *Net, name string, x *graph.Node, p float64) *graph.Node {
	if !n.Training || p == 0 {
		return x
	}
	return n.Apply(kernels.Dropout{P: p, Site: rng.Site(name)}, x)
}
