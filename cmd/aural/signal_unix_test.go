//go:build unix

package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"aural/runlog"
)

// start runs the program as a process and returns when a line that begins with word has come from it.
func start(t *testing.T, word string, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.Command(os.Args[0], args...)
	c.Env = append(os.Environ(), runVariable+"=1")
	stderr, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill() })
	var all strings.Builder
	in := bufio.NewScanner(stderr)
	for in.Scan() {
		all.WriteString(in.Text() + "\n")
		if strings.HasPrefix(in.Text(), word) {
			go func() {
				for in.Scan() { // so that the process never waits for a reader
				}
			}()
			return c
		}
	}
	t.Fatalf("the program ended without a line %q:\n%s", word, &all)
	return nil
}

// paused asks a run to pause and waits until it does.
func paused(t *testing.T, dir string) {
	t.Helper()
	askRun(t, dir, runlog.Pause)
	for {
		s, err := runlog.ReadState(dir)
		if err != nil || s.Status != runlog.Running {
			t.Fatalf("the run did not pause: %+v, %v", s, err)
		}
		if s.Paused {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func askRun(t *testing.T, dir string, c runlog.Command) {
	t.Helper()
	if _, err := runlog.Ask(dir, c); err != nil {
		t.Fatal(err)
	}
}

// A run that is stopped by a signal or on request, also during a pause, or killed, and continued must end with the bits of one that never stopped.
func TestSignals(t *testing.T) {
	store := newStore(t)
	root := filepath.Join(filepath.Dir(store), "runs")
	dir := func(name string) string { return filepath.Join(root, name) }
	args := func(name string) []string {
		return []string{"pretrain", "--recipe", micro, "--data", store, "--run", dir(name), "--resume", "auto", "--threads", "1",
			"--set", "train.max_updates=150", "--set", "train.valid_every=0", "--set", "train.save_every=20"}
	}
	call(t, exitDone, args("whole")...)
	want := read(t, dir("whole"), "last", "model.safetensors")
	for name, c := range map[string]struct {
		paused bool
		signal syscall.Signal // 0: asked to stop
		code   int            // -1: killed
		status string
	}{
		"interrupted": {false, syscall.SIGINT, exitStopped, "stopped"},
		"warned":      {false, syscall.SIGUSR1, exitStopped, "stopped"},
		"killed":      {false, syscall.SIGKILL, -1, ""},
		"asked":       {false, 0, exitStopped, "stopped"},
		"hung-up":     {false, syscall.SIGHUP, exitDone, "finished"}, // the terminal closed
		"pause-ended": {true, syscall.SIGTERM, exitStopped, "stopped"},
	} {
		p := start(t, "update ", args(name)...)
		if c.paused {
			paused(t, dir(name))
		}
		if c.signal == 0 {
			askRun(t, dir(name), runlog.StopAndSave)
		} else if err := p.Process.Signal(c.signal); err != nil {
			t.Fatal(err)
		}
		p.Wait()
		if code := p.ProcessState.ExitCode(); code != c.code {
			t.Errorf("%s: exit code %d, want %d", name, code, c.code)
		}
		out, _ := call(t, exitDone, "runs", root)
		for line := range strings.Lines(out) {
			if strings.Contains(line, name) && (strings.Contains(line, "finished") && c.code != exitDone || !strings.Contains(line, c.status)) {
				t.Errorf("%s: after the signal the run is\n%s", name, line)
			}
		}
		_, msg := call(t, exitDone, args(name)...)
		if c.code == exitStopped {
			has(t, msg, "continuing from")
		}
		if read(t, dir(name), "last", "model.safetensors") != want {
			t.Errorf("%s: the continued run differs from the whole one", name)
		}
	}
}

// The binary starts, and its streams are the right ones.
func TestProcess(t *testing.T) {
	c := exec.Command(os.Args[0], "version")
	c.Env = append(os.Environ(), runVariable+"=1")
	out, err := c.Output()
	if err != nil || !strings.HasPrefix(string(out), "aural ") {
		t.Errorf("version: %q, %v", out, err)
	}
}
