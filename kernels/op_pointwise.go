package kernels

// GELU is the exact Gaussian error linear unit x·Φ(x) = x/2·(1+erf(x/√2)) (Hendrycks and Gimpel 2016). In: x. Out: y like x.
type GELU struct{}

func (GELU) Name() string { return "gelu" }
func (GELU) sealed()      {}

func (o GELU) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(1, 1) {
		return c.done()
	}
	return c.done(Of(c.float(0), in[0].Shape...))
}

func (GELU) FLOPs(in, out []Desc) int64 { return 25 * int64(in[0].Size()) }

// GELUGrad is dx = dy·(Φ(x) + x·φ(x)). In: dy, x. Out: dx.
type GELUGrad struct{}

func (GELUGrad) Name() string { return "gelu_grad" }
func (GELUGrad) sealed()      {}

func (o GELUGrad) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(2, 2) {
		return c.done()
	}
	t := c.float(0, 1)
	c.same(0, 1)
	return c.done(Of(t, in[0].Shape...))
}

func (GELUGrad) FLOPs(in, out []Desc) int64 { return 30 * int64(in[0].Size()) }

// Dropout zeroes elements with probability P and divides the others by 1-P. Element e of a tensor whose first axis is the
// batch is kept when rng.Unit(rng.Word(seed, update, Site, e0+e)) >= P, where e0 = Step.Row times the elements of a row. The mask is
// never stored: the gradient is the same op applied to dy. In: x (B,…). Out: y.
type Dropout struct {
	P    float64
	Site uint32
}

func (Dropout) Name() string { return "dropout" }
func (Dropout) sealed()      {}

func (o Dropout) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(1, 1) || !c.minRank(0, 1) {
		return c.done()
	}
	if !(o.P >= 0 && o.P < 1) {
		c.failf("probability %v is outside [0,1)", o.P)
	}
	return c.done(Of(c.float(0), in[0].Shape...))
}

func (Dropout) FLOPs(in, out []Desc) int64 { return int64(in[0].Size()) }

// AddN adds two or more tensors of one shape, from left to right. The output may be the same buffer as the first input.
type AddN struct{}

func (AddN) Name() string { return "add_n" }
func (AddN) sealed()      {}

func (o AddN) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(2, 1<<16) {
		return c.done()
	}
	t := c.float(0)
	for i := range in[1:] {
		c.float(0, i+1)
		c.same(0, i+1)
	}
	return c.done(Of(t, in[0].Shape...))
}

func (AddN) FLOPs(in, out []Desc) int64 { return int64(len(in)-1) * int64(out[0].Size()) }

// Scale multiplies by a constant. In: x. Out: y.
type Scale struct{ Factor float64 }

func (Scale) Name() string { return "scale" }
func (Scale) sealed()      {}

func (o Scale) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(1, 1) {
		return c.done()
	}
	return c.done(Of(c.float(0), in[0].Shape...))
}

func (Scale) FLOPs(in, out []Desc) int64 { return int64(in[0].Size()) }

// ScaleBy multiplies by a scalar that is fed at run time and not differentiated. In: x, s (). Out: y.
type ScaleBy struct{}

func (ScaleBy) Name() string { return "scale_by" }
func (ScaleBy) sealed()      {}

func (o ScaleBy) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(2, 2) {
		return c.done()
	}
	t := c.float(0, 1)
	c.shape(1)
	return c.done(Of(t, in[0].Shape...))
}

func (ScaleBy) FLOPs(in, out []Desc) int64 { return int64(in[0].Size()) }

// GradScale is the identity forward and multiplies the gradient by Factor backward: the feature gradient scale of wav2vec 2.0
// (fairseq's feature_grad_mult). Forward it is an alias, so the executor gives it no storage and no back end sees it.
type GradScale struct{ Factor float64 }

func (GradScale) Name() string { return "grad_scale" }
func (GradScale) sealed()      {}

func (o GradScale) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(1, 1) {
		return c.done()
	}
	return c.done(Of(c.float(0), in[0].Shape...))
}

func (GradScale) FLOPs(in, out []Desc) int64 { return 0 }

// IsIdentity reports whether an op only matters to the gradient: its output shares the storage of its input, and nothing runs.
func IsIdentity(op Op) bool {
	_, ok := op.(GradScale)
	return ok
}

// MeanSquare is the mean of x², the feature penalty of wav2vec 2.0. In: x. Out: scalar.
type MeanSquare struct{}

func (MeanSquare) Name() string { return "mean_square" }
func (MeanSquare) sealed()      {}

func (o MeanSquare) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(1, 1) {
		return c.done()
	}
	return c.done(Of(c.float(0)))
}

func (MeanSquare) FLOPs(in, out []Desc) int64 { return 2 * int64(in[0].Size()) }

// MeanSquareGrad is dx = 2·dy·x/n. In: dy (), x. Out: dx.
type MeanSquareGrad struct{}

func (MeanSquareGrad) Name() string { return "mean_square_grad" }
func (MeanSquareGrad) sealed()      {}

func (o MeanSquareGrad) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(2, 2) {
		return c.done()
	}
	t := c.float(0, 1)
	c.shape(0)
	return c.done(Of(t, in[1].Shape...))
}

func (MeanSquareGrad) FLOPs(in, out []Desc) int64 { return int64(in[1].Size()) }

// Cast converts between float32 and bfloat16 (round to nearest even) and from int16, int32 or uint8 to float32. In: x. Out: y of type To.
type Cast struct{ To DType }

func (Cast) Name() string { return "cast" }
func (Cast) sealed()      {}

func (o Cast) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(1, 1) {
		return c.done()
	}
	from := in[0].DType
	if !(from == Float32 && o.To == BFloat16 || o.To == Float32 && from != Float32 && from != Float64) {
		c.failf("no conversion to %v", o.To)
	}
	return c.done(Of(o.To, in[0].Shape...))
}

func (Cast) FLOPs(in, out []Desc) int64 { return int64(in[0].Size()) }
