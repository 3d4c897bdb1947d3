package plots

// point is a point of a drawn line, in the units of the axes.
type point struct{ x, y float64 }

// decimate thins the points (x, y) for a drawing that is columns wide from x0 to x1. Of each column the first, lowest,
// highest and last point remain, in their order, so that no spike is lost and the lines between columns are those of the
// full curve. Points whose y is not finite end a segment; x does not decrease.
func decimate(x, y []float64, x0, x1 float64, columns int) (segments [][]point) {
	var segment, column []point // column: the points kept of the current column, at most 4
	var lowest, highest int     // in column
	at := -1
	flush := func() {
		segment = append(segment, column...)
		column = column[:0]
	}
	end := func() {
		flush()
		if len(segment) > 0 {
			segments = append(segments, segment)
		}
		segment, at = nil, -1
	}
	scale := 0.0
	if x1 > x0 {
		scale = float64(columns) / (x1 - x0)
	}
	for i := range y {
		if !finite(y[i]) || !finite(x[i]) {
			end()
			continue
		}
		p := point{x[i], y[i]}
		if c := int((x[i] - x0) * scale); c != at || len(column) == 0 {
			flush()
			at = c
			column, lowest, highest = append(column, p), 0, 0
			continue
		}
		column, lowest, highest = keepExtremes(append(column, p), lowest, highest)
	}
	end()
	return segments
}

// keepExtremes takes a column to which a point was appended and removes what is neither first, lowest, highest nor last.
func keepExtremes(column []point, lowest, highest int) ([]point, int, int) {
	last := len(column) - 1
	if column[last].y < column[lowest].y {
		lowest = last
	}
	if column[last].y > column[highest].y {
		highest = last
	}
	for i := 1; i < len(column)-1; i++ {
		if i == lowest || i == highest {
			continue
		}
		column = append(column[:i], column[i+1:]...)
		if lowest > i {
			lowest--
		}
		if highest > i {
			highest--
		}
		i--
	}
	return column, lowest, highest
}

// columnMeans averages the finite values of each of n columns from x0 to x1; a column without any is NaN. It serves areas,
// where extremes would lie about the amount.
func columnMeans(x, y []float64, x0, x1 float64, n int) []float64 {
	sum, count := make([]float64, n), make([]float64, n)
	for i, v := range y {
		if !finite(v) || !finite(x[i]) || x[i] < x0 || x[i] > x1 {
			continue
		}
		c := n - 1
		if x1 > x0 {
			c = min(c, int((x[i]-x0)/(x1-x0)*float64(n)))
		}
		sum[c] += v
		count[c]++
	}
	for i := range sum {
		sum[i] /= count[i] // 0/0 is NaN
	}
	return sum
}
