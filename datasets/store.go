package datasets

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"aural/internal/atomicfile"
)

// Utterance is one row of a store.
type Utterance struct {
	ID         string // unique in the store
	Speaker    string // "" when unknown
	Transcript string // "" when there is none
	Samples    int    // at Rate
}

// Seconds returns the length of the utterance.
func (u Utterance) Seconds() float64 { return float64(u.Samples) / Rate }

// Store is an open store. Its methods may be used by many goroutines at once, except Close.
type Store struct {
	dir    string
	info   Info
	shards []mapping
	index  []byte
	mapped mapping // holds index unless it was rebuilt
	notes  []string
}

// Open opens the store in dir. It maps the shards and reads only aural.json and the index, so the time it takes depends on
// the number of rows and not on the amount of audio. A missing or damaged index is rebuilt from the shards, which Notes
// then says. Checksums of the shards are left to Verify.
func Open(dir string) (*Store, error) {
	info, err := readInfo(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{dir: dir, info: info, shards: make([]mapping, len(info.Shards))}
	for i, shard := range info.Shards {
		if s.shards[i], err = mapFile(filepath.Join(dir, shard.Name)); err == nil && int64(len(s.shards[i].data)) != shard.Bytes {
			err = fmt.Errorf("%s has %d bytes, %s says %d: %w", shard.Name, len(s.shards[i].data), InfoFile, shard.Bytes, ErrCorrupt)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("datasets: open %s: %w", dir, err), s.Close())
		}
	}
	if err := s.openIndex(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) openIndex() error {
	path := filepath.Join(s.dir, indexFile)
	mapped, err := mapFile(path)
	if err == nil {
		if err = checkIndex(mapped.data, &s.info); err == nil {
			s.mapped, s.index = mapped, mapped.data
			return nil
		}
		err = errors.Join(err, mapped.close())
	}
	if s.index, err = s.rebuildIndex(err); err != nil {
		return err
	}
	if err := atomicfile.Write(path, s.index, 0o644); err != nil {
		s.notes = append(s.notes, fmt.Sprintf("the new index could not be saved and will be rebuilt each time: %v", err))
	}
	return nil
}

func (s *Store) rebuildIndex(why error) ([]byte, error) {
	if errors.Is(why, os.ErrNotExist) {
		why = errors.New("it was missing")
	}
	s.notes = append(s.notes, fmt.Sprintf("%s was rebuilt from the shards: %v", indexFile, why))
	return buildIndex(&s.info, s.shards)
}

// Close unmaps the files. Slices that PCM returned must not be used afterwards.
func (s *Store) Close() error {
	s.index = nil
	err := s.mapped.close()
	for i := range s.shards {
		err = errors.Join(err, s.shards[i].close())
	}
	s.shards = nil
	return err
}

// Info describes the store.
func (s *Store) Info() Info { return s.info }

// Dir is the directory that was opened.
func (s *Store) Dir() string { return s.dir }

// Notes says what Open had to put right, in sentences for the user.
func (s *Store) Notes() []string { return s.notes }

// Len returns the number of rows.
func (s *Store) Len() int { return s.info.Rows }

// Samples returns the length of row i, at Rate. Like indexing a slice it panics when there is no row i.
func (s *Store) Samples(i int) int { return samplesOf(s.index, s.row(i)) }

// Utterance returns row i without its audio. Like indexing a slice it panics when there is no row i.
func (s *Store) Utterance(i int) Utterance {
	r := readRow(s.index, s.row(i))
	return Utterance{s.text(r.shard, r.id), s.text(r.shard, r.speaker), s.text(r.shard, r.transcript), r.samples}
}

func (s *Store) row(i int) int {
	if i < 0 || i >= s.info.Rows {
		panic(fmt.Sprintf("datasets: row %d of a store with %d rows", i, s.info.Rows))
	}
	return i
}

func (s *Store) text(shard int, at span) string {
	if at == null {
		return ""
	}
	return string(s.shards[shard].data[at.at : at.at+int64(at.len)])
}

// PCM returns the samples of row i as little-endian int16, in the mapped file: nothing is copied or allocated, the bytes
// must not be written to, and they are valid until Close.
func (s *Store) PCM(i int) ([]byte, error) {
	if s.index == nil || i < 0 || i >= s.info.Rows {
		return nil, fmt.Errorf("datasets: samples of row %d: the store has rows 0 to %d, or is closed", i, s.info.Rows-1)
	}
	r := readRow(s.index, i)
	pcm, err := wavSamples(s.shards[r.shard].data[r.wav.at:r.wav.at+int64(r.wav.len)], r.samples)
	if err != nil {
		return nil, fmt.Errorf("datasets: row %d in %s: %w", i, s.info.Shards[r.shard].Name, err)
	}
	return pcm, nil
}

// Read fills dst with the samples of row i from offset on, scaled to [-1, 1). It allocates nothing.
func (s *Store) Read(dst []float32, i, offset int) error {
	pcm, err := s.cut(Cut{i, offset, len(dst)})
	if err != nil {
		return err
	}
	affine(dst, pcm, 0, pcmScale, 0)
	return nil
}

// View returns all rows as the sampler and Split see them.
func (s *Store) View() View {
	t := &table{samples: make([]uint32, s.Len()), speakers: make([]uint32, s.Len()), names: []string{""}}
	numbers := map[string]uint32{"": 0}
	for i := range t.samples {
		r := readRow(s.index, i)
		t.samples[i] = uint32(r.samples)
		if r.speaker == null {
			continue
		}
		name := s.shards[r.shard].data[r.speaker.at : r.speaker.at+int64(r.speaker.len)]
		number, known := numbers[string(name)]
		if !known {
			number = uint32(len(t.names))
			t.names = append(t.names, string(name))
			numbers[t.names[number]] = number
		}
		t.speakers[i] = number
	}
	return newView(t)
}

// Verify reads the whole store and reports every difference from what was imported.
func (s *Store) Verify(ctx context.Context) (Report, error) { return Verify(ctx, s.dir) }
