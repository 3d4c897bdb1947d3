package exec

import (
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"testing"
	"unsafe"

	"pgregory.net/rapid"

	"aural/kernels"
	"aural/kernels/ref"
)

// toyFuser takes chains at will, by a hash of their ops, and computes them op by op in memory of its own.
type toyFuser struct {
	kernels.Backend
	t      interface{ Fatalf(string, ...any) }
	seed   int
	take   func(c *kernels.Chain) (whole, more bool) // instead of the hash
	frozen []kernels.Buffer
}

func (b *toyFuser) Fuses(c *kernels.Chain) (whole, more bool) {
	if b.take != nil {
		return b.take(c)
	}
	h := fnv.New32()
	fmt.Fprint(h, b.seed, c.Name(), len(c.Links[0].In))
	k := h.Sum32() >> 8
	return k%3 > 0, len(c.Links) < 5 && k%7 > 0
}

func (b *toyFuser) Freeze(_ kernels.Op, w kernels.Buffer) error {
	b.frozen = append(b.frozen, w)
	return nil
}

func (b *toyFuser) Compile(op kernels.Op, in, out []kernels.Desc) (kernels.Kernel, error) {
	chain, ok := op.(*kernels.Chain)
	if !ok {
		k, err := b.Backend.Compile(op, in, out)
		run := k.Run
		k.Scratch = max(k.Scratch, toyScratch)
		k.Run = func(s *kernels.Step, in, out []kernels.Buffer, scratch []byte) {
			b.poison(in, out, scratch)
			run(s, in, out, scratch)
		}
		return k, err
	}
	want, err := chain.Infer(in)
	if err != nil || len(want) != len(out) {
		b.t.Fatalf("%s: %v; %d outputs, %d used", chain.Name(), err, len(out), len(want))
	}
	type link struct {
		kernel  kernels.Kernel
		in, out []kernels.Buffer
		scratch []byte
	}
	var links []link
	for _, l := range chain.Links {
		k, err := b.Backend.Compile(l.Op, l.In, l.Out)
		if err != nil {
			return k, err
		}
		links = append(links, link{k, make([]kernels.Buffer, len(l.In)), make([]kernels.Buffer, len(l.Out)), make([]byte, k.Scratch)})
	}
	return kernels.Kernel{Variant: "toy", Scratch: toyScratch, Run: func(s *kernels.Step, in, out []kernels.Buffer, scratch []byte) {
		b.poison(in, out, scratch)
		var made []kernels.Buffer
		for i, l := range chain.Links {
			for j, from := range l.From {
				if from >= 0 {
					links[i].in[j] = in[from]
				} else {
					links[i].in[j] = made[-1-from]
				}
			}
			_, place := chain.Outputs(i)
			for j, at := range place {
				if at >= 0 {
					links[i].out[j] = out[at]
				} else {
					links[i].out[j] = kernels.New(l.Out[j].DType, l.Out[j].Shape...)
				}
			}
			links[i].kernel.Run(s, links[i].in, links[i].out, links[i].scratch)
			made = append(made, links[i].out...)
		}
	}}, nil
}

// toyScratch is working memory that kernels have only to spoil it.
const toyScratch = 100

// poison fills outputs and working memory with NaN, after a check that outputs share no byte with inputs or each other.
func (b *toyFuser) poison(in, out []kernels.Buffer, scratch []byte) {
	for i := range scratch[:toyScratch] {
		scratch[i] = 0xFF
	}
	span := func(x kernels.Buffer) (lo, hi uintptr) {
		lo = uintptr(unsafe.Pointer(unsafe.SliceData(x.HostBytes())))
		return lo, lo + uintptr(x.Bytes())
	}
	for i, o := range out {
		lo, hi := span(o)
		for _, x := range append(slices.Clone(in), out[:i]...) {
			if l, h := span(x); lo < h && l < hi {
				b.t.Fatalf("output %d shares memory with another operand", i)
			}
		}
		if o.DType == kernels.Float32 {
			for j := range o.F32() {
				o.F32()[j] = float32(math.NaN())
			}
		}
	}
}

