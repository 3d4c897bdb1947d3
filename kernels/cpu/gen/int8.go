package main

import "fmt"

// A tile of integer products has the shape of the float32 tile, and a step of 32 bits along k too: four values of 8 bits with VNNI, two of 16 bits without. So it multiplies four
// or two times as much in an instruction, and moves as many bytes.

// kernelsInt8 writes the products of 8-bit integers and what makes them of float32 values.
func kernelsInt8(f *file) {
	wide := tile{f, byRow, packed, 12, 2, "Z", 64, f.vnni, 0, nil}
	wide.beginInt8("tile12x32VNNI", "of 4 values: unsigned bytes of A times signed bytes of B")
	wide.sumAVX512()
	wide.endInt8()
	narrow := tile{f, byRow, packed, 6, 2, "Y", 32, f.pairs, 1, nil}
	narrow.beginInt8("tile6x16PairsAVX2", "of 2 values, which are 16 bits wide: the products of bytes that AVX2 has saturate")
	narrow.sumAVX2()
	narrow.endInt8()
	extentAVX512(f)
	extentAVX2(f)
	quantizeAVX512(f)
	quantizeAVX2(f)
}

func (f *file) vnni(b, a, sum string) { f.p("VPDPBUSD %s, %s, %s", b, a, sum) }

// pairs needs register 15 beside.
func (f *file) pairs(b, a, sum string) {
	f.p("VPMADDWD %s, %s, Y15", b, a)
	f.p("VPADDD Y15, %[1]s, %[1]s", sum)
}

// beginInt8 starts the sums with what the zero points of the rows make too much: -zero·Σb.
func (t tile) beginInt8(name, how string) {
	t.floating(name, "adds an integer product to the tile at c, or stores it; see int8Kernel. A step is "+how+".", nil, ints("steps"), args("*byte", []string{"a", "b"}), ptrs("c"),
		ints("ldc", "lda"), args("*rowScale", []string{"rows"}), ints("rowStride"), args("*int32", []string{"sums"}), ints("add"), ptrs("scales", "bias"))
	for _, r := range [...][2]string{{"steps", "CX"}, {"a", "SI"}, {"b", "DI"}, {"c", "DX"}, {"ldc", "R8"}, {"lda", "R13"}, {"sums", "R11"}} {
		t.load(r[0], r[1])
	}
	t.p("LEAQ (R13)(R13*2), BX")
	t.comment("fetch the tile of C early: it comes from far away")
	t.p("MOVQ DX, R10")
	t.eachRow("R10", func(int) {
		for j := 0; j < t.vectors*t.bytes; j += 64 {
			t.p("PREFETCHT0 %d(R10)", j)
		}
	})
	for j := range t.vectors {
		t.p("VMOVUPS %d(R11), %s", j*t.bytes, t.free(j))
	}
	t.eachScale(4, "VPBROADCASTD", t.free(t.vectors), func(i int) {
		for j := range t.vectors {
			t.p("VPMULLD %s, %s, %s", t.free(j), t.free(t.vectors), t.acc(i, j))
		}
	})
}

// eachScale loads a field of the scales of each row.
func (t tile) eachScale(offset int, broadcast, to string, f func(i int)) {
	t.load("rows", "R9")
	t.load("rowStride", "R10")
	for i := range t.rows {
		t.p("%s %d(R9), %s", broadcast, offset, to)
		f(i)
		if i < t.rows-1 {
			t.p("ADDQ R10, R9")
		}
	}
}

// endInt8 scales the sums by rows, adds C if wanted, and for the last product scales by columns and adds the bias.
func (t tile) endInt8() {
	t.label("done")
	t.eachScale(0, "VBROADCASTSS", t.free(0), func(i int) {
		for j := range t.vectors {
			t.p("VCVTDQ2PS %[1]s, %[1]s", t.acc(i, j))
			t.p("VMULPS %s, %s, %s", t.free(0), t.acc(i, j), t.acc(i, j))
		}
	})
	t.load("add", "R9")
	t.p("TESTQ R9, R9")
	t.p("JZ scale")
	t.p("MOVQ DX, R10")
	t.eachRow("R10", func(i int) {
		for j := range t.vectors {
			t.p("VADDPS %d(R10), %s, %s", j*t.bytes, t.acc(i, j), t.acc(i, j))
		}
	})
	t.label("scale")
	t.columns("scales", "VMULPS")
	t.columns("bias", "VADDPS")
	t.label("store")
	t.eachRow("DX", func(i int) {
		for j := range t.vectors {
			t.p("VMOVUPS %s, %d(DX)", t.acc(i, j), j*t.bytes)
		}
	})
	t.ret()
}

