// Package nn holds the layers that models share: each adds ops to a graph and declares the parameters they need, with their initial values.
//
// Parameters carry the names that Hugging Face checkpoints have; a layer's argument name is the prefix.
package nn

import (
	"fmt"
	"runtime"

	"aural/graph"
	"aural/kernels"
	"aural/rng"
	"aural/train"
)

// Net is a graph under construction together with the parameters that its layers have declared.
type Net struct {
	*graph.Builder
	Training bool // dropout and LayerDrop are on, and the quantizer is trained through its straight-through or soft gradient
	Noise    bool // the quantizer draws Gumbel noise
	Folded   bool // weight norms are computed beforehand: the kernel is a parameter, instead of its direction and its magnitude
	params   map[string]declared
	order    []string
}

type declared struct {
	shape []int
	init  Init
}

// New returns an empty net whose real numbers have the given type. Noise is on when training.
func New(float kernels.DType, training bool) *Net {
	return &Net{Builder: graph.New(float), Training: training, Noise: training, params: map[string]declared{}}
}

// Weight declares a parameter and returns its node.
func (n *Net) Weight(name string, init Init, shape ...int) *graph.Node {
	if _, ok := n.params[name]; !ok {
		n.params[name] = declared{append([]int(nil), shape...), init}
		n.order = append(n.order, name)
	}
	return n.Param(name, shape...)
}

// Specs lists the declared parameters in order of declaration.
func (n *Net) Specs() []train.Spec {
	out := make([]train.Spec, len(n.order))
	for i, name := range n.order {
		out[i] = train.Spec{Name: name, Shape: n.params[name].shape}
	}
	return out
}

// Init fills dst, a parameter of the given shape, with initial values drawn from its own stream s of the seed.
type Init func(dst []float32, shape []int, seed uint64, s *rng.Stream)

// Initialize draws the initial value of every declared parameter and hands it to set, in order of declaration. Each has a stream of its own, keyed by the
// seed and its name, so the value of one does not depend on which others exist, nor on the number of CPUs that draw.
func (n *Net) Initialize(seed uint64, set func(name string, value []float32) error) error {
	drawn := make([]chan []float32, len(n.order))
	for i := range drawn {
		drawn[i] = make(chan []float32, 1)
	}
	room := make(chan struct{}, 2*runtime.GOMAXPROCS(0)) // values that are drawn and not yet set
	done := make(chan struct{})
	defer close(done)
	go func() {
		for i, name := range n.order {
			select {
			case room <- struct{}{}:
				go func() { drawn[i] <- n.draw(seed, name) }()
			case <-done:
				return
			}
		}
	}()
	for i, name := range n.order {
		value := <-drawn[i]
		<-room
		if err := set(name, value); err != nil {
			return fmt.Errorf("nn: initialising %s: %w", name, err)
		}
	}
	return nil
}

func (n *Net) draw(seed uint64, name string) []float32 {
	p := n.params[name]
	value := make([]float32, kernels.Of(kernels.Float32, p.shape...).Size())
	p.init(value, p.shape, seed, initStream(seed, name))
	return value
}

func initStream(seed uint64, name string) *rng.Stream { return rng.At(seed, 0, rng.Site("init/"+name)) }
