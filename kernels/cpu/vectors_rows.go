package cpu

import "fmt"

// rowCount is the number of rows of matrix m, which are as wide as like. It panics when there is a part of a row: assembly trusts the sizes.
func rowCount(m, like []float32) int {
	if len(like) == 0 {
		return 0
	}
	if len(m)%len(like) != 0 {
		panic(fmt.Sprintf("cpu: %d values are no rows of %d", len(m), len(like)))
	}
	return len(m) / len(like)
}

// eachRow calls f with the place of each row.
func eachRow(m, like []float32, f func(lo, hi int)) {
	for i := range rowCount(m, like) {
		f(i*len(like), (i+1)*len(like))
	}
}

func affine(y, x, mean, a, b []float32) {
	eachRow(y, mean, func(lo, hi int) {
		to, from := y[lo:hi], x[lo:hi]
		mean, a, b := mean[:len(to)], a[:len(to)], b[:len(to)]
		for i, v := range from {
			to[i] = (v-mean[i])*a[i] + b[i]
		}
	})
}

func affineGrad(dx, dy, x, mean, gamma, p, q, r []float32) {
	eachRow(dx, mean, func(lo, hi int) {
		to, g, from := dx[lo:hi], dy[lo:hi], x[lo:hi]
		n := len(to)
		mean, gamma, p, q, r := mean[:n], gamma[:n], p[:n], q[:n], r[:n]
		for i, v := range from {
			to[i] = (float32(g[i]*gamma[i]) - p[i] - (v-mean[i])*q[i]) * r[i]
		}
	})
}

func addRows(acc, x []float32) {
	eachRow(x, acc, func(lo, hi int) { add(acc, x[lo:hi]) })
}

func addDeviation(acc, x, mean []float32) {
	eachRow(x, acc, func(lo, hi int) {
		row, mean := x[lo:hi], mean[:len(acc)]
		for i := range acc {
			d := row[i] - mean[i]
			acc[i] += d * d
		}
	})
}

func addCentered(s, t, dy, x, mean []float32) {
	eachRow(dy, s, func(lo, hi int) {
		g, row := dy[lo:hi], x[lo:hi]
		t, mean := t[:len(s)], mean[:len(s)]
		for i := range s {
			s[i] += g[i]
			t[i] += g[i] * (row[i] - mean[i])
		}
	})
}
