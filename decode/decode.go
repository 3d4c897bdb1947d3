// Package decode turns the emissions of a CTC model into text, and aligns text to them.
//
//   - [Greedy]: the best token of each frame, collapsed.
//   - [NewPrefix]: prefix beam search (Graves and Jaitly 2014; Hannun et al. 2014, "First-pass large vocabulary continuous
//     speech recognition using bi-directional recurrent DNNs"): sums over the paths of a text; any spelling, or those of a lexicon.
//   - [NewLexical]: the lexicon search of flashlight and fairseq: the best path through a trie of spellings with a look-ahead of the LM.
//   - [Align], [Segmentation.Segment]: the frames of a known transcript.
//   - [Tune]: the weights of the LM on a development set.
//
// Emissions are natural log-probabilities, frames rows of one value for each token, row by row. Frames count from 0; an interval of frames
// includes its start and excludes its end.
package decode

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"aural/lm"
)

// Vocabulary is the token set of a CTC model; *vocab.Vocabulary is one. Words are what stands between boundaries, or begins with a token that starts one: with
// phones, which all do, each token is a word.
type Vocabulary interface {
	Len() int
	Token(i int) string
	Blank() int
	Boundary() int         // the token between words, -1 when there is none
	StartsWord(i int) bool // none does where there is a boundary
	// Text spells tokens, with spaces between words; of a single token, what it adds to its word.
	Text(tokens []int32) string
	// Encode gives the tokens of words with spaces between.
	Encode(text string) ([]int32, error)
}

// LanguageModel is a word n-gram model; *lm.Model is one. Score gives log10 p(word | state). It is called by all decoders that share the
// model at once. Word must not keep the string: its bytes are the decoder's buffer.
type LanguageModel interface {
	Start() lm.State
	Score(lm.State, lm.WordID) (log10 float32, next lm.State)
	Word(string) (lm.WordID, bool)
	End() lm.WordID
}

// Options are what the beam searches share. Start from [DefaultOptions].
type Options struct {
	Beam          int     // hypotheses kept after each frame, at least 1; math.MaxInt keeps all
	BeamThreshold float64 // those further below the best (natural log) are dropped; +Inf drops none
	TokenTop      int     // only so many of a frame's best tokens, the blank among them, extend a hypothesis; 0 means all
	TokenMass     float64 // and only the fewest whose probabilities sum to this (Amodei et al. 2015, §"deployment"); 0 or 1 means all

	// Score = ln p(text | audio) + Alpha ln p_LM(text </s>) + Beta words + boosts of hotwords. Alpha weighs natural logarithms as in
	// Hannun et al.; published flashlight and wav2vec 2.0 weights multiply log10, see NaturalWeight.
	Alpha, Beta float64
	// UnknownWord is added to log10 p of a word that the LM does not have (pyctcdecode's unk_score_offset); -Inf forbids such words. Of the
	// prefix search only.
	UnknownWord float64

	Hotwords []Hotword
	// PartialHotwords gives a hotword's boost piece by piece while it is spelled, so that the beam keeps it, and takes the credit back
	// when the spelling leaves it. Scores of finished texts do not change.
	PartialHotwords bool

	NBest  int     // texts that Finish returns, at least 1
	Ignore []int32 // tokens that are no part of a text, such as <s>; see SpecialTokens
}

// DefaultOptions are those of the literature: beam 500 (Amodei et al. 2015), threshold 25 and LM weight 2, word score -1 in log10
// (fairseq's infer), 40 tokens (ctcdecode), -10 for unknown words (pyctcdecode).
func DefaultOptions() Options {
	return Options{Beam: 500, BeamThreshold: 25, TokenTop: 40, Alpha: NaturalWeight(2), Beta: -1, UnknownWord: -10, NBest: 1}
}

// NaturalWeight turns an LM weight that multiplies log10 p, as flashlight's and fairseq's do, into an Alpha.
func NaturalWeight(log10Weight float64) float64 { return log10Weight / math.Ln10 }

// wordStarts tells of each token whether a word begins with it.
func wordStarts(v Vocabulary) []bool {
	list := make([]bool, v.Len())
	for k := range list {
		list[k] = v.StartsWord(k)
	}
	return list
}

// spellings are what each token adds to its word.
func spellings(v Vocabulary) []string {
	list := make([]string, v.Len())
	for k := range list {
		if k != v.Blank() && k != v.Boundary() {
			list[k] = v.Text([]int32{int32(k)})
		}
	}
	return list
}

// SpecialTokens lists the tokens of v written <so> other than the blank.
func SpecialTokens(v Vocabulary) []int32 {
	var list []int32
	for i := range v.Len() {
		if s := v.Token(i); len(s) > 2 && strings.HasPrefix(s, "<") && strings.HasSuffix(s, ">") && i != v.Blank() {
			list = append(list, int32(i))
		}
	}
	return list
}

// Hypothesis is one text with its scores, natural logarithms: Score = Acoustic + Alpha LM + Beta len(Words) + Boost.
type Hypothesis struct {
	Text   string
	Tokens []int32 // the text in tokens with boundaries between words; nil from the lexicon search
	Words  []Word
	Score  float64
	// Acoustic is ln p(text | audio) from the prefix search, the best path's log-probability from the lexicon search and Greedy.
	Acoustic float64
	LM       float64 // ln p_LM of the words and </s>, unweighted
	Boost    float64 // of hotwords, and in the lexicon search of silence and unknown words
}

