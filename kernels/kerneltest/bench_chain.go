package kerneltest

import (
	"testing"

	"aural/kernels"
)

// BenchChains times chains, and beside each its ops one by one, with memory as the executor gives it: every value in a place of its own.
func BenchChains(b *testing.B, be kernels.Backend, cases []ChainCase) {
	for _, c := range cases {
		values, outs, err := c.single(be, nil)
		if err != nil {
			b.Fatal(err)
		}
		chain, in, _ := c.chain(values, outs, nil)
		fused := Call{Op: chain, Step: c.Step}
		for _, v := range in {
			fused.In = append(fused.In, values[v])
		}
		var single []Call
		for _, call := range c.Calls[c.Before:] {
			one := Call{Op: call.Op, Step: c.Step}
			for _, v := range call.In {
				one.In = append(one.In, values[v])
			}
			single = append(single, one)
		}
		b.Run(c.Name+"/single", func(b *testing.B) { benchCalls(b, be, single) })
		b.Run(c.Name+"/fused", func(b *testing.B) { benchCalls(b, be, []Call{fused}) })
	}
}

func benchCalls(b *testing.B, be kernels.Backend, calls []Call) {
	var rigs []*rig
	for _, c := range calls {
		r, err := newRig(be, c)
		if err != nil {
			b.Fatal(err)
		}
		defer func() {
			if err := r.free(); err != nil {
				b.Error(err)
			}
		}()
		if _, err := r.run(c.Step, dirtyOther, false); err != nil {
			b.Fatal(err)
		}
		rigs = append(rigs, r)
	}
	for b.Loop() {
		for _, r := range rigs {
			if err := r.launch(r.call.Step, buffers(r.out)); err != nil {
				b.Fatal(err)
			}
		}
	}
}
