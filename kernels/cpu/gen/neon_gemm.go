package main

import "fmt"

// tileNEON holds the registers of a matrix product tile of 12 rows by 8 or 4 columns. 24 (or 12) of 32 registers hold sums. A step takes three loads of A
// and one of two registers of B for 24 multiply-adds by lane. Where A lies by rows each of its values is loaded to all lanes of a register instead.
//
// General registers: R0 steps, R1 A, R2 B, R3 C, R4 ldc, R5 accumulate, R6 bias, R7 lda, R8 ldb.
type tileNEON struct {
	*file
	a, b    layout
	vectors int
}

const rowsNEON = 12

// rowPointersNEON point to the rows of A in memory by rows.
var rowPointersNEON = [rowsNEON]string{"R1", "R11", "R12", "R13", "R14", "R15", "R20", "R21", "R22", "R23", "R24", "R25"}

// gemmNEON writes the tile of 12 by 8 and its half of 12 by 4.
func gemmNEON(f *file) {
	for _, vectors := range []int{2, 1} {
		for _, o := range operands {
			t := tileNEON{f, o.a, o.b, vectors}
			doc, strides := tileDoc(o.a, o.b)
			f.floating(fmt.Sprintf("tile12x%d%sNEON", 4*vectors, o.suffix), doc, nil, ints("kc"), ptrs("a", "b", "c"), ints("ldc", "accumulate"), ptrs("bias"), strides)
			t.begin()
			t.depth()
			t.end()
		}
	}
	for _, rows := range []int{rowsNEON, 8} {
		transposeNEON(f, rows)
	}
	for _, width := range []int{rowsNEON, 8} {
		copyNEON(f, width)
	}
}

func (t tileNEON) acc(i, j int) int { return i*t.vectors + j }

func (t tileNEON) free(i int) int { return rowsNEON*t.vectors + i }

func (t tileNEON) begin() {
	if t.a != packed {
		t.load("lda", "R7")
	}
	if t.b != packed {
		t.load("ldb", "R8")
	}
	for i, name := range []string{"kc", "a", "b", "c", "ldc", "accumulate", "bias"} {
		t.load(name, fmt.Sprintf("R%d", i))
	}
	if t.a == byRow {
		for i := 1; i < rowsNEON; i++ {
			t.p("ADD R7, %s, %s", rowPointersNEON[i-1], rowPointersNEON[i])
		}
	}
	t.comment("fetch the tile of C early: it comes from far away")
	t.p("MOVD R3, R9")
	t.eachRow("R9", func(int) { t.p("PRFM (R9), PSTL1KEEP") })
	for i := range rowsNEON {
		for j := range t.vectors {
			t.p("VEOR V%[1]d.B16, V%[1]d.B16, V%[1]d.B16", t.acc(i, j))
		}
	}
}

// depth writes the loop over k: four steps at a time, then one by one.
func (t tileNEON) depth() {
	t.p("LSR $2, R0, R10")
	t.p("AND $3, R0")
	t.p("CBZ R10, tail")
	t.p("PCALIGN $16")
	t.label("loop")
	for u := range 4 {
		t.step(u)
	}
	t.advance(4)
	t.p("SUB $1, R10")
	t.p("CBNZ R10, loop")
	t.label("tail")
	t.p("CBZ R0, done")
	t.label("single")
	t.step(0)
	t.advance(1)
	t.p("SUB $1, R0")
	t.p("CBNZ R0, single")
}

// step writes step u of a turn.
func (t tileNEON) step(u int) {
	b := t.free(0)
	at := 0
	if t.b == packed {
		at = u * t.vectors * 16
	}
	t.pair("R2", at, b)
	if t.b == byRow {
		t.p("ADD R8, R2")
	}
	if t.a == byRow {
		values := 32 - t.free(t.vectors)
		for i := range rowsNEON {
			v := t.free(t.vectors + i%values)
			t.p("VLD1R.P 4(%s), [V%d.S4]", rowPointersNEON[i], v)
			for j := range t.vectors {
				t.p("VFMLA V%d.S4, V%d.S4, V%d.S4", v, b+j, t.acc(i, j))
			}
		}
		return
	}
	at, a := 0, t.free(t.vectors)
	if t.a == packed {
		at = u * rowsNEON * 4
	}
	for i := range rowsNEON / 4 {
		t.p("FMOVQ %d(R1), F%d", at+16*i, a+i)
	}
	if t.a == byColumn {
		t.p("ADD R7, R1")
	}
	for i := range rowsNEON {
		for j := range t.vectors {
			t.word(fmlaLane(t.acc(i, j), b+j, a+i/4, i%4))
		}
	}
}

