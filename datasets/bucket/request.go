package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/minio/minio-go/v7"
)

// version is one object as it was when it was opened.
type version struct {
	key  string // of the object in the bucket
	etag string
	size int64 // bytes
}

// retry calls attempt until it succeeds, fails for good or has been called Attempts times. op says what it does, for errors.
func (b *Bucket) retry(ctx context.Context, op string, attempt func(context.Context) error) error {
	for n := 1; ; n++ {
		err := attempt(ctx)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("bucket: %s: %w", op, context.Cause(ctx))
		case n == b.cfg.Attempts || !retryable(err) && !(n == 1 && b.learnedRegion(err)):
			return b.explain(op, n, err)
		}
		b.counts.retries.Add(1)
		select {
		case <-time.After(b.backoff(n)):
		case <-ctx.Done():
		}
	}
}

// backoff is the wait before attempt n+1: it doubles up to MaxBackoff, and its second half is random, so that readers which
// failed together do not come back together.
func (b *Bucket) backoff(n int) time.Duration {
	wait := b.cfg.MaxBackoff
	if shift := n - 1; shift < 30 {
		wait = min(wait, b.cfg.Backoff<<shift)
	}
	return wait/2 + rand.N(wait/2+1)
}

// learnedRegion holds when no region was configured and the server named the right one, which the client then uses.
func (b *Bucket) learnedRegion(err error) bool {
	var answer minio.ErrorResponse
	return b.cfg.Region == "" && errors.As(err, &answer) && answer.Region != ""
}

// watch gives up a request that moves no bytes. A limit on the whole request would have to know the speed of the line.
type watch struct {
	timer  *time.Timer
	limit  time.Duration
	cancel context.CancelCauseFunc
}

func newWatch(ctx context.Context, limit time.Duration) (context.Context, *watch) {
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, &watch{time.AfterFunc(limit, func() { cancel(fmt.Errorf("%w (%v)", errStalled, limit)) }), limit, cancel}
}

func (w *watch) stop() {
	w.timer.Stop()
	w.cancel(nil)
}

// reader returns r, with each read putting the end of the wait off.
func (w *watch) reader(r io.Reader) io.Reader { return watched{w, r} }

type watched struct {
	*watch
	io.Reader
}

func (r watched) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if n > 0 {
		r.timer.Reset(r.limit)
	}
	return n, err
}

// blame replaces the error of a request by errStalled when that was the cause.
func blame(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, errStalled) {
		return cause
	}
	return err
}

// stat asks for the present version of an object, and its metadata.
func (b *Bucket) stat(ctx context.Context, key string) (v version, meta map[string]string, err error) {
	err = b.retry(ctx, "open "+b.url(key), func(ctx context.Context) error {
		ctx, w := newWatch(ctx, b.cfg.Stall)
		defer w.stop()
		info, err := b.core.StatObject(ctx, b.cfg.Bucket, key, minio.StatObjectOptions{})
		var answer minio.ErrorResponse
		if errors.As(err, &answer) && answer.StatusCode >= 400 && answer.StatusCode < 500 {
			err = b.reason(ctx, key, err)
		}
		if err != nil {
			return blame(ctx, err)
		}
		if info.ETag == "" || info.Size < 0 {
			return errors.New("the server states no ETag or no size, without which parts of the object cannot be told apart")
		}
		v, meta = version{key, info.ETag, info.Size}, info.UserMetadata
		return nil
	})
	return v, meta, err
}

// reason asks for the first byte of an object whose HEAD failed: an answer to HEAD has no body, so it cannot tell a missing
// bucket from a missing object or a wrong key from a forbidden one.
func (b *Bucket) reason(ctx context.Context, key string, head error) error {
	opts := minio.GetObjectOptions{}
	opts.Set("Range", "bytes=0-0")
	body, _, _, err := b.core.GetObject(ctx, b.cfg.Bucket, key, opts)
	if err != nil {
		return err
	}
	body.Close()
	return head
}

// fetch fills buf with the bytes of v from off on. After a cut it goes on where it stopped: the ETag makes sure that the rest
// belongs to what is there.
func (b *Bucket) fetch(ctx context.Context, v version, off int64, buf []byte) error {
	op := fmt.Sprintf("read %s, %d bytes at %d", b.url(v.key), len(buf), off)
	got := 0
	return b.retry(ctx, op, func(ctx context.Context) error {
		n, err := b.get(ctx, v, off+int64(got), buf[got:])
		got += n
		b.counts.bytes.Add(int64(n))
		return err
	})
}

// get makes one request for len(buf) bytes from off on and returns how many of them are in buf and right.
func (b *Bucket) get(ctx context.Context, v version, off int64, buf []byte) (int, error) {
	ctx, w := newWatch(ctx, b.cfg.Stall)
	defer w.stop()
	opts := minio.GetObjectOptions{}
	opts.Set("If-Match", `"`+v.etag+`"`)
	opts.Set("Range", fmt.Sprintf("bytes=%d-%d", off, off+int64(len(buf))-1))
	body, info, header, err := b.core.GetObject(ctx, b.cfg.Bucket, v.key, opts)
	if err != nil {
		return 0, changed(blame(ctx, err))
	}
	defer body.Close()
	span := header.Get("Content-Range")
	whole := span == "" && off == 0 && int64(len(buf)) == v.size // a server may ignore the range of a whole object
	switch want := fmt.Sprintf("bytes %d-%d/%d", off, off+int64(len(buf))-1, v.size); {
	case info.ETag != v.etag:
		return 0, fmt.Errorf("%w: ETag %q became %q", ErrChanged, v.etag, info.ETag)
	case span != want && !whole:
		return 0, fmt.Errorf("%w: it holds %q and not %q", errShort, span, want)
	case info.Size != int64(len(buf)):
		return 0, fmt.Errorf("%w: it announces %d bytes and not %d", errShort, info.Size, len(buf))
	}
	n, err := io.ReadFull(w.reader(body), buf)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("%w: it ended after %d of %d bytes", errShort, n, len(buf))
	}
	return n, blame(ctx, err)
}

// changed recognises the answers to a condition that no longer holds, and to a range beyond the end of a shorter object.
func changed(err error) error {
	var answer minio.ErrorResponse
	if errors.As(err, &answer) && (answer.StatusCode == 412 || answer.StatusCode == 416) {
		return fmt.Errorf("%w (%d %s)", ErrChanged, answer.StatusCode, answer.Code)
	}
	return err
}
