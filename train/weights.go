package train

import (
	"fmt"
	"sort"

	"aural/kernels"
)

// Spec names one parameter.
type Spec struct {
	Name  string
	Shape []int
}

// Weights are all parameters of a model in one flat float32 buffer, with flat buffers for their gradients and optimiser moments beside it, in order of
// name. Flat buffers make the norm, the optimiser and a checkpoint one pass each; every parameter is a view.
type Weights struct {
	Value, Grad kernels.Buffer // (P)
	// Sum collects gradients over micro-batches; it is Grad itself when updates have one micro-batch.
	Sum  kernels.Buffer
	M, V kernels.Buffer // first and second moment of Adam

	specs  []Spec
	offset map[string]int

	elements int // of a flat buffer, gaps included
	mems     []kernels.Memory
	value    kernels.Memory
	grad     kernels.Memory
	sum      kernels.Memory
	m, v     kernels.Memory

	accumulates bool // Sum is not Grad
}

// NewWeights allocates zeroed storage. accumulate says whether updates will have several micro-batches. Each parameter starts on a cache line; the gaps
// stay zero.
func NewWeights(be kernels.Backend, specs []Spec, accumulate bool) (*Weights, error) {
	w, err := arrange(specs)
	if err != nil {
		return nil, err
	}
	w.accumulates = accumulate
	bufs, mems := []*kernels.Buffer{&w.Value, &w.Grad, &w.M, &w.V}, []*kernels.Memory{&w.value, &w.grad, &w.m, &w.v}
	if accumulate {
		bufs, mems = append(bufs, &w.Sum), append(mems, &w.sum)
	}
	if err := w.alloc(be, bufs, mems); err != nil {
		return nil, err
	}
	if !accumulate {
		w.Sum, w.sum = w.Grad, w.grad
	}
	return w, nil
}

// NewValues allocates zeroed storage for parameters that are never trained: they have neither gradients nor moments.
func NewValues(be kernels.Backend, specs []Spec) (*Weights, error) {
	w, err := arrange(specs)
	if err != nil {
		return nil, err
	}
	return w, w.alloc(be, []*kernels.Buffer{&w.Value}, []*kernels.Memory{&w.value})
}

// arrange gives each parameter its place in the flat buffers.
func arrange(specs []Spec) (*Weights, error) {
	w := &Weights{specs: append([]Spec(nil), specs...), offset: map[string]int{}}
	sort.Slice(w.specs, func(i, j int) bool { return w.specs[i].Name < w.specs[j].Name })
	for _, s := range w.specs {
		if _, twice := w.offset[s.Name]; twice {
			return nil, fmt.Errorf("train: parameter %q is declared twice", s.Name)
		}
		w.offset[s.Name] = w.elements
		line := kernels.Alignment / kernels.Float32.Size()
		w.elements += (kernels.Of(kernels.Float32, s.Shape...).Size() + line - 1) / line * line
	}
	return w, nil
}

// alloc makes flat buffers. After an error nothing is held.
func (w *Weights) alloc(be kernels.Backend, bufs []*kernels.Buffer, mems []*kernels.Memory) error {
	flat := kernels.Of(kernels.Float32, w.elements)
	for i, b := range bufs {
		mem, err := be.Alloc(flat.Bytes())
		if err != nil {
			w.Free()
			return fmt.Errorf("train: %d bytes for parameters: %w", flat.Bytes(), err)
		}
		w.mems = append(w.mems, mem)
		if *b, err = mem.Slice(flat, 0); err != nil {
			w.Free()
			return err
		}
		*mems[i] = mem
	}
	return nil
}

// Specs lists the parameters in order of name.
func (w *Weights) Specs() []Spec { return w.specs }

// Count is the number of parameters, gaps not counted.
func (w *Weights) Count() int {
	n := 0
	for _, s := range w.specs {
		n += kernels.Of(kernels.Float32, s.Shape...).Size()
	}
	return n
}

// Bytes is the memory that the flat buffers take.
func (w *Weights) Bytes() int {
	n := 0
	for _, m := range w.mems {
		n += m.Size
	}
	return n
}

// Offset is where a parameter starts in the flat buffers, in elements.
func (w *Weights) Offset(name string) (int, bool) {
	o, ok := w.offset[name]
	return o, ok
}

// Param is the view of one parameter's value, for binding to a program.
func (w *Weights) Param(name string) (kernels.Buffer, bool) { return w.view(w.value, name) }

// Gradient is the view of one parameter's gradient.
func (w *Weights) Gradient(name string) (kernels.Buffer, bool) { return w.view(w.grad, name) }

func (w *Weights) view(mem kernels.Memory, name string) (kernels.Buffer, bool) {
	i := sort.Search(len(w.specs), func(i int) bool { return w.specs[i].Name >= name })
	if i == len(w.specs) || w.specs[i].Name != name {
		return kernels.Buffer{}, false
	}
	b, err := mem.Slice(kernels.Of(kernels.Float32, w.specs[i].Shape...), w.offset[name]*kernels.Float32.Size())
	return b, err == nil
}

// Moments are the views of one parameter's moments.
func (w *Weights) Moments(name string) (m, v kernels.Buffer, ok bool) {
	m, mok := w.view(w.m, name)
	v, vok := w.view(w.v, name)
	return m, v, mok && vok
}

// flat is the view of elements from..to of one of the flat buffers. from must be where a parameter starts.
func (w *Weights) flat(mem kernels.Memory, from, to int) (kernels.Buffer, error) {
	return mem.Slice(kernels.Of(kernels.Float32, to-from), from*kernels.Float32.Size())
}

// Free gives the memory back. Programs bound to it must not run any more.
func (w *Weights) Free() error {
	var first error
	for _, m := range w.mems {
		if m.Free != nil {
			if err := m.Free(); err != nil && first == nil {
				first = err
			}
		}
	}
	w.mems = nil
	return first
}
