package main

import (
	"fmt"
	"math"
	"math/bits"
	"strings"
)

// A vector function is a loop over the values of slices, described once for all instruction sets: registers are numbers below 16, operations
// that differ are methods of loop. Registers 13 to 15 belong to the rest of fewer values than a register has: 15 is its mask in AVX2, which
// has no mask registers, 13 and 14 are scratch there. A function whose rest needs no scratch may use 13 and 14.
const (
	restMask = 15
	scratch  = 14
)

// vectorFunc is a function of the vectors table. Its parameters are those of the table: slices of one length, and scalars.
type vectorFunc struct {
	name, doc string
	results   []string
	params    []arg
	unroll    int // registers a turn, a power of two; 0 means 1
	// setup comes before the loop, finish after it. body is written for each register of a turn and for the rest.
	setup, body, finish func(l *loop)
}

// loop writes the code of one vectorFunc. DX is the byte offset, AX the constant table; for NEON see there.
type loop struct {
	*file
	ptr    map[string]string // parameter to register
	unroll int
	part   int  // of the registers of a turn
	masked bool // in the rest

	*renamed // NEON only
}

// pointer is the register of the i-th pointer parameter.
func (f *file) pointer(i int) string {
	if f.isa == neon {
		return fmt.Sprintf("R%d", i)
	}
	return [...]string{"DI", "SI", "R8", "R9", "R10", "R11", "R12", "R13"}[i]
}

func vecs(names ...string) []arg   { return args("[]float32", names) }
func floats(names ...string) []arg { return args("float32", names) }

// element is the type that a pointer parameter of the assembly has for a parameter of the table, and whether it has one.
func (a arg) element() (kind string, pointer bool) {
	if s, ok := strings.CutPrefix(a.kind, "[]"); ok {
		return "*" + s, true
	}
	if a.kind == "adamwRates" {
		return "*" + a.kind, true
	}
	return a.kind, false
}

// vector writes a function, its declaration and its entry in the table.
func (f *file) vector(v vectorFunc) {
	var params []arg
	for _, a := range v.params {
		kind, _ := a.element()
		params = append(params, arg{a.name, kind})
	}
	f.floating(v.name+f.name, v.doc, v.results, params, ints("n"))
	f.entry(v)
	l := &loop{file: f, ptr: map[string]string{}, unroll: max(1, v.unroll)}
	for _, a := range v.params {
		if _, pointer := a.element(); pointer {
			reg := f.pointer(len(l.ptr))
			l.ptr[a.name] = reg
			f.load(a.name, reg)
		}
	}
	if f.isa == neon {
		l.vectorNEON(v)
		return
	}
	f.load("n", "CX")
	f.p("LEAQ constants<>(SB), AX")
	f.p("MOVQ CX, BX")
	f.p("ANDQ $%d, BX", f.lanes-1)
	f.p("XORQ DX, DX")
	if v.setup != nil {
		v.setup(l)
	}
	f.p("SHRQ $%d, CX", bits.Len(uint(f.lanes))-1)
	if l.unroll > 1 {
		f.p("MOVQ CX, R13")
		f.p("SHRQ $%d, R13", bits.Len(uint(l.unroll))-1)
		f.p("JZ single")
		l.turns("turn", "R13", v.body, l.unroll)
		f.label("single")
		f.p("ANDQ $%d, CX", l.unroll-1)
	}
	f.p("JZ rest")
	l.turns("loop", "CX", v.body, 1)
	f.label("rest")
	f.p("TESTQ BX, BX")
	f.p("JZ done")
	l.setMask()
	l.masked = true
	v.body(l)
	f.label("done")
	if v.finish != nil {
		v.finish(l)
	}
	f.ret()
}

func (l *loop) turns(label, counter string, body func(l *loop), parts int) {
	l.p("PCALIGN $32")
	l.label(label)
	for l.part = range parts {
		body(l)
	}
	l.part = 0
	l.p("ADDQ $%d, DX", parts*l.bytes())
	l.p("DECQ %s", counter)
	l.p("JNZ %s", label)
}

// setMask makes the mask of the last BX values.
func (l *loop) setMask() {
	l.comment("mask of the last n%%%d values", l.lanes)
	if l.isa == avx512 {
		l.p("MOVQ BX, CX")
		l.p("MOVL $1, BX")
		l.p("SHLL CX, BX")
		l.p("DECL BX")
		l.p("KMOVW BX, K1")
		return
	}
	l.p("LEAQ restMasks<>+%d(SB), CX", l.bytes())
	l.p("SHLQ $2, BX")
	l.p("SUBQ BX, CX")
	l.op("VMOVUPS", "(CX)", restMask)
}

// entry writes the function's entry in the table. first checks the length of an operand.
func (f *file) entry(v vectorFunc) {
	var sig, call []string
	like := v.params[0].name
	for _, a := range v.params {
		sig = append(sig, a.name+" "+a.kind)
		switch _, pointer := a.element(); {
		case a.kind == "adamwRates":
			call = append(call, "&"+a.name)
		case pointer:
			call = append(call, fmt.Sprintf("first(%s, %s)", like, a.name))
		default:
			call = append(call, a.name)
		}
	}
	results, ret := "", ""
	if v.results != nil {
		results, ret = " ("+strings.Join(v.results, ", ")+")", "return "
	}
	fmt.Fprintf(&f.entries, "%s: func(%s)%s {\n%s%s%s(%s, int64(len(%s)))\n},\n", v.name, strings.Join(sig, ", "), results, ret, v.name, f.name,
		strings.Join(call, ", "), like)
}

// number is a float32 constant as an operand, pattern one that is no number.
type (
	number  float32
	pattern uint32
)

