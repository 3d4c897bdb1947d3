package tui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

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
