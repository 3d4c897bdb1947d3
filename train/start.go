package train

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// prepare compiles what an update needs, restores the checkpoint and puts the run directory in order.
func (l *loop[W]) prepare() (err error) {
	w := l.task.Weights()
	l.step.task = l.task
	if l.step.metrics, err = metrics(l.task.Metrics()); err != nil {
		return err
	}
	if l.step.loss = find(l.step.metrics, lossMetric); l.step.loss < 0 {
		return fmt.Errorf("train: the metrics %T have no field tagged `metric:%q`", l.task.Metrics(), lossMetric)
	}
	l.step.total.totals = make([]float64, len(l.step.metrics))
	l.report = reporter{run: l.run, metrics: l.step.metrics, total: tally{totals: make([]float64, len(l.step.metrics))}}
	l.report.peak = l.opt.PeakGFLOPS
	l.look()
	if l.step.gradients, err = newAccumulator(l.be, w, l.cfg.Accumulate); err != nil {
		return err
	}
	if l.step.optimizer, err = NewAdamW(l.be, w, l.cfg.Optimizer, l.cfg.Accumulate); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.step.optimizer.Free())
		}
	}()
	l.writer = writer{runDir: l.run.Dir(), be: l.be, weights: w, saveModel: l.task.SaveModel, before: l.syncLog}
	l.state = State{Version: StateVersion, Program: l.opt.Program}
	if err := clean(l.run.Dir()); err != nil {
		return fmt.Errorf("train: clean up after an earlier process: %w", err)
	}
	if l.keeper, err = newKeeper(l.run.Dir(), l.cfg.Keep); err != nil {
		return err
	}
	if l.opt.Resume != nil {
		err = l.resume(w)
	} else if u, ok := l.keeper.newest(); ok {
		err = fmt.Errorf("train: %s holds %s: resume from it, or train in another directory", l.run.Dir(), CheckpointName(u))
	}
	l.state.Settings = StateSettings{Seed: l.opt.Seed, Accumulate: l.cfg.Accumulate, Schedule: l.cfg.Schedule, Optimizer: l.cfg.Optimizer}
	l.first, l.lastSave, l.before = l.state.Position.Update, time.Now(), l.state.Minutes
	return err
}

// resume loads Options.Resume and makes it the newest checkpoint of the run.
func (l *loop[W]) resume(w *Weights) error {
	c := l.opt.Resume
	now := StateSettings{Seed: l.opt.Seed, Accumulate: l.cfg.Accumulate, Schedule: l.cfg.Schedule, Optimizer: l.cfg.Optimizer}
	if d := c.State.Settings.Differences(now); len(d) > 0 && !l.opt.Force {
		return fmt.Errorf("train: resume %s: the run was begun with other settings: %s: change them back, or force the resume", c.Dir, strings.Join(d, "; "))
	} else if len(d) > 0 {
		defer l.alert("settings", "continued with other settings: "+strings.Join(d, "; "))
	}
	if err := c.restore(l.be, w, l.task.LoadModel); err != nil {
		return err
	}
	l.state = c.State
	l.state.Version, l.state.Program = StateVersion, l.opt.Program
	l.validated = c.State.Score != nil
	if !l.report.resume(c.State.Window) {
		l.alert("window", "the checkpoint was made with other metrics; the first record leaves out the updates before it")
	}
	for _, err := range c.Damaged {
		l.alert("damaged-checkpoint", err.Error())
	}
	aside, err := l.keeper.rewind(c.State.Position.Update)
	if len(aside) > 0 {
		l.alert("superseded", fmt.Sprintf("continuing from update %d; set aside: %s", c.State.Position.Update, strings.Join(aside, ", ")))
	}
	return err
}

// syncLog brings the log to the disk before a checkpoint appears, so that no checkpoint is ahead of the log.
func (l *loop[W]) syncLog() {
	if err := l.run.Sync(); err != nil {
		l.alert("log", err.Error())
	}
}
