// Package sweep measures label efficiency: a plan of fine-tuning runs over subsets of the labels, modes and seeds; the file of their results, which grows cell by
// cell; and the table of both. It trains nothing itself.
package sweep

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"aural/finetune"
	"aural/internal/atomicfile"
	"aural/internal/filelock"
)

// Version is that of the files of a sweep.
const Version = 1

// Files of a sweep's folder.
const (
	PlanFile    = "plan.json"
	ResultsFile = "results.jsonl"
	LockFile    = "lock"  // held by the process that works on the sweep
	CellsDir    = "cells" // one run a cell
)

// Subset is an amount of labelled audio.
type Subset struct {
	Name    string  `json:"name"`    // as it was asked for: 10m, all
	Seconds float64 `json:"seconds"` // 0: everything
}

// Cell is one run of a sweep.
type Cell struct {
	Subset string        `json:"subset"`
	Mode   finetune.Mode `json:"mode"`
	Seed   uint64        `json:"seed"`
}

// Name is the cell in one word, and the name of its run.
func (c Cell) Name() string { return fmt.Sprintf("%s-%s-%d", c.Subset, c.Mode, c.Seed) }

// Plan is everything that determines a sweep.
type Plan struct {
	Version int             `json:"version"`
	Subsets []Subset        `json:"subsets"`
	Modes   []finetune.Mode `json:"modes"`
	Seeds   []uint64        `json:"seeds"`
	// Settings are those of the recipe by their dotted names, with the overrides for all cells. Sets are overrides for some, as MODE:PATH=VALUE or SUBSET:PATH=VALUE.
	Settings map[string]string `json:"settings"`
	Sets     []string          `json:"sets"`
	Train    string            `json:"train"` // fingerprint of the store with the labels
	Test     string            `json:"test"`  // of the one that is measured on
	Init     string            `json:"init"`  // SHA-256 of the weights that frozen and full begin from; empty: none
}

// Validate reports what cannot be a plan.
func (p Plan) Validate() error {
	if p.Version != Version {
		return fmt.Errorf("sweep: plan of version %d, this program reads %d", p.Version, Version)
	}
	if len(p.Subsets) == 0 || len(p.Modes) == 0 || len(p.Seeds) == 0 {
		return fmt.Errorf("sweep: %d subsets, %d modes and %d seeds: want at least one of each", len(p.Subsets), len(p.Modes), len(p.Seeds))
	}
	names := map[string]bool{}
	for _, s := range p.Subsets {
		if s.Name == "" || strings.Trim(s.Name, "abcdefghijklmnopqrstuvwxyz0123456789.") != "" || s.Name[0] == '.' {
			return fmt.Errorf("sweep: subset %q: want a time such as 30s, 10m or 1h, or all", s.Name)
		}
		if names[s.Name] {
			return fmt.Errorf("sweep: subset %s is there twice", s.Name)
		}
		if !(s.Seconds >= 0) {
			return fmt.Errorf("sweep: subset %s has %v seconds", s.Name, s.Seconds)
		}
		names[s.Name] = true
	}
	for i, m := range p.Modes {
		if !slices.Contains(finetune.Modes(), m) {
			return fmt.Errorf("sweep: mode %q is not %s, %s or %s", m, finetune.Scratch, finetune.Frozen, finetune.Full)
		}
		if slices.Contains(p.Modes[:i], m) {
			return fmt.Errorf("sweep: mode %s is there twice", m)
		}
	}
	return nil
}

// Cells lists the runs: the smallest subset first as given, all seeds of a mode together, so that a sweep that is looked at early has whole rows.
func (p Plan) Cells() []Cell {
	var cells []Cell
	for _, s := range p.Subsets {
		for _, m := range p.Modes {
			for _, seed := range p.Seeds {
				cells = append(cells, Cell{s.Name, m, seed})
			}
		}
	}
	return cells
}

// Seconds is the length of a subset of the plan.
func (p Plan) Seconds(name string) float64 {
	for _, s := range p.Subsets {
		if s.Name == name {
			return s.Seconds
		}
	}
	return 0
}

