package cuda

import (
	"aural/kernels"
	"aural/kernels/cuda/driver"
)

// addTerms is the number of terms that a launch adds.
const addTerms = 8

type addNArgs struct {
	X     [addTerms]driver.Ptr
	Y     driver.Ptr
	N     int64
	Terms int32
	_     int32
}

type mapArgs struct {
	X, Z, Y, Scalar driver.Ptr
	N               int64
	Factor          float32
	_               int32
}

type dropoutArgs struct {
	X, Y   driver.Ptr
	N, Row int64
	Noise  noise
}

type castArgs struct {
	X, Y driver.Ptr
	N    int64
}

type selectArgs struct {
	Cond, X, Z, Y, Other driver.Ptr
	N                    int64
}

// blockElements is block_elements of src/vector.cuh.
const blockElements = threads * 4 * 2

// flat is a grid whose blocks have blockElements of n elements each.
func flat(n int) (grid, block driver.Dim) { return blocks(ceilDiv(n, blockElements), threads) }

// fours is a grid with a thread for four of n elements.
func fours(n int) (grid, block driver.Dim) { return each(ceilDiv(n, 4)) }

// addN adds up to addTerms terms in a launch; further launches add to the sum of the first, in order.
func (b *Backend) addN(in []kernels.Desc) *plan {
	p := b.plan(stored("add_n", in[0]))
	n := in[0].Size()
	grid, block := fours(n)
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
		add(p, stored("add_n", in[0]), grid, block, 0, a, func(c *call) {
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

// elementwise is a plan of one launch of a kernel over the elements of x.
func (b *Backend) elementwise(variant, kernel string, x kernels.Desc, factor float32, bind func(a *mapArgs, c *call)) *plan {
	p := b.plan(stored(variant, x))
	a := &mapArgs{N: int64(x.Size()), Factor: factor}
	grid, block := flat(x.Size())
	add(p, stored(kernel, x), grid, block, 0, a, func(c *call) { bind(a, c) })
	return p
}

func (b *Backend) gelu(in []kernels.Desc) *plan {
	return b.elementwise("gelu", "gelu", in[0], 0, func(a *mapArgs, c *call) { a.X, a.Y = c.in(0), c.out(0) })
}

func (b *Backend) geluGrad(in []kernels.Desc) *plan {
	return b.elementwise("gelu_grad", "gelu_grad", in[0], 0, func(a *mapArgs, c *call) { a.X, a.Z, a.Y = c.in(0), c.in(1), c.out(0) })
}

func (b *Backend) scale(o kernels.Scale, in []kernels.Desc) *plan {
	return b.elementwise("scale", "scale", in[0], float32(o.Factor), func(a *mapArgs, c *call) { a.X, a.Y = c.in(0), c.out(0) })
}

func (b *Backend) scaleBy(in []kernels.Desc) *plan {
	return b.elementwise("scale_by", "scale_by", in[0], 1, func(a *mapArgs, c *call) { a.X, a.Scalar, a.Y = c.in(0), c.in(1), c.out(0) })
}

func (b *Backend) meanSquareGrad(in []kernels.Desc) *plan {
	factor := float32(2 / float64(in[1].Size()))
	return b.elementwise("mean_square_grad", "scale_by", in[1], factor, func(a *mapArgs, c *call) { a.Scalar, a.X, a.Y = c.in(0), c.in(1), c.out(0) })
}

func (b *Backend) dropout(o kernels.Dropout, in []kernels.Desc) *plan {
	rule, ok := dropout(o.P, o.Site)
	if !ok {
		return nil
	}
	p := b.plan(stored("dropout", in[0]))
	n := in[0].Size()
	a := &dropoutArgs{N: int64(n), Row: int64(n / max(1, in[0].Shape[0])), Noise: rule}
	grid, block := each(ceilDiv(n+3, 4)) // a block of noise more where the first element does not begin one
	if n == 0 {
		grid.X = 0
	}
	add(p, stored("dropout", in[0]), grid, block, 0, a, func(c *call) {
		a.X, a.Y = c.in(0), c.out(0)
		a.Noise.at(c)
	})
	return p
}

func (b *Backend) cast(o kernels.Cast, in []kernels.Desc) *plan {
	var kernel string
	switch from := in[0].DType; {
	case o.To == kernels.BFloat16:
		kernel = "cast_to_bf16"
	case from == kernels.BFloat16:
		kernel = "cast_from_bf16"
	case from == kernels.Int16:
		kernel = "cast_from_int16"
	case from == kernels.Int32:
		kernel = "cast_from_int32"
	case from == kernels.Uint8:
		kernel = "cast_from_uint8"
	default:
		return nil
	}
	p := b.plan(kernel)
	n := in[0].Size()
	a := &castArgs{N: int64(n)}
	grid, block := fours(n)
	add(p, kernel, grid, block, 0, a, func(c *call) { a.X, a.Y = c.in(0), c.out(0) })
	return p
}

func (b *Backend) selectBranch(in []kernels.Desc) *plan {
	p := b.plan(stored("select", in[1]))
	n := in[1].Size()
	a := &selectArgs{N: int64(n)}
	grid, block := flat(n)
	add(p, stored("select_branch", in[1]), grid, block, 0, a, func(c *call) { a.Cond, a.X, a.Z, a.Y = c.in(0), c.in(1), c.in(2), c.out(0) })
	return p
}

func (b *Backend) selectGrad(in []kernels.Desc) *plan {
	p := b.plan(stored("select_grad", in[1]))
	n := in[1].Size()
	a := &selectArgs{N: int64(n)}
	grid, block := flat(n)
	add(p, stored("select_grad", in[1]), grid, block, 0, a, func(c *call) { a.Cond, a.X, a.Y, a.Other = c.in(0), c.in(1), c.out(0), c.out(1) })
	return p
}
