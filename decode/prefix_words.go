package decode

import (
	"math"
	"unsafe"

	"aural/lm"
)

// bonus returns what is not acoustic in the score of a node's extension by token, and whether the lexicon and the LM allow it.
func (d *Prefix) bonus(n, token int32) (float64, bool) {
	from := &d.tree.nodes[n]
	hot := d.hot.step(from.hot, token)
	bonus := from.bonus + d.hot.boost[hot] + d.hot.credit[hot]
	switch {
	case token == d.boundary:
		d.lookAhead(n)
		from = &d.tree.nodes[n]
		return bonus + d.o.Alpha*from.ahead.lm + d.o.Beta, from.ahead.possible
	case d.boundary < 0:
		if d.model == nil {
			return bonus, true
		}
		lm, _, possible := d.ask(from.state, d.spelled[token])
		return bonus + d.o.Alpha*lm + d.o.Beta, possible
	case d.lexicon != nil:
		return bonus, d.lexicon.child(from.lex, token) >= 0
	}
	return bonus, true
}

// derive makes the node of an extension that bonus allowed.
func (d *Prefix) derive(parent, token int32) node {
	n := d.tree.nodes[parent]
	ahead := n.ahead
	n.depth, n.slot, n.children, n.ahead = n.depth+1, -1, 0, lookAhead{}
	n.hot = d.hot.step(n.hot, token)
	n.boost += d.hot.boost[n.hot]
	switch {
	case token == d.boundary:
		n.lm, n.state, n.lex = n.lm+ahead.lm, ahead.state, lexiconRoot
		n.words++
	case d.boundary < 0:
		n.words++
		if d.model != nil {
			lm, state, _ := d.ask(n.state, d.spelled[token])
			n.lm, n.state = n.lm+lm, state
		}
	case d.lexicon != nil:
		n.lex = d.lexicon.child(n.lex, token)
	}
	n.bonus = d.o.Alpha*n.lm + d.o.Beta*float64(n.words) + n.boost
	return n
}

// lookAhead asks what ending the open word of n is worth.
func (d *Prefix) lookAhead(n int32) {
	at := &d.tree.nodes[n]
	if at.ahead.asked {
		return
	}
	a := lookAhead{asked: true, possible: true}
	word := int32(-1)
	if d.lexicon != nil {
		word = d.lexicon.ending(at.lex)
		a.possible = word >= 0
	}
	if a.possible && d.model != nil {
		if word >= 0 {
			a.lm, a.state, a.possible = d.score(at.state, d.lexicon.ids[word], d.lexicon.known[word])
		} else {
			a.lm, a.state, a.possible = d.ask(at.state, d.open(n))
		}
	}
	at.ahead = a
}

// open spells the open word of n in the decoder's buffer, from its end.
func (d *Prefix) open(n int32) string {
	buf := d.word
	at := len(buf)
	for n > 0 && d.tree.links[n].token != d.boundary {
		s := d.spelled[d.tree.links[n].token]
		n = d.tree.links[n].parent
		if at < len(s) {
			more := make([]byte, 2*len(buf)+len(s)+64)
			copy(more[len(more)-len(buf):], buf)
			at += len(more) - len(buf)
			buf = more
		}
		at -= len(s)
		if len(s) == 1 {
			buf[at] = s[0]
		} else {
			copy(buf[at:], s)
		}
	}
	d.word = buf
	if at == len(buf) {
		return ""
	}
	return unsafe.String(&buf[at], len(buf)-at) // no copy: read before the buffer is next written
}

func (d *Prefix) ask(state lm.State, word string) (float64, lm.State, bool) {
	id, known := d.model.Word(word)
	return d.score(state, id, known)
}

// score returns ln p of a word, and false for an unknown one where those are forbidden.
func (d *Prefix) score(state lm.State, id lm.WordID, known bool) (float64, lm.State, bool) {
	log10, next := d.model.Score(state, id)
	p := float64(log10)
	if !known {
		p += d.o.UnknownWord
	}
	return p * math.Ln10, next, !math.IsInf(p, -1)
}
