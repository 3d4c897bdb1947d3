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

func vectorsAVX512(f *file) {
	arithmeticAVX512(f)
	reductionsAVX512(f)
	activationsAVX512(f)
	normsAVX512(f)
	noiseAVX512(f)
	adamwAVX512(f)
}

func arithmeticAVX512(f *file) {
	f.vectorLoop("addAVX512", "is y += x.", nil, []string{"y", "x"}, nil, nil, func(l *loop) {
		l.get("y", 0)
		l.get("x", 1)
		l.p("VADDPS Z1, Z0, Z0")
		l.put(0, "y")
	}, nil)
	f.vectorLoop("axpy64AVX512", "is y += factor·x in float64.", nil, []string{"y64", "x"}, []arg{{"factor", "float64"}}, func(l *loop) {
		l.p("VBROADCASTSD %s, Z20", l.args["factor"])
	}, func(l *loop) {
		l.get("x", 1)
		l.p("VEXTRACTF64X4 $1, Z1, Y2")
		l.p("VCVTPS2PD Y1, Z1")
		l.p("VCVTPS2PD Y2, Z2")
		if l.masked {
			l.p("KSHIFTRW $8, K1, K2")
			l.p("VMOVUPD.Z (%s)(DX*2), K1, Z3", l.ptr["y64"])
			l.p("VMOVUPD.Z 64(%s)(DX*2), K2, Z4", l.ptr["y64"])
		} else {
			l.p("VMOVUPD (%s)(DX*2), Z3", l.ptr["y64"])
			l.p("VMOVUPD 64(%s)(DX*2), Z4", l.ptr["y64"])
		}
		l.p("VFMADD231PD Z1, Z20, Z3")
		l.p("VFMADD231PD Z2, Z20, Z4")
		if l.masked {
			l.p("VMOVUPD Z3, K1, (%s)(DX*2)", l.ptr["y64"])
			l.p("VMOVUPD Z4, K2, 64(%s)(DX*2)", l.ptr["y64"])
		} else {
			l.p("VMOVUPD Z3, (%s)(DX*2)", l.ptr["y64"])
			l.p("VMOVUPD Z4, 64(%s)(DX*2)", l.ptr["y64"])
		}
	}, nil)
	f.vectorLoop("scaleAVX512", "is y = factor·x.", nil, []string{"y", "x"}, floats("factor"), func(l *loop) { l.scalar("factor", 20) }, func(l *loop) {
		l.get("x", 0)
		l.p("VMULPS Z20, Z0, Z0")
		l.put(0, "y")
	}, nil)
	f.vectorLoop("affineAVX512", "is y = (x-mean)·scale + offset, all vectors.", nil, []string{"y", "x", "mean", "scale", "offset"}, nil, nil, func(l *loop) {
		l.get("x", 0)
		l.get("mean", 1)
		l.get("scale", 2)
		l.get("offset", 3)
		l.p("VSUBPS Z1, Z0, Z0")
		l.p("VFMADD213PS Z3, Z2, Z0")
		l.put(0, "y")
	}, nil)
	f.vectorLoop("affineGradAVX512", "is dx = (dy·gamma - p - (x-mean)·q)·r, all vectors.", nil,
		[]string{"dx", "dy", "x", "mean", "gamma", "p", "q", "r"}, nil, nil, func(l *loop) {
			l.get("dy", 0)
			l.get("gamma", 1)
			l.get("x", 2)
			l.get("mean", 3)
			l.get("p", 4)
			l.get("q", 5)
			l.get("r", 6)
			l.p("VMULPS Z1, Z0, Z0")
			l.p("VSUBPS Z3, Z2, Z2")
			l.p("VSUBPS Z4, Z0, Z0")
			l.p("VFNMADD231PS Z5, Z2, Z0")
			l.p("VMULPS Z6, Z0, Z0")
			l.put(0, "dx")
		}, nil)
	f.vectorLoop("addDeviationAVX512", "is acc += (x-mean)², all vectors.", nil, []string{"acc", "x", "mean"}, nil, nil, func(l *loop) {
		l.get("acc", 0)
		l.get("x", 1)
		l.get("mean", 2)
		l.p("VSUBPS Z2, Z1, Z1")
		l.p("VFMADD231PS Z1, Z1, Z0")
		l.put(0, "acc")
	}, nil)
	f.vectorLoop("addCenteredAVX512", "is acc += dy·(x-mean), all vectors.", nil, []string{"acc", "dy", "x", "mean"}, nil, nil, func(l *loop) {
		l.get("acc", 0)
		l.get("dy", 1)
		l.get("x", 2)
		l.get("mean", 3)
		l.p("VSUBPS Z3, Z2, Z2")
		l.p("VFMADD231PS Z2, Z1, Z0")
		l.put(0, "acc")
	}, nil)
	f.vectorLoop("scoreGradAVX512", "is dp = p·(dp-delta)·scale.", nil, []string{"dp", "p"}, floats("delta", "scale"), func(l *loop) {
		l.scalar("delta", 20)
		l.scalar("scale", 21)
	}, func(l *loop) {
		l.get("dp", 0)
		l.get("p", 1)
		l.p("VSUBPS Z20, Z0, Z0")
		l.p("VMULPS Z1, Z0, Z0")
		l.p("VMULPS Z21, Z0, Z0")
		l.put(0, "dp")
	}, nil)
}

