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
	loss      int         // the metric that must be finite
	coded     Coded       // the task, if it has codebooks
	ahead     Ahead[W]    // the task, if it can be given micro-batches early
	early     prepared[W] // taken already,
	isEarly   bool        // if there is one
	shows     func(Position) bool
	show      func(at Position, w W) // makes a snapshot of a micro-batch; nil when the task has nothing to show
	total     tally                  // of the update in work
	measured  []Measured             // of its micro-batches
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
// finite changes nothing but the position. Everything is queued before the one wait.
func (s *stepper[W]) update(ctx context.Context, micros int, t uint64, lr float64) (outcome, error) {
	var o outcome
	began := time.Now()
	s.total.reset()
	s.measured = s.measured[:0]
	var last prepared[W]
	size := 0.0
	for micro := range micros {
		var err error
		if last, err = s.micro(ctx, micro, &o); err != nil {
			return o, err
		}
		size += s.measured[micro].SampleSize
	}
	start := time.Now()
	if err := s.optimizer.Decide(t, lr, size); err != nil {
		return o, err
	}
	o.applied = true
	s.optimizer.Apply()
	o.cost.optimizer += time.Since(start)
	s.feedAhead()
	v, err := s.optimizer.Wait()
	if err != nil {
		return o, err
	}
	o.norm, o.clipped, o.applied = v.Norm, v.Clipped && v.Fault == NoFault, v.Fault == NoFault
	for micro := range s.measured {
		if err := s.collect(micro, &o.cost); err != nil {
			return o, fmt.Errorf("train: update %d, micro-batch %d: %w", last.at.Update, micro, err)
		}
	}
	if s.shown(last.at) {
		s.show(last.at, last.work)
		s.batches.give(last.work)
	}
	switch v.Fault {
	case FaultSize:
		o.bad, o.value = "sample size", s.total.sampleSize
	case FaultLoss:
		o.bad, o.value = "loss", s.total.mean(s.metrics, s.loss)
	case FaultNorm:
		o.bad, o.value = "gradient norm", o.norm
	}
	o.next = last.next
	o.cost.step = time.Since(began)
	return o, nil
}

// shown reports whether the micro-batch at a position is looked at, when the update is done.
func (s *stepper[W]) shown(at Position) bool { return s.show != nil && s.shows(at) }

// micro queues what adds the gradient of one micro-batch.
func (s *stepper[W]) micro(ctx context.Context, micro int, o *outcome) (prepared[W], error) {
	start := time.Now()
	b, err := s.early, s.early.err
	if s.isEarly {
		s.early, s.isEarly = prepared[W]{}, false
	} else {
		b, err = s.batches.take(ctx)
	}
	if err != nil {
		return b, err
	}
	o.cost.data += time.Since(start)
	s.measured = append(s.measured, Measured{})
	m := &s.measured[micro]
	if err := s.task.Run(ctx, b.at, b.work, m); err != nil {
		return b, fmt.Errorf("train: update %d, micro-batch %d: %w", b.at.Update, b.at.Micro, err)
	}
	if !(m.AudioSeconds >= 0) || math.IsInf(m.AudioSeconds, 0) {
		return b, fmt.Errorf("train: update %d, micro-batch %d: the task measured %v seconds of audio", b.at.Update, b.at.Micro, m.AudioSeconds)
	}
	start = time.Now()
	if err := s.optimizer.Loss(micro, m.Loss); err != nil {
		return b, err
	}
	s.gradients.add(micro)
	if !s.shown(b.at) {
		s.batches.give(b.work)
	}
	o.cost.merge(cost{optimizer: time.Since(start), flops: m.FLOPs, audioSeconds: m.AudioSeconds})
	return b, nil
}

// feedAhead copies the inputs of the next update, if they are prepared, while the device computes this one. That update reports errors.
func (s *stepper[W]) feedAhead() {
	if s.ahead == nil {
		return
	}
	b, ok := s.batches.tryTake()
	if !ok {
		return
	}
	if b.err == nil {
		if err := s.ahead.Feed(b.at, b.work); err != nil {
			b.err = fmt.Errorf("train: update %d, micro-batch %d: %w", b.at.Update, b.at.Micro, err)
		}
	}
	s.early, s.isEarly = b, true
}

// collect adds the numbers of a micro-batch up.
func (s *stepper[W]) collect(micro int, c *cost) error {
	m := &s.measured[micro]
	if err := s.task.Collect(m); err != nil {
		return err
	}
	c.merge(cost{forward: m.Forward, backward: m.Backward})
	s.total.take(s.metrics, m)
	if s.coded != nil {
		s.total.count(s.coded)
	}
	return nil
}
