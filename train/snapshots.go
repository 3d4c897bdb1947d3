package train

import (
	"bytes"
	"fmt"
	"strconv"

	"aural/runlog"
)

// Coded is a [Task] with a quantizer. The loop logs how often each of its codes is chosen.
type Coded interface {
	// Codes returns how often each entry was chosen in the micro-batch that Collect had last, as (groups, entries). The slice is read before the next Collect.
	Codes() (counts []float64, groups, entries int)
}

// Shown is a [Task] whose micro-batches can be looked at.
type Shown[W any] interface {
	// Show describes one row of the micro-batch that Collect had last, which is also the one that ran last, with its audio. It is called only for the positions of [Config.Shows],
	// so that Prepare can keep what it needs. An error is reported and does no harm to the run.
	Show(at Position, w W) (*runlog.Batch, []int16, error)
}

// Counts are numbers of choices. In JSON they are one string, so that a checkpoint's state stays readable.
type Counts []int64

// MarshalText writes the numbers with blanks between them.
func (c Counts) MarshalText() ([]byte, error) {
	text := []byte{}
	for i, n := range c {
		if i > 0 {
			text = append(text, ' ')
		}
		text = strconv.AppendInt(text, n, 10)
	}
	return text, nil
}

// UnmarshalText reads what MarshalText writes.
func (c *Counts) UnmarshalText(text []byte) error {
	*c = nil
	for word := range bytes.FieldsSeq(text) {
		n, err := strconv.ParseInt(string(word), 10, 64)
		if err != nil {
			return err
		}
		*c = append(*c, n)
	}
	return nil
}

// count adds the codes of a micro-batch.
func (t *tally) count(c Coded) {
	counts, _, _ := c.Codes()
	for i, n := range counts {
		t.codes[i] += int64(n)
	}
}

// look prepares what the loop logs besides numbers.
func (l *loop[W]) look() {
	task := any(l.task)
	if c, ok := task.(Coded); ok {
		counts, groups, entries := c.Codes()
		l.step.coded = c
		l.step.total.codes, l.report.total.codes = make(Counts, len(counts)), make(Counts, len(counts))
		l.report.codebook = runlog.Codebook{Groups: groups, Entries: entries}
	}
	if a, ok := task.(Ahead[W]); ok {
		l.step.ahead = a
	}
	if s, ok := task.(Shown[W]); ok && l.cfg.snapshotEvery() > 0 {
		l.step.shows = l.cfg.Shows
		l.step.show = func(at Position, w W) { l.show(s, at, w) }
	}
}

// show writes a snapshot of a micro-batch.
func (l *loop[W]) show(s Shown[W], at Position, w W) {
	batch, sample, err := s.Show(at, w)
	if err != nil {
		l.alert("snapshot", fmt.Sprintf("no snapshot of the batch: %v", err))
		return
	}
	l.run.Snapshot(&runlog.Snapshot{Step: int64(at.Update) + 1, Batch: batch}, sample)
}

// writeCodes writes the codebook snapshot of a record.
func (r *reporter) writeCodes(step int64) {
	if len(r.total.codes) == 0 || r.update.Updates == 0 {
		return
	}
	r.codebook.Counts, r.codebook.Updates = r.total.codes, int64(r.update.Updates)
	r.snapshot = runlog.Snapshot{Step: step, Codebook: &r.codebook}
	r.run.Snapshot(&r.snapshot, nil)
}
