package corpora

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

const (
	maxMetadata = 64 << 20 // of one message
	// What the buffers of a message may take in memory: the body itself, or 1024 times as much when it is compressed, up to
	// 4 GiB. A batch of Hugging Face, 1000 clips of 30 s, is 1 GB as WAV.
	expansion   = 1024
	maxInflated = 4 << 30
)

var arrowMagic = []byte("ARROW1\x00\x00")

// ipcFile is an open file of Arrow's IPC stream format or IPC file format, which is a stream with a list of its messages
// behind. It takes the messages apart, so it is the [ipc.MessageReader] of the library's reader, whose own reads what the
// lengths claim.
type ipcFile struct {
	file     *os.File
	pos, end int64
	check    messageCheck
	rows     int64 // of the message whose header was read last
	message  *ipc.Message
	memory   *allowance
}

// openIPC opens a file and finds where its messages lie.
func openIPC(path string) (*ipcFile, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("corpora: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("corpora: %s is not a regular file (%s)", path, info.Mode().Type())
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("corpora: %w", err)
	}
	s := &ipcFile{file: f, end: info.Size(), memory: &allowance{}}
	if err := s.findMessages(); err != nil {
		return nil, errors.Join(fmt.Errorf("corpora: Arrow file %s: %w", path, err), f.Close())
	}
	return s, nil
}

// findMessages cuts off what the file format has around the stream: the magic in front; the footer, its length and the magic
// again behind.
func (s *ipcFile) findMessages() error {
	magic := make([]byte, len(arrowMagic))
	if n, err := s.file.ReadAt(magic, 0); err != nil && err != io.EOF {
		return err
	} else if !bytes.Equal(magic[:n], arrowMagic) {
		return nil
	}
	tail := make([]byte, 10)
	if s.end < int64(len(arrowMagic)+len(tail)) {
		return fmt.Errorf("it has %d bytes, which is less than an empty file: it is cut off", s.end)
	}
	if _, err := s.file.ReadAt(tail, s.end-int64(len(tail))); err != nil {
		return err
	}
	footer, left := int64(binary.LittleEndian.Uint32(tail)), s.end-int64(len(tail)+len(arrowMagic))
	if !bytes.Equal(tail[4:], arrowMagic[:6]) || footer > left {
		return fmt.Errorf("it begins as a file of the Arrow IPC format but has no footer: it is cut off")
	}
	s.pos, s.end = int64(len(arrowMagic)), s.end-int64(len(tail))-footer
	return nil
}

// header reads and checks the metadata of the message at pos, and returns where its body lies. A nil result is the end.
func (s *ipcFile) header() (metadata []byte, bodyAt, bodySize int64, err error) {
	word := make([]byte, 4)
	at := s.pos
	if at == s.end {
		return nil, 0, 0, nil
	}
	read := func(into []byte) error {
		if int64(len(into)) > s.end-at {
			return fmt.Errorf("%d bytes are wanted, %d are left: the file is cut off or damaged", len(into), s.end-at)
		}
		_, err := s.file.ReadAt(into, at)
		at += int64(len(into))
		return err
	}
	if err := read(word); err != nil {
		return nil, 0, 0, err
	}
	if binary.LittleEndian.Uint32(word) == 0xFFFFFFFF { // since Arrow 0.15
		if err := read(word); err != nil {
			return nil, 0, 0, err
		}
	}
	size := binary.LittleEndian.Uint32(word)
	switch {
	case size == 0:
		return nil, 0, 0, nil
	case size < 8 || size > maxMetadata || int64(size) > s.end-at:
		return nil, 0, 0, fmt.Errorf("metadata of %d bytes, %d bytes are left: the file is cut off or damaged", size, s.end-at)
	}
	metadata = make([]byte, size)
	if err := read(metadata); err != nil {
		return nil, 0, 0, err
	}
	if s.rows, err = s.check.check(metadata); err != nil {
		return nil, 0, 0, err
	}
	if bodySize = rootTable(metadata).int64(3); bodySize < 0 || bodySize > s.end-at {
		return nil, 0, 0, fmt.Errorf("body of %d bytes, %d are left: the file is cut off or damaged", bodySize, s.end-at)
	}
	return metadata, at, bodySize, nil
}

// countRows walks over all messages without reading their bodies.
func (s *ipcFile) countRows() (rows int64, err error) {
	start := s.pos
	defer func() { s.pos = start }()
	for {
		var metadata []byte
		var bodyAt, bodySize int64
		err := guard(func() (err error) {
			metadata, bodyAt, bodySize, err = s.header()
			return err
		})
		if err != nil {
			return 0, fmt.Errorf("message at byte %d: %w", s.pos, err)
		}
		if metadata == nil {
			return rows, nil
		}
		rows += s.rows
		s.pos = bodyAt + bodySize
	}
}

// Message implements [ipc.MessageReader]. The message is valid until the next call.
func (s *ipcFile) Message() (*ipc.Message, error) {
	s.dropMessage()
	metadata, bodyAt, bodySize, err := s.header()
	if err != nil {
		return nil, fmt.Errorf("message at byte %d: %w", s.pos, err)
	}
	if metadata == nil {
		return nil, io.EOF
	}
	body := make([]byte, bodySize)
	if _, err := s.file.ReadAt(body, bodyAt); err != nil {
		return nil, fmt.Errorf("body at byte %d: %w", bodyAt, err)
	}
	s.pos = bodyAt + bodySize
	s.memory.left = max(2*bodySize, min(expansion*bodySize, maxInflated)) + 1<<20
	s.message = ipc.NewMessage(memory.NewBufferBytes(metadata), memory.NewBufferBytes(body))
	return s.message, nil
}

// dropMessage lets go of the body, of which the reader has made a copy.
func (s *ipcFile) dropMessage() {
	if s.message != nil {
		s.message.Release()
		s.message = nil
	}
}

// Retain and Release implement [ipc.MessageReader]. The file lives as long as the loop that opened it.
func (s *ipcFile) Retain() {}

// Release implements [ipc.MessageReader].
func (s *ipcFile) Release() {}

// allowance is an allocator that stops at what a message may take, whatever its metadata claim.
type allowance struct {
	memory.GoAllocator
	left int64
}

// Allocate implements [memory.Allocator].
func (a *allowance) Allocate(size int) []byte {
	a.take(size)
	return a.GoAllocator.Allocate(size)
}

// Reallocate implements [memory.Allocator].
func (a *allowance) Reallocate(size int, b []byte) []byte {
	if size > cap(b) {
		a.take(size)
	}
	return a.GoAllocator.Reallocate(size, b)
}

// take panics, because an Allocator has no errors; guard turns it into one.
func (a *allowance) take(size int) {
	if size < 0 || int64(size) > a.left {
		panic(fmt.Errorf("a buffer of %d bytes, the message justifies %d more", size, a.left))
	}
	a.left -= int64(size)
}

// guard runs f and turns a panic into an error. The Arrow library panics where data contradicts itself. Only calls of the
// library run inside, never the consumer of a source.
func guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the Arrow data contradicts itself: %v", p)
		}
	}()
	return f()
}
