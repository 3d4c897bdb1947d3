package plots

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/plot/vg"
)

// The size of a panel of a view in millimetres, and the greatest width of one that has company.
const (
	viewWidth, viewHeight = 170, 80
	viewColumn            = 85
)

// RenderView draws a view into the file path; see [Render] for its format. Of the options, the size, resolution, theme, text,
// lines and legend count, and the tables beside the figure.
func RenderView(path string, v View, o Options) error {
	if err := o.check(); err != nil {
		return err
	}
	if len(v.Panels) == 0 {
		return errors.New("plots: view: it has no panel")
	}
	f, z := frame{title: v.Title, note: v.Note, columns: v.Columns}, size{viewWidth, viewHeight, 1}
	if f.columns == 0 {
		f.columns = int(math.Ceil(math.Sqrt(float64(len(v.Panels)))))
	}
	if f.columns > 1 {
		z = size{float64(f.columns) * viewColumn, viewHeight * 0.75, 1}
		z.width = min(z.width, 1000)
	}
	width := z.width
	if o.Width != 0 {
		width = o.Width
	}
	panels := make([]panel, len(v.Panels))
	for i := range v.Panels {
		p := &v.Panels[i]
		if err := p.check(); err != nil {
			return fmt.Errorf("plots: view: panel %d (%s): %w", i+1, p.Title, err)
		}
		panels[i] = p.panel(width/float64(f.columns)*float64(vg.Millimeter)-50, o.style())
	}
	if err := write(path, panels, f, z, o); err != nil {
		return fmt.Errorf("plots: view: %w", err)
	}
	return nil
}

// panel converts a panel whose axes are about width points wide.
func (p *ViewPanel) panel(width float64, s style) panel {
	out := panel{title: p.Title, labelX: p.X.Label, unit: p.Y.Label, bands: p.Bands, marks: p.Marks,
		x: Limits{p.X.Min, p.X.Max}, y: Limits{p.Y.Min, p.Y.Max}, logX: p.X.Log, log: p.Y.Log, always: p.Y.Log, clock: p.X.Clock}
	for _, c := range p.Curves {
		out.curves = append(out.curves, curve{label: c.Label, series: c.Series, run: c.Run, steps: c.Steps, x: c.X, raw: c.Y, smooth: c.Smooth,
			colour: c.Colour, dash: c.Dash, points: c.Points})
	}
	for _, l := range p.Lines {
		out.lines = append(out.lines, level{label: l.Label, value: l.Value})
	}
	if p.Bars != nil {
		out.bars(p.Bars, width, s)
		out.zero = true
	}
	out.heat = p.Heat
	if p.Spectrogram != nil {
		out.audio = &audioPanel{Spectrogram: *p.Spectrogram}
	}
	return out
}

// check says what does not fit together.
func (p *ViewPanel) check() error {
	kinds := 0
	for _, has := range []bool{len(p.Curves) > 0, len(p.Bars) > 0, p.Heat != nil, p.Spectrogram != nil} {
		if has {
			kinds++
		}
	}
	if kinds > 1 {
		return errors.New("it has more than one of curves, bars, a heat map and a spectrogram: a panel shows one of them")
	}
	for _, a := range []Axis{p.X, p.Y} {
		if l := (Limits{a.Min, a.Max}); l.set() && !(a.Min < a.Max && math.Abs(a.Min) <= 1e300 && math.Abs(a.Max) <= 1e300) {
			return fmt.Errorf("an axis from %v to %v: the first must be lower, and both finite", a.Min, a.Max)
		}
	}
	for _, c := range p.Curves {
		if len(c.Y) != len(c.X) || c.Smooth != nil && len(c.Smooth) != len(c.X) || c.Steps != nil && len(c.Steps) != len(c.X) {
			return fmt.Errorf("curve %s has %d x, %d y, %d smoothed values and %d steps: they must be as many", c.Label, len(c.X), len(c.Y), len(c.Smooth), len(c.Steps))
		}
	}
	for _, b := range p.Bands {
		if len(b.Low) != len(b.X) || len(b.High) != len(b.X) {
			return fmt.Errorf("band %s has %d x, %d low and %d high values: they must be as many", b.Label, len(b.X), len(b.Low), len(b.High))
		}
	}
	for _, b := range p.Bars {
		if !(b.Value >= 0) || math.IsInf(b.Value, 0) {
			return fmt.Errorf("bar %s is %v high: it must be finite and at least 0", b.Name, b.Value)
		}
	}
	if p.Heat != nil {
		if err := p.Heat.check(); err != nil {
			return err
		}
	}
	if p.Spectrogram != nil {
		return p.Spectrogram.check()
	}
	return nil
}

// maxCells bounds a heat map and a spectrogram.
const maxCells = 1 << 23

func (h *HeatMap) check() error {
	for _, row := range h.Values {
		if len(row) != len(h.Values[0]) {
			return fmt.Errorf("the rows of the heat map have %d and %d values: they must be as many", len(h.Values[0]), len(row))
		}
	}
	if len(h.Values) > 0 && len(h.Values)*len(h.Values[0]) > maxCells {
		return fmt.Errorf("the heat map has %d by %d cells: at most %d can be drawn", len(h.Values), len(h.Values[0]), maxCells)
	}
	if l := (Limits{h.Left, h.Right}); l.set() && !(h.Left < h.Right && finite(h.Right-h.Left)) {
		return fmt.Errorf("a heat map from %v to %v: the first must be lower, and both finite", h.Left, h.Right)
	}
	if l := (Limits{h.Bottom, h.Top}); l.set() && !(h.Bottom < h.Top && finite(h.Top-h.Bottom)) {
		return fmt.Errorf("a heat map from %v up to %v: the first must be lower, and both finite", h.Bottom, h.Top)
	}
	if h.Low != h.High && !(h.Low < h.High && finite(h.High-h.Low)) {
		return fmt.Errorf("colours from %v to %v: the first must be lower, and both finite", h.Low, h.High)
	}
	return nil
}

func (a *Spectrogram) check() error {
	for _, frame := range a.LogMel {
		if len(frame) != len(a.Frequencies) {
			return fmt.Errorf("a frame of the spectrogram has %d bands, and there are %d frequencies: they must be as many", len(frame), len(a.Frequencies))
		}
	}
	if len(a.LogMel)*len(a.Frequencies) > maxCells {
		return fmt.Errorf("the spectrogram has %d frames of %d bands: at most %d cells can be drawn", len(a.LogMel), len(a.Frequencies), maxCells)
	}
	numbers := append([]float64{a.Start, a.Lead, a.Hop}, a.Frequencies...)
	for _, s := range a.Spans {
		numbers = append(numbers, s.From, s.To)
	}
	for _, f := range a.Codes {
		numbers = append(numbers, f.From, f.To)
	}
	for _, w := range a.Words {
		numbers = append(numbers, w.From, w.To)
	}
	for _, v := range numbers {
		if !finite(v) || math.Abs(v) > 1e9 {
			return fmt.Errorf("the spectrogram has a time or frequency of %v: it must be finite", v)
		}
	}
	if !(a.Hop > 0) && len(a.LogMel) > 0 {
		return fmt.Errorf("the frames of the spectrogram are %v seconds apart: it must be more than 0", a.Hop)
	}
	return nil
}
