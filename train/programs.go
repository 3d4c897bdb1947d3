package train

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"strings"

	"aural/exec"
	"aural/kernels"
)

// gradientPrefix starts the names of the external outputs that hold gradients.
const gradientPrefix = "gradient/"

// GradientOutput is the name of the external output of a program that is bound to the gradient of a parameter.
func GradientOutput(parameter string) string { return gradientPrefix + parameter }

// external finds the buffer of a parameter or, under the name of its output, of its gradient.
func (w *Weights) external(name string) (kernels.Buffer, bool) {
	if parameter, ok := strings.CutPrefix(name, gradientPrefix); ok {
		return w.Gradient(parameter)
	}
	return w.Param(name)
}

// Arena is memory for activations that programs share which never run at the same time.
type Arena struct {
	backend kernels.Backend
	mem     kernels.Memory
	bind    []func(kernels.Memory) error // of the users
	release []func() error
}

// NewArena makes an empty one.
func NewArena(be kernels.Backend) *Arena { return &Arena{backend: be} }

// Size is the number of bytes that it has.
func (a *Arena) Size() int { return a.mem.Size }

// Grow makes the arena at least n bytes, and binds all programs to the new memory if it has to be another. What the arena holds is lost. After an error it has
// the size that it had, if that can still be had, and the programs can run.
func (a *Arena) Grow(n int) error {
	if n <= a.mem.Size {
		return nil
	}
	had := a.mem.Size
	if a.mem.Free != nil { // first, because both may not fit
		if err := a.mem.Free(); err != nil {
			return err
		}
		a.mem = kernels.Memory{}
	}
	err := a.take(n)
	if err == nil {
		return nil
	}
	err = fmt.Errorf("train: %d bytes for activations: %w", n, err)
	if had > 0 {
		err = errors.Join(err, a.take(had))
	}
	return err
}

// take allocates n bytes for an arena that has none.
func (a *Arena) take(n int) (err error) {
	if a.mem, err = a.backend.Alloc(n); err != nil {
		return err
	}
	for _, bind := range a.bind {
		if err := bind(a.mem); err != nil {
			return err
		}
	}
	return nil
}

// Free gives the memory back, and what the back end keeps for the programs that share it. They must not run any more.
func (a *Arena) Free() (err error) {
	for _, release := range a.release {
		err = errors.Join(err, release())
	}
	free := a.mem.Free
	a.mem = kernels.Memory{}
	if free == nil {
		return err
	}
	return errors.Join(err, free())
}

// Planned is a program with what its task keeps beside it.
type Planned interface{ Exec() *exec.Program }

// Programs compiles and keeps one program a shape of batch.
type Programs[S comparable, P Planned] struct {
	arena   *Arena
	weights *Weights
	compile func(S) (P, error)
	byShape map[S]P
}

// NewPrograms makes an empty cache. Compile plans the program of a shape; its parameters and the outputs called [GradientOutput] are bound to the weights.
func NewPrograms[S comparable, P Planned](a *Arena, w *Weights, compile func(S) (P, error)) *Programs[S, P] {
	p := &Programs[S, P]{arena: a, weights: w, compile: compile, byShape: map[S]P{}}
	a.bind = append(a.bind, func(mem kernels.Memory) error {
		for _, q := range p.byShape {
			if err := q.Exec().Bind(mem, w.external); err != nil {
				return err
			}
		}
		return nil
	})
	a.release = append(a.release, p.Forget)
	return p
}

// Get returns the program of a shape, compiling it on first use.
func (p *Programs[S, P]) Get(s S) (P, error) {
	if q, ok := p.byShape[s]; ok {
		return q, nil
	}
	q, err := p.compile(s)
	if err != nil {
		return q, err
	}
	if err := p.arena.Grow(q.Exec().ArenaBytes()); err != nil {
		return q, err
	}
	if err := q.Exec().Bind(p.arena.mem, p.weights.external); err != nil {
		return q, err
	}
	p.byShape[s] = q
	return q, nil
}

// Ready returns the program of a shape if it is compiled.
func (p *Programs[S, P]) Ready(s S) (q P, ok bool) {
	q, ok = p.byShape[s]
	return q, ok
}

// Len is the number of programs that are kept.
func (p *Programs[S, P]) Len() int { return len(p.byShape) }

// Forget drops all programs, for users who meet shapes without end. The arena keeps its size.
func (p *Programs[S, P]) Forget() (err error) {
	for _, q := range p.byShape {
		err = errors.Join(err, q.Exec().Free())
	}
	clear(p.byShape)
	return err
}

// All iterates over the programs that are kept.
func (p *Programs[S, P]) All() iter.Seq[P] { return maps.Values(p.byShape) }
