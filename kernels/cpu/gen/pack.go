package main

import "fmt"

// packAVX2 writes the copies of full panels of 6 rows of A and 16 columns of B.
func packAVX2(f *file) {
	transposeAVX2(f, 6)
	transposeAVX2(f, 8)
	copyAVX2(f, 6)
	copyAVX2(f, 16)
}

// transposeAVX2 is transposeAVX512 for blocks of 8 columns, and for 6 or 8 rows.
func transposeAVX2(f *file, rows int) {
	f.transposeHead(fmt.Sprintf("transpose%dAVX2", rows), rows, 8)
	f.label("loop")
	f.p("MOVQ SI, R11")
	for r := range rows {
		f.p("VMOVUPS (R11)%s, Y%d", [...]string{"", "(R8*1)", "(R8*2)", "(R10*1)"}[r%4], r)
		if r%4 == 3 {
			f.p("LEAQ (R11)(R8*4), R11")
		}
	}
	f.comment("pairs of rows")
	for r := 0; r < rows; r += 2 {
		f.p("VUNPCKLPS Y%d, Y%d, Y%d", r+1, r, 8+r)
		f.p("VUNPCKHPS Y%d, Y%d, Y%d", r+1, r, 9+r)
	}
	f.comment("fours: lane l of register c, 4+c holds column 4l+c of rows 0 to 3, 4 to 7")
	for half := range 2 {
		f.p("VUNPCKLPD Y%d, Y%d, Y%d", 10+half, 8+half, 2*half)
		f.p("VUNPCKHPD Y%d, Y%d, Y%d", 10+half, 8+half, 2*half+1)
		if rows == 8 {
			f.p("VUNPCKLPD Y%d, Y%d, Y%d", 14+half, 12+half, 4+2*half)
			f.p("VUNPCKHPD Y%d, Y%d, Y%d", 14+half, 12+half, 4+2*half+1)
		}
	}
	if rows == 8 {
		for c := range 4 {
			f.p("VPERM2F128 $0x20, Y%d, Y%d, Y%d", 4+c, c, 8+c)
			f.p("VPERM2F128 $0x31, Y%d, Y%d, Y%d", 4+c, c, 12+c)
		}
	} else {
		// Rows 4 and 5 lie side by side in the registers of pairs already: columns 0, 1 in the low lane of Y12, 2, 3 in that of Y13.
		for pair := range 2 {
			f.p("VEXTRACTF128 $1, Y%d, X%d", 12+pair, 14+pair)
		}
	}
	for k := range 8 {
		lane, c := k/4, k%4
		switch {
		case rows == 8:
			f.p("VMOVUPS Y%d, (DI)", 8+k)
		case lane == 0:
			f.p("VMOVUPS X%d, (DI)", c)
		default:
			f.p("VEXTRACTF128 $1, Y%d, (DI)", c)
		}
		if rows == 6 {
			f.p("%s X%d, 16(DI)", [...]string{"VMOVLPS", "VMOVHPS"}[c%2], 12+2*lane+c/2)
		}
		f.p("ADDQ R9, DI")
	}
	f.p("ADDQ $32, SI")
	f.p("DECQ CX")
	f.p("JNZ loop")
	f.ret()
}

// copyAVX2 is copyAVX512 for 6 or 16 values.
func copyAVX2(f *file, width int) {
	f.copyHead(fmt.Sprintf("copy%dAVX2", width), width)
	f.label("loop")
	if width == 6 {
		f.p("VMOVUPS (SI), X0")
		f.p("VMOVSD 16(SI), X1")
		f.p("VMOVUPS X0, (DI)")
		f.p("VMOVSD X1, 16(DI)")
	} else {
		for i := 0; i < width; i += 8 {
			f.p("VMOVUPS %d(SI), Y%d", 4*i, i/8)
			f.p("VMOVUPS Y%d, %d(DI)", i/8, 4*i)
		}
	}
	f.copyTail(width)
}

// packAVX512 writes the copies of full panels of 12 rows of A and 32 columns of B.
func packAVX512(f *file) {
	transposeAVX512(f, 12)
	transposeAVX512(f, 16)
	copyAVX512(f, 12)
	copyAVX512(f, 32)
	copyPartAVX512(f)
}

