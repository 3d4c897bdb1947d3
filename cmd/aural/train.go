package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"aural/internal/atomicfile"
	"aural/recipes"
	"aural/runlog"
	"aural/train"
)

// train trains a target, draws the figures, and says how it went.
func (a *app) train(s *session, t *target, look lookFlags) error {
	began, err := a.fit(s, t, look, newProgress(a, look.plain))
	var aborted train.AbortError
	if began && !errors.As(err, &aborted) {
		a.finish(t.dir)
	}
	return err
}

// fit trains a target and closes its run. began reports whether there is a run now; its errors have the exit codes of a training.
func (a *app) fit(s *session, t *target, look lookFlags, p *progress) (began bool, err error) {
	if err := s.reserve(); err != nil {
		return false, err
	}
	jobEnd, err := train.JobEnd(os.LookupEnv)
	if err != nil {
		return false, err
	}
	peak, err := train.PeakGFLOPS(s.backend)
	if err != nil {
		return false, err
	}
	run, err := t.openRun(s, a.args, runlog.Options{Report: func(err error) { p.note("warning: " + err.Error()) }})
	if err != nil {
		return false, err
	}
	if s.held.Valid.Len() > 0 {
		p.follow(t.dir)
	}
	log := slog.New(run.Handler(slog.LevelInfo))
	log.Info("training", "program", "aural "+versionText(), "store", s.store.Where(), "backend", s.backend.Name(), "parameters", s.plan.Parameters,
		"weight_bytes", s.plan.WeightBytes, "arena_bytes", s.plan.ArenaBytes, "peak_gflops", math.Round(peak))
	p.note("run        " + t.dir)
	if t.from != nil {
		p.note(fmt.Sprintf("continuing from %s", t.from.Dir))
		log.Info("continuing", "from", t.from.Dir)
	}
	for _, c := range t.change {
		p.note("changed    " + c)
		log.Warn("changed since the checkpoint", "setting", c)
	}
	parent, abort := context.WithCancelCause(context.Background())
	defer abort(nil)
	// A terminal that closes, or a line to another host that drops, takes its view along and nothing else.
	signal.Ignore(syscall.SIGHUP)
	ctx, stop, release := train.Notify(parent)
	closeView := a.openView(look, t.dir, p, stopping{stop, abort})
	err = s.run(ctx, run, train.Options{
		Seed: s.seed, Resume: t.from, Force: t.force, Stop: stop, JobEnd: jobEnd, Progress: p.show, Program: "aural " + versionText(),
		Alert: func(text string) { p.note("warning: " + text) }, Notice: p.note, PeakGFLOPS: peak,
	})
	err = s.explain(err, "continue with --resume auto --resume-force; ")
	closeView()
	release()
	p.close()
	status, reason := runlog.Finished, ""
	var aborted train.AbortError
	switch {
	case err == nil:
	case errors.Is(err, train.ErrStopped):
		status, reason, err = runlog.Stopped, err.Error(), coded{exitStopped, err}
	case errors.Is(err, train.ErrDiverged):
		status, reason, err = runlog.Failed, err.Error(), coded{exitDiverged, err}
	case errors.As(err, &aborted):
		status, reason, err = runlog.Stopped, err.Error(), coded{exitAborted, err}
	default:
		status, reason = runlog.Failed, err.Error()
	}
	if lost := run.Close(status, reason); lost != nil {
		a.say("warning: %v", lost)
	}
	return true, err
}

// openRun creates the run, or continues it.
func (t *target) openRun(s *session, args []string, o runlog.Options) (*runlog.Writer, error) {
	config, err := recipes.Marshal(s.settings)
	if err != nil {
		return nil, err
	}
	env := runlog.CollectEnv()
	env.Devices = []string{s.backend.Name()}
	env.Seeds = map[string]uint64{"run": s.seed, "valid": s.valid.Seed}
	env.Dataset = s.store.Info().Fingerprint
	total := int64(s.loop.MaxUpdates)
	if !t.begun {
		return runlog.Create(t.dir, runlog.Meta{Config: config, Overrides: t.sets, Args: args, Env: env, TotalSteps: total}, o)
	}
	step := int64(0)
	if t.from != nil {
		step = int64(t.from.State.Position.Update)
	}
	run, err := runlog.Attach(t.dir, step, args, o)
	if err != nil {
		return nil, err
	}
	run.SetTotalSteps(total)
	if t.force {
		if err := t.replaceMeta(config, env, step); err != nil {
			return nil, errors.Join(err, run.Close(runlog.Failed, err.Error()))
		}
	}
	return run, nil
}

// replaceMeta makes a forced change the recipe and the data of the run from now on. What was there stays beside it, named after the update.
func (t *target) replaceMeta(config []byte, env runlog.Env, step int64) error {
	text, err := json.MarshalIndent(env, "", "  ")
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{configFile: config, envFile: append(text, '\n')} {
		path := filepath.Join(t.dir, name)
		old, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := atomicfile.Write(fmt.Sprintf("%s.until-%d", path, step), old, 0o644); err != nil {
			return err
		}
		if err := atomicfile.Write(path, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
