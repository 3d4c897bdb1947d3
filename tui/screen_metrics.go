package tui

import (
	"fmt"

	"aural/tui/screen"

	tea "github.com/charmbracelet/bubbletea"
)

// metricsPane shows every metric of the visible runs in a grid that the user sizes.
type metricsPane struct {
	rows, columns int // 0 is what fits
}

func (*metricsPane) title(*model) string { return "metrics" }

func (*metricsPane) about(*model) string {
	return "Every metric that the visible runs log, a chart each; / filters them by name, tab walks through them, page by page."
}

func (p *metricsPane) bindings(*model) []binding {
	return []binding{
		{[]string{"g", "G"}, "g", nil, "more columns of charts (G: fewer)", "columns",
			func(m *model, key string) tea.Cmd {
				_, columns := p.size(rect{W: m.width, H: m.height}, 99)
				p.columns = min(max(columns+either(key == "g", 1, -1), 1), 9)
				return nil
			}},
		{[]string{"r", "R"}, "r", nil, "more rows of charts (R: fewer)", "rows",
			func(m *model, key string) tea.Cmd {
				rows, _ := p.size(rect{W: m.width, H: m.height - 6}, 99)
				p.rows = min(max(rows+either(key == "r", 1, -1), 1), 9)
				return nil
			}},
		{[]string{"down", "up", "pgdown", "pgup", "home", "end"}, "↑ ↓", nil, "the charts above and below, and whole pages", "",
			func(m *model, key string) tea.Cmd {
				p.scroll(m, key)
				return nil
			}},
	}
}

// defs are the charts that the filter leaves.
func (p *metricsPane) defs(m *model) []chartDef {
	var out []chartDef
	for _, d := range metricCharts(m.shown()) {
		if m.filter.match(d.metric) || m.filter.match(d.title) {
			out = append(out, d)
		}
	}
	return out
}

// size is how many rows and columns are shown.
func (p *metricsPane) size(area rect, n int) (rows, columns int) {
	most := 4
	if p.columns > 0 {
		most = p.columns
	}
	rows, columns = fit(area, n, most)
	if p.rows == 0 && area.H/rows > 12 { // tall charts say no more
		rows = area.H / 12
	}
	if p.rows > 0 {
		rows = min(p.rows, max(area.H/2, 1))
	}
	return max(rows, 1), columns
}

func (p *metricsPane) scroll(m *model, key string) {
	n := len(p.defs(m))
	rows, columns := p.size(rect{W: m.width, H: max(m.height-6, 1)}, n)
	i := m.focused(n)
	switch key {
	case "down":
		i += columns
	case "up":
		i -= columns
	case "pgdown":
		i += rows * columns
	case "pgup":
		i -= rows * columns
	case "home":
		i = 0
	case "end":
		i = n - 1
	}
	m.focus[m.view.screen] = min(max(i, 0), max(n-1, 0))
}

func (p *metricsPane) draw(f *frame, area rect) {
	defs := p.defs(f.m)
	if len(defs) == 0 {
		text := "nothing is logged yet"
		if f.m.filter.text != "" {
			text = fmt.Sprintf("no metric matches %s", f.m.filter)
		}
		f.c.Text(area.X, area.Y+area.H/2, area.W, text, screen.Faint)
		return
	}
	rows, columns := p.size(area, len(defs))
	if page := rows * columns; len(defs) > page && area.H > 2*chartHeight {
		line := area.Bottom(1)
		first := f.m.focused(len(defs)) / page * page
		f.c.TextRight(line.X, line.Y, line.W, fmt.Sprintf("%d to %d of %d", first+1, min(first+page, len(defs)), len(defs)), screen.Faint)
	}
	f.grid(defs, area, rows, columns)
}
