package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/minio/minio-go/v7"
)

// completeStall is how long a server may think before it answers that an object is complete: it may put the parts together first.
const completeStall = 5 * time.Minute

// inParts makes a multipart upload. If it fails the parts are removed from the server, where they would cost money unseen.
func (u *uploader) inParts(ctx context.Context, f io.ReaderAt, d digested, opts minio.PutObjectOptions) (err error) {
	bucket, core := u.b.cfg.Bucket, u.b.core
	op := "upload " + u.b.url(d.key)
	var id string
	err = u.b.retry(ctx, op, func(ctx context.Context) (err error) {
		ctx, w := newWatch(ctx, u.b.cfg.Stall)
		defer w.stop()
		id, err = core.NewMultipartUpload(ctx, bucket, d.key, opts)
		return blame(ctx, err)
	})
	if err != nil {
		return err
	}
	defer func() {
		if err == nil {
			return
		}
		ctx, w := newWatch(context.WithoutCancel(ctx), u.b.cfg.Stall)
		defer w.stop()
		if abort := core.AbortMultipartUpload(ctx, bucket, d.key, id); abort != nil {
			err = errors.Join(err, u.b.explain("remove the parts of "+u.b.url(d.key), 1, blame(ctx, abort)))
		}
	}()
	done, err := u.parts(ctx, f, d, id)
	if err != nil {
		return err
	}
	err = u.b.retry(ctx, op, func(ctx context.Context) error {
		ctx, w := newWatch(ctx, completeStall)
		defer w.stop()
		_, err := core.CompleteMultipartUpload(ctx, bucket, d.key, id, done, minio.PutObjectOptions{})
		return blame(ctx, err)
	})
	if err != nil { // if only the answer was lost, the server does not know the upload any more and the object is there
		if _, same, lost := u.present(ctx, d); lost == nil && same {
			return nil
		}
	}
	return err
}

// parts sends all parts, side by side, and stops at the first that fails for good.
func (u *uploader) parts(ctx context.Context, f io.ReaderAt, d digested, id string) ([]minio.CompletePart, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make([]minio.CompletePart, len(d.parts))
	var next atomic.Int64
	var work sync.WaitGroup
	for range min(len(done), u.b.cfg.Parallel) {
		work.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(done); i = int(next.Add(1)) - 1 {
				err := u.send(ctx, f, d, i, func(ctx context.Context, body io.Reader, size int64) error {
					part, err := u.b.core.PutObjectPart(ctx, u.b.cfg.Bucket, d.key, id, i+1, body, size,
						minio.PutObjectPartOptions{Sha256Hex: d.parts[i], DisableContentSha256: true})
					done[i] = minio.CompletePart{PartNumber: i + 1, ETag: part.ETag}
					return err
				})
				if err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	work.Wait()
	return done, context.Cause(ctx)
}

// send sends part i by put, again and again as retry says, and reports it.
func (u *uploader) send(ctx context.Context, f io.ReaderAt, d digested, i int,
	put func(ctx context.Context, body io.Reader, size int64) error) error {
	at := int64(i) * d.partBytes
	size := min(d.partBytes, d.size-at)
	op := fmt.Sprintf("upload %s, %d bytes at %d", u.b.url(d.key), size, at)
	err := u.b.retry(ctx, op, func(ctx context.Context) error {
		ctx, w := newWatch(ctx, u.b.cfg.Stall)
		defer w.stop()
		return blame(ctx, put(ctx, w.reader(io.NewSectionReader(f, at, size)), size))
	})
	if err == nil {
		u.report(d.name, size, false)
	}
	return err
}
