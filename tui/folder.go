package tui

import (
	"fmt"
	"slices"
	"time"

	"aural/runlog"

	tea "github.com/charmbracelet/bubbletea"
)

const (
	// shownFirst is how many runs of a folder are shown at first, the newest ones.
	shownFirst = 8
	// folderEvery is the pause between two looks for new runs.
	folderEvery = 5 * time.Second
)

// folder is a directory of runs. The newest ones are read; of the others only the heartbeat and the recipe are, until they
// are shown. Runs that begin later are added.
type folder struct {
	root    string
	options Options
	configs map[string]*configReader // by run directory; used by the look in work, of which there is one
}

// folderMsg is what a look into a folder found.
type folderMsg struct {
	folder  *folder
	at      time.Time
	runs    []runlog.RunInfo
	configs map[string]*runConfig // new ones, by run directory
	err     error
}

func newFolder(root string, o Options) *folder {
	return &folder{root: root, options: o, configs: make(map[string]*configReader)}
}

// look lists the runs.
func (fo *folder) look() folderMsg {
	msg := folderMsg{folder: fo, at: fo.options.now(), configs: make(map[string]*runConfig)}
	msg.runs, msg.err = runlog.Runs(fo.root)
	for _, info := range msg.runs {
		c := fo.configs[info.Dir]
		if c == nil {
			c = &configReader{dir: info.Dir, parse: fo.options.Settings}
			fo.configs[info.Dir] = c
		}
		if config := c.read(); config != nil {
			msg.configs[info.Dir] = config
		}
	}
	return msg
}

// later looks again after a pause.
func (fo *folder) later() tea.Cmd {
	return tea.Tick(folderEvery, func(time.Time) tea.Msg { return fo.look() })
}

// apply adds runs that are new, and brings those up to date that are not read themselves.
func (msg folderMsg) apply(m *model) tea.Cmd {
	if msg.err != nil {
		m.tell("", fmt.Errorf("no new runs can be seen: %w", msg.err))
		return msg.folder.later()
	}
	for _, info := range slices.Backward(msg.runs) { // so that the newest one comes last
		i := slices.IndexFunc(m.runs, func(r *runView) bool { return r.dir == info.Dir })
		if i < 0 {
			m.runs = append(m.runs, msg.folder.view(info, len(m.runs)))
			i = len(m.runs) - 1
			m.runs[i].hidden = false // it has begun just now, or was copied here: somebody waits for it
		}
		msg.update(m.runs[i], info)
	}
	return tea.Batch(msg.folder.later(), m.wake())
}

// update takes what the list tells of a run that is not read.
func (msg folderMsg) update(r *runView, info runlog.RunInfo) {
	if r.dormant == nil {
		return
	}
	r.latest.at, r.latest.state, r.latest.status, r.latest.stateErr = msg.at, info.State, info.Status, info.Err
	if c := msg.configs[info.Dir]; c != nil {
		r.config = *c
	}
}

// view makes a run that is listed but not read yet.
func (fo *folder) view(info runlog.RunInfo, colour int) *runView {
	r := newRunView(info.Name, info.Dir, nil, colour)
	r.loading, r.hidden = false, true
	r.dormant = func() (source, error) { return openFollower(info.Dir, fo.options) }
	return r
}

// open returns views of all runs in the folder, newest first.
func (fo *folder) open() ([]*runView, error) {
	msg := fo.look()
	if msg.err != nil {
		return nil, msg.err
	}
	if len(msg.runs) == 0 {
		return nil, fmt.Errorf("%s holds no run: %w", fo.root, runlog.ErrNotRun)
	}
	var out []*runView
	for i, info := range msg.runs {
		r := fo.view(info, i)
		msg.update(r, info)
		if i < shownFirst {
			s, err := r.dormant()
			if err != nil {
				r.latest.stateErr = err // the others can be seen
			} else {
				r.source, r.dormant, r.hidden, r.loading = s, nil, false, true
			}
		}
		out = append(out, r)
	}
	return out, nil
}

// wake opens the visible runs that are not read yet.
func (m *model) wake() tea.Cmd {
	var cmds []tea.Cmd
	for i, r := range m.runs {
		if open := r.dormant; open != nil && (!r.hidden || i == m.current) {
			r.dormant, r.loading = nil, true
			cmds = append(cmds, func() tea.Msg {
				s, err := open()
				return wokenMsg{i, s, err, open}
			})
		}
	}
	return tea.Batch(cmds...)
}

// wokenMsg says that a run was opened.
type wokenMsg struct {
	run    int
	source source
	err    error
	again  func() (source, error)
}

func (msg wokenMsg) apply(m *model) tea.Cmd {
	r := m.runs[msg.run]
	r.loading = msg.err == nil
	if msg.err != nil {
		r.hidden, r.latest.stateErr = true, msg.err
		if msg.run != m.current { // else it would be tried again at every key
			r.dormant = msg.again
		}
		m.tell("", msg.err)
		return nil
	}
	r.source = msg.source
	return m.pollNow(msg.run)
}
