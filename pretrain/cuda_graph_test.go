package pretrain

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"aural/encoder"
	"aural/graph/graphtest"
	"aural/internal/cudaemu"
	"aural/internal/cudafake"
	"aural/internal/testkit"
	"aural/kernels"
	"aural/kernels/cuda"
	"aural/kernels/cuda/driver"
	"aural/train"
)

// anyImage is a compiler for the fake, which runs nothing.
type anyImage struct{}

func (anyImage) Name() string { return "none" }
func (anyImage) Compile(string, []string, driver.Info) ([]byte, string, error) {
	return []byte("image"), "", nil
}

// onFake is the objective of a small recipe on a driver that writes down what it is asked for.
func onFake(t *testing.T) (*graphtest.Bench, *cuda.Backend, *cudafake.Recording) {
	t.Helper()
	fake := cudafake.New(cudafake.Options{})
	be, err := cuda.New(fake, anyImage{}, cuda.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, _, _ := objective(t, small(encoder.GroupNorm), kernels.Float32, be)
	return b, be, &fake.Recording
}

// keep feeds which of the three blocks run.
func keep(b *graphtest.Bench, blocks [3]float64) {
	for i, on := range blocks {
		b.Feed(encoder.KeepInput(i), []float64{on})
	}
}

var allBlocks = [3]float64{1, 1, 1}

// queued is what a run makes the driver queue.
func queued(b *graphtest.Bench, r *cudafake.Recording, s kernels.Step) []cudafake.Command {
	from := len(r.Commands)
	b.Run(&s)
	return r.Commands[from:]
}

func only(list []cudafake.Command, kind cudafake.Kind) []cudafake.Command {
	return slices.DeleteFunc(slices.Clone(list), func(c cudafake.Command) bool { return c.Kind != kind })
}

// No launch knows which update it belongs to: a graph of one update is right for all.
func TestLaunchesAreThoseOfAllUpdates(t *testing.T) {
	t.Setenv(cuda.GraphVariable, "0")
	b, _, r := onFake(t)
	keep(b, allBlocks)
	queued(b, r, kernels.Step{})
	one := queued(b, r, kernels.Step{Seed: 3, Update: 2})
	other := queued(b, r, kernels.Step{Seed: 1 << 60, Update: 1<<40 + 7, Row: 12})
	x, y := only(one, cudafake.Launch), only(other, cudafake.Launch)
	if len(x) != len(y) || len(x) < 100 {
		t.Fatalf("%d launches, and %d at another update", len(x), len(y))
	}
	for i := range x {
		a, b := x[i].Launch, y[i].Launch
		if x[i].Kernel != y[i].Kernel || a.Grid != b.Grid || a.Block != b.Block || a.Shared != b.Shared || !bytes.Equal(a.Args, b.Args) {
			t.Errorf("launch %d of %s is another one at another update, of %s", i, x[i].Kernel, y[i].Kernel)
		}
	}
	for _, run := range [][]cudafake.Command{one, other} {
		if n := len(only(run, cudafake.CopyToDevice)); n != 1 {
			t.Errorf("%d copies to the device in a run, want that of the step", n)
		}
	}
}

// After two runs nothing is launched but graphs, one a segment; segments of blocks that LayerDrop leaves out are cleared instead. Bind and Close free them all.
func TestGraphsOnFake(t *testing.T) {
	b, be, r := onFake(t)
	keep(b, allBlocks)
	if run := queued(b, r, kernels.Step{Update: 1}); len(only(run, cudafake.Graph)) > 0 || len(only(run, cudafake.Launch)) < 100 {
		t.Errorf("the first run has %d graphs and %d launches", len(only(run, cudafake.Graph)), len(only(run, cudafake.Launch)))
	}
	calls := func(name string) (n int) {
		for _, c := range r.Calls {
			if c == name {
				n++
			}
		}
		return n
	}
	second := queued(b, r, kernels.Step{Update: 2})
	graphs := len(only(second, cudafake.Graph))
	// Between the blocks lie segments that always run: at least one a condition, forward and backward.
	if graphs < 2*3+2*3+1 || calls("BeginCapture") != graphs || calls("EndCapture") != graphs {
		t.Errorf("the second run makes %d graphs of %d captures", graphs, calls("BeginCapture"))
	}
	check := func(what string, run []cudafake.Command, n, fills int) {
		t.Helper()
		kinds := map[cudafake.Kind]int{}
		for _, c := range run {
			kinds[c.Kind]++
		}
		if kinds[cudafake.CopyDevice] > 0 { // inputs came: a copy, its move, and the events of both
			kinds[cudafake.CopyToDevice]--
			kinds[cudafake.Record] -= 2
			delete(kinds, cudafake.CopyDevice)
			delete(kinds, cudafake.Wait)
		}
		if want := fmt.Sprint(map[cudafake.Kind]int{cudafake.Graph: n, cudafake.CopyToDevice: 1, cudafake.Record: graphs + 1, cudafake.Sync: 1}); fills == 0 && fmt.Sprint(kinds) != want {
			t.Errorf("%s queues %v, want %v", what, kinds, want)
		}
		if kinds[cudafake.Graph] != n || kinds[cudafake.Launch] != 0 || fills > 0 && kinds[cudafake.Fill] == 0 {
			t.Errorf("%s queues %v, want %d graphs", what, kinds, n)
		}
	}
	check("the second run", second, graphs, 0)
	check("the third run", queued(b, r, kernels.Step{Update: 3}), graphs, 0)
	keep(b, [3]float64{1, 0, 1})
	check("a run without block 1", queued(b, r, kernels.Step{Update: 4}), graphs-2, 1)
	keep(b, allBlocks)
	check("a run with it", queued(b, r, kernels.Step{Update: 5}), graphs, 0)
	if n := calls("BeginCapture"); n != graphs {
		t.Errorf("%d captures, %d graphs", n, graphs)
	}
	// A plan with more scratch memory moves it: everything is captured again.
	large := []kernels.Desc{kernels.Of(kernels.Float32, 1<<31)}
	if _, err := be.Compile(kernels.SumSquares{}, large, []kernels.Desc{kernels.Of(kernels.Float64)}); err != nil {
		t.Fatal(err)
	}
	check("a run after scratch memory moved", queued(b, r, kernels.Step{Update: 6}), graphs, 0)
	if calls("BeginCapture") != 2*graphs || calls("FreeGraph") != graphs {
		t.Errorf("%d captures and %d graphs freed after scratch memory moved, want %d and %d", calls("BeginCapture"), calls("FreeGraph"), 2*graphs, graphs)
	}
	if err := b.Program.Free(); err != nil || calls("FreeGraph") != 2*graphs {
		t.Errorf("%d of %d graphs freed, %v", calls("FreeGraph"), 2*graphs, err)
	}
}

// counted is a driver that counts launches outside of captures, and graphs.
type counted struct {
	driver.API
	launches, graphs int
}

type countedContext struct {
	driver.Context
	*counted
	capturing bool
}

func (c *counted) Open(n int) (driver.Context, error) {
	ctx, err := c.API.Open(n)
	return &countedContext{Context: ctx, counted: c}, err
}

func (c *countedContext) BeginCapture(s driver.Stream) error {
	c.capturing = true
	return c.Context.BeginCapture(s)
}

func (c *countedContext) EndCapture(s driver.Stream) (driver.Graph, error) {
	c.capturing = false
	return c.Context.EndCapture(s)
}

func (c *countedContext) Launch(s driver.Stream, f driver.Function, l *driver.Launch) error {
	if !c.capturing {
		c.launches++
	}
	return c.Context.Launch(s, f, l)
}

func (c *countedContext) LaunchGraph(s driver.Stream, g driver.Graph) error {
	c.graphs++
	return c.Context.LaunchGraph(s, g)
}

// emulated is the CUDA back end with its kernels on the processor, and the count of what it launches.
func emulated(t testing.TB) (kernels.Backend, *counted) {
	t.Helper()
	e := cudaemu.New(cudaemu.Options{Compiler: testkit.Tool(t, "g++")})
	n := &counted{API: e}
	b, err := cuda.New(n, e, cuda.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b, n
}

// The loss and all gradients of updates have the same bits with graphs and without, whatever LayerDrop leaves out and with all noise that there is: dropout of
// everything, and Gumbel's.
func TestGraphsChangeNothing(t *testing.T) {
	r := small(encoder.GroupNorm)
	r.Quantizer.Soft = false
	results := map[bool][]map[string][]float64{}
	blocks := [][3]float64{{1, 1, 1}, {1, 0, 1}, {1, 1, 1}, {0, 1, 1}, {1, 1, 0}, {1, 1, 1}}
	for _, on := range []bool{false, true} {
		if !on {
			t.Setenv(cuda.GraphVariable, "0")
		} else {
			t.Setenv(cuda.GraphVariable, "")
		}
		be, count := emulated(t)
		b, specs, _ := objective(t, r, kernels.Float32, be)
		for u, which := range blocks {
			keep(b, which)
			before := *count
			b.Run(&kernels.Step{Seed: 3, Update: uint64(u / 2), Row: u % 2 * 2})
			if launches, graphs := count.launches-before.launches, count.graphs-before.graphs; on && u > 2 && (launches > 0 || graphs == 0) || !on && graphs > 0 {
				t.Errorf("graphs on: %v, run %d: %d launches, %d graphs", on, u, launches, graphs)
			}
			got := map[string][]float64{LossOutput: b.Out(LossOutput)}
			for _, s := range specs {
				name := train.GradientOutput(s.Name)
				got[name] = b.Out(name)
			}
			results[on] = append(results[on], got)
		}
	}
	for u := range blocks {
		for name, want := range results[false][u] {
			if !slices.Equal(results[true][u][name], want) {
				t.Errorf("run %d: %s differs with graphs", u, name)
			}
		}
	}
	if slices.Equal(results[true][0][LossOutput], results[true][2][LossOutput]) {
		t.Error("two updates have one noise")
	}
}

// That audio comes as 16-bit samples costs no chain: the ops of the programs differ by one.
func TestPCMIsFusedAsNumbers(t *testing.T) {
	wide, err := cuda.New(cudafake.New(cudafake.Options{}), anyImage{}, cuda.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer wide.Close()
	narrow, err := cuda.New(cudafake.New(cudafake.Options{}), anyImage{}, cuda.Options{Precision: kernels.PrecisionBF16})
	if err != nil {
		t.Fatal(err)
	}
	defer narrow.Close()
	for _, c := range []struct {
		recipe Recipe
		be     *cuda.Backend
	}{{Default(), wide}, {Default(), narrow}, {quick(), wide}} {
		r, be := c.recipe, c.be
		var ops [2][]string
		for i := range ops {
			p, err := plan(r, be.Planner(), Shape{Rows: 1, Samples: 32000, Masked: 40, PCM: i == 1}, true)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range p.Profile() {
				if o.Op != "waveform" {
					ops[i] = append(ops[i], o.Op)
				}
			}
			if p.HasInput(encoder.AffineInput) != (i == 1) {
				t.Errorf("inputs of the kind %d", i)
			}
		}
		if !slices.Equal(ops[0], ops[1]) {
			t.Errorf("ops with numbers %q, with samples %q", ops[0], ops[1])
		}
		if !slices.ContainsFunc(ops[1], func(op string) bool { return strings.Contains(op, "group_norm_grad+") }) {
			t.Errorf("the first layer's gradient is no chain: %q", ops[1])
		}
	}
}
