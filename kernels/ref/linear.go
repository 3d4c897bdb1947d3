package ref

import "aural/kernels"

// linear is y[r,o] = b[o] + Σ_i x[r,i]·w[o,i] for x (R,I), w (O,I), b (O), y (R,O).
func linear[T float](in, out []kernels.Desc) kernels.Kernel {
	rows, nIn, nOut := in[0].Rows(), in[0].Last(), out[0].Last()
	return kernel(func(_ *kernels.Step, in, out []kernels.Buffer, _ []float64) {
		x, w, y := vec[T](in[0]), vec[T](in[1]), vec[T](out[0])
		var b []T
		if len(in) == 3 {
			b = vec[T](in[2])
		}
		for r := range rows {
			for o := range nOut {
				sum := 0.0
				if b != nil {
					sum = float64(b[o])
				}
				for i := range nIn {
					sum += float64(x[r*nIn+i]) * float64(w[o*nIn+i])
				}
				y[r*nOut+o] = T(sum)
			}
		}
	})
}

// linearGradInput is dx[r,i] = Σ_o dy[r,o]·w[o,i] for dy (R,O), w (O,I), dx (R,I).
func linearGradInput[T float](in, out []kernels.Desc) kernels.Kernel {
	rows, nOut, nIn := in[0].Rows(), in[0].Last(), out[0].Last()
	return kernel(func(_ *kernels.Step, in, out []kernels.Buffer, _ []float64) {
		dy, w, dx := vec[T](in[0]), vec[T](in[1]), vec[T](out[0])
		for r := range rows {
			for i := range nIn {
				sum := 0.0
				for o := range nOut {
					sum += float64(dy[r*nOut+o]) * float64(w[o*nIn+i])
				}
				dx[r*nIn+i] = T(sum)
			}
		}
	})
}

// linearGradWeight is dw[o,i] = Σ_r dy[r,o]·x[r,i] and db[o] = Σ_r dy[r,o] for dy (R,O), x (R,I), dw (O,I), db (O).
func linearGradWeight[T float](op kernels.LinearGradWeight, in []kernels.Desc) kernels.Kernel {
	rows, nOut, nIn := in[0].Rows(), in[0].Last(), in[1].Last()
	return kernel(func(_ *kernels.Step, in, out []kernels.Buffer, _ []float64) {
		dy, x, dw := vec[T](in[0]), vec[T](in[1]), vec[T](out[0])
		for o := range nOut {
			for i := range nIn {
				sum := 0.0
				for r := range rows {
					sum += float64(dy[r*nOut+o]) * float64(x[r*nIn+i])
				}
				dw[o*nIn+i] = T(sum)
			}
		}
		if op.Bias {
			sumRows(vec[T](out[1]), dy, rows)
		}
	})
}

// sumRows is sum[c] = Σ_r x[r,c] for x (R,C), the gradient of a bias.
func sumRows[T float](sum, x []T, rows int) {
	for c := range sum {
		s := 0.0
		for r := range rows {
			s += float64(x[r*len(sum)+c])
		}
		sum[c] = T(s)
	}
}