func reductionsAVX512(f *file) {
	clear := func(l *loop) { l.zero(20) }
	total := func(l *loop) { l.sums(20) }
	f.vectorLoop("sumAVX512", "is Σ x.", []string{"float32"}, []string{"x"}, nil, clear, func(l *loop) {
		l.get("x", 0)
		l.p("VADDPS Z0, Z20, Z20")
	}, total)
	f.vectorLoop("dotAVX512", "is Σ x·y.", []string{"float32"}, []string{"x", "y"}, nil, clear, func(l *loop) {
		l.get("x", 0)
		l.get("y", 1)
		l.p("VFMADD231PS Z0, Z1, Z20")
	}, total)
	f.vectorLoop("dot64AVX512", "is Σ x·y in float64.", []string{"float64"}, []string{"x", "y"}, nil, func(l *loop) { l.zero(20, 21) }, func(l *loop) {
		l.get("x", 0)
		l.get("y", 1)
		l.p("VEXTRACTF64X4 $1, Z0, Y2")
		l.p("VEXTRACTF64X4 $1, Z1, Y3")
		for z := range 4 {
			l.p("VCVTPS2PD Y%d, Z%d", z, z)
		}
		l.p("VFMADD231PD Z0, Z1, Z20")
		l.p("VFMADD231PD Z2, Z3, Z21")
	}, func(l *loop) {
		l.p("VADDPD Z21, Z20, Z20")
		for _, shuffle := range []string{"VSHUFF64X2 $0x4e, Z20, Z20, Z31", "VSHUFF64X2 $0xb1, Z20, Z20, Z31", "VPERMILPD $0x55, Z20, Z31"} {
			l.p(shuffle)
			l.p("VADDPD Z31, Z20, Z20")
		}
		l.p("VMOVSD X20, %s", l.args["r0"])
	})
	f.vectorLoop("deviationAVX512", "is Σ (x-mean)².", []string{"float32"}, []string{"x"}, floats("mean"), func(l *loop) {
		l.zero(20)
		l.scalar("mean", 21)
	}, func(l *loop) {
		l.get("x", 0)
		l.p("VSUBPS Z21, Z0, Z0")
		l.accumulate("VFMADD231PS", "Z0, Z0", 20)
	}, total)
	f.vectorLoop("maxAVX512", "is the largest x, -Inf for none.", []string{"float32"}, []string{"x"}, nil, func(l *loop) { l.set(float32(math.Inf(-1)), 20) }, func(l *loop) {
		l.get("x", 0)
		l.accumulate("VMAXPS", "Z0, Z20", 20)
	}, func(l *loop) {
		l.horizontal("VMAXPS", 20, 31)
		l.p("VMOVSS X20, %s", l.args["r0"])
	})
	f.vectorLoop("expSumAVX512", "is y = exp(scale·x - shift); it returns Σ y.", []string{"float32"}, []string{"y", "x"}, floats("scale", "shift"), func(l *loop) {
		l.zero(20)
		l.scalar("scale", 21)
		l.scalar("shift", 22)
		l.expLimits()
	}, func(l *loop) {
		l.get("x", 0)
		l.p("VFMSUB213PS Z22, Z21, Z0")
		l.exp(0, 1, 2, 3)
		l.accumulate("VADDPS", "Z3, Z20", 20)
		l.put(3, "y")
	}, total)
}

func activationsAVX512(f *file) {
	f.vectorLoop("geluAVX512", "is y = x·Φ(x).", nil, []string{"y", "x"}, nil, nil, func(l *loop) {
		l.get("x", 0)
		l.cdf(0, 3)
		l.p("VMULPS Z0, Z3, Z3")
		l.put(3, "y")
	}, nil)
	f.vectorLoop("geluGradAVX512", "is dx = dy·(Φ(x) + x·φ(x)).", nil, []string{"dx", "dy", "x"}, nil, (*loop).expLimits, func(l *loop) {
		l.get("x", 0)
		l.cdf(0, 3)
		l.p("VMULPS.BCST %s, Z0, Z6", l.constant(-0.5))
		l.p("VMULPS Z0, Z6, Z6")
		l.exp(6, 7, 8, 9)
		l.p("VMULPS.BCST %s, Z0, Z10", l.constant(0.3989422804014327))
		l.p("VFMADD231PS Z10, Z9, Z3")
		l.get("dy", 0)
		l.p("VMULPS Z0, Z3, Z3")
		l.put(3, "dx")
	}, nil)
}

