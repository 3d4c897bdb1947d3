package tui

import (
	"fmt"
	"math"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
)

// runsPane compares runs: a table, the curves of one metric, and the settings in which the runs differ.
type runsPane struct {
	chosen     *runView // the row with the cursor; nil is that of the current run
	baseline   *runView // that others are compared with
	sort       string   // name of the column; "" is as opened
	descending bool
	query      query
	metric     string // of the chart, without kind; "" is the loss
	settings   bool   // on a narrow screen: the settings instead of the chart
	top        int    // first visible setting
	folder     *folder
}

func (*runsPane) title(*model) string { return "runs" }

func (*runsPane) about(*model) string {
	return "The runs with their last values (at the cursor, if there is one; smoothed as the charts are), the curves of one metric, and the settings in which " +
		"the visible runs differ. The current run, marked ›, is the one that the other screens show."
}

func (p *runsPane) bindings(m *model) []binding {
	act := func(do func(r *runView)) func(*model, string) tea.Cmd {
		return func(m *model, _ string) tea.Cmd {
			if list, i := p.rows(m); i >= 0 {
				do(list[i])
			}
			return nil
		}
	}
	list := []binding{
		{[]string{"up", "down", "pgup", "pgdown", "home", "end"}, "↑ ↓", nil, "the run above or below", "", func(m *model, key string) tea.Cmd {
			p.move(m, key)
			return nil
		}},
		{[]string{" "}, "space", fixed("show"), "show the curves of the run, or hide them", "show run", act(func(r *runView) { p.show(m, r) })},
		{[]string{"enter"}, "enter", fixed("make current"), "the run that the other screens show", "make current", act(func(r *runView) { p.makeCurrent(m, r) })},
		{[]string{"b"}, "b", func(*model) string { return either(p.baseline == nil, "baseline", "no baseline") }, "compare the others with this run, or no longer", "baseline",
			act(func(r *runView) {
				if p.baseline == r {
					p.baseline = nil
				} else {
					p.baseline = r
				}
			})},
		{[]string{"p"}, "p", fixed("pin"), "pin the run: it stays visible and first", "pin", act(func(r *runView) {
			if r.pinned = !r.pinned; r.pinned {
				r.hidden = false
			}
		})},
		{[]string{"s", "S"}, "s S", func(*model) string { return either(p.sort == "", "sort", "sort "+p.sortHead(m)) }, "sort by the next column; S turns the order around", "sort runs",
			func(m *model, key string) tea.Cmd {
				if key == "S" {
					p.descending = !p.descending
				} else {
					p.nextSort(m)
				}
				return nil
			}},
		{[]string{"/"}, "/", func(*model) string { return either(p.query.text == "", "query", "query "+p.query.text) },
			"show only runs whose name matches a regular expression, or with a setting or value: recipe=tiny peak>1e-4 accuracy>0.5 !status=crashed", "query runs",
			func(m *model, _ string) tea.Cmd { return p.ask(m) }},
		{[]string{"h"}, "h", nil, "hide all runs but those of the table, and show these", "show these runs", func(m *model, _ string) tea.Cmd {
			list, _ := p.rows(m)
			for _, r := range m.runs {
				r.hidden = !slices.Contains(list, r)
			}
			return nil
		}},
		{[]string{"v", "V"}, "v", fixed("metric"), "the next metric in the chart (V: the one before)", "next metric", func(m *model, key string) tea.Cmd {
			p.nextMetric(m, either(key == "v", 1, -1))
			return nil
		}},
		{[]string{"tab", "d"}, "tab", func(m *model) string {
			return either(m.width >= besideFrom, "", either(p.settings, "curves", "settings"))
		}, "the settings in which the runs differ, or the curves; a wide screen has both", "settings", func(m *model, _ string) tea.Cmd {
			p.settings, p.top = !p.settings, 0
			return nil
		}},
		{[]string{"J", "K"}, "J K", nil, "scroll the settings down and up", "", func(m *model, key string) tea.Cmd {
			p.top = min(max(p.top+either(key == "J", 1, -1), 0), max(len(differences(m.shown()))-1, 0))
			return nil
		}},
	}
	if p.query.text != "" && math.IsNaN(m.view.cursor) && m.view.zoom == nil {
		list = append(list, binding{[]string{"esc"}, "esc", fixed("all runs"), "", "", func(*model, string) tea.Cmd {
			p.query = query{}
			return nil
		}})
	}
	return list
}

