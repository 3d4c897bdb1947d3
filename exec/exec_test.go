package exec

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"aural/kernels"
	"aural/kernels/ref"
)

// chain is x → scale → … → scale, n ops, with a condition on the middle third that a Select closes.
func chain(n int) *Graph {
	d := kernels.Of(kernels.Float32, 8)
	g := &Graph{Values: []Value{{Name: "x", Desc: d, Kind: Input, Alias: -1}, {Name: "on", Desc: kernels.Of(kernels.Int32), Kind: Input, Alias: -1}}}
	add := func(op kernels.Op, cond int, in ...int) int {
		g.Values = append(g.Values, Value{Desc: d, Alias: -1})
		g.Nodes = append(g.Nodes, Node{Op: op, In: in, Out: []int{len(g.Values) - 1}, Cond: cond})
		return len(g.Values) - 1
	}
	v := 0
	for range n {
		v = add(kernels.Scale{Factor: 2}, -1, v)
	}
	before := v
	for range n {
		v = add(kernels.Scale{Factor: 3}, 1, v)
	}
	g.Outputs = append(g.Outputs, Output{Name: "inside", Value: v})
	v = add(kernels.Select{}, -1, 1, v, before)
	for range n {
		v = add(kernels.Scale{Factor: 0.5}, -1, v)
	}
	g.Outputs = append(g.Outputs, Output{Name: "y", Value: v})
	return g
}

func bound(t *testing.T, g *Graph) *Program {
	t.Helper()
	p, err := Plan(g, ref.New())
	if err != nil {
		t.Fatal(err)
	}
	mem, err := ref.New().Alloc(p.ArenaBytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Bind(mem, func(string) (kernels.Buffer, bool) { return kernels.Buffer{}, false }); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestConditionsSkip(t *testing.T) {
	p := bound(t, chain(3))
	x := []float32{1, 2, 3, 4, 5, 6, 7, 8}
	y, inside := make([]float32, 8), make([]float32, 8)
	for _, on := range []int32{1, 0, 1} {
		for _, err := range []error{p.Feed("x", kernels.BytesOf(x)), p.Feed("on", kernels.BytesOf([]int32{on})), p.Run(&kernels.Step{}),
			p.Read("y", kernels.BytesOf(y)), p.Read("inside", kernels.BytesOf(inside))} {
			if err != nil {
				t.Fatal(err)
			}
		}
		for i := range x {
			wantY, wantInside := x[i], float32(0) // a skipped value that is read outside is zero
			if on != 0 {
				wantY, wantInside = x[i]*27, x[i]*8*27
			}
			if y[i] != wantY || inside[i] != wantInside {
				t.Fatalf("on=%d: y %v, inside %v; want %v, %v", on, y[i], inside[i], wantY, wantInside)
			}
		}
	}
	step := &kernels.Step{}
	if n := testing.AllocsPerRun(20, func() { _ = p.Run(step) }); n != 0 {
		t.Errorf("a run allocates %v times", n)
	}
}

// A long chain needs room for two values at a time, not for all.
func TestArenaIsReused(t *testing.T) {
	p := bound(t, chain(50))
	if limit := 8 * kernels.Alignment; p.ArenaBytes() > limit {
		t.Errorf("a chain of 150 ops takes %d bytes, more than %d", p.ArenaBytes(), limit)
	}
}

func TestPruneDropsWhatNoOutputNeeds(t *testing.T) {
	g := chain(3)
	g.Outputs = g.Outputs[:1] // "inside" only
	if p := bound(t, g); len(p.nodes) != 6 {
		t.Errorf("%d nodes kept, want 6", len(p.nodes))
	}
}

// Live blocks never overlap, whatever the order of allocations and releases, and all is one free block in the end.
func TestAllocatorProperty(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var a allocator
		type live struct{ off, n int }
		var held []live
		for range 100 {
			if len(held) > 0 && r.IntN(3) == 0 {
				i := r.IntN(len(held))
				a.release(held[i].off, held[i].n)
				held = append(held[:i], held[i+1:]...)
				continue
			}
			n := 1 + r.IntN(1000)
			off := a.alloc(n)
			if off%kernels.Alignment != 0 || off+n > a.size {
				t.Fatalf("block of %d at %d in %d bytes", n, off, a.size)
			}
			for _, h := range held {
				if off < h.off+h.n && h.off < off+n {
					t.Fatalf("block [%d,%d) overlaps [%d,%d)", off, off+n, h.off, h.off+h.n)
				}
			}
			held = append(held, live{off, n})
		}
		for _, h := range held {
			a.release(h.off, h.n)
		}
		if len(a.free) != 1 || a.free[0] != (block{0, a.size}) {
			t.Fatalf("after releasing everything the free list is %v of %d bytes", a.free, a.size)
		}
	}
}

func TestPlanRefuses(t *testing.T) {
	for what, spoil := range map[string]func(g *Graph){
		"before it is written": func(g *Graph) { g.Nodes[0].In[0] = 5 },
		"written already":      func(g *Graph) { g.Nodes[1].Out[0] = g.Nodes[0].Out[0] },
		"declared":             func(g *Graph) { g.Values[2].Desc = kernels.Of(kernels.Float32, 9) },
		"never written":        func(g *Graph) { g.Outputs[0].Value = -1 },
		"a condition must be":  func(g *Graph) { g.Nodes[4].Cond = 2 },
		"is taken":             func(g *Graph) { g.Outputs[0].Name = "y" },
		"of its own":           func(g *Graph) { g.Outputs[0].Value, g.Outputs[0].External = 0, true },
	} {
		g := chain(3)
		spoil(g)
		if _, err := Plan(g, ref.New()); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("want an error with %q, got %v", what, err)
		}
	}
}

