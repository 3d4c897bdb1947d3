package bucket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// Bucket is the folder of a store in a bucket. Its methods may be used by many goroutines at once.
type Bucket struct {
	cfg    Config       // without credentials
	source string       // where the keys came from, for errors
	keys   *Credentials // to keep them out of errors; behind a pointer, which fmt does not follow
	core   *minio.Core
	ctx    context.Context // of all reads: io.ReaderAt has no place for one
	cancel context.CancelCauseFunc
	slots  chan struct{} // one for each request for data in flight, whose block is in memory
	disk   *cache        // nil when there is none
	blocks blocks
	counts counters
	work   sync.WaitGroup // goroutines that fetch

	mu     sync.Mutex
	opened map[string]version // by name, as of the latest Open: what Prefetch refers to
	queue  chan wanted
}

// counters are what Stats reports.
type counters struct {
	hits, misses, bytes, retries, corrupt, unsaved, dropped atomic.Int64
}

// Stats counts what a Bucket did since it was opened.
type Stats struct {
	Hits      int64 // blocks that needed no request of their own
	Misses    int64 // blocks that were requested
	BytesRead int64 // bytes of objects that came over the network
	Retries   int64 // requests that were made again
	Corrupt   int64 // blocks in the cache that were damaged and are fetched again
	Unsaved   int64 // blocks that could not be written to the cache, which is full or broken; reading goes on without it
	Dropped   int64 // hints of Prefetch that found the queue full
}

// Stats returns the counts so far.
func (b *Bucket) Stats() Stats {
	c := &b.counts
	return Stats{Hits: c.hits.Load(), Misses: c.misses.Load(), BytesRead: c.bytes.Load(), Retries: c.retries.Load(),
		Corrupt: c.corrupt.Load(), Unsaved: c.unsaved.Load(), Dropped: c.dropped.Load()}
}

// Open prepares the reading of cfg.Bucket. It makes no request: whether keys, region and name are right shows at the first file,
// for which alone some keys are good. All reads end with ctx, or with Close.
func Open(ctx context.Context, cfg Config) (*Bucket, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	keys, err := cfg.Credentials.resolve()
	if err != nil {
		return nil, err
	}
	transport, err := minio.DefaultTransport(cfg.Secure)
	if err != nil {
		return nil, fmt.Errorf("bucket: prepare connections: %w", err)
	}
	transport.MaxIdleConnsPerHost = 2 * cfg.Parallel // a connection that cannot idle is opened anew for each request
	signer := credentials.NewStaticV4(keys.AccessKey, keys.SecretKey, keys.SessionToken)
	core, err := minio.NewCore(cfg.Endpoint, &minio.Options{
		Creds: signer, Secure: cfg.Secure, Transport: transport, Region: cfg.Region,
		MaxRetries: 1, // retry does it, and counts
	})
	if err != nil {
		return nil, fmt.Errorf("bucket: endpoint %s: %w", cfg.Endpoint, err)
	}
	source := cfg.Credentials.String()
	cfg.Credentials = Credentials{}
	b := &Bucket{cfg: cfg, source: source, keys: &keys, core: core, slots: make(chan struct{}, cfg.Parallel), opened: map[string]version{},
		queue: make(chan wanted, queueLength)}
	b.blocks.init(cfg.MemoryBytes)
	if cfg.CacheBytes > 0 {
		if b.disk, err = openCache(cfg.CacheDir, cfg.CacheBytes); err != nil {
			return nil, err
		}
	}
	b.ctx, b.cancel = context.WithCancelCause(ctx)
	for range (cfg.Parallel + 1) / 2 { // hints may take half of the line
		b.work.Go(b.prefetch)
	}
	return b, nil
}

// Close ends all reads and waits for the requests in flight.
func (b *Bucket) Close() error {
	b.mu.Lock() // start looks at the context under it: no fetch begins while we wait
	b.cancel(fmt.Errorf("bucket: %s was closed: %w", b.url(""), fs.ErrClosed))
	b.mu.Unlock()
	b.work.Wait()
	if b.disk == nil {
		return nil
	}
	return b.disk.close()
}

// String is the location.
func (b *Bucket) String() string { return b.url("") }

// url names an object in messages.
func (b *Bucket) url(key string) string {
	if key == "" {
		key = b.cfg.Prefix
	}
	return scheme + b.cfg.Bucket + "/" + key
}

// key returns the key of the file called name.
func (b *Bucket) key(name string) (string, error) {
	if !validName(name) {
		return "", fmt.Errorf("bucket: file name %q: %w", name, fs.ErrInvalid)
	}
	if b.cfg.Prefix == "" {
		return name, nil
	}
	return b.cfg.Prefix + "/" + name, nil
}

