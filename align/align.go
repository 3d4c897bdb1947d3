// Package align places known texts on the emissions of a CTC model and says how sure it is.
//
//   - [Aligner.Whole]: texts that follow each other and are all that is said: the most probable path (decode.Align).
//   - [Aligner.Within]: texts in a long recording, which may have other speech before the first and after the last: CTC segmentation (Kürzinger et al. 2020) finds each, and
//     the most probable path within these frames gives those of its tokens.
package align

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"aural/decode"
	"aural/transcript"
	"aural/vocab"
)

// Doubtful is the confidence of an utterance below which its text, its place or the model is probably wrong: e^-1.5, the advice of the authors of CTC segmentation.
const Doubtful = 0.22313016014842982

// Aligner aligns texts in the tokens of one vocabulary.
type Aligner struct {
	vocab        *vocab.Vocabulary
	segmentation decode.Segmentation
}

// New makes an aligner; frames are frameSeconds apart.
func New(v *vocab.Vocabulary, frameSeconds float64) *Aligner {
	s := decode.DefaultSegmentation()
	s.FrameSeconds = frameSeconds
	return &Aligner{v, s}
}

// Unusable is the error of one text among several: it is empty or cannot be spelled.
type Unusable struct {
	Line int // from 0
	Err  error
}

func (u Unusable) Error() string { return fmt.Sprintf("text %d: %v", u.Line+1, u.Err) }
func (u Unusable) Unwrap() error { return u.Err }

// encode spells texts. The error is an Unusable.
func (a *Aligner) encode(texts []string) ([][]int32, error) {
	list := make([][]int32, len(texts))
	for i, text := range texts {
		tokens, err := a.vocab.Encode(text)
		if err == nil && len(tokens) == 0 {
			err = errors.New("it has no word")
		}
		if err != nil {
			return nil, Unusable{i, err}
		}
		list[i] = tokens
	}
	return list, nil
}

// Placed is an utterance at its place.
type Placed struct {
	transcript.Segment
	Spans []decode.Span // of its tokens, boundaries between words included, in frames of the recording
	Path  []int32       // from the first frame of the first span to the last of the last: the token of each frame, or the blank
}

// Whole aligns texts, which together are all that is said, with frames rows of natural log-probabilities. Frames between two texts are the boundary's or the blank's.
func (a *Aligner) Whole(emissions []float32, frames int, texts []string) ([]Placed, error) {
	encoded, err := a.encode(texts)
	if err != nil {
		return nil, err
	}
	var tokens []int32
	var ends []int // of each text's tokens
	for i, t := range encoded {
		if i > 0 && a.vocab.Boundary() >= 0 {
			tokens = append(tokens, int32(a.vocab.Boundary()))
		}
		tokens = append(tokens, t...)
		ends = append(ends, len(tokens))
	}
	al, spans, err := a.best(emissions, frames, tokens)
	if err != nil {
		return nil, err
	}
	list := make([]Placed, len(texts))
	for i, end := range ends {
		list[i] = a.place(emissions, texts[i], al, 0, spans[end-len(encoded[i]):end])
	}
	step := a.segmentation.FrameSeconds
	for i := range list { // neighbours meet in the middle of the pause between them
		list[i].Start, list[i].End = 0, float64(frames)*step
		if i > 0 {
			last, first := list[i-1].Spans, list[i].Spans
			middle := float64(last[len(last)-1].End+first[0].Start) / 2 * step
			list[i-1].End, list[i].Start = middle, middle
		}
	}
	return list, nil
}

// best is the most probable alignment, with a boundary before or after the tokens where that is more probable: some models hear one in silence. spans are those of the tokens.
func (a *Aligner) best(emissions []float32, frames int, tokens []int32) (best *decode.Alignment, spans []decode.Span, err error) {
	if best, err = decode.Align(a.vocab, emissions, frames, tokens); err != nil {
		return nil, nil, err
	}
	spans = best.Spans
	if a.vocab.Boundary() < 0 {
		return best, spans, nil
	}
	boundary := []int32{int32(a.vocab.Boundary())}
	for _, ends := range [][2]int{{0, 1}, {1, 0}, {1, 1}} { // boundaries before and after
		al, err := decode.Align(a.vocab, emissions, frames, slices.Concat(boundary[:ends[0]], tokens, boundary[:ends[1]]))
		if err == nil && al.LogP > best.LogP {
			best, spans = al, al.Spans[ends[0]:ends[0]+len(tokens)]
		}
	}
	return best, spans, nil
}

