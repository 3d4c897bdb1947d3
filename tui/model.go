package tui

import (
	"math"
	"slices"
	"time"

	"aural/runlog"

	tea "github.com/charmbracelet/bubbletea"
)

// The pauses between polls.
const (
	liveEvery  = 500 * time.Millisecond
	endedEvery = 2 * time.Second // somebody may resume the run
)

// view is what the user chose.
type view struct {
	help   bool
	zoom   int // key of the enlarged panel, 0 for the overview
	log    bool
	bits   bool
	hours  bool    // x counts hours of audio instead of updates
	smooth float64 // weight of the past in the moving average, 0 for none
}

// model is the state of the screen. Only Update changes it.
type model struct {
	name     string // of the run
	terminal terminal
	width    int
	height   int
	view     view
	poll     func() pollMsg // nil in tests of the model alone

	data    map[string]*series
	loading bool
	loaded  int // lines read so far
	latest  pollMsg
}

func newModel(dir string, t terminal, poll func() pollMsg) *model {
	return &model{name: runlog.RunName(dir), terminal: t, poll: poll, data: make(map[string]*series), loading: true}
}

// Init begins to follow the run.
func (m *model) Init() tea.Cmd { return m.pollNow }

func (m *model) pollNow() tea.Msg { return m.poll() }

// Update takes a message.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyMsg:
		return m, m.press(msg.String())
	case pollMsg:
		m.take(msg)
		switch {
		case msg.more:
			return m, m.pollNow
		case msg.status == runlog.Running:
			return m, later(liveEvery)
		}
		return m, later(endedEvery)
	case pollNowMsg:
		return m, m.pollNow
	}
	return m, nil
}

func later(d time.Duration) tea.Cmd {
	return tea.Tick(d, func(time.Time) tea.Msg { return pollNowMsg{} })
}

// take brings the data up to date.
func (m *model) take(msg pollMsg) {
	for _, c := range msg.changes {
		s := m.data[c.name]
		if s == nil {
			s = &series{}
			m.data[c.name] = s
			m.smoothen(c.name)
		}
		s.apply(c)
	}
	if msg.stateErr != nil {
		// The heartbeat is replaced in one step, so this is rare; what it said last stays on the screen.
		msg.state, msg.status = m.latest.state, m.latest.status
	}
	m.latest = msg
	m.loaded += msg.read
	m.loading = msg.more
}

// smoothen brings the moving averages of the named series, or of all, to the weight that the user chose. It is part of
// Update because it takes time in proportion to the length of the run.
func (m *model) smoothen(names ...string) {
	for _, p := range panels() {
		for _, ch := range p {
			for _, c := range ch.curves {
				if s := m.data[c.series]; s != nil && c.raw != plain && (len(names) == 0 || slices.Contains(names, c.series)) {
					s.smoothen(m.view.smooth)
				}
			}
		}
	}
}

// View draws the screen.
func (m *model) View() string { return render(m, m.width, m.height) }

// axis returns the x axis of all charts.
func (m *model) axis() axis {
	if s := m.data[hoursSeen]; m.view.hours && s != nil && len(s.steps) > 0 {
		return axis{hours: s}
	}
	return axis{}
}

// xUnit names what the x axis counts.
func (m *model) xUnit() string {
	if m.axis().hours != nil {
		return "hours of audio"
	}
	return "updates"
}

// xScale returns the x axis that all charts share: from 0 to the last point of any curve, or from the first point when
// that is far from 0.
func (m *model) xScale() scale {
	var b bounds
	for _, p := range panels() {
		for _, ch := range p {
			for _, c := range ch.curves {
				if s := m.data[c.series]; s != nil && len(s.steps) > 0 {
					b.add(m.axis().at(s.steps[0]), false)
					b.add(m.axis().at(s.steps[len(s.steps)-1]), false)
				}
			}
		}
	}
	if 0 < b.low && b.low < b.high/2 || b.low == b.high {
		b.low, b.high = 0, math.Max(b.high, 1)
	}
	return newScale(b, false)
}

// updates returns how many updates are done: the log may be some seconds ahead of the heartbeat.
func (m *model) updates() int64 {
	n := m.latest.state.Step
	if s := m.data[hoursSeen]; s != nil && len(s.steps) > 0 {
		n = max(n, s.steps[len(s.steps)-1])
	}
	return n
}
