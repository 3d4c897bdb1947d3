package cpu

import "unsafe"

// portableGEMM has a tile of 2 by 3: six sums and their operands are as much as the Go compiler keeps in registers. With a tile of 2 by 4 it
// spills one, and is half as fast.
func portableGEMM() gemmKernel {
	return gemmKernel{mr: 2, nr: 3, kc: 256, mc: 128, nc: 510, near: 126, tile: tile2x3}
}

func tile2x3(kc int64, a, b, c *float32, ldc, accumulate int64, bias *float32) {
	var c00, c01, c02, c10, c11, c12 float32
	pa, pb := unsafe.Pointer(a), unsafe.Pointer(b)
	for range kc {
		a, b := (*[2]float32)(pa), (*[3]float32)(pb)
		b0, b1, b2 := b[0], b[1], b[2]
		x := a[0]
		c00 += x * b0
		c01 += x * b1
		c02 += x * b2
		x = a[1]
		c10 += x * b0
		c11 += x * b1
		c12 += x * b2
		pa, pb = unsafe.Add(pa, 2*4), unsafe.Add(pb, 3*4)
	}
	r0, r1 := (*[3]float32)(unsafe.Pointer(c)), (*[3]float32)(unsafe.Add(unsafe.Pointer(c), ldc))
	s0, s1 := [3]float32{c00, c01, c02}, [3]float32{c10, c11, c12}
	for j := range 3 {
		if accumulate != 0 {
			s0[j], s1[j] = s0[j]+r0[j], s1[j]+r1[j]
		}
		if bias != nil {
			v := (*[3]float32)(unsafe.Pointer(bias))[j]
			s0[j], s1[j] = s0[j]+v, s1[j]+v
		}
	}
	*r0, *r1 = s0, s1
}
