package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"aural/plots"
	"aural/runlog"

	"github.com/spf13/cobra"
)

type plotFlags struct {
	figure, out, x, theme, root string
	bits                        bool
	options                     plots.Options
}

func (a *app) plot() *cobra.Command {
	f := plotFlags{}
	var lines []string
	var names []string
	for _, p := range plots.Figures() {
		lines = append(lines, fmt.Sprintf("  %-11s %s", p.Name, p.Description))
		names = append(names, p.Name)
	}
	c := a.command(&cobra.Command{
		Use:   "plot RUN...",
		Short: "Draw a figure of one or several runs",
		Long: `Plot draws a figure into an SVG, PDF or PNG file; the extension decides. A run is a directory, or
the name of one in --runs. Several runs are drawn over each other.

Figures:
` + strings.Join(lines, "\n"),
		Example: `  aural plot runs/20260101-1200-tiny
  aural plot runs/a runs/b --figure accuracy --x hours --smooth 0.9 --out compare.pdf
  aural plot runs/a --figure loss --bits --csv --out loss.svg`,
		Args: cobra.MinimumNArgs(1),
	}, func(args []string) error { return a.drawFigure(f, args) })
	p := c.Flags()
	p.StringVar(&f.figure, "figure", "overview", "`NAME` of the figure")
	p.StringVar(&f.out, "out", "", "`FILE` to write (FIGURE.svg)")
	p.StringVar(&f.x, "x", "updates", "horizontal `AXIS`: updates, hours (of audio) or time")
	p.Float64Var(&f.options.Smoothing, "smooth", 0, "weight `W` of the past in a moving average, 0 to below 1")
	p.BoolVar(&f.bits, "bits", false, "losses in bits, as fairseq reports them, instead of nats")
	p.StringVar(&f.theme, "theme", "light", "`THEME`: light or dark")
	p.Float64Var(&f.options.Width, "width", 0, "width in `MM`")
	p.Float64Var(&f.options.Height, "height", 0, "height in `MM`")
	p.Float64Var(&f.options.DPI, "dpi", 0, "dots per inch `N` of a PNG (200)")
	p.BoolVar(&f.options.CSV, "csv", false, "also write every point to a .csv file beside it")
	p.StringVar(&f.root, "runs", "runs", "`FOLDER` in which runs are looked up by name")
	c.RegisterFlagCompletionFunc("figure", words(names...))
	c.RegisterFlagCompletionFunc("x", words("updates", "hours", "time"))
	c.RegisterFlagCompletionFunc("theme", words("light", "dark"))
	return c
}

func (a *app) drawFigure(f plotFlags, args []string) error {
	var ok [2]bool
	f.options.X, ok[0] = map[string]plots.XAxis{"updates": plots.Updates, "hours": plots.Hours, "time": plots.Time}[f.x]
	f.options.Theme, ok[1] = map[string]plots.Theme{"light": plots.Light, "dark": plots.Dark}[f.theme]
	switch {
	case !ok[0]:
		return usagef("unknown --x %q: want updates, hours or time", f.x)
	case !ok[1]:
		return usagef("unknown --theme %q: want light or dark", f.theme)
	}
	if f.bits {
		f.options.Units = plots.Bits
	}
	if f.out == "" {
		f.out = f.figure + ".svg"
	}
	var readers []runlog.Curves
	for _, arg := range args {
		dir, err := findRun(arg, f.root)
		if err != nil {
			return err
		}
		r, err := readRun(dir)
		if err != nil {
			return err
		}
		defer r.Close()
		readers = append(readers, r)
	}
	if err := plots.Render(f.out, readers, f.figure, f.options); err != nil {
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
		for _, r := range runs {
			if r.Name == arg {
				return r.Dir, nil
			}
		}
	}
	return "", fmt.Errorf("there is no run %s, neither as a path nor in %s (see aural runs)", arg, root)
}
