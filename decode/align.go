package decode

import (
	"fmt"
	"math"
	"strings"
)

// Alignment is a transcript placed on frames.
type Alignment struct {
	Path  []int32 // of each frame its token, or the blank
	LogP  float64 // ln p of the path
	Spans []Span  // one for each token of the transcript
}

// Span is a token and its frames, without the blanks around it.
type Span struct {
	Token      int32
	Start, End int
	Score      float64 // mean probability of the token in its frames, as torchaudio's merge_tokens gives it for probabilities
}

// AlignedWord is a word and its frames, from its first token to its last, blanks between them included.
type AlignedWord struct {
	Text       string
	Start, End int
	Score      float64 // mean of the tokens' scores, each weighted by its frames: a confidence from 0 to 1
}

// Seconds turns frames into seconds; step is the length of a frame in seconds (0.02 for wav2vec 2.0).
func (s Span) Seconds(step float64) (start, end float64) { return seconds(s.Start, s.End, step) }

// Seconds is as for Span.
func (w AlignedWord) Seconds(step float64) (start, end float64) { return seconds(w.Start, w.End, step) }

// Seconds is as for Span.
func (w Word) Seconds(step float64) (start, end float64) { return seconds(w.Start, w.End, step) }

func seconds(start, end int, step float64) (float64, float64) {
	return float64(start) * step, float64(end) * step
}

// alignLimit bounds the back pointers of Align, a byte each.
const alignLimit = 1 << 31

// Align finds the most probable path of a transcript (Viterbi over the CTC lattice, as torchaudio's forced_align). tokens has no
// blanks; boundaries are tokens like others. It refuses a transcript that cannot be aligned: one with more tokens and repeats than frames,
// or whose every path has probability 0. Work is frames × (2 len(tokens) + 1), and a byte of memory for each; for hours see Segmentation.
func Align(v Vocabulary, emissions []float32, frames int, tokens []int32) (*Alignment, error) {
	n := v.Len()
	if err := checkShape(emissions, frames, n); err != nil {
		return nil, err
	}
	blank := int32(v.Blank())
	if err := alignable(v, tokens, frames); err != nil {
		return nil, err
	}
	states := 2*len(tokens) + 1
	if frames*states > alignLimit {
		return nil, fmt.Errorf("decode: %d frames × %d tokens are too many for Align; use Segmentation", frames, len(tokens))
	}
	label := func(s int) int32 {
		if s%2 == 0 {
			return blank
		}
		return tokens[s/2]
	}
	inf := math.Inf(-1)
	score, next := make([]float64, states), make([]float64, states)
	back := make([]uint8, frames*states) // how many states back the path came from
	for t := range frames {
		row := emissions[t*n : (t+1)*n]
		if err := checkFrame(row, t); err != nil {
			return nil, err
		}
		for s := range next {
			next[s] = inf
		}
		// States that can still reach the end and be reached from the start.
		for s := max(0, states-2*(frames-t)); s < min(states, 2*t+2); s++ {
			best, step := inf, uint8(0)
			if t == 0 {
				best = 0
			} else {
				best = score[s]
				x1, x2 := inf, inf
				if s >= 1 {
					x1 = score[s-1]
				}
				if s >= 2 && s%2 == 1 && tokens[s/2] != tokens[s/2-1] {
					x2 = score[s-2]
				}
				switch { // the shortest step of the best; torchaudio stays if both others are best and equal, and loses the path
				case x2 > x1 && x2 > best:
					best, step = x2, 2
				case x1 > best:
					best, step = x1, 1
				}
			}
			next[s], back[t*states+s] = best+float64(row[label(s)]), step
		}
		score, next = next, score
	}
	end := states - 1
	if frames == 0 {
		return &Alignment{}, nil
	}
	if states > 1 && !(score[end] > score[end-1]) {
		end--
	}
	if math.IsInf(score[end], -1) {
		return nil, fmt.Errorf("decode: the transcript of %d tokens cannot be aligned: each of its paths has a token of probability 0", len(tokens))
	}
	a := &Alignment{Path: make([]int32, frames), LogP: score[end], Spans: make([]Span, len(tokens))}
	for s, t := end, frames-1; t >= 0; t-- {
		a.Path[t] = label(s)
		if s%2 == 1 {
			span := &a.Spans[s/2]
			if span.End == 0 {
				span.Token, span.End = tokens[s/2], t+1
			}
			span.Start = t
			span.Score += math.Exp(float64(emissions[t*n+int(tokens[s/2])]))
		}
		s -= int(back[t*states+s])
	}
	for i := range a.Spans {
		a.Spans[i].Score /= float64(a.Spans[i].End - a.Spans[i].Start)
	}
	return a, nil
}

// alignable refuses transcripts that no path of frames can spell.
func alignable(v Vocabulary, tokens []int32, frames int) error {
	need := len(tokens)
	for i, k := range tokens {
		switch {
		case k < 0 || int(k) >= v.Len():
			return fmt.Errorf("decode: token %d of the transcript is %d, outside the vocabulary of %d", i, k, v.Len())
		case int(k) == v.Blank():
			return fmt.Errorf("decode: token %d of the transcript is the blank", i)
		}
		if i > 0 && k == tokens[i-1] {
			need++
		}
	}
	if need > frames {
		return fmt.Errorf("decode: the transcript needs at least %d frames (%d tokens, %d repeats), the audio has %d",
			need, len(tokens), need-len(tokens), frames)
	}
	return nil
}

// Words groups spans by the boundaries between them, and begins a word with each token that starts one.
func Words(v Vocabulary, spans []Span) []AlignedWord {
	var list []AlignedWord
	var text strings.Builder
	weight := 0
	flush := func() {
		if weight > 0 {
			w := &list[len(list)-1]
			w.Text, w.Score = text.String(), w.Score/float64(weight)
			if w.Text == "" { // the mark of a piece alone
				list = list[:len(list)-1]
			}
			text.Reset()
			weight = 0
		}
	}
	for _, s := range spans {
		if int(s.Token) == v.Boundary() || v.StartsWord(int(s.Token)) {
			flush()
		}
		if int(s.Token) == v.Boundary() {
			continue
		}
		if weight == 0 {
			list = append(list, AlignedWord{Start: s.Start})
		}
		w := &list[len(list)-1]
		text.WriteString(v.Text([]int32{s.Token}))
		w.End = s.End
		w.Score += s.Score * float64(s.End-s.Start)
		weight += s.End - s.Start
	}
	flush()
	return list
}