// copyPartAVX512 writes the copy of a panel that is not full, or half as wide.
func copyPartAVX512(f *file) {
	f.function("copyPartAVX512", "copies n rows of valid values, ss bytes apart, to rows of width values side by side, and zeros after them; valid <= width <= 32.", nil,
		ptrs("dst", "src"), ints("ss", "n", "valid", "width"))
	for _, r := range [...][2]string{{"src", "SI"}, {"ss", "R8"}, {"dst", "DI"}, {"n", "DX"}} {
		f.load(r[0], r[1])
	}
	for i, name := range []string{"valid", "width"} {
		f.load(name, "CX")
		f.p("MOVQ $1, AX")
		f.p("SHLQ CX, AX")
		f.p("DECQ AX")
		f.p("KMOVW AX, K%d", 1+2*i)
		f.p("SHRQ $16, AX")
		f.p("KMOVW AX, K%d", 2+2*i)
	}
	f.p("SHLQ $2, CX")
	f.label("loop")
	f.p("VMOVUPS.Z (SI), K1, Z0")
	f.p("VMOVUPS.Z 64(SI), K2, Z1")
	f.p("VMOVUPS Z0, K3, (DI)")
	f.p("VMOVUPS Z1, K4, 64(DI)")
	f.p("ADDQ R8, SI")
	f.p("ADDQ CX, DI")
	f.p("DECQ DX")
	f.p("JNZ loop")
	f.ret()
}

// transposeAVX512 writes a transposing copy of rows values wide, 16 columns at a time: 16 x 16 values change places in registers
// in four steps of 16 shuffles.
func transposeAVX512(f *file, rows int) {
	f.transposeHead(fmt.Sprintf("transpose%dAVX512", rows), rows, 16)
	f.p("MOVQ $%#x, AX", 1<<rows-1)
	f.p("KMOVW AX, K1")
	f.label("loop")
	f.p("MOVQ SI, R11")
	for r := 0; r < rows; r++ {
		f.p("VMOVUPS (R11)%s, Z%d", [...]string{"", "(R8*1)", "(R8*2)", "(R10*1)"}[r%4], r)
		if r%4 == 3 {
			f.p("LEAQ (R11)(R8*4), R11")
		}
	}
	f.comment("fetch as many rows after these, which are likely next")
	for r := 0; r < rows; r++ {
		f.p("PREFETCHT0 (R11)%s", [...]string{"", "(R8*1)", "(R8*2)", "(R10*1)"}[r%4])
		if r%4 == 3 && r < rows-1 {
			f.p("LEAQ (R11)(R8*4), R11")
		}
	}
	for r := rows; r < 16; r++ {
		f.p("VPXORD Z%d, Z%d, Z%d", r, r, r)
	}
	f.comment("pairs of rows")
	for r := 0; r < 16; r += 2 {
		f.p("VUNPCKLPS Z%d, Z%d, Z%d", r+1, r, 16+r)
		f.p("VUNPCKHPS Z%d, Z%d, Z%d", r+1, r, 17+r)
	}
	f.comment("fours: lane l of register 4g+c holds column 4l+c of rows 4g to 4g+3")
	for r := 0; r < 16; r += 4 {
		for half := range 2 {
			f.p("VUNPCKLPD Z%d, Z%d, Z%d", 18+r+half, 16+r+half, r+2*half)
			f.p("VUNPCKHPD Z%d, Z%d, Z%d", 18+r+half, 16+r+half, r+2*half+1)
		}
	}
	f.comment("lanes")
	for c := range 4 {
		f.p("VSHUFF32X4 $0x88, Z%d, Z%d, Z%d", 4+c, c, 16+c)
		f.p("VSHUFF32X4 $0xdd, Z%d, Z%d, Z%d", 4+c, c, 20+c)
		f.p("VSHUFF32X4 $0x88, Z%d, Z%d, Z%d", 12+c, 8+c, 24+c)
		f.p("VSHUFF32X4 $0xdd, Z%d, Z%d, Z%d", 12+c, 8+c, 28+c)
	}
	for c := range 4 {
		f.p("VSHUFF32X4 $0x88, Z%d, Z%d, Z%d", 24+c, 16+c, c)
		f.p("VSHUFF32X4 $0xdd, Z%d, Z%d, Z%d", 24+c, 16+c, 8+c)
		f.p("VSHUFF32X4 $0x88, Z%d, Z%d, Z%d", 28+c, 20+c, 4+c)
		f.p("VSHUFF32X4 $0xdd, Z%d, Z%d, Z%d", 28+c, 20+c, 12+c)
	}
	for k := range 16 {
		if rows < 16 {
			f.p("VMOVUPS Z%d, K1, (DI)", k)
		} else {
			f.p("VMOVUPS Z%d, (DI)", k)
		}
		f.p("ADDQ R9, DI")
	}
	f.p("ADDQ $64, SI")
	f.p("DECQ CX")
	f.p("JNZ loop")
	f.ret()
}

