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

// A run that is stopped by a signal, or killed, and continued must end with the bits of one that never stopped.
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
		signal syscall.Signal
		code   int // -1: killed
		status string
	}{
		"interrupted": {syscall.SIGINT, exitStopped, "stopped"},
		"warned":      {syscall.SIGUSR1, exitStopped, "stopped"},
		"killed":      {syscall.SIGKILL, -1, ""},
	} {
		p := start(t, "update ", args(name)...)
		if err := p.Process.Signal(c.signal); err != nil {
			t.Fatal(err)
		}
		p.Wait()
		if code := p.ProcessState.ExitCode(); code != c.code {
			t.Errorf("%s: exit code %d, want %d", name, code, c.code)
		}
		out, _ := call(t, exitDone, "runs", root)
		for line := range strings.Lines(out) {
			if strings.Contains(line, name) && (strings.Contains(line, "finished") || !strings.Contains(line, c.status)) {
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
