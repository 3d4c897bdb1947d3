package datasets

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"unicode/utf8"
)

// salvage reads single rows of a store whose shards may be damaged anywhere. It trusts the index, whose blocks carry their
// own checksums, and takes nothing from a shard that the checksums of the row do not confirm. No Arrow metadata is read, so
// a shard whose messages are damaged gives its rows all the same.
type salvage struct {
	info   *Info
	index  *index
	shards []shard // those that can be opened
	memory scratch
}

// plainFile is a file that is read with read(2).
type plainFile struct {
	*os.File
	size int64
}

// Size returns the length of the file.
func (p plainFile) Size() int64 { return p.size }

// plain is a local directory whose files are not mapped.
type plain string

// ReadFile reads a small file.
func (d plain) ReadFile(name string) ([]byte, error) { return directory(d).ReadFile(name) }

// Open opens a file.
func (d plain) Open(name string) (File, error) {
	f, err := os.Open(filepath.Join(string(d), name))
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return plainFile{f, info.Size()}, nil
}

func openSalvage(dir string, in *Info) (*salvage, error) {
	x, err := openIndexFile(plain(dir), in)
	if err != nil {
		return nil, err
	}
	s := &salvage{info: in, index: x, shards: make([]shard, len(in.Shards))}
	for i, want := range in.Shards {
		if file, err := plain(dir).Open(want.Name); err == nil {
			s.shards[i].file = file
		}
	}
	return s, nil
}

func (s *salvage) close() {
	s.index.file.Close()
	for i := range s.shards {
		s.shards[i].close()
	}
}

// row returns a row as it was imported, or why it cannot be had. Its audio is valid until the next call. The id is given,
// when it can be read at all, beside an error too.
func (s *salvage) row(i int) (out storedRow, err error) {
	r, err := s.index.row(i)
	if err != nil {
		return out, err
	}
	sh := &s.shards[r.shard]
	if sh.file == nil {
		return out, errors.New("its shard cannot be read")
	}
	out = storedRow{speaker: s.index.speakers[r.speaker], start: r.start, samples: r.samples, sum: r.sum}
	var texts [4][]byte
	for k, t := range []struct {
		to *string
		at span
	}{{&out.id, r.id}, {&out.transcript, r.transcript}, {&out.split, r.split}, {&out.path, r.path}} {
		if t.at == null {
			continue
		}
		if texts[k], err = sh.bytes(t.at, new([]byte)); err != nil {
			return out, err
		}
		if k > 0 || utf8.Valid(texts[k]) {
			*t.to = string(texts[k])
		}
	}
	if textSum(texts[0], []byte(out.speaker), texts[1], texts[2], texts[3], r.start) != r.texts {
		return out, fmt.Errorf("its texts are damaged: %w", ErrCorrupt)
	}
	if out.audio, err = sh.bytes(r.audio, &s.memory.encoded); err != nil {
		return out, err
	}
	pcm, err := s.info.Codec.decode(out.audio, r.samples, &s.memory)
	if err != nil {
		return out, fmt.Errorf("its audio is damaged: %w", err)
	}
	if pcmSum(pcm) != r.sum {
		return out, fmt.Errorf("its samples are damaged: %w", ErrCorrupt)
	}
	return out, nil
}