// drawGraph makes a graph of row-wise ops with aliases, conditions, values that several nodes read, and a backward half that reads what the first half made.
func drawGraph(t *rapid.T) *Graph {
	const rows, width = 3, 4
	d, stat := kernels.Of(kernels.Float32, rows, width), kernels.Of(kernels.Float32, rows)
	vector := kernels.Of(kernels.Float32, width)
	g := &Graph{Values: []Value{{Name: "on", Desc: kernels.Of(kernels.Int32), Kind: Input, Alias: -1}, {Name: "x", Desc: d, Kind: Input, Alias: -1},
		{Name: "gamma", Desc: vector, Kind: Param, Alias: -1}, {Name: "beta", Desc: vector, Kind: Param, Alias: -1}, {Name: "p", Desc: d, Kind: Param, Alias: -1}}}
	// Values that may be read, by condition: outside of it, and inside.
	values := map[int][]int{-1: {1, 4}}
	number := rapid.IntRange(4, 24).Draw(t, "nodes")
	inside := rapid.IntRange(0, number).Draw(t, "inside")
	leave := rapid.IntRange(inside, number).Draw(t, "leave")
	back := rapid.IntRange(0, number).Draw(t, "backward")
	for i := range number {
		cond := -1
		if i >= inside && i < leave {
			cond = 0
		}
		pick := func(what string) int {
			list := values[-1]
			if cond == 0 {
				list = append(slices.Clone(list), values[0]...)
			}
			if k := len(list); k > 4 && rapid.Bool().Draw(t, "near") {
				list = list[k-4:]
			}
			return rapid.SampledFrom(list).Draw(t, what)
		}
		n := Node{Cond: cond, Backward: i >= back}
		outs, alias := []kernels.Desc{d}, -1
		switch rapid.IntRange(0, 6).Draw(t, "op") {
		case 0:
			n.Op, n.In = kernels.GELU{}, []int{pick("in")}
		case 1:
			n.Op, n.In = kernels.Dropout{P: 0.3, Site: uint32(i)}, []int{pick("in")}
		case 2, 3:
			n.Op, n.In = kernels.AddN{}, []int{pick("in"), pick("in"), pick("in")}
		case 4:
			n.Op, n.In, outs = kernels.LayerNorm{Eps: 1e-3}, []int{pick("in"), 2, 3}, []kernels.Desc{d, stat, stat}
		case 5:
			n.Op, n.In = kernels.GELUGrad{}, []int{pick("in"), pick("in")}
		case 6:
			in := pick("in")
			n.Op, n.In, alias = kernels.GradScale{Factor: 0.1}, []int{in}, in
		}
		for _, o := range outs {
			n.Out = append(n.Out, len(g.Values))
			g.Values = append(g.Values, Value{Desc: o, Alias: alias})
		}
		g.Nodes = append(g.Nodes, n)
		values[cond] = append(values[cond], n.Out[0])
		if i == leave-1 && len(values[0]) > 0 {
			// What is inside goes out through a Select.
			a := values[0][len(values[0])-1]
			g.Nodes = append(g.Nodes, Node{Op: kernels.Select{}, In: []int{0, a, 1}, Out: []int{len(g.Values)}, Cond: -1, Backward: i >= back})
			g.Values = append(g.Values, Value{Desc: d, Alias: -1})
			values[-1] = append(values[-1], len(g.Values)-1)
		}
	}
	all := append(slices.Clone(values[-1]), values[0]...)
	for i := range rapid.IntRange(1, 4).Draw(t, "outputs") {
		v := rapid.SampledFrom(all).Draw(t, "output")
		external := g.Values[v].Kind == Temp && g.Values[v].Alias < 0 && rapid.Bool().Draw(t, "external") &&
			!slices.ContainsFunc(g.Outputs, func(o Output) bool { return o.External && o.Value == v })
		g.Outputs = append(g.Outputs, Output{Name: fmt.Sprintf("y%d", i), Value: v, External: external})
	}
	return g
}

