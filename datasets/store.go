package datasets

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"aural/internal/atomicfile"
)

// Utterance is one row of a store.
type Utterance struct {
	ID         string  // unique in the store
	Speaker    string  // "" when unknown
	Transcript string  // "" when there is none
	Split      string  // "train", "dev" …, as the source had it; "" when it had none
	Path       string  // the recording it came from, inside the source
	Start      float64 // where it begins in that recording, in seconds
	Samples    int     // at Rate
}

// Seconds returns the length of the utterance.
func (u Utterance) Seconds() float64 { return float64(u.Samples) / Rate }

// Store is an open store. Its methods may be used by many goroutines at once, except Close.
type Store struct {
	where   string
	files   Files
	info    Info
	shards  []shard
	index   *index
	notes   []string
	scratch sync.Pool // *scratch, for reads that cannot take the bytes from a map
}

// Open opens the store in dir. It maps the shards and reads aural.json and two ends of the index, so the time and the
// memory that it takes do not depend on the number of rows, nor on the amount of audio. A missing or damaged index is
// rebuilt from the shards, which Notes then says. Checksums of the shards are left to Verify.
func Open(dir string) (*Store, error) {
	s, err := openFiles(dir, directory(dir))
	if err != nil {
		return nil, err
	}
	if err := s.openIndex(directory(dir)); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// OpenFiles opens a store whose files lie elsewhere. where names the place in messages. The index must be there: it is not
// rebuilt, because that would read every shard.
func OpenFiles(where string, files Files) (*Store, error) {
	s, err := openFiles(where, files)
	if err != nil {
		return nil, err
	}
	if s.index, err = openIndexFile(files, &s.info); err != nil {
		err = fmt.Errorf("datasets: open %s: %s: %w; open a local copy of the store, which makes the index anew, and copy it there", where, indexFile, err)
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func openFiles(where string, files Files) (*Store, error) {
	info, err := readInfo(where, files)
	if err != nil {
		return nil, err
	}
	s := &Store{where: where, files: files, info: info, shards: make([]shard, len(info.Shards))}
	for i, want := range info.Shards {
		if s.shards[i], err = openShard(files, want); err != nil {
			return nil, errors.Join(fmt.Errorf("datasets: open %s: %w", where, err), s.Close())
		}
	}
	return s, nil
}

func openIndexFile(files Files, in *Info) (*index, error) {
	file, err := files.Open(indexFile)
	if err != nil {
		return nil, err
	}
	x, err := openIndex(file, mappedBytes(file), in)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return x, nil
}

func (s *Store) openIndex(dir directory) error {
	x, why := openIndexFile(dir, &s.info)
	if why == nil {
		s.index = x
		return nil
	}
	if errors.Is(why, fs.ErrNotExist) {
		why = errors.New("it was missing")
	}
	s.notes = append(s.notes, fmt.Sprintf("%s was rebuilt from the shards: %v", indexFile, why))
	err := atomicfile.Create(filepath.Join(string(dir), indexFile), 0o644, func(f *os.File) error { return writeIndex(f, &s.info, s.shards) })
	if err == nil {
		s.index, err = openIndexFile(dir, &s.info)
		return err
	}
	if errors.Is(err, ErrCorrupt) {
		return err
	}
	s.notes = append(s.notes, fmt.Sprintf("the new index could not be saved and will be rebuilt each time: %v", err))
	memory := new(memoryFile)
	if err := writeIndex(memory, &s.info, s.shards); err != nil {
		return err
	}
	s.index, err = openIndex(memory, *memory, &s.info)
	return err
}

// Close closes the files. Slices that PCM returned must not be used afterwards.
func (s *Store) Close() error {
	var err error
	if s.index != nil {
		err = s.index.file.Close()
		s.index = nil
	}
	for i := range s.shards {
		err = errors.Join(err, s.shards[i].close())
	}
	s.shards = nil
	if c, ok := s.files.(io.Closer); ok {
		err = errors.Join(err, c.Close())
	}
	s.files = nil
	return err
}

// FileNames lists the files of the store, the one last that makes the others a store.
func (s *Store) FileNames() []string {
	var names []string
	for _, f := range slices.Concat(s.info.Shards, s.info.Files) {
		names = append(names, f.Name)
	}
	return append(names, indexFile, InfoFile)
}

// readAhead is how many batches a store in a bucket is told of before they are read.
const readAhead = 4

// ExpectAfter tells the store to expect the batches that a sampler gives from a state on.
func (s *Store) ExpectAfter(from *Sampler, at State) {
	for i := 0; i < readAhead && s.ReadsAhead(); i++ {
		b, next := from.Next(at)
		s.Expect(b)
		at = next
	}
}

// ReadsAhead reports whether it helps to tell the store with Expect what will be read soon.
func (s *Store) ReadsAhead() bool {
	_, ok := s.files.(Ahead)
	return ok
}

// Expect says that the cuts of a batch will be read soon. A store in a bucket then fetches them ahead; a local one does
// nothing.
func (s *Store) Expect(b Batch) {
	ahead, ok := s.files.(Ahead)
	if !ok {
		return
	}
	for _, c := range b.Cuts {
		r, err := s.find(c.Row)
		if err != nil {
			return // reading the row will say so
		}
		at, ok := s.info.Codec.part(r.audio, r.samples, c.Offset, c.Samples)
		if !ok {
			at = r.audio
		}
		ahead.Expect(s.info.Shards[r.shard].Name, at.at, int64(at.len))
	}
}

// Info describes the store.
func (s *Store) Info() Info { return s.info }

// Where is the directory, or the other place, that was opened.
func (s *Store) Where() string { return s.where }

// Notes says what Open had to put right, in sentences for the user.
func (s *Store) Notes() []string { return s.notes }

// Rejects returns what the import, and later a repair or a merge, left out of the store, in its order. Each call reads
// rejected.jsonl.
func (s *Store) Rejects() ([]Reject, error) {
	data, err := s.files.ReadFile(rejectedFile)
	if err != nil {
		return nil, fmt.Errorf("datasets: %s: %w", s.where, err)
	}
	var rejects []Reject
	if err := appendLines(&rejects, data); err != nil {
		return nil, fmt.Errorf("datasets: %s in %s: %w", rejectedFile, s.where, err)
	}
	if len(rejects) != s.info.Rejected {
		return nil, fmt.Errorf("datasets: %s in %s has %d lines, %s says %d: verify the store: %w",
			rejectedFile, s.where, len(rejects), InfoFile, s.info.Rejected, ErrCorrupt)
	}
	return rejects, nil
}

// Len returns the number of rows.
func (s *Store) Len() int { return s.info.Rows }

func (s *Store) checkRow(i int) error {
	if s.index == nil || i < 0 || i >= s.info.Rows {
		return fmt.Errorf("datasets: row %d: the store has rows 0 to %d, or is closed", i, s.info.Rows-1)
	}
	return nil
}

// Samples returns the length of row i, at Rate.
func (s *Store) Samples(i int) (int, error) {
	if err := s.checkRow(i); err != nil {
		return 0, err
	}
	samples, _, err := s.index.length(i)
	return samples, err
}

// Utterance returns row i without its audio.
func (s *Store) Utterance(i int) (Utterance, error) {
	r, err := s.find(i)
	if err != nil {
		return Utterance{}, err
	}
	u := Utterance{Speaker: s.index.speakers[r.speaker], Start: r.start, Samples: r.samples}
	for _, t := range []struct {
		to *string
		at span
	}{{&u.ID, r.id}, {&u.Transcript, r.transcript}, {&u.Split, r.split}, {&u.Path, r.path}} {
		if t.at == null {
			continue
		}
		b, err := s.shards[r.shard].bytes(t.at, new([]byte))
		if err != nil {
			return u, fmt.Errorf("datasets: row %d in %s: %w", i, s.info.Shards[r.shard].Name, err)
		}
		*t.to = string(b)
	}
	return u, nil
}

func (s *Store) find(i int) (rowIndex, error) {
	if err := s.checkRow(i); err != nil {
		return rowIndex{}, err
	}
	r, err := s.index.row(i)
	if err != nil {
		return r, fmt.Errorf("datasets: row %d: %w", i, err)
	}
	return r, nil
}

// PCM returns the samples of row i as little-endian int16. In a local store with the codec PCM they lie in the mapped
// file: nothing is copied or allocated, the bytes must not be written to, and they are valid until Close. Otherwise the
// row is read or decoded into new memory.
func (s *Store) PCM(i int) ([]byte, error) {
	r, err := s.find(i)
	if err != nil {
		return nil, err
	}
	pcm, err := s.decode(&r, new(scratch))
	if err != nil {
		return nil, fmt.Errorf("datasets: row %d in %s: %w", i, s.info.Shards[r.shard].Name, err)
	}
	return pcm, nil
}

// decode reads and decodes the audio of a row, in memory of m when the bytes cannot be taken from where they are.
func (s *Store) decode(r *rowIndex, m *scratch) ([]byte, error) {
	file, err := s.shards[r.shard].bytes(r.audio, &m.encoded)
	if err != nil {
		return nil, err
	}
	return s.info.Codec.decode(file, r.samples, m)
}

// Read fills dst with the samples of row i from offset on, scaled to [-1, 1).
func (s *Store) Read(dst []float32, i, offset int) error {
	return s.withPCM(i, offset, len(dst), func(pcm []byte) {
		affine(dst, pcm, 0, pcmScale, 0)
	})
}

// withPCM calls use with n samples of row i from offset on, as little-endian int16. The bytes are valid during the call.
// Of a WAV file no more is read than the samples asked for.
func (s *Store) withPCM(i, offset, n int, use func(pcm []byte)) error {
	r, err := s.find(i)
	if err != nil {
		return err
	}
	if offset < 0 || n < 0 || n > r.samples-offset {
		return fmt.Errorf("datasets: %d samples from %d of row %d, which has %d samples", n, offset, i, r.samples)
	}
	m, ok := s.scratch.Get().(*scratch)
	if !ok {
		m = new(scratch)
	}
	defer s.scratch.Put(m)
	var pcm []byte
	if from, ok := s.info.Codec.part(r.audio, r.samples, offset, n); ok && s.shards[r.shard].data == nil {
		pcm, err = s.shards[r.shard].bytes(from, &m.encoded)
	} else if pcm, err = s.decode(&r, m); err == nil {
		pcm = pcm[2*offset:][:2*n]
	}
	if err != nil {
		return fmt.Errorf("datasets: row %d in %s: %w", i, s.info.Shards[r.shard].Name, err)
	}
	use(pcm)
	return nil
}

// View returns all rows as the sampler and Split see them. It reads the lengths in the index: 8 bytes a row.
func (s *Store) View() (View, error) {
	if s.index == nil {
		return View{}, errors.New("datasets: view: the store is closed")
	}
	t := &table{samples: make([]uint32, s.Len()), speakers: make([]uint32, s.Len()), names: s.index.speakers}
	lengths := s.index.lengths()
	for k := range blocksOf(s.Len()) {
		b, err := s.index.block(lengths, k)
		if err != nil {
			return View{}, fmt.Errorf("datasets: view: %w", err)
		}
		for i := range len(b) / indexLength {
			t.samples[k*blockRows+i] = binary.LittleEndian.Uint32(b[i*indexLength:])
			t.speakers[k*blockRows+i] = binary.LittleEndian.Uint32(b[i*indexLength+4:])
		}
	}
	return newView(t), nil
}
