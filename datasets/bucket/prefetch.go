package bucket

// Range is a part of a file: Length bytes from Offset on.
type Range struct{ Offset, Length int64 }

// wanted is one block that somebody will read soon.
type wanted struct {
	v version
	i int64
}

// queueLength bounds the hints that wait. Hints for more than this reach so far ahead that the cache may lose the blocks again.
const queueLength = 1024

// Prefetch says that these ranges of a file will be read soon. Their blocks are fetched in the background, in this order, with at
// most half of the requests that Config.Parallel allows. It returns at once. It is only a hint: names that were not opened yet,
// ranges outside the file and blocks beyond a full queue are left out, and errors show when the range is read.
func (b *Bucket) Prefetch(name string, ranges ...Range) {
	b.mu.Lock()
	v, known := b.opened[name]
	b.mu.Unlock()
	if !known {
		return
	}
	size := int64(b.cfg.BlockBytes)
	for _, r := range ranges {
		from := max(0, r.Offset)
		if r.Length <= 0 || from >= v.size {
			continue
		}
		for i := from / size; i*size < min(r.Length, v.size-from)+from; i++ {
			select {
			case b.queue <- wanted{v, i}:
			default:
				b.counts.dropped.Add(1)
			}
		}
	}
}

// prefetch works off the queue until the bucket is closed.
func (b *Bucket) prefetch() {
	for {
		select {
		case <-b.ctx.Done():
			return
		case w := <-b.queue:
			key := b.blockKey(w.v, w.i)
			if b.blocks.find(key) != nil || b.disk != nil && b.disk.touch(key) {
				continue
			}
			have, mine := b.blocks.join(key)
			if mine {
				b.fill(have, w.v, w.i)
			}
		}
	}
}
