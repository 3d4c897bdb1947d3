package flac

// pad is how many samples a predictor looks back at most. That many lie in front of each frame, so that the loops below
// may take a whole number of past samples, with coefficient 0 where the order is less.
const pad = 32

// predictor turns residuals into samples (sections 9.2.5 and 9.2.6).
type predictor struct {
	order int
	lpc   bool       // coef and shift apply; otherwise the fixed predictor of this order
	long  bool       // a sum of products may need more than 32 bits
	shift uint       // at most 15
	coef  [pad]int64 // coef[j] times the sample j+1 back; 0 from order on
}

// restore replaces the residuals x[pad+order:] by samples, given those before.
func (p *predictor) restore(x []int32) {
	switch {
	case !p.lpc:
		restoreFixed(x[pad+p.order-4:], p.order)
	case p.long:
		p.restoreLong(x)
	default:
		p.restorePairs(x)
	}
}

// restoreFixed works on differences: those of order n are sums of those of order n+1. It replaces x[4:]. Integers of 32
// bits wrap around, which does not matter where the samples fit.
func restoreFixed(x []int32, order int) {
	d, c, b, a := x[0], x[1], x[2], x[3]
	d1 := a - b
	d2 := d1 - (b - c)
	d3 := d2 - (b - c - (c - d))
	r := x[4:]
	switch order {
	case 1:
		for i, v := range r {
			a += v
			r[i] = a
		}
	case 2:
		for i, v := range r {
			d1 += v
			a += d1
			r[i] = a
		}
	case 3:
		for i, v := range r {
			d2 += v
			d1 += d2
			a += d1
			r[i] = a
		}
	case 4:
		for i, v := range r {
			d3 += v
			d2 += d3
			d1 += d2
			a += d1
			r[i] = a
		}
	}
}

// restorePairs computes the sums for two samples at once, in the halves of 64-bit words: a past sample times two
// neighbouring coefficients in one word gives its products for two neighbouring sums. That takes half the
// multiplications, which are what prediction waits for. It is exact as long as the sums fit in 32 bits.
//
// Sums of later samples are open while a sample becomes known, and it is added to them all ("transposed direct form").
// So nothing is loaded but coefficients, and from one sample to the next lies only one multiplication.
func (p *predictor) restorePairs(x []int32) {
	var e [pad]int64 // coef[j] + coef[j+1]<<32
	for j := range p.order {
		e[j] = p.coef[j]
		if j+1 < p.order {
			e[j] += p.coef[j+1] << 32
		}
	}
	var a [pad / 2]int64 // what the samples before contribute to the sums of samples 2m and 2m+1
	past := x[:pad+p.order]
	for m := 0; 2*m < p.order; m++ {
		for j, v := range e[2*m : p.order] {
			a[m] += int64(past[len(past)-1-j]) * v
		}
	}
	x = x[pad+p.order:]
	switch {
	case p.order <= 4:
		restore4(x, &a, &e, p.shift)
	case p.order <= 8:
		restore8(x, &a, &e, p.shift)
	case p.order <= 12:
		restore12(x, &a, &e, p.shift)
	default:
		restoreAny(x, a[:(p.order+1)/2], &e, p.shift)
	}
}

// high returns the upper of two sums in a word. A negative lower one has borrowed from it.
func high(sums int64) int32 { return int32((sums - int64(int32(sums))) >> 32) }

func restore4(x []int32, a *[pad / 2]int64, e *[pad]int64, shift uint) {
	a0, a1 := a[0], a[1]
	c0 := int32(e[0])
	for i := 0; i+1 < len(x); i += 2 {
		v := x[i] + int32(a0)>>(shift&31)
		x[i] = v
		odd := high(a0) + c0*v
		a0 = a1 + int64(v)*e[1]
		w := x[i+1] + odd>>(shift&31)
		x[i+1] = w
		a0 += int64(w) * e[0]
		a1 = int64(v) * e[3]
		a1 += int64(w) * e[2]
	}
	if i := len(x) - 1; i&1 == 0 {
		x[i] += int32(a0) >> (shift & 31)
	}
}

