package kernels

// Conv1D is a convolution over time (cross-correlation, as in PyTorch). In: x (B,T,Cin), w (Cout,Cin/Groups,K), optionally
// b (Cout). Out: y (B,To,Cout) with To = floor((T+PadLeft+PadRight-K)/Stride)+1; padding is with zeros.
//
//	y[b,t,o] = bias[o] + Σ_{i,k} w[o,i,k] · x[b, t·Stride+k-PadLeft, group(o)·Cin/Groups+i]
//
// The positional convolution of wav2vec 2.0 pads K/2 on both sides and drops the last frame when K is even; that is
// PadLeft K/2 and PadRight K/2-1 here.
type Conv1D struct {
	Stride, PadLeft, PadRight, Groups int
}

func (Conv1D) Name() string { return "conv1d" }
func (Conv1D) sealed()      {}

// OutLen is the number of output frames for t input frames and kernel length k, 0 when t is too short.
func (o Conv1D) OutLen(t, k int) int {
	n := t + o.PadLeft + o.PadRight - k
	if n < 0 {
		return 0
	}
	return n/o.Stride + 1
}

func (o Conv1D) valid(c *checker, cin, cout int) bool {
	if o.Stride < 1 || o.Groups < 1 || o.PadLeft < 0 || o.PadRight < 0 {
		c.failf("bad attributes %+v", o)
	} else if cin%o.Groups != 0 || cout%o.Groups != 0 {
		c.failf("%d input and %d output channels do not divide into %d groups", cin, cout, o.Groups)
	}
	return c.err == nil
}

func (o Conv1D) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(2, 3) || !c.rank(0, 3) || !c.rank(1, 3) || !o.valid(c, in[0].Shape[2], in[1].Shape[0]) {
		return c.done()
	}
	t := c.float(0, 1, 2)
	x, w := in[0].Shape, in[1].Shape
	if x[2]/o.Groups != w[1] {
		c.failf("x has %d channels in %d groups, w takes %d a group", x[2], o.Groups, w[1])
	}
	c.shape(2, w[0])
	n := o.OutLen(x[1], w[2])
	if n < 1 {
		c.failf("%d frames are too few for a kernel of %d", x[1], w[2])
	}
	return c.done(Of(t, x[0], n, w[0]))
}

func (Conv1D) FLOPs(in, out []Desc) int64 {
	return 2 * int64(out[0].Size()) * int64(in[1].Shape[1]*in[1].Shape[2])
}

// Conv1DGradInput gives dx (B,Len,Cin) of a [Conv1D]. In: dy (B,To,Cout), w (Cout,Cin/Groups,K).
type Conv1DGradInput struct {
	Conv Conv1D
	Len  int // frames of the input
}

func (Conv1DGradInput) Name() string { return "conv1d_grad_input" }
func (Conv1DGradInput) sealed()      {}

func (o Conv1DGradInput) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(2, 2) || !c.rank(0, 3) || !c.rank(1, 3) {
		return c.done()
	}
	t := c.float(0, 1)
	dy, w := in[0].Shape, in[1].Shape
	if !o.Conv.valid(c, w[1]*max(o.Conv.Groups, 1), w[0]) {
		return c.done()
	}
	if o.Len < 1 {
		c.failf("an input of %d frames", o.Len)
	}
	c.shape(0, dy[0], o.Conv.OutLen(o.Len, w[2]), w[0])
	return c.done(Of(t, dy[0], o.Len, w[1]*o.Conv.Groups))
}

func (Conv1DGradInput) FLOPs(in, out []Desc) int64 {
	return 2 * int64(in[0].Size()) * int64(in[1].Shape[1]*in[1].Shape[2])
}

// Conv1DGradWeight gives dw (Cout,Cin/Groups,K) and, with Bias, db (Cout) of a [Conv1D]. In: dy (B,To,Cout), x (B,T,Cin).
type Conv1DGradWeight struct {
	Conv   Conv1D
	Kernel int // K
	Bias   bool
}

func (Conv1DGradWeight) Name() string { return "conv1d_grad_weight" }
func (Conv1DGradWeight) sealed()      {}

func (o Conv1DGradWeight) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(2, 2) || !c.rank(0, 3) || !c.rank(1, 3) || !o.Conv.valid(c, in[1].Shape[2], in[0].Shape[2]) {
		return c.done()
	}
	t := c.float(0, 1)
	dy, x := in[0].Shape, in[1].Shape
	if o.Kernel < 1 {
		c.failf("a kernel of %d frames", o.Kernel)
	}
	c.shape(0, x[0], o.Conv.OutLen(x[1], o.Kernel), dy[2])
	out := []Desc{Of(t, dy[2], x[2]/o.Conv.Groups, o.Kernel)}
	if o.Bias {
		out = append(out, Of(t, dy[2]))
	}
	return c.done(out...)
}

func (o Conv1DGradWeight) FLOPs(in, out []Desc) int64 {
	return 2 * int64(in[0].Size()) * int64(out[0].Shape[1]*o.Kernel)
}

// WeightNorm is w[:,:,k] = g[k]·v[:,:,k]/‖v[:,:,k]‖ (Salimans and Kingma 2016, over the last axis as the positional convolution of
// wav2vec 2.0 has it). In: g (1,1,K), v (O,I,K). Out: w (O,I,K), norm (K).
type WeightNorm struct{}

func (WeightNorm) Name() string { return "weight_norm" }
func (WeightNorm) sealed()      {}

func (o WeightNorm) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(2, 2) || !c.rank(1, 3) {
		return c.done()
	}
	t := c.float(0, 1)
	c.shape(0, 1, 1, in[1].Last())
	return c.done(Of(t, in[1].Shape...), Of(t, in[1].Last()))
}

func (WeightNorm) FLOPs(in, out []Desc) int64 { return 3 * int64(in[1].Size()) }

// WeightNormGrad gives dg (1,1,K) and dv (O,I,K). In: dw (O,I,K), g (1,1,K), v (O,I,K), norm (K).
type WeightNormGrad struct{}

func (WeightNormGrad) Name() string { return "weight_norm_grad" }
func (WeightNormGrad) sealed()      {}

func (o WeightNormGrad) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(4, 4) || !c.rank(2, 3) {
		return c.done()
	}
	t := c.float(0, 1, 2, 3)
	k := in[2].Last()
	c.same(2, 0)
	c.shape(1, 1, 1, k)
	c.shape(3, k)
	return c.done(Of(t, 1, 1, k), Of(t, in[2].Shape...))
}

func (WeightNormGrad) FLOPs(in, out []Desc) int64 { return 6 * int64(in[0].Size()) }
