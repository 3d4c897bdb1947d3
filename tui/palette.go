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

	tea "github.com/charmbracelet/bubbletea"
)

// command is what the palette can do: a key by its name, or something with an argument.
type command struct {
	name    string
	takes   string // the argument, for people; "" takes none
	help    string
	options func(m *model) []string // what the argument may be; nil is anything
	do      func(m *model, arg string) (tea.Cmd, error)
}

// commands returns what the palette knows on the present screen: what has an argument first.
func (m *model) commands() []command {
	set := func(change func(m *model, arg string) error) func(*model, string) (tea.Cmd, error) {
		return func(m *model, arg string) (tea.Cmd, error) { return nil, change(m, arg) }
	}
	list := []command{
		{"screen", "NAME", "go to a screen", (*model).screenNames, set((*model).goToScreen)},
		{"theme", "NAME", "colours", func(*model) []string { return screen.Themes[:] }, set((*model).setTheme)},
		{"x", "AXIS", "what the x axis counts", func(*model) []string { return Axes[:] }, set(func(m *model, arg string) error {
			k, err := parseAxis(arg)
			if err == nil {
				m.setAxis(k)
			}
			return err
		})},
		{"smooth", "WEIGHT", "weight of the past in the moving averages, 0 to below 1", nil, set(func(m *model, arg string) error {
			w, err := strconv.ParseFloat(arg, 64)
			if err != nil || !(w >= 0 && w < 1) {
				return fmt.Errorf("smoothing %q: want a weight from 0 (none) to below 1", arg)
			}
			m.smoothen(w)
			return nil
		})},
		{"filter", "TEXT", "show only the metrics that match", nil, set(func(m *model, arg string) error {
			f, err := newFilter(arg)
			if err == nil {
				m.filter = f
			}
			return err
		})},
		{"zoom", "FROM TO", "part of the x axis, in its units", nil, set((*model).zoomTo)},
		{"goto", "UPDATE", "put the cursor at an update", nil, set((*model).goToUpdate)},
		{"export", "FILE", "write what is visible as a figure", nil, func(m *model, arg string) (tea.Cmd, error) { return m.export(arg) }},
		{"run", "NAME", "make a run the current one", (*model).runNames, set(func(m *model, arg string) error {
			i, err := choose("run", arg, m.runNames())
			if err == nil {
				m.compareScreen().makeCurrent(m, m.runs[i])
			}
			return err
		})},
		{"metric", "NAME", "the chart of a metric", (*model).metricNames, set((*model).goToMetric)},
		{"explain", "METRIC", "what a metric means, and what to compare it with", (*model).metricNames, set((*model).explain)},
		{"open", "PATH", "add a run, a folder of runs, or one on another host", nil, func(m *model, arg string) (tea.Cmd, error) {
			return m.open(arg)
		}},
	}
	return append(list, m.named()...)
}

// named are the keys of the present screen and of all screens that have a name.
func (m *model) named() (list []command) {
	for _, b := range append(slices.Clone(m.panes[m.view.screen].bindings(m)), bindings()...) {
		if b.name == "" || slices.ContainsFunc(list, func(c command) bool { return c.name == b.name }) {
			continue
		}
		help := b.help
		if help == "" {
			help = "key " + b.shown
		}
		list = append(list, command{name: b.name, help: help, do: func(m *model, _ string) (tea.Cmd, error) { return b.do(m, b.keys[0]), nil }})
	}
	return list
}

// openPalette asks for a command.
func (m *model) openPalette() tea.Cmd {
	p := m.ask(":", "")
	p.above, p.recalls = (*model).proposals, true
	p.complete = (*model).completions
	p.accept = func(m *model, text string) tea.Cmd {
		text = strings.TrimSpace(text)
		if text == "" {
			return nil
		}
		m.history = append(slices.DeleteFunc(m.history, func(s string) bool { return s == text }), text)
		cmd, err := m.perform(text)
		if err != nil {
			m.tell("", err)
		}
		return cmd
	}
	return nil
}

// perform does what a line says.
func (m *model) perform(text string) (tea.Cmd, error) {
	c, arg, err := findCommand(m.commands(), text)
	if err != nil {
		return nil, err
	}
	return c.do(m, arg)
}

// findCommand finds the command that a line begins with: one whose name is the whole line, one whose name is followed by an
// argument, or the only one whose name begins with the line.
func findCommand(list []command, text string) (c command, arg string, err error) {
	text = strings.Join(strings.Fields(text), " ")
	word, rest, _ := strings.Cut(text, " ")
	var begun []command
	for _, c := range list {
		switch {
		case c.name == text && c.takes == "":
			return c, "", nil
		case strings.HasPrefix(c.name, text) && text != "", c.takes != "" && strings.HasPrefix(c.name, word):
			begun = append(begun, c)
		}
	}
	for _, c := range begun {
		if c.takes != "" && c.name == word {
			begun = []command{c}
			break
		}
	}
	switch {
	case len(begun) == 1 && begun[0].takes == "":
		return begun[0], "", nil
	case len(begun) == 1 && rest == "":
		return command{}, "", fmt.Errorf("%s needs %s: %s", begun[0].name, begun[0].takes, begun[0].help)
	case len(begun) == 1:
		return begun[0], rest, nil
	}
	var names []string
	for _, c := range list {
		names = append(names, c.name)
	}
	if len(begun) > 1 {
		names = names[:0]
		for _, c := range begun {
			names = append(names, c.name)
		}
		return command{}, "", fmt.Errorf("%q may be %s", text, strings.Join(names, ", "))
	}
	near := nearest(text, names)
	if near == "" {
		near = nearest(word, names)
	}
	if near == "" {
		return command{}, "", fmt.Errorf("unknown command %q: tab lists them", text)
	}
	return command{}, "", fmt.Errorf("unknown command %q: did you mean %s?", text, near)
}

// completions are what a line may become.
func (m *model) completions(text string) (out []string) {
	for _, c := range m.commands() {
		arg, ok := strings.CutPrefix(text, c.name+" ")
		switch {
		case ok && c.options != nil:
			for _, o := range complete(strings.TrimLeft(arg, " "), c.options(m)) {
				out = append(out, c.name+" "+o)
			}
		case strings.HasPrefix(c.name, text):
			out = append(out, c.name+either(c.takes != "", " ", ""))
		}
	}
	return out
}

// proposals are the commands that a line may become, with what they do.
func (m *model) proposals(text string) (out []paragraph) {
	row := func(name, help string) {
		out = append(out, paragraph{text: name + strings.Repeat(" ", max(24-screen.TextWidth(name), 1)) + help, row: true})
	}
	for _, c := range m.commands() {
		if arg, ok := strings.CutPrefix(text, c.name+" "); ok && c.takes != "" {
			row(c.name+" "+c.takes, c.help)
			if c.options != nil {
				for _, o := range complete(strings.TrimLeft(arg, " "), c.options(m)) {
					row("  "+o, "")
				}
			}
		} else if strings.HasPrefix(c.name, text) {
			row(strings.TrimSpace(c.name+" "+c.takes), c.help)
		}
	}
	return out
}

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
