package main

import "fmt"

// rowsNEON is the loop of a rowsFunc. Pointers to vectors go back at the end of a row, those to matrices go on. R13 is the width, R14 counts rows.
func (l *loop) rowsNEON(v rowsFunc) {
	for _, name := range v.params {
		l.load(name, l.ptr[name])
	}
	l.load("width", "R13")
	l.load("rows", "R14")
	var advance []step
	for _, name := range v.params {
		advance = append(advance, step{l.ptr[name], 4})
	}
	l.preamble(func() {
		l.setup = false
		l.label("row")
		l.p("LSR $2, R13, R9")
		l.p("AND $3, R13, R11")
		l.p("CBZ R9, rest")
		l.turnsNEON("loop", "R9", v.body, 1, advance)
		l.label("rest")
		l.p("CBZ R11, next")
		l.restNEON(v.body, advance)
		l.label("next")
		for _, name := range v.params {
			if !v.matrix(name) {
				l.p("SUB R13<<2, %[1]s, %[1]s", l.ptr[name])
			}
		}
		l.p("SUB $1, R14")
		l.p("CBNZ R14, row")
	})
	l.ret()
}

// gatherDotsNEON takes four rows at a time, so that the conversion of x serves four products. The sum of a product does not depend on which of the four
// rows it is: it has two registers, for the lower and the upper halves of four values.
//
// General registers: R0 output, R1 x, R2 rows, R3 list, R4 its length, R5 width, R6 bytes of a row.
func gatherDotsNEON(f *file) {
	for i, name := range []string{"out", "x", "rows", "index", "n", "width"} {
		f.load(name, fmt.Sprintf("R%d", i))
	}
	f.p("LSL $2, R5, R6")
	rows := []string{"R11", "R12", "R13", "R14"}
	const x, row = 8, 16 // first of the registers for values
	block := func(label string, count int) {
		f.label(label)
		f.p("CMP $%d, R4", count)
		f.p("BLT %sEnd", label)
		for i := range count {
			f.p("MOVW.P 4(R3), %s", rows[i])
			f.p("MADD R6, R2, %s, %[1]s", rows[i])
			for half := range 2 {
				f.zeroNEON(2*i + half)
			}
		}
		f.p("MOVD R1, R7")
		products := func(size string, bytes int) {
			f.p("FMOV%s.P %d(R7), F%d", size, bytes, x)
			f.wideNEON(x, size)
			for i := range count {
				v := row + 3*i
				f.p("FMOV%s.P %d(%s), F%d", size, bytes, rows[i], v)
				f.wideNEON(v, size)
				f.p("VFMLA V%d.D2, V%d.D2, V%d.D2", v+1, x+1, 2*i)
				if size == "Q" {
					f.p("VFMLA V%d.D2, V%d.D2, V%d.D2", v+2, x+2, 2*i+1)
				}
			}
		}
		f.fours(label, "R5", products)
		for i := range count {
			f.word(threeSame("fadd", d2, 2*i, 2*i, 2*i+1))
			f.word(threeSame("faddp", d2, 2*i, 2*i, 2*i))
			f.p("FMOVD.P F%d, 8(R0)", 2*i)
		}
		f.p("SUB $%d, R4", count)
		f.p("B %s", label)
		f.label(label + "End")
	}
	block("four", 4)
	block("one", 1)
	f.ret()
}

// fours writes a loop over a number of values, four in a turn and the last ones one by one, with R9 and R10.
func (f *file) fours(label, count string, body func(size string, bytes int)) {
	f.p("LSR $2, %s, R9", count)
	f.p("AND $3, %s, R10", count)
	f.p("CBZ R9, %sRest", label)
	f.p("PCALIGN $16")
	f.label(label + "Columns")
	body("Q", 16)
	f.p("SUB $1, R9")
	f.p("CBNZ R9, %sColumns", label)
	f.label(label + "Rest")
	f.p("CBZ R10, %sSum", label)
	f.label(label + "Single")
	body("S", 4)
	f.p("SUB $1, R10")
	f.p("CBNZ R10, %sSingle", label)
	f.label(label + "Sum")
}

func (f *file) zeroNEON(r int) { f.p("VEOR V%[1]d.B16, V%[1]d.B16, V%[1]d.B16", r) }

// wideNEON converts the values of a register to float64 in the next one and, unless there is a single one, the one after it.
func (f *file) wideNEON(r int, size string) {
	f.word(fcvtl(r+1, r))
	if size == "Q" {
		f.word(fcvtl2(r+2, r))
	}
}

