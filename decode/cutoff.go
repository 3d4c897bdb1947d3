package decode

import (
	"cmp"
	"math"
	"slices"
)

// cutoff picks the tokens of a frame that may extend hypotheses.
type cutoff struct {
	top     int
	mass    float64
	blank   int32
	ignored []bool
	tokens  []int32 // picked, most probable first, without the blank
}

func newCutoff(v Vocabulary, o *Options) cutoff {
	c := cutoff{top: o.TokenTop, mass: o.TokenMass, blank: int32(v.Blank()), ignored: make([]bool, v.Len()), tokens: make([]int32, 0, v.Len())}
	if c.top == 0 {
		c.top = v.Len()
	}
	if c.mass == 0 {
		c.mass = 1
	}
	for _, k := range o.Ignore {
		c.ignored[k] = true
	}
	return c
}

// pick fills tokens with those of at least floor that are among the top and within the mass. The blank takes its place in both
// counts; ctcdecode's mass starts at probability 1 and cuts too early, this one starts at 0.
func (c *cutoff) pick(row []float32, floor float64) {
	c.tokens = c.tokens[:0]
	for k, x := range row {
		if (float64(x) >= floor || int32(k) == c.blank) && !c.ignored[k] && !math.IsInf(float64(x), -1) {
			c.tokens = append(c.tokens, int32(k))
		}
	}
	slices.SortFunc(c.tokens, func(a, b int32) int {
		if row[a] != row[b] {
			return cmp.Compare(row[b], row[a])
		}
		return cmp.Compare(a, b)
	})
	c.tokens = c.tokens[:min(len(c.tokens), c.top)]
	if c.mass < 1 {
		sum := 0.0
		for i, k := range c.tokens {
			sum += math.Exp(float64(row[k]))
			if sum >= c.mass {
				c.tokens = c.tokens[:i+1]
				break
			}
		}
	}
	if i := slices.Index(c.tokens, c.blank); i >= 0 {
		c.tokens = slices.Delete(c.tokens, i, i+1)
	}
}
