package decode

import (
	"fmt"
	"math"
	"strings"
	"unsafe"

	"aural/lm"
)

// Prefix is the prefix beam search. Its score of a text is exact but for the beam: ln of the summed probability of all paths that give the
// text, with any number of boundaries between, before and after words. In a vocabulary without boundary each token is a word.
//
// Work: per frame, beam × (3 + in-beam children) sums of logarithms, about 25 ns each, and one comparison for each token that may extend
// each prefix until the scores fall below the beam; LM queries only for prefixes that may stay.
type Prefix struct {
	o               Options
	spelled         []string // by token
	model           LanguageModel
	lexicon         *Lexicon
	size            int
	blank, boundary int32
	start           lm.State
	hot             *automaton
	gain            float64 // the most that a step can add to a score beyond the emission
	cut             cutoff

	tree    tree
	history history
	beam    []entry
	spare   []entry
	found   []candidate
	order   []ranked
	taken   []int32 // by token: 1 + the entry whose child by it is in the beam
	word    []byte
	ends    []ending
	frame   int
	err     error
}

// paths are the paths of a prefix that end in the blank or in its last token: summed, and the best one. Natural logarithms.
type paths struct {
	blank, label           float64
	bestBlank, bestLabel   float64
	blankTrail, labelTrail trail
}

// best returns the better of the best paths.
func (p *paths) best() (float64, trail) {
	if p.bestLabel > p.bestBlank {
		return p.bestLabel, p.labelTrail
	}
	return p.bestBlank, p.blankTrail
}

// entry is a prefix in the beam.
type entry struct {
	node, last int32 // last token; of the empty prefix the boundary, or -1
	total      float64
	bonus      float64 // what is not acoustic in the score, with the hotwords' credit
	now, next  paths
	child      int32 // first child in the beam
	sibling    int32
}

// candidate is a place in the next beam: the entry from itself (token -1) or its extension by token.
type candidate struct {
	from, token    int32
	acoustic, best float64
	bonus          float64
}

// NewPrefix makes a prefix beam search. model and lexicon may be nil; without a model Alpha and Beta are not used. With a lexicon only its
// spellings come out; texts are spelled as the tokens say, and of words that are spelled alike the first stands for all.
func NewPrefix(v Vocabulary, model LanguageModel, lexicon *Lexicon, o Options) (*Prefix, error) {
	if err := o.check(v); err != nil {
		return nil, err
	}
	if model == nil {
		o.Alpha, o.Beta = 0, 0
	}
	if lexicon != nil {
		if err := lexicon.fits(v, model); err != nil {
			return nil, err
		}
		if v.Boundary() < 0 {
			return nil, fmt.Errorf("decode: the prefix search over a lexicon needs a vocabulary with a word boundary")
		}
	}
	d := &Prefix{o: o, spelled: spellings(v), model: model, lexicon: lexicon, size: v.Len(), blank: int32(v.Blank()), boundary: int32(max(v.Boundary(), -1)),
		cut: newCutoff(v, &o), taken: make([]int32, v.Len())}
	hotwords, err := tokenHotwords(v, &o)
	if err != nil {
		return nil, err
	}
	d.hot = newAutomaton(v.Len(), hotwords, o.PartialHotwords)
	d.gain = max(0, o.Beta) + d.hot.most
	if model != nil {
		d.start = model.Start()
		d.gain += max(0, o.Alpha*o.UnknownWord*math.Ln10)
		if o.Alpha < 0 || math.IsNaN(d.gain) {
			d.gain = math.Inf(1)
		}
	}
	d.Reset()
	return d, nil
}

// Reset implements Decoder.
func (d *Prefix) Reset() {
	d.frame, d.err = 0, nil
	root := node{lex: lexiconRoot, state: d.start}
	if d.boundary >= 0 {
		root.hot = d.hot.step(0, d.boundary)
	}
	d.tree.reset(root)
	d.history.reset()
	none := trail{-1, -1, -1}
	d.beam = append(d.beam[:0], entry{node: 0, last: d.boundary, bonus: d.hot.credit[root.hot],
		now: paths{label: math.Inf(-1), bestLabel: math.Inf(-1), blankTrail: none, labelTrail: none}})
}

// Feed implements Decoder.
func (d *Prefix) Feed(emissions []float32, frames int) error {
	if d.err != nil {
		return d.err
	}
	if err := checkShape(emissions, frames, d.size); err != nil {
		return err
	}
	for t := range frames {
		row := emissions[t*d.size : (t+1)*d.size]
		if d.err = checkFrame(row, d.frame); d.err != nil {
			return d.err
		}
		if d.err = d.step(row); d.err != nil {
			return d.err
		}
		d.frame++
	}
	return nil
}

