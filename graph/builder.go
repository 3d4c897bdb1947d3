// Package graph builds a model as a gorgonia expression graph, differentiates it, and lowers it to an [exec.Graph].
//
// It is the only package that imports gorgonia. From gorgonia it takes the graph (ExprGraph, Node), type and shape inference, and the
// protocol of symbolic differentiation (Op, SDOp). Every node is an input, a parameter, or an op of package kernels wrapped in one
// adaptor type; gorgonia's own ops, constants, virtual machines and solvers are not used by the product. Tests run
// gorgonia.Grad and its TapeMachine on the same graphs as independent judges.
//
// gorgonia merges nodes that look equal, by 32-bit hashes and by names. Four guards keep that from ever happening here: every op instance
// has a number of its own that is its hash; names of inputs are refused twice; constants are attributes of ops or named
// inputs, never constant nodes; and after each application the builder checks that it got a new node that holds its op.
package graph

import (
	"fmt"
	"strings"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aural/kernels"
)

// Node is a value in the graph.
type Node = gorgonia.Node

// Builder makes nodes. Its methods do not return errors one by one: the builder keeps the first, with the place in the model where it
// happened, later calls do nothing, and [Builder.Err] is asked once at the end. A Builder is for one goroutine.
type Builder struct {
	g     *gorgonia.ExprGraph
	float kernels.DType
	nodes map[int64]*info
	order []*Node // op nodes, in order of creation
	names map[string]*Node
	ops   uint32
	scope []string
	cond  *Node
	back  bool
	err   error
	// judge computes Do for gorgonia's TapeMachine; only tests set it.
	judge kernels.Backend
}

// info is what gorgonia's Node cannot hold.
type info struct {
	desc   kernels.Desc
	param  bool
	op     *apply  // nil for inputs and parameters
	parent *Node   // for parts: the node whose op has several outputs
	part   int     // for parts: which output
	parts  []*Node // for op nodes: the parts made so far, by output
	in     []*Node
	cond   *Node
	scope  string
	back   bool
}

// New returns an empty builder. Real numbers have type float: Float32, or Float64 for gradient checks.
func New(float kernels.DType) *Builder {
	return &Builder{g: gorgonia.NewGraph(), float: float, nodes: map[int64]*info{}, names: map[string]*Node{}}
}

// Float is the type of real numbers in this graph.
func (b *Builder) Float() kernels.DType { return b.float }

// Err is the first error, or nil.
func (b *Builder) Err() error { return b.err }

func (b *Builder) failf(format string, args ...any) {
	if b.err == nil {
		at := strings.Join(b.scope, ".")
		if at == "" {
			at = "model"
		}
		b.err = fmt.Errorf("graph: %s: %w", at, fmt.Errorf(format, args...))
	}
}

// Scope runs f with name appended to the place in the model that reports and errors show.
func (b *Builder) Scope(name string, f func()) {
	b.scope = append(b.scope, name)
	f()
	b.scope = b.scope[:len(b.scope)-1]
}

// When runs f so that the nodes it makes (and their gradients) are skipped in runs where cond, an int32 scalar input, is fed 0.
// What f leads to must be joined by kernels.Select. Conditions do not nest.
func (b *Builder) When(cond *Node, f func()) {
	if b.cond != nil {
		b.failf("conditions do not nest")
		return
	}
	b.cond = cond
	f()
	b.cond = nil
}

// Input declares a tensor that is fed before each run.
func (b *Builder) Input(name string, t kernels.DType, shape ...int) *Node {
	return b.leaf(name, kernels.Of(t, shape...), false)
}

// Param declares a weight. Asking again for the same name and shape gives the same node (shared weights); another shape is an error.
func (b *Builder) Param(name string, shape ...int) *Node {
	if n, ok := b.names[name]; ok && b.nodes[n.ID()].param && b.Desc(n).Equal(kernels.Of(b.float, shape...)) {
		return n
	}
	return b.leaf(name, kernels.Of(b.float, shape...), true)
}

func (b *Builder) leaf(name string, d kernels.Desc, param bool) *Node {
	if b.err != nil {
		return nil
	}
	if _, taken := b.names[name]; taken || name == "" {
		b.failf("input or parameter %q is declared twice or has no name", name)
		return nil
	}
	dt, err := dtype(d.DType)
	if err != nil {
		b.failf("%q: %w", name, err)
		return nil
	}
	for _, s := range d.Shape {
		if s < 1 {
			b.failf("%q has an empty axis: %v", name, d)
			return nil
		}
	}
	var n *Node
	if d.Rank() == 0 {
		n = gorgonia.NewScalar(b.g, dt, gorgonia.WithName(name))
	} else {
		// The shape option gets a slice of its own: gorgonia may keep it.
		n = gorgonia.NewTensor(b.g, dt, d.Rank(), gorgonia.WithName(name), gorgonia.WithShape(append([]int(nil), d.Shape...)...))
	}
	if _, merged := b.nodes[n.ID()]; merged {
		b.failf("gorgonia merged %q with another input", name)
		return nil
	}
	b.names[name] = n
	b.nodes[n.ID()] = &info{desc: d, param: param, scope: strings.Join(b.scope, ".")}
	return n
}

