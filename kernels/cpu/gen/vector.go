package main

import (
	"fmt"
	"math"
	"strconv"
)

// loop is a function over n values: whole registers of 16 values, then the rest under mask K1. DX is the byte offset, AX the constant table.
type loop struct {
	*file
	ptr    map[string]string // parameter to register
	masked bool
}

var pointerRegs = []string{"DI", "SI", "R8", "R9", "R10", "R11", "R12", "R13"}

// vectorLoop writes a function with pointers, the number of values n, and scalars. setup comes before the loop, body is written once for
// whole registers and once for the rest, finish comes after.
func (f *file) vectorLoop(name, doc string, result, pointers []string, scalars []arg, setup func(l *loop), body func(l *loop), finish func(l *loop)) {
	f.function(name, doc, result, ptrs(pointers...), ints("n"), scalars)
	l := &loop{file: f, ptr: map[string]string{}}
	for i, p := range pointers {
		l.ptr[p] = pointerRegs[i]
		f.load(p, pointerRegs[i])
	}
	f.load("n", "CX")
	f.p("LEAQ constants<>(SB), AX")
	f.p("MOVQ CX, BX")
	f.p("ANDQ $15, BX")
	f.p("XORQ DX, DX")
	if setup != nil {
		setup(l)
	}
	f.p("SHRQ $4, CX")
	f.p("JZ rest")
	f.p("PCALIGN $32")
	f.label("loop")
	body(l)
	f.p("ADDQ $64, DX")
	f.p("DECQ CX")
	f.p("JNZ loop")
	f.label("rest")
	f.p("TESTQ BX, BX")
	f.p("JZ done")
	f.comment("mask of the last n%%16 values")
	f.p("MOVQ BX, CX")
	f.p("MOVL $1, BX")
	f.p("SHLL CX, BX")
	f.p("DECL BX")
	f.p("KMOVW BX, K1")
	l.masked = true
	body(l)
	f.label("done")
	if finish != nil {
		finish(l)
	}
	f.ret()
}

// get loads values of an operand; masked lanes are zero.
func (l *loop) get(operand string, z int) {
	if l.masked {
		l.p("VMOVUPS.Z (%s)(DX*1), K1, Z%d", l.ptr[operand], z)
	} else {
		l.p("VMOVUPS (%s)(DX*1), Z%d", l.ptr[operand], z)
	}
}

// put stores values of an operand.
func (l *loop) put(z int, operand string) {
	if l.masked {
		l.p("VMOVUPS Z%d, K1, (%s)(DX*1)", z, l.ptr[operand])
	} else {
		l.p("VMOVUPS Z%d, (%s)(DX*1)", z, l.ptr[operand])
	}
}

// accumulate writes an instruction whose destination keeps its value in masked lanes: op operands…, destination.
func (l *loop) accumulate(op string, operands string, dst int) {
	if l.masked {
		l.p("%s %s, K1, Z%d", op, operands, dst)
	} else {
		l.p("%s %s, Z%d", op, operands, dst)
	}
}

// scalar broadcasts a parameter.
func (l *loop) scalar(name string, z int) { l.p("VBROADCASTSS %s, Z%d", l.args[name], z) }

func (l *loop) zero(z ...int) {
	for _, r := range z {
		l.p("VXORPS Z%[1]d, Z%[1]d, Z%[1]d", r)
	}
}

// constant is the address of a float32 constant.
func (f *file) constant(v float32) string {
	i, ok := f.floatConsts[v]
	if !ok {
		i = len(f.constants)
		f.floatConsts[v] = i
		f.constants = append(f.constants, constant{math.Float32bits(v), strconv.FormatFloat(float64(v), 'g', -1, 32)})
	}
	return fmt.Sprintf("%d(AX)", 4*i)
}

// bits is the address of a constant that is no number.
func (f *file) bits(v uint32) string { return f.constant(math.Float32frombits(v)) }

// set broadcasts a constant.
func (l *loop) set(v float32, z int) { l.p("VBROADCASTSS %s, Z%d", l.constant(v), z) }

// horizontal reduces a register with op; all lanes get the result.
func (l *loop) horizontal(op string, z, t int) {
	for _, shuffle := range []string{"VSHUFF32X4 $0x4e, Z%[1]d, Z%[1]d, Z%[2]d", "VSHUFF32X4 $0xb1, Z%[1]d, Z%[1]d, Z%[2]d",
		"VPERMILPS $0x4e, Z%[1]d, Z%[2]d", "VPERMILPS $0xb1, Z%[1]d, Z%[2]d"} {
		l.p(shuffle, z, t)
		l.p("%s Z%d, Z%d, Z%d", op, t, z, z)
	}
}