func restore8(x []int32, a *[pad / 2]int64, e *[pad]int64, shift uint) {
	a0, a1, a2, a3 := a[0], a[1], a[2], a[3]
	c0 := int32(e[0])
	for i := 0; i+1 < len(x); i += 2 {
		v := x[i] + int32(a0)>>(shift&31)
		x[i] = v
		odd := high(a0) + c0*v
		a0 = a1 + int64(v)*e[1]
		w := x[i+1] + odd>>(shift&31)
		x[i+1] = w
		a0 += int64(w) * e[0]
		a1 = a2 + int64(v)*e[3]
		a2 = a3 + int64(v)*e[5]
		a3 = int64(v) * e[7]
		a1 += int64(w) * e[2]
		a2 += int64(w) * e[4]
		a3 += int64(w) * e[6]
	}
	if i := len(x) - 1; i&1 == 0 {
		x[i] += int32(a0) >> (shift & 31)
	}
}

func restore12(x []int32, a *[pad / 2]int64, e *[pad]int64, shift uint) {
	a0, a1, a2, a3, a4, a5 := a[0], a[1], a[2], a[3], a[4], a[5]
	c0 := int32(e[0])
	for i := 0; i+1 < len(x); i += 2 {
		v := x[i] + int32(a0)>>(shift&31)
		x[i] = v
		odd := high(a0) + c0*v
		a0 = a1 + int64(v)*e[1]
		w := x[i+1] + odd>>(shift&31)
		x[i+1] = w
		a0 += int64(w) * e[0]
		a1 = a2 + int64(v)*e[3]
		a2 = a3 + int64(v)*e[5]
		a3 = a4 + int64(v)*e[7]
		a4 = a5 + int64(v)*e[9]
		a5 = int64(v) * e[11]
		a1 += int64(w) * e[2]
		a2 += int64(w) * e[4]
		a3 += int64(w) * e[6]
		a4 += int64(w) * e[8]
		a5 += int64(w) * e[10]
	}
	if i := len(x) - 1; i&1 == 0 {
		x[i] += int32(a0) >> (shift & 31)
	}
}

func restoreAny(x []int32, a []int64, e *[pad]int64, shift uint) {
	for i := 0; i+1 < len(x); i += 2 {
		v := x[i] + int32(a[0])>>(shift&31)
		w := x[i+1] + (high(a[0])+int32(e[0])*v)>>(shift&31)
		x[i], x[i+1] = v, w
		for m := range a {
			next := int64(v)*e[2*m+1] + int64(w)*e[2*m]
			if m+1 < len(a) {
				next += a[m+1]
			}
			a[m] = next
		}
	}
	if i := len(x) - 1; i&1 == 0 {
		x[i] += int32(a[0]) >> (shift & 31)
	}
}

// restoreLong is for sums of more than 32 bits, as samples of 24 bits need them.
func (p *predictor) restoreLong(x []int32) {
	n := (p.order + 3) &^ 3
	for i := pad + p.order; i < len(x); i++ {
		sum := int64(0)
		past := x[i-n : i]
		for j := 0; j < n; j += 4 {
			h, c := (*[4]int32)(past[n-4-j:]), (*[4]int64)(p.coef[j:])
			sum += int64(h[3])*c[0] + int64(h[2])*c[1] + int64(h[1])*c[2] + int64(h[0])*c[3]
		}
		x[i] += int32(sum >> (p.shift & 63))
	}
}

// restoreWide restores samples of 33 bits: x[i] from the residual r[i] and the samples before.
func (p *predictor) restoreWide(x []int64, r []int32) {
	coef := p.coef[:p.order]
	if !p.lpc {
		coef = [5][]int64{{}, {1}, {2, -1}, {3, -3, 1}, {4, -6, 4, -1}}[p.order]
	}
	for i := pad + p.order; i < len(r); i++ {
		sum := int64(0)
		for j, v := range coef {
			sum += v * x[i-1-j]
		}
		x[i] = int64(r[i]) + sum>>p.shift
	}
}
