package bucket

import (
	"fmt"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"
)

// Object is one version of a file in a bucket. Its methods may be used by many goroutines at once.
type Object struct {
	b      *Bucket
	v      version
	closed atomic.Bool
}

var (
	_ io.ReaderAt = (*Object)(nil)
	_ io.Closer   = (*Object)(nil)
)

// Size returns the length in bytes.
func (o *Object) Size() int64 { return o.v.size }

// Close makes later reads fail. What was read stays in the cache.
func (o *Object) Close() error {
	if o.closed.Swap(true) {
		return fmt.Errorf("bucket: close %s: %w", o.b.url(o.v.key), fs.ErrClosed)
	}
	return nil
}

// ReadAt is io.ReaderAt. On an error other than io.EOF it reports 0 bytes, although p may be partly written: pieces come in any
// order.
func (o *Object) ReadAt(p []byte, off int64) (int, error) {
	switch {
	case off < 0:
		return 0, fmt.Errorf("bucket: read %s at %d: %w", o.b.url(o.v.key), off, fs.ErrInvalid)
	case len(p) == 0:
		return 0, nil
	case off >= o.v.size:
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), o.v.size-off))
	if err := o.read(p[:n], off); err != nil {
		return 0, err
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// read fills p, which lies within the object and is not empty. The blocks it touches are asked for side by side.
func (o *Object) read(p []byte, off int64) error {
	if o.closed.Load() {
		return fmt.Errorf("bucket: read %s: %w", o.b.url(o.v.key), fs.ErrClosed)
	}
	size := int64(o.b.cfg.BlockBytes)
	first, last := off/size, (off+int64(len(p))-1)/size
	piece := func(i int64) error {
		from, to := max(off, i*size), min(off+int64(len(p)), (i+1)*size)
		return o.b.readBlock(p[from-off:to-off], o.v, i, int(from-i*size))
	}
	if first == last {
		return piece(first)
	}
	var (
		next   atomic.Int64
		failed atomic.Bool
		once   sync.Once
		why    error
		work   sync.WaitGroup
	)
	next.Store(first)
	for range min(last-first+1, int64(o.b.cfg.Parallel)) {
		work.Go(func() {
			for i := next.Add(1) - 1; i <= last && !failed.Load(); i = next.Add(1) - 1 {
				if err := piece(i); err != nil {
					once.Do(func() { why = err })
					failed.Store(true)
				}
			}
		})
	}
	work.Wait()
	return why
}
