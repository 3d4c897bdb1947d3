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
	// PrecisionInt8 is for inference alone: weights of large linear layers and convolutions become 8-bit integers once, with one scale for each output, and their inputs when
	// they are used, with a scale and a zero point for each row; sums of integer products are exact. Everything else is float32. Each operand is off by half a
	// step of its scale at most: 1/254 of the largest weight of an output, 1/510 of the range of a row.
	PrecisionInt8 Precision = "int8"
)

// Precisions lists all of them.
func Precisions() []Precision {
	return []Precision{PrecisionFloat32, PrecisionHigh, PrecisionBF16, PrecisionInt8}
}

// Validate reports a precision that does not exist.
func (p Precision) Validate() error {
	if slices.Contains(Precisions(), p) {
		return nil
	}
	return fmt.Errorf("kernels: precision is %q, want float32, high, bf16 or int8", string(p))
}

// ValidateTraining reports a precision that does not exist, or that has no gradients.
func (p Precision) ValidateTraining() error {
	if p == PrecisionInt8 {
		return fmt.Errorf("kernels: precision int8 is for inference only, it has no gradients; train in float32, high or bf16")
	}
	if p.Validate() != nil {
		return fmt.Errorf("kernels: precision is %q, want float32, high or bf16", string(p))
	}
	return nil
}
