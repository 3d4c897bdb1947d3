package cpu

import (
	"fmt"
	"math"
	"unsafe"
)

// int8Kernel is the part of a product of 8-bit integers that depends on the instruction set.
//
// A row of A is cut into blocks of successive values, each with a scale and a zero point: x ≈ scale·(u - zero), u from 0 to 255. A column of B has one
// scale, w ≈ scale·v, v from -127 to 127. The sum over a block is Σ uv - zero·Σv, exact in 32 bits, and
//
//	C = columnScale · Σ over blocks, in their order, of float32(sum)·rowScale + bias
//
// rounded after each operation: so all variants give the same bits.
//
// A multiply-add takes a quarter of its float32 time with VNNI. Quantising A reads it twice and writes a quarter of it, while a value of A is used in all n columns: at
// n = 512 that is 4 % of the time of the product.
type int8Kernel struct {
	name   string
	mr, nr int // rows and columns of a register tile
	width  int // bytes of a value in memory; a step of a tile is 4 bytes of each row and column

	// tile computes an mr by nr tile of C, with rows ldc bytes apart, from steps of rows of A, lda bytes apart, and of a panel of B with step·nr·4 bytes for each
	// step. The scales of a row are rowStride bytes behind those of the row before; sums are Σv of each column. The result, scaled by rows, is added to C
	// unless add is 0. With scales, all is multiplied with them, and a bias, if there is one, is added. One step behind the panel must be readable.
	tile func(steps int64, a, b *byte, c *float32, ldc, lda int64, rows *rowScale, rowStride int64, sums *int32, add int64, scales, bias *float32)

	// extent gives the bits of the largest of n values and 0, and of the smallest if its sign bit is set: else low means nothing. A NaN gives bits above those of
	// the infinity of its sign.
	extent func(x *float32, n int64) (high, low uint32)

	// quantize stores round(x·inverse) + zero, between 0 and 255, in values of the width.
	quantize func(dst *byte, x *float32, n, zero int64, inverse float32)
}

// rowScale undoes the quantisation of a block of a row: x ≈ scale·(u + less), with less the zero point times -1.
type rowScale struct {
	scale float32
	less  int32
}

// int8Shape is a quantised matrix of k = blocks·depth rows, the last of which may be missing, and n columns.
type int8Shape struct{ blocks, depth, n int }

// int8Matrix is a quantised B. Each panel of nr columns has all blocks one after the other, and in them the steps; columns that fill it up are 0.
type int8Matrix struct {
	panels []byte
	scales []float32 // of the columns
	sums   []int32   // of the columns in each block: (panel, block, column)
}

// steps is the number of tile steps of a block.
func (t *int8Kernel) steps(s int8Shape) int { return ceilDiv(s.depth*t.width, 4) }

// panelBytes is the size of a panel.
func (t *int8Kernel) panelBytes(s int8Shape) int { return s.blocks * t.steps(s) * t.nr * 4 }

// room is the number of bytes of a quantised matrix.
func (t *int8Kernel) room(s int8Shape) int {
	panels := ceilDiv(s.n, t.nr)
	return 4*panels*t.nr*(1+s.blocks) + panels*t.panelBytes(s) + 4*t.nr // tiles read a step ahead
}

// matrix finds the parts of a quantised matrix in its memory.
func (t *int8Kernel) matrix(mem []byte, s int8Shape) int8Matrix {
	columns := roundUp(s.n, t.nr)
	scales, rest := floats(mem[:4*columns]), mem[4*columns:]
	sums := unsafe.Slice((*int32)(unsafe.Pointer(&rest[0])), columns*s.blocks)
	return int8Matrix{rest[4*columns*s.blocks:], scales, sums}
}

