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

// clipScale is the decision of kernels.ClipScale.
func clipScale[T float](op kernels.ClipScale) kernels.Kernel {
	return kernel(func(_ *kernels.Step, in, out []kernels.Buffer, _ []float64) {
		size, sum := kernels.Data[float64](in[1])[0], 0.0
		for _, s := range kernels.Data[float64](in[2]) {
			sum += s
		}
		norm, factor, fault := math.Sqrt(sum)/size, 1.0, 0.0
		if op.Clip > 0 {
			factor = min(1, op.Clip/(norm+1e-6))
		}
		if !finite(norm) {
			fault = kernels.FaultNorm
		}
		for _, l := range vec[T](in[0]) {
			if !finite(float64(l)) {
				fault = kernels.FaultLoss
			}
		}
		if !(size > 0) || !finite(size) {
			fault = kernels.FaultSize
		}
		copy(kernels.Data[float64](out[0]), []float64{norm, factor, factor / size, fault})
	})
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// adamW is the update of kernels.AdamW. Each element is read before it is written, so outputs may be the inputs.
func adamW[T float](op kernels.AdamW) kernels.Kernel {
	return kernel(func(_ *kernels.Step, in, out []kernels.Buffer, _ []float64) {
		w, grad, m, v := vec[T](in[0]), vec[T](in[1]), vec[T](in[2]), vec[T](in[3])
		hyper := kernels.Data[float64](in[4])
		lr, decay, t := hyper[0], hyper[1], hyper[2]
		verdict := kernels.Data[float64](in[5])
		scale := verdict[2]
		newW, newM, newV := vec[T](out[0]), vec[T](out[1]), vec[T](out[2])
		if verdict[3] != 0 {
			copy(newW, w)
			copy(newM, m)
			copy(newV, v)
			return
		}
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
