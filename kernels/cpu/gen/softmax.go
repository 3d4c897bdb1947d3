package main

import (
	"fmt"
	"math"
	"strconv"
)

// softmaxes writes the functions around softmaxes that need more than a float32 exponential: Gumbel noise, exponentials in float64.
func softmaxes(f *file) {
	f.vector(vectorFunc{name: "gumbel", doc: "is z = x - log(-log(u)), u = rng.Unit of the word.",
		params: []arg{{"z", "[]float32"}, {"x", "[]float32"}, {"words", "[]uint32"}},
		body: func(l *loop) {
			l.get("words", 0)
			l.comment("u = (word>>9 + 1/2)/2²³ is exact, with 24 bits")
			l.op("VPSRLD", "$9", 0, 0)
			l.op("VCVTDQ2PS", 0, 0)
			l.set(1.0/(1<<24), 1)
			l.op("VFMADD132PS", number(1.0/(1<<23)), 1, 0)
			l.log(0, 1, 2, 3)
			l.op("VXORPS", pattern(0x80000000), 3, 0)
			l.log(0, 1, 2, 3)
			l.get("x", 0)
			l.op("VSUBPS", 3, 0, 0)
			l.put(0, "z")
		}})
	expSum64(f)
}

// log computes log(x) in p from a positive normal x, which it changes, with e and s. Cephes logf: x = m·2^e with m in [√½,√2), a polynomial in
// f = m-1, which is exact, so that the relative error is about 1e-7 also near 1.
func (l *loop) log(x, e, s, p int) {
	const root = 0x3f3504f3 // √½
	and := "VPAND"
	if l.isa == avx512 {
		and = "VPANDD"
	}
	l.op("VPSUBD", pattern(root), x, x)
	l.op("VPSRAD", "$23", x, e)
	l.op(and, pattern(0x7fffff), x, x)
	l.op("VPADDD", pattern(root), x, x)
	l.op("VCVTDQ2PS", e, e)
	l.op("VSUBPS", number(1), x, x)
	l.op("VMULPS", x, x, s)
	l.set(7.0376836292e-2, p)
	for _, c := range []number{-1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1,
		-2.4999993993e-1, 3.3333331174e-1} {
		l.op("VFMADD213PS", c, x, p)
	}
	l.op("VMULPS", x, p, p)
	l.op("VMULPS", s, p, p)
	l.op("VFMADD231PS", number(-2.12194440e-4), e, p)
	l.op("VFMADD231PS", number(-0.5), s, p)
	l.op("VADDPS", x, p, p)
	l.op("VFMADD231PS", number(0.693359375), e, p)
}

// expSum64 is as exp, in float64: 1022 + n is the exponent of 2^(n-1), the polynomial is Taylor's, doubled, to the power of 12. For |r| <= ln(2)/2
// what it leaves out is below 2e-16.
func expSum64(f *file) {
	const large = 3<<51 + 1022
	const ln2Hi, ln2Lo = 6.93147180369123816490e-01, 1.90821492927058770002e-10 // the upper 32 bits of ln 2, exact times a small integer; the rest
	constants := []float64{-708.4, 710, large, math.Log2E, ln2Hi, ln2Lo}
	const low, high, round, log2e, hi, lo, power12 = 0, 1, 2, 3, 4, 5, 6
	for k := 12; k >= 0; k-- {
		constants = append(constants, 2/math.Gamma(float64(k+1))) // 2/k!
	}
	var words []uint32
	for _, c := range constants {
		words = append(words, uint32(math.Float64bits(c)), uint32(math.Float64bits(c)>>32))
	}
	f.table("exp64Constants", words)
	table := "R11"
	if f.isa == neon {
		table = "R12"
	}
	const x, t, n, p, c, sum, scale, shift = 0, 2, 4, 6, 8, 9, 11, 12 // the first four have two registers
	f.vector(vectorFunc{name: "expSum64", doc: "is y = exp(scale·x - shift) in float64; it returns Σ y.", results: []string{"float64"},
		params: []arg{{"y", "[]float64"}, {"x", "[]float64"}, {"scale", "float64"}, {"shift", "float64"}},
		setup: func(l *loop) {
			if l.isa == neon {
				l.p("MOVD $exp64Constants<>(SB), %s", table)
			} else {
				l.p("LEAQ exp64Constants<>(SB), %s", table)
			}
			l.op("VBROADCASTSD", l.args["scale"], scale)
			l.op("VBROADCASTSD", l.args["shift"], shift)
			l.zero(sum, sum+1)
		},
		body: func(l *loop) {
			set := func(i, r int) { l.op("VBROADCASTSD", fmt.Sprintf("%d(%s)", 8*i, table), r) }
			both := func(op string, operands func(i int) []any) {
				for i := range 2 {
					l.op(op, operands(i)...)
				}
			}
			l.get64("x", x, x+1)
			both("VFMSUB213PD", func(i int) []any { return []any{shift, scale, x + i} })
			set(low, c)
			both("VMAXPD", func(i int) []any { return []any{x + i, c, x + i} }) // NaN, as the first operand, gets through
			set(high, c)
			both("VMINPD", func(i int) []any { return []any{x + i, c, x + i} })
			set(round, t)
			set(round, t+1)
			set(log2e, c)
			both("VFMADD231PD", func(i int) []any { return []any{c, x + i, t + i} })
			set(round, c)
			both("VSUBPD", func(i int) []any { return []any{c, t + i, n + i} })
			set(hi, c)
			both("VFNMADD231PD", func(i int) []any { return []any{c, n + i, x + i} })
			set(lo, c)
			both("VFNMADD231PD", func(i int) []any { return []any{c, n + i, x + i} })
			set(power12, p)
			set(power12, p+1)
			for k := 1; k <= 12; k++ {
				set(power12+k, c)
				both("VFMADD213PD", func(i int) []any { return []any{c, x + i, p + i} })
			}
			both("VPSLLQ", func(i int) []any { return []any{"$52", t + i, t + i} })
			both("VMULPD", func(i int) []any { return []any{t + i, p + i, p + i} })
			l.put64(p, p+1, "y")
			for i := range 2 {
				switch {
				case !l.masked:
					l.op("VADDPD", p+i, sum+i, sum+i)
				case l.isa == neon && i == 0:
					l.op("VADDPD", p, sum, x)
					l.lane0NEON("D", x, sum)
				case l.isa == neon:
				case l.isa == avx512:
					l.op("VADDPD", p+i, sum+i, "K"+strconv.Itoa(1+i), sum+i)
				default:
					l.op("VANDPD", restMask-2+i, p+i, p+i)
					l.op("VADDPD", p+i, sum+i, sum+i)
				}
			}
		},
		finish: func(l *loop) {
			l.join("VADDPD", sum, 2)
			l.total64(sum, "r0")
		}})
}

// total64 stores the sum of the float64 values of a register.
func (l *loop) total64(r int, name string) {
	if l.isa == neon {
		l.word(threeSame("faddp", d2, l.write(r), l.read(r), l.read(r)))
		l.p("FMOVD F%d, %s", l.read(r), l.args[name])
		return
	}
	l.fold("VADDPD", r)
	l.p("VPERMILPD $1, X%d, X0", r)
	l.p("VADDSD X0, X%[1]d, X%[1]d", r)
	l.p("VMOVSD X%d, %s", r, l.args[name])
}
