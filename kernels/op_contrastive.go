package kernels

// InfoNCE is the contrastive loss of wav2vec 2.0 (Baevski et al. 2020 eq. 3), summed over masked frames:
//
//	Σ_n -log( exp(s(n,n)) / Σ_{m ∈ {n} ∪ negatives(n)} exp(s(n,m)) ),  s(n,m) = cos(c_n, q_m)/Temp
//
// In: c (N,D) context, q (N,D) quantized targets, negatives int32 (N,K), rows of q (all -1 in a padding row), optionally codes int32 (N,G).
// Cosines use max(‖x‖,1e-8) as PyTorch does. A negative equal to the positive gets the logit -Inf as in fairseq: with codes, where all its
// codes are equal; without, where its vector is equal element by element.
//
// Out: loss (), lse (N), the log-sum-exp of each row's logits (0 at padding), hits int32 (N,2): whether the positive has the largest logit and not also the
// smallest (-1 at padding), and the number of negatives equal to the positive (0 at padding). So ties are hits unless all logits are equal; as in fairseq a row
// whose negatives all equal the positive is a hit with loss 0, which is why the second number must be watched.
type InfoNCE struct{ Temp float64 }

func (InfoNCE) Name() string { return "info_nce" }
func (InfoNCE) sealed()      {}

func (o InfoNCE) inputs(c *checker, cc, q, neg, codes int) DType {
	t := c.float(cc, q)
	if !c.rank(cc, 2) || !c.rank(neg, 2) {
		return t
	}
	n := c.in[cc].Shape[0]
	c.same(cc, q)
	c.dtype(neg, Int32)
	c.shape(neg, n, c.in[neg].Last())
	if c.in[neg].Last() < 1 {
		c.failf("needs at least one negative")
	}
	if codes < len(c.in) && c.rank(codes, 2) {
		c.dtype(codes, Int32)
		c.shape(codes, n, c.in[codes].Last())
	}
	if !(o.Temp > 0) {
		c.failf("temperature %v is not positive", o.Temp)
	}
	return t
}

func (o InfoNCE) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(3, 4) {
		return c.done()
	}
	t := o.inputs(c, 0, 1, 2, 3)
	if c.err != nil {
		return c.done()
	}
	n := in[0].Shape[0]
	return c.done(Of(t), Of(t, n), Of(Int32, n, 2))
}

func (InfoNCE) FLOPs(in, out []Desc) int64 {
	return 2*int64(in[0].Size())*int64(in[2].Last()+1) + 4*int64(in[0].Size())
}

// InfoNCEGrad gives dc and dq (N,D). In: dloss (), c (N,D), q (N,D), negatives int32 (N,K), lse (N), optionally codes int32 (N,G).
type InfoNCEGrad struct{ InfoNCE InfoNCE }

func (InfoNCEGrad) Name() string { return "info_nce_grad" }
func (InfoNCEGrad) sealed()      {}

func (o InfoNCEGrad) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(5, 6) {
		return c.done()
	}
	t := o.InfoNCE.inputs(c, 1, 2, 3, 5)
	c.float(1, 0, 4)
	c.shape(0)
	if c.err != nil {
		return c.done()
	}
	c.shape(4, in[1].Shape[0])
	return c.done(Of(t, in[1].Shape...), Of(t, in[1].Shape...))
}

func (InfoNCEGrad) FLOPs(in, out []Desc) int64 {
	return 8 * int64(in[1].Size()) * int64(in[3].Last()+1)
}
