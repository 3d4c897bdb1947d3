package cpu

import "aural/kernels"

// epilogue is what is done with elements of a product's result while they are near: one op after the other, each on what the one before gives and on
// tensors of the same shape. A value that nobody else reads has no memory of its own; it lies where the last result will be.
//
// A product that is its own last op has none: nil.
type epilogue struct {
	result source // where the product is stored
	ops    []epilogueOp
	words  region // for each worker
	row    int    // elements of a batch row
}

// epilogueOp is an op on elements.
type epilogueOp struct {
	op   kernels.Op
	rule dropRule
	x, y source // what goes in, and out
}

// epilogueColumns is the largest number of columns that an op does at once.
const epilogueColumns = 1024

// product begins the plan of a product, computed by what has the name.
func (b *Backend) product(name string, e *epilogue) *plan {
	p := b.plan(name)
	if e != nil {
		e.words = p.reserve(b.threads*noiseRoom(epilogueColumns), 4)
	}
	return p
}

// product is where the result of the product is stored.
func (e *epilogue) product(c *call) []float32 {
	if e == nil {
		return c.out[0].F32()
	}
	return e.result(c)
}

// run does the ops on rows of elements: m of n each, ld apart.
func (e *epilogue) run(c *call, w *worker, first, ld, m, n int) {
	v := &w.v.vec
	words := e.words.u32(c)[w.index*noiseRoom(epilogueColumns):][:noiseRoom(epilogueColumns)]
	for i := range e.ops {
		o := &e.ops[i]
		x, y := o.x(c), o.y(c)
		for r := range m {
			for lo, end := first+r*ld, first+r*ld+n; lo < end; lo += epilogueColumns {
				hi := min(end, lo+epilogueColumns)
				switch o.op.(type) {
				case kernels.GELU:
					v.gelu(y[lo:hi], x[lo:hi])
				case kernels.Dropout:
					v.drop(y[lo:hi], x[lo:hi], w.noiseAt(words, c.step, o.rule.site, c.step.Row*e.row+lo, hi-lo), o.rule.threshold, o.rule.keep)
				}
			}
		}
	}
}

// productFused says whether a chain is a product with an epilogue: a linear layer or convolution with GELU, and dropout after it.
func (b *Backend) productFused(c *kernels.Chain) (whole, more bool) {
	for i, l := range c.Links {
		ok := !l.Again && l.In[0].DType == kernels.Float32
		switch op := l.Op.(type) {
		case kernels.Linear, kernels.Conv1D:
			ok = ok && i == 0 && inOrder(l.From)
		case kernels.GELU:
			ok = ok && i == 1 && follows(c, 1, 0, 0)
		case kernels.Dropout:
			_, kept := rule(op.P, op.Site)
			ok = ok && i == 2 && kept && follows(c, 2, 0, 1)
		default:
			ok = false
		}
		if !ok {
			return false, false
		}
	}
	return len(c.Links) > 1, len(c.Links) < 3
}

// inOrder reports whether a link reads the first external inputs of a chain, in order.
func inOrder(from []int) bool {
	for i, f := range from {
		if f != i {
			return false
		}
	}
	return true
}

// productThen compiles a product with an epilogue.
func (b *Backend) productThen(c *kernels.Chain) *plan {
	last := len(c.Links) - 1
	stored := func(i int) source {
		if at := placed(c, i)[0]; at >= 0 {
			return output(at)
		}
		return output(placed(c, last)[0])
	}
	out := c.Links[0].Out[0]
	e := &epilogue{result: stored(0), row: out.Size() / max(1, out.Shape[0])}
	for i, l := range c.Links[1:] {
		o := epilogueOp{op: l.Op, x: stored(i), y: stored(i + 1)}
		if op, ok := l.Op.(kernels.Dropout); ok {
			o.rule, _ = rule(op.P, op.Site)
		}
		e.ops = append(e.ops, o)
	}
	in := c.Links[0].In
	switch op := c.Links[0].Op.(type) {
	case kernels.Linear:
		return b.linear(in, e)
	case kernels.Conv1D:
		return b.conv1D(op, in, e)
	}
	return nil
}