// sums stores the sum of the lanes of registers as results r0, r1, …
func (l *loop) sums(z ...int) {
	for i, r := range z {
		l.horizontal("VADDPS", r, 31)
		l.p("VMOVSS X%d, %s", r, l.args[fmt.Sprintf("r%d", i)])
	}
}

// exp computes e^x in Z p from Z x, which it changes, with Z t and Z n. Cephes expf: x = n·ln 2 + r, a polynomial in r, times 2^n. expLimits must have run.
// The limits are the first operand of max and min so that NaN gets through.
func (l *loop) exp(x, t, n, p int) {
	l.p("VMAXPS Z%d, Z30, Z%d", x, x)
	l.p("VMINPS Z%d, Z29, Z%d", x, x)
	l.p("VMULPS.BCST %s, Z%d, Z%d", l.constant(math.Log2E), x, t)
	l.p("VRNDSCALEPS $8, Z%d, Z%d", t, n)
	l.p("VFNMADD231PS.BCST %s, Z%d, Z%d", l.constant(0.693359375), n, x)
	l.p("VFNMADD231PS.BCST %s, Z%d, Z%d", l.constant(-2.12194440e-4), n, x)
	l.set(1.9875691500e-4, p)
	for _, c := range []float32{1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1, 1, 1} {
		l.p("VFMADD213PS.BCST %s, Z%d, Z%d", l.constant(c), x, p)
	}
	l.p("VSCALEFPS Z%d, Z%d, Z%d", n, p, p)
}

// expLimits sets where exp is 0 and where it is infinite.
func (l *loop) expLimits() {
	l.set(-104, 30)
	l.set(89, 29)
}

// erf computes erf(x) in Z p from Z x, which it changes, with Z s, q and t: the rational function of erf32, exactly ±1 from |x| = 4 on.
func (l *loop) erf(x, s, p, q, t int) {
	l.p("VANDPS.BCST %s, Z%d, Z%d", l.bits(0x7fffffff), x, t)
	l.p("VCMPPS.BCST $13, %s, Z%d, K2", l.constant(4), t)
	l.p("VMAXPS.BCST %s, Z%d, Z%d", l.constant(-4), x, x)
	l.p("VMINPS.BCST %s, Z%d, Z%d", l.constant(4), x, x)
	l.p("VMULPS Z%d, Z%d, Z%d", x, x, s)
	l.set(-2.72614225801306e-10, p)
	for _, c := range []float32{2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05, -7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02} {
		l.p("VFMADD213PS.BCST %s, Z%d, Z%d", l.constant(c), s, p)
	}
	l.set(-1.45660718464996e-05, q)
	for _, c := range []float32{-2.13374055278905e-04, -1.68282697438203e-03, -7.37332916720468e-03, -1.42647390514189e-02} {
		l.p("VFMADD213PS.BCST %s, Z%d, Z%d", l.constant(c), s, q)
	}
	l.p("VMULPS Z%d, Z%d, Z%d", x, p, p)
	l.comment("p/q: an estimate of 1/q to 14 bits, one step of Newton")
	l.p("VRCP14PS Z%d, Z%d", q, t)
	l.p("VFNMADD213PS.BCST %s, Z%d, Z%d", l.constant(2), t, q)
	l.p("VMULPS Z%d, Z%d, Z%d", q, t, t)
	l.p("VMULPS Z%d, Z%d, Z%d", t, p, p)
	l.comment("±1")
	l.p("VANDPS.BCST %s, Z%d, Z%d", l.bits(0x80000000), x, t)
	l.p("VORPS.BCST %s, Z%d, K2, Z%d", l.constant(1), t, p)
}

// cdf computes Φ(x) = (1+erf(x/√2))/2 in Z p from Z x, which it keeps, with Z 1, 2, 4 and 5.
func (l *loop) cdf(x, p int) {
	l.p("VMULPS.BCST %s, Z%d, Z1", l.constant(math.Sqrt2/2), x)
	l.erf(1, 2, p, 4, 5)
	l.set(0.5, 4)
	l.p("VFMADD213PS Z4, Z4, Z%d", p)
}
