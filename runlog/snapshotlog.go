package runlog

// Snapshot appends s to the snapshots of the run.
func (w *Writer) Snapshot(s *Snapshot, sample []int16) {}
