package tui

import (
	"math"
	"time"

	"aural/reference"
	"aural/runlog"
	"aural/tui/chart"
	"aural/tui/screen"
)

// rect is short for a part of the screen.
type rect = screen.Rect

// chart draws the chart of a definition for all visible runs and notes where it is.
func (f *frame) chart(def chartDef, area rect, key string, focused bool) {
	ch := f.m.chart(def)
	ch.Key, ch.Focused = key, focused
	if focused && f.m.view.yZoom != 1 {
		ch.Y = f.m.zoomedY(ch, area)
	}
	y := ch.Draw(f.c, area)
	f.hits = append(f.hits, hit{area: area, chart: len(f.drawn)})
	f.drawn = append(f.drawn, drawing{curves: &curvesDrawing{def, ch, y}})
}

// chart makes the chart of a definition. With one run, each wanted series has a colour; with several, each run has one, and
// further series of a run differ in their dashes and marks.
func (m *model) chart(def chartDef) chart.Chart {
	runs := m.shown()
	ch := chart.NewChart(def.title)
	ch.Factor, ch.Unit = m.unitOf(def.metric)
	ch.LogY = def.logY != m.view.logY
	ch.Outliers = !m.view.clip
	ch.X, ch.XUnit, ch.XWhole = m.xScale(), xUnits[m.view.axis], m.view.axis == chart.Updates
	if m.view.axis == chart.Wall {
		ch.XText = m.clockText
	}
	ch.Cursor = m.view.cursor
	for i, r := range runs {
		axis := r.axis(m.view.axis)
		if !axis.Available() {
			ch.Empty = "not known over " + xUnits[m.view.axis]
			continue
		}
		if r.loading {
			ch.Empty = "loading"
		}
		for k, c := range def.curves {
			s := r.data[c.series]
			if s.Len() == 0 {
				continue
			}
			curve := chart.Curve{Label: c.label, Series: s, Axis: axis, Style: screen.Line(k), Raw: screen.Raw(k)}
			if len(runs) > 1 {
				curve.Label, curve.Mark = m.runLabel(r, c.label, len(def.curves)), runMark(i)
				curve.Style, curve.Raw, curve.Dash = r.style(), screen.Raw(r.colour), k
			}
			if c.exact || validSeries(c.series) {
				curve.Raw = screen.Plain
			}
			ch.Curves = append(ch.Curves, curve)
		}
	}
	m.compareWith(&ch, def)
	return ch
}

// compareWith adds the reference lines and the band of the current run.
func (m *model) compareWith(ch *chart.Chart, def chartDef) {
	r := m.run()
	for _, l := range def.lines {
		if v, ok := r.last(l.series); ok && !math.IsNaN(v) && !math.IsInf(v, 0) {
			ch.Lines = append(ch.Lines, chart.Reference{Label: l.label, Value: v, Inside: l.inside})
		}
	}
	if m.view.bands {
		ch.Band = m.band(r, def.metric)
	}
}

// band is the published range of a metric, at the places of the x axis. Axes of time have none.
func (m *model) band(r *runView, metric string) *chart.Band {
	seconds, ok := r.last("train/audio_seconds")
	entries, _ := r.last("train/max_perplexity")
	if !ok || m.view.axis == chart.Relative || m.view.axis == chart.Wall {
		return nil
	}
	b, ok := reference.For(metric, seconds, int(entries))
	if !ok {
		return nil
	}
	axis := r.axis(m.view.axis)
	out := &chart.Band{Label: b.Label, Low: b.Low, High: b.High}
	for _, s := range b.Steps {
		switch m.view.axis {
		case chart.Hours:
			out.X = append(out.X, float64(s)*seconds/3600)
		default:
			out.X = append(out.X, axis.Of(s))
		}
	}
	return out
}

func validSeries(name string) bool { return len(name) > 6 && name[:6] == "valid/" }

