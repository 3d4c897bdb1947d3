package datasets

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/apache/arrow/go/v15/arrow/memory"
)

// Selection is some rows of a store, or all of them.
type Selection struct {
	Store *Store
	Rows  *View // nil: all rows
}

// Each yields the numbers of the rows, in order.
func (s *Selection) Each() iter.Seq[int] {
	return func(yield func(int) bool) {
		if s.Rows == nil {
			for row := range s.Store.Len() {
				if !yield(row) {
					return
				}
			}
			return
		}
		for e := range s.Rows.All() {
			if !yield(e.Row) {
				return
			}
		}
	}
}

// CopyOptions says how rows become a new store.
type CopyOptions struct {
	Codec          Codec  // "": that of the first store
	ShardBytes     int64  // size at which a new shard begins; 0: 500 MB
	KeepDuplicates bool   // keep rows whose samples are those of an earlier one
	Overwrite      bool   // replace the target when it is a store
	What           string // how the new store came to be, for its settings, such as "subset of 1 h by speaker"
}

// Copy makes a new store in dir of rows of others, in the order given: to merge stores, to divide one, to take a subset, or
// to change the codec. Rows are copied, not decoded, when the codec stays. Rows with the id, or the samples, of an earlier
// one are rejected as in an import. A copy that ends early leaves nothing behind. progress, unless nil, is called after each
// row with the number of rows done.
func Copy(ctx context.Context, dir string, from []Selection, opt CopyOptions, progress func(done int)) (Summary, error) {
	if len(from) == 0 {
		return Summary{}, errors.New("datasets: copy: no store to copy from")
	}
	opt.Codec = cmp.Or(opt.Codec, from[0].Store.info.Codec)
	if _, err := ParseCodec(string(opt.Codec)); err != nil {
		return Summary{}, err
	}
	c := copier{ctx: ctx, opt: opt, progress: progress}
	err := buildStore(dir, opt.Overwrite, cmp.Or(opt.ShardBytes, defaultShardBytes), func(w *shardWriter, finished string) error {
		c.writer = w
		var sources []string
		for i := range from {
			sources = append(sources, from[i].Store.where)
			if err := c.add(&from[i]); err != nil {
				return err
			}
		}
		c.summary.Accepted = w.rows()
		if c.summary.Accepted == 0 {
			return fmt.Errorf("datasets: copy: no row was taken: %w", ErrEmpty)
		}
		settings := from[0].Store.info.Settings
		settings.Source = strings.TrimSpace(opt.What + " " + strings.Join(sources, ", "))
		settings.ShardBytes, settings.KeepDuplicates, settings.Share = w.shardBytes, opt.KeepDuplicates, ""
		var err error
		c.summary.Info, err = finishStore(w, finished, opt.Codec, settings, c.summary.Rejects, c.summary.Warnings)
		return err
	})
	return c.summary, err
}

// buildStore makes a store in dir with what fill writes; when fill fails, nothing is left of it.
func buildStore(dir string, overwrite bool, shardBytes int64, fill func(w *shardWriter, finished string) error) error {
	t, err := newTarget(dir, overwrite, false)
	if err != nil {
		return err
	}
	defer t.release()
	w, err := newShardWriter(t.working, shardBytes, memory.DefaultAllocator)
	if err != nil {
		return err
	}
	defer w.release()
	if err := fill(w, t.finished()); err != nil {
		return err
	}
	return t.publish()
}

// copier copies rows into a new store.
type copier struct {
	ctx      context.Context
	opt      CopyOptions
	writer   *shardWriter
	summary  Summary
	seen     duplicates
	progress func(int)
	memory   scratch
}

func (c *copier) add(from *Selection) error {
	if from.Rows == nil { // what was said of the rows holds on
		if err := c.remarks(from.Store); err != nil {
			return err
		}
	}
	for i := range from.Each() {
		if err := c.ctx.Err(); err != nil {
			return fmt.Errorf("datasets: copy of %s: %w", from.Store.where, err)
		}
		row, err := c.row(from.Store, i)
		if err != nil {
			return err
		}
		c.summary.Listed++
		if fault := c.seen.fault(row, c.opt.KeepDuplicates); fault != nil {
			c.summary.Rejects = append(c.summary.Rejects, Reject{row.path, row.id, fault.Kind, fault.Reason})
			continue
		}
		if err := c.writer.append(row); err != nil {
			return err
		}
		c.seen.add(row.id, row.sum)
		if c.progress != nil {
			c.progress(c.summary.Listed)
		}
	}
	return nil
}

// row returns row i of a store in the codec of the new one. Its audio is valid until the next call.
func (c *copier) row(s *Store, i int) (*storedRow, error) {
	r, err := s.find(i)
	if err != nil {
		return nil, err
	}
	u, err := s.Utterance(i)
	if err != nil {
		return nil, err
	}
	row := &storedRow{id: u.ID, speaker: u.Speaker, transcript: u.Transcript, split: u.Split, path: u.Path, start: u.Start,
		samples: u.Samples, sum: r.sum}
	row.audio, err = s.shards[r.shard].bytes(r.audio, &c.memory.encoded)
	if err == nil && c.opt.Codec == s.info.Codec {
		err = c.opt.Codec.check(row.audio, row.samples)
	} else if err == nil {
		var pcm []byte
		if pcm, err = s.info.Codec.decode(row.audio, r.samples, &c.memory); err == nil {
			row.audio = c.opt.Codec.encode(SamplesOf(pcm))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("datasets: %s: row %d: %w; verify the store", s.where, i, err)
	}
	return row, nil
}

// remarks takes over the rejects and the warnings of a whole store.
func (c *copier) remarks(s *Store) error {
	for name, to := range map[string]any{rejectedFile: &c.summary.Rejects, warningsFile: &c.summary.Warnings} {
		data, err := s.files.ReadFile(name)
		if err != nil {
			return fmt.Errorf("datasets: %s: %w", s.where, err)
		}
		switch to := to.(type) {
		case *[]Reject:
			err = appendLines(to, data)
		case *[]Warning:
			err = appendLines(to, data)
		}
		if err != nil {
			return fmt.Errorf("datasets: %s in %s: %w", name, s.where, err)
		}
	}
	return nil
}

// appendLines reads what jsonLines writes.
func appendLines[T any](to *[]T, data []byte) error {
	dec := json.NewDecoder(strings.NewReader(string(data)))
	for {
		var v T
		if err := dec.Decode(&v); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		*to = append(*to, v)
	}
}

// linkFile gives a file a second name, or copies it where that is not possible.
func linkFile(from, to string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	if err == nil {
		err = dst.Sync()
	}
	return errors.Join(err, dst.Close())
}

// workingPath is where a finished shard is put for shardWriter.adopt.
func (w *shardWriter) workingPath() string { return filepath.Join(w.dir, workingName(len(w.done))) }
