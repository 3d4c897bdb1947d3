package main

import (
	"bytes"
	"fmt"
	"math/bits"
	"strings"
)

// The descriptions of vector functions name operations as AVX2 does. Here they become instructions of NEON, whose 32 registers of 16 bytes change a
// few things:
//
// Registers 0 to 15 of a description are V0 to V15 at first. A multiply-add of NEON adds to its destination only, so that r = x·r + c makes a new
// register with c in it, which takes the place of r. The two spare registers V30 and V31 go round in this way.
//
// Constants that an instruction multiplies with or compares to lie in V16 to V29 for the whole loop. Those that begin a multiply-add are loaded where
// they are needed, which costs no more than a copy.
//
// There are no masks. The rest of fewer than four values is treated value by value, each in lane 0 with zeros after it.
//
// General registers: R0 to R7 operands, R8 constants, R9 and R10 counters, R11 values of the rest, R12 a table, R19 the caller's control register.
const (
	firstConstant = 16
	firstSpare    = 30
)

// renamed says where the registers of a description are.
type renamed struct {
	where   [16]int
	spare   [2]int
	carried [16]bool // set before the loop: must stay where it is
	setup   bool
	hoists  map[uint32]int // registers of constants
	order   []uint32       // the same, in the order of their registers
	used    bool           // the table of constants
}

func newRenamed() *renamed {
	r := &renamed{spare: [2]int{firstSpare, firstSpare + 1}, hoists: map[uint32]int{}}
	for i := range r.where {
		r.where[i] = i
	}
	return r
}

// vectorNEON is the loop of a vectorFunc.
func (l *loop) vectorNEON(v vectorFunc) {
	l.load("n", "R9")
	l.preamble(func() {
		if v.setup != nil {
			v.setup(l)
		}
		l.setup = false
		var advance []step
		for _, a := range v.params {
			if kind, ok := strings.CutPrefix(a.kind, "[]"); ok {
				size := 4
				if kind == "float64" {
					size = 8
				}
				advance = append(advance, step{l.ptr[a.name], size})
			}
		}
		l.p("AND $%d, R9, R11", l.lanes-1)
		l.p("LSR $%d, R9, R9", bits.Len(uint(l.lanes))-1)
		if l.unroll > 1 {
			l.p("LSR $%d, R9, R10", bits.Len(uint(l.unroll))-1)
			l.p("CBZ R10, single")
			l.turnsNEON("turn", "R10", v.body, l.unroll, advance)
			l.label("single")
			l.p("AND $%d, R9, R9", l.unroll-1)
		}
		l.p("CBZ R9, rest")
		l.turnsNEON("loop", "R9", v.body, 1, advance)
		l.label("rest")
		l.p("CBZ R11, done")
		l.restNEON(v.body, advance)
		l.label("done")
		if v.finish != nil {
			v.finish(l)
		}
	})
	l.ret()
}

// step is a pointer that goes through memory, and the size of a value there.
type step struct {
	reg  string
	size int
}

func (l *loop) turnsNEON(label, counter string, body func(l *loop), parts int, advance []step) {
	l.p("PCALIGN $16")
	l.label(label)
	for l.part = range parts {
		body(l)
	}
	l.part = 0
	l.again(label, counter, parts*l.lanes, advance)
}

// restNEON treats the last R11 values one by one.
func (l *loop) restNEON(body func(l *loop), advance []step) {
	l.label("one")
	l.masked = true
	body(l)
	l.masked = false
	l.again("one", "R11", 1, advance)
}

func (l *loop) again(label, counter string, values int, advance []step) {
	for _, a := range advance {
		l.p("ADD $%d, %s", values*a.size, a.reg)
	}
	l.p("SUB $1, %s", counter)
	l.p("CBNZ %s, %s", counter, label)
}

// preamble writes code that may use constants, and before it the loads of those that it turns out to use.
func (l *loop) preamble(code func()) {
	l.renamed = newRenamed()
	l.setup = true
	outer := l.file.asm
	l.file.asm = bytes.Buffer{}
	code()
	inner := l.file.asm
	l.file.asm = outer
	if l.used {
		l.p("MOVD $constants<>(SB), R8")
	}
	for i, c := range l.order {
		l.p("FMOVQ %s, F%d", l.constant(c), firstConstant+i)
	}
	l.file.asm.Write(inner.Bytes())
}

