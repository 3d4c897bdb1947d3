package kernels

// CTCLoss is connectionist temporal classification (Graves et al. 2006): the negative log-probability of each row's target, summed over all alignments
// of target and frames, and then summed over the batch. The softmax over classes is part of the op:
//
//	loss = -Σ_b log Σ_{paths π of row b that collapse to its target} Π_t softmax(logits[b,t])[π_t]
//
// In: logits (B,T,V), lengths int32 (B), targets int32 (B,L), target lengths int32 (B). Frames and targets beyond their lengths are padding and may hold
// anything. Lengths are in [0,T] and [0,L]; targets are in [0,V) without Blank.
//
// A target that needs more frames than its row has, one for each label and one more between two equal labels, has probability 0: its loss is +Inf and the
// gradient of its frames NaN, as in PyTorch; with ZeroInfinity both are 0. The loss of a row whose logits hold NaN or +Inf is NaN.
//
// Out: loss (), losses (B) of the rows.
type CTCLoss struct {
	Blank        int
	ZeroInfinity bool
}

func (CTCLoss) Name() string { return "ctc_loss" }
func (CTCLoss) sealed()      {}

// inputs checks the four inputs, the first of which is number at.
func (o CTCLoss) inputs(c *checker, at int) DType {
	logits, lengths, targets, targetLengths := at, at+1, at+2, at+3
	t := c.float(logits)
	if !c.rank(logits, 3) || !c.rank(targets, 2) {
		return t
	}
	b := c.in[logits].Shape[0]
	c.dtype(lengths, Int32)
	c.dtype(targets, Int32)
	c.dtype(targetLengths, Int32)
	c.shape(lengths, b)
	c.shape(targets, b, c.in[targets].Last())
	c.shape(targetLengths, b)
	if v := c.in[logits].Last(); o.Blank < 0 || o.Blank >= v {
		c.failf("blank %d is not one of %d classes", o.Blank, v)
	}
	return t
}

func (o CTCLoss) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(4, 4) {
		return c.done()
	}
	t := o.inputs(c, 0)
	if c.err != nil {
		return c.done()
	}
	return c.done(Of(t), Of(t, in[0].Shape[0]))
}

// FLOPs counts three operations a logit for the softmax, and one sweep over the lattice of frames and positions in the target, blanks included: at most
// two sums and a product each.
func (CTCLoss) FLOPs(in, out []Desc) int64 { return 3*int64(in[0].Size()) + 3*ctcCells(in[0], in[2]) }

// ctcCells is the size of the lattice: B·T·(2L+1).
func ctcCells(logits, targets Desc) int64 {
	return int64(logits.Rows()) * int64(2*targets.Last()+1)
}

// CTCLossGrad gives dlogits (B,T,V) = dloss·(softmax(logits) - γ), where γ[b,t,k] is the probability that an alignment of row b's target has class k at frame t.
// It is 0 in padding frames. In: dloss (), logits (B,T,V), lengths int32 (B), targets int32 (B,L), target lengths int32 (B).
type CTCLossGrad struct{ CTC CTCLoss }

func (CTCLossGrad) Name() string { return "ctc_loss_grad" }
func (CTCLossGrad) sealed()      {}

func (o CTCLossGrad) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(5, 5) {
		return c.done()
	}
	t := o.CTC.inputs(c, 1)
	c.float(1, 0)
	c.shape(0)
	if c.err != nil {
		return c.done()
	}
	return c.done(Of(t, in[1].Shape...))
}

// FLOPs counts the softmax with its difference, and sweeps over the lattice forward, backward and for γ.
func (CTCLossGrad) FLOPs(in, out []Desc) int64 {
	return 5*int64(in[1].Size()) + 9*ctcCells(in[1], in[3])
}
