package plots

import (
	"bytes"
	"encoding/csv"
	"strconv"
)

// encodeCSV writes every point of the panels, in the units of the figure and not thinned: one row a point, with the
// columns panel, run, series, update, x, x_axis, value, smoothed, unit. smoothed is empty for curves that are drawn as
// measured. Non-finite values are NaN, +Inf and -Inf.
func encodeCSV(panels []panel, labelX string) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b) // writing to a buffer cannot fail
	w.Write([]string{"panel", "run", "series", "update", "x", "x_axis", "value", "smoothed", "unit"})
	for _, p := range panels {
		for _, c := range p.curves {
			for i, step := range c.steps {
				smoothed := ""
				if c.smooth != nil {
					smoothed = number(c.smooth[i])
				}
				w.Write([]string{p.title, c.run, c.series, strconv.FormatInt(step, 10), number(c.x[i]), labelX, number(c.raw[i]), smoothed, p.unit})
			}
		}
	}
	w.Flush()
	return b.Bytes()
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
