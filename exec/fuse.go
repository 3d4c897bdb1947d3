package exec

import (
	"slices"

	"aural/kernels"
)

// longestChain bounds how far chains are tried.
const longestChain = 8

// fusion groups the nodes of a program into chains that the back end takes. A chain becomes one node, whose op is a [kernels.Chain].
//
// At each node, in order, the longest chain that begins there is looked for among nodes that read, directly or through others, what the first gives. They must
// have the condition and the direction of the first, and no path may lead out of the chain and back into it, so that it can run in one go; nodes
// between its own that need not be there move before or after it.
//
// A chain of the backward pass may begin with nodes of the forward pass that read nothing but inputs, parameters, what is kept for the backward pass in any case, and
// what such nodes give: they run again, and the first result of each need not be kept. Others, moments, are small, and kept.
type fusion struct {
	graph   *Graph
	fuser   kernels.Fuser
	nodes   []Node        // without identities
	readers map[int][]int // nodes that read a root value
	outputs map[int]bool  // root values that the program gives
	maker   map[int]int   // node that writes a value
	group   []int         // of each node, -1 for none
	groups  [][]member
}

// member is a node of a chain.
type member struct {
	node  int
	again bool
}

// fuse returns the nodes with chains in place of those that the back end computes together, in an order in which they can run.
func fuse(g *Graph, nodes []Node, be kernels.Backend) []Node {
	fuser, ok := be.(kernels.Fuser)
	if !ok {
		return nodes
	}
	f := &fusion{graph: g, fuser: fuser, readers: map[int][]int{}, outputs: map[int]bool{}, maker: map[int]int{}}
	for _, n := range nodes {
		if !kernels.IsIdentity(n.Op) {
			f.nodes = append(f.nodes, n)
		}
	}
	for i, n := range f.nodes {
		for _, v := range n.In {
			if r := f.readers[g.root(v)]; !slices.Contains(r, i) {
				f.readers[g.root(v)] = append(r, i)
			}
		}
		for _, v := range n.Out {
			f.maker[v] = i
		}
		f.group = append(f.group, -1)
	}
	for _, o := range g.Outputs {
		f.outputs[g.root(o.Value)] = true
	}
	for i := range f.nodes {
		if f.group[i] < 0 {
			f.accept(f.longest([]member{{node: i}}))
		}
		if !f.nodes[i].Backward && f.again([]member{}, i) {
			f.accept(f.longest([]member{{node: i, again: true}}))
		}
	}
	return f.contract()
}

// accept makes a chain a group.
func (f *fusion) accept(chain []member) {
	if len(chain) == 0 {
		return
	}
	for _, m := range chain {
		if !m.again {
			f.group[m.node] = len(f.groups)
		}
	}
	f.groups = append(f.groups, chain)
}

// longest returns the longest chain that begins with the given one, the first of several, or nil.
func (f *fusion) longest(chain []member) []member {
	whole, more := f.fuser.Fuses(f.chain(chain, nil).Op.(*kernels.Chain))
	var best []member
	if whole && len(chain) > 1 && !chain[len(chain)-1].again && f.convex(chain) && f.spares(chain) {
		best = slices.Clone(chain)
	}
	if !more || len(chain) == longestChain {
		return best
	}
	for _, m := range f.next(chain) {
		if c := f.longest(append(slices.Clip(chain), m)); len(c) > len(best) {
			best = c
		}
	}
	return best
}

// next lists what may follow in a chain: nodes behind its last that read what it gives.
func (f *fusion) next(chain []member) []member {
	var list []member
	first, last := f.nodes[chain[0].node], chain[len(chain)-1]
	for _, m := range chain {
		for k, v := range f.nodes[m.node].Out {
			if m.again && k > 0 {
				break
			}
			for _, r := range f.readers[v] {
				n := f.nodes[r]
				if r <= last.node || n.Cond != first.Cond {
					continue
				}
				if last.again {
					if !n.Backward && f.again(chain, r) {
						list = append(list, member{r, true})
					}
					if n.Backward && f.group[r] < 0 {
						list = append(list, member{r, false})
					}
				} else if f.group[r] < 0 && n.Backward == f.nodes[last.node].Backward {
					list = append(list, member{r, false})
				}
			}
		}
	}
	slices.SortFunc(list, func(a, b member) int { return a.node - b.node })
	return slices.Compact(list)
}

