package datasets

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"aural/internal/atomicfile"
	"aural/internal/mapfile"
)

// finishStore ends the shards of a writer and makes a store of them in dir, which it creates: everything but the rows. The
// counts and the fingerprint are read from the finished shards, so this is also the first reading of what was written.
func finishStore(w *shardWriter, dir string, codec Codec, settings Settings, rejects []Reject, warnings []Warning) (Info, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return Info{}, fmt.Errorf("datasets: %w", err)
	}
	shards, err := w.finish(dir)
	if err != nil {
		return Info{}, err
	}
	in := Info{FormatVersion: FormatVersion, Codec: codec, Rate: Rate, Rejected: len(rejects), Warned: len(warnings), Settings: settings, Shards: shards}
	if err := in.count(dir); err != nil {
		return in, err
	}
	state, datasetInfo, err := hfFiles(shards, in.Fingerprint, settings.Source)
	if err != nil {
		return in, err
	}
	rejected, err := jsonLines(rejects)
	if err != nil {
		return in, err
	}
	warned, err := jsonLines(warnings)
	if err != nil {
		return in, err
	}
	for _, f := range []struct {
		name string
		data []byte
	}{{stateFile, state}, {datasetInfoFile, datasetInfo}, {rejectedFile, rejected}, {warningsFile, warned}} {
		if err := atomicfile.Write(filepath.Join(dir, f.name), f.data, 0o644); err != nil {
			return in, fmt.Errorf("datasets: write %s: %w", f.name, err)
		}
		in.Files = append(in.Files, FileSum{Name: f.name, Bytes: int64(len(f.data)), SHA256: sum(f.data)})
	}
	data, err := in.encode()
	if err != nil {
		return in, err
	}
	if err := atomicfile.Write(filepath.Join(dir, InfoFile), data, 0o644); err != nil {
		return in, fmt.Errorf("datasets: write %s: %w", InfoFile, err)
	}
	return in, saveIndex(dir)
}

// count fills in what the rows of the shards say.
func (in *Info) count(dir string) error {
	speakers, fingerprint := map[string]struct{}{}, newRowHash()
	for i, s := range in.Shards {
		m, err := mapfile.Open(filepath.Join(dir, s.Name))
		if err != nil {
			return fmt.Errorf("datasets: %w", err)
		}
		err = readStream(m.Data, func(b *recordBatch) error {
			for row := range b.rows {
				r, err := b.index(row, i, in.Codec)
				if err != nil {
					return err
				}
				if name := b.speaker.value(row); len(name) > 0 {
					if _, known := speakers[string(name)]; !known {
						speakers[string(name)] = struct{}{}
					}
				}
				if len(b.transcript.value(row)) > 0 {
					in.Transcribed++
				}
				fingerprint.add(b.id.value(row), b.speaker.value(row), b.transcript.value(row), r.sum)
				in.Samples += int64(r.samples)
			}
			in.Rows += b.rows
			return nil
		})
		if err := errors.Join(err, m.Close()); err != nil {
			return fmt.Errorf("datasets: %s: %w", s.Name, err)
		}
	}
	in.Speakers, in.Seconds, in.Fingerprint = len(speakers), float64(in.Samples)/Rate, fingerprint.sum()
	return nil
}

func saveIndex(dir string) error {
	store, err := Open(dir)
	if err != nil {
		return err
	}
	defer store.Close()
	if _, err := os.Stat(filepath.Join(dir, indexFile)); err != nil {
		return fmt.Errorf("datasets: write %s: %s", indexFile, strings.Join(store.Notes(), "; "))
	}
	return nil
}

func jsonLines[T any](values []T) ([]byte, error) {
	var out []byte
	for _, v := range values {
		line, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("datasets: %w", err)
		}
		out = append(append(out, line...), '\n')
	}
	return out, nil
}
