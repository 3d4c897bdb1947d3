package ref

import "aural/kernels"

// maskFrames is y[b,t,:] = emb where mask[b,t] is set, else x[b,t,:].
func maskFrames[T float](in []kernels.Desc) kernels.Kernel {
	channels := in[0].Last()
	return kernel(func(_ *kernels.Step, in, out []kernels.Buffer, _ []float64) {
		x, mask, emb, y := vec[T](in[0]), kernels.Data[uint8](in[1]), vec[T](in[2]), vec[T](out[0])
		for r, masked := range mask {
			from := x[r*channels : (r+1)*channels]
			if masked != 0 {
				from = emb
			}
			copy(y[r*channels:(r+1)*channels], from)
		}
	})
}

// maskFramesGrad is dx = dy outside the mask and 0 inside, demb[c] = Σ over masked frames of dy[b,t,c].
func maskFramesGrad[T float](in []kernels.Desc) kernels.Kernel {
	channels := in[0].Last()
	return kernel(func(_ *kernels.Step, in, out []kernels.Buffer, _ []float64) {
		dy, mask, dx, demb := vec[T](in[0]), kernels.Data[uint8](in[1]), vec[T](out[0]), vec[T](out[1])
		for c := range channels {
			sum := 0.0
			for r, masked := range mask {
				if masked != 0 {
					sum += float64(dy[r*channels+c])
					dx[r*channels+c] = 0
				} else {
					dx[r*channels+c] = dy[r*channels+c]
				}
			}
			demb[c] = T(sum)
		}
	})
}

// maskChannels is y[b,t,c] = 0 where mask[b,c] is set, else x[b,t,c].
func maskChannels[T float](in []kernels.Desc) kernels.Kernel {
	frames, channels := in[0].Shape[1], in[0].Shape[2]
	return kernel(func(_ *kernels.Step, in, out []kernels.Buffer, _ []float64) {
		mask, y := kernels.Data[uint8](in[1]), vec[T](out[0])
		for i, x := range vec[T](in[0]) {
			b, c := i/(frames*channels), i%channels
			if mask[b*channels+c] != 0 {
				x = 0
			}
			y[i] = x
		}
	})
}

// maskPadding is y[b,t,c] = x[b,t,c] for t < lengths[b], else 0.
func maskPadding[T float](in []kernels.Desc) kernels.Kernel {
	frames, channels := in[0].Shape[1], in[0].Shape[2]
	return kernel(func(_ *kernels.Step, in, out []kernels.Buffer, _ []float64) {
		lengths, y := in[1].I32(), vec[T](out[0])
		for i, x := range vec[T](in[0]) {
			b, t := i/(frames*channels), i/channels%frames
			if t >= int(lengths[b]) {
				x = 0
			}
			y[i] = x
		}
	})
}

// gatherRows is y[n,:] = x[index[n],:], a zero row where the index is negative.
func gatherRows[T float](out []kernels.Desc) kernels.Kernel {
	channels := out[0].Last()
	return kernel(func(_ *kernels.Step, in, out []kernels.Buffer, _ []float64) {
		x, y := vec[T](in[0]), vec[T](out[0])
		for n, row := range in[1].I32() {
			if row < 0 {
				clear(y[n*channels : (n+1)*channels])
			} else {
				copy(y[n*channels:(n+1)*channels], x[int(row)*channels:])
			}
		}
	})
}

// scatterRows is dx[r,:] = Σ over n with index[n] = r of dy[n,:].
func scatterRows[T float](in, out []kernels.Desc) kernels.Kernel {
	rows, channels := out[0].Rows(), in[0].Last()
	return kernelWithScratch(channels, func(_ *kernels.Step, in, out []kernels.Buffer, sum []float64) {
		dy, dx := vec[T](in[0]), vec[T](out[0])
		for r := range rows {
			clear(sum)
			for n, row := range in[1].I32() {
				if int(row) != r {
					continue
				}
				for c := range channels {
					sum[c] += float64(dy[n*channels+c])
				}
			}
			round(dx[r*channels:(r+1)*channels], sum)
		}
	})
}

// selectBranch is y = a where cond is not 0, else b.
func selectBranch[T float]() kernels.Kernel {
	return kernel(func(_ *kernels.Step, in, out []kernels.Buffer, _ []float64) {
		taken := in[2]
		if in[0].I32()[0] != 0 {
			taken = in[1]
		}
		copy(vec[T](out[0]), vec[T](taken))
	})
}

// selectGrad is (da, db) = (dy, 0) where cond is not 0, else (0, dy).
func selectGrad[T float]() kernels.Kernel {
	return kernel(func(_ *kernels.Step, in, out []kernels.Buffer, _ []float64) {
		taken, other := out[1], out[0]
		if in[0].I32()[0] != 0 {
			taken, other = out[0], out[1]
		}
		copy(vec[T](taken), vec[T](in[1]))
		clear(vec[T](other))
	})
}

// round stores float64 results in a tensor.
func round[T float](y []T, x []float64) {
	for i, v := range x {
		y[i] = T(v)
	}
}

// waveform is y = (x - zero)·scale + bias in the frames that a row has, and 0 behind them.
func waveform[T float](in []kernels.Desc) kernels.Kernel {
	n := in[0].Shape[1]
	return kernel(func(_ *kernels.Step, in, out []kernels.Buffer, _ []float64) {
		x, affine, y := kernels.Data[int16](in[0]), vec[T](in[1]), vec[T](out[0])
		for b, length := range in[2].I32() {
			zero, scale, bias := affine[3*b], affine[3*b+1], affine[3*b+2]
			for s := range n {
				y[b*n+s] = 0
				if s < int(length) {
					y[b*n+s] = T((T(x[b*n+s])-zero)*scale) + bias
				}
			}
		}
	})
}
