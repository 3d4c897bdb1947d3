package main

import (
	"fmt"
	"strconv"
)

// noise writes Philox4x32-10 (see package rng) and the dropout that uses its words.
func noise(f *file) {
	philox(f)
	drop(f)
}

// philox writes the noise.
//
// Each word of a state lies in the low half of 64 bits, where the product of two words fits: no shuffles between rounds. What the high half
// holds does not matter. Two registers of blocks go side by side, for a round waits for its products.
func philox(f *file) {
	l := &loop{file: f}
	perSet := f.lanes / 2
	f.function("noise"+f.name, "stores blocks first, first+1, … of the element stream of (seed, step, site): 64 words for each of groups.", nil,
		[]arg{{"words", "*uint32"}, {"seed", "uint64"}, {"step", "uint64"}, {"site", "uint32"}, {"first", "uint32"}}, ints("groups"))
	f.entries.WriteString("noise: func(words []uint32, seed, step uint64, site, first uint32) {\nnoise" + f.name +
		"(unsafe.SliceData(words), seed, step, site, first, int64(len(words)/noiseBlock))\n},\n")
	if f.isa == neon {
		noiseNEON(f)
		return
	}
	f.load("words", "DI")
	f.load("seed", "R8")
	f.load("step", "R10")
	f.p("MOVQ R8, R9")
	f.p("SHRQ $32, R9")
	f.p("MOVQ R10, R11")
	f.p("SHRQ $32, R11")
	f.p("MOVL %s, BX", f.args["first"])
	f.load("groups", "CX")
	if f.isa == avx2 {
		f.p("ADDQ CX, CX")
	} else {
		f.p("MOVL $0xaaaa, DX")
		f.p("KMOVW DX, K1")
	}
	f.p("TESTQ CX, CX")
	f.p("JZ done")
	f.p("LEAQ constants<>(SB), AX")
	const key, mul = 12, 14 // two registers each
	for i, c := range []uint32{0xD2511F53, 0xCD9E8D57} {
		l.op("VPBROADCASTD", f.constant(c), mul+i)
	}
	f.label("loop")
	f.comment("counters (block, site, step low, step high) in registers 0-3 and 6-9, key in 12 and 13")
	spread := func(reg string, r int) {
		f.p("VMOVD %s, X%d", reg, r)
		l.op("VPBROADCASTD", fmt.Sprintf("X%d", r), r)
	}
	spread("BX", 0)
	l.op("VPADDD", "philoxOrder<>+"+strconv.Itoa(f.bytes())+"(SB)", 0, 6)
	l.op("VPADDD", "philoxOrder<>(SB)", 0, 0)
	l.op("VBROADCASTSS", f.args["site"], 1)
	spread("R10", 2)
	spread("R11", 3)
	for i := 1; i < 4; i++ {
		l.op("VMOVDQA"+f.whole(), i, 6+i)
	}
	spread("R8", key)
	spread("R9", key+1)
	sets := [2][4]int{{0, 1, 2, 3}, {6, 7, 8, 9}}
	for round := range 10 {
		f.comment("round %d: (high b ^ c1 ^ key0, low b, high a ^ c3 ^ key1, low a) for the products a of c0 and b of c2", round+1)
		for i := range sets {
			c := &sets[i]
			l.op("VPMULUDQ", mul, c[0], c[0])
			l.op("VPMULUDQ", mul+1, c[2], c[2])
		}
		for i := range sets {
			c := &sets[i]
			for j, product := range []int{c[2], c[0]} {
				high, other := 4+6*i+j, c[1+2*j]
				l.op("VPSRLQ", "$32", product, high)
				if f.isa == avx512 {
					l.op("VPTERNLOGD", "$0x96", key+j, high, other)
				} else {
					l.op("VPXOR", key+j, other, other)
					l.op("VPXOR", high, other, other)
				}
			}
			*c = [4]int{c[1], c[2], c[3], c[0]}
		}
		if round < 9 {
			l.op("VPADDD", pattern(0x9E3779B9), key, key)
			l.op("VPADDD", pattern(0xBB67AE85), key+1, key+1)
		}
	}
	f.comment("the four words of a block side by side; the order of the counters makes the blocks come out right")
	for i, c := range sets {
		for j := 0; j < 4; j += 2 {
			if f.isa == avx512 {
				l.op("VMOVSLDUP", c[j+1], "K1", c[j])
			} else {
				l.op("VMOVSLDUP", c[j+1], c[j+1])
				l.op("VBLENDPS", "$0xaa", c[j+1], c[j], c[j])
			}
		}
		for j, op := range []string{"VPUNPCKLQDQ", "VPUNPCKHQDQ"} {
			l.op(op, c[2], c[0], 4)
			l.op("VMOVDQU"+f.whole(), 4, strconv.Itoa((2*i+j)*f.bytes())+"(DI)")
		}
	}
	f.p("ADDL $%d, BX", 2*perSet)
	f.p("ADDQ $%d, DI", 4*f.bytes())
	f.p("DECQ CX")
	f.p("JNZ loop")
	f.label("done")
	f.ret()
	// Of 128 bits the first block comes out in the first register, the second in the second.
	order := make([]uint32, 2*f.lanes)
	for set := range 2 {
		for q := range perSet {
			order[set*f.lanes+2*q] = uint32(set*perSet + q%2*perSet/2 + q/2)
		}
	}
	f.table("philoxOrder", order)
}

func drop(f *file) {
	f.vector(vectorFunc{name: "drop", doc: "is y = x·keep where the word is at least threshold, else 0.",
		params: []arg{{"y", "[]float32"}, {"x", "[]float32"}, {"words", "[]uint32"}, {"threshold", "uint32"}, {"keep", "float32"}},
		setup: func(l *loop) {
			l.scalar("keep", 8)
			l.scalar("threshold", 9)
		},
		body: func(l *loop) {
			l.get("x", 0)
			l.get("words", 1)
			if l.isa == avx512 {
				l.op("VPCMPUD", "$5", 9, 1, "K2")
				l.op("VMULPS.Z", 8, 0, "K2", 0)
			} else {
				if l.isa == avx2 {
					l.comment("AVX2 compares signed numbers only")
				}
				l.op("VPMAXUD", 9, 1, 2)
				l.op("VPCMPEQD", 1, 2, 2)
				l.op("VMULPS", 8, 0, 0)
				l.op("VANDPS", 2, 0, 0)
			}
			l.put(0, "y")
		}})
}

// whole ends the name of an instruction that moves a whole register of integers.
func (i isa) whole() string {
	if i == avx512 {
		return "32"
	}
	return ""
}
