package tensorboard

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"

	"aural/internal/tfrecord"
)

const (
	chunk = 256 << 10
	// maxMessage bounds what is looked at. Scalars are small; graphs and pictures, which may be large, are passed over.
	maxMessage = 1 << 20
	// rememberedSize is how much of what was read is kept to tell a longer copy of a file from another file.
	rememberedSize = 64
)

// errReplaced is returned for a file in whose place another one stands.
var errReplaced = errors.New("the file was replaced")

// file follows one event file. It is open only while it is read, since a folder may hold many.
type file struct {
	path   string
	folder *folder
	begun  bool // a scalar of it was read

	seen   os.FileInfo // when it was last read
	done   bool        // read to the end that it had then
	offset int64       // of the first byte that was not used
	last   []byte      // what stands before it
	broken bool        // where the next record begins cannot be told
}

// read calls record with each further message, or with an error in place of a damaged one, until stop says so. An incomplete
// last record waits for its end. The message is valid until record returns.
func (f *file) read(stop func() bool, record func(message []byte, err error)) error {
	info, err := os.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it may come back, as when a copy of it is being replaced
	}
	if err != nil {
		return err
	}
	if f.done && os.SameFile(f.seen, info) && info.Size() == f.seen.Size() {
		return nil
	}
	if info.Size() < f.offset {
		return errReplaced
	}
	open, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer open.Close()
	if len(f.last) > 0 && (f.seen == nil || !os.SameFile(f.seen, info)) {
		have := make([]byte, len(f.last))
		if _, err := open.ReadAt(have, f.offset-int64(len(have))); err != nil || !bytes.Equal(have, f.last) {
			return errReplaced
		}
	}
	f.seen, f.done = info, false
	if f.broken {
		return nil
	}
	return f.records(open, stop, record)
}

func (f *file) records(from io.ReaderAt, stop func() bool, record func(message []byte, err error)) error {
	var buf, rest []byte // rest is the unused end of buf, and stands at offset in the file
	for {
		need := tfrecord.HeadSize
		if len(rest) >= need {
			length, err := tfrecord.Length(rest)
			if err != nil {
				f.broken = true
				record(nil, err)
				return nil
			}
			if length > maxMessage {
				size := f.seen.Size() - f.offset - tfrecord.HeadSize - tfrecord.TailSize
				if size < 0 || length > uint64(size) {
					f.done = true // not all of it is there
					return nil
				}
				f.offset += int64(length) + tfrecord.HeadSize + tfrecord.TailSize
				f.last, rest = f.last[:0], nil
				continue
			}
			need += int(length) + tfrecord.TailSize
		}
		if len(rest) >= need && need > tfrecord.HeadSize {
			if stop() {
				return nil
			}
			record(tfrecord.Message(rest[:need]))
			f.offset += int64(need)
			f.last = append(f.last[:0], rest[max(0, need-rememberedSize):need]...)
			rest = rest[need:]
			continue
		}
		if cap(buf) < need {
			buf = make([]byte, 0, need+min(chunk, int(max(0, f.seen.Size()-f.offset))))
		}
		kept := copy(buf[:cap(buf)], rest)
		n, err := from.ReadAt(buf[kept:cap(buf)], f.offset+int64(kept))
		rest = buf[:kept+n]
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if n == 0 {
			f.done = true
			return nil
		}
	}
}
