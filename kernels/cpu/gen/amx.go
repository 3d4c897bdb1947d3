package main

import (
	"fmt"
	"strings"
)

// Packed operands of AMX products consist of tiles of 1024 bytes, the size of a tile register: 16 rows of 32 bfloat16 values of A, or
// 16 pairs of successive k for 16 columns of B. A block is what one step of 32 along k needs of 32 rows or columns: two tiles, and after
// them two more with the low halves where values are split.
const (
	tileBytes  = 1024
	blockBytes = 2 * tileBytes
	panelRows  = 32
)

// kernelsAMX writes the products and the packing for them.
func kernelsAMX(f *file) {
	for split := range 2 {
		a := amx{f, split == 1, [...]string{"", "Split"}[split], blockBytes << split}
		a.product()
		a.packRows()
		a.packColumns()
	}
	xgetbv(f)
	f.table("tileConfigs", tileConfigs())
	var order []uint32
	for i := range uint32(16) {
		order = append(order, i|(16+i)<<16) // words i and 16+i
	}
	f.table("interleave", order)
}

// tileConfigs are the operands of LDTILECFG for panels of 2 to 32 rows: palette 1, and for each of 8 tiles 64 bytes a row, and its rows. Tiles 0 and 1
// (of C) and 4 (of A) have the upper half of the rows, tiles 2, 3 and 5 the others, tiles 6 and 7 (of B) 16. All 64 bytes count.
func tileConfigs() []uint32 {
	var all []uint32
	for rows := uint32(2); rows <= panelRows; rows++ {
		const bytesOfTwo = 64 | 64<<16
		top, rest := (rows+1)/2, rows/2
		config := [16]uint32{0: 1, 4: bytesOfTwo, 5: bytesOfTwo, 6: bytesOfTwo, 7: bytesOfTwo,
			12: top | top<<8 | rest<<16 | rest<<24, 13: top | rest<<8 | 16<<16 | 16<<24}
		all = append(all, config[:]...)
	}
	return all
}

// amx writes functions for plain or for split values.
type amx struct {
	*file
	split  bool
	suffix string
	block  int // bytes of a block
}

