package main

// noiseAVX512 writes Philox4x32-10 (see package rng) on 16 blocks at once and the dropout that uses its words.
func noiseAVX512(f *file) {
	f.function("noiseAVX512", "stores blocks first, first+1, … of the element stream: 64 words for each of groups. params is {key low, key high, site, step low, step high}.", nil,
		[]arg{{"words", "*uint32"}, {"params", "*uint32"}, {"first", "uint32"}}, ints("groups"))
	f.load("words", "DI")
	f.load("params", "SI")
	f.load("groups", "CX")
	f.p("LEAQ philoxOrder<>(SB), R8")
	f.p("VBROADCASTSS %s, Z20", f.args["first"])
	f.p("VPADDD (R8), Z20, Z20")
	f.p("MOVL $16, AX")
	f.p("VPBROADCASTD AX, Z21")
	for _, c := range []struct {
		value uint32
		reg   int
	}{{0xD2511F53, 22}, {0xCD9E8D57, 23}, {0x9E3779B9, 24}, {0xBB67AE85, 25}} {
		f.p("MOVL $%#x, AX", c.value)
		f.p("VPBROADCASTD AX, Z%d", c.reg)
	}
	f.p("MOVL $0xaaaa, AX")
	f.p("KMOVW AX, K1")
	f.p("MOVL $0x5555, AX")
	f.p("KMOVW AX, K2")
	f.label("loop")
	f.comment("counter (block, site, step low, step high) in Z0-Z3, key in Z4, Z5")
	f.p("VMOVDQA32 Z20, Z0")
	f.p("VPBROADCASTD 8(SI), Z1")
	f.p("VPBROADCASTD 12(SI), Z2")
	f.p("VPBROADCASTD 16(SI), Z3")
	f.p("VPBROADCASTD (SI), Z4")
	f.p("VPBROADCASTD 4(SI), Z5")
	c := [4]int{0, 1, 2, 3}
	for round := range 10 {
		f.comment("round %d", round+1)
		// The products of even and odd lanes apart; the low halves are merged into the even ones, the high halves into a copy of the odd.
		for i, mul := range []int{22, 23} {
			x, even, odd, high := c[2*i], 8+4*i, 9+4*i, 10+4*i
			f.p("VPSRLQ $32, Z%d, Z%d", x, odd)
			f.p("VPMULUDQ Z%d, Z%d, Z%d", mul, x, even)
			f.p("VPMULUDQ Z%d, Z%d, Z%d", mul, odd, odd)
			f.p("VMOVDQA32 Z%d, Z%d", odd, high)
			f.p("VMOVSHDUP Z%d, K2, Z%d", even, high)
			f.p("VMOVSLDUP Z%d, K1, Z%d", odd, even)
		}
		f.comment("(high b ^ c1 ^ key0, low b, high a ^ c3 ^ key1, low a)")
		f.p("VPTERNLOGD $0x96, Z4, Z14, Z%d", c[1])
		f.p("VPTERNLOGD $0x96, Z5, Z10, Z%d", c[3])
		f.p("VMOVDQA32 Z12, Z%d", c[0])
		f.p("VMOVDQA32 Z8, Z%d", c[2])
		c = [4]int{c[1], c[0], c[3], c[2]}
		if round < 9 {
			f.p("VPADDD Z24, Z4, Z4")
			f.p("VPADDD Z25, Z5, Z5")
		}
	}
	f.comment("the four words of a block side by side; the order of the counters makes the lanes come out right")
	f.p("VPUNPCKLDQ Z%d, Z%d, Z8", c[1], c[0])
	f.p("VPUNPCKHDQ Z%d, Z%d, Z9", c[1], c[0])
	f.p("VPUNPCKLDQ Z%d, Z%d, Z10", c[3], c[2])
	f.p("VPUNPCKHDQ Z%d, Z%d, Z11", c[3], c[2])
	for i, op := range []string{"VPUNPCKLQDQ Z10, Z8", "VPUNPCKHQDQ Z10, Z8", "VPUNPCKLQDQ Z11, Z9", "VPUNPCKHQDQ Z11, Z9"} {
		f.p("%s, Z12", op)
		f.p("VMOVDQU32 Z12, %d(DI)", 64*i)
	}
	f.p("VPADDD Z21, Z20, Z20")
	f.p("ADDQ $256, DI")
	f.p("DECQ CX")
	f.p("JNZ loop")
	f.ret()
	// Lane 4l+e holds the counter of block 4e+l: after the unpacking, register e holds blocks 4e to 4e+3 in its lanes l.
	for lane := range 16 {
		f.table("philoxOrder", lane, uint32(lane%4*4+lane/4))
	}

	f.vectorLoop("dropAVX512", "is y = x·keep where the word is at least threshold, else 0.", nil, []string{"y", "x", "words"},
		append(floats("keep"), arg{"threshold", "uint32"}), func(l *loop) {
			l.scalar("keep", 20)
			l.p("VBROADCASTSS %s, Z21", l.args["threshold"])
		}, func(l *loop) {
			l.get("x", 0)
			l.get("words", 1)
			l.p("VPCMPUD $5, Z21, Z1, K2")
			l.p("VMULPS.Z Z20, Z0, K2, Z0")
			l.put(0, "y")
		}, nil)
}