// outputsOf runs a program and returns its outputs, in the order of the graph.
func outputsOf(t interface{ Fatalf(string, ...any) }, p *Program, g *Graph, on int32) [][]float32 {
	external := map[string]kernels.Buffer{}
	for k, v := range g.Values {
		if v.Kind == Param {
			b := kernels.New(kernels.Float32, v.Desc.Shape...)
			for i := range b.F32() {
				b.F32()[i] = float32(math.Sin(float64(7*k + i)))
			}
			external[v.Name] = b
		}
	}
	for _, o := range g.Outputs {
		if o.External {
			external[o.Name] = kernels.New(kernels.Float32, g.Values[o.Value].Desc.Shape...)
		}
	}
	mem, err := p.backend.Alloc(p.ArenaBytes())
	if err != nil {
		t.Fatalf("%v", err)
	}
	if err := p.Bind(mem, func(name string) (kernels.Buffer, bool) { b, ok := external[name]; return b, ok }); err != nil {
		t.Fatalf("%v", err)
	}
	for i := range mem.Host {
		mem.Host[i] = 0xFF // NaN
	}
	x := make([]float32, 12)
	for i := range x {
		x[i] = float32(math.Cos(float64(3 * i)))
	}
	for _, err := range []error{p.Feed("x", kernels.BytesOf(x)), p.Feed("on", kernels.BytesOf([]int32{on})), p.Run(&kernels.Step{Seed: 5, Update: 2})} {
		if err != nil {
			t.Fatalf("%v", err)
		}
	}
	var all [][]float32
	for _, o := range g.Outputs {
		y := make([]float32, g.Values[o.Value].Desc.Size())
		if err := p.Read(o.Name, kernels.BytesOf(y)); err != nil {
			t.Fatalf("%v", err)
		}
		all = append(all, y)
	}
	return all
}

// checkPlan proves that every value that a node reads was written, in this order, and that no two values alive at once share memory.
func checkPlan(t *rapid.T, p *Program) {
	g := p.graph
	written := make([]bool, len(g.Values))
	last := map[int]int{}
	for v, val := range g.Values {
		written[v] = val.Kind != Temp
		if val.Kind == Input {
			last[v] = math.MaxInt
		}
	}
	for i, n := range p.nodes {
		for _, v := range n.In {
			if !written[g.root(v)] {
				t.Fatalf("node %d (%s) reads value %d before it is written", i, n.Op.Name(), v)
			}
			last[g.root(v)] = max(last[g.root(v)], i)
		}
		for _, v := range n.Out {
			written[v] = true
			last[v] = max(last[v], i)
		}
	}
	for _, o := range g.Outputs {
		last[g.root(o.Value)] = math.MaxInt
	}
	live := map[int]bool{}
	add := func(v int) {
		if p.place[v] < 0 {
			return
		}
		for u := range live {
			if p.place[v] < p.place[u]+g.Values[u].Desc.Bytes() && p.place[u] < p.place[v]+g.Values[v].Desc.Bytes() {
				t.Fatalf("values %d and %d share memory", u, v)
			}
		}
		live[v] = true
	}
	for v, val := range g.Values {
		if val.Kind == Input {
			add(v)
		}
	}
	for i, n := range p.nodes {
		if kernels.IsIdentity(n.Op) {
			continue
		}
		for _, v := range n.Out {
			add(v)
		}
		for v := range live {
			if last[v] <= i {
				delete(live, v)
			}
		}
	}
}

