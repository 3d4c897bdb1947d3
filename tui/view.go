package tui

// The sizes at which the layout changes.
const (
	columnWidth   = 27 // of the metrics column
	columnFrom    = 70 // columns of a screen that has it
	chartWidth    = 22 // the least of a chart beside another
	chartHeight   = 5  // the least: title, 3 rows, x axis
	fullHeight    = 10 // rows of a screen with header and footer
	secondLogFrom = 20 // rows of a screen with two lines of events
)

// render draws the screen: exactly height lines of at most width columns. It depends on nothing but its arguments.
//
//	header     name, status, progress, rates
//	charts     | metrics column
//	events
//	keys
func render(m *model, width, height int) string {
	c := newCanvas(m.terminal, width, height)
	body := c.area
	if m.view.help {
		m.drawFooter(c, &body)
		m.drawHelp(c, body)
		return c.String()
	}
	m.drawHeader(c, &body)
	if height >= fullHeight {
		m.drawFooter(c, &body)
		m.drawEvents(c, &body)
	}
	switch {
	case width >= columnFrom:
		m.drawColumn(c, rect{width - columnWidth, body.y, columnWidth, body.h})
		body.w -= columnWidth + 1
	case body.h > chartHeight:
		// A narrow screen has the first numbers below the charts, but never more of them than of curves.
		body.h -= m.drawLines(c, body, min((body.h-chartHeight+1)/2, 6))
	}
	m.drawCharts(c, body)
	return c.String()
}

// top takes n rows from the top of area.
func (r *rect) top(n int) rect {
	n = min(max(n, 0), r.h)
	out := rect{r.x, r.y, r.w, n}
	r.y, r.h = r.y+n, r.h-n
	return out
}

// bottom takes n rows from the bottom of area.
func (r *rect) bottom(n int) rect {
	n = min(max(n, 0), r.h)
	r.h -= n
	return rect{r.x, r.y + r.h, r.w, n}
}

// drawCharts draws the enlarged panel, or as many as there is room for in one or two columns.
func (m *model) drawCharts(c *canvas, area rect) {
	all, x := panels(), m.xScale()
	if z := m.view.zoom; z > 0 && z <= len(all) {
		m.drawPanel(c, area, all[z-1], z, x)
		return
	}
	columns := 1
	if area.w >= 2*chartWidth+1 {
		columns = 2
	}
	rows := min((len(all)+columns-1)/columns, max(area.h/chartHeight, 1))
	for i := range min(rows*columns, len(all)) {
		row, column := i/columns, i%columns
		y0, y1 := area.h*row/rows, area.h*(row+1)/rows
		x0, x1 := (area.w+1)*column/columns, (area.w+1)*(column+1)/columns-1
		m.drawPanel(c, rect{area.x + x0, area.y + y0, x1 - x0, y1 - y0}, all[i], i+1, x)
	}
}

// drawPanel draws the charts of a panel above each other, the first one with what is left over.
func (m *model) drawPanel(c *canvas, area rect, p panel, key int, x scale) {
	n := min(len(p), max(area.h/4, 1))
	for i := n - 1; i >= 0; i-- {
		part := area.bottom(area.h / (i + 1))
		if i > 0 {
			m.drawChart(c, part, p[i], 0, x)
		} else {
			m.drawChart(c, part, p[i], key, x)
		}
	}
}

// drawFooter takes the last row for the keys, as many as fit.
func (m *model) drawFooter(c *canvas, body *rect) {
	area := body.bottom(1)
	x := area.x
	for _, b := range bindings() {
		label := b.label(m.view)
		if label == "" {
			continue
		}
		w := len(b.shown) + 1 + len(label)
		if x+w > area.x+area.w || area.h == 0 {
			break
		}
		x = c.text(x, area.y, w, b.shown, accent) + 1
		x = c.text(x, area.y, w, label, plain) + 2
	}
}
