//go:build unix

package main

import (
	"path/filepath"
	"syscall"
	"testing"
)

// A sweep that is killed or stopped in the middle of a cell and started again ends with the bits of one that never stopped.
func TestSweepSignals(t *testing.T) {
	store := transcribedStore(t)
	root := filepath.Dir(store)
	args := func(name string) []string {
		return []string{"sweep", "--recipe", microTune, "--data", store, "--test", store, "--out", filepath.Join(root, name), "--subsets", "8s,all", "--modes", "scratch",
			"--seeds", "1", "--threads", "1", "--plain", "--set", "train.max_updates=60", "--set", "train.valid_every=0", "--set", "train.save_every=10"}
	}
	call(t, exitDone, args("whole")...)
	want := map[string]string{}
	for _, cell := range []string{"8s-scratch-1", "all-scratch-1"} {
		want[cell] = read(t, root, "whole", "cells", cell, "last", "model.safetensors")
	}
	for name, c := range map[string]struct {
		signal syscall.Signal
		at     string // line after which it comes
		code   int    // -1: killed
	}{
		"killed":      {syscall.SIGKILL, "cell 2/2 ", -1},
		"between":     {syscall.SIGKILL, "8s-scratch-1: WER ", -1},
		"interrupted": {syscall.SIGINT, "cell 1/2 ", exitStopped},
	} {
		p := start(t, c.at, args(name)...)
		if err := p.Process.Signal(c.signal); err != nil {
			t.Fatal(err)
		}
		p.Wait()
		if code := p.ProcessState.ExitCode(); code != c.code {
			t.Errorf("%s: exit code %d, want %d", name, code, c.code)
		}
		call(t, exitDone, args(name)...)
		for cell, model := range want {
			if read(t, root, name, "cells", cell, "last", "model.safetensors") != model {
				t.Errorf("%s: cell %s differs from that of the whole sweep", name, cell)
			}
		}
	}
}