// runLabel names a curve among several runs: the run, and the series where there is more than one.
func (m *model) runLabel(r *runView, label string, of int) string {
	if of > 1 && label == runlog.Valid {
		return r.name + " " + label
	}
	return r.name
}

// runMark is the character at the right end of the curves of run i.
func runMark(i int) rune { return rune('a' + i%26) }

// xUnits name what the x axis counts.
var xUnits = [chart.AxisKinds]string{chart.Updates: "updates", chart.Epochs: "epochs", chart.Relative: "hours of training", chart.Wall: "time",
	chart.Hours: "hours of audio"}

// unitOf returns the unit in which a metric is drawn, and the factor from the logged value to it.
func (m *model) unitOf(metric string) (factor float64, unit string) {
	match, err := runlog.Lookup(metric)
	switch {
	case err != nil:
		return 1, ""
	case match.Metric.Nats && m.view.bits:
		return runlog.BitsPerNat, "bits"
	case match.Metric.Unit == "share":
		return 100, "%"
	case match.Metric.Unit == "bytes":
		return 1.0 / (1 << 30), "GiB"
	}
	return 1, match.Metric.Unit
}

// xScale is the x axis that all charts share.
func (m *model) xScale() chart.Scale {
	if m.view.zoom != nil {
		return *m.view.zoom
	}
	return m.allX()
}

// allX is the whole x axis: from 0 to the last point of any curve, or from the first point when that is far from 0.
func (m *model) allX() chart.Scale {
	var b chart.Bounds
	for _, r := range m.shown() {
		axis := r.axis(m.view.axis)
		if !axis.Available() {
			continue
		}
		for _, name := range r.names {
			if s := r.data[name]; s.Len() > 0 {
				b.Add(axis.At(s, 0), false)
				b.Add(axis.At(s, s.Len()-1), false)
			}
		}
	}
	if m.view.axis != chart.Wall && (0 < b.Low && b.Low < b.High/2 || b.Low == b.High) {
		b.Low, b.High = 0, math.Max(b.High, 1)
	}
	return chart.NewScale(b, false)
}

// clockText writes a place of the wall axis.
func (m *model) clockText(v float64) string {
	t := time.Unix(int64(v), 0).In(m.now().Location())
	if x := m.xScale(); x.High-x.Low > 2*86400 {
		return t.Format("01-02")
	}
	return t.Format("15:04")
}

// zoomedY is the y axis of a focused chart, enlarged around its middle.
func (m *model) zoomedY(ch chart.Chart, area rect) *chart.Scale {
	y := ch.Draw(screen.New(m.terminal, area.X+area.W, area.Y+area.H), area)
	z := y.Zoom(y.Value(0.5), m.view.yZoom)
	return &z
}

// grid draws charts in rows and columns, from the focused one's page on, and numbers of what does not fit.
func (f *frame) grid(defs []chartDef, area rect, rows, columns int) {
	if len(defs) == 0 || area.H < 1 {
		return
	}
	focus := f.m.focused(len(defs))
	if f.m.view.full {
		f.chart(defs[focus], area, "", true)
		return
	}
	page := rows * columns
	first := focus / page * page
	last := min(first+page, len(defs))
	// The last page uses the whole height.
	for i, r := range area.Grid(min(rows, (last-first+columns-1)/columns), columns) {
		if first+i >= last {
			break
		}
		n := len(f.hits)
		f.chart(defs[first+i], r, "", first+i == focus)
		at := first + i
		f.hits[n].click = func(m *model) { m.focus[m.view.screen] = at }
	}
}

// focused is the focused chart of the present screen, which has n.
func (m *model) focused(n int) int { return min(max(m.focus[m.view.screen], 0), max(n-1, 0)) }

// fit returns how many rows and columns of charts an area has room for, at most columns ones.
func fit(area rect, n, columns int) (rows, cols int) {
	cols = min(max((area.W+1)/(chartWidth+1), 1), columns, max(n, 1))
	rows = min(max(area.H/chartHeight, 1), (n+cols-1)/cols)
	return max(rows, 1), cols
}
