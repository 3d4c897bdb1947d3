package finetune

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"sync"

	"aural/decode"
	"aural/lm"
	"aural/vocab"
)

// DecodeConfig says with which language model validation transcribes, besides the most probable path that it always takes. Nothing of it changes what is trained.
type DecodeConfig struct {
	LM      string `yaml:"lm"`      // n-gram model of words as package lm opens it; empty: only the most probable path
	Lexicon string `yaml:"lexicon"` // file with a word and its tokens in each line, as fairseq's: only these words; empty: any spelling
	// Score = ln p(text | audio) + Alpha ln p_LM(text) + Beta words; see decode.Options.
	Alpha float64 `yaml:"alpha"`
	Beta  float64 `yaml:"beta"`
	Beam  int     `yaml:"beam"`
}

// defaultDecode has the weights of decode.DefaultOptions and a beam that validation has time for.
func defaultDecode() DecodeConfig {
	o := decode.DefaultOptions()
	return DecodeConfig{Alpha: o.Alpha, Beta: o.Beta, Beam: 100}
}

// Validate reports settings that cannot work, without looking at files.
func (c DecodeConfig) Validate() error {
	bad := func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }
	switch {
	case c.Lexicon != "" && c.LM == "":
		return errors.New("finetune: decode.lexicon needs decode.lm: without a language model validation takes the most probable path")
	case bad(c.Alpha) || bad(c.Beta):
		return fmt.Errorf("finetune: decode.alpha %v, decode.beta %v: want finite numbers", c.Alpha, c.Beta)
	case c.Beam < 1:
		return fmt.Errorf("finetune: decode.beam: %d, want at least 1", c.Beam)
	}
	return nil
}

// search transcribes with a language model, several utterances at once. What it finds does not depend on how many.
type search struct {
	model    *lm.Model
	vocab    *vocab.Vocabulary
	decoders []decode.Decoder
}

// open reads and checks the files of a configuration; nil without a language model.
func (c DecodeConfig) open(v *vocab.Vocabulary) (_ *search, err error) {
	if c.LM == "" {
		return nil, nil
	}
	s := &search{vocab: v}
	if s.model, err = lm.Open(c.LM); err != nil {
		return nil, fmt.Errorf("finetune: decode.lm: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.model.Close())
		}
	}()
	if err := spellable(s.model, v); err != nil {
		return nil, fmt.Errorf("finetune: decode.lm: %s: %w", c.LM, err)
	}
	lexicon, err := c.lexicon(s.model, v)
	if err != nil {
		return nil, fmt.Errorf("finetune: decode.lexicon: %w", err)
	}
	o := decode.DefaultOptions()
	o.Alpha, o.Beta, o.Beam, o.Ignore = c.Alpha, c.Beta, c.Beam, decode.SpecialTokens(v)
	for range runtime.GOMAXPROCS(0) {
		d, err := decode.NewPrefix(v, s.model, lexicon, o)
		if err != nil {
			return nil, fmt.Errorf("finetune: decode: %w", err)
		}
		s.decoders = append(s.decoders, d)
	}
	return s, nil
}

// lexicon reads the lexicon; nil when there is none.
func (c DecodeConfig) lexicon(m *lm.Model, v *vocab.Vocabulary) (*decode.Lexicon, error) {
	if c.Lexicon == "" {
		return nil, nil
	}
	f, err := os.Open(c.Lexicon)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := decode.ReadLexicon(f, v)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Lexicon, err)
	}
	l, err := decode.NewLexicon(v, entries, m, decode.SmearNone)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Lexicon, err)
	}
	if unknown := l.Unknown(); len(unknown) == l.Words() {
		return nil, fmt.Errorf("%s: the language model has none of its %d words (such as %q): are both spelled alike, in upper or lower case?", c.Lexicon, l.Words(), unknown[0])
	}
	return l, nil
}

// spellable refuses a model most of whose words no text of the vocabulary can hold: it is of another case or language, or its units are not words. A few such words are usual
// and never come up.
func spellable(m *lm.Model, v *vocab.Vocabulary) error {
	words, cannot := 0, 0
	var first string
	var why error
	var tokens []int32
	for w := range m.Words() {
		word := m.Spelling(lm.WordID(w))
		if w == int(lm.Unknown) || w == int(m.End()) || word == vocab.StartToken {
			continue
		}
		words++
		var err error
		tokens, err = v.AppendEncoded(tokens[:0], word)
		if n := len(strings.Fields(v.Text(tokens))); err == nil && n != 1 {
			err = fmt.Errorf("it is %d words of a vocabulary in which each token is one", n)
		}
		if err != nil {
			if cannot++; why == nil {
				first, why = word, err
			}
		}
	}
	switch {
	case words == 0:
		return errors.New("it has no words")
	case 2*cannot > words:
		return fmt.Errorf("the vocabulary cannot spell %d of its %d words, first %q: %w (change labels.case, or take a model whose words are spelled as the transcripts are)",
			cannot, words, first, why)
	}
	return nil
}

// texts decodes utterances, each frames rows of the vocabulary's log-probabilities. An utterance of which no text is possible gets an empty one.
func (s *search) texts(ctx context.Context, emissions [][]float32) ([]string, error) {
	out, errs := make([]string, len(emissions)), make([]error, len(emissions))
	next := make(chan int)
	var wg sync.WaitGroup
	for _, d := range s.decoders[:min(len(s.decoders), len(emissions))] {
		wg.Go(func() {
			for i := range next {
				out[i], errs[i] = s.text(d, emissions[i])
			}
		})
	}
	for i := range emissions {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	wg.Wait()
	return out, errors.Join(append(errs, ctx.Err())...)
}

func (s *search) text(d decode.Decoder, x []float32) (string, error) {
	if !numbers(x) {
		return "", nil
	}
	list, err := decode.Whole(d, x, len(x)/s.vocab.Len())
	switch {
	case errors.Is(err, decode.ErrNoHypothesis):
		return "", nil
	case err != nil:
		return "", err
	}
	return s.vocab.Text(list[0].Tokens), nil
}

// numbers reports whether there is no NaN among emissions, as there is after a run has diverged.
func numbers(x []float32) bool {
	for _, v := range x {
		if v != v {
			return false
		}
	}
	return true
}

func (s *search) close() error {
	if s == nil {
		return nil
	}
	return s.model.Close()
}

// logSoftmax writes the natural log-probabilities of rows of n logits.
func logSoftmax(dst, logits []float32, n int) {
	for at := 0; at < len(logits); at += n {
		row := logits[at : at+n]
		most, sum := math.Inf(-1), 0.0
		for _, z := range row {
			most = max(most, float64(z))
		}
		for _, z := range row {
			sum += math.Exp(float64(z) - most)
		}
		most += math.Log(sum)
		for i, z := range row {
			dst[at+i] = float32(float64(z) - most)
		}
	}
}
