package graph

import (
	"math"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aural/exec"
	"aural/internal/testkit"
	"aural/kernels"
	"aural/kernels/ref"
)

// small is a graph with the hard cases of reverse mode: a value with several readers, the same node twice in one sum, a shared weight,
// ops with several outputs, integer inputs, and an identity with a gradient of its own.
func small(b *Builder) (loss *Node, params []*Node) {
	x := b.Input("x", b.Float(), 2, 5, 4)
	index := b.Input("index", kernels.Int32, 3)
	w := b.Param("w", 4, 4)
	bias := b.Param("bias", 4)
	gamma, beta := b.Param("gamma", 4), b.Param("beta", 4)
	h := b.Apply(kernels.Linear{}, x, w, bias)
	h = b.Apply(kernels.LayerNorm{Eps: 1e-5}, h, gamma, beta)
	h = b.Apply(kernels.AddN{}, h, b.Apply(kernels.GELU{}, h), h)
	q := b.Apply(kernels.Linear{}, h, w)
	h = b.Apply(kernels.AddN{}, h, b.Apply(kernels.Attention{Heads: 2}, q, h, q))
	h = b.Apply(kernels.GradScale{Factor: 0.5}, h)
	rows := b.Apply(kernels.GatherRows{}, h, index)
	a := b.Apply(kernels.MeanSquare{}, rows)
	c := b.Apply(kernels.MeanSquare{}, h)
	return b.Apply(kernels.AddN{}, a, b.Apply(kernels.Scale{Factor: 3}, c)), []*Node{w, bias, gamma, beta}
}

// wave gives n numbers without structure.
func wave(ordinal, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = math.Sin(1 + 0.7*float64(ordinal) + 0.3*float64(i))
	}
	return x
}

func smallValues() map[string][]float64 {
	v := map[string][]float64{"x": wave(0, 40), "w": wave(1, 16), "bias": wave(2, 4), "gamma": {1, 1.1, 0.9, 1.2}, "beta": wave(3, 4)}
	return v
}

// ours runs the lowered graph on ref in float64.
func ours(t *testing.T, b *Builder, outputs []Output) map[string][]float64 {
	t.Helper()
	return oursWith(t, b, outputs, smallValues())
}

func oursWith(t *testing.T, b *Builder, outputs []Output, values map[string][]float64) map[string][]float64 {
	t.Helper()
	g, err := b.Lower(outputs)
	if err != nil {
		t.Fatal(err)
	}
	p, err := exec.Plan(g, ref.New())
	if err != nil {
		t.Fatal(err)
	}
	mem, err := ref.New().Alloc(p.ArenaBytes())
	if err != nil {
		t.Fatal(err)
	}
	ext := map[string]kernels.Buffer{}
	for _, v := range g.Values {
		if v.Kind == exec.Param {
			ext[v.Name] = kernels.New(v.Desc.DType, v.Desc.Shape...)
			copy(kernels.Data[float64](ext[v.Name]), values[v.Name])
		}
	}
	if err := p.Bind(mem, func(n string) (kernels.Buffer, bool) { x, ok := ext[n]; return x, ok }); err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]any{"x": values["x"], "index": []int32{7, -1, 2}, SeedInput: []float64{1}} {
		if !p.HasInput(name) {
			continue
		}
		var raw []byte
		switch x := x.(type) {
		case []float64:
			raw = kernels.BytesOf(x)
		case []int32:
			raw = kernels.BytesOf(x)
		}
		if err := p.Feed(name, raw); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Run(&kernels.Step{}); err != nil {
		t.Fatal(err)
	}
	out := map[string][]float64{}
	for _, o := range g.Outputs {
		d := g.Values[o.Value].Desc
		x := make([]float64, d.Size())
		if err := p.Read(o.Name, kernels.BytesOf(x)); err != nil {
			t.Fatal(err)
		}
		out[o.Name] = x
	}
	return out
}

