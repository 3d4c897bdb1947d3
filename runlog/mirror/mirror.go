// Package mirror copies a run from another host while it grows, over ssh and with nothing but a POSIX shell there, so that
// everything that reads run directories can follow it. The copy holds the logs, the heartbeat and the audio of snapshots;
// not the checkpoints.
//
// One shell is started and kept. A round asks it for the sizes of the files and the heartbeat (one ls, one cat), then for
// what is new in each (dd). The other host needs sh, ls, cat, dd and mv; nothing is written there but requests.
package mirror

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"aural/runlog"
)

// Options are the choices of a mirror. The zero value is good for use.
type Options struct {
	// Command starts a shell on the other host; the host and "sh" are appended. nil is
	// ssh -T -oBatchMode=yes -oConnectTimeout=15 -oServerAliveInterval=15 --.
	Command []string
	// Cache is the directory of the copies; empty is aural/mirror in the user's cache directory.
	Cache string
	// Every is the time between two rounds; 0 is a second. A run that has ended is asked five times less often.
	Every time.Duration
	// Quiet is how long the other host may say nothing before the connection counts as lost; 0 is 30 seconds.
	Quiet time.Duration
}

var defaultCommand = []string{"ssh", "-T", "-oBatchMode=yes", "-oConnectTimeout=15", "-oServerAliveInterval=15", "--"}

// Mirror follows one run on another host. Its methods may be called from any goroutine.
type Mirror struct {
	host, path string // on the other side
	copy       *localCopy
	options    Options
	cancel     context.CancelFunc
	done       chan struct{} // closed when the goroutine has ended
	asks       chan ask

	mu     sync.Mutex // guards what follows
	err    error
	behind int64
}

// ask is a request on its way to the goroutine.
type ask struct {
	command string
	answer  chan error
}

// connection is a session with what is known through it.
type connection struct {
	*localCopy
	session *session
	have    map[string]local
	samples map[string]remote
	state   []byte
}

// Open begins to mirror the run that spec names: user@host:path, as for scp. It returns when the first round is done, and
// fails when the host cannot be reached or has no run there; later failures are shown by Err and tried again. ctx ends the
// mirror, as Close does.
func Open(ctx context.Context, spec string, o Options) (*Mirror, error) {
	host, dir, err := parse(spec)
	if err != nil {
		return nil, err
	}
	if o.Command == nil {
		o.Command = defaultCommand
	}
	if o.Every <= 0 {
		o.Every = time.Second
	}
	if o.Quiet <= 0 {
		o.Quiet = 30 * time.Second
	}
	if o.Cache == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("mirror: no place for copies: %w", err)
		}
		o.Cache = filepath.Join(cache, "aural", "mirror")
	}
	local, err := openCopy(o.Cache, host, dir)
	if err != nil {
		return nil, fmt.Errorf("mirror: %s: %w", spec, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	m := &Mirror{host: host, path: dir, copy: local, options: o, cancel: cancel, done: make(chan struct{}), asks: make(chan ask)}
	c, err := m.connect(ctx)
	if err == nil {
		if _, err = m.round(c); err != nil {
			c.session.close()
		}
	}
	if err != nil {
		cancel()
		local.close()
		return nil, fmt.Errorf("mirror: %s: %w", spec, err)
	}
	go m.follow(ctx, c)
	return m, nil
}

// Dir returns the directory of the copy, for [runlog.Open]. Its last element is that of the path on the other host.
func (m *Mirror) Dir() string { return m.copy.dir }

// Spec returns host and path as they were given.
func (m *Mirror) Spec() string { return m.host + ":" + m.path }

// Err returns why the copy is not kept fresh now, nil when it is. The mirror tries again by itself.
func (m *Mirror) Err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}

// Behind returns how many bytes of the logs were still to be copied after the last round.
func (m *Mirror) Behind() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.behind
}

