package cpu

import (
	"math"
	"unsafe"
)

func portableInt8() int8Kernel {
	return int8Kernel{name: "gemm_int8", mr: 2, nr: 3, width: 1, tile: tile2x3Int8, extent: extent, quantize: quantize}
}

func tile2x3Int8(steps int64, a, b *byte, c *float32, ldc, lda int64, rows *rowScale, rowStride int64, sums *int32, add int64, scales, bias *float32) {
	less := unsafe.Slice(sums, 3)
	for i := range int64(2) {
		row := (*rowScale)(unsafe.Add(unsafe.Pointer(rows), i*rowStride))
		c0, c1, c2 := row.less*less[0], row.less*less[1], row.less*less[2]
		pa, pb := unsafe.Add(unsafe.Pointer(a), i*lda), unsafe.Pointer(b)
		for range steps {
			x, w := (*[4]uint8)(pa), (*[12]int8)(pb)
			x0, x1, x2, x3 := int32(x[0]), int32(x[1]), int32(x[2]), int32(x[3])
			c0 += x0*int32(w[0]) + x1*int32(w[1]) + x2*int32(w[2]) + x3*int32(w[3])
			c1 += x0*int32(w[4]) + x1*int32(w[5]) + x2*int32(w[6]) + x3*int32(w[7])
			c2 += x0*int32(w[8]) + x1*int32(w[9]) + x2*int32(w[10]) + x3*int32(w[11])
			pa, pb = unsafe.Add(pa, 4), unsafe.Add(pb, 12)
		}
		to := (*[3]float32)(unsafe.Add(unsafe.Pointer(c), i*ldc))
		for j, sum := range [3]int32{c0, c1, c2} {
			v := float32(float32(sum) * row.scale) // rounded: no processor may fuse it with the addition
			if add != 0 {
				v += to[j]
			}
			if scales != nil {
				v = float32(v * unsafe.Slice(scales, 3)[j])
				if bias != nil {
					v += unsafe.Slice(bias, 3)[j]
				}
			}
			to[j] = v
		}
	}
}

func extent(x *float32, n int64) (high, low uint32) {
	for _, v := range unsafe.Slice(x, n) {
		bits := math.Float32bits(v)
		high, low = uint32(max(int32(high), int32(bits))), max(low, bits)
	}
	return high, low
}

func quantize(dst *byte, x *float32, n, zero int64, inverse float32) {
	to := unsafe.Slice(dst, n)
	for i, v := range unsafe.Slice(x, n) {
		to[i] = uint8(min(255, max(0, int64(math.RoundToEven(float64(v*inverse)))+zero)))
	}
}
