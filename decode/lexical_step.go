package decode

import (
	"math"

	"aural/lm"
)

// same adds the ways of h that do not leave its place in the lexicon: the blank; the same token inside of a word, if the last frame was not
// the blank; silence between words.
func (d *Lexical) same(row []float32, h *hypothesis) {
	next := *h
	next.score += float64(row[d.blank])
	next.token, next.blank = d.blank, true
	d.add(&next)

	next = *h
	switch {
	case h.lex == lexiconRoot && d.boundary >= 0:
		next.token = d.boundary
	case h.blank || h.token < 0:
		return
	}
	if next.token == d.boundary {
		next.score += d.o.Silence
		next.silence += d.o.Silence
	} else {
		next.end = int32(d.frame) + 1
	}
	next.score += float64(row[next.token])
	next.blank = false
	d.add(&next)
}

// children tries the tokens that go on from h's place, by the shorter list.
func (d *Lexical) children(row []float32, h *hypothesis) {
	first, last := d.lexicon.first[h.lex], d.lexicon.first[h.lex+1]
	if int(last-first) > len(d.cut.tokens) {
		for _, k := range d.cut.tokens {
			if c := d.lexicon.child(h.lex, k); c >= 0 {
				d.child(row, h, c)
			}
		}
		return
	}
	for c := first; c < last; c++ {
		if d.allowed[d.lexicon.token[c]] {
			d.child(row, h, c)
		}
	}
}

func (d *Lexical) child(row []float32, h *hypothesis, c int32) {
	token := d.lexicon.token[c]
	if token == h.token {
		return // repeats need a blank between. flashlight lets a word's last token be the repeat, and so breaks CTC's rule.
	}
	next := *h
	next.score += float64(row[token])
	next.token, next.blank = token, false
	if next.start < 0 {
		next.start, next.previous = int32(d.frame), next.end
	}
	if token == d.boundary {
		next.score += d.o.Silence
		next.silence += d.o.Silence
	} else {
		next.end = int32(d.frame) + 1
	}
	if !d.lexicon.leaf(c) {
		inner := next
		inner.lex = c
		inner.score += d.o.Alpha * (d.lexicon.smeared[c] - d.lexicon.smeared[h.lex])
		d.add(&inner)
	}
	words := d.lexicon.wordsAt(c)
	for _, w := range words {
		d.complete(next, w)
	}
	if len(words) == 0 && d.o.AllowUnknown {
		d.complete(next, noWord)
	}
}

// complete adds h with word complete; the score of the word replaces the look-ahead of the place before.
func (d *Lexical) complete(h hypothesis, word int32) {
	h.score -= d.o.Alpha * d.lexicon.smeared[h.lex]
	from := &d.tree.nodes[h.words]
	h.score -= from.bonus + d.hot.credit[from.hot]
	h.words = d.follow(h.words, word)
	to := &d.tree.nodes[h.words]
	h.score += to.bonus + d.hot.credit[to.hot]
	h.lex = lexiconRoot
	d.add(&h)
}

// follow returns the node of the words of n and one more.
func (d *Lexical) follow(n, word int32) int32 {
	if to := d.tree.child(n, word); to >= 0 {
		return to
	}
	to := d.tree.nodes[n]
	to.depth, to.children = to.depth+1, 0
	to.hot = d.hot.step(to.hot, word+1)
	boost := d.hot.boost[to.hot]
	if word == noWord {
		boost += d.o.UnknownScore
	} else {
		to.words++
	}
	to.boost += boost
	if d.model != nil {
		id := lm.Unknown
		if word != noWord {
			id = d.lexicon.ids[word]
		}
		log10, state := d.model.Score(to.state, id)
		to.lm, to.state = to.lm+float64(log10)*math.Ln10, state
	}
	to.bonus = d.o.Alpha*to.lm + d.o.Beta*float64(to.words) + to.boost
	return d.tree.add(n, word, to)
}

// add keeps a candidate unless it is too far below the best so far.
func (d *Lexical) add(h *hypothesis) {
	d.best = max(d.best, h.score)
	if h.score >= d.best-d.o.BeamThreshold && !math.IsInf(h.score, -1) {
		d.found = append(d.found, *h)
	}
}

// choose makes the best candidates the beam.
func (d *Lexical) choose() {
	d.merge()
	next := d.spare[:0]
	for _, r := range keepBest(d.order, d.o.Beam) {
		next = append(next, d.found[r.at])
		h := &next[len(next)-1]
		if h.lex == lexiconRoot && h.start >= 0 { // a word is complete
			d.history.spans = append(d.history.spans, span{h.done, h.start, h.previous})
			h.done, h.start = int32(len(d.history.spans)-1), -1
		}
	}
	d.beam, d.spare = next, d.beam
}

// merge fills order with candidates of different places.
func (d *Lexical) merge() {
	d.merged.reset(len(d.found))
	d.order = d.order[:0]
	least := d.best - d.o.BeamThreshold
	for i := range d.found {
		h := &d.found[i]
		if h.score < least {
			continue
		}
		at := d.merged.find(d.found, h.place)
		if *at == 0 {
			*at = int32(i) + 1
			continue
		}
		first := &d.found[*at-1]
		high, low := first, h
		if h.score > first.score {
			high, low = h, first
		}
		score := high.score
		if d.o.LogAdd {
			score = addLogs(score, low.score)
		}
		*first = *high
		first.score, h.score = score, math.Inf(-1)
	}
	for i := range d.found {
		if score := d.found[i].score; score >= least && !math.IsInf(score, -1) {
			d.order = append(d.order, ranked{score, int32(i)})
		}
	}
}

// merger finds candidates by place: open addressing, 1 + number of the candidate, 0 when free.
type merger []int32

func (m *merger) reset(n int) {
	size := 1 << 10
	for size < 2*n {
		size *= 2
	}
	if size > cap(*m) {
		*m = make(merger, size)
		return
	}
	*m = (*m)[:size]
	clear(*m)
}

func (m merger) find(found []hypothesis, p place) *int32 {
	token := p.token << 1
	if p.blank {
		token |= 1
	}
	mask := len(m) - 1
	i := int((mixed(p.words, p.lex)^mixed(token, 0))>>32) & mask
	for m[i] != 0 && found[m[i]-1].place != p {
		i = (i + 1) & mask
	}
	return &m[i]
}

func (d *Lexical) compactTree() {
	d.tree.begin()
	for i := range d.beam {
		d.tree.mark(d.beam[i].words)
	}
	d.tree.compact()
	for i := range d.beam {
		d.beam[i].words = d.tree.remap[d.beam[i].words]
	}
}

func (d *Lexical) compactHistory() {
	d.history.begin()
	for i := range d.beam {
		d.history.mark(d.beam[i].done)
	}
	d.history.compact()
	for i := range d.beam {
		d.beam[i].done = d.history.moved(d.beam[i].done)
	}
}
