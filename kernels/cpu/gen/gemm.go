package main

import "fmt"

const (
	tileArgs   = "adds a (kc, rows) panel times a (kc, columns) panel to the tile at c, or stores it; see gemmKernel."
	directArgs = "is the tile for operands that are not packed: %s; see directTile."
)

// layout is how a tile finds the values of an operand.
type layout int

const (
	packed   layout = iota // a step's values side by side, step after step
	byRow                  // in memory by rows: the steps of a row side by side
	byColumn               // in memory by columns: a step's values side by side
)

// tile holds the registers of a matrix product tile of rows by vectors·lanes columns.
type tile struct {
	*file
	a, b          layout
	rows, vectors int
	reg           string // Y or Z
	bytes         int    // of a register
	// multiply adds the products of a vector of B and a value of A, in each lane, to a sum.
	multiply func(b, a, sum string)
	spare    int // registers that it needs beside
	// broadcast is multiply with the value of A in memory, for instructions that can, or nil.
	broadcast func(b, a, sum string)
}

// fma is the multiply of float32 tiles.
func (f *file) fma(b, a, sum string) { f.p("VFMADD231PS %s, %s, %s", b, a, sum) }

// fmaBroadcast is the same with a value in memory.
func (f *file) fmaBroadcast(b, a, sum string) { f.p("VFMADD231PS.BCST %s, %s, %s", a, b, sum) }

func (t tile) acc(i, j int) string { return fmt.Sprintf("%s%d", t.reg, i*t.vectors+j) }

func (t tile) free(i int) string { return fmt.Sprintf("%s%d", t.reg, t.rows*t.vectors+i) }

func (t tile) begin(name string) {
	doc, strides := tileDoc(t.a, t.b)
	t.floating(name, doc, nil, ints("kc"), ptrs("a", "b", "c"), ints("ldc", "accumulate"), ptrs("bias"), strides)
	if t.a != packed {
		t.load("lda", "R13")
		t.p("LEAQ (R13)(R13*2), BX")
	}
	if t.b != packed {
		t.load("ldb", "AX")
		t.p("LEAQ (AX)(AX*2), R15")
	}
	for _, r := range [...][2]string{{"kc", "CX"}, {"a", "SI"}, {"b", "DI"}, {"c", "DX"}, {"ldc", "R8"}, {"accumulate", "R9"}, {"bias", "R12"}} {
		t.load(r[0], r[1])
	}
	t.comment("fetch the tile of C early: it comes from far away")
	t.p("MOVQ DX, R10")
	t.eachRow("R10", func(int) {
		for j := 0; j < t.vectors*t.bytes; j += 64 {
			t.p("PREFETCHT0 %d(R10)", j)
		}
	})
	for i := range t.rows {
		for j := range t.vectors {
			t.p("VXORPS %[1]s, %[1]s, %[1]s", t.acc(i, j))
		}
	}
}

// tileDoc is what the declaration of a tile says, and its strides.
func tileDoc(a, b layout) (doc string, strides []arg) {
	if a == packed && b == packed {
		return tileArgs, nil
	}
	how := [...]string{packed: "packed", byRow: "by rows", byColumn: "by columns"}
	return fmt.Sprintf(directArgs, "A "+how[a]+", B "+how[b]), ints("lda", "ldb")
}

// value is the address of the value of row i in step u.
func (t tile) value(i, u int) string {
	strides := [...]string{"", "(R13*1)", "(R13*2)", "(BX*1)"}
	switch t.a {
	case byRow:
		return fmt.Sprintf("%d(%s)%s", 4*u, rowPointers[i/4], strides[i%4])
	case byColumn:
		return fmt.Sprintf("%d(SI)%s", 4*i, strides[u])
	}
	return fmt.Sprintf("%d(SI)", (u*t.rows+i)*4)
}

