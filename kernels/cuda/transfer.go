package cuda

import (
	"errors"
	"fmt"
	"slices"

	"aural/kernels"
	"aural/kernels/cuda/driver"
)

// Data goes to the device through page-locked slots of the host and two areas of device memory:
//
//	slot ──copy stream──▶ area ──compute stream──▶ tensors
//	          waits for "moved" of      waits for "filled" of
//	          what the area held        what it holds now
//
// The copy from the host runs beside the kernels queued before; the move on the device is in order with them, so tensors that they still read are not
// touched, and is short. A slot is used again once the host has waited for the stream that read it.

// mostSlots is how many blocks may be on their way before Stage waits for one. Memory for them is made as updates need it.
const mostSlots = 8

// transfers is the state of a back end's copies. The first fields are guarded by Backend.mu, the rest belongs to the executor's thread.
type transfers struct {
	slots  []*slot
	sends  uint64 // blocks sent so far
	pinned [][]byte

	room int // bytes of an area; changed by the executor's thread while the caller holds the lock and waits

	stream driver.Stream // of copies; 0 until the first
	areas  [2]area
	turn   int // the area to use next
}

// slot is page-locked memory for one block.
type slot struct {
	host   []byte
	state  slotState
	number uint64 // of the send
	dst    driver.Ptr
	ranges []kernels.Range
	queue  func(driver.Context) error // made once, so that a send does not allocate
}

type slotState int

const (
	empty slotState = iota
	open            // filled by who called Stage
	sent
)

// area is device memory that blocks pass through.
type area struct {
	at            driver.Ptr
	filled, moved driver.Event
	used          bool // moved was recorded
}

// Stage implements kernels.Streamer.
func (b *Backend) Stage(n int) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if rounded := ceilDiv(max(n, 1), slotBytes) * slotBytes; rounded > b.copies.room {
		if err := b.exec.do(func(ctx driver.Context) error { return b.openCopies(ctx, rounded) }); err != nil {
			return nil, fmt.Errorf("cuda: twice %d bytes for what is copied to the device: %w", rounded, err)
		}
	}
	s, err := b.emptySlot(n)
	if err != nil {
		return nil, err
	}
	s.state = open
	return s.host, nil
}

// emptySlot chooses the smallest that n bytes fit in, else makes the largest one larger, else a new one.
func (b *Backend) emptySlot(n int) (*slot, error) {
	var fits, largest *slot
	busy := 0
	for _, s := range b.copies.slots {
		switch {
		case s.state == sent:
			busy++
		case s.state == open:
		case len(s.host) >= n && (fits == nil || len(s.host) < len(fits.host)):
			fits = s
		case len(s.host) < n && (largest == nil || len(s.host) > len(largest.host)):
			largest = s
		}
	}
	if fits != nil {
		return fits, nil
	}
	if largest == nil && busy >= mostSlots {
		if err := b.waitForCopies(); err != nil {
			return nil, err
		}
		return b.emptySlot(n)
	}
	s := largest
	if s == nil {
		s = &slot{}
		s.queue = func(ctx driver.Context) error { return b.deliver(ctx, s) }
		b.copies.slots = append(b.copies.slots, s)
	}
	err := b.exec.do(func(ctx driver.Context) (err error) {
		if s.host != nil {
			if err := ctx.HostFree(s.host); err != nil {
				return err
			}
			s.host = nil
		}
		s.host, err = ctx.HostAlloc(ceilDiv(max(n, 1), slotBytes) * slotBytes)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cuda: %d bytes of page-locked memory: %w", n, err)
	}
	return s, nil
}

// slotBytes is what sizes of slots and areas are multiples of, so that small differences between blocks do not make them anew.
const slotBytes = 64 << 10

// waitForCopies empties the slots that were sent. The areas hold what they held; kernels go on.
func (b *Backend) waitForCopies() error {
	err := b.exec.do(func(ctx driver.Context) error {
		if b.exec.failed == nil {
			if err := ctx.Sync(b.copies.stream); err != nil {
				b.exec.failed = fmt.Errorf("cuda: copying to the device: %w", err)
			}
		}
		return b.exec.failed
	})
	b.arrived(b.copies.sends)
	return err
}

// arrived empties the slots of all sends up to a number.
func (b *Backend) arrived(number uint64) {
	for _, s := range b.copies.slots {
		if s.state == sent && s.number <= number {
			s.state = empty
		}
	}
}

// Send implements kernels.Streamer.
func (b *Backend) Send(dst kernels.Memory, block []byte, ranges []kernels.Range) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.copies.slots, func(s *slot) bool { return s.state == open && len(block) > 0 && &s.host[0] == &block[0] })
	if i < 0 {
		return errors.New("cuda: Send of memory that Stage did not give, or that was sent already")
	}
	s := b.copies.slots[i]
	for _, r := range ranges {
		if r.From < 0 || r.To < r.From || r.To > min(len(s.host), dst.Size) {
			return fmt.Errorf("cuda: sending bytes %d to %d of a block of %d to memory of %d", r.From, r.To, len(s.host), dst.Size)
		}
	}
	b.copies.sends++
	s.dst, s.number, s.state = driver.Ptr(dst.Dev), b.copies.sends, sent
	s.ranges = append(s.ranges[:0], ranges...)
	b.exec.commands <- command{what: queueCall, call: s.queue}
	return nil
}