// again reports whether a node of the forward pass could run again in a chain: what it reads is there, or is made by the chain, or is kept for the backward pass anyway.
func (f *fusion) again(chain []member, node int) bool {
	for _, v := range f.nodes[node].In {
		root := f.graph.root(v)
		if f.graph.Values[root].Kind != Temp || f.kept(root) {
			continue
		}
		if made := f.maker[root]; root != f.nodes[made].Out[0] || !slices.Contains(chain, member{made, true}) {
			return false
		}
	}
	return true
}

// kept reports whether a value is there in the backward pass in any case: no chain makes it, and some node there reads it.
func (f *fusion) kept(v int) bool {
	return f.group[f.maker[v]] < 0 && slices.ContainsFunc(f.readers[v], func(r int) bool { return f.nodes[r].Backward })
}

// spares reports whether nothing that a chain computes again, for its own nodes, need be kept for others.
func (f *fusion) spares(chain []member) bool {
	for _, m := range chain {
		if !m.again {
			break
		}
		for _, v := range f.nodes[m.node].Out[:1] {
			here := func(r int) bool { return slices.Contains(chain, member{r, false}) }
			elsewhere := func(r int) bool { return !here(r) && (f.group[m.node] < 0 || f.group[r] != f.group[m.node]) }
			if slices.ContainsFunc(f.readers[v], here) && (f.outputs[v] || slices.ContainsFunc(f.readers[v], elsewhere)) {
				return false
			}
		}
	}
	return true
}

// remade reports whether a group computes a value again.
func (f *fusion) remade(group, value int) bool {
	made, ok := f.maker[value]
	return ok && group >= 0 && value == f.nodes[made].Out[0] && slices.Contains(f.groups[group], member{made, true})
}

// convex reports whether no path leads out of the chain and back into it, by way of nodes and the groups that were made before.
func (f *fusion) convex(chain []member) bool {
	inside := func(n int) bool { return slices.Contains(chain, member{n, false}) }
	end := f.furthest(chain[len(chain)-1].node)
	seen := map[int]bool{}
	// reached visits a node and all that follows from it, and reports whether it comes to the chain.
	var reached func(n int) bool
	follow := func(n int, leaving bool) bool {
		for _, v := range f.nodes[n].Out {
			for _, r := range f.readers[v] {
				if leaving && inside(r) || f.remade(f.group[r], v) {
					continue
				}
				if reached(r) {
					return true
				}
			}
		}
		return false
	}
	reached = func(n int) bool {
		if inside(n) {
			return true
		}
		if seen[n] {
			return false
		}
		seen[n] = true
		if g := f.group[n]; g >= 0 {
			for _, m := range f.groups[g] {
				if m.again {
					continue
				}
				seen[m.node] = true
				if follow(m.node, false) {
					return true
				}
			}
			return false
		}
		return n < end && follow(n, false)
	}
	for _, m := range chain {
		if !m.again && follow(m.node, true) {
			return false
		}
	}
	return true
}

// furthest is a node behind which no path leads back to nodes up to last: only groups go back.
func (f *fusion) furthest(last int) int {
	for changed := true; changed; {
		changed = false
		for _, g := range f.groups {
			if first, end := firstOf(g), g[len(g)-1].node; first <= last && end > last {
				last, changed = end, true
			}
		}
	}
	return last
}

// firstOf is the first node of a group that does not run again.
func firstOf(g []member) int {
	for _, m := range g {
		if !m.again {
			return m.node
		}
	}
	return -1
}