// Desc is the type and shape of a node, the zero Desc after an error.
func (b *Builder) Desc(n *Node) kernels.Desc {
	if n == nil || b.nodes[n.ID()] == nil {
		return kernels.Desc{}
	}
	return b.nodes[n.ID()].desc
}

// Dim is the length of one axis of a node, counted from the end when negative; 1 after an error.
func (b *Builder) Dim(n *Node, axis int) int {
	d := b.Desc(n)
	if axis < 0 {
		axis += d.Rank()
	}
	if axis < 0 || axis >= d.Rank() {
		if b.err == nil {
			b.failf("axis %d of %v", axis, d)
		}
		return 1
	}
	return d.Shape[axis]
}

// Apply adds an op and returns its first output; [Builder.Part] gives the others.
func (b *Builder) Apply(op kernels.Op, in ...*Node) *Node {
	if b.err != nil {
		return nil
	}
	descs := make([]kernels.Desc, len(in))
	for i, n := range in {
		if n == nil || b.nodes[n.ID()] == nil {
			b.failf("input %d of %s is not a node of this graph", i, op.Name())
			return nil
		}
		descs[i] = b.nodes[n.ID()].desc
	}
	out, err := op.Infer(descs)
	if err != nil {
		b.failf("%w", err)
		return nil
	}
	b.ops++
	a := &apply{b: b, op: op, number: b.ops, in: descs, out: out}
	n := b.insert(a, in, &info{desc: out[0], op: a, in: in, parts: make([]*Node, len(out))})
	if n != nil {
		b.nodes[n.ID()].parts[0] = n
	}
	return n
}

// Part is output i of the op that n came from. Outputs other than the first are not differentiable.
func (b *Builder) Part(n *Node, i int) *Node {
	if b.err != nil {
		return nil
	}
	at := b.nodes[n.ID()]
	if at == nil || at.op == nil || at.parent != nil || i < 0 || i >= len(at.parts) {
		b.failf("the node has no output %d", i)
		return nil
	}
	if at.parts[i] != nil {
		return at.parts[i]
	}
	// A part is made under the condition and in the place of its op, whenever it is asked for.
	scope, cond, back := b.scope, b.cond, b.back
	b.scope, b.cond, b.back = nil, at.cond, at.back
	defer func() { b.scope, b.cond, b.back = scope, cond, back }()
	b.ops++
	a := &apply{b: b, op: at.op.op, number: b.ops, in: at.op.in, out: at.op.out, part: i}
	p := b.insert(a, append([]*Node{n}, at.in...), &info{desc: at.op.out[i], op: a, parent: n, part: i})
	if p != nil {
		b.nodes[p.ID()].scope = at.scope
		at.parts[i] = p
	}
	return p
}

// insert applies an adaptor and proves that gorgonia made a new node for it.
func (b *Builder) insert(a *apply, in []*Node, at *info) (n *Node) {
	defer func() {
		if r := recover(); r != nil {
			b.failf("%s: gorgonia panicked: %v", a.op.Name(), r)
			n = nil
		}
	}()
	n, err := gorgonia.ApplyOp(a, in...)
	if err != nil {
		b.failf("%s: %w", a.op.Name(), err)
		return nil
	}
	if n.Op() != gorgonia.Op(a) || b.nodes[n.ID()] != nil {
		b.failf("gorgonia merged a %s with another node", a.op.Name())
		return nil
	}
	at.cond, at.scope, at.back = b.cond, strings.Join(b.scope, "."), b.back
	b.nodes[n.ID()] = at
	b.order = append(b.order, n)
	return n
}

// dtype is gorgonia's type for a storage type. gorgonia knows no bfloat16; its graph sees float32 there and the descriptor keeps the truth.
func dtype(t kernels.DType) (tensor.Dtype, error) {
	switch t {
	case kernels.Float32, kernels.BFloat16:
		return tensor.Float32, nil
	case kernels.Float64:
		return tensor.Float64, nil
	case kernels.Int32:
		return tensor.Int32, nil
	case kernels.Int16:
		return tensor.Int16, nil
	case kernels.Uint8:
		return tensor.Uint8, nil
	}
	return tensor.Dtype{}, fmt.Errorf("no graph type for %v", t)
}
