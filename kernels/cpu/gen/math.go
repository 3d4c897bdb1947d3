package main

import "math"

// exp computes e^x in p from x, which it changes, with t and n. Cephes expf: x = n·ln 2 + r, a polynomial in r, times 2^n. expLimits must have
// run. The limits are the first operand of max and min so that NaN gets through.
//
// A large number added to x·log2(e) leaves n + 126 in the lowest bits, which become the exponent of 2^(n-1); the polynomial is that of 2·e^r.
// So n may be 128, but at -126 the result is 0: the smallest result is 1.7e-38, not 1.2e-38, the smallest normal number.
func (l *loop) exp(x, t, n, p int) {
	const large = 3<<22 + 126
	l.op("VMAXPS", x, expLow, x)
	l.op("VMINPS", x, expHigh, x)
	l.set(large, t)
	l.op("VFMADD231PS", number(math.Log2E), x, t)
	l.op("VSUBPS", number(large), t, n)
	l.op("VFNMADD231PS", number(0.693359375), n, x)
	l.op("VFNMADD231PS", number(-2.12194440e-4), n, x)
	l.set(2*1.9875691500e-4, p)
	for _, c := range []number{1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1, 1, 1} {
		l.op("VFMADD213PS", 2*c, x, p)
	}
	l.op("VPSLLD", "$23", t, t)
	l.op("VMULPS", t, p, p)
}

// expLow and expHigh are the registers of exp's limits.
const (
	expLow  = 11
	expHigh = 12
)

// expLimits sets where exp is 0 and where it is infinite.
func (l *loop) expLimits() {
	l.set(-87.2, expLow)
	l.set(89, expHigh)
}

// erf computes erf(x) in p from x, which it changes, with s, q, t and m: the rational function of erf32, exactly ±1 from |x| = 4 on.
func (l *loop) erf(x, s, p, q, t, m int) {
	l.op("VANDPS", pattern(0x7fffffff), x, t)
	if l.isa == avx512 {
		l.op("VCMPPS", "$13", number(4), t, "K2")
	} else {
		l.op("VCMPPS", "$13", number(4), t, m)
	}
	l.op("VMAXPS", number(-4), x, x)
	l.op("VMINPS", number(4), x, x)
	l.op("VMULPS", x, x, s)
	l.set(-2.72614225801306e-10, p)
	for _, c := range []number{2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05, -7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02} {
		l.op("VFMADD213PS", c, s, p)
	}
	l.set(-1.45660718464996e-05, q)
	for _, c := range []number{-2.13374055278905e-04, -1.68282697438203e-03, -7.37332916720468e-03, -1.42647390514189e-02} {
		l.op("VFMADD213PS", c, s, q)
	}
	l.op("VMULPS", x, p, p)
	if l.isa == avx512 {
		l.comment("p/q: an estimate of 1/q to 14 bits, one step of Newton")
		l.op("VRCP14PS", q, t)
		l.op("VFNMADD213PS", number(2), t, q)
		l.op("VMULPS", q, t, t)
		l.op("VMULPS", t, p, p)
	} else {
		if l.isa == avx2 {
			l.comment("AVX2 estimates 1/q to 12 bits only, and differently on each maker's machines")
		}
		l.op("VDIVPS", q, p, p)
	}
	l.comment("±1")
	l.op("VANDPS", pattern(0x80000000), x, t)
	if l.isa == avx512 {
		l.op("VORPS", number(1), t, "K2", p)
	} else {
		l.op("VORPS", number(1), t, t)
		l.op("VBLENDVPS", m, t, p, p)
	}
}

// cdf computes Φ(x) = (1+erf(x/√2))/2 in p from x, which it keeps, with 1, 2, 4, 5 and 6.
func (l *loop) cdf(x, p int) {
	l.op("VMULPS", number(math.Sqrt2/2), x, 1)
	l.erf(1, 2, p, 4, 5, 6)
	l.set(0.5, 4)
	l.op("VFMADD213PS", 4, 4, p)
}
