package exec

import (
	"slices"

	"aural/kernels"
)

// stored is the graph with activations in the type that the back end keeps them in: a value becomes bfloat16 where the node that writes it and all that read it allow
// that, together with those that must be stored like it. Inputs, parameters and outputs stay as they are, and so do scalars and vectors, which are no activations.
func stored(g *Graph, nodes []Node, be kernels.Backend) *Graph {
	n, ok := be.(kernels.Narrower)
	if !ok {
		return g
	}
	set := make([]int, len(g.Values)) // of values that are stored alike: another of them, or itself
	wide := make([]bool, len(g.Values))
	for v, val := range g.Values {
		set[v] = g.root(v)
		wide[v] = val.Kind != Temp || val.Desc.DType != kernels.Float32 || val.Desc.Rank() < 2
	}
	find := func(v int) int {
		for set[v] != v {
			v = set[v]
		}
		return v
	}
	join := func(a, b int) {
		a, b = find(a), find(b)
		set[b] = a
		wide[a] = wide[a] || wide[b]
	}
	for v := range g.Values {
		if r := g.root(v); wide[v] {
			wide[r] = true
		}
	}
	for _, o := range g.Outputs {
		wide[g.root(o.Value)] = true
	}
	for _, node := range nodes {
		if kernels.IsIdentity(node.Op) {
			continue
		}
		s := n.Narrow(node.Op, descs(g, node.In), descs(g, node.Out))
		first := map[int]int{}
		visit := func(v, group int) {
			v = g.root(v)
			if other, some := first[group]; group == 0 {
				wide[find(v)] = true
			} else if some {
				join(other, v)
			} else {
				first[group] = v
			}
		}
		for i, v := range node.In {
			visit(v, s.Group(i))
		}
		for o, v := range node.Out {
			visit(v, s.Group(-1-o))
		}
	}
	narrow := *g
	narrow.Values = slices.Clone(g.Values)
	for v := range narrow.Values {
		if !wide[find(v)] {
			narrow.Values[v].Desc.DType = kernels.BFloat16
		}
	}
	return &narrow
}

func descs(g *Graph, vs []int) []kernels.Desc {
	d := make([]kernels.Desc, len(vs))
	for i, v := range vs {
		d[i] = g.Values[v].Desc
	}
	return d
}
