package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"aural/internal/atomicfile"
	"aural/plots"
	"aural/runlog"

	"github.com/spf13/cobra"
)

type plotFlags struct {
	figure, out, x, theme, root, column, band, legend, xlim, ylim, table, data string
	bits, group                                                                bool
	options                                                                    plots.Options
}

// lengthsFigure is the figure that is made of a store and not of a run.
const lengthsFigure = "lengths"

func (a *app) plot() *cobra.Command {
	f := plotFlags{}
	var lines, names []string
	for _, p := range plots.Figures() {
		lines = append(lines, fmt.Sprintf("  %-11s %s", p.Name, p.Description))
		names = append(names, p.Name)
	}
	lines = append(lines, fmt.Sprintf("  %-11s how long the utterances of a store are (--data)", lengthsFigure))
	names = append(names, lengthsFigure)
	c := a.command(&cobra.Command{
		Use:   "plot RUN...",
		Short: "Draw a figure of runs, or a table that compares them",
		Long: `Plot draws a figure into an SVG, PDF, PNG, EPS or TeX (PGF) file; the extension decides. The
same log gives the same bytes. A run is a directory, or the name of one in --runs; what another
program logged for TensorBoard can be given too, as a file or folder. Several runs are drawn over
each other; with --group, runs of one recipe with different seeds become their mean with a band
around it.

Figures:
` + strings.Join(lines, "\n") + `

With --table, plot writes a table instead: how far each run went, the last and the best values of
its metrics, and the settings in which the recipes differ. A metric is that of validation where
there is one, otherwise that of training, smoothed.`,
		Example: `  aural plot runs/20260101-1200-tiny
  aural plot runs/a runs/b --figure accuracy --x hours --smooth 0.9 --out compare.pdf
  aural plot runs/a --figure loss --bits --csv --out loss.svg
  aural plot runs/seed* --group --metric accuracy,valid/loss --column single --out seeds.pdf
  aural plot runs/a --figure codebook --out codes.png
  aural plot runs/* --table latex > table.tex
  aural plot --figure lengths --data stores/mine --out lengths.svg`,
	}, func(args []string) error { return a.drawFigure(f, args) })
	p, o := c.Flags(), &f.options
	p.StringVar(&f.figure, "figure", "", "`NAME` of the figure (overview)")
	p.StringSliceVar(&o.Metrics, "metric", nil, "`METRICS` to draw, one panel each: accuracy, valid/loss, ppl ...")
	p.StringVar(&f.out, "out", "", "`FILE` to write (FIGURE.svg)")
	p.StringVar(&f.x, "x", "updates", "horizontal `AXIS`: updates, epochs, relative (training time), wall (clock), hours (of audio)")
	p.Float64Var(&o.Smoothing, "smooth", 0, "weight `W` of the past in a moving average, 0 to below 1")
	p.BoolVar(&f.bits, "bits", false, "losses in bits, as fairseq reports them, instead of nats")
	p.BoolVar(&f.group, "group", false, "draw runs that differ only in their seed as one, with a band")
	p.StringVar(&f.band, "band", "minmax", "`BAND` around the mean of a group: minmax, std or none")
	p.BoolVar(&o.Reference, "reference", false, "draw published runs with batches of this size behind the curves")
	p.Int64Var(&o.Update, "at", 0, "spectrogram: newest batch up to the update `N` (the newest of all)")
	p.BoolVar(&o.ByIndex, "by-index", false, "codebook: keep the order of the entries, do not sort by use")
	p.StringVar(&f.table, "table", "", "write a table in this `FORMAT` instead: csv, md or latex")
	p.StringVar(&f.data, "data", "", "`STORE` of the figure lengths")
	p.StringVar(&f.column, "column", "", "size and text of a paper's `COLUMN`: single (85 mm), double (170 mm)")
	p.Float64Var(&o.Width, "width", 0, "width in `MM`")
	p.Float64Var(&o.Height, "height", 0, "height in `MM`")
	p.Float64Var(&o.DPI, "dpi", 0, "dots per inch `N` of a PNG (200)")
	p.Float64Var(&o.FontSize, "font-size", 0, "size of text in `PT` (9)")
	p.Float64Var(&o.LineWidth, "line-width", 0, "width of lines in `PT` (1.3)")
	p.StringVar(&f.legend, "legend", "above", "`PLACE` of the legend: above, below, right or none")
	p.BoolVar(&o.WithoutTitle, "no-title", false, "no titles: the caption says what it is")
	p.StringVar(&f.theme, "theme", "light", "`THEME`: light or dark")
	p.BoolVar(&o.LogX, "log-x", false, "logarithmic horizontal axis")
	p.BoolVar(&o.LogY, "log-y", false, "logarithmic vertical axes")
	p.StringVar(&f.xlim, "xlim", "", "horizontal `RANGE`: 1000,50000; an end may be left out: 1000,")
	p.StringVar(&f.ylim, "ylim", "", "vertical `RANGE` of all panels with curves")
	p.BoolVar(&o.CSV, "csv", false, "also write every point to a .csv file beside it")
	p.BoolVar(&o.JSON, "json", false, "also write what is drawn to a .json file beside it")
	p.StringVar(&f.root, "runs", "runs", "`FOLDER` in which runs are looked up by name")
	c.RegisterFlagCompletionFunc("figure", words(names...))
	c.RegisterFlagCompletionFunc("metric", words(metricNames()...))
	for flag, choices := range plotChoices {
		c.RegisterFlagCompletionFunc(flag, words(choices.names()...))
	}
	return c
}