// chain is the node that stands for a chain. used says which root values are read outside; nil means what the chain itself can see: all that others read.
func (f *fusion) chain(members []member, used func(v int) bool) Node {
	if used == nil {
		used = func(v int) bool {
			return f.outputs[v] || slices.ContainsFunc(f.readers[v], func(r int) bool { return !slices.Contains(members, member{r, false}) })
		}
	}
	last := f.nodes[members[len(members)-1].node]
	node := Node{Cond: last.Cond, Scope: last.Scope, Backward: last.Backward}
	c := &kernels.Chain{}
	made, count := map[int]int{}, 0 // value → number of the output
	for _, m := range members {
		n := f.nodes[m.node]
		l := kernels.Link{Op: n.Op, Again: m.again}
		for _, v := range n.In {
			root := f.graph.root(v)
			l.In = append(l.In, f.graph.Values[v].Desc)
			if k, ok := made[root]; ok {
				l.From = append(l.From, -1-k)
				continue
			}
			k := slices.Index(node.In, root)
			if k < 0 {
				k = len(node.In)
				node.In = append(node.In, root)
			}
			l.From = append(l.From, k)
		}
		for k, v := range n.Out {
			if k == 0 || !m.again {
				made[v] = count
			}
			count++
			out := !m.again && used(v)
			l.Out, l.Used = append(l.Out, f.graph.Values[v].Desc), append(l.Used, out)
			if out {
				node.Out = append(node.Out, v)
			}
		}
		c.Links = append(c.Links, l)
	}
	for i, m := range members {
		if m.again {
			for _, v := range f.nodes[m.node].Out {
				c.Links[i].Kept = append(c.Links[i].Kept, slices.Index(node.In, v))
			}
		}
	}
	node.Op = c
	return node
}

// contract lists nodes and chains in an order in which they can run. Where there is a choice, what ends first in the old order comes first.
func (f *fusion) contract() []Node {
	type unit struct {
		node Node
		at   int // the last node
	}
	var units []unit
	of := make([]int, len(f.nodes)) // unit of each node
	for i, n := range f.nodes {
		g := f.group[i]
		if g < 0 {
			of[i] = len(units)
			units = append(units, unit{n, i})
			continue
		}
		members := f.groups[g]
		if i != members[len(members)-1].node {
			continue
		}
		for _, m := range members {
			if !m.again {
				of[m.node] = len(units)
			}
		}
		units = append(units, unit{f.chain(members, func(v int) bool {
			return f.outputs[v] || slices.ContainsFunc(f.readers[v], func(r int) bool { return f.group[r] != g && !f.remade(f.group[r], v) })
		}), i})
	}
	// Units are in the order of their last nodes. A unit waits for those that make what it reads.
	var order []Node
	done := make([]bool, len(units))
	ready := func(u unit) bool {
		for _, v := range u.node.In {
			if made, ok := f.maker[f.graph.root(v)]; ok && !done[of[made]] {
				return false
			}
		}
		return true
	}
	for from := 0; from < len(units); {
		i := from
		for done[i] || !ready(units[i]) {
			i++ // to an index out of range if chains wait for each other, which convex rules out
		}
		done[i] = true
		order = append(order, units[i].node)
		for from < len(units) && done[from] {
			from++
		}
	}
	return order
}

// weight is a weight that a node reads, and the op that it is for.
type weight struct {
	op    kernels.Op
	value int
}

// weights lists the weights of linear layers and convolutions that a node reads, alone or in a chain.
func weights(n Node) []weight {
	switch op := n.Op.(type) {
	case kernels.Linear, kernels.Conv1D:
		return []weight{{op, n.In[1]}}
	case *kernels.Chain:
		var list []weight
		for _, l := range op.Links {
			switch l.Op.(type) {
			case kernels.Linear, kernels.Conv1D:
				if k := l.From[1]; k >= 0 {
					list = append(list, weight{l.Op, n.In[k]})
				}
			}
		}
		return list
	}
	return nil
}