// addGatheredNEON keeps 16, 4 or 1 columns of the sum in registers while it goes through the list.
//
// General registers: R0 output, R1 weights, R2 rows, R3 list, R4 its length, R5 columns that are left, R6 bytes of a row.
func addGatheredNEON(f *file) {
	for i, name := range []string{"out", "weights", "rows", "index", "n", "width"} {
		f.load(name, fmt.Sprintf("R%d", i))
	}
	f.p("LSL $2, R5, R6")
	f.p("CBZ R4, done")
	const weight, value = 8, 16
	for i, columns := range []int{16, 4, 1} {
		label := []string{"sixteen", "four", "one"}[i]
		size, registers := "Q", columns/2
		if columns == 1 {
			size, registers = "D", 1
		}
		f.label(label)
		f.p("CMP $%d, R5", columns)
		f.p("BLT %sEnd", label)
		for r := range registers {
			f.p("FMOV%s %d(R0), F%d", size, 16*r, r)
		}
		f.p("MOVD R3, R9")
		f.p("MOVD R1, R10")
		f.p("MOVD R4, R11")
		f.p("PCALIGN $16")
		f.label(label + "List")
		f.p("MOVW.P 4(R9), R12")
		f.p("MADD R6, R2, R12, R12")
		f.p("FMOVD.P 8(R10), F%d", weight)
		f.p("VDUP V%d.D[0], V%[1]d.D2", weight)
		for r := 0; r < registers; r += 2 {
			v := value + 3*(r/2%4)
			if columns == 1 {
				f.p("FMOVS (R12), F%d", v)
				f.wideNEON(v, "S")
			} else {
				f.p("FMOVQ %d(R12), F%d", 8*r, v)
				f.wideNEON(v, "Q")
				f.p("VFMLA V%d.D2, V%d.D2, V%d.D2", v+2, weight, r+1)
			}
			f.p("VFMLA V%d.D2, V%d.D2, V%d.D2", v+1, weight, r)
		}
		f.p("SUB $1, R11")
		f.p("CBNZ R11, %sList", label)
		for r := range registers {
			f.p("FMOV%s F%d, %d(R0)", size, r, 16*r)
		}
		f.p("ADD $%d, R0", 8*columns)
		f.p("ADD $%d, R2", 4*columns)
		f.p("SUB $%d, R5", columns)
		f.p("B %s", label)
		f.label(label + "End")
	}
	f.label("done")
	f.ret()
}

// noiseNEON writes Philox4x32-10 for four blocks in each register, a register for each word of the state, four such sets side by side: a group of 16
// blocks. The interleaving store puts the words of a block side by side.
func noiseNEON(f *file) {
	const sets, scratch, high, key, mul, product = 4, 16, 18, 20, 22, 24
	for i, name := range []string{"words", "seed", "step"} {
		f.load(name, fmt.Sprintf("R%d", i))
	}
	f.p("MOVWU %s, R3", f.args["site"])
	f.p("MOVWU %s, R4", f.args["first"])
	f.load("groups", "R5")
	f.p("CBZ R5, done")
	f.p("LSR $32, R1, R6")
	f.p("LSR $32, R2, R7")
	for i, c := range []uint32{0xD2511F53, 0xCD9E8D57} {
		f.p("MOVD $%#x, R9", c)
		f.p("VDUP R9, V%d.S4", mul+i)
	}
	f.p("MOVD $%#x, R10", 0x9E3779B9)
	f.p("MOVD $%#x, R11", uint32(0xBB67AE85))
	f.p("MOVD $philoxOrder<>(SB), R12")
	f.label("loop")
	f.comment("counters (block, site, step low, step high), four blocks in a register")
	f.p("VDUP R4, V%d.S4", scratch)
	for s := range sets {
		f.p("FMOVQ %d(R12), F%d", 16*s, 4*s)
		f.p("VADD V%d.S4, V%d.S4, V%[2]d.S4", scratch, 4*s)
		for i, reg := range []string{"R3", "R2", "R7"} {
			f.p("VDUP %s, V%d.S4", reg, 4*s+1+i)
		}
	}
	f.p("VDUP R1, V%d.S4", key)
	f.p("VDUP R6, V%d.S4", key+1)
	f.p("VDUP R10, V%d.S4", scratch)
	f.p("VDUP R11, V%d.S4", scratch+1)
	var at [sets][4]int
	for s := range at {
		at[s] = [4]int{4 * s, 4*s + 1, 4*s + 2, 4*s + 3}
	}
	for round := range 10 {
		f.comment("round %d: (high b ^ c1 ^ key0, low b, high a ^ c3 ^ key1, low a) for the products a of c0 and b of c2", round+1)
		for s := range at {
			c := &at[s]
			for j, word := range []int{c[0], c[2]} {
				to := product + 4*(s%2) + 2*j
				f.word(umull(to, word, mul+j))
				f.word(umull2(to+1, word, mul+j))
				other := c[3-2*j]
				f.p("VUZP1 V%d.S4, V%d.S4, V%d.S4", to+1, to, word)
				f.p("VUZP2 V%d.S4, V%d.S4, V%d.S4", to+1, to, high)
				f.p("VEOR V%d.B16, V%d.B16, V%[2]d.B16", key+1-j, other)
				f.p("VEOR V%d.B16, V%d.B16, V%[2]d.B16", high, other)
			}
			*c = [4]int{c[1], c[2], c[3], c[0]}
		}
		if round < 9 {
			for j := range 2 {
				f.p("VADD V%d.S4, V%d.S4, V%[2]d.S4", scratch+j, key+j)
			}
		}
	}
	f.comment("after ten rounds the words have changed registers")
	for s := range at {
		c, spare := at[s], product+4*(s%2)
		for i, r := range c {
			f.move(r, spare+i)
		}
		f.p("VST4.P [V%d.S4, V%d.S4, V%d.S4, V%d.S4], 64(R0)", spare, spare+1, spare+2, spare+3)
	}
	f.p("ADD $16, R4")
	f.p("SUB $1, R5")
	f.p("CBNZ R5, loop")
	f.label("done")
	f.ret()
	order := make([]uint32, 4*sets)
	for i := range order {
		order[i] = uint32(i)
	}
	f.table("philoxOrder", order)
}
