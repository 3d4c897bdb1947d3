package tui

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aural/runlog"
	"aural/tui/screen"
)

func TestRemoteSpec(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("a:b", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]string{"ssh://node7/runs/a": "node7:/runs/a", "ssh://me@node7/~/runs/a": "me@node7:runs/a", "node7:runs/a": "node7:runs/a", "me@h:/a": "me@h:/a",
		"ssh://[::1]/a": "[::1]:/a"} {
		if spec, ok, err := remoteSpec(target); !ok || err != nil || spec != want {
			t.Errorf("%s: %q %v %v, want %q", target, spec, ok, err, want)
		}
	}
	for _, target := range []string{"runs/a", "./a:b", "a:b", "/x:y", "."} {
		if _, ok, err := remoteSpec(target); ok || err != nil {
			t.Errorf("%s is remote (%v)", target, err)
		}
	}
	for _, target := range []string{"ssh://", "ssh://host", "ssh://host/", "ssh://host:22/a", "ssh:///a"} {
		if _, _, err := remoteSpec(target); err == nil {
			t.Errorf("%s is no error", target)
		}
	}
}

// What another program logged is compared like a run, but has no state and nobody to ask.
func TestImported(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "20260314-1200-mine")
	w, err := runlog.Create(dir, runlog.Meta{TotalSteps: 10}, runlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for step := int64(1); step <= 3; step++ {
		w.Record(&runlog.Record{Step: step, Time: time.Now(), Kind: runlog.Train, Values: []runlog.Value{{Name: "accuracy", Value: 0.25 * float64(step)}}})
	}
	if err := w.Close(runlog.Finished, ""); err != nil {
		t.Fatal(err)
	}
	m, closeRuns, err := openModel(context.Background(), screen.Terminal{}, []string{filepath.Join(dir, "tb"), dir}, Options{now: time.Now, Screen: runsScreen + 1})
	if err != nil {
		t.Fatal(err)
	}
	defer closeRuns()
	if err := m.load(); err != nil {
		t.Fatal(err)
	}
	r := m.runs[0]
	if v, ok := r.last("train/accuracy"); !ok || v != 0.75 || r.latest.status != importedStatus || r.updates() != 3 || r.name != "tb" {
		t.Errorf("%s: %v %v, %s, update %d", r.name, v, ok, r.latest.status, r.updates())
	}
	m.width, m.height = 100, 30
	if v := m.View(); !strings.Contains(v, "imported") || !strings.Contains(v, "75") {
		t.Errorf("the screen does not show it:\n%s", v)
	}
	press(m, "X")
	if m.prompt != nil || !strings.Contains(m.notice, "nobody to ask") {
		t.Errorf("asked: %q", m.notice)
	}
	if msg := r.source.poll(); len(msg.changes) > 0 || msg.state.Step != 3 {
		t.Errorf("a second poll: %d changes, update %d", len(msg.changes), msg.state.Step)
	}
	// One file alone is good too, and a folder with neither is an error.
	files, _ := filepath.Glob(filepath.Join(dir, "tb", "*"))
	if _, _, err := openTargets(context.Background(), files, Options{now: time.Now}); err != nil || len(files) == 0 {
		t.Errorf("%q: %v", files, err)
	}
	if _, _, err := openTargets(context.Background(), []string{filepath.Join(dir, "config.yaml")}, Options{now: time.Now}); err == nil {
		t.Error("a file without events was opened")
	}
}

// A run on another host, which a local shell plays, is followed, and asked through the connection.
func TestRemote(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("SKIPPED, no POSIX shell is here")
	}
	w := liveRun(t)
	record(w, 1, 0.5)
	o := Options{now: time.Now, Remote: []string{sh, "-c", "exec sh"}, Cache: t.TempDir()}
	m, closeRuns, err := openModel(context.Background(), screen.Terminal{}, []string{"ann@host:" + w.Dir()}, o)
	if err != nil {
		t.Fatal(err)
	}
	defer closeRuns()
	if err := m.load(); err != nil {
		t.Fatal(err)
	}
	r := m.run()
	if v, ok := r.last("train/accuracy"); !ok || v != 0.5 || r.name != "live" || !r.live() {
		t.Fatalf("%s: %v %v, %s", r.name, v, ok, r.latest.status)
	}
	deliver(t, m, "P", "y")
	if m.bad || !strings.Contains(m.notice, "asked the trainer of live: pause") {
		t.Fatalf("notice %q", m.notice)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if list := w.Requests(); len(list) == 1 && list[0].Command == runlog.Pause {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the request has not come")
		}
	}
	if got := m.figureName(); strings.ContainsAny(got, "/:") {
		t.Errorf("a figure of it goes to %s", got)
	}
	if _, _, err := openTargets(context.Background(), []string{"host:/not/there"}, o); err == nil {
		t.Error("a run that is not there was opened")
	}
}
