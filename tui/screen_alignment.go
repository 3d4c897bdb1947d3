package tui

import (
	"fmt"
	"math"

	"aural/runlog"
	"aural/tui/chart"
	"aural/tui/screen"

	tea "github.com/charmbracelet/bubbletea"
)

// alignmentPane shows where in an utterance a recogniser heard each label.
type alignmentPane struct {
	at     scrub
	time   timeZoom
	picked bool
	token  int
}

func (*alignmentPane) title(*model) string { return "alignment" }
func (*alignmentPane) about(*model) string {
	return "Spectrogram of an utterance with the labels of its reference at the frames where the model finds them (forced alignment), coloured by their probability, " +
		"and the probability of the blank. Where the reference does not fit the frames, and in older logs, the labels are those that the model hears (most probable path). Labels of CTC are short peaks between blanks."
}

func (p *alignmentPane) bindings(m *model) []binding {
	list := append([]binding{{[]string{"left", "right"}, "← →", fixed("label"), "the label before or after (also a click)", "", func(m *model, key string) tea.Cmd {
		if a := p.alignment(m); a != nil && len(a.Tokens) > 0 {
			step := 1
			if key == "left" {
				step = -1
			}
			if !p.picked {
				step = 0
			}
			p.pick(min(max(p.token+step, 0), len(a.Tokens)-1))
		}
		return nil
	}}}, scrubbing(",", ".", ", .", &p.at, alignments)...)
	list = append(list, p.time.bindings(p.focus)...)
	return append(list, binding{[]string{"w"}, "w", fixed("save WAV"), "write the audio into the current directory as a WAV file", "save WAV", func(m *model, _ string) tea.Cmd {
		a := p.alignment(m)
		if a == nil {
			return nil
		}
		shots := alignments(m)
		return m.saveSound(a.Sample, fmt.Sprintf("%s-alignment-%d", a.ID, shots[p.at.index(shots)].Step))
	}})
}

func alignments(m *model) []runlog.Snapshot { return m.run().shots.alignments }

func (p *alignmentPane) pick(token int) { p.picked, p.token = true, token }

func (p *alignmentPane) alignment(m *model) *runlog.Alignment {
	list := alignments(m)
	if i := p.at.index(list); i >= 0 {
		return list[i].Alignment
	}
	return nil
}

// sample is the recording that the screen needs.
func (p *alignmentPane) sample(m *model) string {
	if a := p.alignment(m); a != nil {
		return a.Sample
	}
	return ""
}

// chosen is the chosen label of a, nil for none.
func (p *alignmentPane) chosen(a *runlog.Alignment) *runlog.AlignedToken {
	if !p.picked || p.token >= len(a.Tokens) {
		return nil
	}
	return &a.Tokens[p.token]
}

// focus is the place of the chosen label, as a share of all; NaN for none.
func (p *alignmentPane) focus(m *model) float64 {
	a := p.alignment(m)
	if a == nil || p.chosen(a) == nil || a.Frames <= 0 {
		return math.NaN()
	}
	t := p.chosen(a)
	return min(max((float64(t.Frame)+float64(t.Frames)/2)/float64(a.Frames), 0), 1)
}

func (p *alignmentPane) draw(f *frame, area rect) {
	a := p.alignment(f.m)
	if a == nil {
		f.nothing(area, "no alignment in this log yet: a run that fine-tunes writes them with its validations")
		return
	}
	line := area.Top(1)
	f.c.Text(line.X, line.Y, line.W*line.H, joined(line.W, p.at.describe(alignments(f.m)), a.ID, fmt.Sprintf("%d labels", len(a.Tokens)), p.scoreText(a)), screen.Plain)
	line = area.Top(min(1, area.H/5))
	f.c.Text(line.X, line.Y, line.W*line.H, kindOf(a)+": "+a.Text, screen.Faint)
	s, err := f.m.sound(a.Sample)
	seconds := float64(a.Frames) * a.FrameSeconds
	if s != nil && s.seconds() > 0 {
		seconds = s.seconds()
	}
	if !(seconds > 0) || math.IsInf(seconds, 0) {
		f.nothing(area, "the snapshot does not say how long its audio is")
		return
	}
	frameSeconds := a.FrameSeconds
	if !(frameSeconds > 0) {
		frameSeconds = seconds / math.Max(float64(a.Frames), 1)
	}
	p.pictures(f, area, a, s, err, p.time.visible(seconds, p.focus(f.m)), frameSeconds)
}

// kindOf says what the labels of an alignment are.
func kindOf(a *runlog.Alignment) string {
	if a.Forced {
		return "reference, forced"
	}
	return "heard"
}

// scoreText tells the mean probability of the labels, and how many are doubtful.
func (p *alignmentPane) scoreText(a *runlog.Alignment) string {
	var score mean
	doubtful := 0
	for _, t := range a.Tokens {
		score.add(float64(t.Score))
		if t.Score < doubtfulScore {
			doubtful++
		}
	}
	if score.n == 0 {
		return ""
	}
	return fmt.Sprintf("mean probability %.2f, %d below %.1f", score.value(), doubtful, doubtfulScore)
}