// gorgonia.Grad differentiates the same graph through the same SymDiff rules with its own sweep, and the TapeMachine computes it with its own scheduler:
// both must agree with Gradients and exec, bit for bit where the order of sums is the same.
func TestAgreesWithGorgonia(t *testing.T) {
	b := New(kernels.Float64)
	loss, params := small(b)
	outputs := []Output{{Name: "loss", Node: loss}}
	for i, g := range b.Gradients(loss, params) {
		outputs = append(outputs, Output{Name: "g/" + params[i].Name(), Node: g})
	}
	if b.Err() != nil {
		t.Fatal(b.Err())
	}
	got := ours(t, b, outputs)

	o := New(kernels.Float64)
	o.judge = ref.New()
	loss, params = small(o)
	if o.Err() != nil {
		t.Fatal(o.Err())
	}
	grads, err := gorgonia.Grad(loss, params...)
	if err != nil {
		t.Fatal(err)
	}
	for name, x := range smallValues() {
		n := o.names[name]
		if err := gorgonia.Let(n, tensor.New(tensor.WithShape(n.Shape()...), tensor.WithBacking(x))); err != nil {
			t.Fatal(err)
		}
	}
	if err := gorgonia.Let(o.names["index"], tensor.New(tensor.WithShape(3), tensor.WithBacking([]int32{7, -1, 2}))); err != nil {
		t.Fatal(err)
	}
	var lossValue gorgonia.Value
	gorgonia.Read(loss, &lossValue)
	vm := gorgonia.NewTapeMachine(o.g)
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		t.Fatal(err)
	}
	exact := testkit.Tol{Rel: 1e-12, Abs: 1e-14}
	testkit.Close(t, "loss", got["loss"], []float64{lossValue.Data().(float64)}, exact)
	for i, p := range params {
		testkit.Close(t, "gradient of "+p.Name(), got["g/"+p.Name()], grads[i].Value().Data().([]float64), exact)
	}
}

// Central differences through the whole chain: graph, sweep, plan, kernels.
func TestGradientsOfSmallGraph(t *testing.T) {
	b := New(kernels.Float64)
	loss, params := small(b)
	outputs := []Output{{Name: "loss", Node: loss}}
	for i, g := range b.Gradients(loss, params) {
		outputs = append(outputs, Output{Name: "g/" + params[i].Name(), Node: g})
	}
	got := ours(t, b, outputs)
	for _, p := range params {
		// GradScale is no derivative of the forward pass: with all of the loss behind it, half of the true gradient comes back.
		grad := got["g/"+p.Name()]
		for i := range grad {
			grad[i] /= 0.5
		}
		values := smallValues()
		f := func(x []float64) float64 {
			values[p.Name()] = x
			return oursWith(t, b, outputs[:1], values)["loss"][0]
		}
		testkit.GradCheck(t, p.Name(), f, smallValues()[p.Name()], grad, testkit.Sample(len(grad), 6), 1e-5, testkit.Tol{Rel: 1e-7, Abs: 1e-9})
	}
}

func TestUnreachableAndSharedParameters(t *testing.T) {
	b := New(kernels.Float64)
	x := b.Input("x", kernels.Float64, 2, 5, 4)
	w, unused := b.Param("w", 4, 4), b.Param("unused", 3)
	if again := b.Param("w", 4, 4); again != w {
		t.Error("asking for a parameter twice gave two nodes")
	}
	loss := b.Apply(kernels.MeanSquare{}, b.Apply(kernels.Linear{}, x, w))
	g := b.Gradients(loss, []*Node{w, unused})
	if b.Err() != nil || g[0] == nil || g[1] != nil {
		t.Errorf("gradients %v, error %v; want one for w and none for unused", g, b.Err())
	}
	// A second loss on the same trunk: gorgonia.Grad would return the first loss's gradient here.
	twice := b.Apply(kernels.Scale{Factor: 2}, loss)
	h := b.Gradients(twice, []*Node{w})
	out := ours(t, b, []Output{{Name: "one", Node: g[0]}, {Name: "two", Node: h[0]}})
	for i := range out["one"] {
		if out["two"][i] != 2*out["one"][i] {
			t.Fatalf("second gradient %v, want twice %v", out["two"][i], out["one"][i])
		}
	}
}

