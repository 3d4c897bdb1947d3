package tui

import (
	"math"

	"aural/tui/chart"
	"aural/tui/screen"

	tea "github.com/charmbracelet/bubbletea"
)

// timeZoom is the part of a recording that is seen. The zero value is all of it.
type timeZoom struct {
	factor float64
	centre float64 // as a share of all
}

// zoom changes the factor. at is the place, as a share of all, that stays visible; NaN keeps the middle.
func (z *timeZoom) zoom(by, at float64) {
	if z.factor <= 1 {
		z.centre = 0.5
	}
	z.factor = min(max(max(z.factor, 1)*by, 1), 256)
	if !math.IsNaN(at) {
		z.centre = at
	}
}

func (z *timeZoom) wheel(up bool, at float64) {
	by := 0.8
	if up {
		by = 1.25
	}
	z.zoom(by, at)
}

// visible is the part of a recording of some seconds that is seen: around the place at where that would be outside.
func (z timeZoom) visible(seconds, at float64) chart.Span {
	half := 0.5 / max(z.factor, 1)
	centre := z.centre
	if math.Abs(at-centre) > 0.9*half { // not so for NaN
		centre = at
	}
	centre = min(max(centre, half), 1-half)
	return chart.Span{From: (centre - half) * seconds, To: (centre + half) * seconds}
}

// bindings are the keys of the zoom. focus is the place that stays visible.
func (z *timeZoom) bindings(focus func(m *model) float64) []binding {
	by := func(factor float64) func(*model, string) tea.Cmd {
		return func(m *model, _ string) tea.Cmd {
			z.zoom(factor, focus(m))
			return nil
		}
	}
	list := []binding{
		{[]string{"+", "="}, "+ -", fixed("zoom"), "zoom into the time, or out (also the wheel)", "", by(2)},
		{[]string{"-", "_"}, "-", nil, "", "", by(0.5)},
	}
	if z.factor > 1 {
		list = append(list, binding{[]string{"esc"}, "esc", fixed("all"), "", "", by(0)})
	}
	return list
}

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
