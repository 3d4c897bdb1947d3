package tui

import (
	"fmt"
	"math"

	"aural/runlog"
	"aural/tui/chart"
	"aural/tui/screen"
)

// masksPane shows what was masked in a row of a batch, and how the contrastive task went at each masked frame.
type masksPane struct{ look *batchLook }

func (*masksPane) title(*model) string { return "masks & contrast" }
func (*masksPane) about(*model) string {
	return "A row of a recent micro-batch: which frames were masked, the cosine between context vector and target (positive) and the best distractor (negative) at each, " +
		"and at the chosen frame the scores of the target and all distractors, sorted. The task is solved where the target is first."
}
func (p *masksPane) bindings(*model) []binding { return p.look.bindings() }

// maskCharts are the charts beside the row.
func maskCharts(m *model) []chartDef {
	return m.known([]chartDef{
		accuracyChart,
		{title: "masked share", metric: "masked_share", curves: trainValid("masked_share")},
		{title: "cosines", metric: "positive_cosine", curves: []curveDef{{"train/positive_cosine", "positive", false}, {"train/negative_cosine", "negative", false}}},
		{title: "duplicate distractors", metric: "duplicate_distractors", curves: trainValid("duplicate_distractors")},
		{title: "mask run", metric: "mask_run", curves: trainValid("mask_run")},
	})
}

func (p *masksPane) draw(f *frame, area rect) {
	m, defs := f.m, maskCharts(f.m)
	b := p.look.batch(m)
	if b == nil {
		f.nothing(area.Top(min(2, area.H)), "no snapshot of a batch in this log: the trainer writes them every train.snapshot_every updates")
		if !f.enlarged(defs, area, 0) {
			f.beside(defs, area, 2, 0)
		}
		return
	}
	if f.enlarged(defs, area, 1) {
		return
	}
	p.head(f, area.Top(min(2, area.H)), b)
	if !m.view.full {
		switch {
		case area.W >= 120:
			side := area.Right(min(area.W/3, 60))
			side.Left(2)
			f.beside(defs, side, 1, 1)
		case area.H >= 30:
			f.beside(defs, area.Bottom(area.H/3), 2, 1)
		}
	}
	i := p.look.masked(b)
	if area.H >= 2 {
		ruler := area.Top(min(4, area.H))
		p.ruler(f, ruler, b, i)
	}
	if area.H < 4 {
		return
	}
	scores := area.Bottom(area.H - area.H/2)
	if area.H >= chartHeight {
		p.cosines(f, area, b, i)
	} else {
		scores.Y, scores.H = area.Y, scores.H+area.H
	}
	p.scores(f, scores, b, i)
}

// head says which row it is, and sums it up.
func (p *masksPane) head(f *frame, area rect, b *runlog.Batch) {
	line := area.Top(1)
	f.c.Text(line.X, line.Y, line.W*line.H, joined(line.W, p.look.at.describe(batches(f.m)), b.ID, named("speaker", b.Speaker), fmt.Sprintf("epoch %d", b.Epoch),
		fmt.Sprintf("one of %d rows", b.Rows)), screen.Plain)
	line = area.Top(1)
	s := statsOf(b)
	masked := fmt.Sprintf("%.1f %% of %d frames masked", 100*s.share, b.Frames)
	if v, ok := f.m.run().last("train/masked_share"); ok {
		masked += fmt.Sprintf(" (run: %.1f)", 100*v)
	}
	right := fmt.Sprintf("%d of %d right", s.right, s.of)
	if s.distractors > 0 {
		right += fmt.Sprintf(" (chance: %.2g)", float64(s.of)/float64(s.distractors+1))
	}
	duplicates := ""
	if s.duplicates > 0 {
		duplicates = fmt.Sprintf("distractors equal the target at %d frames", s.duplicates)
	}
	f.c.Text(line.X, line.Y, line.W*line.H, joined(line.W, masked, right, fmt.Sprintf("%d spans, mean %s, longest %g", s.spans, screen.Number(s.run), s.longest), duplicates), screen.Plain)
}

func named(what, name string) string {
	if name == "" {
		return ""
	}
	return what + " " + name
}

// ruler draws the frames of the row: those that are masked by how they were told, the chosen one, and the time.
func (p *masksPane) ruler(f *frame, area rect, b *runlog.Batch, chosen int) {
	// The columns are those of a chart, so that the frames stand above the curves.
	area.X, area.W = area.X+chart.LabelWidth-chart.GutterWidth, max(area.W-(chart.LabelWidth-chart.GutterWidth)-1, 0)
	inner := area
	inner.Left(chart.GutterWidth)
	if b.Frames < 1 || inner.W < 1 {
		return
	}
	all := chart.Span{From: 0, To: float64(b.Frames)}
	f.c.Fill(inner.Top(1), '─', screen.Faint)
	f.maskedFrames(rect{X: inner.X, Y: area.Y, W: inner.W, H: 1}, b, all)
	f.clickable(rect{X: inner.X, Y: area.Y, W: inner.W, H: area.H}, func(_ *model, x, _ int) { p.look.pick(int(all.At(x-inner.X, inner.W))) },
		func(m *model, up bool) { p.look.move(m, either(up, "left", "right")) })
	if area.H > 1 && chosen >= 0 {
		p.chosenLine(f, rect{X: inner.X, Y: area.Y + 1, W: inner.W, H: 1}, b, chosen)
	}
	if area.H > 2 {
		seconds := batchSeconds(b)
		if seconds > 0 {
			axis := area
			axis.Top(2)
			chart.DrawTime(f.c, axis, chart.Span{From: 0, To: seconds})
		}
	}
}

