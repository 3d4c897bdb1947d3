package tui

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"aural/runlog"

	tea "github.com/charmbracelet/bubbletea"
)

// openTargets opens what a view was asked for: run directories, and folders of runs. At most one folder is watched for new
// runs, the last one.
func openTargets(targets []string, o Options) (runs []*runView, watched *folder, err error) {
	if len(targets) == 0 {
		return nil, nil, errors.New("tui: no run to show")
	}
	for _, t := range targets {
		more, f, err := openTarget(t, o)
		if err != nil {
			for _, r := range runs {
				r.close()
			}
			return nil, nil, fmt.Errorf("tui: %w", err)
		}
		if f != nil {
			watched = f
		}
		for _, r := range more {
			r.colour = len(runs)
			runs = append(runs, r)
		}
	}
	return runs, watched, nil
}

// openTarget opens one run, or all of a folder.
func openTarget(target string, o Options) ([]*runView, *folder, error) {
	s, err := openFollower(target, o)
	switch {
	case err == nil:
		return []*runView{newRunView(runlog.RunName(target), target, s, 0)}, nil, nil
	case !errors.Is(err, runlog.ErrNotRun):
		return nil, nil, err
	}
	if info, statErr := os.Stat(target); statErr != nil || !info.IsDir() {
		return nil, nil, err
	}
	f := newFolder(target, o)
	runs, err := f.open()
	if err != nil {
		return nil, nil, err
	}
	return runs, f, nil
}

// openFollower opens a run directory.
func openFollower(dir string, o Options) (*follower, error) {
	f, err := newFollower(dir, o.now)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no run %s: %w", dir, fs.ErrNotExist)
	case err != nil:
		return nil, err
	}
	f.config.parse = o.Settings
	return f, nil
}

// close ends the reading of a run.
func (r *runView) close() {
	if r.source != nil {
		release(r.source)
	}
}

// openedMsg are runs that the user asked for while the view was up.
type openedMsg struct {
	runs   []*runView
	folder *folder
	err    error
	target string
}

// open adds a run, or those of a folder.
func (m *model) open(target string) (tea.Cmd, error) {
	if target == "" {
		return nil, errors.New("open needs a path")
	}
	o := m.options
	return func() tea.Msg {
		runs, f, err := openTarget(target, o)
		return openedMsg{runs, f, err, target}
	}, nil
}

func (msg openedMsg) apply(m *model) tea.Cmd {
	if msg.err != nil {
		m.tell("", fmt.Errorf("open: %w", msg.err))
		return nil
	}
	var cmds []tea.Cmd
	for _, r := range msg.runs {
		if !slices.ContainsFunc(m.runs, func(have *runView) bool { return have.dir == r.dir }) {
			cmds = append(cmds, m.add(r))
		} else {
			r.close()
		}
	}
	n := len(cmds)
	if p := m.compareScreen(); msg.folder != nil && p.folder == nil {
		p.folder = msg.folder
		cmds = append(cmds, msg.folder.later())
	}
	m.tell(fmt.Sprintf("%d of %d runs added from %s", n, len(msg.runs), msg.target), nil)
	return tea.Batch(cmds...)
}

// add shows one more run.
func (m *model) add(r *runView) tea.Cmd {
	r.colour = len(m.runs)
	m.runs = append(m.runs, r)
	return m.pollNow(len(m.runs) - 1)
}