// deliver queues the copies of a slot, on the executor's thread.
func (b *Backend) deliver(ctx driver.Context, s *slot) error {
	from, to := len(s.host), 0
	for _, r := range s.ranges {
		if r.From < r.To {
			from, to = min(from, r.From), max(to, r.To)
		}
	}
	if from >= to {
		return nil
	}
	t := &b.copies
	a := &t.areas[t.turn]
	t.turn = (t.turn + 1) % len(t.areas)
	if a.used {
		if err := ctx.Wait(t.stream, a.moved); err != nil {
			return err
		}
	}
	err := ctx.CopyToDevice(t.stream, a.at, s.host[from:to])
	if err == nil {
		err = ctx.Record(a.filled, t.stream)
	}
	if err == nil {
		err = ctx.Wait(b.exec.stream, a.filled)
	}
	for _, r := range s.ranges {
		if err == nil && r.From < r.To {
			err = ctx.CopyDevice(b.exec.stream, s.dst+driver.Ptr(r.From), a.at+driver.Ptr(r.From-from), r.To-r.From)
		}
	}
	if err == nil {
		err = ctx.Record(a.moved, b.exec.stream)
	}
	a.used = err == nil
	if err != nil {
		return fmt.Errorf("cuda: copying %d bytes to the device: %w", to-from, err)
	}
	return nil
}

// openCopies makes the stream, the events and the areas, or areas that are larger. It waits for what uses the present ones.
func (b *Backend) openCopies(ctx driver.Context, bytes int) (err error) {
	t := &b.copies
	if t.stream == 0 {
		if t.stream, err = ctx.NewStream(); err != nil {
			return err
		}
	}
	if err := b.exec.sync(ctx); err != nil {
		return err
	}
	t.room = 0
	for i := range t.areas {
		a := &t.areas[i]
		for _, e := range []*driver.Event{&a.filled, &a.moved} {
			if *e == 0 {
				if *e, err = ctx.NewEvent(); err != nil {
					return err
				}
			}
		}
		if a.at != 0 {
			if err := ctx.Free(a.at); err != nil {
				return err
			}
			a.at = 0
		}
		if a.at, err = ctx.Alloc(bytes); err != nil {
			return err
		}
	}
	t.room = bytes
	return nil
}

// Pin implements kernels.Streamer.
func (b *Backend) Pin(bytes int) (kernels.Memory, error) {
	var host []byte
	err := b.exec.do(func(ctx driver.Context) (err error) {
		host, err = ctx.HostAlloc(max(bytes, 1))
		return err
	})
	if err != nil {
		return kernels.Memory{}, fmt.Errorf("cuda: %d bytes of page-locked memory: %w", bytes, err)
	}
	clear(host)
	b.mu.Lock()
	b.copies.pinned = append(b.copies.pinned, host)
	b.mu.Unlock()
	return kernels.Memory{Host: host[:bytes:bytes], Size: bytes, Free: func() error { return b.unpin(host) }}, nil
}

// unpin gives memory of Pin back, after what is copied to it. A second call does nothing.
func (b *Backend) unpin(host []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.copies.pinned, func(p []byte) bool { return &p[0] == &host[0] })
	if i < 0 {
		return nil
	}
	b.copies.pinned = slices.Delete(b.copies.pinned, i, i+1)
	return b.exec.do(func(ctx driver.Context) error { return errors.Join(b.exec.sync(ctx), ctx.HostFree(host)) })
}

// Fetch implements kernels.Streamer.
func (b *Backend) Fetch(dst []byte, src kernels.Buffer) error {
	if len(dst) != src.Bytes() {
		return fmt.Errorf("cuda: copying %d bytes to a place of %d", src.Bytes(), len(dst))
	}
	if len(dst) > 0 {
		b.exec.commands <- command{what: fetchMemory, host: dst, at: driver.Ptr(src.Dev)}
	}
	return nil
}

// closeCopies gives back what the copies hold, after everything that was queued is done.
func (b *Backend) closeCopies(ctx driver.Context) (err error) {
	t := &b.copies
	for _, s := range t.slots {
		if s.host != nil {
			err = errors.Join(err, ctx.HostFree(s.host))
		}
	}
	for _, p := range t.pinned {
		err = errors.Join(err, ctx.HostFree(p))
	}
	for _, a := range t.areas {
		if a.at != 0 {
			err = errors.Join(err, ctx.Free(a.at))
		}
		for _, e := range []driver.Event{a.filled, a.moved} {
			if e != 0 {
				err = errors.Join(err, ctx.FreeEvent(e))
			}
		}
	}
	if t.stream != 0 {
		err = errors.Join(err, ctx.FreeStream(t.stream))
	}
	*t = transfers{}
	return err
}