// Ask asks the process of the run to do something, as [runlog.Ask] does for a local one.
func (m *Mirror) Ask(c runlog.Command) (runlog.Request, error) {
	state, err := runlog.ReadState(m.Dir())
	if err != nil {
		return runlog.Request{}, err
	}
	r, data, err := runlog.NewRequest(state, c, time.Now())
	if err != nil {
		return runlog.Request{}, err
	}
	file := r.File()
	temporary := path.Join(path.Dir(file), "."+path.Base(file)+".tmp")
	a := ask{answer: make(chan error, 1), command: fmt.Sprintf(`if { cd "$d" && printf %%s %s >%s && mv -f %s %s; } </dev/null 2>&1; then echo; echo done; fi`,
		quote(string(data)), quote(temporary), quote(temporary), quote(file))}
	select {
	case m.asks <- a:
		err = <-a.answer
	case <-m.done:
		err = errors.New("the mirror is closed")
	}
	if err != nil {
		return runlog.Request{}, fmt.Errorf("mirror: ask %s to %s: %w", m.Spec(), c, err)
	}
	return r, nil
}

// Close ends the connection. The copy stays in the cache, for the next time.
func (m *Mirror) Close() error {
	m.cancel()
	<-m.done
	return nil
}

// connect starts the shell on the other host.
func (m *Mirror) connect(ctx context.Context) (*connection, error) {
	have, err := localFiles(m.copy.dir)
	if err != nil {
		return nil, err
	}
	argv := append(slices.Clone(m.options.Command), sshHost(m.host), "sh")
	s, err := dial(ctx, argv, m.path, m.options.Quiet)
	if err != nil {
		return nil, err
	}
	return &connection{localCopy: m.copy, session: s, have: have, samples: make(map[string]remote)}, nil
}

// follow does rounds until ctx ends, and connects again after a failure.
func (m *Mirror) follow(ctx context.Context, c *connection) {
	defer close(m.done)
	defer m.copy.close()
	wait, failures := time.Duration(0), 0
	for {
		if !m.serve(ctx, c, wait) {
			if c != nil {
				c.session.close()
			}
			return
		}
		var err error
		if c == nil {
			c, err = m.connect(ctx)
		}
		more := false
		if err == nil {
			more, err = m.round(c)
		}
		if ctx.Err() == nil {
			m.mu.Lock()
			m.err = err
			m.mu.Unlock()
		}
		switch {
		case err != nil:
			if c != nil {
				c.session.close()
				c = nil
			}
			wait = min(m.options.Every<<min(failures, 10), 30*max(time.Second, m.options.Every))
			failures++
		case more:
			wait, failures = 0, 0
		default:
			wait, failures = m.options.Every, 0
			if s, err := runlog.ReadState(m.copy.dir); err == nil && s.Status != runlog.Running {
				wait *= 5
			}
		}
	}
}

// serve carries out requests for the time wait. It returns false when ctx has ended.
func (m *Mirror) serve(ctx context.Context, c *connection, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			return true
		case a := <-m.asks:
			if c == nil {
				a.answer <- fmt.Errorf("there is no connection: %w", m.Err())
				continue
			}
			out, err := c.session.run(a.command, 64<<10)
			if said, ok := done(out); err == nil && !ok {
				err = fmt.Errorf("the other host cannot write it: %s", said)
			}
			a.answer <- err
			if err == nil {
				return true // the answer is worth a look
			}
		}
	}
}

// done reports whether a command of Ask ended well, and what it said.
func done(out []byte) (said string, ok bool) {
	l := &lastText{}
	l.Write(out)
	said = l.String()
	return said, said == "done"
}

// round brings the copy up to the run. more is true when there is more to copy at once.
func (m *Mirror) round(c *connection) (more bool, err error) {
	out, err := c.session.run(listCommand, maxList)
	if err != nil {
		return false, err
	}
	files, state, err := parseList(out)
	if err != nil {
		return false, err
	}
	if _, ok := files[metricsFile]; !ok {
		if _, ok := files["lock"]; !ok {
			return false, fmt.Errorf("%w: it holds neither lock nor %s", runlog.ErrNotRun, metricsFile)
		}
	}
	if err := c.saveState(state); err != nil {
		return false, err
	}
	behind := int64(0)
	for _, name := range copied {
		r, ok := files[name]
		if !ok {
			continue
		}
		again, err := c.fetch(name, r)
		if err != nil {
			return false, err
		}
		more = more || again
		behind += max(0, r.size-c.have[name].size)
	}
	m.mu.Lock()
	m.behind = behind
	m.mu.Unlock()
	if err := c.removeSamples(files); err != nil {
		return false, err
	}
	if !more { // numbers before audio
		more, err = c.fetchSample(files)
	}
	return more, err
}