// SetsOf are the overrides that hold for a cell, without what they were meant for.
func (p Plan) SetsOf(c Cell) []string {
	var sets []string
	for _, s := range p.Sets {
		if who, set, ok := Scoped(s); ok && (who == c.Subset || who == string(c.Mode)) {
			sets = append(sets, set)
		}
	}
	return sets
}

// Scoped splits an override MODE:PATH=VALUE or SUBSET:PATH=VALUE. ok is false for one that holds everywhere.
func Scoped(set string) (who, rest string, ok bool) {
	path, _, _ := strings.Cut(set, "=")
	if who, _, ok = strings.Cut(path, ":"); !ok {
		return "", set, false
	}
	return who, set[len(who)+1:], true
}

// Diff lists what a new plan changes about the cells of p, for people: nothing when every cell of p is one of the new plan and the same run there. More subsets,
// modes and seeds are no difference.
func (p Plan) Diff(now Plan) []string {
	var d []string
	add := func(what, was, is string) {
		if was != is {
			d = append(d, fmt.Sprintf("%s: %s -> %s", what, cmp.Or(was, "none"), cmp.Or(is, "none")))
		}
	}
	for _, s := range p.Subsets {
		if !slices.Contains(now.Subsets, s) {
			add("subset", s.Name, "none")
		}
	}
	for _, m := range p.Modes {
		if !slices.Contains(now.Modes, m) {
			add("mode", string(m), "none")
		}
	}
	for _, s := range p.Seeds {
		if !slices.Contains(now.Seeds, s) {
			add("seed", fmt.Sprint(s), "none")
		}
	}
	add("train store", short(p.Train), short(now.Train))
	add("test store", short(p.Test), short(now.Test))
	if p.Init != "" || !slices.Equal(p.Modes, []finetune.Mode{finetune.Scratch}) {
		add("weights of --init", short(p.Init), short(now.Init))
	}
	all := map[string]string{}
	maps.Copy(all, p.Settings)
	maps.Copy(all, now.Settings)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		add(name, p.Settings[name], now.Settings[name])
	}
	for _, s := range p.Subsets {
		for _, m := range p.Modes {
			c := Cell{Subset: s.Name, Mode: m}
			add(fmt.Sprintf("settings of %s %s", s.Name, m), strings.Join(p.SetsOf(c), ", "), strings.Join(now.SetsOf(c), ", "))
		}
	}
	return d
}

// short is the beginning of a checksum.
func short(sum string) string { return sum[:min(12, len(sum))] }

// ErrChanged is wrapped when a folder holds another sweep than the one asked for.
var ErrChanged = errors.New("another plan")

// Begin makes dir the folder of a sweep, or finds that it is one already whose cells all are in the plan. Otherwise it returns an error that wraps ErrChanged.
//
// Only one process at a time has the folder: until release, or its end.
func Begin(dir string, p Plan) (release func() error, err error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, CellsDir), 0o755); err != nil {
		return nil, fmt.Errorf("sweep: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, LockFile), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("sweep: %w", err)
	}
	held, err := filelock.Try(lock)
	if err == nil && !held {
		err = fmt.Errorf("sweep: another process works on %s: wait for it, or give another --out", dir)
	}
	if err == nil {
		err = begin(dir, p)
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock.Close, nil
}

func begin(dir string, p Plan) error {
	was, err := ReadPlan(dir)
	if err == nil {
		if d := was.Diff(p); len(d) > 0 {
			return fmt.Errorf("sweep: %s was begun with %w:\n  %s\nchange that back, or give another --out", dir, ErrChanged, strings.Join(d, "\n  "))
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	return atomicfile.Write(filepath.Join(dir, PlanFile), append(text, '\n'), 0o644)
}

// ReadPlan reads the plan of a folder. A folder without one gives an error that wraps fs.ErrNotExist.
func ReadPlan(dir string) (Plan, error) {
	var p Plan
	text, err := readLimited(filepath.Join(dir, PlanFile))
	if err != nil {
		return p, fmt.Errorf("sweep: %w", err)
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return p, fmt.Errorf("sweep: %s: %w", filepath.Join(dir, PlanFile), err)
	}
	return p, p.Validate()
}
