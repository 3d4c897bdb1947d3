package flac

// pad is how many samples a predictor looks back at most. That many lie in front of each frame, so that the loops below
// may take a whole number of past samples, with coefficient 0 where the order is less.
const pad = 32

// predictor turns residuals into samples (sections 9.2.5 and 9.2.6).
type predictor struct {
	order int
	lpc   bool // coef and shift apply; otherwise the fixed predictor of this order
	long  bool // the sum of products may need more than 32 bits
	shift uint
	coef  [pad]int32 // coef[j] times the sample j+1 back; 0 from order on
}

// restore replaces the residuals x[lo:hi] by samples, given those before lo.
func (p *predictor) restore(x []int32, lo, hi int) {
	switch {
	case !p.lpc:
		restoreFixed(x, lo, hi, p.order)
	case p.long:
		restoreLong(x, lo, hi, p.coef[:p.order], p.shift)
	case p.order <= 4:
		restore4(x, lo, hi, &p.coef, p.shift)
	case p.order <= 8:
		restore8(x, lo, hi, &p.coef, p.shift)
	case p.order <= 12:
		restore12(x, lo, hi, &p.coef, p.shift)
	default:
		restore32(x, lo, hi, p.coef[:p.order], p.shift)
	}
}

// restoreFixed works on differences: those of order n are sums of those of order n+1. Integers of 32 bits wrap around,
// which does not matter where the samples fit.
func restoreFixed(x []int32, lo, hi, order int) {
	a, b, c, d := x[lo-1], x[lo-2], x[lo-3], x[lo-4]
	d1 := a - b
	d2 := d1 - (b - c)
	d3 := d2 - (b - c - (c - d))
	r := x[lo:hi]
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

func restore4(x []int32, lo, hi int, c *[pad]int32, shift uint) {
	shift &= 31
	c0, c1, c2, c3 := c[0], c[1], c[2], c[3]
	last := x[lo-1]
	for i := lo; i < hi; i++ {
		h := (*[5]int32)(x[i-4 : i+1])
		last = h[4] + (c3*h[0]+c2*h[1]+c1*h[2]+c0*last)>>shift
		h[4] = last
	}
}

func restore8(x []int32, lo, hi int, c *[pad]int32, shift uint) {
	shift &= 31
	c0, c1, c2, c3, c4, c5, c6, c7 := c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]
	last := x[lo-1]
	for i := lo; i < hi; i++ {
		h := (*[9]int32)(x[i-8 : i+1])
		last = h[8] + (c7*h[0]+c6*h[1]+c5*h[2]+c4*h[3]+c3*h[4]+c2*h[5]+c1*h[6]+c0*last)>>shift
		h[8] = last
	}
}

func restore12(x []int32, lo, hi int, c *[pad]int32, shift uint) {
	shift &= 31
	last := x[lo-1]
	for i := lo; i < hi; i++ {
		h := (*[13]int32)(x[i-12 : i+1])
		last = h[12] + (c[11]*h[0]+c[10]*h[1]+c[9]*h[2]+c[8]*h[3]+c[7]*h[4]+c[6]*h[5]+c[5]*h[6]+c[4]*h[7]+c[3]*h[8]+c[2]*h[9]+c[1]*h[10]+c[0]*last)>>shift
		h[12] = last
	}
}

func restore32(x []int32, lo, hi int, c []int32, shift uint) {
	for i := lo; i < hi; i++ {
		sum := int32(0)
		for j, v := range c {
			sum += v * x[i-1-j]
		}
		x[i] += sum >> (shift & 31)
	}
}

func restoreLong(x []int32, lo, hi int, c []int32, shift uint) {
	for i := lo; i < hi; i++ {
		sum := int64(0)
		for j, v := range c {
			sum += int64(v) * int64(x[i-1-j])
		}
		x[i] += int32(sum >> (shift & 63))
	}
}

// restoreWide restores samples of 33 bits: x[pad+i] from the residual r[i] and the past.
func (p *predictor) restoreWide(x []int64, r []int32) {
	coef := p.coef[:p.order]
	if !p.lpc {
		coef = [5][]int32{{}, {1}, {2, -1}, {3, -3, 1}, {4, -6, 4, -1}}[p.order]
	}
	for i := p.order; i < len(r); i++ {
		sum := int64(0)
		for j, v := range coef {
			sum += int64(v) * x[pad+i-1-j]
		}
		x[pad+i] = int64(r[i]) + sum>>p.shift
	}
}