// Within finds texts in a recording, in their order.
func (a *Aligner) Within(emissions []float32, frames int, texts []string) ([]Placed, error) {
	encoded, err := a.encode(texts)
	if err != nil {
		return nil, err
	}
	segments, err := a.segmentation.Segment(a.vocab, a.pauses(emissions), frames, encoded)
	if err != nil {
		return nil, err
	}
	n, step := a.vocab.Len(), a.segmentation.FrameSeconds
	list := make([]Placed, len(texts))
	for i, s := range segments {
		last := s.Tokens[len(s.Tokens)-1]
		from, to := s.Tokens[0].Start, last.End // what is around may be other speech
		al, err := decode.Align(a.vocab, emissions[from*n:to*n], to-from, encoded[i])
		if err != nil { // repeated tokens need blanks between, for which segmentation may have left no room
			al = a.path(emissions, from, to, s.Tokens)
		}
		list[i] = a.place(emissions, texts[i], al, from, al.Spans)
		list[i].Start, list[i].End = min(s.Start, float64(from)*step), max(s.End, float64(to)*step)
		if i > 0 {
			list[i].Start = max(list[i].Start, list[i-1].End)
		}
	}
	return list, nil
}

// pauses are emissions whose blank has the probability of the boundary too. Between utterances a model may hear one or the other, and segmentation asks for the blank.
func (a *Aligner) pauses(emissions []float32) []float32 {
	n, blank, boundary := a.vocab.Len(), a.vocab.Blank(), a.vocab.Boundary()
	if boundary < 0 {
		return emissions
	}
	out := slices.Clone(emissions)
	for at := 0; at+n <= len(out); at += n {
		p := math.Exp(float64(out[at+blank])) + math.Exp(float64(out[at+boundary]))
		out[at+blank] = float32(math.Log(p))
	}
	return out
}

// path is what segmentation found as an alignment of the frames from to to.
func (a *Aligner) path(emissions []float32, from, to int, spans []decode.Span) *decode.Alignment {
	al := &decode.Alignment{Path: make([]int32, to-from)}
	for t := range al.Path {
		al.Path[t] = int32(a.vocab.Blank())
	}
	for _, s := range spans {
		for t := s.Start; t < s.End; t++ {
			al.Path[t-from] = s.Token
		}
		s.Start, s.End = s.Start-from, s.End-from
		al.Spans = append(al.Spans, s)
	}
	return al
}

// place makes the utterance of some spans of an alignment that begins at frame from.
func (a *Aligner) place(emissions []float32, text string, al *decode.Alignment, from int, spans []decode.Span) Placed {
	n, step := a.vocab.Len(), a.segmentation.FrameSeconds
	first, end := spans[0].Start, spans[len(spans)-1].End
	p := Placed{Path: al.Path[first:end], Spans: make([]decode.Span, len(spans))}
	h := transcript.Hypothesis{Text: strings.Join(strings.Fields(text), " ")}
	logs := make([]float64, end-first)
	for t := range logs {
		logs[t] = float64(emissions[(from+first+t)*n+int(p.Path[t])])
		h.Acoustic += logs[t]
	}
	h.Score = worst(logs, a.segmentation.Window)
	h.Confidence = math.Exp(h.Score)
	for i, s := range spans {
		s.Start, s.End = s.Start+from, s.End+from
		p.Spans[i] = s
		if int(s.Token) != a.vocab.Boundary() {
			at, to := s.Seconds(step)
			h.Tokens = append(h.Tokens, transcript.Word{Text: a.vocab.Token(int(s.Token)), Start: at, End: to, Confidence: s.Score})
		}
	}
	for _, w := range decode.Words(a.vocab, p.Spans) {
		at, to := w.Seconds(step)
		h.Words = append(h.Words, transcript.Word{Text: w.Text, Start: at, End: to, Confidence: w.Score})
	}
	p.Hypotheses = []transcript.Hypothesis{h}
	return p
}

// worst is the least mean of window neighbouring values, or of all when there are no more than that: how sure the least sure part is. At most 0.
func worst(logs []float64, window int) float64 {
	sum := 0.0
	for _, x := range logs[:min(window, len(logs))] {
		sum += x
	}
	if len(logs) <= window {
		return min(0, sum/float64(len(logs)))
	}
	least := sum
	for t := window; t < len(logs); t++ {
		sum += logs[t] - logs[t-window]
		least = min(least, sum)
	}
	return min(0, least/float64(window))
}

// Confidence is that of the utterance, from 0 to 1: e to the least mean, over 30 frames, of the log-probability of its path.
func (p *Placed) Confidence() float64 { return p.Hypotheses[0].Confidence }