// metricNames are the names that --metric knows.
func metricNames() []string {
	var names []string
	for _, m := range runlog.Metrics() {
		names = append(names, m.Name)
	}
	return names
}

// choice is a word that a flag takes, and what it stands for.
type choice struct {
	word  string
	value int
}

type choices []choice

// names are the words, each value once.
func (c choices) names() []string {
	var names []string
	seen := map[int]bool{}
	for _, w := range c {
		if !seen[w.value] {
			names = append(names, w.word)
		}
		seen[w.value] = true
	}
	return names
}

// find returns what a word stands for.
func (c choices) find(flag, word string) (int, error) {
	for _, w := range c {
		if w.word == word {
			return w.value, nil
		}
	}
	names := c.names()
	return 0, usagef("unknown --%s %q: want %s or %s", flag, word, strings.Join(names[:len(names)-1], ", "), names[len(names)-1])
}

var plotChoices = map[string]choices{
	"x":      {{"updates", int(plots.Updates)}, {"epochs", int(plots.Epochs)}, {"relative", int(plots.Time)}, {"wall", int(plots.Clock)}, {"hours", int(plots.Hours)}},
	"theme":  {{"light", int(plots.Light)}, {"dark", int(plots.Dark)}},
	"band":   {{"minmax", int(plots.MinMax)}, {"std", int(plots.Deviation)}, {"none", int(plots.NoBand)}},
	"legend": {{"above", int(plots.Above)}, {"below", int(plots.Below)}, {"right", int(plots.Right)}, {"none", int(plots.NoLegend)}},
	"column": {{"single", 85}, {"double", 170}},
	"table":  {{"csv", 0}, {"md", 1}, {"latex", 2}},
}

// read turns the words of the flags into options.
func (f *plotFlags) read() error {
	o := &f.options
	var value [4]int
	for i, flag := range []struct{ name, word string }{{"x", f.x}, {"theme", f.theme}, {"band", f.band}, {"legend", f.legend}} {
		var err error
		if value[i], err = plotChoices[flag.name].find(flag.name, flag.word); err != nil {
			return err
		}
	}
	o.X, o.Theme, o.Band, o.Legend = plots.XAxis(value[0]), plots.Theme(value[1]), plots.Band(value[2]), plots.Legend(value[3])
	if f.column != "" {
		width, err := plotChoices["column"].find("column", f.column)
		if err != nil {
			return err
		}
		if o.Width == 0 {
			o.Width = float64(width)
		}
		if o.FontSize == 0 {
			o.FontSize = 8 // what journals ask for in figures
		}
	}
	if f.table != "" {
		if _, err := plotChoices["table"].find("table", f.table); err != nil {
			return err
		}
	}
	if f.bits {
		o.Units = plots.Bits
	}
	for _, l := range []struct {
		flag, text string
		limits     *plots.Limits
	}{{"xlim", f.xlim, &o.XLimits}, {"ylim", f.ylim, &o.YLimits}} {
		var err error
		if *l.limits, err = parseLimits(l.text); err != nil {
			return usagef("--%s: %w", l.flag, err)
		}
	}
	if f.figure == "" {
		f.figure = "overview"
		if len(o.Metrics) > 0 {
			f.figure = "metric"
		}
	}
	switch {
	case len(o.Metrics) > 0 && f.figure != "metric" && f.table == "":
		return usagef("--metric draws the figure metric and not %s", f.figure)
	case f.data != "" && f.figure != lengthsFigure:
		return usagef("--data is for the figure %s", lengthsFigure)
	}
	return nil
}

