package tui

import (
	"errors"
	"math"
	"slices"
	"sort"
	"strings"

	"aural/plots"
	"aural/tui/chart"
	"aural/tui/screen"
)

// visible is what the screen shows right now, as a figure. Its data are copies.
func (m *model) visible() (plots.View, error) {
	f := render(m, m.width, m.height)
	if len(f.drawn) == 0 {
		return plots.View{}, errors.New("export: this screen shows no chart")
	}
	v := plots.View{Columns: f.figureColumns(), Note: m.figureNote()}
	for _, d := range f.drawn {
		switch {
		case d.curves != nil:
			v.Panels = append(v.Panels, m.curvesPanel(d.curves))
		case d.heat != nil:
			v.Panels = append(v.Panels, heatPanel(d.heat))
		case d.sound != nil:
			v.Panels = append(v.Panels, soundPanel(d.sound))
		}
	}
	return v, nil
}

// figureColumns is how many charts stand side by side; 0, where there are other pictures too, leaves it to plots.
func (f *frame) figureColumns() int {
	charts, at := 0, []int(nil)
	for _, h := range f.hits {
		if h.chart < 0 {
			continue
		}
		if charts++; !slices.Contains(at, h.area.X) {
			at = append(at, h.area.X)
		}
	}
	if charts < len(f.drawn) {
		return 0
	}
	return min(len(at), len(f.drawn))
}

// figureNote names the run and what was done to the curves.
func (m *model) figureNote() string {
	var parts []string
	if len(m.shown()) == 1 {
		parts = append(parts, m.run().name)
	}
	if m.view.smooth > 0 {
		parts = append(parts, "smoothing "+screen.Short(m.view.smooth))
	}
	return strings.Join(parts, ", ")
}

// curvesPanel is a chart of curves with the axes that it had on the screen.
func (m *model) curvesPanel(d *curvesDrawing) plots.ViewPanel {
	ch := d.chart
	factor := ch.Factor
	if factor == 0 {
		factor = 1
	}
	p := plots.ViewPanel{Title: ch.Title,
		X: plots.Axis{Label: ch.XUnit, Min: ch.X.Low, Max: ch.X.High, Clock: ch.XText != nil},
		Y: plots.Axis{Label: ch.Unit, Min: d.y.Low, Max: d.y.High, Log: d.y.Log}}
	for _, c := range ch.Curves {
		if v := viewCurve(c, ch.X, factor); len(v.X) > 0 {
			v.Run, v.Series = m.seriesOf(c.Series)
			for _, def := range d.def.curves {
				if def.series == v.Series {
					v.Label = def.label // the run has its own place in the legend
				}
			}
			p.Curves = append(p.Curves, apart(v, c.Gap)...)
		}
	}
	for _, l := range ch.Lines {
		if v := l.Value * factor; v >= d.y.Low && v <= d.y.High {
			p.Lines = append(p.Lines, plots.ViewLine{Label: l.Label, Value: v})
		}
	}
	if b := ch.Band; b != nil {
		band := plots.ViewBand{Label: b.Label, X: slices.Clone(b.X), Colour: plots.Grey}
		for i := range b.X {
			band.Low, band.High = append(band.Low, b.Low[i]*factor), append(band.High, b.High[i]*factor)
		}
		p.Bands = append(p.Bands, band)
	}
	if x := ch.Cursor; x >= ch.X.Low && x <= ch.X.High {
		p.Marks = append(p.Marks, plots.ViewMark{X: x})
	}
	return p
}

// fewPoints is how many points of a curve are marked one by one.
const fewPoints = 60

// viewCurve copies the visible part of a curve, with a point beyond each edge, so that the line runs to it.
func viewCurve(c chart.Curve, x chart.Scale, factor float64) plots.ViewCurve {
	s, n := c.Series, c.Series.Len()
	from := max(sort.Search(n, func(i int) bool { return c.Axis.At(s, i) >= x.Low })-1, 0)
	to := min(sort.Search(n, func(i int) bool { return c.Axis.At(s, i) > x.High })+1, n)
	out := plots.ViewCurve{Label: c.Label, Colour: int(c.Style - screen.Line(0)), Dash: c.Dash, Points: to-from <= fewPoints}
	smooth := s.Smoothing() > 0 && c.Raw != screen.Plain
	for i := from; i < to; i++ {
		at := c.Axis.At(s, i)
		if math.IsNaN(at) {
			continue
		}
		out.X, out.Y, out.Steps = append(out.X, at), append(out.Y, s.Raw.List()[i]*factor), append(out.Steps, s.Steps[i])
		if smooth {
			out.Smooth = append(out.Smooth, s.Smooth.List()[i]*factor)
		}
	}
	return out
}