// product writes the kernel for panels of up to 32 by 32 values of C in tiles 0 to 3. A block along k takes 4 tile loads and 4 products of
// 16·16·32 multiply-adds, and three times the products with 10 loads for split values. A product occupies the unit for 16 cycles and a load two
// ports for 8, so the floor is 64 cycles for a block (192 if split) and the sum of the loads hides behind it; C moves once a call, 8 loads and stores.
//
// Configuration, products and release are in one function: the Go runtime does not preempt assembly, so a goroutine never moves to another
// thread while tiles hold anything. The kernel saves tiles in context switches and signal frames. A call lasts some tens of microseconds at most,
// for stopping the world waits for it.
func (a amx) product() {
	a.function("product"+a.suffix+"AMX", "computes panels of rows of C, each from blocks of its packed A and all of them from the same packed B; see bf16Kernel.", nil,
		ints("blocks"), words("a", "b"), ptrs("c"), ints("ldc", "panels", "rows"), ptrs("start"), ints("startStride"))
	for _, r := range [...][2]string{{"a", "SI"}, {"c", "DX"}, {"ldc", "R8"}, {"panels", "BX"}, {"rows", "R12"}, {"start", "R9"}, {"startStride", "R10"}} {
		a.load(r[0], r[1])
	}
	a.p("MOVQ $64, R11")
	a.p("LEAQ tileConfigs<>(SB), AX")
	a.p("LEAQ -2(R12), CX")
	a.p("SHLQ $6, CX")
	a.p("ADDQ CX, AX")
	a.comment("from the upper tiles of C to the lower ones")
	a.p("INCQ R12")
	a.p("SHRQ $1, R12")
	a.p("IMULQ R8, R12")
	a.raw(ldtilecfg("AX"))
	a.label("panel")
	a.load("b", "DI")
	a.load("blocks", "CX")
	a.p("TESTQ R9, R9")
	a.p("JZ zero")
	a.load("rows", "AX")
	a.p("INCQ AX")
	a.p("SHRQ $1, AX")
	a.p("IMULQ R10, AX")
	a.p("LEAQ (R9)(AX*1), R13")
	a.raw(tileload(0, "R9", "R10", 0), tileload(1, "R9", "R10", 64), tileload(2, "R13", "R10", 0), tileload(3, "R13", "R10", 64))
	a.p("LEAQ (R13)(AX*1), R9")
	a.p("JMP begin")
	a.label("zero")
	for t := range 4 {
		a.raw(tilezero(t))
	}
	a.label("begin")
	a.p("PCALIGN $64")
	a.label("block")
	load := func(t int, base string, tile int) instruction { return tileload(t, base, "R11", tile*tileBytes) }
	a.raw(load(4, "SI", 0), load(6, "DI", 0), dot(0, 4, 6), load(7, "DI", 1), dot(1, 4, 7), load(5, "SI", 1), dot(2, 5, 6), dot(3, 5, 7))
	if a.split {
		a.comment("high times low")
		a.raw(load(6, "DI", 2), dot(0, 4, 6), load(7, "DI", 3), dot(1, 4, 7), dot(2, 5, 6), dot(3, 5, 7))
		a.comment("low times high")
		a.raw(load(4, "SI", 2), load(6, "DI", 0), dot(0, 4, 6), load(7, "DI", 1), dot(1, 4, 7), load(5, "SI", 3), dot(2, 5, 6), dot(3, 5, 7))
	}
	a.p("ADDQ $%d, SI", a.block)
	a.p("ADDQ $%d, DI", a.block)
	a.p("DECQ CX")
	a.p("JNZ block")
	a.p("LEAQ (DX)(R12*1), R13")
	a.raw(tilestore(0, "DX", "R8", 0), tilestore(1, "DX", "R8", 64), tilestore(2, "R13", "R8", 0), tilestore(3, "R13", "R8", 64))
	a.p("LEAQ (R13)(R12*1), DX")
	a.p("DECQ BX")
	a.p("JNZ panel")
	a.raw(tilerelease())
	a.end()
}

// packRows writes the packing of rows that are contiguous along k. It reads 4 bytes and writes 2, or 4 if split, for each value, so memory
// bounds it unless the source lies in the second-level cache.
func (a amx) packRows() {
	a.function("packRows"+a.suffix+"AMX", "converts rows of k values, ss bytes apart, to tiles of 16 rows by 32 values; rows <= 16. Beyond k are zeros.", nil,
		words("dst"), ptrs("src"), ints("ss", "rows", "k"))
	for _, r := range [...][2]string{{"dst", "DI"}, {"src", "SI"}, {"ss", "R8"}, {"rows", "DX"}, {"k", "CX"}} {
		a.load(r[0], r[1])
	}
	a.label("block")
	a.p("MOVL $0xffffffff, AX")
	a.p("CMPQ CX, $32")
	a.p("JGE whole")
	a.p("MOVQ $1, AX")
	a.p("SHLQ CX, AX")
	a.p("DECQ AX")
	a.label("whole")
	a.p("KMOVW AX, K1")
	a.p("SHRQ $16, AX")
	a.p("KMOVW AX, K2")
	a.p("MOVQ SI, R9")
	a.p("MOVQ DI, R10")
	a.p("MOVQ DX, R11")
	a.label("row")
	a.p("VMOVUPS.Z (R9), K1, Z0")
	a.p("VMOVUPS.Z 64(R9), K2, Z1")
	a.convert(func(z, to string) { a.p("VMOVUPS %s, %s", z, to) })
	a.p("ADDQ R8, R9")
	a.p("ADDQ $64, R10")
	a.p("DECQ R11")
	a.p("JNZ row")
	a.p("ADDQ $128, SI")
	a.p("ADDQ $%d, DI", a.block)
	a.p("SUBQ $32, CX")
	a.p("JG block")
	a.ret()
}