// Labels below doubtfulScore are marked, and those below sureScore are not shown as sure.
const doubtfulScore, sureScore = 0.5, 0.9

func scoreStyle(v float32) screen.Style {
	switch {
	case v >= sureScore:
		return screen.Good
	case v >= doubtfulScore:
		return screen.Warning
	case v < doubtfulScore:
		return screen.Bad
	}
	return screen.Plain // not known
}

// pictures draws waveform, spectrogram, labels and the blank above each other, each where there is room.
func (p *alignmentPane) pictures(f *frame, area rect, a *runlog.Alignment, s *sound, missing error, view chart.Span, frameSeconds float64) {
	whole := area
	strip := soundStrip{s: s, missing: missing, view: view}
	inFrames := chart.Span{From: view.From / frameSeconds, To: view.To / frameSeconds}
	if len(a.Blank) > 0 && area.H >= 12 {
		p.blank(f, area.Bottom(max(area.H/6, 3)), a, inFrames)
	}
	if area.H >= 6 {
		p.labels(f, area.Bottom(3), a, inFrames)
	}
	if area.H >= 10 {
		strip.wave = area.Top(max(area.H/5, 2))
	}
	strip.picture = area
	strip.draw(f)
	inner := behind(whole)
	f.clickable(inner, func(_ *model, x, _ int) { p.pickAt(a, inFrames.At(x-inner.X, inner.W)) }, func(m *model, up bool) { p.time.wheel(up, p.focus(m)) })
	if s != nil {
		d := &soundDrawing{title: a.ID, levels: s.levels, view: view, waveform: s.samples, rate: s.rate}
		for _, t := range a.Tokens {
			d.words = append(d.words, wordDrawing{chart.Span{From: float64(t.Frame) * frameSeconds, To: (float64(t.Frame) + float64(t.Frames)) * frameSeconds}, t.Label})
		}
		f.drawn = append(f.drawn, drawing{sound: d})
	}
}

// pickAt chooses the label nearest to a frame.
func (p *alignmentPane) pickAt(a *runlog.Alignment, frame float64) {
	least := math.Inf(1)
	for i, t := range a.Tokens {
		if d := math.Abs(float64(t.Frame) + float64(t.Frames)/2 - frame); d < least {
			least = d
			p.pick(i)
		}
	}
}

// labels draws the extent of each label, and its text where there is room; the chosen one is described below.
func (p *alignmentPane) labels(f *frame, area rect, a *runlog.Alignment, view chart.Span) {
	in := behind(area)
	if in.W < 1 {
		return
	}
	end := 0
	for i, t := range a.Tokens {
		from, to := view.Columns(chart.Span{From: float64(t.Frame), To: float64(t.Frame) + math.Max(float64(t.Frames), 1)}, in.W)
		if from == to {
			continue
		}
		style := scoreStyle(t.Score)
		if p.picked && i == p.token {
			style = screen.Chosen
		}
		f.c.Fill(rect{X: in.X + from, Y: in.Y, W: to - from, H: 1}, '━', scoreStyle(t.Score))
		n := screen.TextWidth(t.Label)
		if at := from + max(to-from-n, 0)/2; at >= end && at+n <= in.W {
			f.c.Text(in.X+at, in.Y+1, n, t.Label, style)
			end = at + n
		}
	}
	if t := p.chosen(a); t != nil {
		f.c.Text(in.X, in.Y+2, in.W, joined(in.W, fmt.Sprintf("label %d of %d: %q", p.token+1, len(a.Tokens), t.Label), fmt.Sprintf("frames %d to %d", t.Frame, t.Frame+t.Frames-1),
			fmt.Sprintf("probability %.3f", t.Score)), screen.Strong)
	}
}

// blank draws the probability of the blank over the visible frames.
func (p *alignmentPane) blank(f *frame, area rect, a *runlog.Alignment, view chart.Span) {
	in := behind(area)
	f.c.Text(in.X, in.Y, in.W, "probability of the blank", screen.Faint)
	in.Top(1)
	area.Top(1)
	if in.H < 1 || in.W < 1 {
		return
	}
	f.c.TextRight(area.X, area.Y, chart.GutterWidth-1, "1", screen.Faint)
	f.c.TextRight(area.X, area.Y+area.H-1, chart.GutterWidth-1, "0", screen.Faint)
	first := min(max(int(math.Floor(view.From)), 0), len(a.Blank)-1)
	last := min(max(int(math.Ceil(view.To)), first+1), len(a.Blank))
	var values []float64
	for _, v := range a.Blank[first:last] {
		values = append(values, float64(v))
	}
	// Frames without a value leave their place free at the right.
	in.W = min(max(int(float64(in.W)*float64(last-first)/math.Max(view.To-view.From, 1)), 1), in.W)
	chart.Columns{Values: values, Low: 0, High: 1, Style: screen.Raw(0)}.Draw(f.c, in)
	f.drawn = append(f.drawn, listDrawing("probability of the blank", "frames", int64(first), values))
}
