package decode

import (
	"fmt"
	"math"
	"slices"

	"aural/lm"
)

// LexicalOptions are those of the lexicon search.
type LexicalOptions struct {
	Options
	Silence float64 // added for each frame of the boundary (flashlight's silScore)
	// AllowUnknown lets a word end at any place of the trie that spells none, as <unk>, with UnknownScore (flashlight's unkScore) instead of
	// Beta.
	AllowUnknown bool
	UnknownScore float64
	// LogAdd adds the probabilities of hypotheses that meet in one state; without it the better one stays (flashlight's default).
	LogAdd bool
	// OpenEnd lets the last word end without its boundary, as transcripts without a boundary at the end teach a model (Hugging Face's).
	// Without it, as in flashlight, hypotheses inside of a word end only if none has ended its word.
	OpenEnd bool
}

// Lexical is the lexicon search for CTC of flashlight (LexiconDecoder) and fairseq: hypotheses are places in the trie of spellings, the best
// path through them counts. The boundary of the vocabulary is flashlight's silence; between words it may last any number of frames. In a
// vocabulary without boundary a word's last token may last several frames instead, which in flashlight needs silence.
//
// Work: per frame, beam × (2 + children among the frame's tokens) candidates of about 50 ns, hashing and pruning included; an LM query for
// each new pair of history and word.
type Lexical struct {
	stream
	o               LexicalOptions
	model           LanguageModel
	lexicon         *Lexicon
	blank, boundary int32
	start           lm.State
	hot             *automaton // over words, the unknown one is 0
	cut             cutoff
	allowed         []bool // by token: in cut.tokens of this frame

	tree    tree // of words
	history history
	beam    []hypothesis
	spare   []hypothesis
	found   []hypothesis
	merged  merger
	order   []ranked
	best    float64
}

// hypothesis is a place in the search and the best path to it.
type hypothesis struct {
	score   float64
	silence float64 // what silence has in the score
	place
	trail
	previous int32 // end of the word before the open one
}

// place is what two hypotheses must share to be one.
type place struct {
	words int32 // node of the tree: the complete words
	lex   int32 // node of the lexicon: the open word
	token int32
	blank bool // the last frame was the blank
}

// noWord is the number of an unknown word.
const noWord = -1

// NewLexical makes a lexicon search. model may be nil; then Alpha is not used, and Beta still counts words.
func NewLexical(v Vocabulary, model LanguageModel, lexicon *Lexicon, o LexicalOptions) (*Lexical, error) {
	if err := o.check(v); err != nil {
		return nil, err
	}
	if lexicon == nil {
		return nil, fmt.Errorf("decode: the lexicon search needs a lexicon")
	}
	if err := lexicon.fits(v, model); err != nil {
		return nil, err
	}
	if !finite(o.Silence) || !finite(o.UnknownScore) {
		return nil, fmt.Errorf("decode: scores of silence %v and unknown words %v, want finite numbers", o.Silence, o.UnknownScore)
	}
	if model == nil {
		o.Alpha = 0
	}
	d := &Lexical{o: o, model: model, lexicon: lexicon, stream: stream{size: v.Len()}, blank: int32(v.Blank()), boundary: int32(max(v.Boundary(), -1)),
		cut: newCutoff(v, &o.Options), allowed: make([]bool, v.Len())}
	hotwords, err := wordHotwords(lexicon, &o.Options)
	if err != nil {
		return nil, err
	}
	d.hot = newAutomaton(lexicon.Words()+1, hotwords, o.PartialHotwords)
	if model != nil {
		d.start = model.Start()
	}
	d.Reset()
	return d, nil
}

// wordHotwords spells hotwords in words of the lexicon, numbered from 1.
func wordHotwords(l *Lexicon, o *Options) ([]pattern, error) {
	var list []pattern
	for _, h := range o.Hotwords {
		words, err := h.words()
		if err != nil {
			return nil, err
		}
		p := pattern{boost: h.Boost}
		for _, w := range words {
			at := slices.Index(l.words, w)
			if at < 0 {
				return nil, fmt.Errorf("decode: hotword %q: %q is not in the lexicon", h.Text, w)
			}
			p.symbols = append(p.symbols, int32(at+1))
		}
		list = append(list, p)
	}
	return list, nil
}

// Reset implements Decoder.
func (d *Lexical) Reset() {
	d.frame, d.err = 0, nil
	d.tree.reset(node{state: d.start})
	d.history.reset()
	d.beam = append(d.beam[:0], hypothesis{place: place{lex: lexiconRoot, token: d.boundary}, trail: trail{-1, -1, -1}, previous: -1})
}

// Feed implements Decoder.
func (d *Lexical) Feed(emissions []float32, frames int) error {
	return d.feed(emissions, frames, d.step)
}

func (d *Lexical) step(row []float32) error {
	d.cut.pick(row, math.Inf(-1))
	for _, k := range d.cut.tokens {
		d.allowed[k] = true
	}
	d.found, d.best = d.found[:0], math.Inf(-1)
	for i := range d.beam {
		h := &d.beam[i]
		d.same(row, h)
		d.children(row, h)
	}
	for _, k := range d.cut.tokens {
		d.allowed[k] = false
	}
	d.choose()
	if len(d.tree.nodes) > d.tree.limit {
		d.compactTree()
	}
	if len(d.history.spans) > d.history.limit {
		d.compactHistory()
	}
	if len(d.beam) == 0 {
		return fmt.Errorf("decode: %w survives frame %d", ErrNoHypothesis, d.frame)
	}
	return nil
}