func normsAVX512(f *file) {
	stats := func(l *loop) {
		l.scalar("mean", 20)
		l.scalar("rstd", 21)
	}
	xhat := func(l *loop, z int) {
		l.get("x", z)
		l.p("VSUBPS Z20, Z%d, Z%d", z, z)
		l.p("VMULPS Z21, Z%d, Z%d", z, z)
	}
	f.vectorLoop("normalizeAVX512", "is y = (x-mean)·rstd·gamma + beta.", nil, []string{"y", "x", "gamma", "beta"}, floats("mean", "rstd"), stats, func(l *loop) {
		xhat(l, 0)
		l.get("gamma", 1)
		l.get("beta", 2)
		l.p("VFMADD213PS Z2, Z1, Z0")
		l.put(0, "y")
	}, nil)
	f.vectorLoop("normalizeSumsAVX512", "adds dy·x̂ to dgamma and dy to dbeta; it returns Σ dy·gamma and Σ dy·gamma·x̂.", []string{"float32", "float32"},
		[]string{"dgamma", "dbeta", "dy", "x", "gamma"}, floats("mean", "rstd"), func(l *loop) {
			stats(l)
			l.zero(22, 23)
		}, func(l *loop) {
			xhat(l, 0)
			l.get("dy", 1)
			l.get("dgamma", 2)
			l.get("dbeta", 3)
			l.get("gamma", 4)
			l.p("VFMADD231PS Z0, Z1, Z2")
			l.put(2, "dgamma")
			l.p("VADDPS Z1, Z3, Z3")
			l.put(3, "dbeta")
			l.p("VMULPS Z4, Z1, Z1")
			l.p("VADDPS Z1, Z22, Z22")
			l.accumulate("VFMADD231PS", "Z0, Z1", 23)
		}, func(l *loop) { l.sums(22, 23) })
	f.vectorLoop("normalizeGradAVX512", "is dx = rstd·(dy·gamma - m1 - x̂·m2).", nil, []string{"dx", "dy", "x", "gamma"}, floats("mean", "rstd", "m1", "m2"), func(l *loop) {
		stats(l)
		l.scalar("m1", 22)
		l.scalar("m2", 23)
	}, func(l *loop) {
		xhat(l, 0)
		l.get("dy", 1)
		l.get("gamma", 2)
		l.p("VMULPS Z2, Z1, Z1")
		l.p("VSUBPS Z22, Z1, Z1")
		l.p("VFNMADD231PS Z23, Z0, Z1")
		l.p("VMULPS Z21, Z1, Z1")
		l.put(1, "dx")
	}, nil)
}

func adamwAVX512(f *file) {
	rates := []string{"scale", "beta1", "comp1", "beta2", "comp2", "decay", "rate", "root", "eps"}
	f.vectorLoop("adamwAVX512", "is one update of n parameters; r points to adamwRates.", nil,
		[]string{"w", "m", "v", "w0", "grad", "m0", "v0", "r"}, nil, func(l *loop) {
			for i := range rates {
				l.p("VBROADCASTSS %d(%s), Z%d", 4*i, l.ptr["r"], 20+i)
			}
		}, func(l *loop) {
			l.get("grad", 0)
			l.p("VMULPS Z20, Z0, Z0")
			l.get("m0", 1)
			l.p("VMULPS Z21, Z1, Z1")
			l.p("VFMADD231PS Z0, Z22, Z1")
			l.put(1, "m")
			l.p("VMULPS Z0, Z0, Z0")
			l.get("v0", 2)
			l.p("VMULPS Z23, Z2, Z2")
			l.p("VFMADD231PS Z0, Z24, Z2")
			l.put(2, "v")
			l.comment("w - decay·w - rate·m/(√v·root + eps)")
			l.p("VSQRTPS Z2, Z2")
			l.p("VFMADD213PS Z28, Z27, Z2")
			l.p("VMULPS Z26, Z1, Z1")
			l.p("VDIVPS Z2, Z1, Z1")
			l.get("w0", 3)
			l.p("VMOVAPS Z3, Z4")
			l.p("VFNMADD231PS Z25, Z3, Z4")
			l.p("VSUBPS Z1, Z4, Z4")
			l.put(4, "w")
		}, nil)
}
