package tui

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"aural/runlog"
	"aural/tui/chart"
	"aural/tui/screen"
)

// score is the score of the target or of a distractor at a masked frame.
type score struct {
	value  float64
	target bool
	at     int // frame of a distractor; -1 when it is not known or of another row
}

// scoresOf returns the scores at a frame, the best first, and the rank of the target from 1. Among equal scores the target is
// last, as in the accuracy. Distractors that equal the target have no score and are counted apart.
func scoresOf(l *runlog.FrameLogits) (list []score, rank, duplicates int) {
	list = append(list, score{float64(l.Positive), true, -1})
	for i, v := range l.Negatives {
		if math.IsNaN(float64(v)) {
			duplicates++
			continue
		}
		at := -1
		if i < len(l.At) {
			at = l.At[i]
		}
		list = append(list, score{float64(v), false, at})
	}
	slices.SortStableFunc(list, func(a, b score) int {
		if d := cmp.Compare(b.value, a.value); d != 0 {
			return d // a target that is not a number comes last
		}
		if a.target == b.target {
			return 0
		}
		if a.target {
			return 1
		}
		return -1
	})
	return list, slices.IndexFunc(list, func(s score) bool { return s.target }) + 1, duplicates
}

// scores draws the scores at the chosen frame as columns, and lists the best.
func (p *masksPane) scores(f *frame, area rect, b *runlog.Batch, chosen int) {
	line := area.Top(1)
	if line.H == 0 || chosen < 0 {
		return
	}
	frame := b.Masked[chosen].Frame
	l := logitsOf(b, frame)
	if l == nil {
		f.c.Text(line.X, line.Y, line.W, fmt.Sprintf("scores of frame %d were not logged, those of %d others were: shift+← and shift+→ go to them", frame, len(b.Logits)), screen.Faint)
		return
	}
	list, rank, duplicates := scoresOf(l)
	title := fmt.Sprintf("scores at frame %d", frame)
	x := f.c.Text(line.X, line.Y, line.W, title, screen.Strong) + 2
	s := screen.Good
	if rank > 1 {
		s = screen.Bad
	}
	x = f.c.Text(x, line.Y, line.X+line.W-x, fmt.Sprintf("target %s, rank %d of %d", screen.Number(float64(l.Positive)), rank, len(list)), s) + 2
	if duplicates > 0 && x < line.X+line.W {
		f.c.Text(x, line.Y, line.X+line.W-x, fmt.Sprintf("%d left out: equal to the target", duplicates), screen.Faint)
	}
	if area.W >= 70 && area.H >= 3 {
		best := area.Right(24)
		best.Left(2)
		p.best(f, best, list, rank)
	}
	p.columns(f, area, list, rank)
	values := make([]float64, len(list))
	for i, v := range list {
		values[i] = v.value
	}
	f.drawn = append(f.drawn, listDrawing(title, "rank", 1, values, chart.Reference{Label: "target", Value: float64(l.Positive)}))
}

// columns draws sorted scores, with an arrow at the target.
func (p *masksPane) columns(f *frame, area rect, list []score, rank int) {
	if area.H < 2 || area.W <= chart.LabelWidth+1 {
		return
	}
	gutter := area.Left(chart.LabelWidth)
	area.Right(1)
	pointer := area.Bottom(1)
	c := chart.Columns{Style: screen.Line(1), Marked: map[int]screen.Style{}}
	if len(list) > 1 && area.W > 0 {
		c.Marked[rank-1] = screen.Good
		if rank > 1 {
			c.Marked[rank-1] = screen.Bad
		}
	}
	var bounds chart.Bounds
	for _, s := range list {
		bounds.Add(s.value, false)
		c.Values = append(c.Values, s.value)
	}
	scale := chart.NewScale(bounds, false)
	c.High = scale.High
	c.Low = scale.Low - (scale.High-scale.Low)/8 // the least score is seen too
	c.Draw(f.c, area)
	f.c.TextRight(gutter.X, gutter.Y, gutter.W-1, brief(bounds.High), screen.Faint)
	f.c.TextRight(gutter.X, area.Y+area.H-1, gutter.W-1, brief(bounds.Low), screen.Faint)
	at := area.X + min((2*rank-1)*area.W/(2*max(len(list), 1)), area.W-1)
	f.c.Set(at, pointer.Y, f.c.Terminal.Character('▲'), screen.Accent)
	f.c.Text(at+2, pointer.Y, area.X+area.W-at-2, "target", screen.Accent)
}

// best lists the best scores, and the target where it is not among them.
func (p *masksPane) best(f *frame, area rect, list []score, rank int) {
	for i := 0; area.H > 0 && i < len(list); i++ {
		if area.H == 1 && rank > i+1 {
			i = rank - 1
		}
		line, s := area.Top(1), list[i]
		text, style := fmt.Sprintf("%3d %s", i+1, screen.Number(s.value)), screen.Plain
		switch {
		case s.target:
			text, style = text+"  target", screen.Strong
		case s.at >= 0:
			text += fmt.Sprintf("  frame %d", s.at)
			f.clickable(line, func(*model, int, int) { p.look.pick(s.at) }, nil)
		default:
			text += "  other row"
		}
		f.c.Text(line.X, line.Y, line.W, text, style)
		if i == rank-1 && i > 0 && area.H == 0 {
			return
		}
	}
}

// brief writes v in at most 5 characters where that is possible.
func brief(v float64) string {
	for digits := 3; digits > 1; digits-- {
		if text := fmt.Sprintf("%.*g", digits, v); len(text) <= 5 {
			return text
		}
	}
	return fmt.Sprintf("%.1g", v)
}
