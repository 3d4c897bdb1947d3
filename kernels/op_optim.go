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

// AdamW is one update of flat parameters with decoupled weight decay (Kingma and Ba 2015; Loshchilov and Hutter 2019), in PyTorch's form:
//
//	g = scale·grad;  m = β1·m + (1-β1)·g;  v = β2·v + (1-β2)·g²
//	w = w - lr·decay·w - lr/(1-β1^t)·m/(√v/√(1-β2^t) + Eps)
//
// In: w, grad, m, v (P), hyper (4) = {lr, decay, t, scale}. Out: w, m, v, which may be the same buffers as the inputs. t counts updates from 1.
type AdamW struct{ Beta1, Beta2, Eps float64 }

func (AdamW) Name() string { return "adamw" }
func (AdamW) sealed()      {}

func (o AdamW) Infer(in []Desc) ([]Desc, error) {
	c := check(o, in)
	if !c.arity(5, 5) || !c.rank(0, 1) {
		return c.done()
	}
	t := c.float(0, 1, 2, 3)
	c.same(0, 1)
	c.same(0, 2)
	c.same(0, 3)
	c.dtype(4, Float64)
	c.shape(4, 4)
	d := Of(t, in[0].Shape...)
	return c.done(d, d, d)
}

func (AdamW) FLOPs(in, out []Desc) int64 { return 14 * int64(in[0].Size()) }
