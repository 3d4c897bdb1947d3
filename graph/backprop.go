package graph

import "aural/kernels"

// SeedInput is the name of the scalar input that [Builder.Gradients] makes: the gradient of the loss with respect to itself. Feed 1.
const SeedInput = "loss.gradient"

// Gradients adds the nodes that compute the gradient of loss, a scalar, with respect to each node of wrt, by one reverse sweep over
// the gradient rules of the ops. A nil entry means that the loss does not depend on that node.
//
// Unlike gorgonia.Grad it keeps no state on the nodes, so that it may be called for several losses; it builds nothing that no entry
// of wrt needs; and it sums gradients that meet in one AddN, in the order in which they were made.
func (b *Builder) Gradients(loss *Node, wrt []*Node) []*Node {
	out := make([]*Node, len(wrt))
	if b.err != nil {
		return out
	}
	if d := b.Desc(loss); d.Rank() != 0 || d.DType != b.float {
		b.failf("the loss must be a scalar of %v, got %v", b.float, d)
		return out
	}
	need := map[int64]bool{}
	for _, n := range wrt {
		if n == nil {
			b.failf("gradient with respect to a node that does not exist")
			return out
		}
		need[n.ID()] = true
	}
	// Children are always made before parents, so the order of creation is a topological order.
	forward := append([]*Node(nil), b.order...)
	for _, n := range forward {
		at := b.nodes[n.ID()]
		if at.parent != nil {
			continue
		}
		wants := differentiable(at.op.op, at.op.in)
		for i, child := range at.in {
			if wants[i] && need[child.ID()] {
				need[n.ID()] = true
			}
		}
	}
	if !need[loss.ID()] {
		return out
	}
	seed := b.names[SeedInput]
	if seed == nil {
		seed = b.Input(SeedInput, b.float)
	}
	arrived := map[int64][]*Node{loss.ID(): {seed}}
	cond, scope, back := b.cond, b.scope, b.back
	b.back = true
	defer func() { b.cond, b.scope, b.back = cond, scope, back }()
	total := func(n *Node) *Node {
		at := b.nodes[n.ID()]
		b.cond, b.scope = at.cond, []string{at.scope}
		terms := arrived[n.ID()]
		if len(terms) > 1 {
			terms = []*Node{b.Apply(kernels.AddN{}, terms...)}
			arrived[n.ID()] = terms
		}
		return terms[0]
	}
	for i := len(forward) - 1; i >= 0 && b.err == nil; i-- {
		n := forward[i]
		at := b.nodes[n.ID()]
		if at.parent != nil || !need[n.ID()] || len(arrived[n.ID()]) == 0 {
			continue
		}
		dy := total(n)
		wants := differentiable(at.op.op, at.op.in)
		for j, d := range b.gradient(at.op.op, at.in, n, dy) {
			child := at.in[j]
			if !wants[j] || !need[child.ID()] || b.err != nil {
				continue
			}
			if !b.Desc(d).Equal(b.Desc(child)) {
				b.failf("the gradient of %s for input %d is %v, the input %v", at.op.op.Name(), j, b.Desc(d), b.Desc(child))
				break
			}
			arrived[child.ID()] = append(arrived[child.ID()], d)
		}
	}
	for i, n := range wrt {
		if b.err == nil && len(arrived[n.ID()]) > 0 {
			out[i] = total(n)
		}
	}
	return out
}
