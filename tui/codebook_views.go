package tui

import (
	"fmt"
	"math"

	"aural/runlog"
	"aural/tui/chart"
	"aural/tui/screen"
)

// cellAreas cuts an area into one part a group, so that the cells are as large as they can be. Groups that find no room are
// left out.
func cellAreas(area rect, u codebookUse) []rect {
	var best []rect
	size := -1.0
	for rows := 1; rows <= min(u.groups, max(area.H/2, 1)); rows++ {
		columns := (u.groups + rows - 1) / rows
		if columns > 1 && area.W/columns < 12 {
			continue
		}
		parts := area.Grid(rows, columns)
		inner := parts[0]
		inner.Top(1)
		if s := chart.CellsIn(inner, u.entries).Size(); s > size {
			best, size = parts, s
		}
	}
	if best == nil {
		best = []rect{area}
	}
	return best[:min(len(best), u.groups)]
}

// cells draws a cell for each code.
func (p *codebookPane) cells(f *frame, area rect, u codebookUse) {
	for g, part := range cellAreas(area, u) {
		p.groupTitle(f, part.Top(1), u, g)
		order := p.order(u, g)
		d := chart.Cells{Chosen: -1, Number: func(i int) int { return order[i] }}
		if p.byUse {
			d.Number = func(i int) int { return i + 1 }
		}
		dead := make(map[int]bool, len(u.dead[g]))
		for _, code := range u.dead[g] {
			dead[code] = true
		}
		d.Dead = func(i int) bool { return dead[order[i]] }
		for i, code := range order {
			d.Levels = append(d.Levels, useLevel(u.share[g][code]*float64(u.entries)))
			if p.chosen && g == p.group%u.groups && code == min(p.code, u.entries-1) {
				d.Chosen = i
			}
		}
		grid := d.Draw(f.c, part)
		f.clickable(grid.Area, func(_ *model, x, y int) {
			if i, ok := grid.At(x, y); ok {
				p.chosen, p.group, p.code = true, g, order[i]
			}
		}, nil)
		f.drawn = append(f.drawn, drawing{heat: p.cellsDrawing(u, g, order, grid)})
	}
}

// useLevel is the level of a code that is used as often as even use times v.
func useLevel(v float64) float64 {
	if math.IsNaN(v) {
		return v
	}
	if v <= 0 {
		return 0
	}
	return min(max(useShade.At(v), 0), 1)
}

// cellsDrawing is a group's cells as a figure.
func (p *codebookPane) cellsDrawing(u codebookUse, g int, order []int, grid chart.CellGrid) *heatDrawing {
	d := &heatDrawing{title: fmt.Sprintf("use of codes, group %d", g), rowsLabel: either(p.byUse, "rank", "code"), unit: useUnit,
		low: useShade.Low, high: useShade.High, log: true, zero: "dead"}
	per := grid.PerRow * grid.Each
	for from := 0; from < len(order); from += per {
		row := make([]float64, per)
		for i := range row {
			row[i] = math.NaN()
			if from+i < len(order) {
				row[i] = u.share[g][order[from+i]] * float64(u.entries)
			}
		}
		d.values, d.rows = append(d.values, row), append(d.rows, fmt.Sprint(from))
	}
	return d
}

// overTime draws the use of all codes over the updates, with a mark at the snapshot that the other views show.
func (p *codebookPane) overTime(f *frame, area rect, u codebookUse, list []runlog.Snapshot, at int) {
	rows, columns := u.groups, 1
	if area.W >= 100 && area.H < 14*u.groups {
		rows, columns = (u.groups+1)/2, min(2, u.groups)
	}
	last := list[len(list)-1].Step
	for g, part := range area.Grid(min(rows, max(area.H/4, 1)), columns) {
		if g >= u.groups {
			break
		}
		order := p.order(u, g)
		values := over(list, list[at].Codebook, g, order, 0, last, min(max(chart.Inner(part).W+1, 1), 512))
		for _, row := range values {
			for x := range row {
				row[x] *= float64(u.entries)
			}
		}
		h := chart.HeatMap{Title: fmt.Sprintf("group %d", g), Values: values, Mean: !p.byUse, Low: useShade.Low, High: useShade.High, Log: true, Unit: useUnit, NoRamp: f.c.Area.W >= explainedFrom,
			Note: either(p.byUse, "the most used at the mark on top", "mean of the codes of a row"),
			X:    chart.Scale{Low: 0, High: float64(max(last, 1))}, XUnit: "updates", XWhole: true, Mark: float64(list[at].Step)}
		if p.byUse {
			h.Names = func(row int) string { return fmt.Sprint(row + 1) }
		}
		grid := h.Draw(f.c, part)
		f.clickable(grid.Inner, func(m *model, x, y int) {
			if row, _, ok := grid.At(x, y); ok {
				p.chosen, p.group, p.code = true, g, order[row]
				p.at.toStep(codebooks(m), int64((float64(x-grid.Inner.X)+0.5)/float64(grid.Inner.W)*float64(last)))
			}
		}, nil)
		d := &heatDrawing{title: fmt.Sprintf("use of codes over time, group %d", g), values: values, rowsLabel: either(p.byUse, "rank", "code"), xLabel: "update",
			right: float64(last), unit: useUnit, low: useShade.Low, high: useShade.High, log: true, zero: "not chosen"}
		f.drawn = append(f.drawn, drawing{heat: d})
	}
}

// ranks draws the share of the choices by rank: flat when all codes are used alike, a cliff where the dead begin.
func (p *codebookPane) ranks(f *frame, area rect, u codebookUse) {
	ch := chart.NewChart("use by rank")
	ch.Unit, ch.LogY, ch.XUnit, ch.XWhole, ch.NoLast = useUnit, !f.m.view.logY, "rank", true, true
	ch.X = chart.NewScale(chart.Bounds{Low: 1, High: float64(u.entries), Some: true}, false)
	for g, share := range u.share {
		s := &chart.Series{}
		change := chart.Change{}
		for rank, code := range byUse(share) {
			if v := share[code] * float64(u.entries); !math.IsNaN(v) {
				change.Steps, change.Values = append(change.Steps, int64(rank+1)), append(change.Values, v)
			}
			if p.chosen && g == p.group%u.groups && code == min(p.code, u.entries-1) {
				ch.Cursor = float64(rank + 1)
			}
		}
		s.Apply(change)
		ch.Curves = append(ch.Curves, chart.Curve{Label: fmt.Sprintf("group %d", g), Mark: rune('0' + g%10), Series: s, Style: screen.Line(g), Dash: g % 4})
	}
	ch.Lines = []chart.Reference{{Label: "even", Value: 1}}
	y := ch.Draw(f.c, area)
	f.clickable(area, nil, nil)
	f.drawn = append(f.drawn, drawing{curves: &curvesDrawing{chartDef{title: ch.Title}, ch, y}})
}
