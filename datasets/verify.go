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
)

// Problem is one difference between a store and what was imported.
type Problem struct {
	File string `json:"file"`
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
	r.Problems = append(r.Problems, Problem{file, fmt.Sprintf(format, args...)})
}

// Verify reads every file of the store in dir and reports each that is not, to the byte, what was imported: checksums of
// all files, the checksum of aural.json, the index against one made anew, and the rows against the fingerprint. The error
// is for what stops the check itself: a cancelled context or a directory that is no store.
func Verify(ctx context.Context, dir string) (Report, error) {
	var r Report
	info, err := readInfo(dir)
	r.Files++
	if errors.Is(err, ErrCorrupt) {
		r.add(InfoFile, "%v", err)
		return r, nil // nothing else can be judged without it
	}
	if err != nil {
		return r, err
	}
	sound := true
	for _, f := range append(append([]FileSum{}, info.Shards...), info.Files...) {
		ok, err := r.checkFile(ctx, dir, f)
		if err != nil {
			return r, err
		}
		sound = sound && (ok || f.Rows == 0)
	}
	if !sound {
		return r, nil // the rows and the index of a damaged shard would only repeat it
	}
	return r, r.checkRows(ctx, dir, &info)
}

// checkFile compares one file with its checksum. It reads with read(2) and not through a map, so that a failing disk is an
// error and not a signal.
func (r *Report) checkFile(ctx context.Context, dir string, want FileSum) (ok bool, err error) {
	f, err := os.Open(filepath.Join(dir, want.Name))
	if err != nil {
		r.add(want.Name, "cannot be read: %v", err)
		return false, nil
	}
	defer f.Close()
	r.Files++
	h := sha256.New()
	n, err := io.Copy(h, contextReader{ctx, f})
	r.Bytes += n
	switch {
	case ctx.Err() != nil:
		return false, fmt.Errorf("datasets: verify %s: %w", dir, ctx.Err())
	case err != nil:
		r.add(want.Name, "cannot be read past byte %d: %v", n, err)
	case n != want.Bytes:
		r.add(want.Name, "has %d bytes, was imported with %d", n, want.Bytes)
	case hex.EncodeToString(h.Sum(nil)) != want.SHA256:
		r.add(want.Name, "is not what was imported: its SHA-256 differs")
	default:
		return true, nil
	}
	return false, nil
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

// checkRows checks what lies inside sound shards: that they parse, that ids are unique, that the fingerprint is theirs, and
// that the index is the one they give.
func (r *Report) checkRows(ctx context.Context, dir string, info *Info) error {
	shards := make([]mapping, len(info.Shards))
	defer func() {
		for i := range shards {
			shards[i].close()
		}
	}()
	ids, fingerprint := map[string]struct{}{}, newRowHash()
	for i, shard := range info.Shards {
		var err error
		if shards[i], err = mapFile(filepath.Join(dir, shard.Name)); err != nil {
			return fmt.Errorf("datasets: verify %s: %w", dir, err)
		}
		err = readStream(shards[i].data, func(b *recordBatch) error {
			for row := range b.rows {
				if err := ctx.Err(); err != nil {
					return err
				}
				id := string(b.id.value(row))
				if _, twice := ids[id]; twice {
					r.add(shard.Name, "id %q occurs twice", id)
				}
				ids[id] = struct{}{}
				samples, _ := b.samples(row)
				pcm, err := wavSamples(b.audio.value(row), int(samples))
				if err != nil {
					return fmt.Errorf("id %q: %w", id, err)
				}
				fingerprint.add(id, string(b.speaker.value(row)), string(b.transcript.value(row)), sha256.Sum256(pcm))
				r.Rows++
			}
			return nil
		})
		if ctx.Err() != nil {
			return fmt.Errorf("datasets: verify %s: %w", dir, ctx.Err())
		}
		if err != nil {
			r.add(shard.Name, "%v", err)
			return nil
		}
	}
	if got := fingerprint.sum(); got != info.Fingerprint {
		r.add(InfoFile, "fingerprint is %s, the rows have %s", info.Fingerprint, got)
	}
	return r.checkIndex(dir, info, shards)
}

func (r *Report) checkIndex(dir string, info *Info, shards []mapping) error {
	want, err := buildIndex(info, shards)
	if err != nil {
		r.add(indexFile, "%v", err)
		return nil
	}
	got, err := os.ReadFile(filepath.Join(dir, indexFile))
	r.Files++
	r.Bytes += int64(len(got))
	switch {
	case err != nil:
		r.add(indexFile, "cannot be read: %v; opening the store writes it anew", err)
	case !bytes.Equal(got, want):
		r.add(indexFile, "is not the index of these shards; opening the store writes it anew")
	}
	return nil
}
