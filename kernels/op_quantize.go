package kernels

// GumbelQuantize picks one codebook entry per group for every masked frame (Baevski et al. 2020 §3.2; Jang, Gu, Poole 2017).
//
// In: logits (N,G·V), codebook (1,G·V,d), index int32 (N), the flat frame b·Frames+t of each row or -1, tau () the Gumbel temperature.
// Out: q (N,G·d), the chosen entries of the groups one after the other, codes int32 (N,G), the chosen entry of each group (-1 at padding).
//
// With Noise, g = -log(-log u) is added to each logit, u = rng.Unit(rng.Word(seed, update, Site, element)) and
// element = ((Step.Row·Frames + index)·G·V + column). The code is the first largest logit (+g). With Hard, q is the entry itself and
// the gradient passes straight through soft = softmax((logits+g)/tau); without, q = soft·codebook.
type GumbelQuantize struct {
	Groups      int
	Frames      int // frames of a batch row, for the noise elements
	Noise, Hard bool
	Site        uint32
}

func (GumbelQuantize) Name() string { return "gumbel_quantize" }
func (GumbelQuantize) sealed()      {}

func (o GumbelQuantize) inputs(c *checker, logits, codebook, index, tau int) DType {
	t := c.float(logits, codebook, tau)
	if !c.rank(logits, 2) || !c.rank(codebook, 3) {
		return t
	}
	if o.Groups < 1 || c.in[logits].Last()%max(o.Groups, 1) != 0 {
		c.failf("%d logits do not divide into %d groups", c.in[logits].Last(), o.Groups)
	}
	if o.Frames < 1 {
		c.failf("%d frames a row", o.Frames)
	}
	c.shape(codebook, 1, c.in[logits].Last(), c.in[codebook].Last())
	c.dtype(index, Int32)
	c.shape(index, c.in[logits].Shape[0])
	c.shape(tau)
	return t
}

func (o GumbelQuantize) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(4, 4) {
		return c.done()
	}
	t := o.inputs(c, 0, 1, 2, 3)
	if c.err != nil {
		return c.done()
	}
	n := in[0].Shape[0]
	return c.done(Of(t, n, o.Groups*in[1].Last()), Of(Int32, n, o.Groups))
}

func (o GumbelQuantize) FLOPs(in, out []Desc) int64 {
	n := 12 * int64(in[0].Size())
	if !o.Hard {
		n += 2 * int64(in[0].Size()) * int64(in[1].Last())
	}
	return n
}

// GumbelQuantizeGrad gives dlogits (N,G·V) and dcodebook (1,G·V,d).
// In: dq (N,G·d), logits (N,G·V), codebook (1,G·V,d), index int32 (N), tau (), codes int32 (N,G).
type GumbelQuantizeGrad struct{ Quantize GumbelQuantize }

func (GumbelQuantizeGrad) Name() string { return "gumbel_quantize_grad" }
func (GumbelQuantizeGrad) sealed()      {}

func (o GumbelQuantizeGrad) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(6, 6) {
		return c.done()
	}
	t := o.Quantize.inputs(c, 1, 2, 3, 4)
	c.float(1, 0)
	if c.err != nil {
		return c.done()
	}
	n, g := in[1].Shape[0], o.Quantize.Groups
	c.shape(0, n, g*in[2].Last())
	c.dtype(5, Int32)
	c.shape(5, n, g)
	return c.done(Of(t, in[1].Shape...), Of(t, in[2].Shape...))
}

func (o GumbelQuantizeGrad) FLOPs(in, out []Desc) int64 {
	n := (20 + 2*int64(in[2].Last())) * int64(in[1].Size())
	if !o.Quantize.Hard {
		n += 2 * int64(in[1].Size()) * int64(in[2].Last())
	}
	return n
}

// Diversity is the codebook diversity loss (G·V - PP)/(G·V), where PP = Σ_g exp(-Σ_v p log(p+1e-7)) is the prob perplexity of p (G,V), the mean
// of softmax(logits) over valid rows, without noise or temperature (Baevski et al. 2020 eq. 4 as fairseq computes it).
// With Hard, p is the share of rows whose largest logit is v: the code perplexity, which has no gradient.
//
// In: logits (N,G·V), index int32 (N), -1 at padding. Out: loss (), p (G,V), perplexity (G). With no valid row p is 0.
type Diversity struct {
	Groups int
	Hard   bool
}

func (Diversity) Name() string { return "diversity" }
func (Diversity) sealed()      {}

func (o Diversity) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(2, 2) || !c.rank(0, 2) {
		return c.done()
	}
	t := c.float(0)
	if o.Groups < 1 || in[0].Last()%max(o.Groups, 1) != 0 {
		c.failf("%d logits do not divide into %d groups", in[0].Last(), o.Groups)
		return c.done()
	}
	c.dtype(1, Int32)
	c.shape(1, in[0].Shape[0])
	return c.done(Of(t), Of(t, o.Groups, in[0].Last()/o.Groups), Of(t, o.Groups))
}

func (Diversity) FLOPs(in, out []Desc) int64 { return 10 * int64(in[0].Size()) }

// DiversityGrad gives dlogits (N,G·V) of a soft [Diversity]. In: dloss (), logits (N,G·V), index int32 (N), p (G,V), perplexity (G).
type DiversityGrad struct{ Groups int }

func (DiversityGrad) Name() string { return "diversity_grad" }
func (DiversityGrad) sealed()      {}

func (o DiversityGrad) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(5, 5) || !c.rank(1, 2) {
		return c.done()
	}
	t := c.float(0, 1, 3, 4)
	c.shape(0)
	if o.Groups < 1 || in[1].Last()%max(o.Groups, 1) != 0 {
		c.failf("%d logits do not divide into %d groups", in[1].Last(), o.Groups)
		return c.done()
	}
	c.dtype(2, Int32)
	c.shape(2, in[1].Shape[0])
	c.shape(3, o.Groups, in[1].Last()/o.Groups)
	c.shape(4, o.Groups)
	return c.done(Of(t, in[1].Shape...))
}

func (DiversityGrad) FLOPs(in, out []Desc) int64 { return 15 * int64(in[1].Size()) }
