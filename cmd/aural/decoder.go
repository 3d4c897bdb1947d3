package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	"aural/decode"
	"aural/lm"
	"aural/vocab"

	"github.com/spf13/cobra"
)

// Searches that turn emissions into text.
const (
	greedyDecoder  = "greedy"
	prefixDecoder  = "prefix"
	lexiconDecoder = "lexicon"
)

// defaultBoost is what a hotword adds to the score when nothing is said (pyctcdecode's hotword_weight).
const defaultBoost = 10

// lmWords as --lexicon stands for the words of the language model.
const lmWords = "lm"

// decoderFlags say how emissions become text.
type decoderFlags struct {
	kind, lm, lexicon string
	hotwords          []string
	logAdd            bool
	unknown           float64 // of the lexicon search; NaN: no unknown words
	decode.Options
}

const decoderHelp = `Decoders (--decoder; without it the first that has what it needs):
  greedy    the most probable token of each frame (default)
  prefix    beam search that sums over the paths of a text, with --lm, --hotword or --nbest; with
            --lexicon only its words come out
  lexicon   beam search for the best path through the spellings of --lexicon, with or without --lm

A text has the score ln p(text | audio) + alpha ln p_LM(text) + beta words + boosts of hotwords. The
alphas that flashlight, fairseq and wav2vec 2.0 publish weigh log10: divide them by 2.303.`

// flags adds the flags to a command. f gets its defaults.
func (f *decoderFlags) flags(c *cobra.Command) {
	f.Options = decode.DefaultOptions()
	f.PartialHotwords = true
	p := c.Flags()
	p.StringVar(&f.kind, "decoder", "", "`SEARCH`: greedy, prefix or lexicon")
	p.StringVar(&f.lm, "lm", "", "n-gram language model, `FILE`: ARPA, .trie or KenLM's binary")
	p.StringVar(&f.lexicon, "lexicon", "", "words that may come out, `FILE`: one a line, with or without its tokens; lm: those of --lm")
	p.IntVar(&f.Beam, "beam", f.Beam, "hypotheses kept after each frame")
	p.Float64Var(&f.BeamThreshold, "beam-threshold", f.BeamThreshold, "drop hypotheses so far below the best (natural log)")
	p.IntVar(&f.TokenTop, "token-top", f.TokenTop, "only so many of a frame's best tokens extend hypotheses (0: all)")
	p.Float64Var(&f.TokenMass, "token-mass", 1, "only the fewest tokens whose probabilities sum to this")
	p.Float64Var(&f.Alpha, "alpha", f.Alpha, "weight of the language model, on natural logarithms")
	p.Float64Var(&f.Beta, "beta", f.Beta, "added for each word")
	p.Float64Var(&f.UnknownWord, "unknown-word", f.UnknownWord, "prefix: added to log10 p of words that the language model lacks")
	p.Float64Var(&f.unknown, "unknown-score", math.NaN(), "lexicon: allow words outside of the lexicon, as <unk>, with this score")
	p.BoolVar(&f.logAdd, "log-add", false, "lexicon: add up the paths that meet instead of taking the best")
	p.StringArrayVar(&f.hotwords, "hotword", nil, fmt.Sprintf("a word or phrase to prefer, `TEXT[=BOOST]` (natural log, %d); may be repeated", defaultBoost))
	p.IntVar(&f.NBest, "nbest", f.NBest, "texts for each utterance, best first")
	c.RegisterFlagCompletionFunc("decoder", words(greedyDecoder, prefixDecoder, lexiconDecoder))
}

// search is the kind of decoder that was asked for, or the first that has what it needs.
func (f *decoderFlags) search() string {
	switch {
	case f.kind != "":
		return f.kind
	case f.lexicon != "":
		return lexiconDecoder
	case f.lm != "" || len(f.hotwords) > 0 || f.NBest > 1:
		return prefixDecoder
	}
	return greedyDecoder
}

// check finds what is wrong before anything is opened.
func (f *decoderFlags) check() error {
	kind := f.search()
	switch {
	case kind != greedyDecoder && kind != prefixDecoder && kind != lexiconDecoder:
		return usagef("--decoder is %q, want greedy, prefix or lexicon", f.kind)
	case kind == greedyDecoder && (f.lm != "" || f.lexicon != "" || len(f.hotwords) > 0 || f.NBest > 1):
		return usagef("--decoder greedy knows no --lm, --lexicon, --hotword and --nbest: take prefix or lexicon")
	case kind == lexiconDecoder && f.lexicon == "":
		return usagef("--decoder lexicon needs --lexicon, a file of words, or lm for the words of --lm")
	case f.lexicon == lmWords && f.lm == "":
		return usagef("--lexicon lm takes the words of --lm, which is missing")
	}
	_, err := f.parseHotwords()
	return usage(err)
}

