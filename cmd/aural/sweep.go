package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"aural/finetune"
	"aural/recipes"
	"aural/sweep"
	"aural/train"

	"github.com/spf13/cobra"
)

type sweepFlags struct {
	recipe, data, test, init, out string
	subsets, modes                string
	seeds                         int
	sets                          []string
	machine                       machineFlags
	decoder                       *decoderFlags
	table, figure                 string
	dryRun, retry, plain          bool
	json, points                  bool
}

func (a *app) sweep() *cobra.Command {
	f := sweepFlags{decoder: &decoderFlags{}}
	c := a.command(&cobra.Command{
		Use:   "sweep --recipe RECIPE --data STORE --test STORE --init MODEL --out FOLDER",
		Short: "Fine-tune on subsets of the labels in all modes and compare",
		Long: `Sweep measures label efficiency: for each subset of the labels, mode and seed it makes a run of
"aural finetune", transcribes the --test store with the run's checkpoint, and prints the error rates
with their spread over seeds, and what pretraining is worth: the change against mode scratch.

A subset of n seconds is that of "aural data subset": of one seed, the more seconds hold the fewer.
A seed gives the subset, the initial weights, the order and the noise, the same in all modes. The
measured checkpoint is the best by validation where the recipe holds out speech (valid.seconds,
labels that the subset does not count), else the last. It is read greedily, and with --lm, --lexicon
or --decoder by beam search too. A finished sweep may be run again with another decoder.

The folder holds plan.json, results.jsonl, the figure and, in cells/, the runs. The same command
goes on after an interruption, also inside of a cell; finished cells stay. More subsets, modes and
seeds may be added; what would change a cell that is there is refused.

--set MODE:PATH=VALUE and SUBSET:PATH=VALUE are for those cells alone. Where other work shares the
processors, --threads 1 loses the least.

A cell that fails is recorded, and the others are trained; the exit code is 1 then.

` + decoderHelp + "\n\n" + exitHelp,
		Example: `  aural sweep --recipe ft-tiny --data stores/train --test stores/test --init runs/mine/last \
      --subsets 30s,2m,all --seeds 3 --out sweeps/digits
  aural sweep ... --out sweeps/digits --dry-run
  aural sweep ... --out sweeps/digits --lm digits.arpa --lexicon lm --table md > table.md
  aural sweep ... --set 30s:train.max_updates=500 --set frozen:train.schedule.peak=3e-3`,
		Args: cobra.NoArgs,
	}, func([]string) error { return a.doSweep(f) })
	p := c.Flags()
	p.StringVar(&f.recipe, "recipe", "", "`NAME` of a recipe of fine-tuning, or a .yaml file (required)")
	p.StringVar(&f.data, "data", "", "`STORE` with the labels to train on (required)")
	p.StringVar(&f.test, "test", "", "`STORE` to measure on (required)")
	p.StringVar(&f.init, "init", "", "`MODEL` folder that the encoder comes from")
	p.StringVar(&f.out, "out", "", "`FOLDER` of the sweep (required)")
	p.StringVar(&f.subsets, "subsets", "10m,1h,all", "how much of the labels, `LIST` of hours, times with units, and all")
	p.StringVar(&f.modes, "modes", "scratch,frozen,full", "`LIST` of modes of fine-tuning")
	p.IntVar(&f.seeds, "seeds", 3, "runs of each subset and mode, with seeds 1 to `N`")
	setFlag(c, &f.sets, recipes.Finetune.Paths())
	f.decoder.flags(c)
	machineFlagsOf(c, &f.machine)
	a.deviceFlagOf(c, &f.machine)
	p.BoolVar(&f.dryRun, "dry-run", false, "list the cells and what they cost, and stop")
	p.BoolVar(&f.retry, "retry", false, "train failed cells again")
	p.StringVar(&f.table, "table", textTable, "`FORMAT` of the table: text, csv or md")
	p.StringVar(&f.figure, "figure", "", "`FILE` of the figure, by its extension (OUT/label-efficiency.svg)")
	p.BoolVar(&f.points, "csv", false, "also write every point of the figure to a .csv file beside it")
	p.BoolVar(&f.json, "json", false, "print plan, table and cells as JSON")
	p.BoolVar(&f.plain, "plain", false, "plain lines of progress also on a terminal")
	for _, name := range []string{"recipe", "data", "test", "out"} {
		c.MarkFlagRequired(name)
	}
	c.RegisterFlagCompletionFunc("recipe", words(recipes.Finetune.Names()...))
	c.RegisterFlagCompletionFunc("table", words(textTable, csvTable, markdownTable))
	return c
}

