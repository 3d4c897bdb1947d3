package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"aural/recipes"
	"aural/runlog"
	"aural/train"
)

// targetFlags say which run is meant and with what it is trained.
type targetFlags struct {
	recipe          string
	sets            []string
	run, root, name string
	resume          string
	force           bool
}

// target is the run to train.
type target struct {
	title  string // of the recipe, for people
	name   string // of a new run
	dir    string // "" for a new run that still needs a directory
	begun  bool   // the directory holds a run
	from   *train.Checkpoint
	force  bool
	sets   []string
	change []string // settings that differ from those that the run was begun with
}

// Files of a run that a resume reads, as runlog writes them.
const (
	configFile = "config.yaml"
	envFile    = "env.json"
)

// autoResume begins anew when there is nothing to continue.
const autoResume = "auto"

// findTarget finds out which run is to be trained, from which checkpoint, and with which recipe.
func findTarget[R recipes.Recipe](k recipes.Kind[R], f targetFlags) (*target, R, error) {
	t := &target{dir: f.run, name: f.name, force: f.force, sets: f.sets}
	var r R
	if f.resume == "" {
		if f.force {
			return nil, r, usagef("--resume-force needs --resume")
		}
	} else if err := t.find(f); err != nil {
		return nil, r, err
	}
	r, err := choose(t, k, f)
	if err != nil {
		return nil, r, err
	}
	if t.name == "" {
		t.name = nameOf(f.recipe)
	}
	return t, r, nil
}

// find looks for the run and the checkpoint to continue.
func (t *target) find(f targetFlags) error {
	if t.dir == "" {
		dir, err := newestRun(f)
		if err != nil || dir == "" {
			return err
		}
		t.dir = dir
	}
	_, err := runlog.ReadState(t.dir)
	switch {
	case err == nil:
		t.begun = true
	case errors.Is(err, fs.ErrNotExist) && f.resume == autoResume:
		return nil
	default:
		return fmt.Errorf("resume: %s is no run: %w", t.dir, err)
	}
	t.from, err = train.Find(t.dir, f.resume)
	if errors.Is(err, train.ErrNoCheckpoint) && f.resume == autoResume {
		return nil // it ended before its first checkpoint
	}
	return err
}

// newestRun is the directory of the newest run with the name asked for, "" if there is none and that is no error.
func newestRun(f targetFlags) (string, error) {
	name := f.name
	if name == "" {
		name = nameOf(f.recipe)
	}
	if f.recipe == "" && f.name == "" {
		return "", usagef("--resume needs --run, --name or --recipe to know which run to continue")
	}
	runs, err := runlog.Runs(f.root)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	for _, r := range runs {
		if r.Name == name && r.Err == nil {
			return r.Dir, nil
		}
	}
	if f.resume == autoResume {
		return "", nil
	}
	return "", fmt.Errorf("resume: there is no run called %s in %s", name, f.root)
}

// choose reads the recipe: that of the run if it is continued and no other is asked for.
func choose[R recipes.Recipe](t *target, k recipes.Kind[R], f targetFlags) (r R, err error) {
	config := filepath.Join(t.dir, configFile)
	t.title = f.recipe
	switch {
	case f.recipe != "":
		r, err = k.Load(f.recipe, f.sets)
	case t.begun:
		t.title = config
		r, err = k.Load(config, f.sets)
	default:
		return r, usagef("a new run needs --recipe: %s, or a .yaml file", strings.Join(k.Names(), ", "))
	}
	if err != nil {
		return r, usage(err)
	}
	if len(f.sets) > 0 {
		t.title += fmt.Sprintf(" with %s", plural(len(f.sets), "override"))
	}
	return r, nil
}

// compare holds the recipe against that of the run that is continued.
func compare[R recipes.Recipe](t *target, k recipes.Kind[R], r R) error {
	if !t.begun {
		return nil
	}
	was, err := k.Load(filepath.Join(t.dir, configFile), nil)
	if err != nil {
		return fmt.Errorf("resume %s: %w", t.dir, err)
	}
	if t.change = recipes.Diff(was, r); len(t.change) > 0 && !t.force {
		return fmt.Errorf("resume: %s was begun with another recipe:\n  %s\nleave the recipe out to continue with that of the run, or give --resume-force",
			t.dir, strings.Join(t.change, "\n  "))
	}
	return nil
}

// checkData refuses to continue a run on other data than it was begun with.
func (t *target) checkData(fingerprint string) error {
	if !t.begun {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(t.dir, envFile))
	if err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	var env runlog.Env
	if err := json.Unmarshal(text, &env); err != nil {
		return fmt.Errorf("resume: %s: %w", filepath.Join(t.dir, envFile), err)
	}
	if env.Dataset != fingerprint && !t.force {
		return fmt.Errorf("resume: %s was trained on a store with fingerprint %.12s, this one has %.12s: give the same store, or --resume-force",
			t.dir, env.Dataset, fingerprint)
	}
	return nil
}