// parseHotwords reads TEXT[=BOOST].
func (f *decoderFlags) parseHotwords() ([]decode.Hotword, error) {
	var list []decode.Hotword
	for _, s := range f.hotwords {
		h := decode.Hotword{Text: s, Boost: defaultBoost}
		if text, boost, ok := cutLast(s, "="); ok {
			b, err := strconv.ParseFloat(boost, 64)
			if err != nil {
				return nil, fmt.Errorf("--hotword %q: %q behind the = is no number", s, boost)
			}
			h = decode.Hotword{Text: text, Boost: b}
		}
		if strings.TrimSpace(h.Text) == "" {
			return nil, fmt.Errorf("--hotword %q has no word", s)
		}
		list = append(list, h)
	}
	return list, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// decoding is what decoders of a vocabulary share: the language model and the lexicon are read once.
type decoding struct {
	kind    string
	vocab   *vocab.Vocabulary
	model   *lm.Model // nil without one
	lexicon *decode.Lexicon
	options decode.LexicalOptions
	unspelt int // words of the language model that the vocabulary cannot spell
}

// open reads the language model and the lexicon.
func (f *decoderFlags) open(v *vocab.Vocabulary) (d *decoding, err error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	d = &decoding{kind: f.search(), vocab: v}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
			d = nil
		}
	}()
	d.options = decode.LexicalOptions{Options: f.Options, LogAdd: f.logAdd, OpenEnd: true}
	d.options.Ignore = decode.SpecialTokens(v)
	if !math.IsNaN(f.unknown) {
		d.options.AllowUnknown, d.options.UnknownScore = true, f.unknown
	}
	if d.options.Hotwords, err = f.parseHotwords(); err != nil {
		return d, usage(err)
	}
	if f.lm != "" {
		if d.model, err = lm.Open(f.lm); err != nil {
			return d, err
		}
	}
	if f.lexicon != "" {
		entries, err := d.entries(f.lexicon)
		if err != nil {
			return d, err
		}
		smearing := decode.SmearMax
		if f.logAdd {
			smearing = decode.SmearLogAdd
		}
		if d.lexicon, err = decode.NewLexicon(v, entries, d.languageModel(), smearing); err != nil {
			return d, fmt.Errorf("--lexicon %s: %w", f.lexicon, err)
		}
	}
	_, err = d.decoder(d.options.Alpha, d.options.Beta) // finds options that do not fit
	return d, err
}

// entries are the words of a lexicon with their spellings.
func (d *decoding) entries(path string) ([]decode.Entry, error) {
	if path == lmWords {
		var list []decode.Entry
		for w := range d.model.Words() {
			word := d.model.Spelling(lm.WordID(w))
			if word == "<s>" || word == "</s>" || word == "<unk>" {
				continue
			}
			e, err := decode.Spell(d.vocab, []string{word})
			if err != nil {
				d.unspelt++
				continue
			}
			list = append(list, e...)
		}
		return list, nil
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--lexicon: %w", err)
	}
	text := string(raw)
	var list []decode.Entry
	if first, _, _ := strings.Cut(strings.TrimSpace(text), "\n"); len(strings.Fields(first)) == 1 {
		list, err = decode.Spell(d.vocab, strings.Fields(text))
	} else {
		list, err = decode.ReadLexicon(strings.NewReader(text), d.vocab)
	}
	if err != nil {
		return nil, fmt.Errorf("--lexicon %s: %w", path, err)
	}
	return list, nil
}

// languageModel is the model as decoders take it: no model is a nil interface.
func (d *decoding) languageModel() decode.LanguageModel {
	if d.model == nil {
		return nil
	}
	return d.model
}

// decoder makes a search with weights of its own, for one goroutine; nil for the greedy one.
func (d *decoding) decoder(alpha, beta float64) (decode.Decoder, error) {
	o := d.options
	o.Alpha, o.Beta = alpha, beta
	switch d.kind {
	case prefixDecoder:
		s, err := decode.NewPrefix(d.vocab, d.languageModel(), d.lexicon, o.Options)
		if err != nil {
			return nil, usage(err)
		}
		return s, nil
	case lexiconDecoder:
		s, err := decode.NewLexical(d.vocab, d.languageModel(), d.lexicon, o)
		if err != nil {
			return nil, usage(err)
		}
		return s, nil
	}
	return nil, nil
}

// pieceFrames is how many frames are decoded between looks at an interrupt.
const pieceFrames = 500

// whole decodes an utterance, best first. s is nil for the greedy search.
func (d *decoding) whole(ctx context.Context, s decode.Decoder, emissions []float32, frames int) ([]decode.Hypothesis, error) {
	if frames == 0 {
		return []decode.Hypothesis{{}}, nil
	}
	if s == nil {
		h, err := decode.Greedy(d.vocab, emissions, frames, d.options.Ignore...)
		if err != nil {
			return nil, err
		}
		return []decode.Hypothesis{h}, nil
	}
	s.Reset()
	for at := 0; at < frames; at += pieceFrames {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n, size := min(pieceFrames, frames-at), d.vocab.Len()
		if err := s.Feed(emissions[at*size:][:n*size], n); err != nil {
			return nil, err
		}
	}
	return s.Finish()
}

func (d *decoding) close() error {
	if d == nil || d.model == nil {
		return nil
	}
	return d.model.Close()
}
