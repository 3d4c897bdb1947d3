package exec

import "aural/kernels"

// allocator places blocks in one growing address range: best fit over a sorted list of free blocks, neighbours merged.
type allocator struct {
	free []block // sorted by offset, no two adjacent
	size int     // high-water mark
}

type block struct{ off, len int }

// round makes every block a whole number of cache lines, so that all offsets stay aligned.
func round(n int) int { return (n + kernels.Alignment - 1) / kernels.Alignment * kernels.Alignment }

// alloc returns the offset of n bytes.
func (a *allocator) alloc(n int) int {
	n = round(n)
	if n == 0 {
		return 0
	}
	best := -1
	for i, b := range a.free {
		if b.len >= n && (best < 0 || b.len < a.free[best].len) {
			best = i
		}
	}
	if best >= 0 {
		off := a.free[best].off
		a.free[best].off += n
		a.free[best].len -= n
		if a.free[best].len == 0 {
			a.free = append(a.free[:best], a.free[best+1:]...)
		}
		return off
	}
	// Nothing fits: extend the range, from a free block that touches its end if there is one.
	off := a.size
	if k := len(a.free) - 1; k >= 0 && a.free[k].off+a.free[k].len == a.size {
		off = a.free[k].off
		a.free = a.free[:k]
	}
	a.size = off + n
	return off
}

// release gives back the n bytes at off.
func (a *allocator) release(off, n int) {
	n = round(n)
	if n == 0 {
		return
	}
	i := 0
	for i < len(a.free) && a.free[i].off < off {
		i++
	}
	a.free = append(a.free, block{})
	copy(a.free[i+1:], a.free[i:])
	a.free[i] = block{off, n}
	if i+1 < len(a.free) && off+n == a.free[i+1].off {
		a.free[i].len += a.free[i+1].len
		a.free = append(a.free[:i+1], a.free[i+2:]...)
	}
	if i > 0 && a.free[i-1].off+a.free[i-1].len == off {
		a.free[i-1].len += a.free[i].len
		a.free = append(a.free[:i], a.free[i+1:]...)
	}
}
