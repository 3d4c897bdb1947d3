package health

import (
	"fmt"

	"aural/runlog"
)

var machineRules = []Rule{
	{Name: "data-stall", Level: Watch, check: (*exam).dataStall,
		Title:       "Training waits for data",
		Description: "recent updates spent a good part of their time waiting for their batch.",
		Limits:      []Limit{stallShare, stallSeconds}},
	{Name: "disk", Level: Broken, check: (*exam).disk,
		Title:       "The disk is nearly full",
		Description: "little room is left where the run writes: watch when some checkpoints, broken when not even the next one fits. Judged for live runs.",
		Limits:      []Limit{diskCheckpoints, diskBytes, diskBroken}},
	{Name: "memory", Level: Watch, check: (*exam).memory,
		Title:       "Memory is nearly used up",
		Description: "little memory is left for the process, of the machine or of the limit that it runs under. Judged for live runs.",
		Limits:      []Limit{memoryShare}},
	{Name: "damaged-log", Level: Watch, check: (*exam).damagedLog,
		Title:       "The log is damaged or has gaps",
		Description: "lines could not be read or were lost to a full disk. One torn line is what a killed process leaves.",
		Limits:      []Limit{tornLines}},
}

func (e *exam) dataStall() (Finding, outcome) {
	wait := e.curve(runlog.System, "data_wait")
	share, ok := settled(wait)
	if !ok {
		return Finding{}, unjudged
	}
	if elapsed := e.Curves.Elapsed("system/data_wait"); len(elapsed) > 0 && elapsed[len(elapsed)-1] < stallSeconds.Value {
		return Finding{}, unjudged
	}
	if share <= stallShare.Value {
		return Finding{}, quiet
	}
	f := Finding{Level: Watch, Title: "training waits for data", Since: wait.since(func(v float64) bool { return v > stallShare.Value }),
		Evidence: fmt.Sprintf("%.0f %% of the time of an update is spent waiting for the batch", 100*share),
		Advice:   "move the store to a local disk, use the pcm codec (no decoding), cut long recordings at import, or give the reader more CPUs"}
	if data, ok := settled(e.curve(runlog.System, "time/data")); ok {
		if step, ok := settled(e.curve(runlog.System, "time/step")); ok {
			f.Evidence += fmt.Sprintf(": %.0f of %.0f ms", data, step)
		}
	}
	return f, fired
}

func (e *exam) disk() (Finding, outcome) {
	s := e.curve(runlog.Host, "disk_free")
	free, ok := s.end()
	if !ok || !e.live() {
		return Finding{}, unjudged
	}
	size := float64(max(e.CheckpointBytes, 0))
	limit := max(diskBytes.Value, diskCheckpoints.Value*size)
	if free >= limit {
		return Finding{}, quiet
	}
	f := Finding{Level: Watch, Title: "the disk is nearly full", Since: s.since(func(v float64) bool { return v < limit }),
		Evidence: fmt.Sprintf("%s are free", bytesText(free)),
		Advice:   "make room, or keep fewer checkpoints (train.keep); training goes on when a checkpoint cannot be written, but the work since the last one is at risk"}
	if size > 0 {
		f.Evidence += fmt.Sprintf("; a checkpoint takes %s", bytesText(size))
		if free < diskBroken.Value*size {
			f.Level, f.Title = Broken, "the disk is full: no checkpoint fits"
		}
	}
	return f, fired
}

func (e *exam) memory() (Finding, outcome) {
	s, limits := e.curve(runlog.Host, "memory_available"), e.curve(runlog.Host, "memory_limit")
	available, ok := s.recent().end()
	limit, okLimit := limits.end()
	if !ok || !okLimit || !(limit > 0) || !e.live() {
		return Finding{}, unjudged
	}
	if available >= memoryShare.Value*limit {
		return Finding{}, quiet
	}
	f := Finding{Level: Watch, Title: "memory is nearly used up", Since: s.since(func(v float64) bool { return v < memoryShare.Value*limit }),
		Evidence: fmt.Sprintf("%s of %s are available", bytesText(available), bytesText(limit)),
		Advice:   "end other programs, or make data.batch_samples smaller and train.accumulate larger: the update stays the same"}
	if _, rss, ok := e.curve(runlog.System, "memory/rss").last(1).max(); ok {
		f.Evidence += fmt.Sprintf("; the trainer holds %s", bytesText(rss))
	}
	return f, fired
}

func (e *exam) damagedLog() (Finding, outcome) {
	lost := e.Damage.Lines + e.Damage.Records
	if lost == 0 && e.State.Dropped == 0 {
		return Finding{}, quiet
	}
	f := Finding{Level: Watch, Title: "the log is damaged", Since: e.updates,
		Evidence: fmt.Sprintf("%d lines could not be read, %d were out of order, %d were dropped by the trainer", e.Damage.Lines, e.Damage.Records, e.State.Dropped),
		Advice:   "the curves have gaps; look for a full disk, a failing one, or two processes that write the same run"}
	if e.State.Dropped == 0 && float64(lost) <= tornLines.Value {
		f.Level, f.Title = Healthy, "a line of the log was torn"
		f.Advice = "a process that is killed leaves one; nothing else is lost"
	}
	return f, fired
}

// bytesText writes a size in powers of 1000.
func bytesText(n float64) string {
	units := []string{"bytes", "kB", "MB", "GB", "TB", "PB"}
	i := 0
	for n >= 999.5 && i < len(units)-1 {
		n /= 1000
		i++
	}
	return fmt.Sprintf("%.3g %s", n, units[i])
}