// sweeping is a sweep at work.
type sweeping struct {
	*app
	flags    sweepFlags
	plan     sweep.Plan
	results  *sweep.Results
	readings []reading
	root     string // folder of the cells' runs
	init     string // absolute, or empty
	prices   map[sweep.Cell]price
	peak     float64       // GFLOP/s of the machine; 0: not measured
	spent    float64       // FLOPs of cells that this process trained
	busy     time.Duration // in which it did
}

func (a *app) doSweep(f sweepFlags) (err error) {
	w := &sweeping{app: a, flags: f, root: filepath.Join(f.out, sweep.CellsDir)}
	if err := w.prepare(); err != nil {
		return err
	}
	if !f.dryRun {
		release, err := sweep.Begin(f.out, w.plan)
		if err != nil {
			return err
		}
		defer release()
	}
	if w.results, err = sweep.ReadResults(f.out); err != nil {
		return err
	}
	if f.dryRun {
		return w.list()
	}
	if err := w.all(); err != nil {
		return err
	}
	return w.report()
}

// prepare makes the plan.
func (w *sweeping) prepare() (err error) {
	f := w.flags
	if w.readings, err = readings(f.decoder); err != nil {
		return err
	}
	if !slices.Contains([]string{textTable, csvTable, markdownTable}, f.table) {
		return usagef("--table is %q, want text, csv or md", f.table)
	}
	if f.seeds < 1 || f.seeds > 1000 {
		return usagef("--seeds is %d, want 1 to 1000", f.seeds)
	}
	p := sweep.Plan{Version: sweep.Version}
	if p.Subsets, err = parseSubsets(f.subsets); err != nil {
		return usagef("--subsets: %w", err)
	}
	for _, m := range strings.Split(f.modes, ",") {
		p.Modes = append(p.Modes, finetune.Mode(strings.TrimSpace(m)))
	}
	for seed := range f.seeds {
		p.Seeds = append(p.Seeds, uint64(seed+1))
	}
	if f.init == "" && !slices.Equal(p.Modes, []finetune.Mode{finetune.Scratch}) {
		return usagef("--init is missing: modes frozen and full begin from a model")
	}
	p.Sets = []string{}
	for _, s := range f.sets {
		who, _, ok := sweep.Scoped(s)
		if !ok {
			continue
		}
		if !slices.Contains(p.Modes, finetune.Mode(who)) && !slices.ContainsFunc(p.Subsets, func(s sweep.Subset) bool { return s.Name == who }) {
			return usagef("--set %s: %q is neither a mode nor a subset of this sweep", s, who)
		}
		p.Sets = append(p.Sets, s)
	}
	if err := p.Validate(); err != nil {
		return usage(err)
	}
	if f.init != "" {
		if w.init, err = filepath.Abs(f.init); err != nil {
			return err
		}
		if w.init, err = filepath.EvalSymlinks(w.init); err != nil {
			return fmt.Errorf("--init: %w", err)
		}
		if p.Init, err = checksum(filepath.Join(w.init, "model.safetensors")); err != nil {
			return fmt.Errorf("--init: %w", err)
		}
	}
	w.plan = p
	for _, c := range p.Cells() {
		if _, err := w.recipe(c); err != nil {
			return fmt.Errorf("cell %s: %w", c.Name(), err)
		}
	}
	r, err := recipes.Finetune.Load(f.recipe, w.common())
	if err != nil {
		return usage(err)
	}
	if err := w.adopt(&r); err != nil {
		return err
	}
	text, err := recipes.Marshal(r)
	if err != nil {
		return err
	}
	if w.plan.Settings, err = settings(text); err != nil {
		return err
	}
	for _, name := range []string{"note", "init", "mode", "seed", "subset.seconds", "subset.seed"} { // the cells have their own
		delete(w.plan.Settings, name)
	}
	for to, dir := range map[*string]string{&w.plan.Train: f.data, &w.plan.Test: f.test} {
		s, err := openLocation(dir)
		if err != nil {
			return err
		}
		*to = s.Info().Fingerprint
		if err := s.Close(); err != nil {
			return err
		}
	}
	return nil
}

// common are the overrides for all cells.
func (w *sweeping) common() []string {
	return slices.DeleteFunc(slices.Clone(w.flags.sets), func(s string) bool { _, _, ok := sweep.Scoped(s); return ok })
}

// recipe is that of a cell.
func (w *sweeping) recipe(c sweep.Cell) (finetune.Recipe, error) {
	sets := append(w.common(), w.plan.SetsOf(c)...)
	sets = append(sets, "mode="+string(c.Mode), fmt.Sprintf("seed=%d", c.Seed), fmt.Sprintf("subset.seed=%d", c.Seed), fmt.Sprintf("subset.seconds=%g", w.plan.Seconds(c.Subset)))
	r, err := recipes.Finetune.Load(w.flags.recipe, sets)
	if err != nil {
		return r, usage(err)
	}
	return r, w.adopt(&r)
}

