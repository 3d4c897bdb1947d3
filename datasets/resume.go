package datasets

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"aural/internal/atomicfile"
	"aural/internal/mapfile"
)

// ErrUnfinished is what Import returns when an unfinished import of the same target has another source or other options.
var ErrUnfinished = errors.New("an unfinished import is there")

// identityFile says, in the working directory of an import, which import it is.
const identityFile = "import.json"

// resume prepares the working directory: a new import begins in it, and an unfinished one goes on.
func (im *importer) resume(t *target) error {
	identity, err := marshalJSON(im.settings)
	if err != nil {
		return err
	}
	path := filepath.Join(t.working, identityFile)
	old, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), im.opt.Restart:
		if err := t.clear(); err != nil {
			return fmt.Errorf("datasets: %w", err)
		}
		if err := atomicfile.Write(path, identity, 0o644); err != nil {
			return fmt.Errorf("datasets: %w", err)
		}
	case err != nil:
		return fmt.Errorf("datasets: %w", err)
	case string(old) != string(identity):
		return fmt.Errorf("datasets: %s: %w, with another source or other options (see %s): repeat them to go on with it, or begin anew",
			t.dir, ErrUnfinished, path)
	}
	if err := im.restore(t); err != nil {
		return fmt.Errorf("datasets: what is in %s cannot be gone on with: begin anew: %w", t.working, err)
	}
	im.journal, err = openJournal(t.working)
	return err
}

// restore brings the importer to where the journal ends.
func (im *importer) restore(t *target) error {
	if err := takeBack(t); err != nil {
		return err
	}
	entries, err := readJournal(t.working)
	if err != nil || len(entries) == 0 {
		return errors.Join(err, removeShards(t.working, 0))
	}
	s, w := &im.summary, im.writer
	for _, e := range entries {
		if e.Closed != nil {
			w.done = append(w.done, *e.Closed)
		}
		s.Rejects = append(s.Rejects, e.Rejects...)
		s.Warnings = append(s.Warnings, e.Warnings...)
	}
	last := entries[len(entries)-1]
	im.at, s.OtherSplit, s.Resumed = last.position, last.OtherSplit, last.Items
	im.told.rejects, im.told.warnings = len(s.Rejects), len(s.Warnings)
	shards := len(w.done)
	if last.Closed == nil {
		if err := w.reopenShard(last.Rows, last.Payload, last.Written); err != nil {
			return err
		}
		shards++
	}
	for i := range shards {
		if err := im.recall(i); err != nil {
			return err
		}
	}
	return removeShards(t.working, shards)
}

// takeBack undoes the last step of an import that did not live to see its store published: it gives the shards their
// working names again.
func takeBack(t *target) error {
	names, err := filepath.Glob(filepath.Join(t.finished(), "data-*-of-*.arrow"))
	if err != nil {
		return err
	}
	for _, name := range names {
		var i, n int
		if _, err := fmt.Sscanf(filepath.Base(name), "data-%d-of-%d.arrow", &i, &n); err != nil {
			return err
		}
		if err := os.Rename(name, filepath.Join(t.working, workingName(i))); err != nil {
			return err
		}
	}
	return os.RemoveAll(t.finished())
}

// removeShards deletes the shards from number n on, which were begun after the last line of the journal.
func removeShards(dir string, n int) error {
	names, err := filepath.Glob(filepath.Join(dir, "shard-*.partial"))
	for _, name := range names {
		if filepath.Base(name) >= workingName(n) {
			err = errors.Join(err, os.Remove(name))
		}
	}
	return err
}

// recall reads from a shard what the importer must remember of its rows.
func (im *importer) recall(i int) error {
	m, err := mapfile.Open(filepath.Join(im.writer.dir, workingName(i)))
	if err != nil {
		return err
	}
	defer m.Close()
	open := i == len(im.writer.done)
	rows := 0
	err = walkStream(m.Data, open, func(b *recordBatch) error {
		for row := range b.rows {
			r, err := b.index(row, i, im.opt.Codec)
			if err != nil {
				return err
			}
			im.seen.add(string(b.id.value(row)), r.sum)
			im.samples += int64(r.samples)
		}
		rows += b.rows
		return nil
	})
	want := 0
	if open {
		want = im.writer.open.rows
	} else {
		want = im.writer.done[i].Rows
	}
	if err == nil && rows != want {
		err = fmt.Errorf("%s has %d rows, the journal says %d: %w", workingName(i), rows, want, ErrCorrupt)
	}
	im.summary.Accepted += rows
	return err
}

// duplicates remembers the ids and the checksums of all rows. Both are cut to 128 bits, which billions of rows do not
// bring to collide.
type duplicates struct {
	ids  map[[16]byte]struct{}
	sums map[[16]byte]string // to the id of the row
}

func idKey(id string) [16]byte {
	sum := sha256.Sum256([]byte(id))
	return [16]byte(sum[:16])
}

func (d *duplicates) add(id string, sum [sha256.Size]byte) {
	if d.ids == nil {
		d.ids, d.sums = map[[16]byte]struct{}{}, map[[16]byte]string{}
	}
	d.ids[idKey(id)] = struct{}{}
	d.sums[[16]byte(sum[:16])] = id
}

// fault says whether a row may not follow those before it.
func (d *duplicates) fault(row *storedRow, keepAudio bool) *Fault {
	if _, twice := d.ids[idKey(row.id)]; twice {
		return &Fault{FaultDuplicate, fmt.Sprintf("an earlier recording has the id %q", row.id)}
	}
	if first, twice := d.sums[[16]byte(row.sum[:16])]; twice && !keepAudio {
		return &Fault{FaultSameAudio, fmt.Sprintf("every sample is that of the earlier %q (SHA-256 %s)", first, hex.EncodeToString(row.sum[:8]))}
	}
	return nil
}
