package runlog

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
)

const (
	snapshotsKept = 64   // of a kind but codebooks
	codebooksKept = 1024 // of a run
	// recentCodebooks are never merged, so that those after the step of a resume can be told apart.
	recentCodebooks = 128
)

// snapshots are the snapshots of a run that a reader keeps.
type snapshots struct {
	codebooks []Snapshot
	held      map[SnapshotKind][]heldSnapshot // the other kinds
	last      map[string]int64                // last step of each kind
	audio     map[string]struct{}             // files in samples/
}

// heldSnapshot is a snapshot that is read when it is asked for: a long run has many more of them than are kept.
type heldSnapshot struct {
	step int64
	body []byte // of the line; nil when read
	snap Snapshot
}

func newSnapshots() snapshots {
	return snapshots{held: make(map[SnapshotKind][]heldSnapshot), last: make(map[string]int64)}
}

// errOrder is returned for a line that is whole, but out of order.
var errOrder = errors.New("the step is before that of the line before")

// add takes the body of a line.
func (s *snapshots) add(body []byte) error {
	kind, step, _, _, err := snapshotHead(body)
	if err != nil {
		return err
	}
	if kind == session {
		s.session(step)
		return nil
	}
	if step < s.last[kind] {
		return errOrder
	}
	switch k := SnapshotKind(kind); k {
	case CodebookSnapshot:
		c, err := parseSnapshot(body)
		if err != nil {
			return err
		}
		s.codebooks = append(s.codebooks, c)
		if len(s.codebooks) > codebooksKept {
			s.codebooks = thin(s.codebooks)
		}
	case BatchSnapshot, TranscriptSnapshot, AlignmentSnapshot:
		held := s.held[k]
		var buf []byte
		if len(held) == snapshotsKept {
			buf = held[0].body
			held = slices.Delete(held, 0, 1)
		}
		s.held[k] = append(held, heldSnapshot{step: step, body: append(buf[:0], body...)})
	default:
		return errSyntax
	}
	s.last[kind] = step
	return nil
}

// thin merges the two neighbours that together counted the fewest updates, and so keeps all about equally long. Those
// that a reader has handed out are not changed.
func thin(list []Snapshot) []Snapshot {
	best, fewest := -1, int64(0)
	for i := range list[:len(list)-recentCodebooks] {
		a, b := list[i].Codebook, list[i+1].Codebook
		if n := a.Updates + b.Updates; a.Groups == b.Groups && a.Entries == b.Entries && (best < 0 || n < fewest) {
			best, fewest = i, n
		}
	}
	if best < 0 {
		return slices.Delete(list, 0, 1) // each has another shape: nothing adds
	}
	a, b := list[best].Codebook, list[best+1].Codebook
	sum := &Codebook{Groups: a.Groups, Entries: a.Entries, Updates: fewest, Counts: slices.Clone(a.Counts)}
	for i, n := range b.Counts {
		sum.Counts[i] += n
	}
	list[best+1].Codebook = sum
	return slices.Delete(list, best, best+1)
}

// session begins the snapshots of a process that continues from step: later ones are forgotten.
func (s *snapshots) session(step int64) {
	s.codebooks = slices.DeleteFunc(s.codebooks, func(c Snapshot) bool { return c.Step > step })
	for kind, held := range s.held {
		s.held[kind] = slices.DeleteFunc(held, func(h heldSnapshot) bool { return h.step > step })
	}
	for kind, last := range s.last {
		s.last[kind] = min(last, step)
	}
}

// look notes which audio files there are: the newest are kept by the writer, and a copy of the run may lag behind.
func (s *snapshots) look(dir string) error {
	if len(s.held[BatchSnapshot])+len(s.held[AlignmentSnapshot]) == 0 {
		return nil
	}
	entries, err := os.ReadDir(filepath.Join(dir, samplesDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.audio = make(map[string]struct{}, len(entries))
	for _, e := range entries {
		if e.Type().IsRegular() {
			s.audio[path.Join(samplesDir, e.Name())] = struct{}{}
		}
	}
	return nil
}

// Snapshots returns the snapshots of a kind that are kept, oldest first: the newest 64, or of codebooks all of the run,
// thinned to 1024 by merging neighbours, whose counts and updates add. What they point to must not be changed, and stays
// valid.
func (r *Reader) Snapshots(kind SnapshotKind) []Snapshot {
	s := &r.snaps
	if kind == CodebookSnapshot {
		return slices.Clone(s.codebooks)
	}
	var list []Snapshot
	held := s.held[kind]
	s.held[kind] = held[:0]
	for _, h := range held {
		if h.body != nil {
			var err error
			if h.snap, err = parseSnapshot(h.body); err != nil {
				r.damage.Lines++
				continue
			}
			h.body = nil
		}
		s.held[kind] = append(s.held[kind], h)
		list = append(list, s.withoutMissing(h.snap))
	}
	return list
}

// withoutMissing returns snap without the path of a file that is not there.
func (s *snapshots) withoutMissing(snap Snapshot) Snapshot {
	missing := func(path string) bool {
		_, ok := s.audio[path]
		return path != "" && !ok
	}
	switch {
	case snap.Batch != nil && missing(snap.Batch.Sample):
		b := *snap.Batch
		b.Sample = ""
		snap.Batch = &b
	case snap.Alignment != nil && missing(snap.Alignment.Sample):
		a := *snap.Alignment
		a.Sample = ""
		snap.Alignment = &a
	}
	return snap
}
