package decode

import (
	"math"
	"slices"
	"unsafe"

	"aural/lm"
)

// bonus returns what is not acoustic in the score of a node's extension by token, and whether the lexicon and the LM allow it.
func (d *Prefix) bonus(n, token int32) (float64, bool) {
	from := &d.tree.nodes[n]
	hot, boost := d.hear(from, token)
	bonus, lex, possible := from.bonus+boost+d.hot.credit[hot], from.lex, true
	if d.closes[token] {
		if from.open {
			d.lookAhead(n)
			bonus, possible = bonus+d.o.Alpha*from.ahead.lm+d.o.Beta, from.ahead.possible
		}
		lex = lexiconRoot
	}
	if d.lexicon != nil && token != d.boundary {
		possible = possible && d.lexicon.child(lex, token) >= 0
	}
	return bonus, possible
}

// hear returns the state of the hotwords after a token behind a node, and the boosts of those that it completes: a word ends where the next one starts.
func (d *Prefix) hear(from *node, token int32) (state int32, boost float64) {
	state = from.hot
	if d.hot.idle() {
		return state, 0
	}
	if from.open && d.closes[token] {
		state = d.hot.step(state, space)
		boost = d.hot.boost[state]
	}
	for _, c := range []byte(d.spelled[token]) {
		state = d.hot.step(state, int32(c))
	}
	return state, boost
}

// mostBoost bounds what a token can add to a score by hotwords, boosts and credits together. It goes through all states and tokens unless they are too many.
func (d *Prefix) mostBoost() float64 {
	most, states := 0.0, len(d.hot.boost)
	if states*d.size > 1<<20 {
		return max(0, slices.Max(d.hot.boost)) + slices.Max(d.hot.credit) - slices.Min(d.hot.credit)
	}
	for s := range int32(states) {
		for k := range int32(d.size) {
			for _, open := range []bool{false, true} {
				to, boost := d.hear(&node{hot: s, open: open}, k)
				most = max(most, boost+d.hot.credit[to]-d.hot.credit[s])
			}
		}
	}
	return most
}

// derive makes the node of an extension that bonus allowed.
func (d *Prefix) derive(parent, token int32) node {
	n := d.tree.nodes[parent]
	ahead := n.ahead
	n.depth, n.slot, n.children, n.ahead = n.depth+1, -1, 0, lookAhead{}
	hot, boost := d.hear(&n, token)
	n.hot, n.boost = hot, n.boost+boost
	if d.closes[token] {
		if n.open {
			n.lm, n.state = n.lm+ahead.lm, ahead.state
			n.words++
		}
		n.lex, n.open = lexiconRoot, false
	}
	n.open = n.open || d.spelled[token] != ""
	if d.lexicon != nil && token != d.boundary {
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
			a.lm, a.state, a.possible = d.ask(at.state, d.spell(n))
		}
	}
	at.ahead = a
}

// spell writes the open word of n into the decoder's buffer, from its end.
func (d *Prefix) spell(n int32) string {
	buf := d.word
	at := len(buf)
	for n > 0 && d.tree.links[n].token != d.boundary {
		token := d.tree.links[n].token
		s := d.spelled[token]
		if n = d.tree.links[n].parent; d.starts[token] {
			n = 0
		}
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
