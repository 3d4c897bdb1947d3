package decode

import (
	"math"
	"slices"
)

// Greedy takes the best token of each frame, merges runs and drops blanks. Score and Acoustic are the log-probability of that path. Tokens
// are all that remain; empty words between boundaries do not show in Text and Words. Tokens in ignore are never taken.
func Greedy(v Vocabulary, emissions []float32, frames int, ignore ...int32) (Hypothesis, error) {
	o := DefaultOptions()
	o.Ignore = ignore
	if err := o.check(v); err != nil {
		return Hypothesis{}, err
	}
	if err := checkShape(emissions, frames, v.Len()); err != nil {
		return Hypothesis{}, err
	}
	ignored := make([]bool, v.Len())
	for _, k := range ignore {
		ignored[k] = true
	}
	n, blank, boundary := v.Len(), int32(v.Blank()), int32(v.Boundary())
	var h Hypothesis
	last, open := blank, false // open: a word has begun
	for t := range frames {
		row := emissions[t*n : (t+1)*n]
		if err := checkFrame(row, t); err != nil {
			return Hypothesis{}, err
		}
		best := int32(-1)
		for k, x := range row {
			if !ignored[k] && (best < 0 || x > row[best]) {
				best = int32(k)
			}
		}
		h.Acoustic += float64(row[best])
		switch {
		case best == blank || best == boundary:
			open = open && best == blank
		case best == last:
			h.Words[len(h.Words)-1].End = t + 1
		default:
			if !open || v.StartsWord(int(best)) {
				h.Words = append(h.Words, Word{Start: t})
				open = true
			}
			w := &h.Words[len(h.Words)-1]
			w.Text += v.Text([]int32{best})
			w.End = t + 1
		}
		if best != blank && best != last {
			h.Tokens = append(h.Tokens, best)
		}
		last = best
	}
	h.Words = slices.DeleteFunc(h.Words, func(w Word) bool { return w.Text == "" }) // a piece may be the mark alone
	h.Text, h.Score = v.Text(h.Tokens), h.Acoustic
	if math.IsInf(h.Score, -1) {
		return Hypothesis{}, ErrNoHypothesis
	}
	return h, nil
}
