package tui

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"aural/tui/chart"
	"aural/tui/screen"
)

// screenNames are the names of the screens, without what their tabs count.
func (m *model) screenNames() (out []string) {
	for _, p := range m.panes {
		name, _, _ := strings.Cut(p.title(m), " (")
		out = append(out, name)
	}
	return out
}

func (m *model) goToScreen(name string) error {
	if i, err := strconv.Atoi(name); err == nil && i >= 1 && i <= len(m.panes) {
		m.show(i - 1)
		return nil
	}
	i, err := choose("screen", name, m.screenNames())
	if err == nil {
		m.show(i)
	}
	return err
}

func (m *model) setTheme(name string) error {
	i, err := choose("theme", name, screen.Themes[:])
	if err == nil {
		m.terminal.Theme = screen.Theme(i)
	}
	return err
}

func (m *model) runNames() (out []string) {
	for _, r := range m.runs {
		out = append(out, r.name)
	}
	return out
}

// metricNames are the metrics of the visible runs.
func (m *model) metricNames() (out []string) {
	for _, d := range metricCharts(m.shown()) {
		out = append(out, d.metric)
	}
	return out
}

// number reads a number, which may end in k or M or hold commas: 12k, 1.5M, 20,000.
func number(text string) (float64, error) {
	factor := 1.0
	switch t := strings.ReplaceAll(text, ",", ""); {
	case strings.HasSuffix(t, "k"):
		text, factor = strings.TrimSuffix(t, "k"), 1e3
	case strings.HasSuffix(t, "M"):
		text, factor = strings.TrimSuffix(t, "M"), 1e6
	default:
		text = t
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%q is no number", text)
	}
	return v * factor, nil
}

// zoomTo shows a part of the x axis.
func (m *model) zoomTo(arg string) error {
	if m.view.axis == chart.Wall {
		return errors.New("zoom FROM TO needs an axis of numbers: x relative counts hours of training")
	}
	words := strings.Fields(arg)
	if len(words) != 2 {
		return fmt.Errorf("zoom %s: want two numbers of the x axis, in %s", arg, xUnits[m.view.axis])
	}
	from, err := number(words[0])
	if err != nil {
		return err
	}
	to, err := number(words[1])
	if err != nil {
		return err
	}
	all := m.allX()
	z := chart.Scale{Low: max(from, all.Low), High: min(to, all.High)}
	if !(z.Low < z.High) || z.High-z.Low <= (all.High-all.Low)*1e-7 {
		return fmt.Errorf("zoom %s: there is nothing between; the x axis goes from %s to %s", arg, screen.Number(all.Low), screen.Number(all.High))
	}
	m.view.zoom = &z
	return nil
}

// goToUpdate puts the cursor at an update of the current run.
func (m *model) goToUpdate(arg string) error {
	v, err := number(arg)
	if err != nil {
		return err
	}
	r := m.run()
	x, ok := r.place(int64(v), m.view.axis)
	if last := r.updates(); !ok || math.IsNaN(x) || v < 0 || int64(v) > last {
		return fmt.Errorf("update %s: %s has 0 to %s", arg, r.name, screen.Grouped(last))
	}
	m.pointTo(x)
	return nil
}

// goToMetric shows the chart of a metric: on the screen of runs in its chart, else on that of metrics.
func (m *model) goToMetric(arg string) error {
	name, err := m.metricNamed(arg)
	if err != nil {
		return err
	}
	if m.view.screen == runsScreen {
		m.compareScreen().metric = name
		return nil
	}
	p := m.panes[metricsScreen].(*metricsPane)
	shown := func() int {
		return slices.IndexFunc(p.defs(m), func(d chartDef) bool { return d.metric == name })
	}
	if shown() < 0 {
		m.filter = filter{}
	}
	m.show(metricsScreen)
	m.focus[metricsScreen], m.view.full = max(shown(), 0), true
	return nil
}