// quantizeColumns fills a panel of dst. Column j is w[j·k : (j+1)·k], in blocks if taps is 1; else it has depth·taps values, of which a block has every taps-th. The
// room takes k values and their bytes: 4+t.width bytes a value.
func (t *int8Kernel) quantizeColumns(dst int8Matrix, s int8Shape, panel int, w []float32, k, taps int, room []float32) {
	size, steps := t.panelBytes(s), t.steps(s)
	to, sums := words(dst.panels[panel*size:][:size]), dst.sums[panel*s.blocks*t.nr:][:s.blocks*t.nr]
	ordered, values := room[:k], bytesOf(room[k:])
	clear(sums)
	for c := range t.nr {
		j := panel*t.nr + c
		if j >= s.n {
			dst.scales[j] = 0
			for i := c; i < len(to); i += t.nr {
				to[i] = 0
			}
			continue
		}
		column := w[j*k:][:k]
		if taps > 1 {
			transpose(ordered, column, s.depth, taps)
			column = ordered
		}
		scale, inverse := t.columnScale(column)
		dst.scales[j] = scale
		for b := range s.blocks {
			n := min(s.depth, k-b*s.depth)
			if inverse == 0 {
				clear(values[:4*steps])
			} else {
				t.quantize(&values[0], &column[b*s.depth], int64(n), bias128, inverse)
				sums[b*t.nr+c] = t.signed(values[:4*steps], n)
			}
			for i, v := range words(values[:4*steps]) {
				to[(b*steps+i)*t.nr+c] = v
			}
		}
	}
}

// bias128 makes signed values fit where quantize stores unsigned ones.
const bias128 = 128

// signed takes bias128 from n values again and returns their sum. What lies behind them becomes 0.
func (t *int8Kernel) signed(values []byte, n int) int32 {
	clear(values[n*t.width:])
	sum := -bias128 * int32(n)
	if t.width == 2 {
		wide := unsafe.Slice((*int16)(unsafe.Pointer(&values[0])), n)
		for i, v := range wide {
			sum += int32(v)
			wide[i] = v - bias128
		}
		return sum
	}
	for i, v := range values[:n] {
		sum += int32(v)
		values[i] = v ^ bias128
	}
	return sum
}

// words views bytes as values of 32 bits, bytesOf the memory of float32 values as bytes.
func words(b []byte) []uint32 { return unsafe.Slice((*uint32)(unsafe.Pointer(&b[0])), len(b)/4) }
func bytesOf(x []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), 4*len(x))
}

// leastSpan is the range of values that is as good as none: its inverse would not be a number.
const leastSpan = 1e-30

// columnScale chooses the scale of a column, and its inverse, 0 for a column of zeros. A column that is not finite gets the scale NaN.
func (t *int8Kernel) columnScale(column []float32) (scale, inverse float32) {
	high, low := t.extent(&column[0], int64(len(column)))
	if low>>31 == 0 {
		low = 0
	}
	switch most := math.Float32frombits(max(high, low&^(1<<31))); {
	case !(most <= math.MaxFloat32):
		return float32(math.NaN()), 0
	case most >= leastSpan:
		return most / 127, 127 / most
	}
	return 0, 0
}

// quantizeRow quantises one block of a row. A row that is not finite gets the scale NaN.
func (t *int8Kernel) quantizeRow(dst []byte, x []float32) rowScale {
	high, low := t.extent(&x[0], int64(len(x)))
	if low>>31 == 0 {
		low = 0
	}
	const infinity = 0x7f800000
	hi, lo := float64(math.Float32frombits(high)), float64(math.Float32frombits(low))
	span := hi - lo
	r := rowScale{}
	switch {
	case high >= infinity || low >= infinity|1<<31:
		r.scale, span = float32(math.NaN()), 0
	case span < leastSpan:
		span = 0
	}
	if span == 0 {
		clear(dst[:len(x)*t.width])
		return r
	}
	zero := math.RoundToEven(-lo * 255 / span)
	_ = dst[len(x)*t.width-1]
	t.quantize(&dst[0], &x[0], int64(len(x)), int64(zero), float32(255/span))
	return rowScale{float32(span / 255), -int32(zero)}
}

// int8Product is C = A·B + bias with quantised operands. Rows of A may overlap, as those of a view.
type int8Product struct {
	m, n       int
	shape      int8Shape
	a          []byte
	row, block int // bytes of A from a row, and from a block, to the next
	scales     []rowScale
	rowScales  int // of scales, from a row to the next
	blockScale int // and from a block
	b          int8Matrix
	c          []float32
	ldc        int
	bias       []float32
	gelu       []float32 // where GELU of the result is stored, in rows ldc apart, or nil; it may be c
}

