package decode

import (
	"fmt"
	"math"
)

// Segmentation places a list of utterances in a long recording: CTC segmentation (Kürzinger et al. 2020, "CTC-Segmentation of Large Corpora
// for German End-to-end Speech Recognition"), as its authors' package does it. Speech before the first and after the last utterance may
// be there without a transcript.
type Segmentation struct {
	FrameSeconds float64 // length of a frame
	Window       int     // frames; an utterance's score is the worst mean over so many frames
	Margin       float64 // seconds that a segment may reach beyond its first and last token
}

// DefaultSegmentation has the values of the authors' package for frames of wav2vec 2.0.
func DefaultSegmentation() Segmentation {
	return Segmentation{FrameSeconds: 0.02, Window: 30, Margin: 0.5}
}

// Segment is an utterance in the recording.
type Segment struct {
	Start, End float64 // seconds
	Score      float64 // ln p of the worst Window frames, their mean; below about -1.5 something is wrong (the authors' advice)
	Confidence float64 // e^Score
	Tokens     []Span  // frames in which each token is at least as probable as the blank, from its first on
}

// Segment finds the utterances in their order. Each token of an utterance takes one frame at least, and so do pauses before, between and
// after the utterances. In this lattice repeated tokens need no blank between.
//
// The result is exact, without the windows of the authors' package: rows of the table are kept every √frames frames and the others made
// again on the way back. Work is 2 × frames × tokens steps of some nanoseconds, memory 8 √frames × tokens bytes: an hour of 180 000 frames
// with 50 000 tokens takes a minute and 170 MB.
func (o Segmentation) Segment(v Vocabulary, emissions []float32, frames int, utterances [][]int32) ([]Segment, error) {
	if err := checkShape(emissions, frames, v.Len()); err != nil {
		return nil, err
	}
	if !(o.FrameSeconds > 0) || o.Window < 1 || !(o.Margin >= 0) {
		return nil, fmt.Errorf("decode: segmentation with frames of %v s, window %d, margin %v s; want above 0, at least 1, at least 0", o.FrameSeconds, o.Window, o.Margin)
	}
	if len(utterances) == 0 {
		return nil, nil
	}
	l := lattice{emissions: emissions, frames: frames, n: v.Len(), blank: int32(v.Blank())}
	starts := make([]int, 0, len(utterances)+1) // places of the pauses
	for i, u := range utterances {
		if len(u) == 0 {
			return nil, fmt.Errorf("decode: utterance %d is empty", i)
		}
		if err := alignable(v, u, math.MaxInt32); err != nil {
			return nil, fmt.Errorf("utterance %d: %w", i, err)
		}
		starts = append(starts, len(l.labels))
		l.labels = append(append(l.labels, l.blank), u...)
	}
	starts = append(starts, len(l.labels))
	l.labels = append(l.labels, l.blank)
	if len(l.labels) > frames {
		return nil, fmt.Errorf("decode: %d utterances of %d tokens need at least %d frames, the recording has %d",
			len(utterances), len(l.labels)-len(starts), len(l.labels), frames)
	}
	for t := range frames {
		if err := checkFrame(l.row(t), t); err != nil {
			return nil, err
		}
	}
	times, logs, err := l.best()
	if err != nil {
		return nil, err
	}
	list := make([]Segment, len(utterances))
	for i := range list {
		list[i] = o.segment(&l, times, logs, starts[i], starts[i+1])
	}
	return list, nil
}

