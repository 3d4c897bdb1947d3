package runlog

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"aural/audio"
	"aural/internal/atomicfile"
)

// samplesKept bounds the audio of a run on the disk: so many files of batches, and as many of alignments.
const samplesKept = 32

// sampleFile is audio on its way to the disk.
type sampleFile struct {
	name string // in samples/
	data []byte
}

// Snapshot appends s to the snapshots of the run. Within a kind, steps must not decrease. sample is mono audio at the rate
// that a Batch or Alignment gives; it is written to samples/ in the background, where the newest 32 of each of the two
// kinds are kept, and the snapshot in the log gets its path. nil is no audio. As with Record, what is not fit to be
// written is dropped, counted and reported; nothing of s and sample is kept.
func (w *Writer) Snapshot(s *Snapshot, sample []int16) {
	w.mu.Lock()
	defer w.unlock()
	if w.closed {
		return
	}
	now := w.clock()
	snap := *s
	if snap.Time.IsZero() {
		snap.Time = now
	}
	kind := snap.Kind()
	err := snap.check()
	if last := max(w.floor, w.lastSnap[kind]); err == nil && snap.Step < last {
		err = fmt.Errorf("step %d after step %d", snap.Step, last)
	}
	if err == nil && len(sample) > 0 {
		w.attachSample(&snap, sample)
	}
	if err == nil {
		w.line = appendSnapshot(w.line[:0], &snap)
		if len(w.line) > maxLine {
			err = fmt.Errorf("a line of %d bytes, more than %d", len(w.line), maxLine)
		}
	}
	if err != nil {
		w.refuse(fmt.Errorf("snapshot of kind %q, step %d: %w", kind, snap.Step, err))
		return
	}
	w.lastSnap[kind] = snap.Step
	w.snaps.write(w.line, now)
}

// attachSample hands the audio of a snapshot to the goroutine that writes it. When that is far behind, because the disk
// is slow, the snapshot goes without.
func (w *Writer) attachSample(s *Snapshot, sample []int16) {
	prefix, rate := batchAudio, 0
	switch {
	case s.Batch != nil:
		rate = s.Batch.Rate
	case s.Alignment != nil:
		prefix, rate = alignmentAudio, s.Alignment.Rate
	}
	if rate < 1 {
		w.refuse(fmt.Errorf("audio of a snapshot of kind %q, step %d: %d Hz", s.Kind(), s.Step, rate))
		return
	}
	name := fmt.Sprintf("%s-%08d", prefix, s.Step)
	if name == w.lastSample {
		w.sameSample++
		name += "-" + strconv.Itoa(w.sameSample)
	} else {
		w.lastSample, w.sameSample = name, 1
	}
	name += ".wav"
	select {
	case w.samples <- sampleFile{name, audio.AppendWAV16(nil, rate, sample)}:
	default:
		return
	}
	if path := samplesDir + "/" + name; s.Batch != nil {
		b := *s.Batch
		b.Sample = path
		s.Batch = &b
	} else {
		a := *s.Alignment
		a.Sample = path
		s.Alignment = &a
	}
}

// What the names of audio files begin with.
const (
	batchAudio     = "update"
	alignmentAudio = "alignment"
)

// saveSample writes audio and removes what is too old. A failure is told once.
func (w *Writer) saveSample(f sampleFile) {
	dir := filepath.Join(w.dir, samplesDir)
	err := atomicfile.Write(filepath.Join(dir, f.name), f.data, 0o644)
	if err == nil {
		err = removeSamples(dir, func(step int64, rank int) bool { return rank >= samplesKept })
	}
	if failing := err != nil; failing != w.sampleFailing {
		w.sampleFailing = failing
		w.mu.Lock()
		if failing {
			w.logging(fmt.Errorf("runlog: audio of snapshots cannot be written; training goes on without: %w", err))
		} else {
			w.logging(fmt.Errorf("runlog: audio of snapshots can be written again"))
		}
		w.unlock()
	}
}

// removeSamples removes the audio files for which old is true, and what a crash left half written. rank counts the files
// of a kind from the newest one.
func removeSamples(dir string, old func(step int64, rank int) bool) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	type file struct {
		name        string
		step, again int64
	}
	kinds := make(map[string][]file)
	var remove []string
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") && strings.HasSuffix(name, ".tmp") {
			remove = append(remove, name)
		} else if prefix, step, again, ok := parseSampleName(name); ok {
			kinds[prefix] = append(kinds[prefix], file{name, step, again})
		}
	}
	for _, files := range kinds {
		slices.SortFunc(files, func(a, b file) int { return cmp.Or(cmp.Compare(b.step, a.step), cmp.Compare(b.again, a.again)) })
		for rank, f := range files {
			if old(f.step, rank) {
				remove = append(remove, f.name)
			}
		}
	}
	for _, name := range remove {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// parseSampleName reads "update-00012000.wav" and "update-00012000-2.wav". Other files are not ours.
func parseSampleName(name string) (prefix string, step, again int64, ok bool) {
	base, ok := strings.CutSuffix(name, ".wav")
	if !ok {
		return "", 0, 0, false
	}
	prefix, number, ok := strings.Cut(base, "-")
	if !ok || prefix != batchAudio && prefix != alignmentAudio {
		return "", 0, 0, false
	}
	number, count, many := strings.Cut(number, "-")
	step, err := strconv.ParseInt(number, 10, 64)
	if err != nil || step < 0 {
		return "", 0, 0, false
	}
	if many {
		if again, err = strconv.ParseInt(count, 10, 64); err != nil {
			return "", 0, 0, false
		}
	}
	return prefix, step, again, true
}