// ReadFile returns the content of a file. errors.Is(err, fs.ErrNotExist) holds when there is none.
func (b *Bucket) ReadFile(name string) ([]byte, error) {
	o, err := b.Open(name)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	if o.Size() == 0 {
		return []byte{}, nil
	}
	if o.Size() > maxReadFile {
		return nil, fmt.Errorf("bucket: %s has %d bytes, too many to read at once; use Open", b.url(o.v.key), o.Size())
	}
	// The last byte must come before memory is taken for what the server only claims to have.
	if err := o.read(make([]byte, 1), o.Size()-1); err != nil {
		return nil, err
	}
	data := make([]byte, o.Size())
	if err := o.read(data, 0); err != nil {
		return nil, err
	}
	return data, nil
}

// maxReadFile bounds ReadFile well above the 1 GB of the largest index.
const maxReadFile = 8 << 30

// Open opens a file for reading at any place. It asks the bucket for the present version of the object, and the Object reads
// this version or fails with ErrChanged. errors.Is(err, fs.ErrNotExist) holds when there is no such file.
func (b *Bucket) Open(name string) (*Object, error) {
	key, err := b.key(name)
	if err != nil {
		return nil, err
	}
	v, _, err := b.stat(b.ctx, key)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	b.opened[name] = v
	b.mu.Unlock()
	return &Object{b: b, v: v}, nil
}

// blockKey names block i of v among everything that a cache directory may ever hold.
func (b *Bucket) blockKey(v version, i int64) string {
	return fmt.Sprintf("%s\n%s\n%s\n%s\n%d\n%d\n%d", b.cfg.Endpoint, b.cfg.Bucket, v.key, v.etag, v.size, b.cfg.BlockBytes, i)
}

// blockLength is the length of block i of v: BlockBytes, but for the last one.
func (b *Bucket) blockLength(v version, i int64) int {
	return int(min(int64(b.cfg.BlockBytes), v.size-i*int64(b.cfg.BlockBytes)))
}

// readBlock fills dst with bytes of block i of v from at on.
func (b *Bucket) readBlock(dst []byte, v version, i int64, at int) error {
	if b.ctx.Err() != nil {
		return context.Cause(b.ctx)
	}
	key, length := b.blockKey(v, i), b.blockLength(v, i)
	have := b.blocks.find(key)
	if have == nil && b.fromDisk(dst, key, length, at) {
		return nil
	}
	if have == nil {
		have = b.start(key, v, i)
	} else {
		b.counts.hits.Add(1)
	}
	data, err := have.wait(b.ctx)
	if err != nil {
		return err
	}
	copy(dst, data[at:])
	return nil
}

// fromDisk reads from the cache on disk and says whether dst is filled.
func (b *Bucket) fromDisk(dst []byte, key string, length, at int) bool {
	if b.disk == nil {
		return false
	}
	err := b.disk.read(dst, key, length, at)
	switch {
	case err == nil:
		b.counts.hits.Add(1)
		return true
	case errors.Is(err, errDamaged):
		b.counts.corrupt.Add(1)
	}
	return false
}

// start returns the block with key, which is being fetched from now on if nobody else began before.
func (b *Bucket) start(key string, v version, i int64) *block {
	have, mine := b.blocks.join(key)
	if !mine {
		b.counts.hits.Add(1)
		return have
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ctx.Err() != nil { // Close may be waiting already
		b.blocks.fail(have, context.Cause(b.ctx))
		return have
	}
	b.work.Go(func() { b.fill(have, v, i) })
	return have
}

// fill fetches a block, hands it to those who wait and then saves it. The slot is held until it is saved, so that a slow disk
// slows the requests down instead of filling the memory.
func (b *Bucket) fill(have *block, v version, i int64) {
	select {
	case b.slots <- struct{}{}:
		defer func() { <-b.slots }()
	case <-b.ctx.Done():
		b.blocks.fail(have, context.Cause(b.ctx))
		return
	}
	data := make([]byte, b.blockLength(v, i))
	if b.fromDisk(data, have.key, len(data), 0) { // another reader finished it between our look at the disk and join
		b.blocks.deliver(have, data)
		b.blocks.settle(have)
		return
	}
	b.counts.misses.Add(1)
	if err := b.fetch(b.ctx, v, i*int64(b.cfg.BlockBytes), data); err != nil {
		b.blocks.fail(have, err)
		return
	}
	b.blocks.deliver(have, data)
	if b.disk != nil && b.disk.write(have.key, data) != nil {
		b.counts.unsaved.Add(1)
	}
	b.blocks.settle(have)
}
