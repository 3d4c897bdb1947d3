package datasets

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"aural/internal/mapfile"
)

// Problem is one difference between a store and what was imported.
type Problem struct {
	File string `json:"file"`
	Row  *int   `json:"row,omitempty"` // of the store, when the problem is one of a row
	ID   string `json:"id,omitempty"`  // of that row
	What string `json:"what"`
}

// Report is the result of Verify. The store is sound when there are no problems.
type Report struct {
	Files    int       `json:"files"` // files read
	Bytes    int64     `json:"bytes"` // bytes read
	Rows     int       `json:"rows"`  // rows checked
	Problems []Problem `json:"problems"`
}

func (r *Report) add(file, format string, args ...any) {
	r.Problems = append(r.Problems, Problem{File: file, What: fmt.Sprintf(format, args...)})
}

// Verify reads every file of the store in dir and reports each that is not, to the byte, what was imported: checksums of
// all files, the checksum of aural.json, the index against one made anew, and every clip against its own checksum. Of a
// damaged shard it names the damaged rows, as far as the index is sound. The error is for what stops the check itself: a
// cancelled context or a directory that is no store.
func Verify(ctx context.Context, dir string) (Report, error) {
	v := verifier{ctx: ctx, dir: dir}
	err := v.run()
	return v.Report, err
}

// verifier checks a store. The files are read with read(2) and not through a map, so that a failing disk is an error and not
// a signal.
type verifier struct {
	Report
	ctx     context.Context
	dir     string
	info    Info
	damaged []bool // shards
}

func (v *verifier) run() (err error) {
	v.info, err = readInfo(v.dir, directory(v.dir))
	v.Files++
	if errors.Is(err, ErrCorrupt) {
		v.add(InfoFile, "%v", err)
		return nil // nothing else can be judged without it
	}
	if err != nil {
		return err
	}
	v.damaged = make([]bool, len(v.info.Shards))
	sound := true
	for i, f := range v.info.Shards {
		ok, err := v.checkFile(f)
		if err != nil {
			return err
		}
		v.damaged[i], sound = !ok, sound && ok
	}
	for _, f := range v.info.Files {
		if _, err := v.checkFile(f); err != nil {
			return err
		}
	}
	if sound {
		return v.checkRows()
	}
	return v.findRows()
}

// checkFile compares one file with its checksum.
func (v *verifier) checkFile(want FileSum) (ok bool, err error) {
	v.Files++
	n, sum, err := hashFile(v.ctx, filepath.Join(v.dir, want.Name))
	v.Bytes += n
	switch {
	case v.ctx.Err() != nil:
		return false, fmt.Errorf("datasets: verify %s: %w", v.dir, v.ctx.Err())
	case err != nil:
		v.add(want.Name, "cannot be read past byte %d: %v", n, err)
	case n != want.Bytes:
		v.add(want.Name, "has %d bytes, was imported with %d", n, want.Bytes)
	case sum != want.SHA256:
		v.add(want.Name, "is not what was imported: its SHA-256 differs")
	default:
		return true, nil
	}
	return false, nil
}

// hashFile returns the length and the SHA-256 of a file, of as much as could be read.
func hashFile(ctx context.Context, path string) (n int64, sum string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	h := sha256.New()
	n, err = io.Copy(h, contextReader{ctx, f})
	return n, hex.EncodeToString(h.Sum(nil)), err
}

// contextReader ends a long copy when its context ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// checkRows checks what lies inside sound shards: that they parse, that ids are unique, that every clip has its checksum,
// that the fingerprint is theirs, and that the index is the one they give.
func (v *verifier) checkRows() error {
	shards := make([]shard, len(v.info.Shards))
	defer func() {
		for i := range shards {
			shards[i].close()
		}
	}()
	var seen duplicates
	fingerprint, memory := newRowHash(), new(scratch)
	for i, want := range v.info.Shards {
		var err error
		if shards[i], err = openShard(directory(v.dir), want); err != nil {
			return fmt.Errorf("datasets: verify %s: %w", v.dir, err)
		}
		err = shards[i].readStream(func(b *recordBatch) error {
			for row := range b.rows {
				if err := v.ctx.Err(); err != nil {
					return err
				}
				id := string(b.id.value(row))
				if _, twice := seen.ids[idKey(id)]; twice {
					v.add(want.Name, "id %q occurs twice", id)
				}
				r, err := b.index(row, i, v.info.Codec)
				if err != nil {
					return fmt.Errorf("id %q: %w", id, err)
				}
				pcm, err := v.info.Codec.decode(b.audio.value(row), r.samples, memory)
				if err == nil && pcmSum(pcm) != r.sum {
					err = fmt.Errorf("the samples are not those of its checksum: %w", ErrCorrupt)
				}
				if err != nil {
					return fmt.Errorf("id %q: %w", id, err)
				}
				seen.add(id, r.sum)
				fingerprint.add(b.id.value(row), b.speaker.value(row), b.transcript.value(row), r.sum)
				v.Rows++
			}
			return nil
		})
		if v.ctx.Err() != nil {
			return fmt.Errorf("datasets: verify %s: %w", v.dir, v.ctx.Err())
		}
		if err != nil {
			v.add(want.Name, "%v", err)
			return nil
		}
	}
	if got := fingerprint.sum(); got != v.info.Fingerprint {
		v.add(InfoFile, "fingerprint is %s, the rows have %s", v.info.Fingerprint, got)
	}
	return v.checkIndex(shards)
}

// checkIndex compares the index with one made anew, which is not kept.
func (v *verifier) checkIndex(shards []shard) error {
	m, err := mapfile.Open(filepath.Join(v.dir, indexFile))
	if err != nil {
		v.add(indexFile, "cannot be read: %v; opening the store writes it anew", err)
		return nil
	}
	defer m.Close()
	v.Files++
	v.Bytes += m.Size()
	compare := comparison{with: m.Data, same: true}
	if err := writeIndex(&compare, &v.info, shards); err != nil {
		v.add(indexFile, "%v", err)
		return nil
	}
	if !compare.same || compare.end != m.Size() {
		v.add(indexFile, "is not the index of these shards; delete it, opening the store writes it anew")
	}
	return nil
}

// comparison is a file whose writes are only compared with what another one holds.
type comparison struct {
	with []byte
	same bool
	end  int64
}

// WriteAt compares.
func (c *comparison) WriteAt(p []byte, at int64) (int, error) {
	c.end = max(c.end, at+int64(len(p)))
	c.same = c.same && c.end <= int64(len(c.with)) && bytes.Equal(c.with[at:at+int64(len(p))], p)
	return len(p), nil
}

// findRows names the rows that damaged shards have lost.
func (v *verifier) findRows() error {
	salvage, err := openSalvage(v.dir, &v.info)
	if err != nil {
		v.add(indexFile, "%v: so the damaged rows cannot be named", err)
		return nil
	}
	defer salvage.close()
	first := 0
	for i, s := range v.info.Shards {
		named := v.damaged[i] && salvage.shards[i].file != nil
		if v.damaged[i] && !named {
			v.add(s.Name, "rows %d to %d are lost with it", first, first+s.Rows-1)
		}
		for row := first; named && row < first+s.Rows; row++ {
			if err := v.ctx.Err(); err != nil {
				return fmt.Errorf("datasets: verify %s: %w", v.dir, err)
			}
			v.Rows++
			if got, err := salvage.row(row); err != nil {
				v.Problems = append(v.Problems, Problem{File: s.Name, Row: &row, ID: got.id, What: err.Error()})
			}
		}
		first += s.Rows
	}
	return nil
}