// rows are the runs of the table, and the row with the cursor; -1 when there are none.
func (p *runsPane) rows(m *model) ([]*runView, int) {
	list := p.order(m)
	at := p.chosen
	if at == nil {
		at = m.run()
	}
	i := slices.Index(list, at)
	if i < 0 && len(list) > 0 {
		i = 0
	}
	return list, i
}

func (p *runsPane) move(m *model, key string) {
	list, i := p.rows(m)
	if i < 0 {
		return
	}
	i += map[string]int{"up": -1, "down": 1, "pgup": -10, "pgdown": 10, "home": -len(list), "end": len(list)}[key]
	p.chosen = list[min(max(i, 0), len(list)-1)]
}

// show turns the curves of a run on or off.
func (p *runsPane) show(m *model, r *runView) {
	switch {
	case r.pinned:
		m.tell(r.name+" is pinned and stays visible; p unpins it", nil)
	case r == m.run() && !r.hidden:
		m.tell(r.name+" is the current run, which is always visible; enter on another one makes that current", nil)
	default:
		r.hidden = !r.hidden
	}
}

func (p *runsPane) makeCurrent(m *model, r *runView) {
	m.current, r.hidden = slices.Index(m.runs, r), false
	m.tell(r.name+" is the current run", nil)
}

// nextSort goes to the next column, in the direction that has the best run first.
func (p *runsPane) nextSort(m *model) {
	all := p.columns(m, m.runs, m.width)
	i := slices.IndexFunc(all, func(c runColumn) bool { return c.name == p.sort })
	if i+1 == len(all) {
		p.sort, p.descending = "", false
		return
	}
	p.sort, p.descending = all[i+1].name, all[i+1].up
}

func (p *runsPane) sortHead(m *model) string {
	for _, c := range p.columns(m, m.runs, 1<<20) {
		if c.name == p.sort {
			return c.head
		}
	}
	return p.sort
}

// ask asks for a query and applies it while it is written.
func (p *runsPane) ask(m *model) tea.Cmd {
	old := p.query
	in := m.ask("runs /", p.query.text)
	in.changed = func(_ *model, text string) {
		if q, err := parseQuery(text); err == nil {
			p.query = q
		}
	}
	in.accept = func(m *model, text string) tea.Cmd {
		q, err := parseQuery(text)
		if err != nil {
			p.query = old
			m.tell("", err)
			return nil
		}
		p.query = q
		if list, _ := p.rows(m); len(list) == 0 {
			m.tell(fmt.Sprintf("no run of %d matches %s", len(m.runs), text), nil)
		}
		return nil
	}
	in.cancel = func(*model) { p.query = old }
	in.complete = func(m *model, text string) []string { return p.completions(m, text) }
	return nil
}

// completions are the settings and columns whose names the last word of a query begins.
func (p *runsPane) completions(m *model, text string) (out []string) {
	cut := strings.LastIndexByte(text, ' ') + 1
	word := strings.TrimLeft(text[cut:], "!")
	if word == "" || strings.ContainsAny(word, `=<>~"`) {
		return nil
	}
	head := text[:len(text)-len(word)]
	keys := map[string]bool{"status": true, "updates": true, "hours": true, "verdict": true, "host": true, "name": true}
	for _, r := range m.runs {
		for path := range r.config.settings {
			keys[path] = true
			keys[path[strings.LastIndexByte(path, '.')+1:]] = true
		}
		for _, name := range r.names {
			keys[name] = true
		}
	}
	for _, k := range sortedKeys(keys) {
		if strings.HasPrefix(k, word) {
			out = append(out, head+k)
		}
	}
	return out
}

// compareScreen is the screen of runs.
func (m *model) compareScreen() *runsPane { return m.panes[runsScreen].(*runsPane) }
