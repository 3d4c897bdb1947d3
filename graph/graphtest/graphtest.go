// Package graphtest runs small graphs in tests: it plans a graph for a back end, binds it to fresh memory, and moves numbers in and out as float64, whatever
// type the graph computes in.
package graphtest

import (
	"errors"
	"testing"

	"aural/exec"
	"aural/graph"
	"aural/kernels"
)

// Bench is a planned graph with its memory.
type Bench struct {
	t       testing.TB
	be      kernels.Backend
	Program *exec.Program
	descs   map[string]kernels.Desc
	ext     map[string]kernels.Buffer
}

// New plans the outputs of a builder for a back end. The seed of the gradients is fed 1.
func New(t testing.TB, b *graph.Builder, be kernels.Backend, outputs ...graph.Output) *Bench {
	t.Helper()
	g, err := b.Lower(outputs)
	if err != nil {
		t.Fatal(err)
	}
	p, err := exec.Plan(g, be)
	if err != nil {
		t.Fatal(err)
	}
	r := &Bench{t: t, be: be, Program: p, descs: map[string]kernels.Desc{}, ext: map[string]kernels.Buffer{}}
	for _, v := range g.Values {
		if v.Kind == exec.Param {
			r.external(be, v.Name, v.Desc)
		}
	}
	for _, o := range g.Outputs {
		r.descs[o.Name] = g.Values[o.Value].Desc
		if o.External {
			r.external(be, o.Name, g.Values[o.Value].Desc)
		}
	}
	mem, err := be.Alloc(p.ArenaBytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Bind(mem, func(name string) (kernels.Buffer, bool) { b, ok := r.ext[name]; return b, ok }); err != nil {
		t.Fatal(err)
	}
	if p.HasInput(graph.SeedInput) {
		r.Feed(graph.SeedInput, []float64{1})
	}
	return r
}

func (r *Bench) external(be kernels.Backend, name string, d kernels.Desc) {
	mem, err := be.Alloc(d.Bytes())
	if err != nil {
		r.t.Fatal(err)
	}
	b, err := mem.Slice(d, 0)
	if err != nil {
		r.t.Fatal(err)
	}
	r.ext[name] = b
}

// Has reports whether the program reads a parameter of that name.
func (r *Bench) Has(name string) bool { _, ok := r.ext[name]; return ok }

// Set gives a parameter its value.
func (r *Bench) Set(name string, x []float64) {
	r.t.Helper()
	b, ok := r.ext[name]
	if !ok {
		r.t.Fatalf("no parameter %q", name)
	}
	if len(x) != b.Size() {
		r.t.Fatalf("parameter %q has %d elements, got %d", name, b.Size(), len(x))
	}
	host := kernels.New(b.DType, b.Shape...)
	put(host, x)
	if err := r.be.Upload(b, host.HostBytes()); err != nil {
		r.t.Fatal(err)
	}
}

// Feed gives an input its value.
func (r *Bench) Feed(name string, x []float64) {
	r.t.Helper()
	d, ok := r.Program.InputDesc(name)
	if !ok {
		r.t.Fatalf("no input %q", name)
	}
	if len(x) != d.Size() {
		r.t.Fatalf("input %q has %d elements, got %d", name, d.Size(), len(x))
	}
	b := kernels.New(d.DType, d.Shape...)
	put(b, x)
	if err := r.Program.Feed(name, b.HostBytes()); err != nil {
		r.t.Fatal(err)
	}
}

// Run runs the program once and waits for it.
func (r *Bench) Run(s *kernels.Step) {
	r.t.Helper()
	if err := errors.Join(r.Program.Run(s), r.be.Sync()); err != nil {
		r.t.Fatal(err)
	}
	r.Program.TakePhases()
}

// Out reads an output.
func (r *Bench) Out(name string) []float64 {
	r.t.Helper()
	d, ok := r.descs[name]
	if !ok {
		r.t.Fatalf("no output %q", name)
	}
	b := kernels.New(d.DType, d.Shape...)
	if err := r.Program.Read(name, b.HostBytes()); err != nil {
		r.t.Fatal(err)
	}
	return take(b)
}

func put(b kernels.Buffer, x []float64) {
	for i, v := range x {
		switch b.DType {
		case kernels.Float32:
			b.F32()[i] = float32(v)
		case kernels.Float64:
			kernels.Data[float64](b)[i] = v
		case kernels.Int32:
			b.I32()[i] = int32(v)
		case kernels.Uint8:
			kernels.Data[uint8](b)[i] = uint8(v)
		default:
			panic("graphtest: no conversion to " + b.DType.String())
		}
	}
}

func take(b kernels.Buffer) []float64 {
	x := make([]float64, b.Size())
	for i := range x {
		switch b.DType {
		case kernels.Float32:
			x[i] = float64(b.F32()[i])
		case kernels.Float64:
			x[i] = kernels.Data[float64](b)[i]
		case kernels.Int32:
			x[i] = float64(b.I32()[i])
		default:
			panic("graphtest: no conversion from " + b.DType.String())
		}
	}
	return x
}
