package plots

import "math"

// smooth returns the debiased exponential moving average of values with weight w on the past: each average is divided
// by 1 - w^n, so that the first points are not pulled to zero. Non-finite values pass through and leave the average as it
// was; a constant series stays as it is. This is TensorBoard's smoothing
// (webapp/widgets/line_chart_v2/data_transformer.ts).
func smooth(values []float64, w float64) []float64 {
	out := make([]float64, len(values))
	constant := true
	for _, v := range values {
		constant = constant && v == values[0]
	}
	last, count := 0.0, 0
	for i, v := range values {
		if constant || !finite(v) {
			out[i] = v
			continue
		}
		last = last*w + (1-w)*v
		count++
		out[i] = last / (1 - math.Pow(w, float64(count)))
	}
	return out
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
