package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"aural/plots"
	"aural/runlog"
	"aural/runlog/tensorboard"
)

// readRun reads the whole log of a run.
func readRun(dir string) (*runlog.Reader, error) {
	if _, err := runlog.ReadState(dir); err != nil {
		return nil, fmt.Errorf("%s is no run: %w", dir, err)
	}
	r, err := runlog.Open(dir)
	if err != nil {
		return nil, err
	}
	for more := true; more; {
		if _, more, err = r.Poll(runlog.Budget{}); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	return r, nil
}

// readLog reads the whole log of a run, or of another program: the event files of TensorBoard. close is to be called when
// the curves are not needed any more.
func readLog(path string) (log runlog.Curves, close func() error, err error) {
	r, err := readRun(path)
	if err == nil {
		return r, r.Close, nil
	}
	events, eventsErr := tensorboard.OpenEvents(path)
	switch {
	case errors.Is(eventsErr, tensorboard.ErrNoEvents):
		return nil, nil, err
	case eventsErr != nil:
		return nil, nil, eventsErr
	}
	for more := true; more; {
		if _, more, err = events.Poll(runlog.Budget{}); err != nil {
			return nil, nil, err
		}
	}
	return events, func() error { return nil }, nil
}

// finish draws the figures of a run and prints what it came to.
func (a *app) finish(dir string) {
	r, err := readRun(dir)
	if err != nil {
		a.say("warning: %v", err)
		return
	}
	defer r.Close()
	if err := drawAll(r); err != nil {
		a.say("warning: figures: %v", err)
	}
	a.print("%s", summary(r))
}

// drawAll draws every figure that the run has data for into its plots folder.
func drawAll(r *runlog.Reader) error {
	dir := filepath.Join(r.Dir(), runlog.PlotsDir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var errs []error
	for _, f := range plots.Figures() {
		if f.Name == "metric" {
			continue // it shows what it is told to
		}
		err := plots.Render(filepath.Join(dir, f.Name+".svg"), []runlog.Curves{r}, f.Name, plots.Options{})
		if !errors.Is(err, plots.ErrNoData) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// summary tells in a few lines what a run came to.
func summary(r *runlog.Reader) string {
	text := ""
	add := func(format string, args ...any) { text += fmt.Sprintf(format+"\n", args...) }
	step, hours, _ := r.Last("train/hours_seen")
	add("run        %s: %s updates, %s of audio", r.Dir(), grouped(step), audioText(3600*hours))
	if at, accuracy, ok := r.Last("valid/accuracy"); ok {
		_, loss, _ := r.Last("valid/contrastive_loss")
		_, codes, _ := r.Last("valid/code_perplexity")
		_, most, _ := r.Last("valid/max_perplexity")
		_, chance, _ := r.Last("valid/chance_accuracy")
		_, lossChance, _ := r.Last("valid/chance_loss")
		add("held out   at update %s: accuracy %s (chance %s), contrastive loss %.3f nats (chance %.3f), code perplexity %.0f of %.0f",
			grouped(at), percent(accuracy), percent(chance), loss, lossChance, codes, most)
	}
	for _, link := range []string{"last", "best"} {
		if name, err := os.Readlink(filepath.Join(r.Dir(), link)); err == nil {
			add("%-10s %s", link, filepath.Join(r.Dir(), name))
		}
	}
	add("figures    %s", filepath.Join(r.Dir(), runlog.PlotsDir))
	return text[:len(text)-1]
}