func (d *Prefix) step(row []float32) error {
	d.stay(row)
	bound := d.collect(row)
	if math.IsInf(bound.best, -1) {
		return fmt.Errorf("decode: %w survives frame %d", ErrNoHypothesis, d.frame)
	}
	d.order = d.order[:0]
	for i := range d.found {
		c := &d.found[i]
		if score := c.acoustic + c.bonus; score >= bound.least && !math.IsInf(score, -1) {
			d.order = append(d.order, ranked{score, int32(i)})
		}
	}
	d.replace(row, keepBest(d.order, d.o.Beam))
	if len(d.tree.nodes) > d.tree.limit {
		d.compactTree()
	}
	if len(d.history.spans) > d.history.limit {
		d.compactHistory()
	}
	return nil
}

// stay sets next of each entry: the paths that do not leave the beam's prefixes. Hannun et al. 2014, algorithm 1, with the in-beam
// extensions taken at the prefix they arrive in.
func (d *Prefix) stay(row []float32) {
	t, blank, inf := int32(d.frame), float64(row[d.blank]), math.Inf(-1)
	for i := range d.beam {
		e := &d.beam[i]
		e.child, e.sibling = -1, -1
		best, tr := e.now.best()
		e.next = paths{blank: e.total + blank, label: inf, bestBlank: best + blank, blankTrail: tr, bestLabel: inf, labelTrail: e.now.labelTrail}
		switch {
		case e.last < 0:
		case e.last == d.boundary: // another boundary changes nothing, with or without a blank before it
			e.next.label, e.next.bestLabel, e.next.labelTrail = e.total+float64(row[e.last]), best+float64(row[e.last]), tr
		default:
			e.next.label, e.next.bestLabel = e.now.label+float64(row[e.last]), e.now.bestLabel+float64(row[e.last])
			e.next.labelTrail.end = t + 1
		}
	}
	for j := range d.beam {
		e := &d.beam[j]
		parent := d.tree.links[e.node].parent
		if parent < 0 || d.tree.nodes[parent].slot < 0 {
			continue
		}
		i := d.tree.nodes[parent].slot
		src := &d.beam[i]
		e.sibling, src.child = src.child, int32(j)
		sum, best, tr := src.leave(e.last)
		e.next.label = addLogs(e.next.label, sum+float64(row[e.last]))
		if best += float64(row[e.last]); best > e.next.bestLabel {
			e.next.bestLabel, e.next.labelTrail = best, d.extend(tr, e.last, t)
		}
	}
}

// leave returns the paths of e that a new token may follow: after the same token only those that end in the blank.
func (e *entry) leave(token int32) (sum, best float64, tr trail) {
	if token == e.last {
		return e.now.blank, e.now.bestBlank, e.now.blankTrail
	}
	best, tr = e.now.best()
	return e.total, best, tr
}

// extend returns the trail after token at frame t.
func (d *Prefix) extend(tr trail, token, t int32) trail {
	if token == d.boundary || d.boundary < 0 {
		tr = d.history.close(tr)
	}
	if token == d.boundary {
		return tr
	}
	if tr.start < 0 {
		tr.start = t
	}
	tr.end = t + 1
	return tr
}

// limits are the best score of a frame and the least that may enter the beam.
type limits struct{ best, least float64 }

// collect fills found. All entries of a full beam may stay, so the worst of them bounds the next beam from below: what a new prefix
// must reach is known before any is made.
func (d *Prefix) collect(row []float32) limits {
	inf := math.Inf(1)
	l := limits{best: -inf, least: -inf}
	worst, reach := inf, -inf
	d.found = d.found[:0]
	for i := range d.beam {
		e := &d.beam[i]
		sum := addLogs(e.next.blank, e.next.label)
		l.best, worst = max(l.best, sum+e.bonus), min(worst, sum+e.bonus)
		reach = max(reach, e.total+e.bonus)
		d.found = append(d.found, candidate{from: int32(i), token: -1, acoustic: sum, bonus: e.bonus})
	}
	if len(d.beam) >= d.o.Beam {
		l.least = worst
	}
	l.least = max(l.least, l.best-d.o.BeamThreshold)
	d.cut.pick(row, l.least-reach-d.gain)
	for i := range d.beam {
		d.extensions(row, int32(i), &l)
	}
	l.least = max(l.least, l.best-d.o.BeamThreshold)
	return l
}

