package flac

import "math"

const (
	linearOrder = 12
	precision   = 13 // bits of a coefficient; with samples of 16 bits the sums fit in 32
)

// coefficients of a linear predictor as a subframe holds them (section 9.2.6).
type coefficients struct {
	order int
	shift int
	coef  [linearOrder]int32
}

func (c *coefficients) write(w *bitWriter) {
	w.write(precision-1, 4)
	w.writeSigned(int32(c.shift), 5)
	for _, v := range c.coef[:c.order] {
		w.writeSigned(v, precision)
	}
}

// residual writes what the predictor leaves of x[order:] to r[order:].
func (c *coefficients) residual(r, x []int32) {
	for i := c.order; i < len(x); i++ {
		sum := int32(0)
		for j, v := range c.coef[:c.order] {
			sum += v * x[i-1-j]
		}
		r[i] = x[i] - sum>>c.shift
	}
}

// cost returns about how many bits a subframe takes with these residuals.
func (c *coefficients) cost(residual []int32, width int) int {
	sum := uint64(0)
	for _, v := range residual[c.order:] {
		sum += uint64(fold(v))
	}
	_, size := riceParameter(sum, len(residual)-c.order)
	return size + c.order*(width+precision)
}

// lpc finds the linear predictor of a block with the autocorrelation method. The results must not depend on the
// processor: products are rounded before they are added, by the conversions that look idle, and nothing is used but
// operations that IEEE 754 defines to the last bit.
type lpc struct {
	window   []float64                       // of the last block's length
	windowed [linearOrder + blockLen]float64 // behind linearOrder zeros
}

// find returns false where there is nothing to predict or the coefficients cannot be written.
func (l *lpc) find(x []int32) (coefficients, bool) {
	if len(x) < 4*linearOrder {
		return coefficients{}, false
	}
	l.makeWindow(len(x))
	windowed := l.windowed[linearOrder:][:len(x)]
	for i, v := range x {
		windowed[i] = float64(v) * l.window[i]
	}
	r := autocorrelation(l.windowed[:linearOrder+len(x)])
	a, order := levinson(&r)
	return quantize(a[:order])
}

// makeWindow makes a window that is flat in its middle half and falls off in smooth steps.
func (l *lpc) makeWindow(n int) {
	if n == len(l.window) {
		return
	}
	l.window = make([]float64, n)
	edge := n / 4
	for i := range l.window {
		w := 1.0
		if d := min(i, n-1-i); d < edge {
			t := (float64(d) + 0.5) / float64(edge)
			w = float64(t*t) * (3 - float64(2*t))
		}
		l.window[i] = w
	}
}

// autocorrelation returns the sums of x[i]*x[i-lag], where x begins with linearOrder zeros.
func autocorrelation(x []float64) (r [linearOrder + 1]float64) {
	for lag := range r {
		for i := linearOrder; i < len(x); i++ {
			r[lag] += float64(x[i] * x[i-lag])
		}
	}
	return r
}

// levinson solves the normal equations by the Levinson-Durbin recursion. The order is less than linearOrder where the
// signal is predicted completely.
func levinson(r *[linearOrder + 1]float64) (a [linearOrder]float64, order int) {
	rest := r[0]
	for i := range a {
		if rest <= r[0]*1e-9 {
			return a, i
		}
		k := r[i+1]
		for j := range i {
			k -= float64(a[j] * r[i-j])
		}
		k /= rest
		b := a
		for j := range i {
			a[j] -= float64(k * b[i-1-j])
		}
		a[i] = k
		rest *= 1 - float64(k*k)
	}
	return a, linearOrder
}

// quantize rounds coefficients to integers of precision bits with a common shift. What rounding changes in one goes to
// the next.
func quantize(a []float64) (c coefficients, ok bool) {
	largest := 0.0
	for _, v := range a {
		largest = max(largest, math.Abs(v))
	}
	if largest == 0 {
		return c, false
	}
	_, exponent := math.Frexp(largest)
	c.order, c.shift = len(a), min(precision-1-exponent, 15)
	if c.shift < 0 {
		return c, false
	}
	const limit = 1 << (precision - 1)
	left := 0.0
	for j, v := range a {
		left += float64(v * float64(int(1)<<c.shift))
		q := min(max(math.Floor(left+0.5), -limit), limit-1)
		c.coef[j] = int32(q)
		left -= q
	}
	return c, true
}