// Equal ops on equal inputs stay two nodes, and so do inputs that look alike: gorgonia would merge both.
func TestNothingIsMerged(t *testing.T) {
	b := New(kernels.Float32)
	x := b.Input("x", kernels.Float32, 2, 3)
	d := kernels.Dropout{P: 0.5, Site: 1}
	if one, two := b.Apply(d, x), b.Apply(d, x); one == two {
		t.Error("two equal ops became one node")
	}
	for i := range 2000 {
		b.Apply(kernels.Scale{Factor: float64(i % 3)}, x)
	}
	if b.Err() != nil {
		t.Error(b.Err())
	}
	b.Input("x", kernels.Float32, 2, 3)
	if b.Err() == nil || !strings.Contains(b.Err().Error(), `"x"`) {
		t.Errorf("a second input of the same name gave %v", b.Err())
	}
}

func TestErrorsAreStickyAndSayWhere(t *testing.T) {
	b := New(kernels.Float32)
	x := b.Input("x", kernels.Float32, 2, 3)
	b.Scope("encoder", func() {
		b.Scope("block", func() { b.Apply(kernels.Linear{}, x, b.Param("w", 4, 5)) })
	})
	y := b.Apply(kernels.GELU{}, b.Apply(kernels.GELU{}, x))
	if y != nil || b.Err() == nil || !strings.Contains(b.Err().Error(), "encoder.block") || !strings.Contains(b.Err().Error(), "linear") {
		t.Errorf("error %v, node %v; want a nil node and the place of the first error", b.Err(), y)
	}
	if _, err := b.Lower(nil); err == nil {
		t.Error("a graph with an error was lowered")
	}
}

// Two builds give the same program: runs can be compared and resumed.
func TestBuildsAreDeterministic(t *testing.T) {
	lower := func() *exec.Graph {
		b := New(kernels.Float32)
		loss, params := small(b)
		outputs := []Output{{Name: "loss", Node: loss}}
		for i, g := range b.Gradients(loss, params) {
			outputs = append(outputs, Output{Name: params[i].Name() + ".g", Node: g, External: true})
		}
		g, err := b.Lower(outputs)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	one, two := lower(), lower()
	if len(one.Nodes) != len(two.Nodes) {
		t.Fatalf("%d and %d nodes", len(one.Nodes), len(two.Nodes))
	}
	for i := range one.Nodes {
		a, b := one.Nodes[i], two.Nodes[i]
		if a.Op != b.Op || len(a.In) != len(b.In) {
			t.Fatalf("node %d is %v and %v", i, a, b)
		}
		for j := range a.In {
			if a.In[j] != b.In[j] {
				t.Fatalf("node %d reads %v and %v", i, a.In, b.In)
			}
		}
	}
}

// Every op of the vocabulary has a gradient rule or is listed here with the reason why it needs none.
func TestEveryOpHasAGradientOrAReason(t *testing.T) {
	none := map[string]string{
		"sum_squares": "measures gradients", "clip_scale": "measures gradients", "adamw": "applies gradients", "waveform": "its samples are data",
	}
	for _, op := range kernels.All() {
		if strings.HasSuffix(op.Name(), "_grad") || strings.Contains(op.Name(), "_grad_") || op.Name() == "scatter_rows" {
			continue // gradients of gradients are not taken
		}
		in := make([]kernels.Desc, 4)
		has := HasGradient(op, in)
		if _, excused := none[op.Name()]; has == excused {
			t.Errorf("%s: has a gradient: %v, excused: %v", op.Name(), has, excused)
		}
	}
}
