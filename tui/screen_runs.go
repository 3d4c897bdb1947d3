package tui

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"aural/tui/screen"

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
			p.nextMetric(m, either2(key == "v", 1, -1))
			return nil
		}},
		{[]string{"tab", "d"}, "tab", func(m *model) string {
			return either(m.width >= besideFrom, "", either(p.settings, "curves", "settings"))
		}, "the settings in which the runs differ, or the curves; a wide screen has both", "settings", func(m *model, _ string) tea.Cmd {
			p.settings, p.top = !p.settings, 0
			return nil
		}},
		{[]string{"J", "K"}, "J K", nil, "scroll the settings down and up", "", func(m *model, key string) tea.Cmd {
			p.top = min(max(p.top+either2(key == "J", 1, -1), 0), max(len(differences(m.shown()))-1, 0))
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

func (p *runsPane) draw(f *frame, area rect) {
	m := f.m
	if m.view.full {
		f.chart(p.overlay(m), area, "", true)
		return
	}
	list, at := p.rows(m)
	rows := len(list) + 1
	if area.H >= 12 {
		rows = min(rows, max(area.H/2-1, 5))
	}
	p.drawTable(f, area.Top(rows), list, at)
	switch {
	case area.H < 4:
	case area.W >= besideFrom:
		settings := area.Right(area.W * 2 / 5)
		area.Right(2)
		p.drawSettings(f, settings)
		f.chart(p.overlay(m), area, "", true)
	case p.settings:
		p.drawSettings(f, area)
	default:
		f.chart(p.overlay(m), area, "", true)
	}
}

// drawTable draws the head and the rows around the one with the cursor.
func (p *runsPane) drawTable(f *frame, area rect, list []*runView, at int) {
	columns := p.columns(f.m, list, area.W)
	head := area.Top(1)
	p.drawHead(f, head, columns)
	if len(list) == 0 {
		f.c.Text(area.X, area.Y, area.W, "no run matches "+p.query.text, screen.Faint)
		return
	}
	first := min(max(at-area.H/2, 0), max(len(list)-area.H, 0))
	for i := first; i < len(list) && i < first+area.H; i++ {
		r := list[i]
		row := rect{X: area.X, Y: area.Y + i - first, W: area.W, H: 1}
		p.drawRun(f, row, r, columns)
		if i == at {
			f.c.Restyle(row, func(s screen.Style) screen.Style { return s | screen.Selected })
		}
		f.hits = append(f.hits, hit{area: row, chart: -1,
			click: func(m *model) {
				if p.chosen == r {
					p.show(m, r)
				}
				p.chosen = r
			},
			wheel: func(m *model, up bool) { p.move(m, either(up, "up", "down")) }})
	}
}

func (p *runsPane) drawHead(f *frame, row rect, columns []runColumn) {
	if row.H == 0 {
		return
	}
	x := row.X + signColumn
	for _, c := range columns {
		style, text := screen.Accent, c.head
		if c.name == p.sort {
			text += either(p.descending, "↓", "↑")
		}
		width := min(c.width, row.X+row.W-x)
		if c.left {
			f.c.Text(x, row.Y, width, text, style)
		} else {
			f.c.TextRight(x, row.Y, width, screen.CutText(text, c.width), style)
		}
		f.hits = append(f.hits, hit{area: rect{X: x, Y: row.Y, W: width, H: 1}, chart: -1, click: func(*model) {
			p.descending = either2(p.sort == c.name, either2(p.descending, 0, 1), either2(c.up, 1, 0)) == 1
			p.sort = c.name
		}})
		x += c.width + 1
	}
}

// drawRun draws a row: whether the run is the current one, its letter in its colour, the signs of a pin and of the
// baseline, and its columns.
func (p *runsPane) drawRun(f *frame, row rect, r *runView, columns []runColumn) {
	m := f.m
	if r == m.run() {
		f.c.Text(row.X, row.Y, row.W, "›", screen.Strong)
	}
	shown := !r.hidden || r == m.run()
	if shown {
		f.c.Text(row.X+1, row.Y, row.W-1, string(m.letter(r)), r.style())
	}
	signs := either(r.pinned, "^", "") + either(r == p.baseline, "=", "")
	f.c.Text(row.X+2, row.Y, min(2, row.W-2), signs, screen.Accent)
	x := row.X + signColumn
	for _, c := range columns {
		text, style := c.cell(r)
		if !shown && style == screen.Plain {
			style = screen.Faint
		}
		width := min(c.width, row.X+row.W-x)
		if c.left {
			f.c.Text(x, row.Y, width, text, style)
		} else {
			f.c.TextRight(x, row.Y, width, text, style)
		}
		x += c.width + 1
	}
}

// drawSettings draws the settings in which the visible runs differ: a row each, a column a run.
func (p *runsPane) drawSettings(f *frame, area rect) {
	m := f.m
	runs := m.shown()
	list := differences(runs)
	head := area.Top(1)
	if head.H == 0 {
		return
	}
	known := 0
	for _, r := range runs {
		if r.config.settings != nil {
			known++
		}
		if r.config.err != nil && area.H > 1 {
			line := area.Bottom(1)
			f.c.Text(line.X, line.Y, line.W, r.name+": "+r.config.err.Error(), screen.Bad)
		}
	}
	switch {
	case known < 2:
		f.c.Text(head.X, head.Y, head.W, "settings: show two runs with a recipe to compare them", screen.Faint)
		return
	case len(list) == 0:
		f.c.Text(head.X, head.Y, head.W, "the recipes of the visible runs are the same", screen.Faint)
		return
	}
	first := 0
	for _, d := range list {
		first = max(first, screen.TextWidth(d.path))
	}
	first = min(first, max(area.W/2, area.W-9*len(runs)))
	width := max((area.W-first)/len(runs)-1, 8)
	f.c.Text(head.X, head.Y, first, fmt.Sprintf("%d settings differ", len(list))+either(len(list) > area.H, ", J K scroll", ""), screen.Accent)
	cell := func(y, k int, text string, style screen.Style) {
		if x := area.X + first + 1 + k*(width+1); x < area.X+area.W {
			f.c.Text(x, y, min(width, area.X+area.W-x), text, style)
		}
	}
	for k, r := range runs {
		cell(head.Y, k, string(m.letter(r))+" "+r.name, r.style())
	}
	list = list[min(p.top, len(list)-1):]
	for i, d := range list {
		if i == area.H {
			break
		}
		f.c.Text(area.X, area.Y+i, first, d.path, screen.Plain)
		for k, v := range d.values {
			cell(area.Y+i, k, either(v == "", "–", v), screen.Plain)
		}
	}
}

// compareScreen is the screen of runs.
func (m *model) compareScreen() *runsPane { return m.panes[runsScreen].(*runsPane) }
