package exec

import (
	"testing"

	"aural/kernels"
	"aural/kernels/ref"
)

// narrowing is the reference that stores activations in bfloat16.
type narrowing struct{ kernels.Backend }

func (narrowing) Narrow(op kernels.Op, _, _ []kernels.Desc) kernels.Storage {
	return kernels.Activations(op)
}

// What is stored in bfloat16: nothing that an op must have in float32, what is stored like that, inputs, parameters, outputs, and vectors.
func TestStored(t *testing.T) {
	d, w := kernels.Of(kernels.Float32, 64, 4), kernels.Of(kernels.Float32, 4, 4)
	g := &Graph{Values: []Value{{Name: "x", Desc: d, Kind: Input, Alias: -1}, {Name: "w", Desc: w, Kind: Param, Alias: -1}, {Name: "s", Desc: kernels.Of(kernels.Float32), Kind: Input, Alias: -1},
		{Name: "v", Desc: kernels.Of(kernels.Float32, 4), Kind: Input, Alias: -1}}}
	want := map[int]kernels.DType{}
	add := func(is kernels.DType, op kernels.Op, alias int, in ...int) int {
		var descs []kernels.Desc
		for _, v := range in {
			descs = append(descs, g.Values[v].Desc)
		}
		outs, err := op.Infer(descs)
		if err != nil {
			t.Fatal(err)
		}
		node := Node{Op: op, In: in, Cond: -1}
		for k, o := range outs {
			node.Out = append(node.Out, len(g.Values))
			want[len(g.Values)] = kernels.Float32
			if k == 0 {
				want[len(g.Values)] = is
			}
			g.Values = append(g.Values, Value{Desc: o, Alias: alias})
		}
		g.Nodes = append(g.Nodes, node)
		return node.Out[0]
	}
	const narrow, wide = kernels.BFloat16, kernels.Float32
	a := add(narrow, kernels.Linear{}, -1, 0, 1)         // reads an input, which stays
	b := add(narrow, kernels.GELU{}, -1, a)              // with what it reads
	c := add(narrow, kernels.GradScale{Factor: 2}, b, b) // an alias
	e := add(narrow, kernels.Dropout{P: 0.5}, -1, c)
	f := add(wide, kernels.Linear{}, -1, e, 1) // read by an op that has no choice
	h := add(wide, kernels.GELU{}, -1, f)      // stored like it
	sum := add(wide, kernels.AddN{}, -1, h, f)
	loss := add(wide, kernels.MeanSquare{}, -1, e)
	scaled := add(wide, kernels.ScaleBy{}, -1, loss, 2) // a scalar
	m := add(narrow, kernels.Linear{}, -1, e, 1)
	weight := add(wide, kernels.LinearGradWeight{}, -1, m, e)
	product := add(wide, kernels.Linear{}, -1, m, weight) // an output itself
	add(narrow, kernels.Linear{}, -1, b, 1)               // nobody reads it
	vector := add(wide, kernels.Linear{}, -1, add(wide, kernels.Linear{}, -1, 3, 1), 1)
	add(wide, kernels.SumSquares{}, -1, f)
	for i, v := range []int{sum, scaled, product, vector, len(g.Values) - 1} {
		g.Outputs = append(g.Outputs, Output{Name: string(rune('a' + i)), Value: v})
	}
	if err := g.check(); err != nil {
		t.Fatal(err)
	}
	s := stored(g, g.Nodes, narrowing{ref.New()})
	for v, val := range s.Values {
		is, some := want[v]
		if !some {
			is = g.Values[v].Desc.DType
		}
		if v == len(g.Values)-1 {
			is = kernels.Float64 // a sum of squares
		}
		if val.Desc.DType != is {
			t.Errorf("value %d is %v, want %v", v, val.Desc, is)
		}
		if g.Values[v].Desc.DType == kernels.BFloat16 {
			t.Errorf("value %d changed in the graph that was given", v)
		}
	}
	if stored(g, g.Nodes, ref.New()) != g {
		t.Error("a back end that stores float32 gets another graph")
	}
	p, err := Plan(g, narrowing{withoutScratch{ref.New()}})
	if err != nil {
		t.Fatal(err)
	}
	q, err := Plan(g, withoutScratch{ref.New()})
	if err != nil {
		t.Fatal(err)
	}
	if p.arena >= q.arena {
		t.Errorf("the arena has %d bytes, with float32 %d", p.arena, q.arena)
	}
}

// withoutScratch has kernels that must not run: an arena for them is that of the values.
type withoutScratch struct{ kernels.Backend }

func (b withoutScratch) Compile(op kernels.Op, in, out []kernels.Desc) (kernels.Kernel, error) {
	k, err := b.Backend.Compile(op, in, out)
	k.Scratch = 0
	return k, err
}

// Conditions skip, and clear what others read, in bfloat16 too.
func TestStoredConditions(t *testing.T) {
	d := kernels.Of(kernels.Float32, 2, 4)
	g := &Graph{Values: []Value{{Name: "x", Desc: d, Kind: Input, Alias: -1}, {Name: "on", Desc: kernels.Of(kernels.Int32), Kind: Input, Alias: -1},
		{Name: "w", Desc: kernels.Of(kernels.Float32, 4, 4), Kind: Input, Alias: -1}}}
	add := func(op kernels.Op, cond int, in ...int) int {
		g.Values = append(g.Values, Value{Desc: d, Alias: -1})
		g.Nodes = append(g.Nodes, Node{Op: op, In: in, Out: []int{len(g.Values) - 1}, Cond: cond})
		return len(g.Values) - 1
	}
	// Products with w, the unit matrix, stand between what is float32 and what need not be.
	before := add(kernels.Scale{Factor: 2}, -1, add(kernels.Linear{}, -1, 0, 2))
	within := add(kernels.Scale{Factor: 3}, 1, before)
	after := add(kernels.Scale{Factor: 0.5}, -1, add(kernels.Select{}, -1, 1, within, before))
	g.Outputs = []Output{{Name: "inside", Value: add(kernels.Linear{}, -1, within, 2)}, {Name: "y", Value: add(kernels.Linear{}, -1, after, 2)}}
	be := narrowing{ref.New()}
	p, err := Plan(g, be)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []int{before, within, after} {
		if is := p.graph.Values[v].Desc.DType; is != kernels.BFloat16 {
			t.Errorf("value %d is %v", v, is)
		}
	}
	mem, err := be.Alloc(p.ArenaBytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Bind(mem, func(string) (kernels.Buffer, bool) { return kernels.Buffer{}, false }); err != nil {
		t.Fatal(err)
	}
	x := []float32{1, 2, 3, 4, 5, 6, 7, 8}
	w := []float32{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}
	y, inside := make([]float32, 8), make([]float32, 8)
	for _, on := range []int32{1, 0, 1} {
		for _, err := range []error{p.Feed("x", kernels.BytesOf(x)), p.Feed("w", kernels.BytesOf(w)), p.Feed("on", kernels.BytesOf([]int32{on})), p.Run(&kernels.Step{}),
			p.Read("y", kernels.BytesOf(y)), p.Read("inside", kernels.BytesOf(inside))} {
			if err != nil {
				t.Fatal(err)
			}
		}
		for i := range x { // small integers, which bfloat16 has
			wantY, wantInside := x[i], float32(0)
			if on != 0 {
				wantY, wantInside = 3*x[i], 6*x[i]
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
