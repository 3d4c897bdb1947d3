package kernels

import (
	"fmt"
	"strings"
	"unsafe"
)

// DType is the storage type of a tensor's elements.
type DType uint8

const (
	Float32 DType = iota
	Float64       // for gradient checks on kernels/ref; no other back end computes in it
	BFloat16
	Int32
	Int16
	Uint8
)

var dtypeNames = [...]string{"float32", "float64", "bfloat16", "int32", "int16", "uint8"}

func (t DType) String() string { return dtypeNames[t] }

// Size is the number of bytes of one element.
func (t DType) Size() int { return [...]int{4, 8, 2, 4, 2, 1}[t] }

// IsFloat reports whether losses can be differentiated with respect to such tensors.
func (t DType) IsFloat() bool { return t == Float32 || t == Float64 || t == BFloat16 }

// Desc describes a tensor: its storage type and shape. A scalar has an empty shape. Tensors are dense and row-major.
type Desc struct {
	DType DType
	Shape []int
}

// Of makes a descriptor.
func Of(t DType, shape ...int) Desc { return Desc{DType: t, Shape: shape} }

// Size is the number of elements; a scalar has one.
func (d Desc) Size() int {
	n := 1
	for _, s := range d.Shape {
		n *= s
	}
	return n
}

// Bytes is the number of bytes of storage.
func (d Desc) Bytes() int { return d.Size() * d.DType.Size() }

// Rank is the number of axes.
func (d Desc) Rank() int { return len(d.Shape) }

// Last is the length of the last axis, the channels.
func (d Desc) Last() int { return d.Shape[len(d.Shape)-1] }

// Rows is the number of vectors along the last axis.
func (d Desc) Rows() int {
	n := 1
	for _, s := range d.Shape[:len(d.Shape)-1] {
		n *= s
	}
	return n
}

// Equal reports whether type and shape are the same.
func (d Desc) Equal(e Desc) bool {
	if d.DType != e.DType || len(d.Shape) != len(e.Shape) {
		return false
	}
	for i, s := range d.Shape {
		if s != e.Shape[i] {
			return false
		}
	}
	return true
}

func (d Desc) String() string {
	var b strings.Builder
	b.WriteString(d.DType.String())
	b.WriteByte('(')
	for i, s := range d.Shape {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprint(&b, s)
	}
	b.WriteByte(')')
	return b.String()
}

// Alignment is the alignment in bytes that every buffer of an arena has: one cache line, one AVX-512 register.
const Alignment = 64

// Buffer is a tensor in memory: on the host, or at Dev on a device.
type Buffer struct {
	Desc
	Dev  uintptr
	host []byte
}

// Host makes a buffer over host memory. It panics when mem does not have exactly the bytes of d or is misaligned for its type.
func Host(d Desc, mem []byte) Buffer {
	if len(mem) != d.Bytes() {
		panic(fmt.Sprintf("kernels: %v needs %d bytes, got %d", d, d.Bytes(), len(mem)))
	}
	if len(mem) > 0 && uintptr(unsafe.Pointer(&mem[0]))%uintptr(d.DType.Size()) != 0 {
		panic("kernels: misaligned host memory")
	}
	return Buffer{Desc: d, host: mem}
}

// New allocates a zeroed host buffer on the Go heap, aligned to [Alignment]. It is for tests and one-time work.
func New(t DType, shape ...int) Buffer {
	d := Of(t, shape...)
	mem := make([]byte, d.Bytes()+Alignment)
	off := int(-uintptr(unsafe.Pointer(&mem[0])) % Alignment)
	return Host(d, mem[off:off+d.Bytes():off+d.Bytes()])
}

// HostBytes is the buffer's memory on the host, nil for a device buffer.
func (b Buffer) HostBytes() []byte { return b.host }

// Element lists the Go types of host elements. BFloat16 is held as the upper 16 bits of a float32.
type Element interface {
	float32 | float64 | uint16 | int32 | int16 | uint8
}

// Data is the buffer's memory as a slice of T. It panics when T is not the Go type of the buffer's DType or the buffer is
// not on the host.
func Data[T Element](b Buffer) []T {
	want := typeOf[T]()
	n := b.Size()
	if b.DType != want || (n > 0 && len(b.host) == 0) {
		panic("kernels: Data of the wrong element type or of a device buffer")
	}
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&b.host[0])), n)
}

// typeOf is the DType of elements of T.
func typeOf[T Element]() DType {
	switch any(*new(T)).(type) {
	case float32:
		return Float32
	case float64:
		return Float64
	case uint16:
		return BFloat16
	case int32:
		return Int32
	case int16:
		return Int16
	}
	return Uint8
}

// Elements views host memory as a slice of T. It panics when it is misaligned or not a whole number of elements.
func Elements[T Element](mem []byte) []T {
	t := typeOf[T]()
	return Data[T](Host(Of(t, len(mem)/t.Size()), mem))
}

// F32 is Data[float32].
func (b Buffer) F32() []float32 { return Data[float32](b) }

// I32 is Data[int32].
func (b Buffer) I32() []int32 { return Data[int32](b) }

// BytesOf views a slice of elements as bytes, for Upload and Download.
func BytesOf[T Element](x []T) []byte {
	if len(x) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), len(x)*int(unsafe.Sizeof(x[0])))
}
