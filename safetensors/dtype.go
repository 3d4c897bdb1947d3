package safetensors

import "fmt"

// DType is the type of a tensor's elements. The order of the constants is the order of the reference implementation
// (by size, then as here), on which the layout of a written file rests.
type DType uint8

// The element types that can be read and written; all little-endian.
const (
	Bool DType = iota + 1 // one byte, 0 or 1
	U8
	I8
	I16
	F16  // IEEE 754 binary16
	BF16 // the upper half of a binary32
	I32
	F32
	F64
	I64
)

var dtypes = [...]struct {
	name string
	size int
}{
	Bool: {"BOOL", 1}, U8: {"U8", 1}, I8: {"I8", 1}, I16: {"I16", 2}, F16: {"F16", 2}, BF16: {"BF16", 2},
	I32: {"I32", 4}, F32: {"F32", 4}, F64: {"F64", 8}, I64: {"I64", 8},
}

func (d DType) valid() bool { return d > 0 && int(d) < len(dtypes) }

// String is the name used in the file's header.
func (d DType) String() string {
	if !d.valid() {
		return fmt.Sprintf("DType(%d)", uint8(d))
	}
	return dtypes[d].name
}

// Size is the number of bytes of one element, 0 for a value that is no DType.
func (d DType) Size() int {
	if !d.valid() {
		return 0
	}
	return dtypes[d].size
}

// parseDType names an unknown type, because newer writers have types (FP8, FP4, complex) that are not read here.
func parseDType(name string) (DType, error) {
	for d := Bool; d.valid(); d++ {
		if dtypes[d].name == name {
			return d, nil
		}
	}
	return 0, fmt.Errorf("dtype %q is not one of BOOL, U8, I8, I16, F16, BF16, I32, F32, F64, I64", name)
}