// packColumns writes the packing of values that are contiguous across k.
func (a amx) packColumns() {
	a.function("packColumns"+a.suffix+"AMX", "converts k rows of columns values, ss bytes apart, to tiles of 16 pairs of rows by 16 columns; columns <= 16. "+
		"Beyond k are zeros.", nil, words("dst"), ptrs("src"), ints("ss", "columns", "k"))
	a.load("columns", "CX")
	a.p("MOVQ $1, AX")
	a.p("SHLQ CX, AX")
	a.p("DECQ AX")
	a.p("KMOVW AX, K1")
	for _, r := range [...][2]string{{"dst", "DI"}, {"src", "SI"}, {"ss", "R8"}, {"k", "CX"}} {
		a.load(r[0], r[1])
	}
	a.p("VMOVDQU64 interleave<>(SB), Z31")
	a.label("block")
	a.p("MOVQ $16, R11")
	a.p("MOVQ DI, R10")
	a.label("pair")
	a.p("CMPQ CX, $2")
	a.p("JGE both")
	a.p("VPXORD Z0, Z0, Z0")
	a.p("VPXORD Z1, Z1, Z1")
	a.p("TESTQ CX, CX")
	a.p("JLE convert")
	a.p("VMOVUPS.Z (SI), K1, Z0")
	a.p("JMP convert")
	a.label("both")
	a.p("VMOVUPS.Z (SI), K1, Z0")
	a.p("VMOVUPS.Z (SI)(R8*1), K1, Z1")
	a.label("convert")
	a.convert(func(z, to string) {
		a.p("VPERMW %s, Z31, Z5", z)
		a.p("VMOVUPS Z5, %s", to)
	})
	a.p("LEAQ (SI)(R8*2), SI")
	a.p("ADDQ $64, R10")
	a.p("SUBQ $2, CX")
	a.p("DECQ R11")
	a.p("JNZ pair")
	a.p("ADDQ $%d, DI", a.block)
	a.p("TESTQ CX, CX")
	a.p("JG block")
	a.ret()
}

// convert rounds Z0 and Z1 to 32 bfloat16 values and lets store put them at R10. If values are split, what the rounding lost is rounded in turn and
// goes two tiles further.
func (a amx) convert(store func(z, to string)) {
	a.raw(toBF16(2, 1, 0))
	store("Z2", "(R10)")
	if !a.split {
		return
	}
	a.p("VPMOVZXWD Y2, Z3")
	a.p("VPSLLD $16, Z3, Z3")
	a.p("VSUBPS Z3, Z0, Z0")
	a.p("VEXTRACTI64X4 $1, Z2, Y3")
	a.p("VPMOVZXWD Y3, Z3")
	a.p("VPSLLD $16, Z3, Z3")
	a.p("VSUBPS Z3, Z1, Z1")
	a.raw(toBF16(4, 1, 0))
	store("Z4", fmt.Sprintf("%d(R10)", blockBytes))
}

// xgetbv writes the function that tells which register state the operating system saves.
func xgetbv(f *file) {
	f.function("xgetbv", "returns the low half of extended control register 0. The processor must have OSXSAVE.", []string{"uint32"})
	f.p("XORL CX, CX")
	f.p("XGETBV")
	f.p("MOVL AX, %s", f.args["r0"])
	f.end()
}

// end is ret where no vector register was touched.
func (f *file) end() {
	f.p("RET")
	f.asm.WriteByte('\n')
}

// words are pointers to bfloat16 values.
func words(names ...string) []arg { return args("*uint16", names) }

// raw writes instructions that Go's assembler does not know.
func (f *file) raw(list ...instruction) {
	for _, in := range list {
		hex := make([]string, len(in.code))
		for i, b := range in.code {
			hex[i] = fmt.Sprintf("BYTE $0x%02x", b)
		}
		f.p("%s // %s", strings.Join(hex, "; "), in.text)
	}
}
