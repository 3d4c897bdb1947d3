package decode

import (
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"aural/lm"
)

// Prefix is the prefix beam search. Its score of a text is exact but for the beam: ln of the summed probability of all paths that give the
// text, with any number of boundaries between, before and after words. Where several sequences of tokens spell a text, as word pieces do, each takes a place in the
// beam, and they are summed at the end.
//
// Work: per frame, beam × (3 + in-beam children) sums of logarithms, about 25 ns each, and one comparison for each token that may extend
// each prefix until the scores fall below the beam; LM queries only for prefixes that may stay.
type Prefix struct {
	stream
	o               Options
	vocabulary      Vocabulary
	spelled         []string // by token: what it adds to its word
	starts          []bool   // by token: a word begins with it
	closes          []bool   // by token: it ends the word before it, as boundaries and what starts a word do
	whole           bool     // every token is a word
	ambiguous       bool     // different tokens may spell one text
	model           LanguageModel
	lexicon         *Lexicon
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
	}
	d := &Prefix{o: o, vocabulary: v, spelled: spellings(v), starts: wordStarts(v), model: model, lexicon: lexicon, stream: stream{size: v.Len()}, blank: int32(v.Blank()),
		boundary: int32(max(v.Boundary(), -1)), cut: newCutoff(v, &o), taken: make([]int32, v.Len())}
	d.closes, d.whole = slices.Clone(d.starts), !slices.Contains(d.starts, false)
	if d.boundary >= 0 {
		d.closes[d.boundary] = true
	}
	d.ambiguous = d.boundary < 0 && !d.whole // the first word may begin with any piece
	for k, s := range d.spelled {
		d.ambiguous = d.ambiguous || utf8.RuneCountInString(s) != 1 && int32(k) != d.blank && int32(k) != d.boundary && !d.cut.ignored[k]
	}
	if lexicon != nil && d.whole {
		return nil, fmt.Errorf("decode: the prefix search over a lexicon needs a vocabulary with a word boundary, or word pieces")
	}
	hotwords, err := spelledHotwords(v, &o)
	if err != nil {
		return nil, err
	}
	d.hot = newAutomaton(256, hotwords, o.PartialHotwords)
	d.gain = max(0, o.Beta) + d.mostBoost()
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
	root := node{lex: lexiconRoot, state: d.start, hot: d.hot.step(0, space)}
	d.tree.reset(root)
	d.history.reset()
	none := trail{-1, -1, -1}
	d.beam = append(d.beam[:0], entry{node: 0, last: d.boundary, bonus: d.hot.credit[root.hot],
		now: paths{label: math.Inf(-1), bestLabel: math.Inf(-1), blankTrail: none, labelTrail: none}})
}

// Feed implements Decoder.
func (d *Prefix) Feed(emissions []float32, frames int) error {
	return d.feed(emissions, frames, d.step)
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
