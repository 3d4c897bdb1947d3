package kerneltest

import (
	"bytes"
	"fmt"

	"aural/kernels"
)

// guardBytes of known content lie before a buffer, and at least as many after it. The buffer stays aligned, its end is wherever its size puts it.
const guardBytes = kernels.Alignment

// Two fills of memory that a kernel must not rely on. In dirtyNaN every float is not a number, every Int32 is -1.
const (
	dirtyNaN   = 0xFF
	dirtyOther = 0x5A
)

// guarded is a buffer of a back end between two guards.
type guarded struct {
	b     kernels.Backend
	mem   kernels.Memory
	buf   kernels.Buffer // what the kernel gets
	whole kernels.Buffer // guards and buffer
	image []byte         // what was stored in whole last
}

func newGuarded(b kernels.Backend, d kernels.Desc) (*guarded, error) {
	size := guardBytes + d.Bytes() + guardBytes
	mem, err := b.Alloc(size)
	if err != nil {
		return nil, err
	}
	g := &guarded{b: b, mem: mem, image: make([]byte, size)}
	if g.buf, err = mem.Slice(d, guardBytes); err != nil {
		return nil, err
	}
	if g.whole, err = mem.Slice(kernels.Of(kernels.Uint8, size), 0); err != nil {
		return nil, err
	}
	return g, nil
}

// store fills the guards with a byte and the buffer with content, or with the same byte when content is nil.
func (g *guarded) store(guard byte, content []byte) error {
	for i := range g.image {
		g.image[i] = guard
	}
	copy(g.image[guardBytes:], content)
	return g.b.Upload(g.whole, g.image)
}

// load reads the buffer back. It is an error when a guard has changed.
func (g *guarded) load() ([]byte, error) {
	now := make([]byte, len(g.image))
	if err := g.b.Download(now, g.whole); err != nil {
		return nil, err
	}
	end := guardBytes + g.buf.Bytes()
	if !bytes.Equal(now[:guardBytes], g.image[:guardBytes]) {
		return nil, fmt.Errorf("wrote before the start of %v", g.buf.Desc)
	}
	if !bytes.Equal(now[end:], g.image[end:]) {
		return nil, fmt.Errorf("wrote beyond the end of %v", g.buf.Desc)
	}
	return now[guardBytes:end], nil
}

// unchanged is an error when anything differs from what was stored.
func (g *guarded) unchanged() error {
	now, err := g.load()
	if err == nil && !bytes.Equal(now, g.image[guardBytes:guardBytes+len(now)]) {
		err = fmt.Errorf("changed its input %v", g.buf.Desc)
	}
	return err
}

func (g *guarded) free() error { return g.mem.Free() }

// scratch is guarded working memory; it is on the host for every back end.
type scratch struct{ whole, inner []byte }

func newScratch(n int) *scratch {
	whole := kernels.New(kernels.Uint8, guardBytes+n+guardBytes).HostBytes()
	return &scratch{whole, whole[guardBytes : guardBytes+n : guardBytes+n]}
}

func (s *scratch) dirty(b byte) {
	for i := range s.whole {
		s.whole[i] = b
	}
}

func (s *scratch) intact(b byte) error {
	for i, v := range s.whole {
		if (i < guardBytes || i >= guardBytes+len(s.inner)) && v != b {
			return fmt.Errorf("wrote outside its %d bytes of scratch, at %d", len(s.inner), i-guardBytes)
		}
	}
	return nil
}
