package kernels

// MaskFrames replaces masked frames by the learned mask vector. In: x (B,T,D), mask uint8 (B,T), emb (D). Out: y (B,T,D).
type MaskFrames struct{}

func (MaskFrames) Name() string { return "mask_frames" }
func (MaskFrames) sealed()      {}

func (o MaskFrames) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(3, 3) || !c.rank(0, 3) {
		return c.done()
	}
	x := in[0].Shape
	t := c.float(0, 2)
	c.dtype(1, Uint8)
	c.shape(1, x[0], x[1])
	c.shape(2, x[2])
	return c.done(Of(t, x...))
}

func (MaskFrames) FLOPs(in, out []Desc) int64 { return 0 }

// MaskFramesGrad gives dx (zero at masked frames) and demb (the sum of dy over masked frames). In: dy (B,T,D), mask uint8 (B,T).
// Out: dx (B,T,D), demb (D).
type MaskFramesGrad struct{}

func (MaskFramesGrad) Name() string { return "mask_frames_grad" }
func (MaskFramesGrad) sealed()      {}

func (o MaskFramesGrad) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(2, 2) || !c.rank(0, 3) {
		return c.done()
	}
	dy := in[0].Shape
	t := c.float(0)
	c.dtype(1, Uint8)
	c.shape(1, dy[0], dy[1])
	return c.done(Of(t, dy...), Of(t, dy[2]))
}

func (MaskFramesGrad) FLOPs(in, out []Desc) int64 { return int64(in[0].Size()) }

// MaskChannels zeroes masked channels of a row at all frames. The gradient is the same op applied to dy.
// In: x (B,T,D), mask uint8 (B,D). Out: y (B,T,D).
type MaskChannels struct{}

func (MaskChannels) Name() string { return "mask_channels" }
func (MaskChannels) sealed()      {}

func (o MaskChannels) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(2, 2) || !c.rank(0, 3) {
		return c.done()
	}
	x := in[0].Shape
	t := c.float(0)
	c.dtype(1, Uint8)
	c.shape(1, x[0], x[2])
	return c.done(Of(t, x...))
}

func (MaskChannels) FLOPs(in, out []Desc) int64 { return 0 }

// MaskPadding zeroes frames at and after a row's length. The gradient is the same op applied to dy.
// In: x (B,T,D), lengths int32 (B). Out: y (B,T,D).
type MaskPadding struct{}

func (MaskPadding) Name() string { return "mask_padding" }
func (MaskPadding) sealed()      {}

func (o MaskPadding) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(2, 2) || !c.rank(0, 3) {
		return c.done()
	}
	t := c.float(0)
	c.dtype(1, Int32)
	c.shape(1, in[0].Shape[0])
	return c.done(Of(t, in[0].Shape...))
}

func (MaskPadding) FLOPs(in, out []Desc) int64 { return 0 }

// GatherRows takes rows of the flattened x. In: x (…,D), index int32 (N) into the rows, -1 for a zero row. Out: y (N,D).
type GatherRows struct{}

func (GatherRows) Name() string { return "gather_rows" }
func (GatherRows) sealed()      {}

func (o GatherRows) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(2, 2) || !c.minRank(0, 2) || !c.rank(1, 1) {
		return c.done()
	}
	t := c.float(0)
	c.dtype(1, Int32)
	return c.done(Of(t, in[1].Shape[0], in[0].Last()))
}

func (GatherRows) FLOPs(in, out []Desc) int64 { return 0 }

// ScatterRows is the gradient of [GatherRows]: rows of dy are added, in order, to a zero tensor of Batch x Frames rows.
// In: dy (N,D), index int32 (N). Out: dx (Batch,Frames,D).
type ScatterRows struct{ Batch, Frames int }

func (ScatterRows) Name() string { return "scatter_rows" }
func (ScatterRows) sealed()      {}

func (o ScatterRows) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(2, 2) || !c.rank(0, 2) {
		return c.done()
	}
	t := c.float(0)
	c.dtype(1, Int32)
	c.shape(1, in[0].Shape[0])
	if o.Batch < 1 || o.Frames < 1 {
		c.failf("%d rows of %d frames", o.Batch, o.Frames)
	}
	return c.done(Of(t, o.Batch, o.Frames, in[0].Last()))
}

func (ScatterRows) FLOPs(in, out []Desc) int64 { return int64(in[0].Size()) }

// Select is a where cond is not 0, else b. It closes a conditional region: where the executor skips the ops that lead to a,
// its buffer holds nothing and is not read. In: cond int32 (), a, b. Out: y.
type Select struct{}

func (Select) Name() string { return "select" }
func (Select) sealed()      {}

func (o Select) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(3, 3) {
		return c.done()
	}
	c.dtype(0, Int32)
	c.shape(0)
	t := c.float(1, 2)
	c.same(1, 2)
	return c.done(Of(t, in[1].Shape...))
}

func (Select) FLOPs(in, out []Desc) int64 { return 0 }

// SelectGrad routes dy to the branch that was taken and gives zero to the other. In: cond int32 (), dy. Out: da, db.
type SelectGrad struct{}

func (SelectGrad) Name() string { return "select_grad" }
func (SelectGrad) sealed()      {}

func (o SelectGrad) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(2, 2) {
		return c.done()
	}
	c.dtype(0, Int32)
	c.shape(0)
	t := c.float(1)
	return c.done(Of(t, in[1].Shape...), Of(t, in[1].Shape...))
}

func (SelectGrad) FLOPs(in, out []Desc) int64 { return 0 }
