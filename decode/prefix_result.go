package decode

import (
	"fmt"
	"math"
	"slices"
)

// ending is a finished text: a prefix without the boundary at its end, which may come from two entries, and after join all prefixes that spell it.
type ending struct {
	node     int32
	score    float64
	acoustic float64
	best     float64
	trail    trail
	lm       float64
	boost    float64
	words    int32
}

// Finish implements Decoder.
func (d *Prefix) Finish() ([]Hypothesis, error) {
	defer d.Reset()
	if d.err != nil {
		return nil, d.err
	}
	d.finish()
	d.join()
	if len(d.ends) == 0 {
		return nil, fmt.Errorf("decode: %w after %d frames: the lexicon or the language model allows no end", ErrNoHypothesis, d.frame)
	}
	slices.SortStableFunc(d.ends, func(a, b ending) int {
		switch {
		case a.score > b.score:
			return -1
		case a.score < b.score:
			return 1
		}
		return slices.Compare(d.tree.path(a.node), d.tree.path(b.node))
	})
	list := make([]Hypothesis, 0, min(d.o.NBest, len(d.ends)))
	for i := 0; i < len(d.ends) && len(list) < d.o.NBest; i++ {
		h := d.hypothesis(&d.ends[i])
		// A lexicon may have different words of one spelling, which do not add up.
		if !slices.ContainsFunc(list, func(other Hypothesis) bool { return other.Text == h.Text }) {
			list = append(list, h)
		}
	}
	return list, nil
}

// finish fills ends: one for each text, the paths with and without a last boundary together.
func (d *Prefix) finish() {
	for i := range d.beam {
		d.tree.nodes[d.beam[i].node].slot = -1
	}
	d.ends = d.ends[:0]
	for i := range d.beam {
		e := &d.beam[i]
		n := e.node
		if n != 0 && e.last == d.boundary {
			n = d.tree.links[n].parent
		}
		best, tr := e.now.best()
		tr = d.close(tr, e.node)
		if s := d.tree.nodes[n].slot; s >= 0 {
			at := &d.ends[s]
			at.acoustic = addLogs(at.acoustic, e.total)
			if best > at.best {
				at.best, at.trail = best, tr
			}
			continue
		}
		end := ending{node: n, acoustic: e.total, best: best, trail: tr}
		if !d.end(&end) {
			continue
		}
		d.tree.nodes[n].slot = int32(len(d.ends))
		d.ends = append(d.ends, end)
	}
}

// join adds up what spells one text in different tokens, and scores all ends. The tokens of the best path stand for the text.
func (d *Prefix) join() {
	if d.ambiguous {
		index := make(map[string]int, len(d.ends))
		kept := d.ends[:0]
		for _, e := range d.ends {
			text := d.vocabulary.Text(d.tree.path(e.node))
			i, seen := index[text]
			if !seen || kept[i].lm != e.lm || kept[i].boost != e.boost {
				index[text] = len(kept)
				kept = append(kept, e)
				continue
			}
			sum := addLogs(kept[i].acoustic, e.acoustic)
			if e.best > kept[i].best {
				kept[i] = e
			}
			kept[i].acoustic = sum
		}
		d.ends = kept
	}
	for i := range d.ends {
		at := &d.ends[i]
		at.score = at.acoustic + d.o.Alpha*at.lm + d.o.Beta*float64(at.words) + at.boost
	}
}

// end adds the last word and the end of the sentence, and tells whether the text may end here.
func (d *Prefix) end(end *ending) bool {
	at := &d.tree.nodes[end.node]
	end.lm, end.boost, end.words = at.lm, at.boost, at.words
	state := at.state
	if at.open {
		d.lookAhead(end.node)
		if !at.ahead.possible {
			return false
		}
		end.lm, state = end.lm+at.ahead.lm, at.ahead.state
		end.boost += d.hot.boost[d.hot.step(at.hot, space)]
		end.words++
	}
	if d.model != nil {
		log10, _ := d.model.Score(state, d.model.End())
		end.lm += float64(log10) * math.Ln10
	}
	return true
}

func (d *Prefix) hypothesis(end *ending) Hypothesis {
	h := Hypothesis{Tokens: d.tree.path(end.node), Score: end.score, Acoustic: end.acoustic, LM: end.lm, Boost: end.boost}
	h.Text = d.vocabulary.Text(h.Tokens)
	h.Words = make([]Word, 0, end.words)
	for i := end.trail.done; i >= 0; i = d.history.spans[i].before {
		h.Words = append(h.Words, Word{Start: int(d.history.spans[i].start), End: int(d.history.spans[i].end)})
	}
	slices.Reverse(h.Words)
	from, w := 0, 0
	for at := 1; at <= len(h.Tokens); at++ {
		if at < len(h.Tokens) && !d.closes[h.Tokens[at]] {
			continue
		}
		if text := d.vocabulary.Text(h.Tokens[from:at]); text != "" {
			h.Words[w].Text = text
			w++
		}
		from = at
	}
	return h
}

// Partial implements Decoder.
func (d *Prefix) Partial() Partial {
	if d.err != nil || len(d.beam) == 0 {
		return Partial{}
	}
	best, shared := 0, d.beam[0].node
	for i := range d.beam {
		if e := &d.beam[i]; e.total+e.bonus > d.beam[best].total+d.beam[best].bonus {
			best = i
		}
		shared = d.tree.ancestor(shared, d.beam[i].node)
	}
	if !d.whole {
		for shared > 0 && !d.closes[d.tree.links[shared].token] {
			shared = d.tree.links[shared].parent
		}
		shared = max(0, d.tree.links[shared].parent) // without the boundary itself, or what begins the next word
	}
	return Partial{Text: d.vocabulary.Text(d.tree.path(d.beam[best].node)), Stable: d.vocabulary.Text(d.tree.path(shared))}
}
