package tui

import (
	"fmt"

	"aural/tui/screen"
)

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
			p.descending = either(p.sort == c.name, either(p.descending, 0, 1), either(c.up, 1, 0)) == 1
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
