package runlog

import "slices"

// Snapshots returns the snapshots of a kind that are kept, oldest first: the newest 64, or of codebooks all of the run,
// thinned to 1024 by merging neighbours, whose counts and updates add. They must not be changed and stay valid.
func (r *Reader) Snapshots(kind SnapshotKind) []Snapshot {
	return slices.Clone(r.snapshots[kind])
}
