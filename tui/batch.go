package tui

import (
	"cmp"
	"math"
	"slices"

	"aural/runlog"
	"aural/tui/chart"

	tea "github.com/charmbracelet/bubbletea"
)

// batchLook is what the screens of masks and of audio look at together: a snapshot of a batch, and one of its masked frames.
type batchLook struct {
	at     scrub
	picked bool // a frame was chosen; without, it is the first one whose logits are known
	frame  int
}

func batches(m *model) []runlog.Snapshot { return m.run().shots.batches }

// batch returns the snapshot that is looked at, nil when there is none.
func (l *batchLook) batch(m *model) *runlog.Batch {
	list := batches(m)
	if i := l.at.index(list); i >= 0 {
		return list[i].Batch
	}
	return nil
}

// masked is the place of the chosen frame among the masked ones of b: that nearest to what was chosen. It is -1 when no frame
// is masked.
func (l *batchLook) masked(b *runlog.Batch) int {
	frame := l.frame
	if !l.picked && len(b.Logits) > 0 {
		frame = b.Logits[0].Frame
	}
	best := -1
	for i, m := range b.Masked {
		if best < 0 || distance(m.Frame, frame) < distance(b.Masked[best].Frame, frame) {
			best = i
		}
	}
	return best
}

func distance(a, b int) float64 { return math.Abs(float64(a) - float64(b)) }

// move goes to the next masked frame, or with shift to the next one whose logits are known.
func (l *batchLook) move(m *model, key string) {
	b := l.batch(m)
	if b == nil {
		return
	}
	i := l.masked(b)
	if i < 0 {
		return
	}
	step := 1
	if key == "left" || key == "shift+left" {
		step = -1
	}
	for to := i + step; to >= 0 && to < len(b.Masked); to += step {
		if frame := b.Masked[to].Frame; len(key) < len("shift+") || logitsOf(b, frame) != nil {
			l.pick(frame)
			return
		}
	}
	l.pick(b.Masked[i].Frame)
}

func (l *batchLook) pick(frame int) { l.picked, l.frame = true, frame }

// logitsOf returns the scores at a frame, nil when they were not logged.
func logitsOf(b *runlog.Batch, frame int) *runlog.FrameLogits {
	for i := range b.Logits {
		if b.Logits[i].Frame == frame {
			return &b.Logits[i]
		}
	}
	return nil
}

// bindings are the keys that both screens share.
func (l *batchLook) bindings() []binding {
	return append([]binding{{[]string{"left", "right", "shift+left", "shift+right"}, "← →", fixed("frame"),
		"the masked frame before or after (with shift: that has logits); a click chooses one too", "", func(m *model, key string) tea.Cmd {
			l.move(m, key)
			return nil
		}}}, scrubbing(",", ".", ", .", &l.at, batches)...)
}

// maskedSpans are the masked spans of a batch in frames.
func maskedSpans(b *runlog.Batch) []chart.Span { return within(b.Spans, b.Frames) }

// within are spans given as first place and length, cut to the n places that there are, rising and apart.
func within(spans [][2]int, n int) []chart.Span {
	var out []chart.Span
	most := float64(max(n, 0))
	for _, s := range spans {
		from, to := math.Max(float64(s[0]), 0), math.Min(float64(s[0])+float64(s[1]), most)
		if from < to {
			out = append(out, chart.Span{From: from, To: to})
		}
	}
	slices.SortFunc(out, func(a, b chart.Span) int { return cmp.Compare(a.From, b.From) })
	joined := out[:0]
	for _, s := range out {
		if n := len(joined) - 1; n >= 0 && s.From <= joined[n].To {
			joined[n].To = math.Max(joined[n].To, s.To)
		} else {
			joined = append(joined, s)
		}
	}
	return joined
}

// maskStats sums up what was masked, and how well it was told.
type maskStats struct {
	share        float64 // of the frames
	run          float64 // mean length of a span in frames
	longest      float64
	spans        int
	right        int // masked frames told above all distractors
	of           int // masked frames
	duplicates   int // frames with distractors that equal the target
	distractors  int // of a frame; 0 when not known
	positive     float64
	bestNegative float64 // means over the masked frames of which they are known; NaN for none
}

func statsOf(b *runlog.Batch) maskStats {
	s := maskStats{of: len(b.Masked)}
	total := 0.0
	for _, span := range maskedSpans(b) {
		s.spans++
		total += span.To - span.From
		s.longest = math.Max(s.longest, span.To-span.From)
	}
	s.share, s.run = total/math.Max(float64(b.Frames), 1), total/math.Max(float64(s.spans), 1)
	var positive, negative mean
	for _, m := range b.Masked {
		if m.Correct {
			s.right++
		}
		if m.Duplicates > 0 {
			s.duplicates++
		}
		positive.add(float64(m.Positive))
		negative.add(float64(m.BestNegative))
	}
	for _, l := range b.Logits {
		s.distractors = max(s.distractors, len(l.Negatives))
	}
	s.positive, s.bestNegative = positive.value(), negative.value()
	return s
}

// mean is the mean of the finite numbers that were added.
type mean struct{ sum, n float64 }

func (m *mean) add(v float64) {
	if !math.IsNaN(v) && !math.IsInf(v, 0) {
		m.sum, m.n = m.sum+v, m.n+1
	}
}

func (m *mean) value() float64 { return m.sum / m.n } // NaN for none

// batchSeconds is the length of a batch's row, 0 when it is not known.
func batchSeconds(b *runlog.Batch) float64 {
	if b.Samples <= 0 || b.Rate <= 0 {
		return 0
	}
	return float64(b.Samples) / float64(b.Rate)
}
