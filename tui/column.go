package tui

import (
	"math"
	"strings"

	"aural/runlog"
)

// reading is a row of the metrics column.
type reading struct {
	kind, metric string
	value, unit  string
	style        style
}

// readings returns the last values of a group that the run logs.
func (m *model) readings(g group) []reading {
	var out []reading
	for _, name := range g.metrics {
		v, ok := m.data[g.kind+"/"+name].last()
		match, err := runlog.Lookup(name)
		if !ok || err != nil {
			continue
		}
		r := reading{kind: g.kind, metric: name, style: strong}
		r.value, r.unit = quantity(v, match.Metric, m.view.bits)
		if math.IsNaN(v) || math.IsInf(v, 0) {
			r.style = bad
		}
		out = append(out, r)
	}
	return out
}

// drawColumn draws the groups with their heads. When they do not all fit, each gives up its last rows in turn.
func (m *model) drawColumn(c *canvas, area rect) {
	var lists [][]reading
	rows := 0
	for _, g := range groups() {
		if list := m.readings(g); len(list) > 0 {
			lists = append(lists, list)
			rows += len(list) + 1
		}
	}
	for rows > area.h {
		longest := 0
		for i := range lists {
			if len(lists[i]) > len(lists[longest]) {
				longest = i
			}
		}
		if len(lists) == 0 || len(lists[longest]) <= 1 {
			break
		}
		lists[longest] = lists[longest][:len(lists[longest])-1]
		rows--
	}
	y, end := area.y, area.y+area.h
	for _, list := range lists {
		if y+1 >= end {
			return
		}
		c.text(area.x, y, area.w, list[0].kind, accent)
		y++
		for _, r := range list {
			if y < end {
				r.draw(c, rect{area.x, y, area.w, 1})
				y++
			}
		}
	}
}

// draw writes a row: name on the left, value and unit on the right. The unit gives way first.
func (r reading) draw(c *canvas, area rect) {
	name, value := words(r.metric), r.value
	if r.unit != "" && textWidth(name)+1+textWidth(value)+1+textWidth(r.unit) <= area.w {
		value += " " + r.unit
	}
	w := min(textWidth(value), area.w)
	c.text(area.x, area.y, area.w-w-1, name, plain)
	c.right(area.x, area.y, area.w, value, r.style)
}

// drawLines writes the first numbers of training, but for those of the chart that a narrow screen shows first, into the
// lowest of at most limit rows, as many in a row as fit. It returns how many rows it took.
func (m *model) drawLines(c *canvas, area rect, limit int) int {
	key := max(m.view.zoom, 1)
	var rows []string
	for _, r := range m.readings(groups()[0]) {
		if panels()[key-1].shows(r.metric) {
			continue
		}
		text := strings.TrimSpace(words(r.metric) + " " + r.value + " " + r.unit)
		last := len(rows) - 1
		if last >= 0 && textWidth(rows[last])+2+textWidth(text) <= area.w {
			rows[last] += "  " + text
		} else if len(rows) < limit {
			rows = append(rows, text)
		}
	}
	area = area.bottom(len(rows))
	for i, row := range rows {
		c.text(area.x, area.y+i, area.w, row, plain)
	}
	return len(rows)
}
