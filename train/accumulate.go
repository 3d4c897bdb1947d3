package train

import (
	"fmt"

	"aural/kernels"
)

// accumulator adds the gradients of micro-batches up. It has nothing to do where Sum is Grad.
type accumulator struct {
	first   launch // Sum = Grad
	further launch // Sum = Sum + Grad
	scratch []byte
	step    kernels.Step
	shared  bool
}

func newAccumulator(be kernels.Backend, w *Weights, micros int) (*accumulator, error) {
	a := &accumulator{shared: !w.accumulates}
	if a.shared {
		if micros > 1 {
			return nil, fmt.Errorf("train: accumulate is %d, but the task allocated no memory to add gradients up: call NewWeights with accumulate", micros)
		}
		return a, nil
	}
	sum, grad := []kernels.Buffer{w.Sum}, []kernels.Buffer{w.Grad}
	var err error
	if a.first, err = compile(be, kernels.Scale{Factor: 1}, grad, sum); err != nil {
		return nil, err
	}
	if a.further, err = compile(be, kernels.AddN{}, []kernels.Buffer{w.Sum, w.Grad}, sum); err != nil {
		return nil, err
	}
	a.scratch = kernels.New(kernels.Uint8, max(a.first.kernel.Scratch, a.further.kernel.Scratch)).HostBytes()
	return a, nil
}

// add takes the gradient of micro-batch number micro of the update, in order with the kernels that compute it.
func (a *accumulator) add(micro int) {
	if a.shared {
		return
	}
	l := &a.further
	if micro == 0 {
		l = &a.first
	}
	l.kernel.Run(&a.step, l.in, l.out, a.scratch)
}
