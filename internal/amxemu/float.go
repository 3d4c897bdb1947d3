package amxemu

import (
	"encoding/binary"
	"math"
)

const (
	signBit    = 0x8000_0000
	quietBit   = 0x0040_0000
	indefinite = 0xffc0_0000 // the quiet NaN of an invalid operation
)

// tiny is the bound of flushing to zero: below it a float32 rounded with unbounded exponent is less than 2⁻¹²⁶ (SDM
// volume 1, sections 10.2.3.3 and 11.5.2.5: tininess is detected after rounding).
var tiny = math.Ldexp(1-math.Ldexp(1, -25), -126)

// dot does TDPBF16PS: dst += a·b with a (M, K) and b (K, N) of bfloat16 pairs and dst (M, N) float32. Per element the
// products of even and of odd elements are summed apart, in the order of k, from +0, each step a fused multiply-add; then
// dst + (even + odd). Each step rounds to nearest even, takes denormals for zeros of their sign (DAZ), and returns results
// that are tiny as zeros of their sign (FTZ), whatever MXCSR says (SDM volume 2, TDPBF16PS, Operation). The first operand
// in the order a, b, sum that is a NaN is the result, quiet; the SDM leaves this order open.
func (t *tiles) dot(dst, a, b uint8) error {
	if err := t.checkDot(dst, a, b); err != nil {
		return err
	}
	m, n, k := t.rows[dst], t.colsb[dst]/4, t.rows[b]
	c := &t.data[dst]
	if !dotFast(c, &t.data[a], &t.data[b], m, n, k) {
		dotPlain(c, &t.data[a], &t.data[b], m, n, k)
	}
	clear(c[m:])
	t.startRow = 0
	return nil
}

// dotPlain is the arithmetic of dot for c (m, n), a (m, k pairs) and b (k pairs, n).
func dotPlain(c, a, b *tile, m, n, k int) {
	var right [maxRows][2 * maxRows]float64 // b widened once
	for i := range k {
		widen(right[i][:2*n], &b[i])
	}
	for i := range m {
		var left, sum [2 * maxRows]float64
		widen(left[:2*k], &a[i])
		for j := range k {
			even, odd := left[2*j], left[2*j+1]
			for e := 0; e < 2*n; e += 2 {
				sum[e] = fma(even, right[j][e], sum[e])
				sum[e+1] = fma(odd, right[j][e+1], sum[e+1])
			}
		}
		for e := range n {
			p := c[i][4*e : 4*e+4]
			old := widen32(binary.LittleEndian.Uint32(p))
			binary.LittleEndian.PutUint32(p, narrow(add(old, add(sum[2*e], sum[2*e+1]))))
		}
		clear(c[i][4*n:])
	}
}

// hasNaN reports whether a NaN is among the float32 in p.
func hasNaN(p []byte) bool {
	for i := 0; i < len(p); i += 4 {
		if binary.LittleEndian.Uint32(p[i:])&^signBit > 0x7f80_0000 {
			return true
		}
	}
	return false
}

// widen converts bfloat16 numbers as widen32 does.
func widen(dst []float64, row *[rowBytes]byte) {
	for i := range dst {
		dst[i] = widen32(uint32(binary.LittleEndian.Uint16(row[2*i:])) << 16)
	}
}

// widen32 converts a float32 by bits: a denormal becomes zero. A NaN stays signalling if it is: no arithmetic touches it.
func widen32(bits uint32) float64 {
	switch exponent := bits >> 23 & 0xff; exponent {
	case 0:
		return math.Float64frombits(uint64(bits&signBit) << 32)
	case 0xff:
		return math.Float64frombits(uint64(bits&signBit)<<32 | 0x7ff<<52 | uint64(bits&0x7f_ffff)<<29)
	}
	return float64(math.Float32frombits(bits))
}

// narrow is the inverse of widen32 for what float32 can hold.
func narrow(x float64) uint32 {
	if x != x {
		bits := math.Float64bits(x)
		return uint32(bits>>32)&signBit | 0x7f80_0000 | uint32(bits>>29)&0x7f_ffff
	}
	return math.Float32bits(float32(x))
}

// fma returns a·b + c rounded to float32. The product of two bfloat16 is exact in float64, and a sum of float64 that is
// rounded again to float32 is right unless it lies in the middle between two float32, where the part that was lost decides.
func fma(a, b, c float64) float64 {
	p := a * b
	s := p + c
	if s != s {
		return nan3(a, b, c)
	}
	bits := math.Float64bits(s)
	if bits&(1<<29-1) == 1<<28 {
		s = towards(s, lost(p, c, s))
	}
	return flush(s)
}

// add returns a + b rounded to float32. 53 bits are more than twice 24 and two, so rounding twice does no harm.
func add(a, b float64) float64 {
	s := a + b
	if s != s {
		return nan3(a, b, b)
	}
	return flush(s)
}

// flush rounds to float32, and to zero what is tiny.
func flush(s float64) float64 {
	if math.Abs(s) < tiny {
		return math.Copysign(0, s)
	}
	return float64(float32(s))
}

// lost returns a + b - s for s, the rounded sum (Knuth's TwoSum).
func lost(a, b, s float64) float64 {
	bb := s - a
	return (a - (s - bb)) + (b - bb)
}

// towards moves s by one unit in the last place if something was lost, in its direction.
func towards(s, lost float64) float64 {
	if lost == 0 || math.IsInf(s, 0) {
		return s
	}
	return math.Nextafter(s, math.Inf(int(math.Copysign(1, lost))))
}

// nan3 returns the first NaN among the operands, made quiet, or the NaN of an invalid operation.
func nan3(a, b, c float64) float64 {
	for _, x := range [...]float64{a, b, c} {
		if x != x {
			return math.Float64frombits(math.Float64bits(x) | quietBit<<29)
		}
	}
	return widen32(indefinite)
}

// bfloat16 converts a float32 as VCVTNEPS2BF16 does: to nearest even, denormals to zeros of their sign, NaN to quiet NaN with
// the upper bits of the fraction; MXCSR has no say (SDM volume 2, VCVTNEPS2BF16, Operation).
func bfloat16(x uint32) uint16 {
	switch {
	case x&0x7f80_0000 == 0:
		return uint16(x >> 16 & 0x8000)
	case x&0x7fff_ffff > 0x7f80_0000:
		return uint16(x>>16) | quietBit>>16
	}
	return uint16((x + 0x7fff + x>>16&1) >> 16)
}
