package kerneltest

import (
	"fmt"
	"math"

	"aural/internal/testkit"
	"aural/kernels"
)

// Tolerance bounds |got - want| by Norm·max|want| + Abs + Rel·max(|got|,|want|), the maximum of Norm taken over the whole output.
type Tolerance struct{ Norm, Abs, Rel float64 }

// Class groups ops by how rounding behaves in them.
type Class int

const (
	Exact Class = iota
	Rounded
	Curved
	Summed
	Normed
	Composed
	SummedWide
)

func (c Class) String() string {
	return [...]string{"exact", "rounded", "curved", "summed", "normed", "composed", "summed wide"}[c]
}

// tolerance is what a float32 kernel may be off from the float64 judge. The unit roundoff of float32 is u = 6e-8; inputs are near 1.
func (c Class) tolerance() Tolerance {
	switch c {
	case Exact: // copies and choices: no arithmetic at all
		return Tolerance{}
	case Rounded: // a few roundings for each element, and a constant that was rounded to float32 first: up to about 8u
		return Tolerance{Rel: 5e-7}
	case Curved: // erf and exp by polynomials, good to some u of the largest term, which for GELU is |x|
		return Tolerance{Abs: 1e-6, Rel: 1e-5}
	case Summed: // sums of n products in any order: about u·√n, while the result is about √n; Abs for results that cancel
		return Tolerance{Norm: 2e-6, Abs: 5e-6}
	case Normed: // sums, then division by a deviation that may be small, then differences that cancel
		return Tolerance{Norm: 5e-6, Abs: 5e-6}
	case Composed: // exp of scores near 10, wrong by u·10·(a few), then sums of differences that cancel
		return Tolerance{Norm: 1e-5, Abs: 5e-6}
	case SummedWide: // float64 sum of squares that may be rounded to float32 one by one
		return Tolerance{Rel: 1e-7}
	}
	panic(fmt.Sprintf("kerneltest: no tolerance for class %d", int(c)))
}

// classOf is the one place that says which class an op belongs to.
func classOf(op kernels.Op) Class {
	switch op.(type) {
	case kernels.MaskFrames, kernels.MaskChannels, kernels.MaskPadding, kernels.GatherRows, kernels.Select, kernels.SelectGrad, kernels.Cast:
		return Exact
	case kernels.Waveform, kernels.Dropout, kernels.Scale, kernels.ScaleBy, kernels.MeanSquareGrad:
		return Rounded
	case kernels.GELU, kernels.GELUGrad:
		return Curved
	case kernels.Linear, kernels.LinearGradInput, kernels.LinearGradWeight, kernels.Conv1D, kernels.Conv1DGradInput, kernels.Conv1DGradWeight,
		kernels.AddN, kernels.MeanSquare, kernels.MaskFramesGrad, kernels.ScatterRows, kernels.AdamW:
		return Summed
	case kernels.LayerNorm, kernels.LayerNormGrad, kernels.GroupNorm, kernels.GroupNormGrad, kernels.WeightNorm, kernels.WeightNormGrad:
		return Normed
	case kernels.Attention, kernels.AttentionGrad, kernels.GumbelQuantize, kernels.GumbelQuantizeGrad,
		kernels.Diversity, kernels.DiversityGrad, kernels.InfoNCE, kernels.InfoNCEGrad,
		kernels.CTCLoss, kernels.CTCLossGrad:
		return Composed
	case kernels.SumSquares:
		return SummedWide
	case kernels.ClipScale: // float64 everywhere, one rounding an operation
		return Exact
	}
	panic("kerneltest: " + op.Name() + " has no tolerance class")
}

// compare holds an output of a back end against the judge's. Integers must be equal; floats may be off by slack times the
// tolerance; not a number equals only not a number, of any bit pattern. used is the largest share of the tolerance that an element took.
func compare(got, want kernels.Buffer, tol Tolerance, slack float64) (used float64, err error) {
	switch want.DType {
	case kernels.Float32, kernels.Float64:
		w := floats(want)
		d, err := testkit.Compare(floats(got), w, testkit.Tol{
			Abs: slack * (tol.Abs + tol.Norm*largest(w)), Rel: slack * tol.Rel, NaN: true,
		})
		if err == nil && d.Bad > 0 {
			err = fmt.Errorf("%v", d)
		}
		return max(d.Used, 0), err
	case kernels.Int32:
		for i, v := range want.I32() {
			if g := got.I32()[i]; g != v {
				return 0, fmt.Errorf("[%d] is %d, want %d", i, g, v)
			}
		}
	case kernels.BFloat16:
		w := kernels.Data[uint16](want)
		for i, g := range kernels.Data[uint16](got) {
			if g != w[i] && !(isNaN16(g) && isNaN16(w[i])) {
				return 0, fmt.Errorf("[%d] is %#x, want %#x", i, g, w[i])
			}
		}
	default:
		return 0, fmt.Errorf("kerneltest: no comparison of %v", want.DType)
	}
	return 0, nil
}

func isNaN16(x uint16) bool { return math.IsNaN(float64(math.Float32frombits(uint32(x) << 16))) }