// at is the part of rows [i,i+m) and columns [j,j+n); j is a multiple of nr.
func (t *int8Kernel) at(p int8Product, i, j, m, n int) int8Product {
	p.a, p.scales, p.c = p.a[i*p.row:], p.scales[i*p.rowScales:], p.c[i*p.ldc+j:]
	if p.gelu != nil {
		p.gelu = p.gelu[i*p.ldc+j:]
	}
	p.b.panels, p.b.scales, p.b.sums = p.b.panels[j/t.nr*t.panelBytes(p.shape):], p.b.scales[j:], p.b.sums[j*p.shape.blocks:]
	if p.bias != nil {
		p.bias = p.bias[j : j+n]
	}
	p.m, p.n = m, n
	return p
}

// inside panics unless every element that the product touches lies in its slice. Tiles read whole rows of A and columns of B, whether they count or not.
func (t *int8Kernel) inside(p *int8Product) {
	rows, columns, last := roundUp(p.m, t.mr), roundUp(p.n, t.nr), p.shape.blocks-1
	if (rows-1)*p.row+last*p.block+4*t.steps(p.shape) > len(p.a) || (rows-1)*p.rowScales+last*p.blockScale >= len(p.scales) ||
		columns/t.nr*t.panelBytes(p.shape)+4*t.nr > len(p.b.panels) || columns > len(p.b.scales) || columns*p.shape.blocks > len(p.b.sums) ||
		(p.m-1)*p.ldc+p.n > len(p.c) || p.bias != nil && p.n > len(p.bias) {
		panic(fmt.Sprintf("cpu: integer product of %d by %d by %d reaches outside its operands", p.m, p.shape.blocks*p.shape.depth, p.n))
	}
}

// int8Rows is how many bytes of A meet one panel of B after the other: they stay in the second-level cache.
const int8Rows = 384 << 10

// gemmInt8 computes a product on one worker.
func (w *worker) gemmInt8(p *int8Product) {
	if p.m <= 0 || p.n <= 0 {
		return
	}
	t := w.int8
	t.inside(p)
	chunk := max(1, int8Rows/p.row/t.mr) * t.mr
	for i := 0; i < p.m; i += chunk {
		rows := min(chunk, p.m-i)
		for q := 0; q < p.n; q += t.nr {
			for r := i; r < i+rows; r += t.mr {
				w.tileInt8(p, r, q)
			}
		}
		for r := i; r < i+rows && p.gelu != nil; r++ {
			w.v.vec.gelu(p.gelu[r*p.ldc:][:p.n], p.c[r*p.ldc:][:p.n])
		}
	}
}

// tileInt8 computes the tile at row r and column q, beside C where it sticks out.
func (w *worker) tileInt8(p *int8Product, r, q int) {
	t := w.int8
	rows, cols := min(t.mr, p.m-r), min(t.nr, p.n-q)
	c, ldc, edge := &w.corner[0], t.nr, rows < t.mr || cols < t.nr
	var bias *float32
	if !edge {
		c, ldc = &p.c[r*p.ldc+q], p.ldc
		if p.bias != nil {
			bias = &p.bias[q]
		}
	}
	size, steps, panel := t.panelBytes(p.shape), t.steps(p.shape), q/t.nr
	for b := range p.shape.blocks {
		var scales *float32
		if b == p.shape.blocks-1 {
			scales = &p.b.scales[q]
		}
		t.tile(int64(steps), &p.a[r*p.row+b*p.block], &p.b.panels[panel*size+b*steps*t.nr*4], c, int64(4*ldc), int64(p.row), &p.scales[r*p.rowScales+b*p.blockScale],
			int64(p.rowScales)*int64(unsafe.Sizeof(rowScale{})), &p.b.sums[(panel*p.shape.blocks+b)*t.nr], int64(b), scales, bias)
	}
	if !edge {
		return
	}
	var rest []float32
	if p.bias != nil {
		rest = p.bias[q:][:cols]
	}
	for i := range rows {
		storeEdge(p.c[(r+i)*p.ldc+q:][:cols], w.corner[i*t.nr:][:cols], rest, false)
	}
}