// Measuring sees every call once, merges those that are alike, repeats only what is asked for, and leaves the results as Run does.
func TestMeasure(t *testing.T) {
	p := bound(t, chain(3))
	x, y, again := []float32{1, 2, 3, 4, 5, 6, 7, 8}, make([]float32, 8), make([]float32, 8)
	for _, on := range []int32{1, 0} {
		for _, err := range []error{p.Feed("x", kernels.BytesOf(x)), p.Feed("on", kernels.BytesOf([]int32{on})), p.Run(&kernels.Step{}), p.Read("y", kernels.BytesOf(y))} {
			if err != nil {
				t.Fatal(err)
			}
		}
		calls, err := p.Measure(&kernels.Step{}, 0, func(op string) bool { return op == "scale" })
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Read("y", kernels.BytesOf(again)); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(y, again) {
			t.Errorf("on=%d: Measure gives %v, Run %v", on, again, y)
		}
		if len(calls) != 2 || calls[0].Op != "scale" || calls[0].Count != 9 || calls[1].Op != "select" || calls[1].Count != 1 {
			t.Fatalf("on=%d: calls %+v", on, calls)
		}
		if len(calls[0].Times) != 3 || len(calls[1].Times) != 0 || !slices.IsSorted(calls[0].Times) {
			t.Errorf("on=%d: times %v and %v, want three and none", on, calls[0].Times, calls[1].Times)
		}
		if calls[0].Bytes != 64 || calls[0].FLOPs != (kernels.Scale{}).FLOPs(calls[0].In, calls[0].Out) {
			t.Errorf("work of %+v", calls[0])
		}
	}
	for _, o := range p.Profile() {
		// 9 and 6 scales ran, 2 selects: a call that its condition forbids is none.
		if want := map[string]int64{"scale": 15, "select": 2}[o.Op]; o.Calls != want {
			t.Errorf("%s: %d calls in the profile, want %d", o.Op, o.Calls, want)
		}
	}
	p.ResetProfile()
	for _, o := range p.Profile() {
		if o.Calls != 0 || o.Time != 0 {
			t.Errorf("after ResetProfile: %+v", o)
		}
	}
}
