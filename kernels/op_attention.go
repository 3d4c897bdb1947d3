package kernels

// Attention is multi-head scaled dot-product attention (Vaswani et al. 2017) over already projected queries, keys and values:
// for each head of width D/Heads, softmax(q·kᵀ/√(D/Heads))·v, with dropout of probability DropP on the probabilities.
//
// In: q, k, v (B,T,D), optionally lengths int32 (B), each at least 1: keys at and after a row's length get probability 0 (their queries still give rows).
// Out: y (B,T,D), lse (B,H,T), the log-sum-exp of the scaled scores, which the gradient needs.
//
// The dropout element of query i and key j of head h is ((row·H + h)·T + i)·T + j with row counted from Step.Row.
// No T x T tensor is ever an input or output.
type Attention struct {
	Heads int
	DropP float64
	Site  uint32
}

func (Attention) Name() string { return "attention" }
func (Attention) sealed()      {}

func (o Attention) valid(c *checker, d int) {
	if o.Heads < 1 || d%max(o.Heads, 1) != 0 {
		c.failf("%d channels do not divide into %d heads", d, o.Heads)
	}
	if !(o.DropP >= 0 && o.DropP < 1) {
		c.failf("dropout probability %v is outside [0,1)", o.DropP)
	}
}

func (o Attention) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(3, 4) || !c.rank(0, 3) {
		return c.done()
	}
	t := c.float(0, 1, 2)
	q := in[0].Shape
	c.same(0, 1)
	c.same(0, 2)
	c.dtype(3, Int32)
	c.shape(3, q[0])
	o.valid(c, q[2])
	return c.done(Of(t, q...), Of(t, q[0], o.Heads, q[1]))
}

func (o Attention) FLOPs(in, out []Desc) int64 {
	q := in[0].Shape
	return 4*int64(q[0])*int64(q[1])*int64(q[1])*int64(q[2]) + 5*int64(out[1].Size())*int64(q[1])
}

// AttentionGrad gives dq, dk, dv (B,T,D). In: dy, q, k, v, y (B,T,D), lse (B,H,T), optionally lengths int32 (B).
type AttentionGrad struct{ Attention Attention }

func (AttentionGrad) Name() string { return "attention_grad" }
func (AttentionGrad) sealed()      {}

func (o AttentionGrad) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(6, 7) || !c.rank(0, 3) {
		return c.done()
	}
	t := c.float(0, 1, 2, 3, 4, 5)
	q := in[0].Shape
	for i := 1; i < 5; i++ {
		c.same(0, i)
	}
	o.Attention.valid(c, q[2])
	c.shape(5, q[0], o.Attention.Heads, q[1])
	c.dtype(6, Int32)
	c.shape(6, q[0])
	return c.done(Of(t, q...), Of(t, q...), Of(t, q...))
}

func (o AttentionGrad) FLOPs(in, out []Desc) int64 {
	q := in[0].Shape
	return 10*int64(q[0])*int64(q[1])*int64(q[1])*int64(q[2]) + 8*int64(in[5].Size())*int64(q[1])
}
