package safetensors

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"unsafe"
)

// Float32 returns the elements of a floating-point tensor. F32 comes back as a view of t.Data where the machine allows
// (little-endian, aligned), so it must not be written to and lives as long as t.Data; F16, BF16 and F64 are converted into new
// memory, F64 with rounding. A finite F64 beyond the range of float32 is an error, not an infinity.
func Float32(t Tensor) ([]float32, error) {
	size, err := t.Info().Size()
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	if len(t.Data) != size {
		return nil, fmt.Errorf("safetensors: tensor %q of %v %v takes %d bytes, has %d", t.Name, t.DType, t.Shape, size, len(t.Data))
	}
	le, n := binary.LittleEndian, size/t.DType.Size()
	if t.DType == F32 && littleEndian() && n > 0 && uintptr(unsafe.Pointer(&t.Data[0]))%4 == 0 {
		return unsafe.Slice((*float32)(unsafe.Pointer(&t.Data[0])), n), nil
	}
	out := make([]float32, n)
	switch t.DType {
	case F32:
		for i := range out {
			out[i] = math.Float32frombits(le.Uint32(t.Data[4*i:]))
		}
	case BF16:
		for i := range out {
			out[i] = math.Float32frombits(uint32(le.Uint16(t.Data[2*i:])) << 16)
		}
	case F16:
		for i := range out {
			out[i] = float16(le.Uint16(t.Data[2*i:]))
		}
	case F64:
		for i := range out {
			v := math.Float64frombits(le.Uint64(t.Data[8*i:]))
			out[i] = float32(v)
			if math.IsInf(float64(out[i]), 0) && !math.IsInf(v, 0) {
				return nil, fmt.Errorf("safetensors: tensor %q: element %d is %g, beyond float32", t.Name, i, v)
			}
		}
	default:
		return nil, fmt.Errorf("safetensors: tensor %q is %v, not a floating-point type", t.Name, t.DType)
	}
	return out, nil
}

// FromFloat32 is the F32 tensor of the values. On little-endian machines its Data is a view of values.
func FromFloat32(name string, shape []int, values []float32) (Tensor, error) {
	t := Tensor{Name: name, DType: F32, Shape: slices.Clone(shape)}
	size, err := t.Info().Size()
	switch {
	case err != nil:
		return Tensor{}, fmt.Errorf("safetensors: %w", err)
	case size != 4*len(values):
		return Tensor{}, fmt.Errorf("safetensors: tensor %q of shape %v does not hold %d values", name, shape, len(values))
	case len(values) > 0 && littleEndian():
		t.Data = unsafe.Slice((*byte)(unsafe.Pointer(&values[0])), size)
	default:
		t.Data = make([]byte, 0, size)
		for _, v := range values {
			t.Data = binary.LittleEndian.AppendUint32(t.Data, math.Float32bits(v))
		}
	}
	return t, nil
}

// float16 widens an IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits.
func float16(h uint16) float32 {
	sign, exp, frac := uint32(h>>15)<<31, uint32(h>>10)&31, uint32(h)&0x3ff
	switch exp {
	case 0: // zero and subnormal: frac·2⁻²⁴, exact in float32
		v := float32(frac) * 0x1p-24
		return math.Float32frombits(sign | math.Float32bits(v))
	case 31: // infinity and NaN, payload kept
		return math.Float32frombits(sign | 0xff<<23 | frac<<13)
	}
	return math.Float32frombits(sign | (exp-15+127)<<23 | frac<<13)
}

func littleEndian() bool { return binary.NativeEndian.Uint16([]byte{1, 0}) == 1 }