// maskedFrames marks the masked frames in a row of cells that shows view, in frames: right, wrong, or both where they share a
// cell.
func (f *frame) maskedFrames(row rect, b *runlog.Batch, view chart.Span) {
	if row.H < 1 || row.W < 1 || !(view.To > view.From) {
		return
	}
	right, wrong := make([]bool, row.W), make([]bool, row.W)
	for _, m := range b.Masked {
		from, to := view.Columns(chart.Span{From: float64(m.Frame), To: float64(m.Frame) + 1}, row.W)
		for x := from; x < to; x++ {
			right[x] = right[x] || m.Correct
			wrong[x] = wrong[x] || !m.Correct
		}
	}
	spans := maskedSpans(b)
	for x := range row.W {
		char, s := ' ', screen.Plain
		switch {
		case right[x] && wrong[x]:
			char, s = '▓', screen.Warning
		case right[x]:
			char, s = '█', screen.Good
		case wrong[x]:
			char, s = '░', screen.Bad
		case chart.Covers(spans, view.At(x, row.W)):
			char, s = '▒', screen.Faint // masked, and nothing more is known
		default:
			continue
		}
		f.c.Set(row.X+x, row.Y, f.c.Terminal.Character(char), s)
	}
}

// chosenLine points at the chosen frame and says what is known of it.
func (p *masksPane) chosenLine(f *frame, line rect, b *runlog.Batch, chosen int) {
	m := b.Masked[chosen]
	from, to := chart.Span{From: 0, To: float64(b.Frames)}.Columns(chart.Span{From: float64(m.Frame), To: float64(m.Frame) + 1}, line.W)
	if from == to {
		return
	}
	text := joined(line.W-3, fmt.Sprintf("frame %d", m.Frame), either(m.Correct, "right", "wrong"), codesText(m.Codes), f.duplicatesText(m.Duplicates))
	f.c.Set(line.X+from, line.Y, f.c.Terminal.Character('▲'), screen.Accent)
	if n := screen.TextWidth(text); from+2+n <= line.W {
		f.c.Text(line.X+from+2, line.Y, n, text, screen.Strong)
	} else if n+1 <= from {
		f.c.Text(line.X+from-1-n, line.Y, n, text, screen.Strong)
	}
}

func codesText(codes []int) string {
	if len(codes) == 0 {
		return ""
	}
	text := "codes"
	if len(codes) == 1 {
		text = "code"
	}
	for _, c := range codes[:min(len(codes), 8)] {
		text += fmt.Sprintf(" %d", c)
	}
	return text
}

func (f *frame) duplicatesText(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return "1 distractor equals it"
	}
	return fmt.Sprintf("%d distractors equal it", n)
}

// cosines draws the similarity of each masked frame's context vector with its target and with the best distractor.
func (p *masksPane) cosines(f *frame, area rect, b *runlog.Batch, chosen int) {
	s := statsOf(b)
	ch := chart.NewChart("cosine with the target and the best distractor")
	ch.X = chart.Scale{Low: 0, High: float64(max(b.Frames-1, 1))}
	ch.XUnit, ch.XWhole = "frames", true
	ch.Empty = "no cosines in this snapshot"
	if chosen >= 0 {
		ch.Cursor = float64(b.Masked[chosen].Frame)
	}
	var positive, negative chart.Change
	for _, m := range b.Masked {
		n := len(positive.Steps)
		if m.Frame < 0 || n > 0 && int64(m.Frame) <= positive.Steps[n-1] {
			continue // out of order
		}
		positive.Steps, positive.Values = append(positive.Steps, int64(m.Frame)), append(positive.Values, float64(m.Positive))
		negative.Steps, negative.Values = append(negative.Steps, int64(m.Frame)), append(negative.Values, float64(m.BestNegative))
	}
	for i, c := range []chart.Change{positive, negative} {
		series := &chart.Series{}
		series.Apply(c)
		ch.Curves = append(ch.Curves, chart.Curve{Label: []string{"target", "distractor"}[i], Series: series, Style: screen.Line(i), Dash: i, Gap: 1})
	}
	if !math.IsNaN(s.positive) && !math.IsNaN(s.bestNegative) {
		ch.Lines = []chart.Reference{{Label: "mean target", Value: s.positive, Inside: true}}
	}
	y := ch.Draw(f.c, area)
	in := chart.Inner(area)
	f.clickable(area, func(_ *model, x, _ int) {
		p.look.pick(int(math.Round(float64(x-in.X) / float64(max(in.W-1, 1)) * float64(b.Frames-1))))
	}, func(m *model, up bool) { p.look.move(m, either(up, "left", "right")) })
	f.drawn = append(f.drawn, drawing{curves: &curvesDrawing{chartDef{title: ch.Title}, ch, y}})
}