// transposeHead begins a transposing copy. R10 is three source rows.
func (f *file) transposeHead(name string, rows, block int) {
	f.function(name, transposeDoc(rows, block), nil, ptrs("dst", "src"), ints("ss", "ds", "blocks"))
	for _, r := range [...][2]string{{"src", "SI"}, {"ss", "R8"}, {"dst", "DI"}, {"ds", "R9"}, {"blocks", "CX"}} {
		f.load(r[0], r[1])
	}
	f.p("LEAQ (R8)(R8*2), R10")
}

func transposeDoc(rows, block int) string {
	return fmt.Sprintf("stores the transpose of %d rows of %d·blocks values: row r starts at src + r·ss bytes, column c goes to dst + c·ds bytes.", rows, block)
}

func copyDoc(width int) string {
	return fmt.Sprintf("copies n rows of %d values, ss bytes apart, to rows side by side.", width)
}

// copyAVX512 writes a copy of n rows of width values to rows side by side.
func copyAVX512(f *file, width int) {
	f.copyHead(fmt.Sprintf("copy%dAVX512", width), width)
	f.p("MOVQ R8, R11")
	f.p("SHLQ $4, R11")
	f.p("ADDQ SI, R11")
	if width == 12 {
		f.copyFours()
	}
	f.label("loop")
	f.fetchAhead(width)
	for i := 0; i < width; i += 16 {
		if width-i < 16 {
			f.p("VMOVUPS.Z %d(SI), K1, Z%d", 4*i, i/16)
			f.p("VMOVUPS Z%d, K1, %d(DI)", i/16, 4*i)
		} else {
			f.p("VMOVUPS %d(SI), Z%d", 4*i, i/16)
			f.p("VMOVUPS Z%d, %d(DI)", i/16, 4*i)
		}
	}
	f.copyTail(width)
}

// fetchAhead fetches the row that lies 16 rows after the present one.
func (f *file) fetchAhead(width int) {
	for i := 0; i < width; i += 16 {
		f.p("PREFETCHT0 %d(R11)", 4*i)
	}
	f.p("ADDQ R8, R11")
}

// copyFours writes the loop that copies rows of 12 values, four at a time: they fill three cache lines, and a store that crosses lines would take twice as long.
func (f *file) copyFours() {
	f.p("MOVQ $0x0fff, AX")
	f.p("KMOVW AX, K1")
	f.p("MOVQ $0xfff0, AX")
	f.p("KMOVW AX, K2")
	f.p("MOVQ CX, DX")
	f.p("ANDQ $3, CX")
	f.p("SHRQ $2, DX")
	f.p("JZ rest")
	f.label("fours")
	for range 4 {
		f.fetchAhead(12)
	}
	f.p("VMOVUPS.Z (SI), K1, Z0")
	f.p("VINSERTF32X4 $3, (SI)(R8*1), Z0, Z0")
	f.p("VMOVUPS 16(SI)(R8*1), Y1")
	f.p("VINSERTF64X4 $1, (SI)(R8*2), Z1, Z1")
	f.p("VMOVUPS 32(SI)(R8*2), X2")
	f.p("LEAQ (SI)(R8*2), SI")
	f.p("VMOVUPS -16(SI)(R8*1), K2, Z2")
	f.p("LEAQ (SI)(R8*2), SI")
	for i := range 3 {
		f.p("VMOVUPS Z%d, %d(DI)", i, 64*i)
	}
	f.p("ADDQ $192, DI")
	f.p("DECQ DX")
	f.p("JNZ fours")
	f.label("rest")
	f.p("TESTQ CX, CX")
	f.p("JNZ loop")
	f.ret()
}

func (f *file) copyHead(name string, width int) {
	f.function(name, copyDoc(width), nil, ptrs("dst", "src"), ints("ss", "n"))
	for _, r := range [...][2]string{{"src", "SI"}, {"ss", "R8"}, {"dst", "DI"}, {"n", "CX"}} {
		f.load(r[0], r[1])
	}
}

func (f *file) copyTail(width int) {
	f.p("ADDQ R8, SI")
	f.p("ADDQ $%d, DI", 4*width)
	f.p("DECQ CX")
	f.p("JNZ loop")
	f.ret()
}
