//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// person is somebody at a terminal: keys go into tmux, and what its screen shows is read.
type person struct {
	t      *testing.T
	socket string
	window string
}

// sitDown starts a terminal of 120 by 36 with this program in it.
func sitDown(t *testing.T, dir string, args ...string) *person {
	t.Helper()
	p := &person{t: t, socket: filepath.Join(dir, "tmux"), window: "training"}
	command := fmt.Sprintf("%s=1 %s", runVariable, quoteArgs(append([]string{os.Args[0]}, args...)))
	p.tmux("-f", os.DevNull, "-u", "new-session", "-d", "-x", "120", "-y", "36", "-n", p.window, "sh")
	p.tmux("set-option", "-g", "remain-on-exit", "on")
	t.Cleanup(func() { exec.Command("tmux", "-S", p.socket, "kill-server").Run() })
	p.typeIn(command + "; echo left with code $?")
	p.keys("Enter")
	return p
}

// another opens a second window with this program in it.
func (p *person) another(args ...string) *person {
	p.t.Helper()
	q := &person{t: p.t, socket: p.socket, window: "view"}
	p.tmux("new-window", "-d", "-n", q.window, "sh")
	q.typeIn(fmt.Sprintf("%s=1 %s; echo left with code $?", runVariable, quoteArgs(append([]string{os.Args[0]}, args...))))
	q.keys("Enter")
	return q
}

func quoteArgs(args []string) string {
	var out []string
	for _, a := range args {
		out = append(out, "'"+strings.ReplaceAll(a, "'", `'\''`)+"'")
	}
	return strings.Join(out, " ")
}

func (p *person) tmux(args ...string) string {
	p.t.Helper()
	c := exec.Command("tmux", append([]string{"-S", p.socket}, args...)...)
	c.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TMUX=")
	out, err := c.CombinedOutput()
	if err != nil {
		p.t.Fatalf("tmux %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (p *person) keys(keys ...string) {
	p.t.Helper()
	p.tmux(append([]string{"send-keys", "-t", p.window}, keys...)...)
}

func (p *person) typeIn(text string) {
	p.t.Helper()
	p.tmux("send-keys", "-t", p.window, "-l", text)
}

func (p *person) screen() string { return p.tmux("capture-pane", "-p", "-t", p.window) }

// sees waits until the screen shows all of some texts.
func (p *person) sees(texts ...string) string {
	p.t.Helper()
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		screen, missing := p.screen(), ""
		for _, text := range texts {
			if !strings.Contains(screen, text) {
				missing = text
			}
		}
		if missing == "" {
			return screen
		}
		if time.Now().After(end) {
			p.t.Fatalf("the screen does not show %q:\n%s", missing, screen)
		}
	}
}

// A person watches a run from its own terminal and from another one, and stops it. What comes out is, bit for bit, what comes
// out of a run that nobody watched.
func TestWatched(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for some seconds")
	}
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("SKIPPED: this test needs tmux, which is not installed")
	}
	store := newStore(t)
	base := filepath.Dir(store)
	args := func(name string) []string {
		return []string{"pretrain", "--recipe", micro, "--data", store, "--run", filepath.Join(base, "runs", name), "--resume", "auto", "--threads", "1",
			"--set", "train.max_updates=600", "--set", "train.accumulate=2", "--set", "train.log_every=2", "--set", "train.valid_every=200", "--set", "train.save_every=300"}
	}
	dir := filepath.Join(base, "runs", "watched")
	p := sitDown(t, base, args("watched")...)
	p.sees("● running", "of 600", "contrastive loss, nats  train")
	p.keys("P")
	p.sees("pause the training of watched? (y/n)")
	p.keys("y")
	p.sees("paused")

	for i, text := range []string{"learning rate", "feature penalty", "codebook", "masks", "audio", "waiting for data", "memory, ", "findings 0", "settings: "} {
		p.keys(strconv.Itoa(i + 1))
		p.sees(text)
	}
	before := p.screen()
	p.keys("1", "+", "+", "m")
	if screen := p.sees("learning rate", "m cursor"); screen == before {
		t.Errorf("zoom and cursor change nothing:\n%s", screen)
	}
	p.keys("2", "/")
	p.typeIn("^grad")
	p.keys("Enter")
	if screen := p.sees("gradient norm", "filter ^grad"); strings.Contains(screen, "feature penalty") {
		t.Errorf("the filter hides nothing:\n%s", screen)
	}
	figure := filepath.Join(base, "seen.svg")
	p.keys("e", "C-u")
	p.typeIn(figure + "+csv")
	p.keys("Enter")
	p.sees("wrote " + figure)
	has(t, read(t, figure), "<svg", "gradient norm")
	has(t, read(t, strings.TrimSuffix(figure, ".svg")+".csv"), "train/gradient_norm")
	p.keys("q")
	p.sees("left the view; the training goes on")

	q := p.another("top", dir)
	q.sees("paused")
	q.keys("P")
	q.sees("go on?")
	q.keys("y")
	q.sees("● running")
	q.keys("X")
	q.sees("save watched and stop its training?")
	q.keys("y")
	q.sees("■ stopped")
	q.keys("q")
	q.sees("left with code 0")
	p.sees(fmt.Sprintf("left with code %d", exitStopped), "stopped early")

	out, _ := call(t, exitDone, "top", dir, "--once", "--plain")
	has(t, out, "Status: stopped")
	_, msg := call(t, exitDone, args("watched")...)
	has(t, msg, "continuing from")
	call(t, exitDone, args("alone")...)
	if read(t, dir, "last", "model.safetensors") != read(t, base, "runs", "alone", "last", "model.safetensors") {
		t.Error("the run that was watched, paused, stopped and continued differs from the one that was left alone")
	}
}
