package cuda

import (
	"aural/kernels"
	"aural/kernels/cuda/driver"
)

type convNormArgs struct {
	X, W, Gamma, Beta             driver.Ptr
	Y, U, Norm, Mean, Rstd, Dy    driver.Ptr
	Moments, Windows, Channels    driver.Ptr
	Parts, Sums                   driver.Ptr
	Dw, Dgamma, Dbeta             driver.Ptr
	Batch, Samples, Frames, Width int32
	Kernel, Stride                int32
	Chunk, Chunks                 int32
	Eps                           float64
}

// Limits and sizes of src/conv_norm.cu.
const (
	convNormSpan    = 512 // frames of a block that sums moments
	convNormKernel  = 16  // the longest kernel
	convNormStride  = 16  // more would not fit into shared memory
	convNormForward = 128 // frames of a block
	convNormGrad    = 512
)

// convNormFits reports whether the kernels have this convolution with this normalisation behind it: of a waveform, without padding, each channel a group.
func convNormFits(o kernels.Conv1D, x, w kernels.Desc, groups int) bool {
	return x.DType == kernels.Float32 && x.Shape[2] == 1 && o.PadLeft == 0 && o.PadRight == 0 &&
		o.Stride <= convNormStride && w.Shape[2] <= convNormKernel && w.Shape[0]%2 == 0 && groups == w.Shape[0]
}

// convNorm adds the statistics of a layer to a plan: convolution and normalisation are the first two links of the chain.
func (p *plan) convNorm(c *chain, chunk int) (a *convNormArgs, bind func(c *call)) {
	conv, norm := c.Links[0], c.Links[1].Op.(kernels.GroupNorm)
	x, y, k := conv.In[0].Shape, conv.Out[0].Shape, conv.In[1].Shape[2]
	batch, samples, frames, width, stride := x[0], x[1], y[1], y[2], conv.Op.(kernels.Conv1D).Stride
	spans := ceilDiv(frames, convNormSpan)
	a = &convNormArgs{
		Batch: int32(batch), Samples: int32(samples), Frames: int32(frames), Width: int32(width), Kernel: int32(k), Stride: int32(stride),
		Chunk: int32(chunk), Chunks: int32(ceilDiv(frames, chunk)), Eps: norm.Eps,
	}
	moments, windows, channels := p.reserve(8*batch*spans*(k+k*(k+1)/2)), p.reserve(8*batch*(k+k*k+1)), p.reserve(16*batch*width)
	wave, w, gamma, beta, mean, rstd := c.in(0, 0), c.in(0, 1), c.in(1, 1), c.in(1, 2), c.out(1, 1), c.out(1, 2)
	bind = func(c *call) {
		a.X, a.W, a.Gamma, a.Beta, a.Mean, a.Rstd = wave(c), w(c), gamma(c), beta(c), mean(c), rstd(c)
		a.Moments, a.Windows, a.Channels = moments.at(c), windows.at(c), channels.at(c)
	}
	room := 4 * ((convNormSpan-1)*stride + k)
	add(p, "conv_norm_moments", driver.Dim{X: uint32(spans), Y: uint32(batch), Z: 1}, driver.Dim{X: threads, Y: 1, Z: 1}, room, a, bind)
	grid, block := blocks(batch, threads)
	add(p, "conv_norm_stats", grid, block, 0, a, bind)
	return a, bind
}

// convNormFrames adds the kernel that walks over frames, 512 channels a block. alone: only y is wanted of a forward pass.
func (p *plan) convNormFrames(kernel string, y kernels.Desc, a *convNormArgs, alone bool, bind func(c *call)) {
	switch {
	case p.b.precision == kernels.PrecisionBF16 && alone && a.Kernel < convNormKernel && a.Width%64 == 0:
		kernel += "_tensor"
	case a.Kernel == 10 && a.Stride == 5:
		kernel += "_10_5"
	}
	p.variant = stored(kernel, y)
	lanes := min(threads, ceilDiv(int(a.Width), 64)*32)
	grid := driver.Dim{X: uint32(a.Chunks), Y: uint32(ceilDiv(int(a.Width), 2*lanes)), Z: uint32(a.Batch)}
	room := 4 * int((a.Chunk+15)*a.Stride+convNormKernel) // whole groups of frames
	add(p, stored(kernel, y), grid, driver.Dim{X: uint32(lanes), Y: 1, Z: 1}, room, a, bind)
}

func (b *Backend) convNormGELU(c *chain) *plan {
	p := b.plan("conv_norm")
	a, stats := p.convNorm(c, convNormForward)
	u, norm, y := c.out(0, 0), c.out(1, 0), c.out(2, 0)
	p.convNormFrames("conv_norm", c.Links[2].Out[0], a, !c.used(0, 0) && !c.used(1, 0), func(c *call) {
		stats(c)
		a.U, a.Norm, a.Y = u(c), norm(c), y(c)
	})
	return p
}

// convNormGELUGrad is the chain conv1d, group_norm, again; gelu_grad, group_norm_grad, conv1d_grad_weight.
func (b *Backend) convNormGELUGrad(c *chain) *plan {
	p := b.plan("conv_norm_grad")
	a, stats := p.convNorm(c, convNormGrad)
	batch, width, k := int(a.Batch), int(a.Width), int(a.Kernel)
	parts, sums := p.floats(batch*int(a.Chunks)*(k+1)*width), p.reserve(8*batch*(k+1)*width)
	dy, dgamma, dbeta, dw := c.in(2, 0), c.out(3, 1), c.out(3, 2), c.out(4, 0)
	bind := func(c *call) {
		stats(c)
		a.Dy, a.Dgamma, a.Dbeta, a.Dw = dy(c), dgamma(c), dbeta(c), dw(c)
		a.Parts, a.Sums = parts.at(c), sums.at(c)
	}
	p.convNormFrames("conv_norm_grad", c.Links[2].In[0], a, true, bind)
	grid, block := each(batch * (k + 1) * width)
	add(p, "conv_norm_grad_rows", grid, block, 0, a, bind)
	grid, block = eachWarp(width)
	add(p, "conv_norm_grad_finish", grid, block, 0, a, bind)
	return p
}