// adopt takes the architecture from the model that the sweep begins with. A run from random weights knows nothing else of it.
func (w *sweeping) adopt(r *finetune.Recipe) error {
	if w.init == "" {
		return nil
	}
	if err := r.Adopt(w.init); err != nil {
		return fmt.Errorf("--init: %w", err)
	}
	if r.Mode == finetune.Scratch {
		r.Init = ""
	}
	return nil
}

// all trains and measures what is not done yet. Cells that fail are recorded.
func (w *sweeping) all() error {
	cells := w.plan.Cells()
	if err := w.appraise(); err != nil {
		return err
	}
	for i, c := range cells {
		o := w.results.Of(c)
		if o.Failed != "" && !w.flags.retry {
			w.say("%s failed earlier: %s (--retry trains it again)", c.Name(), o.Failed)
			continue
		}
		if o.Trained == nil {
			began := time.Now()
			err := w.trainCell(c, func(done float64) string {
				return fmt.Sprintf("cell %d/%d %s, %s left", i+1, len(cells), c.Name(), clock(w.left(cells[i:], done, time.Since(began))))
			})
			w.spent, w.busy = w.spent+w.prices[c].flops, w.busy+time.Since(began)
			var aborted train.AbortError
			switch {
			case errors.Is(err, train.ErrStopped) || errors.As(err, &aborted):
				return err
			case err != nil:
				w.say("%s failed: %v", c.Name(), err)
				if err := w.results.Add(sweep.Record{Cell: c, Failed: err.Error()}); err != nil {
					return err
				}
				continue
			}
		}
		if err := w.measure(c); err != nil {
			return err
		}
	}
	return nil
}

// trainCell trains a cell, or goes on with it, and records how it went.
func (w *sweeping) trainCell(c sweep.Cell, ahead func(done float64) string) (err error) {
	r, err := w.recipe(c)
	if err != nil {
		return err
	}
	t := &target{name: c.Name(), dir: filepath.Join(w.root, c.Name())}
	if err := t.find(targetFlags{resume: autoResume}); err != nil {
		return err
	}
	if !t.begun { // what a process that was killed while it made the run left there
		if err := os.RemoveAll(t.dir); err != nil {
			return err
		}
	}
	if err := compare(t, recipes.Finetune, r); err != nil {
		return err
	}
	s, err := openFinetune(r, t.from != nil, w.flags.data, w.flags.machine)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.checkMemory(); err != nil {
		return err
	}
	p := newProgress(w.app, w.flags.plain)
	p.ahead = ahead
	if _, err := w.fit(s, t, lookFlags{plain: true}, p); err != nil {
		return err
	}
	return w.choose(c, s, t)
}

// choose takes the checkpoint of a run that is complete that will be measured, and records it.
func (w *sweeping) choose(c sweep.Cell, s *session, t *target) error {
	chosen, how := "best", sweep.ByValidation
	if s.held.Valid.Len() == 0 {
		chosen, how = "last", sweep.Last
	}
	last, err := train.Find(t.dir, "last")
	if err != nil {
		return err
	}
	best, err := train.Find(t.dir, chosen)
	if errors.Is(err, train.ErrNoCheckpoint) && how == sweep.ByValidation {
		how, best, err = sweep.Last, last, nil
	}
	if err != nil {
		return err
	}
	rec := sweep.Trained{
		Checkpoint: filepath.Base(best.Dir), Chosen: how, Updates: last.State.Position.Update, Utterances: s.held.Train.Len() - s.plan.LeftOut,
		Seconds: s.held.Train.Seconds(), LeftOut: s.plan.LeftOut, Heard: last.State.AudioSeconds, Took: 60 * last.State.Minutes,
	}
	if score := best.State.Score; how == sweep.ByValidation && score != nil {
		v := float64(score.Value)
		rec.Valid = &v
	}
	return w.results.Add(sweep.Record{Cell: c, Trained: &rec})
}

// checksum is the SHA-256 of a file.
func checksum(path string) (string, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		path += ".index.json" // of a model in several files
		f, err = os.Open(path)
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// parseSubsets reads a list such as 30s,10m,all.
func parseSubsets(text string) ([]sweep.Subset, error) {
	var list []sweep.Subset
	for _, name := range strings.Split(text, ",") {
		s := sweep.Subset{Name: strings.TrimSpace(name)}
		if s.Name != "all" {
			var err error
			if s.Seconds, err = parseHours(s.Name); err != nil {
				return nil, err
			}
		}
		list = append(list, s)
	}
	return list, nil
}