// parseLimits reads LOW,HIGH, of which one may be missing. Empty text stands for none.
func parseLimits(text string) (l plots.Limits, err error) {
	if text == "" {
		return l, nil
	}
	low, high, ok := strings.Cut(text, ",")
	if !ok {
		return l, fmt.Errorf("%q is no range: want LOW,HIGH", text)
	}
	for i, end := range []string{low, high} {
		if end = strings.TrimSpace(end); end == "" {
			l[i] = math.NaN()
			continue
		}
		if l[i], err = strconv.ParseFloat(end, 64); err != nil || math.IsNaN(l[i]) || math.IsInf(l[i], 0) {
			return plots.Limits{}, fmt.Errorf("%q is no range: %q is no finite number", text, end)
		}
	}
	if l[0] >= l[1] || math.IsNaN(l[0]) && math.IsNaN(l[1]) {
		return plots.Limits{}, fmt.Errorf("%q is no range: the first end must be lower", text)
	}
	return l, nil
}

func (a *app) drawFigure(f plotFlags, args []string) error {
	if err := f.read(); err != nil {
		return err
	}
	if f.out == "" && f.table == "" {
		f.out = f.figure + ".svg"
	}
	if f.figure == lengthsFigure && f.table == "" {
		return a.drawLengths(f, args)
	}
	if len(args) == 0 {
		return usagef("name at least one run")
	}
	var logs []runlog.Curves
	var dirs []string
	for _, arg := range args {
		dir, err := findRun(arg, f.root)
		if err != nil {
			return err
		}
		log, close, err := readLog(dir)
		if err != nil {
			return err
		}
		defer close()
		logs, dirs = append(logs, log), append(dirs, dir)
	}
	var recipes []map[string]string
	if f.group || f.table != "" {
		var err error
		if recipes, err = readRecipes(dirs); err != nil {
			return err
		}
	}
	if f.group {
		f.options.Groups = groupBySeed(dirs, recipes)
	}
	if f.table != "" {
		return a.writeTable(f, logs, recipes)
	}
	if err := plots.Render(f.out, logs, f.figure, f.options); err != nil {
		return err
	}
	a.print("%s", f.out)
	return nil
}

// writeTable writes the table that compares runs, to a file or to the standard output.
func (a *app) writeTable(f plotFlags, logs []runlog.Curves, recipes []map[string]string) error {
	t, err := plots.Compare(logs, recipes, f.options)
	if err != nil {
		return err
	}
	text := map[string]func() []byte{"csv": t.CSV, "md": t.Markdown, "latex": t.LaTeX}[f.table]()
	if f.out == "" {
		_, err := a.out.Write(text)
		return err
	}
	if err := atomicfile.Write(f.out, text, 0o644); err != nil {
		return err
	}
	a.print("%s", f.out)
	return nil
}

// drawLengths draws how long the utterances of a store are.
func (a *app) drawLengths(f plotFlags, args []string) error {
	if f.data == "" || len(args) > 0 {
		return usagef("the figure %s is of a store and not of a run: give --data and no run", lengthsFigure)
	}
	s, err := openLocation(f.data)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := drawHistogram(f.out, s, f.options); err != nil {
		return err
	}
	a.print("%s", f.out)
	return nil
}

// findRun is the directory that a user means: a path, or the newest run of that name below root.
func findRun(arg, root string) (string, error) {
	if _, err := os.Stat(arg); err == nil {
		return arg, nil
	}
	if _, err := os.Stat(filepath.Join(root, arg)); err == nil {
		return filepath.Join(root, arg), nil
	}
	runs, err := runlog.Runs(root)
	if err == nil {
		if i := slices.IndexFunc(runs, func(r runlog.RunInfo) bool { return r.Name == arg }); i >= 0 {
			return runs[i].Dir, nil
		}
	}
	return "", fmt.Errorf("there is no run %s, neither as a path nor in %s (see aural runs)", arg, root)
}
