package train

import (
	"fmt"
	"math"
)

// Config is the part of a recipe that the loop reads.
type Config struct {
	Accumulate int     `yaml:"accumulate"`  // micro-batches per update
	MaxUpdates uint64  `yaml:"max_updates"` // 0: until max_minutes
	MaxMinutes float64 `yaml:"max_minutes"` // of training, over all processes of the run, without pauses; 0: until max_updates

	LogEvery uint64 `yaml:"log_every"` // updates
	// SnapshotEvery is how many updates lie between the snapshots of a batch, for people to look at; 0: ten times log_every; -1: none are taken.
	SnapshotEvery int `yaml:"snapshot_every"`

	ValidEvery  uint64  `yaml:"valid_every"`  // updates; 0: only at the end
	SaveEvery   uint64  `yaml:"save_every"`   // updates; 0: only by time, when best, and at the end
	SaveMinutes float64 `yaml:"save_minutes"` // minutes; 0: only by updates
	Keep        Keep    `yaml:"keep"`

	// MaxSkipped is how many updates in a row may be skipped because their loss or gradient is not finite, before the run gives up.
	MaxSkipped int `yaml:"max_skipped"`
	// StopMinutes is how long before the end of the batch job the run saves and stops, when the end is known.
	StopMinutes float64 `yaml:"stop_minutes"`

	Schedule  ScheduleConfig `yaml:"schedule"`
	Optimizer AdamWConfig    `yaml:"optimizer"`
}

// Keep says which checkpoints stay. One that any of the rules wants stays.
type Keep struct {
	Last  int    `yaml:"last"`  // the newest, at least 1
	Best  int    `yaml:"best"`  // those with the best validation score. A validation among the best saves a checkpoint of its own
	Every uint64 `yaml:"every"` // those whose update is a multiple of it; 0: none
}

// DefaultConfig is wav2vec 2.0 pretraining as published, logged and saved for one machine.
func DefaultConfig() Config {
	return Config{
		Accumulate: 1, MaxUpdates: 400000, LogEvery: 50, ValidEvery: 2000, SaveEvery: 2000, SaveMinutes: 30,
		Keep: Keep{Last: 2, Best: 1}, MaxSkipped: 10, StopMinutes: 2,
		Schedule: DefaultSchedule(), Optimizer: DefaultAdamW(),
	}
}

// Resolved fills in what follows from other fields: the schedule's total.
func (c Config) Resolved() Config {
	if c.Schedule.Total == 0 && c.Schedule.needsTotal() {
		c.Schedule.Total = c.MaxUpdates
	}
	return c
}

// snapshotEvery is SnapshotEvery with its default, and 0 for never.
func (c Config) snapshotEvery() uint64 {
	if c.SnapshotEvery == 0 {
		return 10 * c.LogEvery
	}
	return uint64(max(0, c.SnapshotEvery))
}

// Shows reports whether the loop asks a task that is [Shown] for the micro-batch at a position: for the last one of every so many updates.
func (c Config) Shows(at Position) bool {
	every := c.snapshotEvery()
	return every > 0 && at.Micro == c.Accumulate-1 && (at.Update+1)%every == 0
}

// Validate checks everything that can be checked without the model. Parameter names in optimizer groups are checked by [NewAdamW].
func (c Config) Validate() error {
	if c.Accumulate < 1 {
		return fmt.Errorf("train: accumulate is %d, want at least 1 micro-batch per update", c.Accumulate)
	}
	if c.LogEvery < 1 {
		return fmt.Errorf("train: log_every is 0, want at least 1 update")
	}
	if c.SnapshotEvery < -1 {
		return fmt.Errorf("train: snapshot_every is %d, want a number of updates, 0 for ten times log_every, or -1 for no snapshots", c.SnapshotEvery)
	}
	if c.Keep.Last < 1 || c.Keep.Best < 0 {
		return fmt.Errorf("train: keep.last is %d and keep.best is %d, want at least 1 and 0: a run without its newest checkpoint cannot be resumed",
			c.Keep.Last, c.Keep.Best)
	}
	if c.MaxSkipped < 1 {
		return fmt.Errorf("train: max_skipped is %d, want at least 1", c.MaxSkipped)
	}
	for _, f := range []struct {
		name  string
		value float64
	}{{"max_minutes", c.MaxMinutes}, {"save_minutes", c.SaveMinutes}, {"stop_minutes", c.StopMinutes}} {
		if !(f.value >= 0) || math.IsInf(f.value, 0) {
			return fmt.Errorf("train: %s is %v, want a finite number that is not negative", f.name, f.value)
		}
	}
	if c.MaxUpdates == 0 && c.MaxMinutes == 0 {
		return fmt.Errorf("train: max_updates and max_minutes are both 0: the run would never end")
	}
	if c = c.Resolved(); c.Schedule.needsTotal() && c.Schedule.Total == 0 {
		return fmt.Errorf("train: schedule %s needs to know its end: set max_updates or schedule.total", c.Schedule.Kind)
	}
	if err := c.Schedule.Validate(); err != nil {
		return err
	}
	return c.Optimizer.Validate()
}