// apart cuts a curve where its points are more than gap apart, unless that is 0. The legend names the first part.
func apart(v plots.ViewCurve, gap float64) []plots.ViewCurve {
	if gap <= 0 {
		return []plots.ViewCurve{v}
	}
	var out []plots.ViewCurve
	from := 0
	for i := 1; i <= len(v.X); i++ {
		if i < len(v.X) && v.X[i]-v.X[i-1] <= gap {
			continue
		}
		part := v
		part.X, part.Y, part.Steps = v.X[from:i], v.Y[from:i], v.Steps[from:i]
		if v.Smooth != nil {
			part.Smooth = v.Smooth[from:i]
		}
		if from > 0 {
			part.Label = ""
		}
		out, from = append(out, part), i
	}
	return out
}

// seriesOf finds the run and the name of a series.
func (m *model) seriesOf(s *chart.Series) (run, name string) {
	for _, r := range m.shown() {
		for name, own := range r.data {
			if own == s {
				return r.name, name
			}
		}
	}
	return "", ""
}

// heatPanel is a heat map.
func heatPanel(d *heatDrawing) plots.ViewPanel {
	h := &plots.HeatMap{Left: d.left, Right: d.right, Rows: d.rowsLabel, RowNames: slices.Clone(d.rows), Unit: d.unit, Low: d.low, High: d.high, Log: d.log,
		MarkZero: d.zero != "", Zero: d.zero}
	for _, row := range d.values {
		h.Values = append(h.Values, slices.Clone(row))
	}
	return plots.ViewPanel{Title: d.title, X: plots.Axis{Label: d.xLabel}, Heat: h}
}

// dBToNats converts levels of power in decibels to natural logarithms.
const dBToNats = math.Ln10 / 10

// soundPanel is the visible part of a piece of audio.
func soundPanel(d *soundDrawing) plots.ViewPanel {
	view := d.view
	s := &plots.Spectrogram{Start: view.From, Frequencies: slices.Clone(d.levels.Hz), Rate: d.rate}
	if n := len(d.levels.Frames); n > 0 && d.levels.Seconds > 0 {
		s.Hop = d.levels.Seconds / float64(n)
		from := min(max(int(math.Ceil(view.From/s.Hop-1e-6)), 0), n)
		to := min(max(int(math.Floor(view.To/s.Hop+1e-6)), from), n)
		s.Lead = max(float64(from)*s.Hop-view.From, 0)
		for _, frame := range d.levels.Frames[from:to] {
			row := make([]float32, len(frame))
			for i, v := range frame {
				row[i] = v * dBToNats
			}
			s.LogMel = append(s.LogMel, row)
		}
	}
	if d.rate > 0 {
		from := min(max(int(view.From*float64(d.rate)), 0), len(d.waveform))
		s.Waveform = slices.Clone(d.waveform[from:min(max(int(view.To*float64(d.rate)), from), len(d.waveform))])
	}
	within := func(span chart.Span) (plots.Span, bool) {
		out := plots.Span{From: max(span.From, view.From), To: min(span.To, view.To)}
		return out, out.From < out.To
	}
	for _, span := range d.masked {
		if v, ok := within(span); ok {
			s.Spans = append(s.Spans, v)
		}
	}
	for _, c := range d.codes {
		if v, ok := within(c.Span); ok {
			s.Codes = append(s.Codes, plots.FrameCodes{Span: v, Codes: slices.Clone(c.codes), Correct: c.correct})
		}
	}
	for _, w := range d.words {
		if v, ok := within(w.Span); ok {
			s.Words = append(s.Words, plots.Word{Span: v, Text: w.text})
		}
	}
	return plots.ViewPanel{Title: d.title, X: plots.Axis{Label: "s"}, Spectrogram: s}
}
