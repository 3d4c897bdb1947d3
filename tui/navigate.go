package tui

import (
	"math"
	"slices"

	"aural/tui/chart"
	"aural/tui/screen"
)

// smoothings are the weights of the moving average, in the order of the keys. 0.6 is TensorBoard's default.
var smoothings = []float64{0, 0.6, 0.9, 0.97, 0.99, 0.997}

func nextSmoothing(w float64, step int) float64 {
	i := slices.Index(smoothings, w)
	if i < 0 {
		for i = 0; i < len(smoothings)-1 && smoothings[i+1] <= w; i++ {
		}
	}
	return smoothings[min(max(i+step, 0), len(smoothings)-1)]
}

func smoothing(w float64) string {
	if w == 0 {
		return "smooth"
	}
	return "smooth " + screen.Short(w)
}

// smoothen brings the moving averages of all series to a weight. It is part of Update because it takes time in proportion to
// the length of the runs.
func (m *model) smoothen(w float64) {
	if w == m.view.smooth {
		return
	}
	m.view.smooth = w
	for _, r := range m.runs {
		for _, s := range r.data {
			s.Smoothen(w)
		}
	}
}

// setAxis changes what the x axis counts. What was zoomed to and pointed at is lost, since no run says where it is on the
// other axis.
func (m *model) setAxis(k chart.AxisKind) {
	m.view.axis, m.view.zoom, m.view.cursor = k, nil, math.NaN()
}

// zoomX narrows (factor below 1) or widens the x axis around the cursor, or around its end while it follows the run.
func (m *model) zoomX(factor float64) {
	x := m.xScale()
	at := x.Value(0.5)
	switch {
	case !math.IsNaN(m.view.cursor):
		at = m.view.cursor
	case m.view.follow && x.High >= m.allX().High:
		at = x.High
	}
	m.zoomAt(at, factor)
}

// zoomAt zooms around a place of the x axis.
func (m *model) zoomAt(at, factor float64) {
	all := m.allX()
	z := m.xScale().Zoom(at, factor).Within(all)
	if z.High-z.Low >= all.High-all.Low {
		m.view.zoom = nil
		return
	}
	if z.High-z.Low > (all.High-all.Low)*1e-7 {
		m.view.zoom = &z
	}
}

// move takes an arrow key: it moves the cursor by a column, or a zoomed x axis by a tenth.
func (m *model) move(key string) {
	step := 1.0
	if key == "left" || key == "shift+left" {
		step = -1
	}
	if key == "shift+left" || key == "shift+right" {
		step *= 10
	}
	x := m.xScale()
	if math.IsNaN(m.view.cursor) {
		if m.view.zoom != nil {
			z := x.Pan(step / 10).Within(m.allX())
			m.view.zoom = &z
		}
		return
	}
	m.view.cursor = min(max(m.view.cursor+step*(x.High-x.Low)/math.Max(float64(m.width), 40), m.allX().Low), m.allX().High)
	if z := m.view.zoom; z != nil && (m.view.cursor < z.Low || m.view.cursor > z.High) {
		moved := z.Pan(step / 10).Within(m.allX())
		m.view.zoom = &moved
	}
}

func (m *model) toggleCursor() {
	if !math.IsNaN(m.view.cursor) {
		m.view.cursor = math.NaN()
		return
	}
	m.view.cursor = m.xScale().High
}

func (m *model) toggleFollow() {
	m.view.follow = !m.view.follow
	if z := m.view.zoom; z != nil && m.view.follow {
		all := m.allX()
		m.view.zoom = &chart.Scale{Low: all.High - (z.High - z.Low), High: all.High}
	}
}

func (m *model) toggleFreeze() {
	m.view.frozen = !m.view.frozen
	if !m.view.frozen {
		m.thaw()
	}
}

func (m *model) nextTheme() {
	m.terminal.Theme = (m.terminal.Theme + 1) % screen.Theme(len(screen.Themes))
	m.tell("theme "+screen.Themes[m.terminal.Theme], nil)
}
