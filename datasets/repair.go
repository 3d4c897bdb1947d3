package datasets

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"aural/internal/mapfile"
)

// FaultDamaged is the kind of the rows that Repair drops.
const FaultDamaged FaultKind = "damaged"

// Repaired is the outcome of Repair.
type Repaired struct {
	Rows    int      `json:"rows"`    // kept
	Dropped []Reject `json:"dropped"` // also in rejected.jsonl of the repaired store
	Lost    int      `json:"lost"`    // rows of which not even the name is left
	Notes   []string `json:"notes"`   // what was put right, in sentences for the user
}

// Repair makes the store in dir sound again. It keeps every row that its checksums confirm, drops the others, and replaces
// the store in one step; until then, and when it fails, the damaged one stays as it is. Sound shards are not copied where
// the file system knows hard links. A store without damage is left alone.
//
// Of a damaged shard, rows are taken with the help of the index; when the index is damaged at that place too, they are
// dropped, because then nothing says which texts are right. A store without a good aural.json cannot be repaired unless the
// index and the shards agree, which they do when nothing else is damaged.
func Repair(ctx context.Context, dir string) (Repaired, error) {
	var out Repaired
	v := verifier{ctx: ctx, dir: dir}
	if err := v.run(); err != nil {
		return out, err
	}
	if len(v.Problems) == 0 {
		out.Rows = v.info.Rows
		return out, nil
	}
	for _, p := range v.Problems {
		if p.Row == nil {
			out.Notes = append(out.Notes, fmt.Sprintf("%s: %s", p.File, p.What))
		}
	}
	if v.damaged == nil { // aural.json is not to be trusted
		in, err := reconstruct(ctx, dir)
		if err != nil {
			return out, fmt.Errorf("datasets: repair %s: %s is damaged (%s), and %w", dir, InfoFile, v.Problems[0].What, err)
		}
		v.info, v.damaged = *in, make([]bool, len(in.Shards))
		out.Notes = append(out.Notes, InfoFile+" was made anew: how the store was imported is not known any more")
	}
	return out, out.rewrite(&v)
}

func (out *Repaired) rewrite(v *verifier) error {
	return buildStore(v.dir, true, v.info.shardBytes(), func(w *shardWriter, finished string) error {
		salvage, err := openSalvage(v.dir, &v.info)
		if err != nil {
			out.Notes = append(out.Notes, fmt.Sprintf("%s: %v", indexFile, err))
		} else {
			defer salvage.close()
		}
		first := 0
		for i, s := range v.info.Shards {
			switch path := filepath.Join(v.dir, s.Name); {
			case v.damaged[i]:
				err = out.takeRows(v.ctx, w, salvage, s, first)
			case v.info.FormatVersion < FormatVersion:
				err = upgradeShard(w, path, v.info.Codec)
			default:
				err = takeShard(w, path, s)
			}
			if err != nil {
				return err
			}
			first += s.Rows
		}
		if out.Rows = w.rows(); out.Rows == 0 {
			return fmt.Errorf("datasets: repair %s: no row is whole: %w", v.dir, ErrEmpty)
		}
		rejects, warnings := out.remarks(v.dir)
		_, err = finishStore(w, finished, v.info.Codec, v.info.Settings, append(rejects, out.Dropped...), warnings)
		return err
	})
}

// takeShard takes a sound shard as it is.
func takeShard(w *shardWriter, path string, s FileSum) error {
	if err := w.closeShard(); err != nil {
		return err
	}
	if err := linkFile(path, w.workingPath()); err != nil {
		return fmt.Errorf("datasets: repair: %w", err)
	}
	return w.adopt(s)
}

// upgradeShard takes the rows of a sound shard of an older format version.
func upgradeShard(w *shardWriter, path string, codec Codec) error {
	m, err := mapfile.Open(path)
	if err != nil {
		return fmt.Errorf("datasets: repair: %w", err)
	}
	defer m.Close()
	return readStream(m.Data, func(b *recordBatch) error {
		for i := range b.rows {
			r, err := b.index(i, 0, codec)
			if err != nil {
				return fmt.Errorf("datasets: repair: %s: %w", path, err)
			}
			if err := w.append(&storedRow{id: string(b.id.value(i)), speaker: string(b.speaker.value(i)), transcript: string(b.transcript.value(i)),
				split: string(b.split.value(i)), path: string(b.path.value(i)), start: r.start, samples: r.samples, sum: r.sum,
				audio: b.audio.value(i)}); err != nil {
				return err
			}
		}
		return nil
	})
}

// takeRows takes the rows of a damaged shard that are whole.
func (out *Repaired) takeRows(ctx context.Context, w *shardWriter, from *salvage, s FileSum, first int) error {
	if from == nil {
		out.Lost += s.Rows
		return nil
	}
	for row := first; row < first+s.Rows; row++ {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("datasets: repair: %w", err)
		}
		got, err := from.row(row)
		switch {
		case err == nil:
			if err := w.append(&got); err != nil {
				return err
			}
		case got.id == "":
			out.Lost++
		default:
			out.Dropped = append(out.Dropped, Reject{got.path, got.id, FaultDamaged, err.Error()})
		}
	}
	return w.closeShard()
}

// remarks returns the rejects and warnings of the old store, as far as they can be read.
func (out *Repaired) remarks(dir string) (rejects []Reject, warnings []Warning) {
	read := func(name string, parse func([]byte) error) {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil {
			err = parse(data)
		}
		if err != nil {
			out.Notes = append(out.Notes, fmt.Sprintf("%s is lost from where it is damaged: %v", name, err))
		}
	}
	read(rejectedFile, func(data []byte) error { return appendLines(&rejects, data) })
	read(warningsFile, func(data []byte) error { return appendLines(&warnings, data) })
	return rejects, warnings
}

func (in *Info) shardBytes() int64 {
	if in.Settings.ShardBytes > 0 {
		return in.Settings.ShardBytes
	}
	return defaultShardBytes
}

// reconstruct makes an Info from the shards. The index was made of shards with certain checksums; when they have them
// still, the shards are what was imported.
func reconstruct(ctx context.Context, dir string) (*Info, error) {
	names, err := filepath.Glob(filepath.Join(dir, "data-*-of-*.arrow"))
	if err != nil {
		return nil, err
	}
	in := &Info{FormatVersion: FormatVersion, Rate: Rate}
	for i, path := range names {
		if filepath.Base(path) != shardName(i, len(names)) {
			return nil, fmt.Errorf("%s is not shard %d of %d: %w", filepath.Base(path), i, len(names), ErrCorrupt)
		}
		s := FileSum{Name: filepath.Base(path)}
		if s.Bytes, s.SHA256, err = hashFile(ctx, path); err != nil {
			return nil, err
		}
		m, err := mapfile.Open(path)
		if err != nil {
			return nil, err
		}
		err = readStream(m.Data, func(b *recordBatch) error {
			if s.Rows += b.rows; in.Codec == "" && b.rows > 0 {
				in.Codec = codecOf(b.audio.value(0))
			}
			return nil
		})
		if err := errors.Join(err, m.Close()); err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		in.Rows += s.Rows
		in.Shards = append(in.Shards, s)
	}
	x, err := openIndexFile(plain(dir), in)
	if errors.Is(err, fs.ErrNotExist) {
		err = errors.New("without it nothing proves that the shards are whole")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", indexFile, err)
	}
	return in, x.file.Close()
}

// codecOf tells the codec of an encoded clip.
func codecOf(file []byte) Codec {
	if strings.HasPrefix(string(file), "fLaC") {
		return FLAC
	}
	return PCM
}
