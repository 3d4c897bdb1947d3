package mp3

// The inverse MDCT of n inputs is a DCT-IV of n points, unfolded to 2n outputs and windowed. The DCT-IV
//
//	y[i] = Σ x[k]·cos(π/4n·(2i+1)(2k+1))
//
// is made of two DCT-III of n/2 points: with a = π/4n·(2i+1) and p[k] = x[2k]+x[2k-1], q[k] = x[2k-1]-x[2k],
//
//	y[i]     = C[i]·cos a + S[i]·sin a
//	y[n-1-i] = C[i]·sin a - S[i]·cos a
//	C[i] = Σ p[k]·cos(2k·a)
//	S[i] = Σ q[k]·sin(2k·a) = (-1)^i·Σ q[n/2-k]·cos(2k·a)
//
// (x outside of 0..n-1 is zero; C sums k from 0 to n/2-1, S from 1 to n/2).

// rotateCos and rotateSin are cos a and sin a for n = 18.
var (
	rotateCos = [9]float32{
		0.9990482215818578, 0.9914448613738104, 0.9762960071199334, 0.9537169507482269, 0.9238795325112867,
		0.8870108331782217, 0.8433914458128857, 0.7933533402912352, 0.7372773368101240,
	}
	rotateSin = [9]float32{
		0.0436193873653360, 0.1305261922200516, 0.2164396139381029, 0.3007057995042731, 0.3826834323650898,
		0.4617486132350339, 0.5372996083468239, 0.6087614290087207, 0.6755902076156602,
	}
)

// imdct36 transforms the 18 lines of a long block in subband sb. The first half of the windowed result and the overlap go
// to out, the second half becomes the overlap.
func imdct36(x, overlap *[slots]float32, window *[36]float32, out *subbandSamples, sb int) {
	p := [9]float32{
		x[0], x[2] + x[1], x[4] + x[3], x[6] + x[5], x[8] + x[7],
		x[10] + x[9], x[12] + x[11], x[14] + x[13], x[16] + x[15],
	}
	q := [9]float32{
		x[17], x[15] - x[16], x[13] - x[14], x[11] - x[12], x[9] - x[10],
		x[7] - x[8], x[5] - x[6], x[3] - x[4], x[1] - x[2],
	}
	dct9(&p)
	dct9(&q)
	sb &= subbands - 1
	for i := range 9 {
		c, s := p[i], q[i]
		if i&1 == 1 {
			s = -s
		}
		low := c*rotateCos[i] + s*rotateSin[i]  // y[i]
		high := c*rotateSin[i] - s*rotateCos[i] // y[17-i]
		// The unfolded output is y[9..17], -y[17..9], -y[8..0], -y[0..8].
		out[subbands*(8-i)+sb] = overlap[8-i] + window[8-i]*high
		out[subbands*(9+i)+sb] = overlap[9+i] - window[9+i]*high
		overlap[8-i] = -window[26-i] * low
		overlap[9+i] = -window[27+i] * low
	}
}

// Cosines of multiples of 10 degrees.
const (
	cos10 = 0.9848077530122081
	cos20 = 0.9396926207859084
	cos30 = 0.8660254037844387
	cos40 = 0.7660444431189780
	cos50 = 0.6427876096865394
	cos70 = 0.3420201433256688
	cos80 = 0.1736481776669304
)

// dct9 is the DCT-III of 9 points in place: x[i] = Σ x[k]·cos(π/18·k(2i+1)). The even and the odd inputs make the symmetric
// and the antisymmetric half, and cos 20° = cos 40° + cos 80° and cos 10° = cos 50° + cos 70° save a third of the products.
func dct9(x *[9]float32) {
	half := x[0] + 0.5*x[6]
	a := x[2]*cos20 + x[4]*cos40 + x[8]*cos80
	b := x[2]*cos40 - x[4]*cos80 + x[8]*cos20
	e0, e2, e3 := half+a, half-(a-b), half-b
	d := x[2] - x[4] - x[8]
	e1 := x[0] - x[6] + 0.5*d
	e4 := x[0] - x[6] - d

	third := x[3] * cos30
	p := x[1]*cos10 + x[5]*cos50 + x[7]*cos70
	r := x[1]*cos50 - x[5]*cos70 + x[7]*cos10
	o0, o2, o3 := p+third, r-third, (p-r)-third
	o1 := (x[1] - x[5] - x[7]) * cos30

	x[0], x[8] = e0+o0, e0-o0
	x[1], x[7] = e1+o1, e1-o1
	x[2], x[6] = e2+o2, e2-o2
	x[3], x[5] = e3+o3, e3-o3
	x[4] = e4
}

// Cosines and sines of 7.5, 22.5 and 37.5 degrees, the rotations for n = 6.
const (
	cos7  = 0.9914448613738104
	sin7  = 0.1305261922200516
	cos22 = 0.9238795325112867
	sin22 = 0.3826834323650898
	cos37 = 0.7933533402912352
	sin37 = 0.6087614290087207
)

// imdct12x3 transforms the 18 lines of three short blocks, which overlap each other by half: together they cover samples 6
// to 29 of what a long block covers.
func imdct12x3(x, overlap *[slots]float32, window *[36]float32, out *subbandSamples, sb int) {
	var sum [36]float32
	copy(sum[:], overlap[:])
	for w := range 3 {
		x0, x1, x2, x3, x4, x5 := x[w], x[3+w], x[6+w], x[9+w], x[12+w], x[15+w]
		p0, p1, p2 := x0, (x2+x1)*cos30, x4+x3
		q0, q1, q2 := x5, (x3-x4)*cos30, x1-x2
		c0, c1, c2 := p0+0.5*p2+p1, p0-p2, p0+0.5*p2-p1
		s0, s1, s2 := q0+0.5*q2+q1, q2-q0, q0+0.5*q2-q1
		y := [6]float32{
			c0*cos7 + s0*sin7, c1*cos22 + s1*sin22, c2*cos37 + s2*sin37,
			c2*sin37 - s2*cos37, c1*sin22 - s1*cos22, c0*sin7 - s0*cos7,
		}
		// The unfolded output is y[3..5], -y[5..3], -y[2..0], -y[0..2].
		o := (*[12]float32)(sum[6+6*w:])
		for i := range 3 {
			o[i] += window[i] * y[3+i]
			o[3+i] -= window[3+i] * y[5-i]
			o[6+i] -= window[6+i] * y[2-i]
			o[9+i] -= window[9+i] * y[i]
		}
	}
	sb &= subbands - 1
	for i := range slots {
		out[subbands*i+sb] = sum[i]
	}
	copy(overlap[:], sum[slots:])
}