// columns combines each row with a vector of the parameter, unless that is nil: then nothing follows but to store.
func (t tile) columns(param, instruction string) {
	t.load(param, "R9")
	t.p("TESTQ R9, R9")
	t.p("JZ store")
	for j := range t.vectors {
		t.p("VMOVUPS %d(R9), %s", j*t.bytes, t.free(j))
	}
	for i := range t.rows {
		for j := range t.vectors {
			t.p("%s %s, %s, %s", instruction, t.free(j), t.acc(i, j), t.acc(i, j))
		}
	}
}

const (
	extentArgs   = "gives the bits of the largest and the smallest of n values; see int8Kernel."
	quantizeArgs = "stores round(x·inverse) + zero between 0 and 255 as %s."
)

// beginExtent: bits of floats order as signed integers where they are positive, and, as unsigned integers, negative ones come above all positive ones.
func beginExtent(f *file, name string) {
	f.function(name, extentArgs, []string{"uint32", "uint32"}, ptrs("x"), ints("n"))
	f.load("x", "SI")
	f.load("n", "CX")
	for i := range 4 {
		f.p("VPXOR X%[1]d, X%[1]d, X%[1]d", i)
	}
}

func endExtent(f *file) {
	for i, op := range []string{"VPMAXSD", "VPMAXUD"} {
		f.p("VEXTRACTI128 $1, Y%d, X4", i)
		f.p("%s X4, X%[2]d, X%[2]d", op, i)
		for _, order := range []string{"$0x4e", "$0xb1"} {
			f.p("VPSHUFD %s, X%d, X4", order, i)
			f.p("%s X4, X%[2]d, X%[2]d", op, i)
		}
		f.p("VMOVD X%d, AX", i)
		f.p("MOVL AX, %s", f.args[[...]string{"r0", "r1"}[i]])
	}
	f.ret()
}

// extentAVX512 reads 4 bytes a value and has 2 operations for 16 values: memory bounds it beyond the first-level cache.
func extentAVX512(f *file) {
	beginExtent(f, "extentAVX512")
	f.label("loop")
	f.p("CMPQ CX, $32")
	f.p("JL rest")
	for i := range 2 {
		f.p("VMOVDQU32 %d(SI), Z%d", 64*i, 4+i)
		f.p("VPMAXSD Z%[1]d, Z%[2]d, Z%[2]d", 4+i, 2*i)
		f.p("VPMAXUD Z%[1]d, Z%[2]d, Z%[2]d", 4+i, 2*i+1)
	}
	f.p("ADDQ $128, SI")
	f.p("SUBQ $32, CX")
	f.p("JMP loop")
	f.label("rest")
	f.p("MOVQ $1, AX")
	f.p("SHLQ CX, AX")
	f.p("DECQ AX")
	for i := range 2 {
		f.p("KMOVW AX, K1")
		f.p("SHRQ $16, AX")
		f.p("VMOVDQU32.Z %d(SI), K1, Z4", 64*i)
		f.p("VPMAXSD Z4, Z0, Z0")
		f.p("VPMAXUD Z4, Z1, Z1")
	}
	for i, op := range []string{"VPMAXSD", "VPMAXUD"} {
		f.p("%[1]s Z%[2]d, Z%[3]d, Z%[3]d", op, 2+i, i)
		f.p("VEXTRACTI64X4 $1, Z%d, Y4", i)
		f.p("%[1]s Y4, Y%[2]d, Y%[2]d", op, i)
	}
	endExtent(f)
}

