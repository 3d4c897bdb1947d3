package main

import (
	"fmt"
	"math"

	"aural/pretrain"
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

// programBytes is what the program needs besides weights, activations and batches.
const programBytes = 64 << 20

// preparedBatches is how many batches are in memory at once: one that runs, one that waits, one that is made, for training and validation.
const preparedBatches = 3

// need is the memory that a run takes.
func need(r pretrain.Recipe, f train.Footprint) int64 {
	frames := r.Encoder.Frames(r.Data.BatchSamples)
	batch := 4*r.Data.BatchSamples + 4*frames*r.Contrastive.Total()
	return int64(f.WeightBytes) + int64(f.ArenaBytes) + int64(preparedBatches*batch) + programBytes
}

// checkMemory refuses a run that does not fit, with the numbers and a way out.
func checkMemory(r pretrain.Recipe, f train.Footprint, has available) error {
	needs := need(r, f)
	if !has.known || needs <= has.bytes {
		return nil
	}
	out := "choose a smaller recipe or a larger machine"
	if room := has.bytes - (needs - int64(f.ArenaBytes)); f.ArenaBytes > 0 && room > 0 {
		// Activations grow in proportion to the batch.
		fits := int(0.95 * float64(room) / float64(f.ArenaBytes) * float64(r.Data.BatchSamples))
		switch {
		case fits >= r.Data.MaxSamples:
			factor := int(math.Ceil(float64(r.Data.BatchSamples) / float64(fits)))
			out = fmt.Sprintf("lower data.batch_samples to %d; train.accumulate=%d keeps the audio of an update",
				r.Data.BatchSamples/factor, r.Train.Accumulate*factor)
		case fits >= r.Data.MinSamples:
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
func weightBytes(r pretrain.Recipe, n int) int {
	copies := 4
	if r.Train.Accumulate > 1 {
		copies++
	}
	return 4 * copies * n
}
