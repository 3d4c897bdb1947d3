package tui

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"aural/runlog"
	"aural/runlog/mirror"
	"aural/runlog/tensorboard"

	tea "github.com/charmbracelet/bubbletea"
)

// openTargets opens what a view was asked for. At most one folder is watched for new runs, the last one. ctx ends the
// connections to other hosts.
func openTargets(ctx context.Context, targets []string, o Options) (runs []*runView, watched *folder, err error) {
	if len(targets) == 0 {
		return nil, nil, errors.New("tui: no run to show")
	}
	for _, t := range targets {
		more, f, err := openTarget(ctx, t, o)
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
func openTarget(ctx context.Context, target string, o Options) ([]*runView, *folder, error) {
	one := func(name, dir string, s source, err error) ([]*runView, *folder, error) {
		if err != nil {
			return nil, nil, err
		}
		return []*runView{newRunView(name, dir, s, 0)}, nil, nil
	}
	if spec, ok, err := remoteSpec(target); err != nil {
		return nil, nil, err
	} else if ok {
		s, err := newRemote(ctx, spec, o)
		return one(runlog.RunName(spec[strings.IndexByte(spec, ':')+1:]), spec, s, err)
	}
	f, err := openFollower(target, o)
	info, statErr := os.Stat(target)
	switch {
	case err == nil:
		return one(runlog.RunName(target), target, f, nil)
	case statErr != nil:
		return nil, nil, err
	case !info.IsDir() && !strings.Contains(filepath.Base(target), "tfevents"):
		return nil, nil, fmt.Errorf("%s is no run directory, nor a file of TensorBoard events, whose name holds \"tfevents\": %w", target, runlog.ErrNotRun)
	case !info.IsDir():
		s, err := newImported(target, o)
		return one(filepath.Base(target), target, s, err)
	}
	// A folder of runs is asked for more often than one of event files; a run holds event files too.
	watched := newFolder(target, o)
	runs, err := watched.open()
	if !errors.Is(err, runlog.ErrNotRun) {
		return runs, watched, err
	}
	s, tbErr := newImported(target, o)
	if errors.Is(tbErr, tensorboard.ErrNoEvents) {
		return nil, nil, err
	}
	return one(filepath.Base(filepath.Clean(target)), target, s, tbErr)
}

// remoteSpec reads host:path and ssh://host/path; ok is false for a local path.
func remoteSpec(target string) (spec string, ok bool, err error) {
	rest, url := strings.CutPrefix(target, "ssh://")
	if !url {
		return target, mirror.IsRemote(target), nil
	}
	host, path, _ := strings.Cut(rest, "/")
	if name := host[strings.IndexByte(host, '@')+1:]; strings.Contains(name, ":") && !strings.HasSuffix(name, "]") {
		return "", false, fmt.Errorf("%s: a port stands in ~/.ssh/config, not in the name of a run", target)
	}
	if host == "" || path == "" {
		return "", false, fmt.Errorf("%s names no run: want ssh://host/path, or host:path", target)
	}
	if tail, home := strings.CutPrefix(path, "~/"); home {
		return host + ":" + tail, true, nil
	}
	return host + ":/" + path, true, nil
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
		runs, f, err := openTarget(context.Background(), target, o)
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

// IsRemote reports whether a target is a run on another host.
func IsRemote(target string) bool {
	return strings.HasPrefix(target, "ssh://") || mirror.IsRemote(target)
}