// bitsOf are the bits of a constant.
func bitsOf(constant any) uint32 {
	if n, ok := constant.(number); ok {
		return math.Float32bits(float32(n))
	}
	return uint32(constant.(pattern))
}

// op writes an instruction. Operands are numbers of registers, constants, and text.
func (l *loop) op(name string, operands ...any) {
	if l.isa == neon {
		l.opNEON(name, operands...)
		return
	}
	var text []string
	for _, o := range operands {
		switch o := o.(type) {
		case int:
			text = append(text, fmt.Sprintf("%s%d", l.reg, o))
		case number, pattern:
			text = append(text, l.constant(bitsOf(o)))
			if l.isa == avx512 {
				name += ".BCST"
			}
		default:
			text = append(text, o.(string))
		}
	}
	l.p("%s %s", name, strings.Join(text, ", "))
}

// constantBytes is the size of a row of the constant table: AVX-512 broadcasts operands from memory, the others read whole registers.
func (f *file) constantBytes() int {
	if f.isa == avx512 {
		return 4
	}
	return f.bytes()
}

// constant is the address of a constant.
func (f *file) constant(bits uint32) string {
	i, ok := f.constantRow[bits]
	if !ok {
		i = len(f.constants)
		f.constantRow[bits] = i
		f.constants = append(f.constants, bits)
	}
	table := "AX"
	if f.isa == neon {
		table = "R8"
	}
	return fmt.Sprintf("%d(%s)", f.constantBytes()*i, table)
}

// at is the address of the current values of an operand whose elements have the size of float32, some bytes on.
func (l *loop) at(operand string, offset int) string {
	offset += l.part * l.bytes()
	if l.isa == neon {
		return fmt.Sprintf("%d(%s)", offset, l.ptr[operand])
	}
	if offset == 0 {
		return fmt.Sprintf("(%s)(DX*1)", l.ptr[operand])
	}
	return fmt.Sprintf("%d(%s)(DX*1)", offset, l.ptr[operand])
}

// get loads values of an operand; those after its end are zero.
func (l *loop) get(operand string, r int) {
	switch {
	case l.isa == neon:
		l.getNEON(l.at(operand, 0), "Q", r)
	case !l.masked:
		l.op("VMOVUPS", l.at(operand, 0), r)
	case l.isa == avx512:
		l.op("VMOVUPS.Z", l.at(operand, 0), "K1", r)
	default:
		l.op("VMASKMOVPS", l.at(operand, 0), restMask, r)
	}
}

// put stores values of an operand.
func (l *loop) put(r int, operand string) {
	switch {
	case l.isa == neon:
		l.putNEON(r, "Q", l.at(operand, 0))
	case !l.masked:
		l.op("VMOVUPS", r, l.at(operand, 0))
	case l.isa == avx512:
		l.op("VMOVUPS", r, "K1", l.at(operand, 0))
	default:
		l.op("VMASKMOVPS", r, restMask, l.at(operand, 0))
	}
}

// accumulate writes an instruction with two operands whose destination keeps its values after the end.
func (l *loop) accumulate(op string, a, b, dst int) {
	switch {
	case !l.masked:
		l.op(op, a, b, dst)
	case l.isa == avx512:
		l.op(op, a, b, "K1", dst)
	default:
		l.op("VMOVAPS", dst, scratch)
		l.op(op, a, b, scratch)
		if l.isa == neon {
			l.lane0NEON("S", scratch, dst)
			return
		}
		l.op("VBLENDVPS", restMask, scratch, dst, dst)
	}
}

// scalar broadcasts a parameter.
func (l *loop) scalar(name string, r int) { l.op("VBROADCASTSS", l.args[name], r) }

func (l *loop) zero(rs ...int) {
	for _, r := range rs {
		if l.isa == neon {
			l.zeroNEON(l.write(r))
			continue
		}
		l.op("VXORPS", r, r, r)
	}
}

// set broadcasts a constant.
func (l *loop) set(v float32, r int) {
	if l.isa == neon {
		l.fill(math.Float32bits(v), l.write(r))
		return
	}
	l.op("VBROADCASTSS", l.constant(math.Float32bits(v)), r)
}

// horizontal reduces a register with op; the result is its lowest value.
func (l *loop) horizontal(op string, r int) {
	l.fold(op, r)
	l.p("VPERMILPS $0x4e, X%d, X%d", r, scratch)
	l.p("%s X%d, X%d, X%d", op, scratch, r, r)
	l.p("VPERMILPS $0xb1, X%d, X%d", r, scratch)
	l.p("%s X%d, X%d, X%d", op, scratch, r, r)
}

// fold reduces a register with op to 16 bytes.
func (l *loop) fold(op string, r int) {
	if l.isa == avx512 {
		l.p("VEXTRACTF64X4 $1, Z%d, Y%d", r, scratch)
		l.p("%s Y%d, Y%d, Y%d", op, scratch, r, r)
	}
	l.p("VEXTRACTF128 $1, Y%d, X%d", r, scratch)
	l.p("%s X%d, X%d, X%d", op, scratch, r, r)
}

// join reduces registers r, r+1, … with op to r: as many as a turn has, pairs first.
func (l *loop) join(op string, r, count int) {
	for step := 1; step < count; step *= 2 {
		for i := 0; i < count; i += 2 * step {
			l.op(op, r+i+step, r+i, r+i)
		}
	}
}

// result stores the reduction of a register with op.
func (l *loop) result(op string, r int, name string) {
	if l.isa == neon {
		l.horizontalNEON(op, r)
		l.p("FMOVS F%d, %s", l.read(r), l.args[name])
		return
	}
	l.horizontal(op, r)
	l.p("VMOVSS X%d, %s", r, l.args[name])
}
