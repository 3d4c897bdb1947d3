package tui

import (
	"math"
	"time"

	"aural/runlog"
	"aural/tui/chart"
	"aural/tui/screen"

	tea "github.com/charmbracelet/bubbletea"
)

// The pauses between polls.
const (
	liveEvery  = 500 * time.Millisecond
	endedEvery = 2 * time.Second // somebody may resume the run
)

// noticeFor is how long the answer to a key stays in the last line.
const noticeFor = 6 * time.Second

// view is what the user chose. Screens keep what concerns them alone.
type view struct {
	screen   int // index into screens
	help     bool
	helpTop  int  // its first line on the screen
	full     bool // the focused chart fills the screen
	axis     chart.AxisKind
	smooth   float64 // weight of the past in the moving average, 0 for none
	logY     bool    // turns around what the charts say themselves
	clip     bool    // the y axis leaves outliers out
	bits     bool
	bands    bool         // reference bands behind the curves
	zoom     *chart.Scale // visible part of the x axis; nil for all
	follow   bool         // a zoomed x axis moves on with the run
	yZoom    float64      // of the focused chart's y axis; 1 is all
	cursor   float64      // place on the x axis; NaN for none
	frozen   bool         // new data wait
	readonly bool         // no requests to the trainer
}

// model is the state of the program. Only Update changes it.
type model struct {
	terminal    screen.Terminal
	width       int
	height      int
	view        view
	runs        []*runView
	current     int // the run that one-run screens show
	panes       []pane
	focus       map[int]int // focused chart by screen
	filter      filter      // of metrics by name
	held        []pollMsg   // that wait while the view is frozen
	sounds      sounds      // recordings that screens show
	prompt      *prompt     // open input line or question
	history     []string    // of the palette
	notice      string
	noticeAt    time.Time
	bad         bool // the notice is an error
	interrupted bool // the training of this program was asked to stop
	options     Options
	drawn       picture
}

// picture is the last frame. A run is polled more often than it has news, and a frame costs more than a poll.
type picture struct {
	text          string
	width, height int
	at            time.Time
	same          bool // nothing has happened since that would change it
}

// redrawEvery is how often a frame is drawn while nothing happens, for the ages in it.
const redrawEvery = time.Second

func newModel(t screen.Terminal, o Options, runs ...*runView) *model {
	m := &model{terminal: t, runs: runs, options: o, focus: make(map[int]int)}
	m.view = view{cursor: math.NaN(), yZoom: 1, bands: true, readonly: o.ReadOnly, follow: true}
	m.panes = newPanes()
	return m
}

// run is the run that one-run screens show.
func (m *model) run() *runView { return m.runs[m.current] }

// shown are the runs whose curves are drawn, the current one first so that it is on top of the legend.
func (m *model) shown() []*runView {
	var out []*runView
	for _, r := range m.runs {
		if !r.hidden || r == m.run() {
			out = append(out, r)
		}
	}
	return out
}

// now is the time of the newest poll.
func (m *model) now() time.Time {
	t := time.Time{}
	for _, r := range m.runs {
		if r.latest.at.After(t) {
			t = r.latest.at
		}
	}
	return t
}

// Init begins to follow the runs.
func (m *model) Init() tea.Cmd {
	var cmds []tea.Cmd
	for i := range m.runs {
		cmds = append(cmds, m.pollNow(i))
	}
	if f := m.compareScreen().folder; f != nil {
		cmds = append(cmds, f.later())
	}
	return tea.Batch(cmds...)
}

func (m *model) pollNow(run int) tea.Cmd {
	s := m.runs[run].source
	if s == nil {
		return nil
	}
	return func() tea.Msg {
		msg := s.poll()
		msg.run = run
		return msg
	}
}

// Update takes a message.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	cmd := m.handle(msg)
	if next := m.listen(); next != nil {
		return m, tea.Batch(cmd, next)
	}
	return m, cmd
}

func (m *model) handle(msg tea.Msg) tea.Cmd {
	if m.drawn.same = m.drawn.text != "" && m.quiet(msg); !m.drawn.same {
		m.drawn.text = ""
	}
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyMsg:
		return tea.Batch(m.pressEach(msg), m.wake())
	case tea.MouseMsg:
		m.point(tea.MouseEvent(msg))
	case pollMsg:
		return m.polled(msg)
	case applier:
		return msg.apply(m)
	case pollNowMsg:
		return m.pollNow(msg.run)
	case doneMsg:
		m.tell(msg.text, msg.err)
	}
	return nil
}

// quiet reports whether a message leaves the picture as it is.
func (m *model) quiet(msg tea.Msg) bool {
	switch msg := msg.(type) {
	case pollNowMsg:
		return true
	case pollMsg:
		old := m.runs[msg.run].latest
		news := msg.read > 0 || msg.more || msg.reset || len(msg.changes) > 0 || msg.snapshots != nil || msg.err != nil || msg.stateErr != nil ||
			old.err != nil || msg.status != old.status || msg.state.Step != old.state.Step || msg.state.Dropped != old.state.Dropped ||
			msg.report != nil && (old.report == nil || msg.report.Summary != old.report.Summary)
		return !news && msg.at.Sub(m.drawn.at) < redrawEvery
	}
	return false
}

// polled takes what a poll found and arranges the next one. While the view is frozen it is kept.
func (m *model) polled(msg pollMsg) tea.Cmd {
	if m.view.frozen {
		m.held = append(m.held, msg)
	} else {
		m.take(msg)
	}
	switch {
	case msg.more:
		return m.pollNow(msg.run)
	case msg.status == runlog.Running || msg.status == runlog.Paused:
		return later(liveEvery, msg.run)
	}
	return later(endedEvery, msg.run)
}

func later(d time.Duration, run int) tea.Cmd {
	return tea.Tick(d, func(time.Time) tea.Msg { return pollNowMsg{run} })
}

// take brings a run up to date. A zoomed view at the end of the run moves on with it.
func (m *model) take(msg pollMsg) {
	before := m.allX()
	m.runs[msg.run].take(msg, m.view.smooth)
	m.hear(m.runs[msg.run])
	if z := m.view.zoom; z != nil && m.view.follow && z.High >= before.High {
		if d := m.allX().High - before.High; d > 0 {
			m.view.zoom = &chart.Scale{Low: z.Low + d, High: z.High + d}
		}
	}
}

// thaw takes what waited while the view was frozen.
func (m *model) thaw() {
	for _, msg := range m.held {
		m.take(msg)
	}
	m.held = nil
}

// tell writes the answer to a key into the last line.
func (m *model) tell(text string, err error) {
	m.notice, m.bad, m.noticeAt = text, err != nil, m.now()
	if err != nil {
		m.notice = err.Error()
	}
}

// View draws the screen, or returns the last picture where it would be the same.
func (m *model) View() string {
	d := &m.drawn
	if !d.same || d.width != m.width || d.height != m.height {
		*d = picture{render(m, m.width, m.height).c.String(), m.width, m.height, m.now(), false}
	}
	return d.text
}
