package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"aural/datasets"
	"aural/internal/synth"
	"aural/plots"
	"aural/recipes"
	"aural/runlog"

	"github.com/spf13/cobra"
)

type quickstartFlags struct {
	dir     string
	minutes float64
	keep    bool
	look    lookFlags
	machine machineFlags
}

// quickstartRecipe is the recipe that quickstart trains.
const quickstartRecipe = "quickstart"

// quickstartCorpus is half an hour of artificial speech by a dozen talkers.
func quickstartCorpus() synth.Options {
	return synth.Options{Seed: 1, Utterances: 450, Speakers: 12, MinSeconds: 3, MaxSeconds: 5}
}

func (a *app) quickstart() *cobra.Command {
	var f quickstartFlags
	c := a.command(&cobra.Command{
		Use:   "quickstart",
		Short: "Try everything on synthetic speech, in a few minutes",
		Long: `Quickstart needs nothing but this program. It makes half an hour of synthetic speech, imports it
into a store, pretrains a very small model for a few minutes, draws the figures, and says what they
show.

The speech is artificial: a formant synthesizer speaks an invented language. It shows that the
program works and what a run looks like. No number from it says anything about real speech.

` + viewHelp,
		Example: "  aural quickstart\n  aural quickstart --minutes 10 --dir /tmp/try --keep",
		Args:    cobra.NoArgs,
	}, func([]string) error { return a.doQuickstart(f) })
	c.Flags().StringVar(&f.dir, "dir", "aural-quickstart", "folder for the store and the run")
	c.Flags().Float64Var(&f.minutes, "minutes", 2.5, "minutes of training")
	c.Flags().BoolVar(&f.keep, "keep", false, "keep the store of synthetic speech, to train on it again")
	lookFlagsOf(c, &f.look)
	machineFlagsOf(c, &f.machine)
	a.deviceFlagOf(c, &f.machine)
	return c
}

func (a *app) doQuickstart(f quickstartFlags) error {
	r, err := recipes.Pretrain.Load(quickstartRecipe, []string{fmt.Sprintf("train.max_minutes=%g", f.minutes)})
	if err != nil {
		return usage(err)
	}
	store := filepath.Join(f.dir, "store")
	if err := os.MkdirAll(f.dir, 0o755); err != nil {
		return err
	}
	corpus := syntheticCorpus(quickstartCorpus())
	a.print("Making %s. It is artificial: good for a trial, not for results.", corpus.Describe())
	sum, err := datasets.Import(context.Background(), corpus, store, datasets.ImportOptions{Overwrite: true}, nil)
	if err != nil {
		return err
	}
	a.print("Imported %s of audio into %s.\n", audioText(sum.Info.Seconds), store)
	s, err := open(r, false, store, f.machine)
	if err != nil {
		return err
	}
	defer s.close()
	s.describe(a, quickstartRecipe)
	if err := s.checkMemory(); err != nil {
		return err
	}
	a.print("\nTraining for %s. Ctrl-C ends it early and keeps what is there.", clock(time.Duration(f.minutes*float64(time.Minute))))
	t := &target{name: quickstartRecipe}
	if t.dir, err = runlog.NewDir(filepath.Join(f.dir, "runs"), t.name, time.Now()); err != nil {
		return err
	}
	if err := a.train(&s.session, t, f.look); err != nil {
		return err
	}
	if err := a.explain(t.dir); err != nil {
		return err
	}
	if !f.keep {
		if err := os.RemoveAll(store); err != nil {
			return err
		}
		a.print("\nThe synthetic speech was deleted; --keep keeps it.")
	}
	return nil
}

// explain says what the curves of a quickstart show, and what to do next.
func (a *app) explain(dir string) error {
	r, err := readRun(dir)
	if err != nil {
		return err
	}
	defer r.Close()
	picture := filepath.Join(dir, runlog.PlotsDir, "overview.png")
	if err := plots.Render(picture, []runlog.Curves{r}, "overview", plots.Options{DPI: 110}); err != nil {
		return err
	}
	a.print("figure     %s\n", picture)
	steps, accuracies := r.Series("valid/accuracy")
	if len(accuracies) == 0 {
		return fmt.Errorf("%s has no validation", dir)
	}
	first, last := accuracies[0], accuracies[len(accuracies)-1]
	_, chance, _ := r.Last("valid/chance_accuracy")
	_, codes, _ := r.Last("valid/code_perplexity")
	_, most, _ := r.Last("valid/max_perplexity")
	a.print("What it shows: at each masked frame of speech that was not trained on, the model has to find the\n"+
		"true (quantized) frame among %.0f others from the same utterance. After %s updates it is right in\n"+
		"%s of cases; after %s it was %s, and guessing gives %s.", 1/chance-1, grouped(steps[len(steps)-1]), percent(last), grouped(steps[0]), percent(first), percent(chance))
	switch {
	case last < 1.5*first:
		a.print("So it has not learnt yet: this machine made too few updates in the time. Try --minutes 10.")
	case codes < 0.05*most:
		a.print("But the quantizer uses only %.0f of %.0f codes: it has collapsed, and the accuracy means little.", codes, most)
	default:
		a.print("It uses %.0f of %.0f codes (perplexity). Both numbers count: distractors with the very codes of the\n"+
			"true frame are left out, so the fewer codes are in use, the easier the task.", codes, most)
	}
	a.print(`
Now with your own recordings (WAV or FLAC, any rate; an hour or more):

  aural data import FOLDER --out store
  aural pretrain --recipe tiny --data store

Then "aural runs" lists what was trained, "aural top RUN" shows it, "aural health RUN" says whether it
works, "aural plot RUN --figure loss" draws it, and "aural pretrain --help" tells the rest.`)
	return nil
}
