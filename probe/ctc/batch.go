package ctc

import (
	"cmp"
	"fmt"
	"slices"

	"aural/graph"
	"aural/kernels"
	"aural/probe"
)

// fill makes the batches: utterances in order of their lengths, the longest first, so that there is little padding.
func (h *head) fill(list []Sequence, standard probe.Standard) {
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(len(list[b].Frames), len(list[a].Frames)) })
	for len(order) > 0 {
		frames := len(list[order[0]].Frames) / h.Dim
		rows := max(1, min(len(order), framesPerBatch/frames))
		b := &batch{shape: shape{rows: rows, frames: frames}}
		for _, i := range order[:rows] {
			b.shape.labels = max(b.shape.labels, len(list[i].Target))
		}
		b.x, b.targets = make([]float32, rows*frames*h.Dim), make([]int32, rows*b.shape.labels)
		b.losses = make([]float32, rows)
		scaled := make([]float64, h.Dim)
		for r, i := range order[:rows] {
			s := list[i]
			for t := range len(s.Frames) / h.Dim {
				standard.Apply(scaled, s.Frames[t*h.Dim:][:h.Dim])
				for d, v := range scaled {
					b.x[(r*frames+t)*h.Dim+d] = float32(v)
				}
			}
			copy(b.targets[r*b.shape.labels:], s.Target)
			b.lengths, b.labels = append(b.lengths, int32(len(s.Frames)/h.Dim)), append(b.labels, int32(len(s.Target)))
		}
		h.batches = append(h.batches, b)
		order = order[rows:]
	}
}

// evaluate is the objective and its gradient at theta: W (Classes,Dim), then b (Classes).
//
// For N frames, padding included, of D features and C classes it does 4·N·D·C operations on the back end, besides the recursions of the loss.
func (h *head) evaluate(theta, gradient []float64) (float64, error) {
	n := h.Dim * h.Classes
	parts := []struct {
		name     string
		from, to int
	}{{headName + ".weight", 0, n}, {headName + ".bias", n, len(theta)}}
	for _, p := range parts {
		value := h.room(p.to - p.from)
		for i, v := range theta[p.from:p.to] {
			value[i] = float32(v)
		}
		b, ok := h.weights.Param(p.name)
		if !ok {
			return 0, fmt.Errorf("ctc: there is no parameter %q", p.name)
		}
		if err := h.Backend.Upload(b, kernels.BytesOf(value)); err != nil {
			return 0, err
		}
	}
	for i, v := range theta[:n] {
		gradient[i] = h.L2 * v
	}
	clear(gradient[n:])
	loss := 0.0
	for _, b := range h.batches {
		if err := h.run(b); err != nil {
			return 0, err
		}
		for _, v := range b.losses {
			loss += float64(v)
		}
		for _, p := range parts {
			value := h.room(p.to - p.from)
			g, ok := h.weights.Gradient(p.name)
			if !ok {
				return 0, fmt.Errorf("ctc: there is no gradient of %q", p.name)
			}
			if err := h.Backend.Download(kernels.BytesOf(value), g); err != nil {
				return 0, err
			}
			for i, v := range value {
				gradient[p.from+i] += float64(v) / h.labels
			}
		}
	}
	squares := 0.0
	for _, v := range theta[:n] {
		squares += v * v
	}
	return loss/h.labels + h.L2/2*squares, nil
}

// room is memory for n numbers.
func (h *head) room(n int) []float32 {
	h.value = slices.Grow(h.value[:0], n)[:n]
	return h.value
}

// run computes the losses and the gradients of a batch.
func (h *head) run(b *batch) error {
	p, err := h.programs.Get(b.shape)
	if err != nil {
		return err
	}
	one := []float32{1}
	for _, f := range []struct {
		name string
		data []byte
	}{{framesInput, kernels.BytesOf(b.x)}, {lengthsInput, kernels.BytesOf(b.lengths)}, {targetsInput, kernels.BytesOf(b.targets)},
		{labelsInput, kernels.BytesOf(b.labels)}, {graph.SeedInput, kernels.BytesOf(one)}} {
		if err := p.Feed(f.name, f.data); err != nil {
			return err
		}
	}
	if err := p.Run(&h.step); err != nil {
		return err
	}
	return p.Read(lossesOutput, kernels.BytesOf(b.losses))
}
