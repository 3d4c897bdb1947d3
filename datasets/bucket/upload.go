package bucket

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sync"

	"github.com/minio/minio-go/v7"
)

// sumName is the name under which an object's SHA-256 is kept in its metadata: an ETag is not one of the content when an object
// came in parts.
const sumName = "Aural-Sha256"

// Progress is the state of an upload.
type Progress struct {
	Name    string // of the file that just moved on
	Sent    int64  // bytes of all files that arrived or were there before
	Total   int64  // bytes of all files
	Skipped bool   // Name was in the bucket already
}

// Upload puts the files of dir called names into the bucket. The last one is the one that makes the others a store (aural.json): it
// goes up when all others are there, so that half an upload is never taken for a store. Files that the bucket has already, with the
// same size and SHA-256, are skipped, so an upload that was interrupted goes on where it was. If the bucket has another last file,
// a different store is there, and errors.Is(err, fs.ErrExist) holds; nothing is changed then. Each request carries the SHA-256 of
// its bytes as they were when the file was first read, so that the server refuses what was damaged on the way or changed meanwhile.
// progress may be nil; it is called by one goroutine at a time.
func (b *Bucket) Upload(ctx context.Context, dir string, names []string, progress func(Progress)) error {
	if len(names) == 0 {
		return errors.New("bucket: upload of no files")
	}
	u := &uploader{b: b, dir: dir, progress: progress}
	for _, name := range names {
		info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name)))
		switch {
		case err != nil:
			return fmt.Errorf("bucket: upload: %w", err)
		case !validName(name) || !info.Mode().IsRegular():
			return fmt.Errorf("bucket: upload %s: not a regular file: %w", name, fs.ErrInvalid)
		}
		u.total += info.Size()
	}
	last := names[len(names)-1]
	commit, err := u.digest(ctx, last)
	if err != nil {
		return err
	}
	switch there, same, err := u.present(ctx, commit); {
	case err != nil:
		return err
	case there && !same:
		return fmt.Errorf("bucket: upload to %s: it holds another store: %s differs; choose another folder or remove it there: %w",
			b.url(""), last, fs.ErrExist)
	}
	for _, name := range names[:len(names)-1] {
		f, err := u.digest(ctx, name)
		if err == nil {
			err = u.file(ctx, f)
		}
		if err != nil {
			return err
		}
	}
	return u.file(ctx, commit)
}

// uploader is one call of Upload.
type uploader struct {
	b        *Bucket
	dir      string
	total    int64
	progress func(Progress)

	mu   sync.Mutex
	sent int64
}

// digested is a file with the sums of its content, read once before it goes up.
type digested struct {
	name, key, path string
	size            int64
	partBytes       int64
	sum             string   // SHA-256 of the file, in hex
	parts           []string // SHA-256 of each part, in hex; at least one
}

const (
	uploadPartBytes = 16 << 20
	maxParts        = 10000 // of S3
)

func (u *uploader) digest(ctx context.Context, name string) (digested, error) {
	key, err := u.b.key(name)
	if err != nil {
		return digested{}, err
	}
	d := digested{name: name, key: key, path: filepath.Join(u.dir, filepath.FromSlash(name)), partBytes: uploadPartBytes}
	f, err := os.Open(d.path)
	if err != nil {
		return digested{}, fmt.Errorf("bucket: upload: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return digested{}, fmt.Errorf("bucket: upload: %w", err)
	}
	for d.size = info.Size(); d.size > d.partBytes*maxParts; d.partBytes *= 2 {
	}
	whole, part := sha256.New(), sha256.New()
	for at := int64(0); at < d.size || at == 0; at += d.partBytes {
		if err := ctx.Err(); err != nil {
			return digested{}, fmt.Errorf("bucket: upload %s: %w", name, context.Cause(ctx))
		}
		part.Reset()
		n := min(d.partBytes, d.size-at)
		if got, err := io.Copy(io.MultiWriter(whole, part), io.LimitReader(f, n)); err != nil || got != n {
			return digested{}, fmt.Errorf("bucket: upload: %s gave %d bytes at %d and not %d, is it being written? %w",
				d.path, got, at, n, errors.Join(err, io.ErrUnexpectedEOF))
		}
		d.parts = append(d.parts, hex.EncodeToString(part.Sum(nil)))
	}
	d.sum = hex.EncodeToString(whole.Sum(nil))
	return d, nil
}

// present says whether the bucket has an object at the file's key, and whether it is the same.
func (u *uploader) present(ctx context.Context, d digested) (there, same bool, err error) {
	v, meta, err := u.b.stat(ctx, d.key)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, false, nil
	case err != nil:
		return false, false, err
	}
	for name, value := range meta { // servers differ in the case of names
		if http.CanonicalHeaderKey(name) == sumName {
			same = v.size == d.size && value == d.sum
		}
	}
	return true, same, nil
}

// file puts one file into the bucket unless it is there.
func (u *uploader) file(ctx context.Context, d digested) error {
	_, same, err := u.present(ctx, d)
	if err != nil {
		return err
	}
	if same {
		u.report(d.name, d.size, true)
		return nil
	}
	f, err := os.Open(d.path)
	if err != nil {
		return fmt.Errorf("bucket: upload: %w", err)
	}
	defer f.Close()
	opts := minio.PutObjectOptions{UserMetadata: map[string]string{sumName: d.sum}, ContentType: "application/octet-stream",
		DisableContentSha256: true} // not of the stream, which the client would sum up once more: we give the sum
	if len(d.parts) > 1 {
		err = u.inParts(ctx, f, d, opts)
	} else {
		err = u.send(ctx, f, d, 0, func(ctx context.Context, body io.Reader, size int64) error {
			_, err := u.b.core.PutObject(ctx, u.b.cfg.Bucket, d.key, body, size, "", d.parts[0], opts)
			return err
		})
	}
	if err != nil {
		return err
	}
	switch _, same, err := u.present(ctx, d); {
	case err != nil:
		return err
	case !same:
		return fmt.Errorf("bucket: upload %s: the server accepted it and now has something else; is somebody else uploading there?",
			u.b.url(d.key))
	}
	return nil
}

// report counts n bytes as there and tells the caller.
func (u *uploader) report(name string, n int64, skipped bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.sent += n
	if u.progress != nil {
		u.progress(Progress{Name: name, Sent: u.sent, Total: u.total, Skipped: skipped})
	}
}
