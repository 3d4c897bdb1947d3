package ref

import (
	"math"

	"aural/kernels"
)

// convShape names the sizes of a convolution x (B,T,Cin), w (Cout,I,K) -> y (B,To,Cout) with I = Cin/Groups and O = Cout/Groups.
type convShape struct {
	kernels.Conv1D
	batch, frames, outFrames int
	cin, cout                int
	i, o, k                  int
}

func newConvShape(op kernels.Conv1D, x, w, y []int) convShape {
	return convShape{
		Conv1D: op, batch: x[0], frames: x[1], outFrames: y[1], cin: x[2], cout: y[2],
		i: x[2] / op.Groups, o: y[2] / op.Groups, k: w[2],
	}
}

// frame is the input frame that tap k of output frame t reads; ok is false in the zero padding.
func (c convShape) frame(t, k int) (f int, ok bool) {
	f = t*c.Stride + k - c.PadLeft
	return f, f >= 0 && f < c.frames
}

// conv1D is y[b,t,o] = bias[o] + Σ_{i,k} w[o,i,k]·x[b, t·stride+k-pad, group(o)·I+i].
func conv1D[T float](op kernels.Conv1D, in, out []kernels.Desc) kernels.Kernel {
	c := newConvShape(op, in[0].Shape, in[1].Shape, out[0].Shape)
	return kernel(func(_ *kernels.Step, in, out []kernels.Buffer, _ []float64) {
		x, w, y := vec[T](in[0]), vec[T](in[1]), vec[T](out[0])
		var bias []T
		if len(in) == 3 {
			bias = vec[T](in[2])
		}
		for b := range c.batch {
			for t := range c.outFrames {
				for o := range c.cout {
					sum := 0.0
					if bias != nil {
						sum = float64(bias[o])
					}
					first := o / c.o * c.i // first input channel of o's group
					for k := range c.k {
						f, ok := c.frame(t, k)
						if !ok {
							continue
						}
						for i := range c.i {
							sum += float64(w[(o*c.i+i)*c.k+k]) * float64(x[(b*c.frames+f)*c.cin+first+i])
						}
					}
					y[(b*c.outFrames+t)*c.cout+o] = T(sum)
				}
			}
		}
	})
}

// conv1DGradInput is dx[b,f,j] = Σ_{o,t,k: t·stride+k-pad = f} dy[b,t,o]·w[o,i,k], o over the group of channel j and i = j's place in it.
func conv1DGradInput[T float](op kernels.Conv1DGradInput, in, out []kernels.Desc) kernels.Kernel {
	c := newConvShape(op.Conv, out[0].Shape, in[1].Shape, in[0].Shape)
	return kernel(func(_ *kernels.Step, in, out []kernels.Buffer, _ []float64) {
		dy, w, dx := vec[T](in[0]), vec[T](in[1]), vec[T](out[0])
		for b := range c.batch {
			for f := range c.frames {
				for j := range c.cin {
					group, i := j/c.i, j%c.i
					sum := 0.0
					for k := range c.k {
						t := (f + c.PadLeft - k) / c.Stride
						if f+c.PadLeft-k < 0 || t*c.Stride != f+c.PadLeft-k || t >= c.outFrames {
							continue // no output frame reads frame f with tap k
						}
						for o := group * c.o; o < (group+1)*c.o; o++ {
							sum += float64(dy[(b*c.outFrames+t)*c.cout+o]) * float64(w[(o*c.i+i)*c.k+k])
						}
					}
					dx[(b*c.frames+f)*c.cin+j] = T(sum)
				}
			}
		}
	})
}

// conv1DGradWeight is dw[o,i,k] = Σ_{b,t} dy[b,t,o]·x[b, t·stride+k-pad, group(o)·I+i] and db[o] = Σ_{b,t} dy[b,t,o].
func conv1DGradWeight[T float](op kernels.Conv1DGradWeight, in, out []kernels.Desc) kernels.Kernel {
	c := newConvShape(op.Conv, in[1].Shape, out[0].Shape, in[0].Shape)
	return kernel(func(_ *kernels.Step, in, out []kernels.Buffer, _ []float64) {
		dy, x, dw := vec[T](in[0]), vec[T](in[1]), vec[T](out[0])
		for o := range c.cout {
			for i := range c.i {
				for k := range c.k {
					sum := 0.0
					for b := range c.batch {
						for t := range c.outFrames {
							if f, ok := c.frame(t, k); ok {
								sum += float64(dy[(b*c.outFrames+t)*c.cout+o]) * float64(x[(b*c.frames+f)*c.cin+o/c.o*c.i+i])
							}
						}
					}
					dw[(o*c.i+i)*c.k+k] = T(sum)
				}
			}
		}
		if op.Bias {
			sumRows(vec[T](out[1]), dy, c.batch*c.outFrames)
		}
	})
}

// weightNorm is norm[k] = √Σ_r v[r,k]², w[r,k] = g[k]·v[r,k]/norm[k] for v (R,K), R = O·I rows.
func weightNorm[T float](in []kernels.Desc) kernels.Kernel {
	rows, taps := in[1].Rows(), in[1].Last()
	return kernel(func(_ *kernels.Step, in, out []kernels.Buffer, _ []float64) {
		g, v, w, norm := vec[T](in[0]), vec[T](in[1]), vec[T](out[0]), vec[T](out[1])
		for k := range taps {
			sum := 0.0
			for r := range rows {
				sum += float64(v[r*taps+k]) * float64(v[r*taps+k])
			}
			n := math.Sqrt(sum)
			norm[k] = T(n)
			for r := range rows {
				w[r*taps+k] = T(float64(g[k]) * float64(v[r*taps+k]) / n)
			}
		}
	})
}

// weightNormGrad is, per tap k with u = v/norm the unit vector, dg = Σ_r dw[r]·u[r] and dv[r] = g/norm·(dw[r] - u[r]·dg).
func weightNormGrad[T float](in []kernels.Desc) kernels.Kernel {
	rows, taps := in[2].Rows(), in[2].Last()
	return kernel(func(_ *kernels.Step, in, out []kernels.Buffer, _ []float64) {
		dw, g, v, norm := vec[T](in[0]), vec[T](in[1]), vec[T](in[2]), vec[T](in[3])
		dg, dv := vec[T](out[0]), vec[T](out[1])
		for k := range taps {
			n, sum := float64(norm[k]), 0.0
			for r := range rows {
				sum += float64(dw[r*taps+k]) * float64(v[r*taps+k]) / n
			}
			dg[k] = T(sum)
			for r := range rows {
				u := float64(v[r*taps+k]) / n
				dv[r*taps+k] = T(float64(g[k]) / n * (float64(dw[r*taps+k]) - u*sum))
			}
		}
	})
}