// Whatever chains a back end takes, the results are those of single ops.
func TestFusedIsUnfused(t *testing.T) {
	chains, again := 0, 0
	check := func(t *rapid.T) {
		g := drawGraph(t)
		plain, err := Plan(g, &toyFuser{Backend: ref.New(), t: t, take: func(*kernels.Chain) (bool, bool) { return false, false }})
		if err != nil {
			t.Fatal(err)
		}
		fused, err := Plan(g, &toyFuser{Backend: ref.New(), t: t, seed: rapid.IntRange(0, 1000).Draw(t, "seed")})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range fused.nodes {
			if c, ok := n.Op.(*kernels.Chain); ok {
				chains++
				if c.Links[0].Again {
					again++
				}
			}
		}
		checkPlan(t, fused)
		if plain.FLOPs() != fused.FLOPs() {
			t.Errorf("%d FLOPs fused, %d unfused", fused.FLOPs(), plain.FLOPs())
		}
		for on := range int32(2) {
			want, got := outputsOf(t, plain, g, on), outputsOf(t, fused, g, on)
			for i := range want {
				for j := range want[i] {
					if math.Float32bits(want[i][j]) != math.Float32bits(got[i][j]) {
						t.Fatalf("on=%d, output %d[%d]: %v fused, %v unfused", on, i, j, got[i][j], want[i][j])
					}
				}
			}
		}
	}
	for range 2 { // one round of graphs may have few chains
		rapid.Check(t, check)
	}
	if chains < 50 || again < 5 {
		t.Errorf("only %d chains, %d of them with ops that run again: the graphs are too simple", chains, again)
	}
}

// all takes every chain.
func all(*kernels.Chain) (whole, more bool) { return true, true }

// What a chain does not give to others has no memory, and its work is that of its links.
func TestChainHoldsNoMemory(t *testing.T) {
	g := chain(2)
	g.Outputs = g.Outputs[1:]
	p, err := Plan(g, &toyFuser{Backend: ref.New(), t: t, take: all})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, n := range p.nodes {
		names = append(names, n.Op.Name())
	}
	if want := []string{"scale+scale", "scale+scale", "select+scale+scale"}; !slices.Equal(names, want) {
		t.Fatalf("nodes are %v, want %v", names, want)
	}
	// Two inputs, three values that chains give, and working memory.
	if want := 5*kernels.Alignment + round(toyScratch); p.ArenaBytes() > want {
		t.Errorf("%d bytes, want at most %d", p.ArenaBytes(), want)
	}
	plain := bound(t, g)
	if p.FLOPs() != plain.FLOPs() {
		t.Errorf("%d FLOPs, want %d", p.FLOPs(), plain.FLOPs())
	}
	mem, err := p.backend.Alloc(p.ArenaBytes())
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{p.Bind(mem, nil), p.Feed("on", []byte{1, 0, 0, 0}), p.Run(&kernels.Step{})} {
		if err != nil {
			t.Fatal(err)
		}
	}
	profile := p.Profile()
	if len(profile) != 2 || profile[0].Calls+profile[1].Calls != 3 || profile[0].Variant != "toy" {
		t.Errorf("profile %+v", profile)
	}
}

// A linear layer in a chain is frozen like any other.
func TestFreezeReachesIntoChains(t *testing.T) {
	d := kernels.Of(kernels.Float32, 3, 4)
	g := &Graph{Values: []Value{{Name: "on", Desc: kernels.Of(kernels.Int32), Kind: Input, Alias: -1}, {Name: "x", Desc: d, Kind: Input, Alias: -1},
		{Name: "w", Desc: kernels.Of(kernels.Float32, 4, 4), Kind: Param, Alias: -1}, {Desc: d, Alias: -1}, {Desc: d, Alias: -1}, {Desc: d, Alias: -1}},
		Nodes: []Node{{Op: kernels.GELU{}, In: []int{1}, Out: []int{3}, Cond: -1}, {Op: kernels.Linear{}, In: []int{3, 2}, Out: []int{4}, Cond: -1},
			{Op: kernels.GELU{}, In: []int{4}, Out: []int{5}, Cond: -1}},
		Outputs: []Output{{Name: "y", Value: 5}}}
	be := &toyFuser{Backend: ref.New(), t: t, take: all}
	p, err := Plan(g, be)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.nodes) != 1 {
		t.Fatalf("%d nodes, want one chain", len(p.nodes))
	}
	outputsOf(t, p, g, 1)
	if err := p.Freeze(); err != nil {
		t.Fatal(err)
	}
	if len(be.frozen) != 1 || be.frozen[0].Rank() != 2 {
		t.Errorf("frozen: %v", be.frozen)
	}
}
