package kernels

import (
	"fmt"
	"slices"
)

// Precision says how a back end multiplies matrices. Sums of products, and everything that is no matrix product, are computed in float32 in each of
// them. Tensors are float32 too, but for activations of a back end that stores them in bfloat16 ([Narrower]: kernels/cuda in precision bf16). Errors are bounds for an element Σ ab, relative to Σ |ab|, besides the rounding of float32 sums.
type Precision string

const (
	PrecisionFloat32 Precision = "float32" // float32 products
	// PrecisionHigh splits each operand into two bfloat16 values and drops the product of the low ones: error 3·2⁻¹⁶ at most, 2⁻¹⁸ or so in practice.
	PrecisionHigh Precision = "high"
	// PrecisionBF16 rounds operands to bfloat16, as mixed-precision training does: error 2⁻⁷ at most.
	PrecisionBF16 Precision = "bf16"
)

// Precisions lists all of them.
func Precisions() []Precision { return []Precision{PrecisionFloat32, PrecisionHigh, PrecisionBF16} }

// Validate reports a precision that does not exist.
func (p Precision) Validate() error {
	if slices.Contains(Precisions(), p) {
		return nil
	}
	return fmt.Errorf("kernels: precision is %q, want float32, high or bf16", string(p))
}
