package decode

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Finish implements Decoder.
func (d *Lexical) Finish() ([]Hypothesis, error) {
	defer d.Reset()
	if d.err != nil {
		return nil, d.err
	}
	d.close()
	for i := range d.found {
		h := &d.found[i]
		if d.model != nil {
			log10, _ := d.model.Score(d.tree.nodes[h.words].state, d.model.End())
			h.score += d.o.Alpha * float64(log10) * math.Ln10
		}
		h.score -= d.hot.credit[d.tree.nodes[h.words].hot] // what was promised and did not come
	}
	d.best = math.Inf(-1)
	for i := range d.found {
		d.best = max(d.best, d.found[i].score)
	}
	d.merge()
	list := make([]Hypothesis, 0, min(len(d.order), d.o.NBest))
	slices.SortFunc(d.order, func(a, b ranked) int {
		if a.before(b) {
			return -1
		}
		return 1
	})
	for _, r := range d.order {
		if len(list) == d.o.NBest {
			break
		}
		h := d.hypothesis(&d.found[r.at])
		if !slices.ContainsFunc(list, func(other Hypothesis) bool { return other.Text == h.Text }) {
			list = append(list, h)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("decode: %w after %d frames", ErrNoHypothesis, d.frame)
	}
	return list, nil
}

// close fills found with the hypotheses that may end: those between words, or all if there are none. Their places differ in words only.
func (d *Lexical) close() {
	d.found, d.best = d.found[:0], math.Inf(-1)
	for i := range d.beam {
		h := d.beam[i]
		if h.lex == lexiconRoot {
			h.token, h.blank = d.boundary, false
			d.add(&h)
		} else if c := d.lexicon.child(h.lex, max(d.boundary, 0)); d.o.OpenEnd && d.boundary >= 0 && c >= 0 {
			h.token, h.blank = d.boundary, false
			for _, w := range d.lexicon.wordsAt(c) {
				d.complete(h, w)
			}
		}
	}
	if len(d.found) > 0 {
		return
	}
	for i := range d.beam { // the open word is dropped, and with it its look-ahead, which flashlight leaves in the score
		h := d.beam[i]
		h.token, h.blank = d.boundary, false
		h.score -= d.o.Alpha * d.lexicon.smeared[h.lex]
		h.lex, h.start, h.end = lexiconRoot, -1, h.previous
		d.add(&h)
	}
}

func (d *Lexical) hypothesis(h *hypothesis) Hypothesis {
	at := &d.tree.nodes[h.words]
	out := Hypothesis{Score: h.score, LM: at.lm, Boost: at.boost + h.silence}
	if d.model != nil {
		log10, _ := d.model.Score(at.state, d.model.End())
		out.LM += float64(log10) * math.Ln10
	}
	words := d.tree.path(h.words)
	out.Words = make([]Word, len(words))
	end, done := h.end, h.done
	last := len(words) - 1
	if h.start >= 0 { // completed by close
		out.Words[last] = Word{Start: int(h.start), End: int(h.end)}
		end, last = h.previous, last-1
	}
	for ; last >= 0; last-- {
		s := d.history.spans[done]
		out.Words[last] = Word{Start: int(s.start), End: int(end)}
		end, done = s.end, s.before
	}
	counted := 0
	for i, w := range words {
		out.Words[i].Text = d.wordText(w)
		if w != noWord {
			counted++
		}
	}
	out.Text = d.text(words)
	out.Acoustic = out.Score - d.o.Alpha*out.LM - d.o.Beta*float64(counted) - out.Boost
	return out
}

func (d *Lexical) wordText(w int32) string {
	if w == noWord {
		return "<unk>"
	}
	return d.lexicon.words[w]
}

func (d *Lexical) text(words []int32) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(d.wordText(w))
	}
	return b.String()
}

// Partial implements Decoder. Its texts are of complete words.
func (d *Lexical) Partial() Partial {
	if d.err != nil || len(d.beam) == 0 {
		return Partial{}
	}
	best, shared := 0, d.beam[0].words
	for i := range d.beam {
		if d.beam[i].score > d.beam[best].score {
			best = i
		}
		shared = d.tree.ancestor(shared, d.beam[i].words)
	}
	return Partial{Text: d.text(d.tree.path(d.beam[best].words)), Stable: d.text(d.tree.path(shared))}
}
