package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"aural/kernels"
	"aural/runlog"
)

// Options are what a process brings to a run besides its recipe.
type Options struct {
	Seed     uint64       // the run's, kept in checkpoints so that another one is noticed
	Resume   *Checkpoint  // where to continue, from Find; the log was attached at its update. nil begins anew
	Force    bool         // continue although settings changed
	Stop     *Stop        // asks for an early end; see Notify
	JobEnd   time.Time    // when the batch job is ended, if known; see JobEnd
	Progress func(Status) // called at every record
	Notice   func(string) // called with what was done on request
	// PeakGFLOPS is what the back end reaches in matrix products, from [PeakGFLOPS], to compare with; 0: not known.
	PeakGFLOPS float64
	Alert      func(string) // called with every alert, which the log gets too: a checkpoint that failed, a skipped update
	Program    string       // name and version, for people who read a checkpoint
}

// Run trains until the limits of cfg. The task's weights must be as it wants them to begin; with Options.Resume they are loaded. The log and the
// checkpoints go to the directory of run, which Run does not close.
//
// It returns nil when everything was done, and an error that wraps ErrStopped after an early end on request, ErrDiverged when the loss stays
// not finite, and the cause of ctx when that ended. A checkpoint that cannot be written is reported in the log and tried again later; only the
// last one of a run must succeed.
func Run[W any](ctx context.Context, t Task[W], be kernels.Backend, cfg Config, run *runlog.Writer, opt Options) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	l := &loop[W]{task: t, be: be, cfg: cfg.Resolved(), run: run, opt: opt, began: time.Now()}
	if err := l.prepare(); err != nil {
		return err
	}
	defer l.step.optimizer.Free()
	if l.done() {
		if l.validated {
			return nil // the run was complete
		}
		return l.finish(ctx)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	run.SetJobEnd(opt.JobEnd)
	l.host.watch(run, int64(l.state.Position.Update), hostEvery)
	defer l.host.close()
	l.step.batches = prefetch(ctx, t, l.state.Position, l.cfg.Accumulate, l.cfg.MaxUpdates)
	defer l.step.batches.close()
	return l.train(ctx)
}

// loop is a run at work.
type loop[W any] struct {
	task Task[W]
	be   kernels.Backend
	cfg  Config
	run  *runlog.Writer
	opt  Options

	step   stepper[W]
	report reporter
	state  State
	writer writer
	keeper *keeper
	host   machine

	began     time.Time     // of this process
	paused    time.Duration // of that time
	pausing   time.Time     // since when it waits; the zero time while it works
	before    float64       // minutes that earlier processes trained
	first     uint64        // update at which this process began
	lastSave  time.Time
	wantSave  bool
	requests  requests
	validated bool // at the present update
}

// train is the loop.
func (l *loop[W]) train(ctx context.Context) error {
	for !l.done() {
		if err := l.update(ctx); err != nil {
			return err
		}
		if l.done() {
			break
		}
		if err := l.validateIfDue(ctx); err != nil {
			return l.rescue(ctx, err)
		}
		l.control()
		l.saveIfDue()
		if err := l.pauseIfAsked(ctx); err != nil {
			return err
		}
		if reason, ok := l.stopping(); ok {
			return l.stopEarly(reason)
		}
	}
	return l.finish(ctx)
}

// update makes one update and accounts for it.
func (l *loop[W]) update(ctx context.Context) error {
	lr := l.cfg.Schedule.LR(l.state.Position.Update)
	o, err := l.step.update(ctx, l.cfg.Accumulate, l.state.Applied+1, lr)
	switch {
	case ctx.Err() != nil:
		return l.aborted(ctx)
	case err != nil && o.applied:
		return err // the weights are not those of any update
	case err != nil:
		return l.rescue(ctx, err)
	}
	l.validated = false
	l.state.Position = o.next
	l.report.add(o, lr, &l.step.total)
	l.run.Progress(int64(l.state.Position.Update), l.eta())
	if o.bad == "" {
		l.state.Applied++
		l.state.InRow = 0
		l.state.AudioSeconds += l.step.total.audioSeconds
	} else if err := l.skip(o); err != nil {
		return err
	}
	l.host.step.Store(int64(l.state.Position.Update))
	if l.state.Position.Update%l.cfg.LogEvery == 0 {
		l.log()
	}
	return nil
}

// skip accounts for an update that was not applied.
func (l *loop[W]) skip(o outcome) error {
	l.state.Skipped++
	l.state.InRow++
	text := fmt.Sprintf("update skipped: its %s is %v (%d in a row, %d allowed)", o.bad, o.value, l.state.InRow, l.cfg.MaxSkipped)
	l.alert("non-finite", text)
	if l.state.InRow < l.cfg.MaxSkipped {
		return nil
	}
	err := fmt.Errorf("train: the last %d updates had no finite loss and gradient, at update %d the %s was %v: continue from an earlier checkpoint with a lower learning rate: %w",
		l.state.InRow, l.state.Position.Update, o.bad, o.value, ErrDiverged)
	// The weights are those of the last good update. They are saved only when there is no checkpoint yet, since what comes after them is known.
	if _, ok := l.keeper.newest(); !ok {
		err = errors.Join(err, l.save())
	}
	return err
}