// Word is a word and the frames of its tokens on the best path of its text: from the first frame of its first token to the end of its last.
type Word struct {
	Text       string
	Start, End int
}

// Partial is the state of a decoding under way.
type Partial struct {
	Text   string // the best hypothesis now
	Stable string // the whole words that all hypotheses begin with; it only grows, and the final text begins with it
}

// Decoder takes the frames of one utterance in pieces of any size. The result does not depend on the pieces. A decoder serves one
// goroutine; decoders may share a language model and a lexicon.
type Decoder interface {
	// Feed takes emissions, frames rows of Len() log-probabilities. After an error, an emission that is NaN or above 0 or a frame that
	// no hypothesis survives, only Reset helps.
	Feed(emissions []float32, frames int) error
	// Partial looks at the text so far.
	Partial() Partial
	// Finish ends the utterance and returns at most NBest hypotheses, best first, all of different text, and resets the decoder.
	Finish() ([]Hypothesis, error)
	// Reset forgets the frames taken; buffers stay.
	Reset()
}

// Whole decodes one utterance at once.
func Whole(d Decoder, emissions []float32, frames int) ([]Hypothesis, error) {
	d.Reset()
	if err := d.Feed(emissions, frames); err != nil {
		return nil, err
	}
	return d.Finish()
}

// ErrNoHypothesis is wrapped by errors of searches that ended without any text.
var ErrNoHypothesis = errors.New("no hypothesis")

func (o *Options) check(v Vocabulary) error {
	switch {
	case v.Len() < 1:
		return fmt.Errorf("decode: vocabulary is empty")
	case v.Blank() < 0 || v.Blank() >= v.Len():
		return fmt.Errorf("decode: blank %d is outside the vocabulary of %d tokens", v.Blank(), v.Len())
	case v.Boundary() >= v.Len() || v.Boundary() == v.Blank():
		return fmt.Errorf("decode: word boundary %d is the blank or outside the vocabulary of %d tokens", v.Boundary(), v.Len())
	case o.Beam < 1:
		return fmt.Errorf("decode: beam is %d, want at least 1", o.Beam)
	case o.NBest < 1:
		return fmt.Errorf("decode: n-best is %d, want at least 1", o.NBest)
	case !(o.BeamThreshold > 0):
		return fmt.Errorf("decode: beam threshold is %v, want above 0, or +Inf for none", o.BeamThreshold)
	case o.TokenTop < 0:
		return fmt.Errorf("decode: %d best tokens, want at least 0", o.TokenTop)
	case !(o.TokenMass >= 0 && o.TokenMass <= 1):
		return fmt.Errorf("decode: token mass is %v, want 0 to 1", o.TokenMass)
	case !finite(o.Alpha) || !finite(o.Beta):
		return fmt.Errorf("decode: alpha %v, beta %v, want finite numbers", o.Alpha, o.Beta)
	case math.IsNaN(o.UnknownWord) || o.UnknownWord > 1e6:
		return fmt.Errorf("decode: score of unknown words is %v, want a finite number or -Inf", o.UnknownWord)
	}
	for _, k := range o.Ignore {
		if k < 0 || int(k) >= v.Len() || int(k) == v.Blank() || int(k) == v.Boundary() {
			return fmt.Errorf("decode: cannot ignore token %d: it is the blank, the word boundary or outside the vocabulary of %d tokens", k, v.Len())
		}
	}
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// checkFrame refuses what is no row of log-probabilities. A hair above 0 is rounding.
func checkFrame(row []float32, frame int) error {
	for k, x := range row {
		if !(x <= 1e-3) {
			return fmt.Errorf("decode: emission of frame %d, token %d is %v, want a log-probability", frame, k, x)
		}
	}
	return nil
}

// checkShape refuses emissions that are not frames rows of vocabulary values.
func checkShape(emissions []float32, frames, vocabulary int) error {
	if frames < 0 || frames > math.MaxInt32/4 || len(emissions) != frames*vocabulary {
		return fmt.Errorf("decode: %d emissions are not %d frames of %d tokens", len(emissions), frames, vocabulary)
	}
	return nil
}

// stream is what searches have in common: they take emissions frame by frame, until one fails for good.
type stream struct {
	size  int // of the vocabulary
	frame int // the next one
	err   error
}

// feed gives each of the frames to step.
func (s *stream) feed(emissions []float32, frames int, step func(row []float32) error) error {
	if s.err != nil {
		return s.err
	}
	if err := checkShape(emissions, frames, s.size); err != nil {
		return err
	}
	for t := range frames {
		row := emissions[t*s.size : (t+1)*s.size]
		if s.err = checkFrame(row, s.frame); s.err != nil {
			return s.err
		}
		if s.err = step(row); s.err != nil {
			return s.err
		}
		s.frame++
	}
	return nil
}

// addLogs returns ln(e^a + e^b).
func addLogs(a, b float64) float64 {
	if a < b {
		a, b = b, a
	}
	// Beyond 40 the smaller is below half an ulp of the sum; this also keeps -Inf - -Inf away.
	if d := a - b; d < 40 {
		return a + math.Log1p(math.Exp(-d))
	}
	return a
}