// vector is the address of vector j of B in step u, up to 4.
func (t tile) vector(j, u int) string {
	if t.b == packed {
		return fmt.Sprintf("%d(DI)", (u*t.vectors+j)*t.bytes)
	}
	return fmt.Sprintf("%d(DI)%s", j*t.bytes, [...]string{"", "(AX*1)", "(AX*2)", "(R15*1)", "(AX*4)"}[u])
}

// rowPointers point to every fourth row of A in memory by rows.
var rowPointers = [...]string{"SI", "R14", "R15"}

// advance moves on in A and B by 1 or 4 steps.
func (t tile) advance(steps int) {
	if t.b == packed {
		t.p("ADDQ $%d, DI", steps*t.vectors*t.bytes)
	} else {
		t.p("LEAQ (DI)(AX*%d), DI", steps)
	}
	switch t.a {
	case packed:
		t.p("ADDQ $%d, SI", 4*steps*t.rows)
	case byColumn:
		t.p("LEAQ (SI)(R13*%d), SI", steps)
	case byRow:
		for _, r := range rowPointers[:(t.rows+3)/4] {
			t.p("ADDQ $%d, %s", 4*steps, r)
		}
	}
}

// eachRow walks a pointer to C down the tile.
func (t tile) eachRow(ptr string, f func(i int)) {
	for i := range t.rows {
		f(i)
		if i < t.rows-1 {
			t.p("ADDQ R8, %s", ptr)
		}
	}
}

// end adds C if wanted, adds the bias if there is one, and stores.
func (t tile) end() {
	t.label("done")
	t.p("TESTQ R9, R9")
	t.p("JZ bias")
	t.p("MOVQ DX, R10")
	t.eachRow("R10", func(i int) {
		for j := range t.vectors {
			t.p("VADDPS %d(R10), %s, %s", j*t.bytes, t.acc(i, j), t.acc(i, j))
		}
	})
	t.label("bias")
	t.p("TESTQ R12, R12")
	t.p("JZ store")
	for j := range t.vectors {
		t.p("VMOVUPS %d(R12), %s", j*t.bytes, t.free(j))
	}
	for i := range t.rows {
		for j := range t.vectors {
			t.p("VADDPS %s, %s, %s", t.free(j), t.acc(i, j), t.acc(i, j))
		}
	}
	t.label("store")
	t.eachRow("DX", func(i int) {
		for j := range t.vectors {
			t.p("VMOVUPS %s, %d(DX)", t.acc(i, j), j*t.bytes)
		}
	})
	t.ret()
}

// depth writes the loop over k: four steps at a time, then one by one.
func (t tile) depth(step func(u int, pipelined bool)) {
	if t.a == byRow {
		for i := 1; i < (t.rows+3)/4; i++ {
			t.p("LEAQ (%s)(R13*4), %s", rowPointers[i-1], rowPointers[i])
		}
	}
	if t.b == packed {
		t.p("MOVQ CX, R11")
		t.p("ANDQ $3, CX")
		t.p("SHRQ $2, R11")
	} else {
		t.comment("leave 1 to 4 steps: the loop reads one step of B ahead, which must be there")
		t.p("LEAQ -1(CX), R11")
		t.p("ANDQ $~3, R11")
		t.p("SUBQ R11, CX")
		t.p("SHRQ $2, R11")
	}
	t.p("JZ tail")
	t.p("PCALIGN $64")
	t.label("loop")
	for u := range 4 {
		step(u, true)
	}
	t.advance(4)
	t.p("DECQ R11")
	t.p("JNZ loop")
	t.label("tail")
	t.p("TESTQ CX, CX")
	t.p("JZ done")
	t.label("single")
	step(0, false)
	t.advance(1)
	t.p("DECQ CX")
	t.p("JNZ single")
}

// operands are the layouts that there are tiles for. A and B both by rows would need more address registers than there are.
var operands = []struct {
	a, b   layout
	suffix string
}{{packed, packed, ""}, {byRow, packed, "Rows"}, {byColumn, packed, "Columns"}, {packed, byRow, "Flat"}, {byColumn, byRow, "ColumnsFlat"}}

