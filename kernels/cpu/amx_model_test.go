package cpu

import (
	"math"
	"unsafe"
)

// modelAMX is the variant amx with kernels in Go that follow the operation sections of Intel's Software Developer's Manual, so that packing, blocking
// and edges are tested on every machine.
func modelAMX() *variant {
	v := portable()
	v.name = reduced
	v.bf16, v.high = modelKernel(1), modelKernel(2)
	return v
}

func modelKernel(parts int) *bf16Kernel {
	m := tileModel(parts)
	return &bf16Kernel{parts: parts, kc: 1024, mc: 384, nc: 1024, product: m.product, packRows: m.packRows, packColumns: m.packColumns, transpose: modelTranspose}
}

// tileModel is the number of parts of a value.
type tileModel int

func at[T any](p *T, i int) *T {
	return (*T)(unsafe.Add(unsafe.Pointer(p), i*int(unsafe.Sizeof(*p))))
}

func (m tileModel) product(blocks int64, a, b *uint16, c *float32, ldc, panels, rows int64, start *float32, startStride int64) {
	for p := range int(panels) {
		for tile := range 4 {
			top := int(rows+1) / 2
			row, col, count := p*panelSide+tile/2*top, tile%2*tileSide, top
			if tile >= 2 {
				count = int(rows) - top
			}
			var sum [tileSide][tileSide]float32
			for r := range count {
				if start != nil {
					copy(sum[r][:], unsafe.Slice(at(start, (row+r)*int(startStride/4)+col), tileSide))
				}
			}
			for i := range int(blocks) {
				ta := at(a, (p*int(blocks)+i)*2*tileValues*int(m)+tile/2*tileValues)
				tb := at(b, i*2*tileValues*int(m)+tile%2*tileValues)
				dotModel(&sum, ta, tb)
				if m == 2 { // high·low, low·high
					dotModel(&sum, ta, at(tb, 2*tileValues))
					dotModel(&sum, at(ta, 2*tileValues), tb)
				}
			}
			for r := range count {
				copy(unsafe.Slice(at(c, (row+r)*int(ldc/4)+col), tileSide), sum[r][:])
			}
		}
	}
}

// dotModel is TDPBF16PS: for each element the even and the odd values along k are summed apart, in order. Subnormal partial sums are
// zero in the processor; this model flushes operands and results only.
//
//go:norace
func dotModel(sum *[tileSide][tileSide]float32, a, b *uint16) {
	ta, tb := (*[tileValues]uint16)(unsafe.Pointer(a)), (*[tileValues]uint16)(unsafe.Pointer(b))
	var fb [tileValues]float32
	finite := true
	for i, x := range tb {
		fb[i] = flush(wide(x))
		finite = finite && x&0x7f80 != 0x7f80
	}
	for r := range tileSide {
		if finite && *(*[blockDepth]uint16)(ta[r*blockDepth:]) == [blockDepth]uint16{} {
			continue // zeros add nothing
		}
		var pair [2 * tileSide]float32
		for k := range 16 {
			even, odd := flush(wide(ta[r*32+2*k])), flush(wide(ta[r*32+2*k+1]))
			row := fb[k*32:][:32]
			for x := 0; x < len(row); x += 2 {
				pair[x] += even * row[x]
				pair[x+1] += odd * row[x+1]
			}
		}
		for x := range tileSide {
			sum[r][x] = flush(flush(sum[r][x]) + flush(pair[2*x]+pair[2*x+1]))
		}
	}
}

func wide(x uint16) float32 { return math.Float32frombits(uint32(x) << 16) }

// flush makes subnormal numbers zero.
func flush(x float32) float32 {
	if x < 0x1p-126 && x > -0x1p-126 {
		return x * 0
	}
	return x
}

// roundModel is the conversion of VCVTNE2PS2BF16.
func roundModel(x float32) uint16 {
	b := math.Float32bits(x)
	switch {
	case x != x:
		return uint16(b>>16) | 1<<6
	case math.IsInf(float64(x), 0):
		return uint16(b >> 16)
	case flush(x) == 0:
		return uint16(b>>16) & 0x8000
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

// put stores the parts of a value.
func (m tileModel) put(dst *uint16, x float32) {
	h := roundModel(x)
	*dst = h
	if m == 2 {
		*at(dst, 2*tileValues) = roundModel(x - wide(h))
	}
}

func (m tileModel) packRows(dst *uint16, src *float32, ss, rows, k int64) {
	for i := range tileSide {
		for j := range roundUp(int(k), blockDepth) {
			x := float32(0)
			if i < int(rows) && j < int(k) {
				x = *at(src, i*int(ss/4)+j)
			}
			m.put(at(dst, j/32*2*tileValues*int(m)+i*32+j%32), x)
		}
	}
}

func (m tileModel) packColumns(dst *uint16, src *float32, ss, columns, k int64) {
	for j := range roundUp(int(k), blockDepth) {
		for i := range 16 {
			x := float32(0)
			if j < int(k) && i < int(columns) {
				x = *at(src, j*int(ss/4)+i)
			}
			m.put(at(dst, j/32*2*tileValues*int(m)+j%32/2*32+i*2+j%2), x)
		}
	}
}

func modelTranspose(tile *uint16) {
	t := (*[16][16]uint32)(unsafe.Pointer(tile))
	for i := range 16 {
		for j := range i {
			t[i][j], t[j][i] = t[j][i], t[i][j]
		}
	}
}