// hoisted is the register of a constant that stays in one.
func (l *loop) hoisted(c uint32) int {
	r, ok := l.hoists[c]
	if !ok {
		if r = firstConstant + len(l.order); r >= firstSpare {
			panic("gen: too many constants in a loop")
		}
		l.hoists[c], l.used = r, true
		l.order = append(l.order, c)
	}
	return r
}

// read is the place of a register that is read.
func (r *renamed) read(n int) int { return r.where[n] }

// write is the place of a register that is written.
func (r *renamed) write(n int) int {
	if r.setup {
		r.carried[n] = true
	}
	return r.where[n]
}

// replace gives register n the place of the first spare one, which holds its new value.
func (l *loop) replace(n int) {
	if l.carried[n] || l.setup {
		l.move(l.spare[0], l.write(n))
		return
	}
	l.where[n], l.spare[0], l.spare[1] = l.spare[0], l.spare[1], l.where[n]
}

func (f *file) move(from, to int) { f.p("VMOV V%d.B16, V%d.B16", from, to) }

// native are operations that Go's assembler knows, with their lanes.
var native = map[string]struct{ name, lanes string }{
	"VFMADD231PS": {"VFMLA", "S4"}, "VFNMADD231PS": {"VFMLS", "S4"}, "VFMADD231PD": {"VFMLA", "D2"}, "VFNMADD231PD": {"VFMLS", "D2"},
	"VANDPS": {"VAND", "B16"}, "VORPS": {"VORR", "B16"}, "VXORPS": {"VEOR", "B16"}, "VPAND": {"VAND", "B16"},
	"VPADDD": {"VADD", "S4"}, "VPSUBD": {"VSUB", "S4"}, "VPMAXUD": {"VUMAX", "S4"}, "VPCMPEQD": {"VCMEQ", "S4"},
	"VPSLLD": {"VSHL", "S4"}, "VPSRLD": {"VUSHR", "S4"}, "VPSLLQ": {"VSHL", "D2"},
}

// encoded are operations that it does not know.
var encoded = map[string]struct {
	name string
	shape
}{
	"VADDPS": {"fadd", s4}, "VSUBPS": {"fsub", s4}, "VMULPS": {"fmul", s4}, "VDIVPS": {"fdiv", s4}, "VMAXPS": {"fmax", s4}, "VMINPS": {"fmin", s4},
	"VADDPD": {"fadd", d2}, "VSUBPD": {"fsub", d2}, "VMULPD": {"fmul", d2}, "VMAXPD": {"fmax", d2}, "VMINPD": {"fmin", d2},
	"VSQRTPS": {"fsqrt", s4}, "VCVTDQ2PS": {"scvtf", s4},
}

