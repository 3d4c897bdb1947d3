package main

import (
	"errors"
	"fmt"
	"sort"
	"strings"

	"aural/kernels/cuda"
	"aural/kernels/cuda/driver"
	"aural/runlog/host"
	"aural/train"
)

// available is the memory that a new run can use.
type available struct {
	bytes  int64
	source string // what says so
	known  bool
}

// availableMemory is what this process can still get, if the system tells.
func availableMemory() available {
	m, ok := host.MachineMemory()
	return available{m.Available, m.Source, ok}
}

// available is the memory that the run can use: on a GPU, where the weights and activations are, what is free and what the run has already.
func (s *session) available() available {
	b, ok := s.backend.(*cuda.Backend)
	if !ok {
		return availableMemory()
	}
	free, _, err := b.Memory()
	held, failed := b.Held()
	return available{free + held, "free on " + b.Info().Name, errors.Join(err, failed) == nil}
}

// programBytes is what the program needs besides weights, activations and batches.
const programBytes = 64 << 20

// preparedBatches is how many batches are in memory at once: one that runs, one that waits, one that is made, for training and validation.
const preparedBatches = 3

// need is the memory that a run takes.
func need(f train.Footprint) int64 {
	return int64(f.WeightBytes) + int64(f.ArenaBytes) + int64(f.ScratchBytes) + int64(preparedBatches*f.BatchBytes) + programBytes
}

// planFor says what a run with such batches will need. Nothing is allocated on a GPU.
func (s *session) planFor(d train.DataConfig) (train.Footprint, error) {
	gpu, ok := s.backend.(*cuda.Backend)
	if !ok {
		return s.trained.PlanFor(s.backend, d)
	}
	p := gpu.Planner()
	f, err := s.trained.PlanFor(p, d)
	f.ScratchBytes = p.ScratchBytes()
	return f, err
}

// reserve allocates what the plan says, so that a run does not end for want of it later.
func (s *session) reserve() error {
	err := s.trained.Reserve(s.plan)
	if gpu, ok := s.backend.(*cuda.Backend); ok && err == nil {
		err = gpu.ReserveScratch(s.plan.ScratchBytes)
	}
	return s.explain(err, "")
}

// checkMemory refuses a run that does not fit, with the numbers and a way out.
func (s *session) checkMemory() error {
	has := s.available()
	if !has.known || need(s.plan) <= has.bytes {
		return nil
	}
	return noRoomError(fmt.Sprintf("the run needs %s, but only %s are available (%s): %s", planText(s.plan), bytesText(has.bytes), has.source, s.wayOut(has.bytes)))
}

// noRoomError is that of a run that does not fit.
type noRoomError string

func (e noRoomError) Error() string { return string(e) }

// explain adds the plan and a way out to the error of a device that has no memory left, however that came. How is what continues the run, with its space.
func (s *session) explain(err error, how string) error {
	if !errors.Is(err, driver.ErrOutOfMemory) {
		return err
	}
	has := s.available()
	if !has.known {
		return err
	}
	return fmt.Errorf("%w; the run needs %s, and %s are free or the run's own (%s): %s%s", err, planText(s.plan), bytesText(has.bytes), has.source, how, s.wayOut(has.bytes))
}

// planText says what a run takes, and what most of it is.
func planText(f train.Footprint) string {
	text := fmt.Sprintf("%s (weights and optimiser %s, activations %s", bytesText(need(f)), bytesText(f.WeightBytes), bytesText(f.ArenaBytes))
	var most []string
	for _, p := range f.Peak[:min(3, len(f.Peak))] {
		most = append(most, fmt.Sprintf("%s %s in %s", p.Op, bytesText(p.Bytes), plural(p.Tensors, "tensor")))
	}
	if len(most) > 0 {
		text += ", most by " + strings.Join(most, ", ")
	}
	if f.ScratchBytes > 0 {
		text += ", working memory " + bytesText(f.ScratchBytes)
	}
	return text + ")"
}

// wayOut finds the largest batches that fit, by bisection over plans: a part of the present ones with as many more micro-batches in an update, or, where one row
// is too much, shorter rows.
func (s *session) wayOut(has int64) string {
	fits := func(batch, longest int) bool {
		d := s.data
		d.BatchSamples, d.MaxSamples = batch, longest
		f, err := s.planFor(d)
		return err == nil && need(f) <= has-has/50 // what others take is never the same
	}
	d := s.data
	if most := d.BatchSamples / d.MaxSamples; most > 1 && fits(d.BatchSamples/most, d.MaxSamples) {
		part := 2 + sort.Search(most-2, func(i int) bool { return fits(d.BatchSamples/(2+i), d.MaxSamples) })
		return fmt.Sprintf("--set data.batch_samples=%d fits, and --set train.accumulate=%d keeps the audio of an update", d.BatchSamples/part, s.loop.Accumulate*part)
	}
	const grain = 1000
	shortest, longest := (d.MinSamples+grain-1)/grain, (min(d.MaxSamples, d.BatchSamples)-1)/grain
	if shortest > 0 && shortest <= longest && fits(shortest*grain, shortest*grain) {
		n := longest - sort.Search(longest-shortest, func(i int) bool { return fits((longest-i)*grain, (longest-i)*grain) })
		return fmt.Sprintf("--set data.batch_samples=%d --set data.max_samples=%d fits", n*grain, n*grain)
	}
	return "choose a smaller recipe or a larger machine"
}

// checkWeights refuses a model whose n parameters alone do not fit, before they are allocated.
func checkWeights(accumulate, n int, has available) error {
	// What weights, gradients and moments take at least.
	copies := 4
	if accumulate > 1 {
		copies++
	}
	bytes := 4 * copies * n
	if !has.known || int64(bytes)+programBytes <= has.bytes {
		return nil
	}
	return fmt.Errorf("the weights and optimiser alone need %s, but only %s are available (%s): choose a smaller recipe or a larger machine", bytesText(bytes), bytesText(has.bytes), has.source)
}
