package plots

import (
	"fmt"
	"math"
	"slices"
	"sort"
)

// group makes the sets: each group of the options at the place of its first run, and each other run.
func (b *builder) group() {
	place := map[string]int{}
	for i, r := range b.runs {
		name := ""
		if b.options.Groups != nil {
			name = b.options.Groups[i]
		}
		if k, ok := place[name]; ok && name != "" {
			b.sets[k].runs = append(b.sets[k].runs, r)
			continue
		}
		place[name] = len(b.sets)
		b.sets = append(b.sets, set{r.label, []run{r}})
		if name != "" {
			b.sets[len(b.sets)-1].label = name
		}
	}
	for i, s := range b.sets {
		if n := len(s.runs); n > 1 {
			b.sets[i].label = fmt.Sprintf("%s (%d runs)", s.label, n)
		}
	}
}

// mean makes the curve of a set. That of a group is the mean of its runs at every update at which any of them has a
// point, over the updates that all of them have; between its points a run is a line. Runs are smoothed before they are
// averaged, so that the band shows how they differ and not how noisy each is.
func (b *builder) mean(s set, w want) (curve, bool) {
	var members []curve
	for _, r := range s.runs {
		if c, ok := b.curve(r, w); ok {
			members = append(members, c)
		}
	}
	if len(members) == 0 {
		return curve{}, false
	}
	c := members[0]
	c.run = s.label
	if len(s.runs) == 1 {
		return c, true
	}
	c.steps = commonSteps(members)
	if len(c.steps) == 0 {
		return curve{}, false
	}
	smoothed := c.smooth != nil
	n := len(c.steps)
	c.x, c.raw, c.smooth = make([]float64, n), make([]float64, n), nil
	c.low, c.high = make([]float64, n), make([]float64, n)
	if smoothed {
		c.smooth = make([]float64, n)
	}
	x, raw, drawn := make([]float64, len(members)), make([]float64, len(members)), make([]float64, len(members))
	for i, step := range c.steps {
		for k := range members {
			m := &members[k]
			x[k], raw[k], drawn[k] = between(m.steps, m.x, step), between(m.steps, m.raw, step), between(m.steps, m.drawn(), step)
		}
		c.x[i], c.raw[i] = average(x), average(raw)
		if smoothed {
			c.smooth[i] = average(drawn)
		}
		c.low[i], c.high[i] = around(drawn, b.options.Band)
	}
	if b.options.Band == NoBand || len(members) == 1 || w.exact {
		c.low, c.high = nil, nil
	}
	return c, true
}

// commonSteps returns the steps of all curves that no curve begins behind or ends before.
func commonSteps(curves []curve) []int64 {
	first, last := int64(0), int64(math.MaxInt64)
	var steps []int64
	for _, c := range curves {
		first, last = max(first, c.steps[0]), min(last, c.steps[len(c.steps)-1])
		steps = append(steps, c.steps...)
	}
	slices.Sort(steps)
	steps = slices.Compact(steps)
	return slices.DeleteFunc(steps, func(s int64) bool { return s < first || s > last })
}

// between returns the value at a step inside of a series, linear between its points.
func between(steps []int64, values []float64, step int64) float64 {
	i := sort.Search(len(steps), func(i int) bool { return steps[i] >= step })
	if i == 0 || steps[i] == step {
		return values[i]
	}
	share := float64(step-steps[i-1]) / float64(steps[i]-steps[i-1])
	return values[i-1]*(1-share) + values[i]*share
}

func average(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// around returns the band of values: their range, or their mean less and plus the standard deviation of a sample, whose sum
// of squares is divided by n-1.
func around(values []float64, kind Band) (low, high float64) {
	mean := average(values)
	if !finite(mean) {
		return math.NaN(), math.NaN()
	}
	if kind == MinMax {
		return slices.Min(values), slices.Max(values)
	}
	squares := 0.0
	for _, v := range values {
		squares += (v - mean) * (v - mean)
	}
	deviation := math.Sqrt(squares / float64(max(1, len(values)-1)))
	return mean - deviation, mean + deviation
}
