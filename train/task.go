// Package train is the one training loop of aural: updates, gradient accumulation, optimisers, schedules, validation, checkpoints, resume
// and signals, for every task.
//
// A task gives batches and gradients; the loop does the rest:
//
//	Prepare (one micro-batch ahead, on its own goroutine) ─▶ Run: gradients ─▶ sum ─▶ norm, clip ─▶ optimiser ─▶ wait ─▶ Collect ─▶ log, validate, checkpoint
//
// An update is queued whole and waited for once, so that a device never waits for the host inside of one; whether it is to be made is decided where it is
// computed.
//
// An update is a pure function of the weights, the optimiser state and its [Position], so a stopped run continues bit for bit.
package train

import (
	"context"
	"time"

	"aural/kernels"
	"aural/runlog"
)

// Position says which micro-batch comes next. With the run's seed it determines everything random about it.
type Position struct {
	Update uint64 `json:"update"` // updates done before
	Micro  int    `json:"micro"`  // micro-batches of this update done before
	Row    int    `json:"row"`    // batch rows of this update in those micro-batches
	Epoch  int    `json:"epoch"`  // passes over the data done before
	Index  int    `json:"index"`  // batches of this epoch done before
}

// Task is what a loop trains. W holds one prepared micro-batch.
type Task[W any] interface {
	// Weights are the parameters, on the back end.
	Weights() *Weights
	// NewWork makes an empty W. The loop makes a few and fills them again and again.
	NewWork() W
	// Prepare fills w with the micro-batch at a position: it reads audio and draws masks and negatives. It runs beside Run, Validate and
	// SaveModel, so it must not touch the weights or the back end. It returns how many batch rows w holds and the data position after it
	// (Epoch and Index; the loop sets the other fields).
	Prepare(ctx context.Context, at Position, w W) (rows int, next Position, err error)
	// Run starts to compute the gradients of the micro-batch's summed loss into Weights().Grad, overwriting it, and fills in m, what is known by then. It
	// takes from w all that Collect needs. It does not allocate after the shapes of the run have been seen once. A Run of the first micro-batch of an update drops
	// what was not collected.
	Run(ctx context.Context, at Position, w W, m *Measured) error
	// Collect leaves the numbers of a micro-batch in Metrics: of the first that Run started and Collect has not had yet. m is what that Run filled in, and gets the
	// times. The back end has been waited for.
	Collect(m *Measured) error
	// Validate measures the held-out data with masks and crops that never change. Metrics is a pointer to a struct as in Measured.
	Validate(ctx context.Context) (Validation, error)
	// Metrics returns the struct (by pointer, always the same one) that Collect fills with the numbers of its micro-batch, for the log: fields with a
	// tag `metric:"name"`. The loop averages them over updates, weighted by sample size; fields tagged `metric:"name,sum"` are added up
	// instead. A field is a float64, an array or slice of float64 (logged as name/0, name/1, …; its length does not change), or an
	// embedded struct of such fields. One must be called "loss".
	Metrics() any
	// SaveModel writes the files of a model folder (model.safetensors, config.json, …) into an existing directory.
	SaveModel(dir string) error
	// LoadModel reads the weights from such a directory.
	LoadModel(dir string) error
}

// Ahead is a [Task] that can take in a micro-batch while the device computes another.
type Ahead[W any] interface {
	// Feed brings what the Run that comes next reads of w to where it is read, if that needs nothing but copying, and disturbs nothing that runs. That Run gets the
	// same position and w.
	Feed(at Position, w W) error
}

// Measured is what Run and Collect report of one micro-batch besides the task's own metrics.
type Measured struct {
	// SampleSize is what the summed gradient is to be divided by, over the whole update: the number of masked frames in pretraining.
	SampleSize float64
	// Loss is the summed loss on the back end, a float32 scalar that the kernels started by Run leave there. An update with a loss that is not finite is skipped.
	Loss         kernels.Buffer
	AudioSeconds float64
	FLOPs        int64
	// How long it took, from Collect. Micro-batches of an update may be told together.
	Forward, Backward time.Duration
}

// Validation is the outcome of a validation run.
type Validation struct {
	Metrics any     // pointer to a struct with tags as in Task.Metrics
	Score   float64 // what "best" compares
	Better  Better
	// Snapshots go to the log with the update as their step. Sample is the audio of an alignment among them.
	Snapshots []runlog.Snapshot
	Sample    []int16
}

// Better says which direction of a score is good.
type Better int

const (
	Lower Better = iota
	Higher
)