// extensions adds the new prefixes of entry i.
func (d *Prefix) extensions(row []float32, i int32, l *limits) {
	e := &d.beam[i]
	for j := e.child; j >= 0; j = d.beam[j].sibling {
		d.taken[d.beam[j].last] = i + 1
	}
	for _, k := range d.cut.tokens {
		x := float64(row[k])
		if e.total+e.bonus+x+d.gain < l.least {
			break // and so are all that follow
		}
		if d.taken[k] == i+1 || k == d.boundary && e.last == d.boundary {
			continue
		}
		sum, best, _ := e.leave(k)
		if sum+e.bonus+x+d.gain < l.least || math.IsInf(sum, -1) {
			continue
		}
		bonus, possible := d.bonus(e.node, k)
		score := sum + x + bonus
		if !possible || score < l.least || math.IsInf(score, -1) {
			continue
		}
		if score > l.best {
			l.best = score
			l.least = max(l.least, score-d.o.BeamThreshold)
		}
		d.found = append(d.found, candidate{from: i, token: k, acoustic: sum + x, best: best + x, bonus: bonus})
	}
	for j := e.child; j >= 0; j = d.beam[j].sibling {
		d.taken[d.beam[j].last] = 0
	}
}

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

// replace makes the chosen candidates the beam.
func (d *Prefix) replace(row []float32, chosen []ranked) {
	for i := range d.beam {
		d.tree.nodes[d.beam[i].node].slot = -1
	}
	next := d.spare[:0]
	for _, r := range chosen {
		c := &d.found[r.at]
		src := &d.beam[c.from]
		if c.token < 0 {
			next = append(next, *src)
			e := &next[len(next)-1]
			e.now, e.total = src.next, c.acoustic
			continue
		}
		n := d.tree.child(src.node, c.token)
		if n < 0 {
			n = d.tree.add(src.node, c.token, d.derive(src.node, c.token))
		}
		_, _, tr := src.leave(c.token)
		none, inf := trail{-1, -1, -1}, math.Inf(-1)
		next = append(next, entry{node: n, last: c.token, total: c.acoustic, bonus: c.bonus,
			now: paths{blank: inf, label: c.acoustic, bestBlank: inf, bestLabel: c.best, blankTrail: none, labelTrail: d.extend(tr, c.token, int32(d.frame))}})
	}
	for i := range next {
		d.tree.nodes[next[i].node].slot = int32(i)
	}
	d.beam, d.spare = next, d.beam
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

// open spells the open word of n in the decoder's buffer.
func (d *Prefix) open(n int32) string {
	d.word = d.word[:0]
	for n > 0 && d.tree.links[n].token != d.boundary {
		s := d.spelled[d.tree.links[n].token]
		n = d.tree.links[n].parent
		for i := len(s) - 1; i >= 0; i-- {
			d.word = append(d.word, s[i])
		}
	}
	for i, j := 0, len(d.word)-1; i < j; i, j = i+1, j-1 {
		d.word[i], d.word[j] = d.word[j], d.word[i]
	}
	if len(d.word) == 0 {
		return ""
	}
	return unsafe.String(&d.word[0], len(d.word)) // no copy: read before the buffer is next written
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

func (d *Prefix) compactTree() {
	d.tree.begin()
	for i := range d.beam {
		d.tree.mark(d.beam[i].node)
	}
	d.tree.compact()
	for i := range d.beam {
		d.beam[i].node = d.tree.remap[d.beam[i].node]
	}
}

func (d *Prefix) compactHistory() {
	d.history.begin()
	for i := range d.beam {
		d.history.mark(d.beam[i].now.blankTrail.done)
		d.history.mark(d.beam[i].now.labelTrail.done)
	}
	d.history.compact()
	for i := range d.beam {
		p := &d.beam[i].now
		p.blankTrail.done, p.labelTrail.done = d.history.moved(p.blankTrail.done), d.history.moved(p.labelTrail.done)
	}
}

func spellings(v Vocabulary) []string {
	list := make([]string, v.Len())
	for i := range list {
		list[i] = v.Token(i)
	}
	return list
}

// text spells the prefix n with spaces between words.
func (d *Prefix) text(tokens []int32) string {
	var b strings.Builder
	for _, k := range tokens {
		if k == d.boundary {
			b.WriteByte(' ')
		} else {
			b.WriteString(d.spelled[k])
		}
	}
	return b.String()
}