// opNEON writes an operation. Unlike those of AVX2, the largest and smallest of a number and NaN are NaN whatever their order.
func (l *loop) opNEON(name string, operands ...any) {
	last := len(operands) - 1
	dst, ok := operands[last].(int)
	if !ok {
		panic("gen: " + name + " stores")
	}
	reg := func(i int) int {
		switch o := operands[i].(type) {
		case int:
			return l.read(o)
		case number, pattern:
			return l.hoisted(bitsOf(o))
		}
		panic(fmt.Sprintf("gen: operand %v of %s", operands[i], name))
	}
	if n, ok := native[name]; ok {
		from := fmt.Sprint(operands[0]) // a shift
		if _, text := operands[0].(string); !text {
			from = fmt.Sprintf("V%d.%s", reg(0), n.lanes)
		}
		source := reg(1)
		l.p("%s %s, V%d.%[4]s, V%[5]d.%[4]s", n.name, from, source, n.lanes, l.write(dst))
		return
	}
	if e, ok := encoded[name]; ok {
		if last == 1 {
			l.word(twoSame(e.name, e.shape, l.write(dst), reg(0)))
		} else {
			n, m := reg(1), reg(0)
			l.word(threeSame(e.name, e.shape, l.write(dst), n, m))
		}
		return
	}
	lanes, s := "S4", s4
	if strings.HasSuffix(name, "PD") {
		lanes, s = "D2", d2
	}
	switch name {
	case "VPSRAD":
		var by int
		if _, err := fmt.Sscanf(operands[0].(string), "$%d", &by); err != nil {
			panic(err)
		}
		l.word(sshr(l.write(dst), reg(1), by))
	case "VMOVAPS":
		l.move(reg(0), l.write(dst))
	case "VBROADCASTSS", "VBROADCASTSD":
		kind := name[len(name)-1:]
		to := l.write(dst)
		l.p("FMOV%s %s, F%d", kind, operands[0], to)
		l.p("VDUP V%d.%s[0], V%[1]d.%[3]s", to, kind, map[string]string{"S": "S4", "D": "D2"}[kind])
	case "VCMPPS": // $13: greater or equal
		n, m := reg(2), reg(1)
		l.word(threeSame("fcmge", s4, l.write(dst), n, m))
	case "VBLENDVPS":
		if operands[2] != operands[3] {
			panic("gen: a blend to another register")
		}
		l.p("VBIT V%d.B16, V%d.B16, V%d.B16", reg(0), reg(1), l.write(dst))
	case "VFMADD213PS", "VFMADD213PD", "VFMSUB213PS", "VFMSUB213PD", "VFMADD132PS":
		addend, factor := operands[0], reg(1)
		if name == "VFMADD132PS" {
			addend, factor = operands[1], reg(0)
		}
		to := l.spare[0]
		switch o := addend.(type) {
		case int:
			if strings.Contains(name, "SUB") {
				l.word(twoSame("fneg", s, to, l.read(o)))
			} else {
				l.move(l.read(o), to)
			}
		default:
			l.fill(bitsOf(o), to)
		}
		l.p("VFMLA V%d.%[2]s, V%[3]d.%[2]s, V%[4]d.%[2]s", factor, lanes, l.read(dst), to)
		l.replace(dst)
	default:
		panic("gen: NEON has no " + name)
	}
}

// fill loads a constant to all lanes.
func (l *loop) fill(c uint32, to int) {
	l.used = true
	l.p("FMOVQ %s, F%d", l.constant(c), to)
}

// getNEON and putNEON move values of an operand, in the rest a single one. Size is S, D or Q.
func (l *loop) getNEON(at, size string, r int) {
	if l.masked && size == "Q" {
		size = "S"
	}
	l.p("FMOV%s %s, F%d", size, at, l.write(r))
}

func (l *loop) putNEON(r int, size, at string) {
	if l.masked && size == "Q" {
		size = "S"
	}
	l.p("FMOV%s F%d, %s", size, l.read(r), at)
}

// get64NEON and put64NEON move float64 values, in the rest a single one, with zeros after it.
func (l *loop) get64NEON(operand string, lo, hi int) {
	at := l.at64(operand)
	if l.masked {
		l.getNEON(at[0], "D", lo)
		l.zero(hi)
		return
	}
	l.getNEON(at[0], "Q", lo)
	l.getNEON(at[1], "Q", hi)
}

func (l *loop) put64NEON(lo, hi int, operand string) {
	at := l.at64(operand)
	if l.masked {
		l.putNEON(lo, "D", at[0])
		return
	}
	l.putNEON(lo, "Q", at[0])
	l.putNEON(hi, "Q", at[1])
}

// getWideNEON loads float32 values as float64.
func (l *loop) getWideNEON(operand string, lo, hi int) {
	l.getNEON(l.at(operand, 0), "Q", lo)
	if l.masked {
		l.zero(hi)
	} else {
		l.word(fcvtl2(l.write(hi), l.read(lo)))
	}
	l.word(fcvtl(l.write(lo), l.read(lo)))
}

// lane0NEON copies the first value of a register, of size S or D.
func (l *loop) lane0NEON(size string, from, to int) {
	l.p("VMOV V%d.%s[0], V%d.%[2]s[0]", l.read(from), size, l.write(to))
}

// horizontalNEON reduces a register with an operation on pairs; the result is its lowest value.
func (l *loop) horizontalNEON(op string, r int) {
	pairs := map[string]string{"VADDPS": "faddp", "VMAXPS": "fmaxp"}[op]
	for range 2 {
		l.word(threeSame(pairs, s4, l.write(r), l.read(r), l.read(r)))
	}
}
