package vorbis

import "math"

// mdct computes the inverse modified discrete cosine transform as a DCT of type IV, and that by a complex Fourier
// transform of half its size (Britanak and Rao, "Cosine-/Sine-Modulated Filter Banks", section 3.3).
type mdct struct {
	twistRe, twistIm   []float32 // exp(-iπ(8k+1)/8n), before and after the Fourier transform
	rootsRe, rootsIm   []float32 // roots of unity of its size
	aRe, aIm, bRe, bIm []float32 // between its passes
}

// newMDCT prepares transforms of n coefficients; n is a power of 2 and at least 32.
func newMDCT(n int) *mdct {
	m := n / 2
	t := &mdct{make([]float32, m), make([]float32, m), make([]float32, m), make([]float32, m),
		make([]float32, m), make([]float32, m), make([]float32, m), make([]float32, m)}
	for k := range m {
		sin, cos := math.Sincos(-math.Pi * float64(8*k+1) / float64(8*n))
		t.twistRe[k], t.twistIm[k] = float32(cos), float32(sin)
		sin, cos = math.Sincos(-2 * math.Pi * float64(k) / float64(m))
		t.rootsRe[k], t.rootsIm[k] = float32(cos), float32(sin)
	}
	return t
}

// transform replaces n coefficients X by D[m] = Σ X[k]·cos(π/n·(m+½)(k+½)). The 2n samples of the block are D and its
// mirror images.
func (t *mdct) transform(x []float32) {
	n, m := len(x), len(t.twistRe)
	re, im := t.aRe[:m], t.aIm[:m]
	twistRe, twistIm := t.twistRe[:m], t.twistIm[:m]
	for k := range re {
		a, b := x[2*k], x[n-1-2*k]
		re[k] = a*twistRe[k] - b*twistIm[k]
		im[k] = a*twistIm[k] + b*twistRe[k]
	}
	re, im = t.fourier()
	for k := range twistRe {
		x[2*k] = re[k]*twistRe[k] - im[k]*twistIm[k]
		x[n-1-2*k] = -(re[k]*twistIm[k] + im[k]*twistRe[k])
	}
}

// fourier transforms a in passes of radix 4, the last of radix 2 where the size asks for it, each of which also sorts
// (Stockham's scheme). It returns where the result is.
func (t *mdct) fourier() (re, im []float32) {
	t.firstPass()
	re, im, toRe, toIm := t.bRe, t.bIm, t.aRe, t.aIm
	for size, stride := len(re)/4, 4; size > 1; {
		if size == 2 {
			for q := range stride {
				aRe, aIm, bRe, bIm := re[q], im[q], re[q+stride], im[q+stride]
				toRe[q], toIm[q] = aRe+bRe, aIm+bIm
				toRe[q+stride], toIm[q+stride] = aRe-bRe, aIm-bIm
			}
			return toRe, toIm
		}
		quarter := size / 4
		for p := range quarter {
			w1Re, w1Im := t.rootsRe[p*stride], t.rootsIm[p*stride]
			w2Re, w2Im := t.rootsRe[2*p*stride], t.rootsIm[2*p*stride]
			w3Re, w3Im := t.rootsRe[3*p*stride], t.rootsIm[3*p*stride]
			x0, x1, x2, x3 := stride*p, stride*(p+quarter), stride*(p+2*quarter), stride*(p+3*quarter)
			r0, i0, r1, i1 := re[x0:x0+stride], im[x0:x0+stride], re[x1:x1+stride], im[x1:x1+stride]
			r2, i2, r3, i3 := re[x2:x2+stride], im[x2:x2+stride], re[x3:x3+stride], im[x3:x3+stride]
			to := stride * 4 * p
			s0, j0 := toRe[to:to+stride], toIm[to:to+stride]
			s1, j1 := toRe[to+stride:to+2*stride], toIm[to+stride:to+2*stride]
			s2, j2 := toRe[to+2*stride:to+3*stride], toIm[to+2*stride:to+3*stride]
			s3, j3 := toRe[to+3*stride:to+4*stride], toIm[to+3*stride:to+4*stride]
			for q := range s0 {
				aRe, aIm := r0[q]+r2[q], i0[q]+i2[q]
				bRe, bIm := r0[q]-r2[q], i0[q]-i2[q]
				cRe, cIm := r1[q]+r3[q], i1[q]+i3[q]
				dRe, dIm := i1[q]-i3[q], r3[q]-r1[q] // -i times the difference
				s0[q], j0[q] = aRe+cRe, aIm+cIm
				uRe, uIm := bRe+dRe, bIm+dIm
				s1[q], j1[q] = uRe*w1Re-uIm*w1Im, uRe*w1Im+uIm*w1Re
				uRe, uIm = aRe-cRe, aIm-cIm
				s2[q], j2[q] = uRe*w2Re-uIm*w2Im, uRe*w2Im+uIm*w2Re
				uRe, uIm = bRe-dRe, bIm-dIm
				s3[q], j3[q] = uRe*w3Re-uIm*w3Im, uRe*w3Im+uIm*w3Re
			}
		}
		re, im, toRe, toIm = toRe, toIm, re, im
		size, stride = quarter, 4*stride
	}
	return re, im
}

// firstPass is the pass of fourier with a stride of 1, whose butterflies are neighbours.
func (t *mdct) firstPass() {
	m := len(t.aRe)
	quarter := m / 4
	r0, r1, r2, r3 := t.aRe[:quarter], t.aRe[quarter:][:quarter], t.aRe[2*quarter:][:quarter], t.aRe[3*quarter:][:quarter]
	i0, i1, i2, i3 := t.aIm[:quarter], t.aIm[quarter:][:quarter], t.aIm[2*quarter:][:quarter], t.aIm[3*quarter:][:quarter]
	for p := range r0 {
		to, toIm := t.bRe[4*p:4*p+4], t.bIm[4*p:4*p+4]
		aRe, aIm := r0[p]+r2[p], i0[p]+i2[p]
		bRe, bIm := r0[p]-r2[p], i0[p]-i2[p]
		cRe, cIm := r1[p]+r3[p], i1[p]+i3[p]
		dRe, dIm := i1[p]-i3[p], r3[p]-r1[p] // -i times the difference
		to[0], toIm[0] = aRe+cRe, aIm+cIm
		wRe, wIm, uRe, uIm := t.rootsRe[p], t.rootsIm[p], bRe+dRe, bIm+dIm
		to[1], toIm[1] = uRe*wRe-uIm*wIm, uRe*wIm+uIm*wRe
		wRe, wIm, uRe, uIm = t.rootsRe[2*p], t.rootsIm[2*p], aRe-cRe, aIm-cIm
		to[2], toIm[2] = uRe*wRe-uIm*wIm, uRe*wIm+uIm*wRe
		wRe, wIm, uRe, uIm = t.rootsRe[3*p], t.rootsIm[3*p], bRe-dRe, bIm-dIm
		to[3], toIm[3] = uRe*wRe-uIm*wIm, uRe*wIm+uIm*wRe
	}
}
