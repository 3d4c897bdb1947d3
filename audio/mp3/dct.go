package mp3

// The DCT-II of n points, d[i] = Σ s[k]·cos(π/2n·i(2k+1)), splits into two of half the size (Lee 1984): the even outputs
// are the DCT of s[k]+s[n-1-k]; with h the DCT of (s[k]-s[n-1-k])/(2cos(π/2n·(2k+1))), the odd ones are
// d[2i+1] = h[i]+h[i+1], because cos((2i+2)a)+cos(2i·a) = 2cos(a)·cos((2i+1)a).

// secant32 is 1/(2cos(π/64·(2k+1))); the constants are the same for 16, 8 and 4 points.
var secant32 = [16]float32{
	0.5006029982351963, 0.5054709598975436, 0.5154473099226246, 0.5310425910897841,
	0.5531038960344445, 0.5829349682061339, 0.6225041230356648, 0.6748083414550057,
	0.7445362710022986, 0.8393496454155268, 0.9725682378619608, 1.1694399334328847,
	1.4841646163141662, 2.0577810099534108, 3.4076084184687190, 10.1900081235480329,
}

const (
	sec16_0 = 0.5024192861881557
	sec16_1 = 0.5224986149396889
	sec16_2 = 0.5669440348163577
	sec16_3 = 0.6468217833599901
	sec16_4 = 0.7881546234512502
	sec16_5 = 1.0606776859903471
	sec16_6 = 1.7224470982383342
	sec16_7 = 5.1011486186891553
	sec8_0  = 0.5097955791041592
	sec8_1  = 0.6013448869350453
	sec8_2  = 0.8999762231364156
	sec8_3  = 2.5629154477415055
	sec4_0  = 0.5411961001461970
	sec4_1  = 1.3065629648763764
	sec2    = 0.7071067811865476
)

// dct32 is the DCT-II of 32 points, the matrixing of the polyphase synthesis. Its lower half comes out backwards, outputs 15
// to 0 before 16 to 31, because the synthesis goes through both halves from the middle.
func dct32(s, d *[subbands]float32) {
	var even, odd [16]float32
	for k := range 16 {
		a, b := s[k], s[31-k]
		even[k] = a + b
		odd[k] = (a - b) * secant32[k]
	}
	dct16(&even)
	dct16(&odd)
	for i := range 8 {
		d[15-2*i] = even[i]
		d[14-2*i] = odd[i] + odd[i+1]
	}
	for i := 8; i < 15; i++ {
		d[2*i] = even[i]
		d[2*i+1] = odd[i] + odd[i+1]
	}
	d[30], d[31] = even[15], odd[15]
}

// dct16 is the DCT-II of 16 points in place.
func dct16(s *[16]float32) {
	e0, e1, e2, e3, e4, e5, e6, e7 := dct8(s[0]+s[15], s[1]+s[14], s[2]+s[13], s[3]+s[12],
		s[4]+s[11], s[5]+s[10], s[6]+s[9], s[7]+s[8])
	o0, o1, o2, o3, o4, o5, o6, o7 := dct8((s[0]-s[15])*sec16_0, (s[1]-s[14])*sec16_1, (s[2]-s[13])*sec16_2, (s[3]-s[12])*sec16_3,
		(s[4]-s[11])*sec16_4, (s[5]-s[10])*sec16_5, (s[6]-s[9])*sec16_6, (s[7]-s[8])*sec16_7)
	*s = [16]float32{e0, o0 + o1, e1, o1 + o2, e2, o2 + o3, e3, o3 + o4, e4, o4 + o5, e5, o5 + o6, e6, o6 + o7, e7, o7}
}

// dct8 is the DCT-II of 8 points; arguments and results travel in registers.
func dct8(s0, s1, s2, s3, s4, s5, s6, s7 float32) (d0, d1, d2, d3, d4, d5, d6, d7 float32) {
	a0, a1, a2, a3 := s0+s7, s1+s6, s2+s5, s3+s4
	b0, b1, b2, b3 := (s0-s7)*sec8_0, (s1-s6)*sec8_1, (s2-s5)*sec8_2, (s3-s4)*sec8_3

	p0, p1, q0, q1 := a0+a3, a1+a2, (a0-a3)*sec4_0, (a1-a2)*sec4_1
	d0, d4 = p0+p1, (p0-p1)*sec2
	r := (q0 - q1) * sec2
	d2, d6 = q0+q1+r, r

	p0, p1, q0, q1 = b0+b3, b1+b2, (b0-b3)*sec4_0, (b1-b2)*sec4_1
	h0, h2 := p0+p1, (p0-p1)*sec2
	h3 := (q0 - q1) * sec2
	h1 := q0 + q1 + h3
	d1, d3, d5, d7 = h0+h1, h1+h2, h2+h3, h3
	return d0, d1, d2, d3, d4, d5, d6, d7
}
