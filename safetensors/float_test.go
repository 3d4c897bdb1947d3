package safetensors

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

func bits16(v ...uint16) (b []byte) {
	for _, x := range v {
		b = binary.LittleEndian.AppendUint16(b, x)
	}
	return b
}

func TestFloat32(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	f64 := func(v ...float64) (b []byte) {
		for _, x := range v {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
		}
		return b
	}
	for _, c := range []struct {
		dtype DType
		data  []byte
		want  []float32
	}{
		// IEEE 754 binary16: one, the largest and smallest normal, the largest and smallest subnormal, zeros, specials.
		{F16, bits16(0x3c00, 0xc000, 0x7bff, 0x0400, 0x03ff, 0x0001, 0x8001, 0, 0x8000, 0x7c00, 0xfc00, 0x7e00),
			[]float32{1, -2, 65504, 0x1p-14, 1023 * 0x1p-24, 0x1p-24, -0x1p-24, 0, float32(math.Copysign(0, -1)), inf, -inf, nan}},
		{BF16, bits16(0x3f80, 0xc000, 0x7f80, 0x7fc0, 0x0001, 0x8000), []float32{1, -2, inf, nan, 0x1p-133, float32(math.Copysign(0, -1))}},
		{F64, f64(0.1, -1e-60, math.Inf(-1), math.MaxFloat32, math.NaN()), []float32{0.1, float32(math.Copysign(0, -1)), -inf, math.MaxFloat32, nan}},
		{F32, binary.LittleEndian.AppendUint32(nil, math.Float32bits(-1.5)), []float32{-1.5}},
		{F32, nil, []float32{}},
	} {
		got, err := Float32(Tensor{"x", c.dtype, []int{len(c.want)}, c.data})
		if err != nil || len(got) != len(c.want) {
			t.Errorf("%v: %v, %v, want %v", c.dtype, got, err, c.want)
			continue
		}
		for i := range got {
			if math.Float32bits(got[i]) != math.Float32bits(c.want[i]) && !(got[i] != got[i] && c.want[i] != c.want[i]) {
				t.Errorf("%v: element %d is %g, want %g", c.dtype, i, got[i], c.want[i])
			}
		}
	}
	for _, c := range []struct {
		x    Tensor
		says string
	}{
		{Tensor{"x", F64, []int{2}, f64(1, 1e39)}, "element 1 is 1e+39, beyond float32"},
		{Tensor{"x", I64, nil, make([]byte, 8)}, `"x" is I64, not a floating-point type`},
		{Tensor{"x", F32, []int{2}, make([]byte, 4)}, "takes 8 bytes, has 4"},
		{Tensor{"x", 0, nil, nil}, "no known dtype"},
	} {
		if _, err := Float32(c.x); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("error %v, want one that says %q", err, c.says)
		}
	}
}

// All 2^16 halves against the definition sign · 2^(e-15) · (1 + f/1024).
func TestFloat16IsTheFormula(t *testing.T) {
	for h := range 1 << 16 {
		e, frac := h>>10&31, float64(h&1023)
		want := math.Ldexp(1+frac/1024, e-15)
		switch {
		case e == 0:
			want = math.Ldexp(frac/1024, -14)
		case e == 31 && frac == 0:
			want = math.Inf(1)
		case e == 31:
			want = math.NaN()
		}
		if h>>15 == 1 {
			want = -want
		}
		got := float64(float16(uint16(h)))
		if got != want && !(math.IsNaN(got) && math.IsNaN(want)) || math.Signbit(got) != (h>>15 == 1) {
			t.Fatalf("half %#04x is %g, want %g", h, got, want)
		}
	}
}

func TestFloat32View(t *testing.T) {
	v := []float32{1, float32(math.NaN()), -0.5}
	x, err := FromFloat32("v", []int{3, 1}, v)
	if err != nil || x.DType != F32 || !slices.Equal(x.Shape, []int{3, 1}) {
		t.Fatal(x, err)
	}
	back, err := Float32(x)
	if err != nil || back[0] != 1 || back[2] != -0.5 || math.Float32bits(back[1]) != math.Float32bits(v[1]) {
		t.Errorf("%v, %v", back, err)
	}
	if littleEndian() && &back[0] != &v[0] {
		t.Error("aligned F32 was copied")
	}
	// A file whose header was not padded leaves its tensors at odd addresses.
	raw := append([]byte{0}, x.Data...)
	x.Data = raw[1:]
	if odd, err := Float32(x); err != nil || odd[2] != -0.5 || uintptr(unsafe.Pointer(&odd[0]))%4 != 0 {
		t.Errorf("unaligned: %v at %p, %v", odd, odd, err)
	}
	if _, err := FromFloat32("v", []int{2}, v); err == nil || !strings.Contains(err.Error(), "does not hold 3 values") {
		t.Errorf("wrong shape: %v", err)
	}
	if e, err := FromFloat32("e", []int{0}, nil); err != nil || len(e.Data) != 0 {
		t.Errorf("empty: %v, %v", e, err)
	}
}
