package tui

import (
	"aural/tui/chart"

	tea "github.com/charmbracelet/bubbletea"
)

// point takes a mouse event. A click chooses what it hits, and in an enlarged or focused chart puts the cursor there; the
// wheel zooms the x axis around the pointer, with ctrl the y axis; dragging over a chart moves the cursor.
func (m *model) point(e tea.MouseEvent) {
	if m.view.help {
		switch e.Button {
		case tea.MouseButtonWheelUp:
			m.scrollHelp("up")
		case tea.MouseButtonWheelDown:
			m.scrollHelp("down")
		}
	}
	if m.prompt != nil || m.view.help {
		return
	}
	f := render(m, m.width, m.height)
	for i := len(f.hits) - 1; i >= 0; i-- {
		if h := f.hits[i]; h.area.Contains(e.X, e.Y) {
			m.pointAt(f, h, e)
			return
		}
	}
}

func (m *model) pointAt(f *frame, h hit, e tea.MouseEvent) {
	wheel := e.Button == tea.MouseButtonWheelUp || e.Button == tea.MouseButtonWheelDown
	up := e.Button == tea.MouseButtonWheelUp
	switch {
	case wheel && h.wheel != nil:
		h.wheel(m, up)
	case wheel && h.chart >= 0:
		factor := 1.25
		if up {
			factor = 0.8
		}
		if e.Ctrl {
			if h.click != nil {
				h.click(m)
			}
			m.view.yZoom = min(max(m.view.yZoom*factor, 1e-3), 8)
			return
		}
		m.zoomAt(m.placeOf(f, h, e.X), factor)
	case e.Button != tea.MouseButtonLeft && e.Button != tea.MouseButtonRight:
	case h.point != nil && e.Action != tea.MouseActionRelease:
		h.point(m, e.X, e.Y)
	case h.chart >= 0 && (e.Action == tea.MouseActionMotion || e.Button == tea.MouseButtonRight):
		m.view.cursor = m.placeOf(f, h, e.X)
	case e.Action == tea.MouseActionPress && h.click != nil:
		h.click(m)
	}
}

// placeOf is the place on the x axis of a chart under a column of the screen.
func (m *model) placeOf(f *frame, h hit, column int) float64 {
	in := chart.Inner(h.area)
	share := float64(column-in.X) / float64(max(in.W-1, 1))
	return m.xScale().Value(min(max(share, 0), 1))
}
