package flac

// fixedOrder returns the fixed predictor with the least sum of residuals, and about the bits that they take.
func fixedOrder(x []int32, width int) (order, size int) {
	if len(x) <= 4 {
		return 0, 0
	}
	var sums [5]uint64
	a, b, c, d := x[3], x[2], x[1], x[0]
	d1 := a - b
	d2 := d1 - (b - c)
	d3 := d2 - (b - c - (c - d))
	for _, v := range x[4:] {
		e1 := v - a
		e2 := e1 - d1
		e3 := e2 - d2
		e4 := e3 - d3
		sums[0] += uint64(max(v, -v))
		sums[1] += uint64(max(e1, -e1))
		sums[2] += uint64(max(e2, -e2))
		sums[3] += uint64(max(e3, -e3))
		sums[4] += uint64(max(e4, -e4))
		a, d1, d2, d3 = v, e1, e2, e3
	}
	for o, sum := range sums {
		if sum < sums[order] {
			order = o
		}
	}
	_, size = riceParameter(2*sums[order], len(x))
	return order, size + order*width
}

// fixedResidual writes what the fixed predictor of that order leaves of x[order:] to r[order:].
func fixedResidual(r, x []int32, order int) {
	switch order {
	case 0:
		copy(r, x)
	case 1:
		for i := 1; i < len(x); i++ {
			r[i] = x[i] - x[i-1]
		}
	case 2:
		for i := 2; i < len(x); i++ {
			r[i] = x[i] - 2*x[i-1] + x[i-2]
		}
	case 3:
		for i := 3; i < len(x); i++ {
			r[i] = x[i] - 3*x[i-1] + 3*x[i-2] - x[i-3]
		}
	case 4:
		for i := 4; i < len(x); i++ {
			r[i] = x[i] - 4*x[i-1] + 6*x[i-2] - 4*x[i-3] + x[i-4]
		}
	}
}