// gemmAVX512 writes the tile of 12 by 32 (24 of 32 registers hold sums) and its half of 12 by 16.
func gemmAVX512(f *file) {
	for _, vectors := range []int{2, 1} {
		for _, l := range operands {
			t := tile{f, l.a, l.b, 12, vectors, "Z", 64, f.fma, 0, f.fmaBroadcast}
			t.begin(fmt.Sprintf("tile12x%d%sAVX512", 16*vectors, l.suffix))
			t.sumAVX512()
			t.end()
		}
	}
}

// sumAVX512 writes the loop over k. The next step's B is loaded to the spare registers one step ahead: 5 % faster than a tile of 14 by 32 without
// that. The loop reads one step of B beyond the panel, which packing buffers allow for.
//
// A value of A that multiplies two vectors is loaded once, or by both instructions. Loading it once takes an instruction more, and a core that shares
// its front end with another thread has room for hardly more than the 24 of the sums in their 12 cycles; loading it twice takes a place more of the 24 that loads
// have. Of 3, 4, 5, 6, 8 or more rows of 12, five were best: 1 to 10 % faster than none, by the hour, on a shared machine. With two registers in an address, as for A that is not
// packed, an instruction that loads is two again.
func (t tile) sumAVX512() {
	vectors := t.vectors
	var b [2][]string
	for j := range vectors {
		b[0], b[1] = append(b[0], t.free(j)), append(b[1], t.free(vectors+j))
		t.p("VMOVUPS %s, %s", t.vector(j, 0), b[0][j])
	}
	scalars := 32 - t.rows*vectors - 2*vectors
	t.depth(func(u int, pipelined bool) {
		if !pipelined {
			for j := range vectors {
				t.p("VMOVUPS %s, %s", t.vector(j, 0), b[0][j])
			}
		}
		for i := range t.rows {
			if t.broadcast != nil && (vectors == 1 || t.a == packed && (i+1)*5/12 > i*5/12) {
				for j := range vectors {
					t.broadcast(b[u%2][j], t.value(i, u), t.acc(i, j))
				}
			} else {
				s := t.free(2*vectors + i%scalars)
				t.p("VBROADCASTSS %s, %s", t.value(i, u), s)
				for j := range vectors {
					t.multiply(b[u%2][j], s, t.acc(i, j))
				}
			}
			if pipelined && i < vectors {
				t.p("VMOVUPS %s, %s", t.vector(i, u+1), b[(u+1)%2][i])
			}
		}
	})
}

// gemmAVX2 writes the tile of 6 by 16 (12 of 16 registers hold sums) and its half of 6 by 8. Six sums do not hide the latency of an addition, so
// that the half takes two thirds of the time of the whole; sums over every other step would, but its sums must be those of the whole.
func gemmAVX2(f *file) {
	for _, vectors := range []int{2, 1} {
		for _, l := range operands {
			t := tile{f, l.a, l.b, 6, vectors, "Y", 32, f.fma, 0, nil}
			t.begin(fmt.Sprintf("tile6x%d%sAVX2", 8*vectors, l.suffix))
			t.sumAVX2()
			t.end()
		}
	}
}

// sumAVX2 writes the loop over k.
func (t tile) sumAVX2() {
	vectors := t.vectors
	scalars := min(16-(t.rows+1)*vectors-t.spare, t.rows)
	t.depth(func(u int, _ bool) {
		for j := range vectors {
			t.p("VMOVUPS %s, %s", t.vector(j, u), t.free(j))
		}
		for i := range t.rows {
			s := t.free(vectors + i%scalars)
			t.p("VBROADCASTSS %s, %s", t.value(i, u), s)
			for j := range vectors {
				t.multiply(t.free(j), s, t.acc(i, j))
			}
		}
	})
}