// done reports whether the run has reached one of its limits.
func (l *loop[W]) done() bool {
	return l.cfg.MaxUpdates > 0 && l.state.Position.Update >= l.cfg.MaxUpdates || l.cfg.MaxMinutes > 0 && l.minutes() >= l.cfg.MaxMinutes
}

// worked is how long this process has trained. Pauses do not count.
func (l *loop[W]) worked() time.Duration {
	d := time.Since(l.began) - l.paused
	if !l.pausing.IsZero() {
		d -= time.Since(l.pausing)
	}
	return d
}

// minutes of training so far, over all processes of the run.
func (l *loop[W]) minutes() float64 { return l.before + l.worked().Minutes() }

// eta is the time left at the mean rate of this process, 0 when there is nothing to go by.
func (l *loop[W]) eta() time.Duration {
	left := math.Inf(1)
	if n := l.state.Position.Update - l.first; l.cfg.MaxUpdates > 0 && n > 0 {
		left = l.worked().Seconds() / float64(n) * float64(l.cfg.MaxUpdates-l.state.Position.Update)
	}
	if l.cfg.MaxMinutes > 0 {
		left = min(left, max(0, 60*(l.cfg.MaxMinutes-l.minutes())))
	}
	if math.IsInf(left, 0) {
		return 0
	}
	return time.Duration(left * float64(time.Second))
}

// log writes the records since the last ones.
func (l *loop[W]) log() {
	st := l.report.write(&l.state)
	if l.opt.Progress == nil {
		return
	}
	st.Update, st.Total = l.state.Position.Update, l.cfg.MaxUpdates
	st.Elapsed, st.ETA = time.Duration(l.minutes()*float64(time.Minute)), l.eta()
	l.opt.Progress(st)
}

func (l *loop[W]) validateIfDue(ctx context.Context) error {
	if l.cfg.ValidEvery == 0 || l.state.Position.Update%l.cfg.ValidEvery != 0 {
		return nil
	}
	return l.validate(ctx)
}

// validate measures the held-out data. A score among the best asks for a checkpoint.
func (l *loop[W]) validate(ctx context.Context) error {
	v, err := l.task.Validate(ctx)
	if err != nil {
		return fmt.Errorf("train: validation after update %d: %w", l.state.Position.Update, err)
	}
	numbers, err := values(v.Metrics)
	if err != nil {
		return err
	}
	l.report.put(&l.state, runlog.Valid, numbers)
	for i := range v.Snapshots {
		s := &v.Snapshots[i]
		s.Step = int64(l.state.Position.Update)
		if s.Alignment != nil {
			l.run.Snapshot(s, v.Sample)
		} else {
			l.run.Snapshot(s, nil)
		}
	}
	score := Score{Value: Number(v.Score), Better: v.Better.String()}
	l.state.Score, l.validated = &score, true
	l.event(runlog.Validation, runlog.Info, "", map[string]string{"score": strconv.FormatFloat(v.Score, 'g', -1, 64), "better": score.Better})
	l.wantSave = l.wantSave || l.keeper.wants(score)
	return nil
}

// stopping reports whether the run should end early.
func (l *loop[W]) stopping() (reason string, yes bool) {
	if reason, ok := l.opt.Stop.Asked(); ok {
		return reason, true
	}
	if len(l.requests.stop) > 0 {
		return "asked by " + l.requests.stop[0].By, true
	}
	margin := time.Duration(l.cfg.StopMinutes * float64(time.Minute))
	if !l.opt.JobEnd.IsZero() && time.Until(l.opt.JobEnd) <= margin {
		return "the job ends at " + l.opt.JobEnd.Format(time.RFC3339), true
	}
	return "", false
}

func (l *loop[W]) stopEarly(reason string) error {
	l.event(runlog.StopRequested, runlog.Info, reason, nil)
	err := l.save()
	l.answerAll(err)
	if err != nil {
		return fmt.Errorf("train: stopped (%s), but the last checkpoint failed: %w", reason, err)
	}
	return fmt.Errorf("train: after update %d (%s): %w", l.state.Position.Update, reason, ErrStopped)
}

// finish ends a complete run: the last record, validation and checkpoint.
func (l *loop[W]) finish(ctx context.Context) error {
	if l.report.updates > 0 {
		l.log()
	}
	if err := l.validate(ctx); err != nil {
		return l.rescue(ctx, err)
	}
	err := l.save()
	l.answerAll(err)
	if err != nil {
		return fmt.Errorf("train: the run is complete, but its last checkpoint failed: %w", err)
	}
	return nil
}

// rescue saves the last good update when something else than the weights failed, unless the end has to be immediate.
func (l *loop[W]) rescue(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return l.aborted(ctx)
	}
	return errors.Join(err, l.save())
}

func (l *loop[W]) aborted(ctx context.Context) error {
	return fmt.Errorf("train: ended after update %d: %w", l.state.Position.Update, context.Cause(ctx))
}

func (l *loop[W]) alert(rule, text string) {
	l.event(runlog.Alert, runlog.Warning, text, map[string]string{"rule": rule})
	if l.opt.Alert != nil {
		l.opt.Alert(fmt.Sprintf("update %d: %s", l.state.Position.Update, text))
	}
}

func (l *loop[W]) event(kind runlog.EventKind, severity runlog.Severity, text string, data map[string]string) {
	l.run.Event(runlog.Event{Step: int64(l.state.Position.Update), Kind: kind, Severity: severity, Message: text, Data: data})
}