func extentAVX2(f *file) {
	beginExtent(f, "extentAVX2")
	f.label("loop")
	f.p("CMPQ CX, $8")
	f.p("JL rest")
	f.p("VMOVDQU (SI), Y4")
	f.p("VPMAXSD Y4, Y0, Y0")
	f.p("VPMAXUD Y4, Y1, Y1")
	f.p("ADDQ $32, SI")
	f.p("SUBQ $8, CX")
	f.p("JMP loop")
	f.label("rest")
	f.p("TESTQ CX, CX")
	f.p("JZ reduce")
	f.label("single")
	f.p("VMOVD (SI), X4")
	f.p("VPMAXSD Y4, Y0, Y0")
	f.p("VPMAXUD Y4, Y1, Y1")
	f.p("ADDQ $4, SI")
	f.p("DECQ CX")
	f.p("JNZ single")
	f.label("reduce")
	endExtent(f)
}

func beginQuantize(f *file, name, as string) {
	f.floating(name, fmt.Sprintf(quantizeArgs, as), nil, args("*byte", []string{"dst"}), ptrs("x"), ints("n", "zero"), args("float32", []string{"inverse"}))
	f.load("dst", "DI")
	f.load("x", "SI")
	f.load("n", "CX")
	f.load("zero", "AX")
}

// quantizeAVX512 moves 5 bytes a value.
func quantizeAVX512(f *file) {
	beginQuantize(f, "quantizeAVX512", "bytes")
	f.p("VPBROADCASTD AX, Z4")
	f.p("VBROADCASTSS %s, Z5", f.args["inverse"])
	f.p("VPXORD Z6, Z6, Z6")
	f.label("loop")
	f.p("CMPQ CX, $16")
	f.p("JL rest")
	f.p("VMULPS (SI), Z5, Z0")
	store := func(mask string) {
		f.p("VCVTPS2DQ Z0, Z0")
		f.p("VPADDD Z4, Z0, Z0")
		f.p("VPMAXSD Z6, Z0, Z0")
		f.p("VPMOVUSDB Z0, %s(DI)", mask)
	}
	store("")
	f.p("ADDQ $64, SI")
	f.p("ADDQ $16, DI")
	f.p("SUBQ $16, CX")
	f.p("JMP loop")
	f.label("rest")
	f.p("MOVQ $1, AX")
	f.p("SHLQ CX, AX")
	f.p("DECQ AX")
	f.p("KMOVW AX, K1")
	f.p("VMOVUPS.Z (SI), K1, Z0")
	f.p("VMULPS Z5, Z0, Z0")
	store("K1, ")
	f.ret()
}

func quantizeAVX2(f *file) {
	beginQuantize(f, "quantizePairsAVX2", "numbers of 16 bits")
	f.p("VMOVD AX, X4")
	f.p("VPBROADCASTD X4, Y4")
	f.p("VBROADCASTSS %s, Y5", f.args["inverse"])
	f.p("VPXOR Y6, Y6, Y6")
	f.p("MOVQ $255, R8")
	f.p("VMOVD R8, X7")
	f.p("VPBROADCASTD X7, Y7")
	convert := func(reg string) {
		f.p("VCVTPS2DQ %[1]s0, %[1]s0", reg)
		f.p("VPADDD %[1]s4, %[1]s0, %[1]s0", reg)
		f.p("VPMAXSD %[1]s6, %[1]s0, %[1]s0", reg)
		f.p("VPMINSD %[1]s7, %[1]s0, %[1]s0", reg)
	}
	f.label("loop")
	f.p("CMPQ CX, $8")
	f.p("JL rest")
	f.p("VMULPS (SI), Y5, Y0")
	convert("Y")
	f.p("VEXTRACTI128 $1, Y0, X1")
	f.p("VPACKUSDW X1, X0, X0")
	f.p("VMOVDQU X0, (DI)")
	f.p("ADDQ $32, SI")
	f.p("ADDQ $16, DI")
	f.p("SUBQ $8, CX")
	f.p("JMP loop")
	f.label("rest")
	f.p("TESTQ CX, CX")
	f.p("JZ end")
	f.label("single")
	f.p("VMOVSS (SI), X0")
	f.p("VMULPS X5, X0, X0")
	convert("X")
	f.p("VMOVD X0, AX")
	f.p("MOVW AX, (DI)")
	f.p("ADDQ $4, SI")
	f.p("ADDQ $2, DI")
	f.p("DECQ CX")
	f.p("JNZ single")
	f.label("end")
	f.ret()
}
