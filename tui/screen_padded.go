package tui

import (
	"fmt"

	"aural/tui/chart"
	"aural/tui/screen"

	tea "github.com/charmbracelet/bubbletea"
)

// hearingPane is what fine-tuning has instead of the contrastive task: alignments, or the masks of a batch.
type hearingPane struct {
	alignment alignmentPane
	padded    paddedPane
	masks     bool // the latter
}

func (p *hearingPane) shown() pane {
	if p.masks {
		return &p.padded
	}
	return &p.alignment
}

func (p *hearingPane) title(m *model) string    { return p.shown().title(m) }
func (p *hearingPane) about(m *model) string    { return p.shown().about(m) }
func (p *hearingPane) draw(f *frame, area rect) { p.shown().draw(f, area) }

func (p *hearingPane) bindings(m *model) []binding {
	return append(p.shown().bindings(m), binding{[]string{"v"}, "v", fixed(either(p.masks, "alignment", "masks")), "view: an alignment, or the masks of a batch", "alignment or masks",
		func(*model, string) tea.Cmd {
			p.masks = !p.masks
			return nil
		}})
}

// sample is the recording that the screen needs.
func (p *hearingPane) sample(m *model) string {
	if p.masks {
		return ""
	}
	return p.alignment.sample(m)
}

// paddedPane shows what was masked in the rows of a padded batch.
type paddedPane struct{ look *batchLook }

func (*paddedPane) title(*model) string { return "masks" }
func (*paddedPane) about(*model) string {
	return "All rows of a recent micro-batch: how long each is, which of its frames were masked, and on the right which channels. What is blank is padding. " +
		"A mask is drawn anew for each row and update."
}
func (p *paddedPane) bindings(*model) []binding {
	return scrubbing(",", ".", ", .", &p.look.at, batches)
}

func (p *paddedPane) draw(f *frame, area rect) {
	b := p.look.batch(f.m)
	if b == nil {
		f.nothing(area, "no snapshot of a batch in this log: the trainer writes them every train.snapshot_every updates")
		return
	}
	line := area.Top(1)
	f.c.Text(line.X, line.Y, line.W*line.H, joined(line.W, p.look.at.describe(batches(f.m)), fmt.Sprintf("%d rows", len(b.Padded)), fmt.Sprintf("epoch %d", b.Epoch), "first "+b.ID), screen.Plain)
	longest, real, frames, channels := 0, 0.0, 0.0, 0.0
	for _, r := range b.Padded {
		longest = max(longest, r.Frames)
		real += float64(max(r.Frames, 0))
		frames += covered(within(r.Spans, r.Frames))
		channels += covered(within(r.Channels, b.Width))
	}
	if longest == 0 {
		f.nothing(area, "the snapshot does not say what was masked")
		return
	}
	n := float64(len(b.Padded))
	masked := fmt.Sprintf("%.1f %% of frames masked", 100*frames/real)
	if b.Width > 0 {
		masked += fmt.Sprintf(", %.1f %% of %d channels", 100*channels/(n*float64(b.Width)), b.Width)
	}
	line = area.Top(min(1, area.H-1))
	f.c.Text(line.X, line.Y, line.W*line.H, joined(line.W, masked, fmt.Sprintf("longest row %d frames", longest), fmt.Sprintf("%.1f %% padding", 100*(1-real/(n*float64(longest))))), screen.Plain)
	side := rect{}
	if b.Width > 0 && area.W >= 40 {
		side = area.Right(area.W / 4)
		side.Left(2)
	}
	for i, r := range b.Padded {
		row, right := area.Top(1), side.Top(1)
		if row.H < 1 {
			return
		}
		if area.H == 0 && i+1 < len(b.Padded) {
			f.c.Text(row.X, row.Y, row.W, fmt.Sprintf("and %d more", len(b.Padded)-i), screen.Faint)
			return
		}
		f.strip(row, float64(longest), float64(r.Frames), within(r.Spans, r.Frames))
		f.strip(right, float64(b.Width), float64(b.Width), within(r.Channels, b.Width))
	}
}

// strip draws what is there of a line of total places, and what of it is masked.
func (f *frame) strip(line rect, total, there float64, masked []chart.Span) {
	if line.H < 1 || line.W < 1 || !(total > 0) {
		return
	}
	all := chart.Span{From: 0, To: total}
	for x := range line.W {
		switch at := all.At(x, line.W); {
		case at >= there:
		case chart.Covers(masked, at):
			f.c.Set(line.X+x, line.Y, f.c.Terminal.Character('▒'), screen.Accent)
		default:
			f.c.Set(line.X+x, line.Y, f.c.Terminal.Character('─'), screen.Faint)
		}
	}
}

// covered is the length of spans that are apart.
func covered(spans []chart.Span) float64 {
	sum := 0.0
	for _, s := range spans {
		sum += s.To - s.From
	}
	return sum
}
