package cpu

import "math"

const (
	log2e = 1.44269504088896341
	ln2Hi = 0.693359375    // the upper bits of ln 2, exact times a small integer
	ln2Lo = -2.12194440e-4 // ln 2 - ln2Hi
	// roundMagic added to a float32 of modest size leaves it rounded to an integer in the lowest bits.
	roundMagic = 3 << 22
)

// expPoly approximates (exp(r)-1-r)/r² on |r| <= ln(2)/2, highest power first (Moshier, Cephes expf).
var expPoly = [...]float32{1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1}

// exp32 is e^x with a relative error below 2e-7; results below the smallest normal number are 0.
func exp32(x float32) float32 {
	switch {
	case x < -87.33:
		return 0
	case x > 88.72:
		return float32(math.Inf(1))
	case x != x:
		return x
	}
	n := float32(x*log2e+roundMagic) - roundMagic
	r := x - n*ln2Hi
	r -= n * ln2Lo
	p := ((((expPoly[0]*r+expPoly[1])*r+expPoly[2])*r+expPoly[3])*r+expPoly[4])*r + expPoly[5]
	p = p*r*r + r + 1
	// Two factors, for 2^128 is no float32 although 2^128·p may be close enough below it.
	half := int32(n) >> 1
	return p * pow2(half) * pow2(int32(n)-half)
}

func pow2(n int32) float32 { return math.Float32frombits(uint32(n+127) << 23) }

// erf32 is the error function with an absolute error below 4e-7: a rational function on [-4,4] (the one of Eigen), ±1 outside.
func erf32(x float32) float32 {
	if x > 4 {
		return 1
	}
	if x < -4 {
		return -1
	}
	s := x * x
	p := ((((((-2.72614225801306e-10*s+2.77068142495902e-08)*s-2.10102402082508e-06)*s-5.69250639462346e-05)*s-7.34990630326855e-04)*s-2.95459980854025e-03)*s - 1.60960333262415e-02) * x
	q := (((-1.45660718464996e-05*s-2.13374055278905e-04)*s-1.68282697438203e-03)*s-7.37332916720468e-03)*s - 1.42647390514189e-02
	return p / q
}

func gelu32(x float32) float32 { return 0.5 * x * (1 + erf32(x*(1/math.Sqrt2))) }

// geluSlope is the derivative of GELU, Φ(x) + x·φ(x).
func geluSlope(x float32) float32 {
	const invSqrt2Pi = 0.3989422804014327
	return 0.5*(1+erf32(x*(1/math.Sqrt2))) + x*invSqrt2Pi*exp32(-0.5*x*x)
}

// log32 is log(x) for positive normal x, with a relative error of about 1e-7 (Moshier, Cephes logf): x = m·2^e with m in [√½,√2) and a polynomial
// in m-1.
func log32(x float32) float32 {
	const root = 0x3f3504f3 // √½
	bits := int32(math.Float32bits(x)) - root
	e, f := float32(bits>>23), math.Float32frombits(uint32(bits&0x7fffff+root))-1
	p := (((((((7.0376836292e-2*f-1.1514610310e-1)*f+1.1676998740e-1)*f-1.2420140846e-1)*f+1.4249322787e-1)*f-1.6668057665e-1)*f+
		2.0000714765e-1)*f-2.4999993993e-1)*f + 3.3333331174e-1
	s := f * f
	return f + (p*f*s + ln2Lo*e - 0.5*s) + ln2Hi*e
}
