// Package exec turns a list of operations into a program: it orders nothing and differentiates nothing, it plans memory once and
// runs many times.
//
//	exec.Graph ──Plan──▶ Program ──Bind(arena, external buffers)──▶ Run, Run, Run …
//
// [Plan] drops what no output needs, finds how long every value lives, gives each a place in one arena (values that are never
// alive together share bytes), and compiles each op once for its shapes. [Program.Run] is then a walk over a slice of launches that
// does not allocate. The package knows nothing of gorgonia: package graph lowers to [Graph].
package exec

import (
	"fmt"

	"aural/kernels"
)

// Value is a tensor that a graph's nodes read or write.
type Value struct {
	Name string // inputs, parameters and outputs have names that differ; others may be empty
	Desc kernels.Desc
	Kind Kind
	// Alias is the value whose storage this one shares (the identity ops), or -1.
	Alias int
}

// Kind says where a value comes from.
type Kind uint8

const (
	Temp  Kind = iota // written by a node
	Input             // fed before each run, lives in the arena
	Param             // external storage that the owner binds: weights
)

// Node applies an op.
type Node struct {
	Op      kernels.Op
	In, Out []int // value numbers
	// Cond is a value number of an int32 scalar input, or -1. Where it is fed 0, the node is skipped, and those of its outputs that
	// are read outside of its condition are zero.
	Cond int
	// Scope is the place in the model, for reports: "encoder.layers.3.attention".
	Scope    string
	Backward bool
}

// Output is a named result. An External output is written into a buffer that the owner binds (a gradient in a flat buffer).
type Output struct {
	Name     string
	Value    int
	External bool
}

// Graph is a list of nodes in an order in which they can run.
type Graph struct {
	Values  []Value
	Nodes   []Node
	Outputs []Output
}

// check proves that the graph is well formed: every value is defined before it is read, once, and has the shape that its op infers.
func (g *Graph) check() error {
	defined := make([]bool, len(g.Values))
	names := map[string]bool{}
	for i, v := range g.Values {
		if v.Kind == Temp {
			continue
		}
		defined[i] = true
		if v.Name == "" || names[v.Name] {
			return fmt.Errorf("exec: input or parameter %q has no name or one that is taken", v.Name)
		}
		names[v.Name] = true
	}
	for n, node := range g.Nodes {
		in := make([]kernels.Desc, len(node.In))
		for i, v := range node.In {
			if v < 0 || v >= len(g.Values) || !defined[v] {
				return fmt.Errorf("exec: node %d (%s %s) reads value %d before it is written", n, node.Scope, node.Op.Name(), v)
			}
			in[i] = g.Values[v].Desc
		}
		if node.Cond >= 0 && g.Values[node.Cond].Kind != Input {
			return fmt.Errorf("exec: node %d (%s %s): a condition must be an input", n, node.Scope, node.Op.Name())
		}
		out, err := node.Op.Infer(in)
		if err != nil {
			return fmt.Errorf("exec: node %d (%s): %w", n, node.Scope, err)
		}
		if len(out) != len(node.Out) {
			return fmt.Errorf("exec: node %d (%s %s) has %d outputs, its op %d", n, node.Scope, node.Op.Name(), len(node.Out), len(out))
		}
		for i, v := range node.Out {
			if defined[v] || g.Values[v].Kind != Temp {
				return fmt.Errorf("exec: node %d (%s %s) writes value %d, which is written already", n, node.Scope, node.Op.Name(), v)
			}
			if !out[i].Equal(g.Values[v].Desc) {
				return fmt.Errorf("exec: node %d (%s %s): output %d is %v, declared %v", n, node.Scope, node.Op.Name(), i, out[i], g.Values[v].Desc)
			}
			defined[v] = true
		}
	}
	for _, o := range g.Outputs {
		if o.Name == "" || names[o.Name] {
			return fmt.Errorf("exec: output %q has no name or one that is taken", o.Name)
		}
		names[o.Name] = true
		if o.Value < 0 || o.Value >= len(g.Values) || !defined[o.Value] {
			return fmt.Errorf("exec: output %q is never written", o.Name)
		}
	}
	return nil
}

// root follows aliases to the value that has storage.
func (g *Graph) root(v int) int {
	for g.Values[v].Alias >= 0 {
		v = g.Values[v].Alias
	}
	return v
}

// prune returns the nodes that some output needs, in order.
func (g *Graph) prune() []Node {
	need := make([]bool, len(g.Values))
	mark := func(v int) {
		for ; v >= 0; v = g.Values[v].Alias {
			need[v] = true
		}
	}
	for _, o := range g.Outputs {
		mark(o.Value)
	}
	keep := make([]bool, len(g.Nodes))
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		for _, v := range g.Nodes[i].Out {
			keep[i] = keep[i] || need[v]
		}
		if keep[i] {
			for _, v := range g.Nodes[i].In {
				mark(v)
			}
		}
	}
	var out []Node
	for i, n := range g.Nodes {
		if keep[i] {
			out = append(out, n)
		}
	}
	return out
}
