package tui

import (
	"aural/tui/chart"
	"aural/tui/screen"
)

// soundStrip is a recording drawn as pictures over the same time, above each other.
type soundStrip struct {
	s       *sound
	missing error // why s is nil
	view    chart.Span
	masked  []chart.Span

	wave, marks, picture, codes rect // where there is room
}

// draw draws waveform and spectrogram with the axis of time; without a recording the axis and why there is none.
func (d soundStrip) draw(f *frame) {
	if d.s == nil {
		axis := d.picture
		if text := axis.Top(max(axis.H-2, 1)); text.W > chart.GutterWidth {
			inner := behind(text)
			f.c.Text(inner.X, inner.Y+inner.H/2, inner.W, d.missing.Error(), screen.Faint)
		}
		chart.DrawTime(f.c, axis, d.view)
		return
	}
	if wave := behind(d.wave); wave.W > 0 {
		chart.Waveform{Samples: d.s.samples, Seconds: d.s.seconds(), View: d.view, Masked: d.masked, Style: screen.Line(0), Shade: screen.Raw(0)}.Draw(f.c, wave)
	}
	if len(d.s.levels.Frames) == 0 {
		inner := behind(d.picture)
		f.c.Text(inner.X, inner.Y, inner.W, "too short for a spectrogram", screen.Faint)
		return
	}
	chart.Spectrogram{Levels: d.s.levels, View: d.view, Masked: d.masked}.Draw(f.c, d.picture)
}
