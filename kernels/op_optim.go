package kernels

// SumSquares is Σ x², accumulated in float64 over fixed blocks. It is Inf or NaN when an element is. In: x. Out: float64 scalar.
type SumSquares struct{}

func (SumSquares) Name() string { return "sum_squares" }
func (SumSquares) sealed()      {}

func (o SumSquares) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(1, 1) {
		return c.done()
	}
	c.float(0)
	return c.done(Of(Float64))
}

func (SumSquares) FLOPs(in, out []Desc) int64 { return 2 * int64(in[0].Size()) }

// ClipScale decides about an update, so that nobody has to wait for its numbers. In: losses (any float shape) of the micro-batches, size (float64 scalar) that the
// gradient is divided by, sums (any float64 shape): Σg² of the parts of the gradient, added in order. Out: verdict (4) float64 = {norm, factor, scale, fault}:
//
//	norm = √Σsums / size;  factor = min(1, Clip/(norm + 1e-6)), or 1 where Clip is 0;  scale = factor / size
//	fault: 0 when the update is to be made; otherwise [FaultSize], [FaultLoss] or [FaultNorm], the first that holds
type ClipScale struct{ Clip float64 }

// Reasons not to make an update.
const (
	FaultSize = 1 + iota // size is not a positive finite number
	FaultLoss            // a loss is not finite
	FaultNorm            // norm is not finite
)

func (ClipScale) Name() string { return "clip_scale" }
func (ClipScale) sealed()      {}

func (o ClipScale) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(3, 3) {
		return c.done()
	}
	c.float(0)
	c.dtype(1, Float64)
	c.shape(1)
	c.dtype(2, Float64)
	return c.done(Of(Float64, 4))
}

func (ClipScale) FLOPs(in, out []Desc) int64 { return int64(in[0].Size()+in[2].Size()) + 6 }

// AdamW is one update of flat parameters with decoupled weight decay (Kingma and Ba 2015; Loshchilov and Hutter 2019), in PyTorch's form:
//
//	g = verdict[2]·grad;  m = β1·m + (1-β1)·g;  v = β2·v + (1-β2)·g²
//	w = w - lr·decay·w - lr/(1-β1^t)·m/(√v/√(1-β2^t) + Eps)
//
// In: w, grad, m, v (P), hyper (3) float64 = {lr, decay, t}, verdict (4) of [ClipScale]. Out: w, m, v, which may be the same buffers as the inputs. t counts updates
// from 1. Where verdict[3], the fault, is not 0, the outputs are the inputs.
type AdamW struct{ Beta1, Beta2, Eps float64 }

func (AdamW) Name() string { return "adamw" }
func (AdamW) sealed()      {}

func (o AdamW) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(6, 6) || !c.rank(0, 1) {
		return c.done()
	}
	t := c.float(0, 1, 2, 3)
	c.same(0, 1)
	c.same(0, 2)
	c.same(0, 3)
	c.dtype(4, Float64)
	c.shape(4, 3)
	c.dtype(5, Float64)
	c.shape(5, 4)
	d := Of(t, in[0].Shape...)
	return c.done(d, d, d)
}

func (AdamW) FLOPs(in, out []Desc) int64 { return 14 * int64(in[0].Size()) }
