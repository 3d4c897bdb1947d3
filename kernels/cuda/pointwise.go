package cuda

import (
	"aural/kernels"
	"aural/kernels/cuda/driver"
)

type addNArgs struct {
	X     [8]driver.Ptr
	Y     driver.Ptr
	N     int64
	Terms int32
	_     int32
}

// addN adds up to eight terms in a launch; further launches add to the sum of the first, in order.
func (b *Backend) addN(in []kernels.Desc) *plan {
	p := b.plan("add_n")
	n := in[0].Size()
	grid, block := each(n)
	for first := 0; first < len(in); {
		a := &addNArgs{N: int64(n)}
		from, sum := first, first > 0
		terms := min(len(in)-from, len(a.X))
		if sum {
			terms = min(len(in)-from, len(a.X)-1)
		}
		first += terms
		a.Terms = int32(terms)
		if sum {
			a.Terms++
		}
		add(p, "add_n", grid, block, 0, a, func(c *call) {
			a.Y = c.out(0)
			at := 0
			if sum {
				a.X[0], at = a.Y, 1
			}
			for i := range terms {
				a.X[at+i] = c.in(from + i)
			}
		})
	}
	return p
}
