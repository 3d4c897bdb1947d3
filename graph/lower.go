package graph

import (
	"cmp"
	"maps"
	"slices"

	"aural/exec"
	"aural/kernels"
)

// Output names a node whose value a program gives. An External output is written into a buffer that the program's owner binds.
type Output struct {
	Name     string
	Node     *Node
	External bool
}

// Lower turns the graph into the plain list of nodes that exec plans. The builder may go on to grow afterwards.
func (b *Builder) Lower(outputs []Output) (*exec.Graph, error) {
	outputs = b.separate(outputs)
	if b.err != nil {
		return nil, b.err
	}
	g := &exec.Graph{}
	number := map[int64]int{} // node id -> value
	add := func(v exec.Value) int {
		g.Values = append(g.Values, v)
		return len(g.Values) - 1
	}
	for _, n := range b.leaves() {
		at := b.nodes[n.ID()]
		kind := exec.Input
		if at.param {
			kind = exec.Param
		}
		number[n.ID()] = add(exec.Value{Name: n.Name(), Desc: at.desc, Kind: kind, Alias: -1})
	}
	for _, n := range b.order {
		at := b.nodes[n.ID()]
		if at.parent != nil {
			continue
		}
		node := exec.Node{Op: at.op.op, Cond: -1, Scope: at.scope, Backward: at.back}
		if at.cond != nil {
			node.Cond = number[at.cond.ID()]
		}
		for _, child := range at.in {
			node.In = append(node.In, number[child.ID()])
		}
		alias := -1
		if kernels.IsIdentity(at.op.op) {
			alias = node.In[0]
		}
		for i, d := range at.op.out {
			v := add(exec.Value{Desc: d, Alias: alias})
			node.Out = append(node.Out, v)
			if p := at.parts[i]; p != nil {
				number[p.ID()] = v
			}
		}
		g.Nodes = append(g.Nodes, node)
	}
	for _, o := range outputs {
		g.Outputs = append(g.Outputs, exec.Output{Name: o.Name, Value: number[o.Node.ID()], External: o.External})
	}
	return g, nil
}

// separate gives each external output a node that writes it and nothing else: where two share a node (the gradients of two terms of a sum),
// or one is an input or an alias, a copy is made.
func (b *Builder) separate(outputs []Output) []Output {
	taken := map[int64]bool{}
	for _, o := range outputs {
		if o.Node != nil && !o.External {
			taken[o.Node.ID()] = true
		}
	}
	list := append([]Output(nil), outputs...)
	for i, o := range list {
		if b.err != nil {
			return list
		}
		if o.Node == nil || b.nodes[o.Node.ID()] == nil {
			b.failf("output %q is not a node of this graph", o.Name)
			return list
		}
		if !o.External {
			continue
		}
		at := b.nodes[o.Node.ID()]
		if at.op == nil || kernels.IsIdentity(at.op.op) || taken[o.Node.ID()] {
			b.back = true
			list[i].Node = b.Apply(kernels.Scale{Factor: 1}, o.Node)
			b.back = false
			continue
		}
		taken[o.Node.ID()] = true
	}
	return list
}

// leaves are the inputs and parameters in order of creation.
func (b *Builder) leaves() []*Node {
	list := slices.Collect(maps.Values(b.names))
	slices.SortFunc(list, func(x, y *Node) int { return cmp.Compare(x.ID(), y.ID()) })
	return list
}
