// Package runlog is the record of one training run: the run directory, its append-only logs, and a reader that follows
// them while they grow. The trainer writes; terminal views, figures and other programs only read, so that none of them
// can harm a run, and a run that has died can be looked at like one that lives.
//
//	trainer                      run directory                       views
//
//	Writer.Record ────────────>  metrics.jsonl   ──┐
//	       │                     events.jsonl    ──┤
//	       │                     log.jsonl       ──┼─ Reader.Poll ──>  Series, Events, Log, Snapshots
//	Writer.Snapshot ──────────>  snapshots.jsonl ──┘                   (tui, plots, other hosts)
//	       └── audio ─────────>  samples/
//	       ├── mirror ────────>  tb/events.out.tfevents.*  ─────────>  TensorBoard
//	       └── heartbeat ─────>  state.json     ──── ReadState, Runs ─> running, paused, crashed, finished
//	Writer.Requests <─────────   control/       <──────────── Ask ───  pause, checkpoint, stop
//
// Every line of the logs is one JSON object that ends with a checksum of itself, so a torn or damaged line is seen and
// skipped. A run that continues from the checkpoint of step s writes a session marker; readers then forget what an
// earlier process recorded after s, and the curves equal those of a run that was never interrupted.
//
// Logging never stops training: when a file cannot be written, lines wait in a bounded buffer, what does not fit is
// counted and reported once, and writing is tried again later. docs/FORMATS.md describes the files.
package runlog

// FormatVersion is the version of the files described in docs/FORMATS.md. It is stored in state.json and in the first
// event of a run.
const FormatVersion = 1
