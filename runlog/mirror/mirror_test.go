package mirror

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"aural/runlog"
)

// shells are what may answer on the other host. The host, and "sh", come as arguments and are not looked at.
func shells(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, shell := range []string{"sh", "dash", "bash", "busybox"} {
		path, err := exec.LookPath(shell)
		if err != nil {
			continue
		}
		if shell == "busybox" {
			// Its own ls, cat, dd and mv.
			bin := t.TempDir()
			for _, tool := range []string{"sh", "ls", "cat", "dd", "mv"} {
				if err := os.Symlink(path, filepath.Join(bin, tool)); err != nil {
					t.Fatal(err)
				}
			}
			all[shell] = []string{path, "env", "PATH=" + bin, "sh", "-c", "exec sh"}
			continue
		}
		all[shell] = []string{path, "-c", "exec " + path}
	}
	if len(all) == 0 {
		t.Skip("SKIPPED, no POSIX shell is here")
	}
	return all
}

// oneShell is the first of them.
func oneShell(t *testing.T) []string {
	t.Helper()
	all := shells(t)
	for _, name := range []string{"sh", "dash", "bash", "busybox"} {
		if all[name] != nil {
			return all[name]
		}
	}
	return nil
}

func options(t *testing.T, shell []string) Options {
	return Options{Command: shell, Cache: t.TempDir(), Every: 10 * time.Millisecond, Quiet: 10 * time.Minute}
}

func mirror(t *testing.T, dir string, o Options) *Mirror {
	t.Helper()
	m, err := Open(context.Background(), "ann@host:"+dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func create(t *testing.T, dir string) *runlog.Writer {
	t.Helper()
	w, err := runlog.Create(dir, runlog.Meta{Config: []byte("model: base\n")}, runlog.Options{Report: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close(runlog.Stopped, "") })
	return w
}

func record(w *runlog.Writer, from, to int64) {
	for step := from + 1; step <= to; step++ {
		w.Record(&runlog.Record{Step: step, Kind: runlog.Train, Values: []runlog.Value{{Name: "loss", Value: 1 / float64(step)}}})
	}
}

// until waits for something that the mirror does in the background. Its end is a number of looks, not a time: a process that is stopped for
// a while, or a slow machine, spends none.
func until(t *testing.T, m *Mirror, what string, ok func() bool) {
	t.Helper()
	for range 12000 {
		if ok() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("never: %s; error %v", what, m.Err())
}

// same reports whether a file of the copy is that of the run.
func same(m *Mirror, dir, name string) bool {
	want, err1 := os.ReadFile(filepath.Join(dir, name))
	got, err2 := os.ReadFile(filepath.Join(m.Dir(), name))
	return err1 == nil && err2 == nil && string(got) == string(want)
}

func untilSame(t *testing.T, m *Mirror, dir string) {
	t.Helper()
	for _, name := range append(slices.Clone(copied), "state.json") {
		until(t, m, name+" is copied", func() bool { return same(m, dir, name) })
	}
}

// A run is followed in each shell, under a name that needs quotes, with its audio, and can be asked.
func TestFollows(t *testing.T) {
	for name, shell := range shells(t) {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), `it's a "run"; $HOME *`)
			w := create(t, dir)
			record(w, 0, 10_000) // more than a chunk
			w.Snapshot(&runlog.Snapshot{Step: 7, Batch: &runlog.Batch{ID: "a", Rate: 16000}}, make([]int16, 5000))
			m := mirror(t, dir, options(t, shell))
			if filepath.Base(m.Dir()) != filepath.Base(dir) {
				t.Errorf("the copy is %s", m.Dir())
			}
			r, err := runlog.Open(m.Dir())
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			untilSame(t, m, dir)
			record(w, 10_000, 10_100)
			w.Event(runlog.Event{Kind: runlog.Alert, Message: "hello"})
			untilSame(t, m, dir)
			if _, _, err := r.Poll(runlog.Budget{}); err != nil {
				t.Fatal(err)
			}
			if steps, _ := r.Series("train/loss"); len(steps) != 10_100 || r.Damage() != (runlog.Damage{}) || r.Generation() != 0 {
				t.Errorf("%d points, damage %+v, generation %d", len(steps), r.Damage(), r.Generation())
			}
			sample := "samples/update-00000007.wav"
			until(t, m, "audio is copied", func() bool { return same(m, dir, sample) })
			if s := r.Snapshots(runlog.BatchSnapshot); len(s) != 1 {
				t.Errorf("%d snapshots", len(s))
			}
			if err := os.Remove(filepath.Join(dir, sample)); err != nil {
				t.Fatal(err)
			}
			until(t, m, "audio is removed", func() bool {
				_, err := os.Stat(filepath.Join(m.Dir(), sample))
				return err != nil
			})

			want, err := m.Ask(runlog.Pause)
			if err != nil {
				t.Fatal(err)
			}
			var got []runlog.Request
			until(t, m, "the request arrives", func() bool { got = w.Requests(); return got != nil })
			if len(got) != 1 || got[0].ID != want.ID || got[0].Command != runlog.Pause {
				t.Errorf("requests %+v, want %+v", got, want)
			}
			if err := m.Err(); err != nil || m.Behind() != 0 {
				t.Errorf("%v, %d bytes behind", err, m.Behind())
			}
			w.Close(runlog.Finished, "")
			untilSame(t, m, dir)
			if _, err := m.Ask(runlog.Pause); err == nil || !strings.Contains(err.Error(), "is finished") {
				t.Errorf("asked a run that has ended: %v", err)
			}
		})
	}
}

