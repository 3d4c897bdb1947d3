package kernels

// LayerNorm normalises each vector along the last axis to mean 0 and variance 1 (population variance), then scales and
// shifts (Ba, Kiros, Hinton 2016). In: x (…,C), gamma (C), beta (C). Out: y (…,C), and per vector mean (…) and rstd (…) = 1/sqrt(var+Eps).
type LayerNorm struct{ Eps float64 }

func (LayerNorm) Name() string { return "layer_norm" }
func (LayerNorm) sealed()      {}

func (o LayerNorm) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(3, 3) || !c.minRank(0, 2) {
		return c.done()
	}
	t := c.float(0, 1, 2)
	c.shape(1, in[0].Last())
	c.shape(2, in[0].Last())
	stats := in[0].Shape[:in[0].Rank()-1]
	return c.done(Of(t, in[0].Shape...), Of(t, stats...), Of(t, stats...))
}

func (LayerNorm) FLOPs(in, out []Desc) int64 { return 8 * int64(in[0].Size()) }

// LayerNormGrad gives dx (…,C), dgamma (C), dbeta (C). In: dy (…,C), x (…,C), gamma (C), mean (…), rstd (…).
type LayerNormGrad struct{}

func (LayerNormGrad) Name() string { return "layer_norm_grad" }
func (LayerNormGrad) sealed()      {}

func (o LayerNormGrad) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(5, 5) || !c.minRank(1, 2) {
		return c.done()
	}
	t := c.float(0, 1, 2, 3, 4)
	x := in[1]
	c.same(1, 0)
	c.shape(2, x.Last())
	c.shape(3, x.Shape[:x.Rank()-1]...)
	c.shape(4, x.Shape[:x.Rank()-1]...)
	return c.done(Of(t, x.Shape...), Of(t, x.Last()), Of(t, x.Last()))
}

func (LayerNormGrad) FLOPs(in, out []Desc) int64 { return 12 * int64(in[0].Size()) }

// GroupNorm normalises each of Groups channel groups of each batch row over time and the channels of the group (Wu and He 2018),
// then scales and shifts per channel. With Groups = C, as in the first layer of the base feature encoder, it is a normalisation per channel over
// time; padding frames count. In: x (B,T,C), gamma (C), beta (C). Out: y (B,T,C), mean (B,G), rstd (B,G).
type GroupNorm struct {
	Groups int
	Eps    float64
}

func (GroupNorm) Name() string { return "group_norm" }
func (GroupNorm) sealed()      {}

func (o GroupNorm) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(3, 3) || !c.rank(0, 3) {
		return c.done()
	}
	t := c.float(0, 1, 2)
	x := in[0].Shape
	if o.Groups < 1 || x[2]%o.Groups != 0 {
		c.failf("%d channels do not divide into %d groups", x[2], o.Groups)
	}
	c.shape(1, x[2])
	c.shape(2, x[2])
	return c.done(Of(t, x...), Of(t, x[0], o.Groups), Of(t, x[0], o.Groups))
}

func (GroupNorm) FLOPs(in, out []Desc) int64 { return 8 * int64(in[0].Size()) }

// GroupNormGrad gives dx (B,T,C), dgamma (C), dbeta (C). In: dy (B,T,C), x (B,T,C), gamma (C), mean (B,G), rstd (B,G).
type GroupNormGrad struct{ Groups int }

func (GroupNormGrad) Name() string { return "group_norm_grad" }
func (GroupNormGrad) sealed()      {}

func (o GroupNormGrad) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(5, 5) || !c.rank(1, 3) {
		return c.done()
	}
	t := c.float(0, 1, 2, 3, 4)
	x := in[1].Shape
	if o.Groups < 1 || x[2]%o.Groups != 0 {
		c.failf("%d channels do not divide into %d groups", x[2], o.Groups)
	}
	c.same(1, 0)
	c.shape(2, x[2])
	c.shape(3, x[0], o.Groups)
	c.shape(4, x[0], o.Groups)
	return c.done(Of(t, x...), Of(t, x[2]), Of(t, x[2]))
}

func (GroupNormGrad) FLOPs(in, out []Desc) int64 { return 12 * int64(in[0].Size()) }
