package ref

import (
	"math"

	"aural/kernels"
)

// sumSquares is Σx² in float64.
func sumSquares[T float]() kernels.Kernel {
	return kernel(func(_ *kernels.Step, in, out []kernels.Buffer, _ []float64) {
		kernels.Data[float64](out[0])[0] = sumOfSquares(vec[T](in[0]))
	})
}

// adamW is the update of kernels.AdamW. Each element is read before it is written, so outputs may be the inputs.
func adamW[T float](op kernels.AdamW) kernels.Kernel {
	return kernel(func(_ *kernels.Step, in, out []kernels.Buffer, _ []float64) {
		w, grad, m, v := vec[T](in[0]), vec[T](in[1]), vec[T](in[2]), vec[T](in[3])
		hyper := kernels.Data[float64](in[4])
		lr, decay, t, scale := hyper[0], hyper[1], hyper[2], hyper[3]
		newW, newM, newV := vec[T](out[0]), vec[T](out[1]), vec[T](out[2])
		correct1, correct2 := 1-math.Pow(op.Beta1, t), 1-math.Pow(op.Beta2, t)
		for i := range w {
			g := scale * float64(grad[i])
			m1 := op.Beta1*float64(m[i]) + (1-op.Beta1)*g
			v1 := op.Beta2*float64(v[i]) + (1-op.Beta2)*g*g
			w1 := float64(w[i])
			newW[i] = T(w1 - lr*decay*w1 - lr/correct1*m1/(math.Sqrt(v1)/math.Sqrt(correct2)+op.Eps))
			newM[i], newV[i] = T(m1), T(v1)
		}
	})
}
