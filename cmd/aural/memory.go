package main

import (
	"fmt"
	"math"

	"aural/kernels/cuda"
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

// available is the memory that the run can use: that of the device, where the weights and activations are.
func (s *session) available() available {
	if b, ok := s.backend.(*cuda.Backend); ok {
		free, _, err := b.Memory()
		return available{free, "free on " + b.Info().Name, err == nil}
	}
	return availableMemory()
}

// programBytes is what the program needs besides weights, activations and batches.
const programBytes = 64 << 20

// preparedBatches is how many batches are in memory at once: one that runs, one that waits, one that is made, for training and validation.
const preparedBatches = 3

// need is the memory that a run takes.
func need(f train.Footprint) int64 {
	return int64(f.WeightBytes) + int64(f.ArenaBytes) + int64(preparedBatches*f.BatchBytes) + programBytes
}

// checkMemory refuses a run that does not fit, with the numbers and a way out.
func checkMemory(d train.DataConfig, accumulate int, f train.Footprint, has available) error {
	needs := need(f)
	if !has.known || needs <= has.bytes {
		return nil
	}
	out := "choose a smaller recipe or a larger machine"
	if room := has.bytes - (needs - int64(f.ArenaBytes)); f.ArenaBytes > 0 && room > 0 {
		// Activations grow in proportion to the batch.
		fits := int(0.95 * float64(room) / float64(f.ArenaBytes) * float64(d.BatchSamples))
		switch {
		case fits >= d.MaxSamples:
			factor := int(math.Ceil(float64(d.BatchSamples) / float64(fits)))
			out = fmt.Sprintf("lower data.batch_samples to %d; train.accumulate=%d keeps the audio of an update",
				d.BatchSamples/factor, accumulate*factor)
		case fits >= d.MinSamples:
			out = fmt.Sprintf("lower data.batch_samples and data.max_samples to %d", fits/1000*1000)
		}
	}
	if f.ArenaBytes == 0 { // not planned yet
		return fmt.Errorf("the weights and optimiser alone need %s, but only %s are available (%s): %s", bytesText(f.WeightBytes), bytesText(has.bytes), has.source, out)
	}
	return fmt.Errorf("the run needs %s (weights and optimiser %s, activations %s), but only %s are available (%s): %s",
		bytesText(needs), bytesText(f.WeightBytes), bytesText(f.ArenaBytes), bytesText(has.bytes), has.source, out)
}

// weightBytes is what weights, gradients and moments of n parameters take at least.
func weightBytes(accumulate, n int) int {
	copies := 4
	if accumulate > 1 {
		copies++
	}
	return 4 * copies * n
}