// segment cuts one utterance out; its tokens lie between the pauses at places from and to of the labels.
func (o Segmentation) segment(l *lattice, times []int, logs []float64, from, to int) Segment {
	time := func(j int) float64 {
		if j < 0 {
			return 0
		}
		return float64(times[j]) * o.FrameSeconds
	}
	s := Segment{
		Start: max(time(from+1)-o.Margin, (time(from)+time(from-1))/2),
		End:   min(time(to-1)+o.Margin, (time(to)+time(to-1))/2),
	}
	a, b := int(math.Round(s.Start/o.FrameSeconds)), int(math.Round(s.End/o.FrameSeconds))
	mean := func(a, b int) float64 {
		sum := 0.0
		for _, x := range logs[a:b] {
			sum += x
		}
		return sum / float64(b-a)
	}
	switch {
	case b <= a: // one frame, of the only token
		s.Score = logs[times[from+1]]
	case b-a <= o.Window:
		s.Score = mean(a, b)
	default:
		for t := a; t < b-o.Window; t++ {
			s.Score = min(s.Score, mean(t, t+o.Window))
		}
	}
	s.Confidence = math.Exp(s.Score)
	for j := from + 1; j < to; j++ {
		span := Span{Token: l.labels[j], Start: times[j], End: times[j] + 1}
		x := func(t int) (label, blank float64) {
			row := l.row(t)
			return float64(row[l.labels[j]]), float64(row[l.blank])
		}
		sum, _ := x(span.Start)
		sum = math.Exp(sum)
		for ; span.End < times[j+1]; span.End++ {
			label, blank := x(span.End)
			if label < blank {
				break
			}
			sum += math.Exp(label)
		}
		span.Score = sum / float64(span.End-span.Start)
		s.Tokens = append(s.Tokens, span)
	}
	return s
}

// lattice is the table k of the paper: k[t][j] is the best score of the labels up to j placed in the frames up to t. Before the first
// label any number of frames costs nothing. A label is entered with its own probability; it stays with its own or the blank's, the higher.
type lattice struct {
	emissions []float32
	frames, n int
	blank     int32
	labels    []int32
}

func (l *lattice) row(t int) []float32 { return l.emissions[t*l.n : (t+1)*l.n] }

// step turns the row of frame t-1 into that of frame t. Place 0 is before the first label. moved, if any, gets a bit for each label
// entered at t.
func (l *lattice) step(k []float64, t int, moved []uint64) {
	row := l.row(t)
	blank := row[l.blank]
	for j := min(t+1, len(l.labels)); j >= 1; j-- {
		x := row[l.labels[j-1]]
		enter, stay := k[j-1]+float64(x), k[j]+float64(max(x, blank))
		if enter > stay {
			k[j] = enter
			if moved != nil {
				moved[j>>6] |= 1 << (j & 63)
			}
		} else {
			k[j] = stay
		}
	}
}

// best returns the frame in which each label is entered and the ln p of each frame on the best path, 0 outside of it.
func (l *lattice) best() (times []int, logs []float64, err error) {
	m := len(l.labels)
	every := int(math.Sqrt(float64(l.frames))) + 1
	k := make([]float64, m+1)
	for j := 1; j <= m; j++ {
		k[j] = math.Inf(-1)
	}
	var kept [][]float64 // rows before frames 0, every, 2 every, …
	end, top := -1, math.Inf(-1)
	for t := range l.frames {
		if t%every == 0 {
			kept = append(kept, append([]float64(nil), k...))
		}
		l.step(k, t, nil)
		if k[m] > top {
			end, top = t, k[m]
		}
	}
	if end < 0 {
		return nil, nil, fmt.Errorf("decode: the transcript cannot be aligned: each of its paths has a token of probability 0")
	}
	times, logs = make([]int, m), make([]float64, l.frames)
	words := m/64 + 1
	moved := make([]uint64, every*words)
	j := m
	for block := end / every; block >= 0 && j > 0; block-- {
		clear(moved)
		copy(k, kept[block])
		first := block * every
		last := min(end, first+every-1)
		for t := first; t <= last; t++ {
			l.step(k, t, moved[(t-first)*words:(t-first+1)*words])
		}
		for t := last; t >= first && j > 0; t-- {
			row := l.row(t)
			label := row[l.labels[j-1]]
			if moved[(t-first)*words+j>>6]>>(j&63)&1 != 0 {
				logs[t] = float64(label)
				times[j-1] = t
				j--
			} else {
				logs[t] = float64(max(label, row[l.blank]))
			}
		}
	}
	return times, logs, nil
}
