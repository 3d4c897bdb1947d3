package exec

import (
	"cmp"
	"fmt"
	"slices"

	"aural/kernels"
)

// transfer is how inputs reach a back end that is a [kernels.Streamer]: all of a run as one block, laid out as the inputs are in the arena.
type transfer struct {
	stream kernels.Streamer // nil: inputs are uploaded one by one
	home   kernels.Memory   // the arena
	order  []int            // inputs by their place in the arena
	bytes  int              // of the block
	block  []byte           // open between the first Feed and Run
	fed    []bool           // by input, as in order
	ranges []kernels.Range
}

// Streams reports whether what is fed goes to a block of its own, and to the arena only when the program runs: then other programs may run meanwhile.
func (p *Program) Streams() bool { return p.transfer.stream != nil }

// planTransfer finds the inputs' part of the arena.
func (p *Program) planTransfer() {
	s, ok := p.backend.(kernels.Streamer)
	if !ok {
		return
	}
	t := &p.transfer
	t.stream = s
	for _, v := range p.inputs {
		t.order = append(t.order, v)
		t.bytes = max(t.bytes, p.place[v]+p.graph.Values[v].Desc.Bytes())
	}
	slices.SortFunc(t.order, func(a, b int) int { return cmp.Or(cmp.Compare(p.place[a], p.place[b]), cmp.Compare(a, b)) })
	t.fed = make([]bool, len(t.order))
}

// stage puts the data of an input into the block of the next run.
func (p *Program) stage(v int, data []byte) (err error) {
	t := &p.transfer
	if t.block == nil {
		if t.block, err = t.stream.Stage(t.bytes); err != nil {
			t.block = nil
			return err
		}
	}
	copy(t.block[p.place[v]:], data)
	t.fed[slices.Index(t.order, v)] = true
	return nil
}

// send queues the copy of what was fed since the last run. Neighbours are one range: what lies between them is padding.
func (p *Program) send() error {
	t := &p.transfer
	if t.block == nil {
		return nil
	}
	t.ranges = t.ranges[:0]
	for i, v := range t.order {
		if !t.fed[i] {
			continue
		}
		t.fed[i] = false
		from, to := p.place[v], p.place[v]+p.graph.Values[v].Desc.Bytes()
		if k := len(t.ranges) - 1; k >= 0 && from <= round(t.ranges[k].To) {
			t.ranges[k].To = max(t.ranges[k].To, to)
		} else {
			t.ranges = append(t.ranges, kernels.Range{From: from, To: to})
		}
	}
	block := t.block
	t.block = nil
	return t.stream.Send(t.home, block, t.ranges)
}

// Results are outputs of a run on the host, in memory of their own, so that several runs can be under way.
type Results struct {
	names  []string
	memory kernels.Memory
	parts  [][]byte
}

// NewResults makes memory for outputs of the program. It is given back with the back end.
func (p *Program) NewResults(names ...string) (*Results, error) {
	r := &Results{names: names}
	at := make([]int, len(names)+1)
	for i, name := range names {
		o, ok := p.outputs[name]
		if !ok {
			return nil, fmt.Errorf("exec: the program has no output %q", name)
		}
		at[i+1] = at[i] + round(p.graph.Values[p.graph.root(o.Value)].Desc.Bytes())
	}
	var err error
	if r.memory, err = kernels.Pin(p.backend, at[len(names)]); err != nil {
		return nil, err
	}
	for i, name := range names {
		n := p.graph.Values[p.graph.root(p.outputs[name].Value)].Desc.Bytes()
		r.parts = append(r.parts, r.memory.Host[at[i]:at[i]+n:at[i]+n])
	}
	return r, nil
}

// Fetch queues the copy of the last run's outputs into r. They are there after the next Sync of the back end.
func (p *Program) Fetch(r *Results) error {
	for i, name := range r.names {
		if err := kernels.Fetch(p.backend, r.parts[i], p.bufs[p.graph.root(p.outputs[name].Value)]); err != nil {
			return err
		}
	}
	return nil
}

// Values is output i of those that NewResults was called with, as a slice of its elements.
func Values[T kernels.Element](r *Results, i int) []T { return kernels.Elements[T](r.parts[i]) }

// Output is the buffer of a named output on the back end. What is in it is that of the last run, until the arena is used again.
func (p *Program) Output(name string) (kernels.Buffer, error) {
	o, ok := p.outputs[name]
	if !ok {
		return kernels.Buffer{}, fmt.Errorf("exec: the program has no output %q", name)
	}
	return p.bufs[p.graph.root(o.Value)], nil
}
