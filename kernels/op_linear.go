package kernels

// Linear is y = x·Wᵀ + b. In: x (…,In), w (Out,In), optionally b (Out). Out: y (…,Out).
type Linear struct{}

func (Linear) Name() string { return "linear" }
func (Linear) sealed()      {}

func (o Linear) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(2, 3) || !c.minRank(0, 1) || !c.rank(1, 2) {
		return c.done()
	}
	t := c.float(0, 1, 2)
	if in[0].Last() != in[1].Shape[1] {
		c.failf("x has %d channels, w takes %d", in[0].Last(), in[1].Shape[1])
	}
	c.shape(2, in[1].Shape[0])
	return c.done(Of(t, withLast(in[0].Shape, in[1].Shape[0])...))
}

func (Linear) FLOPs(in, out []Desc) int64 { return 2 * int64(in[0].Size()) * int64(in[1].Shape[0]) }

// LinearGradInput is dx = dy·W. In: dy (…,Out), w (Out,In). Out: dx (…,In).
type LinearGradInput struct{}

func (LinearGradInput) Name() string { return "linear_grad_input" }
func (LinearGradInput) sealed()      {}

func (o LinearGradInput) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(2, 2) || !c.minRank(0, 1) || !c.rank(1, 2) {
		return c.done()
	}
	t := c.float(0, 1)
	if in[0].Last() != in[1].Shape[0] {
		c.failf("dy has %d channels, w gives %d", in[0].Last(), in[1].Shape[0])
	}
	return c.done(Of(t, withLast(in[0].Shape, in[1].Shape[1])...))
}

func (LinearGradInput) FLOPs(in, out []Desc) int64 {
	return 2 * int64(in[0].Size()) * int64(in[1].Shape[1])
}

// LinearGradWeight is dW = dyᵀ·x and, with Bias, db = the sum of dy over rows. In: dy (…,Out), x (…,In).
// Out: dw (Out,In), and with Bias db (Out).
type LinearGradWeight struct{ Bias bool }

func (LinearGradWeight) Name() string { return "linear_grad_weight" }
func (LinearGradWeight) sealed()      {}

func (o LinearGradWeight) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(2, 2) || !c.minRank(0, 1) || !c.minRank(1, 1) {
		return c.done()
	}
	t := c.float(0, 1)
	if in[0].Rows() != in[1].Rows() {
		c.failf("dy and x must have the same rows")
	}
	out := []Desc{Of(t, in[0].Last(), in[1].Last())}
	if o.Bias {
		out = append(out, Of(t, in[0].Last()))
	}
	return c.done(out...)
}

func (LinearGradWeight) FLOPs(in, out []Desc) int64 {
	return 2 * int64(in[0].Size()) * int64(in[1].Last())
}
