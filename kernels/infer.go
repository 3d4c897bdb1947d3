package kernels

import "fmt"

// checker collects the first complaint about an op's inputs, so that Infer methods read as a list of requirements.
type checker struct {
	op  string
	in  []Desc
	err error
}

func check(op Op, in []Desc) *checker { return &checker{op: op.Name(), in: in} }

func (c *checker) failf(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("kernels: %s%v: %s", c.op, c.in, fmt.Sprintf(format, args...))
	}
}

// arity requires between lo and hi inputs. Until it holds, nothing else may be asked.
func (c *checker) arity(lo, hi int) bool {
	if len(c.in) < lo || len(c.in) > hi {
		c.failf("wants %d to %d inputs, got %d", lo, hi, len(c.in))
	}
	return c.err == nil
}

// float requires that the given inputs are Float32 or all Float64 (inputs that were left out are skipped).
func (c *checker) float(idx ...int) DType {
	t := c.in[idx[0]].DType
	if t != Float32 && t != Float64 {
		c.failf("input %d must be float32 or float64", idx[0])
	}
	for _, i := range idx {
		if i < len(c.in) && c.in[i].DType != t {
			c.failf("input %d must be %v like input %d", i, t, idx[0])
		}
	}
	return t
}

func (c *checker) dtype(i int, t DType) {
	if i < len(c.in) && c.in[i].DType != t {
		c.failf("input %d must be %v", i, t)
	}
}

func (c *checker) rank(i, r int) bool {
	if i < len(c.in) && c.in[i].Rank() != r {
		c.failf("input %d must have %d axes", i, r)
	}
	return c.err == nil
}

// minRank requires at least r axes.
func (c *checker) minRank(i, r int) bool {
	if c.in[i].Rank() < r {
		c.failf("input %d must have at least %d axes", i, r)
	}
	return c.err == nil
}

// shape requires an exact shape; inputs that were left out are skipped.
func (c *checker) shape(i int, shape ...int) {
	if i < len(c.in) && !(Desc{c.in[i].DType, shape}).Equal(c.in[i]) {
		c.failf("input %d must have shape %v", i, shape)
	}
}

// same requires the shapes of inputs i and j to be equal.
func (c *checker) same(i, j int) { c.shape(j, c.in[i].Shape...) }

func (c *checker) done(out ...Desc) ([]Desc, error) {
	if c.err != nil {
		return nil, c.err
	}
	return out, nil
}

// withLast is shape with its last axis replaced by n.
func withLast(shape []int, n int) []int {
	s := append([]int(nil), shape...)
	s[len(s)-1] = n
	return s
}
