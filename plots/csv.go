package plots

import (
	"bytes"
	"encoding/csv"
	"strconv"
)

// encodeCSV writes every point of the panels, in the units of the figure and not thinned: one row a point, with the
// columns panel, run, series, update, x, x_axis, value, smoothed, unit, low, high. smoothed is empty for curves that are
// drawn as measured, low and high for what has no band. A cell of a heat map is a row whose series is the name of its
// row, and a cell of a spectrogram one whose series is a frequency in Hz. Non-finite values are NaN, +Inf and -Inf.
func encodeCSV(panels []panel, labelX string) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b) // writing to a buffer cannot fail
	w.Write([]string{"panel", "run", "series", "update", "x", "x_axis", "value", "smoothed", "unit", "low", "high"})
	for _, p := range panels {
		axis := labelX
		if p.labelX != "" {
			axis = p.labelX
		}
		row := func(run, series, update string, x float64, value, smoothed, unit, low, high string) {
			w.Write([]string{p.title, run, series, update, number(x), axis, value, smoothed, unit, low, high})
		}
		for _, c := range p.curves {
			for i := range c.x {
				update, smoothed, low, high := "", "", "", ""
				if c.steps != nil {
					update = strconv.FormatInt(c.steps[i], 10)
				}
				if c.smooth != nil {
					smoothed = number(c.smooth[i])
				}
				if c.low != nil {
					low, high = number(c.low[i]), number(c.high[i])
				}
				row(c.run, c.series, update, c.x[i], number(c.raw[i]), smoothed, p.unit, low, high)
			}
		}
		for _, band := range p.bands {
			for i, x := range band.X {
				row("", band.Label, "", x, "", "", p.unit, number(band.Low[i]), number(band.High[i]))
			}
		}
		for i, box := range p.boxes {
			name := ""
			if i < len(p.names) {
				name = p.names[i].Label
			}
			row("", name, "", (box.left+box.right)/2, number(box.height), "", p.unit, "", "")
		}
		if h := p.heat; h != nil && !h.empty() {
			left, right := h.edges()
			for i, values := range h.Values {
				for j, v := range values {
					row("", h.rowName(i), "", left+(right-left)*(float64(j)+0.5)/float64(len(values)), number(v), "", h.Unit, "", "")
				}
			}
		}
		if a := p.audio; a != nil {
			for t, frame := range a.LogMel {
				for i, v := range frame {
					row("", number(a.Frequencies[i]), "", a.Start+a.Lead+float64(t)*a.Hop, number(float64(v)), "", "ln(power)", "", "")
				}
			}
		}
	}
	w.Flush()
	return b.Bytes()
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// rowName is how a row of a heat map is called.
func (h *HeatMap) rowName(i int) string {
	for _, names := range [][]string{h.entries, h.RowNames} {
		if i < len(names) {
			return names[i]
		}
	}
	return strconv.Itoa(i)
}
