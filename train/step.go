package train

import (
	"context"
	"fmt"
	"math"
	"time"
)

// stepper makes updates. After the shapes of a run have been seen once it does not allocate.
type stepper[W any] struct {
	task      Task[W]
	batches   *prefetcher[W]
	gradients *accumulator
	optimizer *AdamW
	metrics   []metric
	loss      int   // the metric that must be finite
	coded     Coded // the task, if it has codebooks
	shows     func(Position) bool
	show      func(at Position, w W) // makes a snapshot of a micro-batch that has just run; nil when the task has nothing to show
	total     tally                  // of the update in work
	measured  Measured
}

// cost is the time that updates took, and what was done in it, applied or not.
type cost struct {
	step, data, forward, backward, optimizer time.Duration
	flops                                    int64
	audioSeconds                             float64
}

func (c *cost) merge(d cost) {
	c.step += d.step
	c.data += d.data
	c.forward += d.forward
	c.backward += d.backward
	c.optimizer += d.optimizer
	c.flops += d.flops
	c.audioSeconds += d.audioSeconds
}

// other is what the parts leave of the steps.
func (c *cost) other() time.Duration { return c.step - c.data - c.forward - c.backward - c.optimizer }

// outcome is what became of an update.
type outcome struct {
	next    Position // after it
	bad     string   // the quantity because of which it was skipped, empty when it was applied
	value   float64  // of that quantity
	norm    float64  // of the gradient of the mean loss, before clipping
	clipped bool
	cost    cost
	applied bool // the weights may have changed, also when there is an error
}

// update makes one update of micros micro-batches: t counts applied updates from 1. An update whose sample size, loss or gradient norm is not
// finite changes nothing but the position.
func (s *stepper[W]) update(ctx context.Context, micros int, t uint64, lr float64) (outcome, error) {
	var o outcome
	began := time.Now()
	s.total.reset()
	for micro := range micros {
		if err := s.micro(ctx, micro, &o); err != nil {
			return o, err
		}
	}
	start := time.Now()
	norm, err := s.optimizer.Norm()
	if err != nil {
		return o, err
	}
	o.norm = norm / s.total.sampleSize
	loss := s.total.mean(s.metrics, s.loss)
	switch {
	case !(s.total.sampleSize > 0) || math.IsInf(s.total.sampleSize, 0):
		o.bad, o.value = "sample size", s.total.sampleSize
	case !finite(loss):
		o.bad, o.value = "loss", loss
	case !finite(o.norm):
		o.bad, o.value = "gradient norm", o.norm
	default:
		clip := s.optimizer.cfg.ClipFactor(o.norm)
		o.clipped, o.applied = clip < 1, true
		if err := s.optimizer.Apply(t, lr, clip/s.total.sampleSize); err != nil {
			return o, err
		}
	}
	o.cost.optimizer += time.Since(start)
	o.cost.step = time.Since(began)
	return o, nil
}

// micro adds the gradient of one micro-batch.
func (s *stepper[W]) micro(ctx context.Context, micro int, o *outcome) error {
	start := time.Now()
	b, err := s.batches.take(ctx)
	if err != nil {
		return err
	}
	o.cost.data += time.Since(start)
	s.measured = Measured{}
	if err := s.task.Run(ctx, b.at, b.work, &s.measured); err != nil {
		return fmt.Errorf("train: update %d, micro-batch %d: %w", b.at.Update, b.at.Micro, err)
	}
	m := &s.measured
	if !(m.AudioSeconds >= 0) || math.IsInf(m.AudioSeconds, 0) {
		return fmt.Errorf("train: update %d, micro-batch %d: the task measured %v seconds of audio", b.at.Update, b.at.Micro, m.AudioSeconds)
	}
	start = time.Now()
	if err := s.gradients.add(micro); err != nil {
		return fmt.Errorf("train: update %d, micro-batch %d: sum of gradients: %w", b.at.Update, b.at.Micro, err)
	}
	s.total.take(s.metrics, m)
	if s.coded != nil {
		s.total.count(s.coded)
	}
	if s.show != nil && s.shows(b.at) {
		s.show(b.at, b.work)
	}
	s.batches.give(b.work)
	o.next = b.next
	o.cost.merge(cost{forward: m.Forward, backward: m.Backward, optimizer: time.Since(start), flops: m.FLOPs, audioSeconds: m.AudioSeconds})
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