// A run that is begun anew in the same place replaces the copy; so do other files of the same or a larger size.
func TestReplaced(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	w := create(t, dir)
	record(w, 0, 100)
	m := mirror(t, dir, options(t, oneShell(t)))
	untilSame(t, m, dir)
	r, err := runlog.Open(m.Dir())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	points := func() int {
		if _, _, err := r.Poll(runlog.Budget{}); err != nil {
			t.Fatal(err)
		}
		steps, _ := r.Series("train/loss")
		return len(steps)
	}
	if points() != 100 {
		t.Fatalf("%d points", points())
	}
	w.Close(runlog.Stopped, "")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	until(t, m, "the loss of the directory is told", func() bool { return errors.Is(m.Err(), errGone) })
	w = create(t, dir)
	record(w, 0, 30)
	untilSame(t, m, dir)
	until(t, m, "the connection is well", func() bool { return m.Err() == nil })
	if points() != 30 || r.Generation() != 1 {
		t.Errorf("%d points, generation %d", points(), r.Generation())
	}
	metrics := filepath.Join(dir, metricsFile)
	data, err := os.ReadFile(metrics)
	if err != nil {
		t.Fatal(err)
	}
	for i, change := range map[string][]byte{
		"cut":                   data[:len(data)/2],
		"longer, other content": []byte(strings.Repeat("x\n", len(data))),
		"in place":              append([]byte(strings.Repeat("y\n", len(data)-1)), data...),
	} {
		if err := os.WriteFile(metrics, change, 0o644); err != nil {
			t.Fatal(err)
		}
		until(t, m, i, func() bool { return same(m, dir, metricsFile) })
	}
	if err := os.WriteFile(metrics+".new", data, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(metrics+".new", metrics); err != nil {
		t.Fatal(err)
	}
	until(t, m, "another file of the same name", func() bool { return same(m, dir, metricsFile) })
}

// A connection that is lost is made again, and what is there already is not copied twice.
func TestReconnects(t *testing.T) {
	dir, bin := filepath.Join(t.TempDir(), "run"), t.TempDir()
	w := create(t, dir)
	record(w, 0, 1000)
	off, pids, asked := filepath.Join(bin, "off"), filepath.Join(bin, "pids"), filepath.Join(bin, "asked")
	// The shell on the other host counts the bytes that it is asked for: dd is wrapped.
	wrap := "#!/bin/sh\nexec /bin/dd \"$@\" | tee -a " + asked + "\n"
	if err := os.WriteFile(filepath.Join(bin, "dd"), []byte(wrap), 0o755); err != nil {
		t.Fatal(err)
	}
	shell := []string{"sh", "-c", "echo Last login: never; if [ -e " + off + " ]; then echo no route to host >&2; exit 255; fi; echo $$ >>" + pids +
		"; PATH=" + bin + ":$PATH; exec sh"}
	o := options(t, shell)
	m := mirror(t, dir, o)
	untilSame(t, m, dir)
	before, err := os.Stat(filepath.Join(m.Dir(), metricsFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(off, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	kill := func() {
		data, err := os.ReadFile(pids)
		if err != nil {
			t.Fatal(err)
		}
		list := strings.Fields(string(data))
		if err := exec.Command("sh", "-c", "kill -9 "+list[len(list)-1]).Run(); err != nil {
			t.Fatal(err)
		}
	}
	kill()
	until(t, m, "the error is told", func() bool { return m.Err() != nil && strings.Contains(m.Err().Error(), "no route to host") })
	if _, err := m.Ask(runlog.Pause); err == nil || !strings.Contains(err.Error(), "no route to host") {
		t.Errorf("asked without a connection: %v", err)
	}
	record(w, 1000, 1010)
	if err := os.Remove(off); err != nil {
		t.Fatal(err)
	}
	untilSame(t, m, dir)
	after, err := os.Stat(filepath.Join(m.Dir(), metricsFile))
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("the copy was begun anew: %v", err)
	}
	m.Close()
	if err := m.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	if _, err := m.Ask(runlog.Pause); err == nil {
		t.Error("asked through a closed mirror")
	}
	// Another mirror goes on with the copy that is there.
	first, err := os.Stat(asked)
	if err != nil {
		t.Fatal(err)
	}
	again := mirror(t, dir, o)
	untilSame(t, again, dir)
	second, err := os.Stat(asked)
	if err != nil || again.Dir() != m.Dir() || second.Size()-first.Size() > 8*2*block {
		t.Errorf("the second time in %s, %d bytes; the first in %s, %d bytes; %v", again.Dir(), second.Size()-first.Size(), m.Dir(), first.Size(), err)
	}
	// A third one at the same time has a copy of its own.
	third := mirror(t, dir, o)
	if third.Dir() == again.Dir() {
		t.Errorf("two write %s", third.Dir())
	}
	untilSame(t, third, dir)
}

// A host that says nothing more is given up.
func TestHangs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	create(t, dir)
	hung := filepath.Join(t.TempDir(), "hung")
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "ls"), []byte("#!/bin/sh\nn=0; while [ -e "+hung+" ] && [ $n -lt 300 ]; do n=$((n+1)); sleep 0.1; done\nexec /bin/ls \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	o := options(t, []string{"sh", "-c", "PATH=" + bin + ":$PATH; exec sh"})
	o.Quiet = 500 * time.Millisecond
	m := mirror(t, dir, o)
	if err := os.WriteFile(hung, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	until(t, m, "the silence is told", func() bool { return m.Err() != nil && strings.Contains(m.Err().Error(), "no answer") })
	if err := os.Remove(hung); err != nil {
		t.Fatal(err)
	}
	until(t, m, "it is well again", func() bool { return m.Err() == nil })
}

func TestOpenRefuses(t *testing.T) {
	shell := oneShell(t)
	for spec, says := range map[string]string{
		"-oProxyCommand=touch x:run": "bad host",
		"-oProxyCommand=x@host:run":  "bad host",
		"ann@-oProxyCommand=x:run":   "bad host",
		"ann@-host:run":              "bad host",
		"-l@host:run":                "bad host",
		"a b:run":                    "bad host",
		"$(touch x):run":             "bad host",
		"host;x:run":                 "bad host",
		"ann@host@other:run":         "bad host",
		"host":                       "does not name",
		":run":                       "does not name",
		"[::1:run":                   "does not name",
		"host:":                      "names no run",
		"host:a\nb":                  "control characters",
		"host:~bob/run":              "another user",
	} {
		if m, err := Open(context.Background(), spec, options(t, shell)); err == nil {
			m.Close()
			t.Errorf("%q: opened", spec)
		} else if !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", spec, err, says)
		}
	}
	o := options(t, shell)
	if _, err := Open(context.Background(), "host:"+t.TempDir(), o); !errors.Is(err, runlog.ErrNotRun) {
		t.Errorf("an empty directory: %v", err)
	}
	if _, err := Open(context.Background(), "host:"+filepath.Join(t.TempDir(), "none"), o); !errors.Is(err, errGone) {
		t.Errorf("no directory: %v", err)
	}
	o.Command = []string{"sh", "-c", "echo 'Permission denied (publickey).' >&2; exit 255"}
	if _, err := Open(context.Background(), "host:run", o); err == nil || !strings.Contains(err.Error(), "Permission denied") {
		t.Errorf("no way in: %v", err)
	}
	o.Command = []string{filepath.Join(t.TempDir(), "no-ssh")}
	if _, err := Open(context.Background(), "host:run", o); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no ssh: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Open(ctx, "host:run", options(t, shell)); err == nil {
		t.Error("opened after the end of its context")
	}
}

// A relative path, and one that begins with ~, begin in the home directory; one that looks like an option is none.
func TestHome(t *testing.T) {
	home := t.TempDir()
	shell := []string{"sh", "-c", "HOME=" + quote(home) + "; export HOME; cd; exec sh"}
	for _, c := range []struct{ below, spec string }{{"-P", "-P"}, {"a/b c", "a/b c"}, {"a/d", "~/a/d"}, {"a/e", "~/x/../a/e"}} {
		dir := filepath.Join(home, c.below)
		create(t, dir)
		if err := os.MkdirAll(filepath.Join(home, "x"), 0o755); err != nil {
			t.Fatal(err)
		}
		m := mirror(t, c.spec, options(t, shell))
		untilSame(t, m, dir)
		m.Close()
	}
}

func TestIsRemote(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("local:file", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for arg, want := range map[string]bool{"ann@host:runs/x": true, "host:~/x": true, "[fe80::1%eth0]:x": true, "runs/x": false, "runs/a:b": false, "local:file": false, ":x": false} {
		if got := IsRemote(arg); got != want {
			t.Errorf("%q: %v", arg, got)
		}
	}
}

// Copies that nobody opened for a month are removed, those in use are not.
func TestForgotten(t *testing.T) {
	cache := t.TempDir()
	old := time.Now().Add(-forgottenAfter - time.Hour)
	age := func(c *localCopy) {
		if err := os.Chtimes(c.lock.Name(), old, old); err != nil {
			t.Fatal(err)
		}
	}
	copies := map[string]*localCopy{}
	for _, name := range []string{"closed", "open", "young"} {
		c, err := openCopy(cache, "host", name)
		if err != nil {
			t.Fatal(err)
		}
		copies[name] = c
	}
	age(copies["closed"])
	age(copies["open"])
	copies["closed"].close()
	copies["young"].close()
	c, err := openCopy(cache, "host", "another")
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	defer copies["open"].close()
	for name, c := range copies {
		if _, err := os.Stat(c.dir); (err == nil) != (name != "closed") {
			t.Errorf("the copy %s: %v", name, err)
		}
	}
}

// FuzzList: no answer makes the parser panic, and no name leaves the directory.
func FuzzList(f *testing.F) {
	f.Add([]byte("run\n1838 -rw-r--r-- 1 0 0 2345 Nov 28 13:19 metrics.jsonl\nstate\n{}\n"))
	f.Add([]byte("run\n12 -rw-r--r-- 1 0 0 9 Nov 28 13:19 samples/update-00000001.wav\n13 prw-r--r-- 1 0 0 9 Nov 28 13:19 lock\nstate\n"))
	f.Add([]byte("gone\n"))
	f.Fuzz(func(t *testing.T, out []byte) {
		files, _, err := parseList(out)
		for name, r := range files {
			if err != nil || r.size < 0 {
				t.Fatalf("%q %+v, %v", name, r, err)
			}
			if sampleName.MatchString(name) && (filepath.Dir(name) != "samples" || step(name) < 0) {
				t.Fatalf("audio %q", name)
			}
		}
	})
}

// BenchmarkRound is what a round costs when nothing is new.
func BenchmarkRound(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "run")
	w, err := runlog.Create(dir, runlog.Meta{}, runlog.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close(runlog.Stopped, "")
	record(w, 0, 1000)
	m, err := Open(context.Background(), "host:"+dir, Options{Command: []string{"sh", "-c", "exec sh"}, Cache: b.TempDir(), Every: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	c, err := m.connect(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	defer c.session.close()
	for b.Loop() {
		if _, err := m.round(c); err != nil {
			b.Fatal(err)
		}
	}
}
