package ref

import (
	"math"

	"aural/kernels"
)

// layerNorm is, per row of x (R,C): mean = Σx/C, rstd = 1/√(Σ(x-mean)²/C + eps), y = (x-mean)·rstd·gamma + beta.
func layerNorm[T float](op kernels.LayerNorm, in []kernels.Desc) kernels.Kernel {
	rows, channels := in[0].Rows(), in[0].Last()
	return kernel(func(_ *kernels.Step, in, out []kernels.Buffer, _ []float64) {
		x, gamma, beta := vec[T](in[0]), vec[T](in[1]), vec[T](in[2])
		y, means, rstds := vec[T](out[0]), vec[T](out[1]), vec[T](out[2])
		for r := range rows {
			row := x[r*channels : (r+1)*channels]
			sum := 0.0
			for _, v := range row {
				sum += float64(v)
			}
			mean := sum / float64(channels)
			sum = 0
			for _, v := range row {
				sum += (float64(v) - mean) * (float64(v) - mean)
			}
			rstd := 1 / math.Sqrt(sum/float64(channels)+op.Eps)
			for c, v := range row {
				y[r*channels+c] = T((float64(v)-mean)*rstd*float64(gamma[c]) + float64(beta[c]))
			}
			means[r], rstds[r] = T(mean), T(rstd)
		}
	})
}

// layerNormGrad is, per row with x̂ = (x-mean)·rstd and g = dy·gamma: dx = rstd·(g - Σg/C - x̂·Σ(g·x̂)/C);
// over all rows dgamma[c] = Σ_r dy·x̂ and dbeta[c] = Σ_r dy.
func layerNormGrad[T float](in []kernels.Desc) kernels.Kernel {
	rows, channels := in[1].Rows(), in[1].Last()
	return kernel(func(_ *kernels.Step, in, out []kernels.Buffer, _ []float64) {
		dy, x, gamma, means, rstds := vec[T](in[0]), vec[T](in[1]), vec[T](in[2]), vec[T](in[3]), vec[T](in[4])
		dx, dgamma, dbeta := vec[T](out[0]), vec[T](out[1]), vec[T](out[2])
		for r := range rows {
			mean, rstd := float64(means[r]), float64(rstds[r])
			sumG, sumGX := 0.0, 0.0
			for c := range channels {
				g := float64(dy[r*channels+c]) * float64(gamma[c])
				sumG += g
				sumGX += g * (float64(x[r*channels+c]) - mean) * rstd
			}
			for c := range channels {
				g := float64(dy[r*channels+c]) * float64(gamma[c])
				xhat := (float64(x[r*channels+c]) - mean) * rstd
				dx[r*channels+c] = T(rstd * (g - sumG/float64(channels) - xhat*sumGX/float64(channels)))
			}
		}
		for c := range channels {
			sum := 0.0
			for r := range rows {
				sum += float64(dy[r*channels+c]) * (float64(x[r*channels+c]) - float64(means[r])) * float64(rstds[r])
			}
			dgamma[c] = T(sum)
		}
		sumRows(dbeta, dy, rows)
	})
}

// groupNorm is layerNorm's formula over the T·C/G elements of each batch row and channel group of x (B,T,C).
func groupNorm[T float](op kernels.GroupNorm, in []kernels.Desc) kernels.Kernel {
	batch, frames, channels := in[0].Shape[0], in[0].Shape[1], in[0].Shape[2]
	width := channels / op.Groups
	n := float64(frames * width)
	return kernel(func(_ *kernels.Step, in, out []kernels.Buffer, _ []float64) {
		x, gamma, beta := vec[T](in[0]), vec[T](in[1]), vec[T](in[2])
		y, means, rstds := vec[T](out[0]), vec[T](out[1]), vec[T](out[2])
		for b := range batch {
			for g := range op.Groups {
				sum := 0.0
				for t := range frames {
					for c := g * width; c < (g+1)*width; c++ {
						sum += float64(x[(b*frames+t)*channels+c])
					}
				}
				mean := sum / n
				sum = 0
				for t := range frames {
					for c := g * width; c < (g+1)*width; c++ {
						d := float64(x[(b*frames+t)*channels+c]) - mean
						sum += d * d
					}
				}
				rstd := 1 / math.Sqrt(sum/n+op.Eps)
				for t := range frames {
					for c := g * width; c < (g+1)*width; c++ {
						i := (b*frames+t)*channels + c
						y[i] = T((float64(x[i])-mean)*rstd*float64(gamma[c]) + float64(beta[c]))
					}
				}
				means[b*op.Groups+g], rstds[b*op.Groups+g] = T(mean), T(rstd)
			}
		}
	})
}

// groupNormGrad is layerNormGrad's formula with means over the n = T·C/G elements of a batch row and group.
func groupNormGrad[T float](op kernels.GroupNormGrad, in []kernels.Desc) kernels.Kernel {
	batch, frames, channels := in[1].Shape[0], in[1].Shape[1], in[1].Shape[2]
	width := channels / op.Groups
	n := float64(frames * width)
	return kernel(func(_ *kernels.Step, in, out []kernels.Buffer, _ []float64) {
		dy, x, gamma, means, rstds := vec[T](in[0]), vec[T](in[1]), vec[T](in[2]), vec[T](in[3]), vec[T](in[4])
		dx, dgamma, dbeta := vec[T](out[0]), vec[T](out[1]), vec[T](out[2])
		for b := range batch {
			for g := range op.Groups {
				mean, rstd := float64(means[b*op.Groups+g]), float64(rstds[b*op.Groups+g])
				sumG, sumGX := 0.0, 0.0
				for t := range frames {
					for c := g * width; c < (g+1)*width; c++ {
						i := (b*frames+t)*channels + c
						d := float64(dy[i]) * float64(gamma[c])
						sumG += d
						sumGX += d * (float64(x[i]) - mean) * rstd
					}
				}
				for t := range frames {
					for c := g * width; c < (g+1)*width; c++ {
						i := (b*frames+t)*channels + c
						xhat := (float64(x[i]) - mean) * rstd
						dx[i] = T(rstd * (float64(dy[i])*float64(gamma[c]) - sumG/n - xhat*sumGX/n))
					}
				}
			}
		}
		for c := range channels {
			sum := 0.0
			for b := range batch {
				g := b*op.Groups + c/width
				for t := range frames {
					i := (b*frames+t)*channels + c
					sum += float64(dy[i]) * (float64(x[i]) - float64(means[g])) * float64(rstds[g])
				}
			}
			dgamma[c] = T(sum)
		}
		sumRows(dbeta, dy, batch*frames)
	})
}
