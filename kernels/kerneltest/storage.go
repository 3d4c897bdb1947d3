package kerneltest

import (
	"fmt"
	"iter"
	"math"
	"slices"

	"aural/kernels"
)

// Stored replaces the calls by those whose activations are stored in bfloat16, in all mixtures that the back end allows. Calls without such are left out. Outputs in bfloat16
// may differ from the judge's, rounded, by what the tolerance of the op makes of that rounding.
func Stored(narrow func(op kernels.Op, in, out []kernels.Desc) kernels.Storage) Option {
	return func(c *config) { c.narrow = narrow }
}

// stored gives the calls of a run that come from c: c itself, or its mixtures of types with their names.
func (cfg config) stored(c Call) iter.Seq2[string, Call] {
	return func(yield func(string, Call) bool) {
		if cfg.narrow == nil {
			yield(c.Op.Name(), c)
			return
		}
		in := descs(c.In)
		out, err := c.Op.Infer(in)
		if err != nil || c.NoKernel != "" {
			return
		}
		s := cfg.narrow(c.Op, in, out)
		groups := 0
		for i := -len(out); i < len(in); i++ {
			groups = max(groups, s.Group(i))
		}
		for narrow := 1; narrow < 1<<groups; narrow++ {
			isNarrow := func(i int) bool { g := s.Group(i); return g > 0 && narrow>>(g-1)&1 == 1 }
			d := c
			d.In, d.Out = slices.Clone(c.In), slices.Clone(out)
			for i, b := range d.In {
				if isNarrow(i) {
					d.In[i] = rounded(b)
				}
			}
			for o := range out {
				if isNarrow(-1 - o) {
					d.Out[o].DType = kernels.BFloat16
				}
			}
			if !yield(fmt.Sprintf("%s,%0*b", c.Op.Name(), groups, narrow), d) {
				return
			}
		}
	}
}

// rounded is a float32 tensor in bfloat16.
func rounded(b kernels.Buffer) kernels.Buffer {
	r := kernels.New(kernels.BFloat16, b.Shape...)
	for i, x := range b.F32() {
		kernels.Data[uint16](r)[i] = bfloat16(x)
	}
	return r
}

// widened is a bfloat16 tensor as float64.
func widened(b kernels.Buffer) []float64 {
	x := make([]float64, b.Size())
	for i, bits := range kernels.Data[uint16](b) {
		x[i] = float64(math.Float32frombits(uint32(bits) << 16))
	}
	return x
}

// bfloat16 rounds to nearest, ties to even.
func bfloat16(x float32) uint16 {
	if x != x {
		return 0x7fc0
	}
	bits := math.Float32bits(x)
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}

// compareStored holds an output in bfloat16 against float64 numbers: each must lie between the roundings of the ends of its tolerance. used is the largest share of the
// tolerance that an element takes beyond half a unit of its last digit.
func compareStored(got kernels.Buffer, want []float64, tol Tolerance, slack float64) (used float64, err error) {
	top := largest(want)
	for i, g := range widened(got) {
		w := want[i]
		if math.IsNaN(w) && math.IsNaN(g) {
			continue
		}
		bound := slack * (tol.Abs + tol.Norm*top + tol.Rel*max(math.Abs(w), math.Abs(g)))
		lo, hi := math.Float32frombits(uint32(bfloat16(float32(w-bound)))<<16), math.Float32frombits(uint32(bfloat16(float32(w+bound)))<<16)
		if !(float64(lo) <= g && g <= float64(hi)) {
			return used, fmt.Errorf("[%d] is %v, want %v, stored as something from %v to %v", i, g, w, lo, hi)
		}
		if over := math.Abs(g-w) - math.Abs(g)/256; over > 0 && bound > 0 {
			used = max(used, over/bound)
		}
	}
	return used, nil
}