// advance moves on in packed operands.
func (t tileNEON) advance(steps int) {
	if t.b == packed {
		t.p("ADD $%d, R2", steps*t.vectors*16)
	}
	if t.a == packed {
		t.p("ADD $%d, R1", steps*rowsNEON*4)
	}
}

// pair loads as many registers as a row of the tile has.
func (t tileNEON) pair(base string, at, r int) {
	if t.vectors == 2 {
		t.p("FLDPQ %d(%s), (F%d, F%d)", at, base, r, r+1)
	} else {
		t.p("FMOVQ %d(%s), F%d", at, base, r)
	}
}

// eachRow walks a pointer to C down the tile.
func (t tileNEON) eachRow(ptr string, f func(i int)) {
	for i := range rowsNEON {
		f(i)
		if i < rowsNEON-1 {
			t.p("ADD R4, %s", ptr)
		}
	}
}

// end adds C if wanted, adds the bias if there is one, and stores.
func (t tileNEON) end() {
	add := func(i, from int) {
		for j := range t.vectors {
			t.word(threeSame("fadd", s4, t.acc(i, j), t.acc(i, j), from+j))
		}
	}
	t.label("done")
	t.p("CBZ R5, bias")
	t.p("MOVD R3, R9")
	t.eachRow("R9", func(i int) {
		from := t.free(i % 4 * t.vectors)
		t.pair("R9", 0, from)
		add(i, from)
	})
	t.label("bias")
	t.p("CBZ R6, store")
	t.pair("R6", 0, t.free(0))
	for i := range rowsNEON {
		add(i, t.free(0))
	}
	t.label("store")
	t.eachRow("R3", func(i int) {
		if t.vectors == 2 {
			t.p("FSTPQ (F%d, F%d), (R3)", t.acc(i, 0), t.acc(i, 1))
		} else {
			t.p("FMOVQ F%d, (R3)", t.acc(i, 0))
		}
	})
	t.ret()
}

// transposeNEON writes a transposing copy of 8 or 12 rows, 4 columns at a time: 4 by 4 values change places in registers in two steps.
func transposeNEON(f *file, rows int) {
	f.function(fmt.Sprintf("transpose%dNEON", rows), transposeDoc(rows, 4), nil, ptrs("dst", "src"), ints("ss", "ds", "blocks"))
	for i, name := range []string{"dst", "src", "ss", "ds", "blocks"} {
		f.load(name, fmt.Sprintf("R%d", i))
	}
	f.label("loop")
	f.p("MOVD R1, R9")
	for r := range rows {
		f.p("VLD1.P (R9)(R2), [V%d.S4]", r)
	}
	const pair = rowsNEON // first register of pairs
	for r := 0; r < rows; r += 4 {
		f.comment("pairs of rows %d and %d, %d and %d; then all four", r, r+1, r+2, r+3)
		for i := range 4 {
			low := r + i/2*2
			f.p("VTRN%d V%d.S4, V%d.S4, V%d.S4", 1+i%2, low+1, low, pair+r+i)
		}
		for c := range 4 {
			f.p("VTRN%d V%d.D2, V%d.D2, V%d.D2", 1+c/2, pair+r+2+c%2, pair+r+c%2, r+c)
		}
	}
	for c := range 4 {
		for r := 0; r < rows; r += 4 {
			f.p("FMOVQ F%d, %d(R0)", r+c, 4*r)
		}
		f.p("ADD R3, R0")
	}
	f.p("ADD $16, R1")
	f.p("SUB $1, R4")
	f.p("CBNZ R4, loop")
	f.ret()
}

// copyNEON writes a copy of n rows of 8 or 12 values to rows side by side.
func copyNEON(f *file, width int) {
	f.function(fmt.Sprintf("copy%dNEON", width), copyDoc(width), nil, ptrs("dst", "src"), ints("ss", "n"))
	for i, name := range []string{"dst", "src", "ss", "n"} {
		f.load(name, fmt.Sprintf("R%d", i))
	}
	f.label("loop")
	for i := range width / 4 {
		f.p("FMOVQ %d(R1), F%d", 16*i, i)
	}
	f.p("ADD R2, R1")
	for i := range width / 4 {
		f.p("FMOVQ F%d, %d(R0)", i, 16*i)
	}
	f.p("ADD $%d, R0", 4*width)
	f.p("SUB $1, R3")
	f.p("CBNZ R3, loop")
	f.ret()
}
