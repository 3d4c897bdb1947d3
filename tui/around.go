package tui

import (
	"fmt"
	"math"
	"sort"
	"strings"

	"aural/runlog"
	"aural/tui/screen"
)

// The columns of the table of metrics around an update.
const (
	nameColumn   = 28
	numberColumn = 10
)

// around is a table of the metrics of the current run at an update: those of the record that covers it, the one before and
// the one after, and by how much the record that covers it differs from the one before.
func (m *model) around(step int64, width int) []paragraph {
	r := m.run()
	var rows []paragraph
	steps := [3]int64{-1, -1, -1}
	for _, g := range groups() {
		for _, metric := range g.metrics {
			s := r.data[g.kind+"/"+metric]
			match, err := runlog.Lookup(metric)
			if s.Len() == 0 || err != nil {
				continue
			}
			at := sort.Search(s.Len(), func(i int) bool { return s.Steps[i] >= step })
			var cells [3]string
			var values [3]float64
			unit := ""
			for k := range cells {
				i := at - 1 + k
				cells[k], values[k] = "–", math.NaN()
				if i >= 0 && i < s.Len() {
					values[k] = s.Raw.List()[i]
					cells[k], unit = quantity(values[k], match.Metric, m.view.bits)
					if steps[k] < 0 {
						steps[k] = s.Steps[i]
					}
				}
			}
			name := words(metric)
			if g.kind == runlog.Valid {
				name = runlog.Valid + " " + name
			}
			if unit != "" && screen.TextWidth(name)+1+screen.TextWidth(unit) <= nameColumn {
				name += " " + unit
			}
			change, style := changeText(values[0], values[1], match.Metric.Better)
			rows = append(rows, paragraph{text: tableRow(width, name, cells[0], cells[1], cells[2], change), style: style, row: true})
		}
	}
	if len(rows) == 0 {
		return []paragraph{{text: "no metrics around it", style: screen.Faint}}
	}
	head := [3]string{"before", "at", "after"}
	at := [3]string{}
	for k, s := range steps {
		if at[k] = "–"; s >= 0 {
			at[k] = screen.Grouped(s)
		}
	}
	return append([]paragraph{
		{text: tableRow(width, "metrics around it", head[0], head[1], head[2], "change"), style: screen.Accent, row: true},
		{text: tableRow(width, "  update", at[0], at[1], at[2], ""), style: screen.Faint, row: true},
	}, rows...)
}

// tableRow writes a name and numbers in columns; on a narrow screen the name gives way, then the last columns.
func tableRow(width int, name string, cells ...string) string {
	room := max(width-numberColumn*len(cells), 12)
	room = min(room, nameColumn)
	name = screen.CutText(name, room)
	var b strings.Builder
	b.WriteString(name + strings.Repeat(" ", room-screen.TextWidth(name)))
	for _, c := range cells {
		b.WriteString(strings.Repeat(" ", max(numberColumn-screen.TextWidth(c), 1)) + c)
	}
	return strings.TrimRight(b.String(), " ")
}

// changeText writes by how much a metric changed, and whether that is good or bad, where a tenth or more tells.
func changeText(from, to float64, better runlog.Direction) (string, screen.Style) {
	switch {
	case math.IsNaN(from) || math.IsNaN(to) || math.IsInf(from, 0) || math.IsInf(to, 0):
		return "", screen.Plain
	case from == to:
		return "0 %", screen.Plain
	case from == 0:
		return signed(to), screen.Plain
	}
	share := (to - from) / math.Abs(from)
	style := screen.Plain
	if math.Abs(share) >= 0.1 && better != runlog.Neither {
		if style = screen.Bad; (share > 0) == (better == runlog.Up) {
			style = screen.Good
		}
	}
	if math.Abs(share) >= 10 {
		return fmt.Sprintf("×%s", screen.Short(math.Round(to/from))), style
	}
	return fmt.Sprintf("%+.1f %%", 100*share), style
}

// signed writes a number with its sign.
func signed(v float64) string {
	if v >= 0 {
		return "+" + screen.Number(v)
	}
	return screen.Number(v)
}
