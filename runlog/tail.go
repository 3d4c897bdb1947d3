package runlog

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
)

// tail follows one growing file line by line. An incomplete last line waits for its end. The file may not exist yet, it
// may be replaced (a copy kept fresh by rsync is renamed over the old one), and it may shrink.
type tail struct {
	path    string
	file    *os.File
	offset  int64  // of the first byte that was not returned as part of a line
	buf     []byte // what was read behind offset: buf[begin:]
	begin   int
	scanned int    // buf[begin:scanned] holds no newline
	skip    bool   // inside a line longer than maxLine
	last    []byte // the last line, with its newline: tells a longer copy of the file from another file
	long    int64  // lines longer than maxLine, which are skipped
}

// open brings the tail to the file that path names now. reset is true when what was read before is void, and the file
// is read from its beginning.
func (t *tail) open() (reset bool, err error) {
	info, err := os.Stat(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // not there yet; or being replaced, then the old one is still open
	}
	if err != nil {
		return false, err
	}
	if t.file != nil {
		old, err := t.file.Stat()
		if err != nil {
			return false, err
		}
		if os.SameFile(old, info) && info.Size() >= t.offset {
			return false, nil
		}
	}
	f, err := os.Open(t.path)
	if err != nil {
		return false, err
	}
	read := t.file != nil
	t.close()
	t.file = f
	t.buf, t.begin, t.scanned = t.buf[:0], 0, 0
	if read && t.continues() {
		return false, nil
	}
	t.offset, t.skip, t.last = 0, false, t.last[:0]
	return read, nil
}

// continues reports whether the newly opened file holds, before offset, the line last read.
func (t *tail) continues() bool {
	n := int64(len(t.last))
	if n == 0 || t.offset < n || t.skip {
		return t.offset == 0
	}
	have := make([]byte, n)
	if _, err := t.file.ReadAt(have, t.offset-n); err != nil {
		return false
	}
	return bytes.Equal(have, t.last)
}

// next returns the next whole line without its newline, or nil when there is none yet. The line is valid until the next
// call.
func (t *tail) next() ([]byte, error) {
	if t.file == nil {
		return nil, nil
	}
	for {
		if n := bytes.IndexByte(t.buf[t.scanned:], '\n'); n >= 0 {
			end := t.scanned + n
			line := t.buf[t.begin:end]
			t.offset += int64(end + 1 - t.begin)
			t.begin, t.scanned = end+1, end+1
			if t.skip {
				t.skip = false
				t.long++
				t.last = t.last[:0]
				continue
			}
			t.last = append(append(t.last[:0], line...), '\n')
			return line, nil
		}
		t.scanned = len(t.buf)
		if t.skip || t.scanned-t.begin > maxLine {
			t.skip = true
			t.offset += int64(t.scanned - t.begin)
			t.begin = t.scanned
		}
		if more, err := t.fill(); err != nil || !more {
			return nil, err
		}
	}
}

// fill reads on behind what is in buf.
func (t *tail) fill() (more bool, err error) {
	const chunk = 64 << 10
	kept := copy(t.buf, t.buf[t.begin:])
	t.buf = t.buf[:kept]
	t.scanned -= t.begin
	t.begin = 0
	if cap(t.buf) < kept+chunk {
		t.buf = append(make([]byte, 0, 2*kept+chunk), t.buf...)
	}
	n, err := t.file.ReadAt(t.buf[kept:kept+chunk], t.offset+int64(kept))
	t.buf = t.buf[:kept+n]
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n > 0, err
}

func (t *tail) close() error {
	if t.file == nil {
		return nil
	}
	f := t.file
	t.file = nil
	return f.Close()
}
