package plots

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"aural/internal/atomicfile"
	"aural/runlog"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// ErrNoData is returned by Render when no run has recorded anything that the figure shows.
var ErrNoData = errors.New("nothing to draw")

// Render draws a figure of one or several runs into the file path, whose extension (see [Formats]) gives the format. The
// readers must have been polled; what they have read is drawn. The file is replaced as a whole or, on error, not at all. The
// images of a .tex file stand beside it.
func Render(path string, logs []runlog.Curves, figure string, o Options) error {
	f, err := find(figure)
	if err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return err
	}
	if len(logs) == 0 {
		return fmt.Errorf("plots: figure %s: no run to draw", figure)
	}
	b, err := newBuilder(logs, o)
	if err != nil {
		return err
	}
	panels, err := f.panels(b)
	if err != nil {
		return fmt.Errorf("plots: figure %s: %w", figure, err)
	}
	if err := anyData(f, b, panels); err != nil {
		return err
	}
	for i := range panels {
		b.finish(&panels[i])
	}
	if err := write(path, panels, frame{note: note(b, panels), columns: f.columns, labelX: b.labelX}, size{f.Width, f.Height, f.rows}, o); err != nil {
		return fmt.Errorf("plots: figure %s: %w", figure, err)
	}
	return nil
}

// size is the size of a figure in millimetres when it has this many rows of panels.
type size struct {
	width, height float64
	rows          int
}

// rowAspect is the greatest height of a row of panels in the width of a panel, for figures whose width was asked for.
const rowAspect = 0.68

// of returns the size of a figure of panels: that of the options, or else one that gives its rows the usual height.
func (z size) of(panels []panel, f frame, o Options) (w, h vg.Length) {
	width := cmp.Or(o.Width, z.width)
	columns := f.columnsIn(panels, vg.Length(width)*vg.Millimeter, o.style())
	rows := (len(panels) + columns - 1) / columns
	row := z.height / float64(z.rows)
	if o.Width != 0 {
		row = min(row, max(rowAspect*width/float64(columns), 45*o.style().scale))
	}
	height := cmp.Or(o.Height, min(max(row*float64(rows), 40), 1000))
	return vg.Length(width) * vg.Millimeter, vg.Length(height) * vg.Millimeter
}

// pngDPI is the resolution of a PNG when the options give none.
const pngDPI = 200

// file is a file that is written with a figure, in its directory.
type file struct {
	name string
	data []byte
}

// write draws panels into a file, and writes what belongs beside it first, so that a figure is never without it.
func write(path string, panels []panel, f frame, z size, o Options) error {
	w, h := z.of(panels, f, o)
	style := o.style()
	dpi := cmp.Or(o.DPI, pngDPI)
	surface, err := newCanvas(path, w, h, dpi)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if _, ok := surface.(vgimg.PngCanvas); ok {
		style.dpi = dpi
	}
	if err := drawFigure(draw.New(surface), panels, f, style); err != nil {
		return err
	}
	var image bytes.Buffer
	if _, err := surface.WriteTo(&image); err != nil {
		return fmt.Errorf("draw %s: %w", path, err)
	}
	var files []file
	if t, ok := surface.(*texCanvas); ok {
		files = t.beside()
	}
	base := filepath.Base(path)
	bare := strings.TrimSuffix(base, filepath.Ext(base))
	if o.CSV {
		files = append(files, file{bare + ".csv", encodeCSV(panels, f.labelX)})
	}
	if o.JSON {
		data, err := encodeJSON(panels, f)
		if err != nil {
			return err
		}
		files = append(files, file{bare + ".json", data})
	}
	for _, f := range append(files, file{base, image.Bytes()}) {
		if err := atomicfile.Write(filepath.Join(filepath.Dir(path), f.name), f.data, 0o644); err != nil {
			return err
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
	what := "finite value of " + strings.Join(wanted, ", ")
	if len(wanted) == 0 {
		what = f.source
	}
	return fmt.Errorf("plots: figure %s: %w: %s has no %s", f.Name, ErrNoData, strings.Join(runs, ", "), what)
}

// note says what a reader of the figure must know and no axis tells.
func note(b *builder, panels []panel) string {
	var parts []string
	if len(b.sets) == 1 {
		parts = append(parts, b.sets[0].label)
	}
	has := func(what func(c curve) bool) bool {
		return slices.ContainsFunc(panels, func(p panel) bool { return slices.ContainsFunc(p.curves, what) })
	}
	if has(func(c curve) bool { return c.low != nil }) {
		parts = append(parts, map[Band]string{MinMax: "mean, lowest and highest of the runs", Deviation: "mean of the runs, 1 standard deviation"}[b.options.Band])
	}
	if has(func(c curve) bool { return c.smooth != nil }) {
		text := "smoothed " + short(b.options.Smoothing)
		if has(func(c curve) bool { return c.smooth != nil && c.low == nil }) {
			text += ", raw values faint"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "  |  ")
}
