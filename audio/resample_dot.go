package audio

// dotRowsPortable writes to y[i] the inner product of a row of kernel and the part of x under it, for as many outputs as
// y has. kernel holds len(advance) rows of the given number of taps, a multiple of 4. The first output takes the row of
// phase and begins at x[at]; from the output of phase p to the next one the row moves on by advance[p] samples. All parts
// have to lie within x.
//
// The order of the sums is part of the definition, so that all machines agree in every bit: sum l, of 8, takes the taps k
// with k mod 8 = l; then 0 and 4, 1 and 5, 2 and 6, 3 and 7 are added, and of these 0 and 2, 1 and 3, and both. A product
// is rounded before it is added; the conversions forbid the compiler to fuse the two.
func dotRowsPortable(y, x, kernel []float32, advance []int32, taps, phase, at int) {
	for i := range y {
		y[i] = dot(kernel[phase*taps:][:taps], x[at:][:taps])
		at += int(advance[phase])
		if phase++; phase == len(advance) {
			phase = 0
		}
	}
}

func dot(a, b []float32) float32 {
	var s0, s1, s2, s3, s4, s5, s6, s7 float32
	for len(a) >= 8 && len(b) >= 8 {
		s0 += float32(a[0] * b[0])
		s1 += float32(a[1] * b[1])
		s2 += float32(a[2] * b[2])
		s3 += float32(a[3] * b[3])
		s4 += float32(a[4] * b[4])
		s5 += float32(a[5] * b[5])
		s6 += float32(a[6] * b[6])
		s7 += float32(a[7] * b[7])
		a, b = a[8:], b[8:]
	}
	if len(a) >= 4 && len(b) >= 4 {
		s0 += float32(a[0] * b[0])
		s1 += float32(a[1] * b[1])
		s2 += float32(a[2] * b[2])
		s3 += float32(a[3] * b[3])
	}
	s0, s1, s2, s3 = s0+s4, s1+s5, s2+s6, s3+s7
	return (s0 + s2) + (s1 + s3)
}
