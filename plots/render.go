package plots

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"aural/internal/atomicfile"
	"aural/runlog"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// ErrNoData is returned by Render when no run has recorded anything that the figure shows.
var ErrNoData = errors.New("nothing to draw")

// Render draws a figure of one or several runs into the file path, whose extension (.svg, .pdf or .png) gives the
// format. The readers must have been polled; what they have read is drawn. The file is replaced as a whole or, on error,
// not at all.
func Render(path string, readers []*runlog.Reader, figure string, o Options) error {
	f, err := find(figure)
	if err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return err
	}
	if len(readers) == 0 {
		return fmt.Errorf("plots: figure %s: no run to draw", figure)
	}
	b, err := newBuilder(readers, o)
	if err != nil {
		return err
	}
	panels := f.panels(b)
	if err := anyData(f, b, panels); err != nil {
		return err
	}
	width, height := f.Width, f.Height
	if o.Width != 0 {
		width = o.Width
	}
	if o.Height != 0 {
		height = o.Height
	}
	canvas, err := newCanvas(strings.ToLower(filepath.Ext(path)), vg.Length(width)*vg.Millimeter, vg.Length(height)*vg.Millimeter, o.DPI)
	if err != nil {
		return fmt.Errorf("plots: %s: %w", path, err)
	}
	if err := drawFigure(draw.New(canvas), panels, f.columns, b.labelX, note(b, panels), o.Theme.palette()); err != nil {
		return fmt.Errorf("plots: figure %s: %w", figure, err)
	}
	var image bytes.Buffer
	if _, err := canvas.WriteTo(&image); err != nil {
		return fmt.Errorf("plots: draw %s: %w", path, err)
	}
	if err := atomicfile.Write(path, image.Bytes(), 0o644); err != nil {
		return fmt.Errorf("plots: figure %s: %w", figure, err)
	}
	if o.CSV {
		table := strings.TrimSuffix(path, filepath.Ext(path)) + ".csv"
		if err := atomicfile.Write(table, encodeCSV(panels, b.labelX), 0o644); err != nil {
			return fmt.Errorf("plots: figure %s: %w", figure, err)
		}
	}
	return nil
}

func find(name string) (Figure, error) {
	var names []string
	for _, f := range Figures() {
		if f.Name == name {
			return f, nil
		}
		names = append(names, f.Name)
	}
	return Figure{}, fmt.Errorf("plots: unknown figure %q: there are %s", name, strings.Join(names, ", "))
}

// anyData returns an error that tells what is missing when every panel is empty.
func anyData(f Figure, b *builder, panels []panel) error {
	var wanted, runs []string
	for i := range panels {
		if !panels[i].empty() {
			return nil
		}
		for _, w := range panels[i].wants {
			wanted = append(wanted, w.series)
		}
	}
	for _, r := range b.runs {
		runs = append(runs, r.label)
	}
	return fmt.Errorf("plots: figure %s: %w: %s has no finite value of %s", f.Name, ErrNoData, strings.Join(runs, ", "), strings.Join(wanted, ", "))
}

// note says what a reader of the figure must know and no axis tells.
func note(b *builder, panels []panel) string {
	var parts []string
	if len(b.runs) == 1 {
		parts = append(parts, b.runs[0].label)
	}
	averaged := func(p panel) bool {
		return slices.ContainsFunc(p.curves, func(c curve) bool { return c.smooth != nil })
	}
	if slices.ContainsFunc(panels, averaged) {
		parts = append(parts, "smoothed "+short(b.options.Smoothing)+", raw values faint")
	}
	return strings.Join(parts, "  |  ")
}
