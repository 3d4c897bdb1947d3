package kernels

// Streamer is a device [Backend] that moves data while its kernels run. Nothing here waits for kernels: what comes in is copied beside them, and what
// goes out is copied in order with them.
type Streamer interface {
	// Stage returns at least n bytes of page-locked host memory, to be filled and given to Send. Only when many blocks that were sent have not been
	// copied yet does it wait for one of them.
	Stage(n int) ([]byte, error)
	// Send takes back a block that Stage returned, and queues the copy of some of its ranges to the same places in dst. Kernels started later see the
	// data; those started earlier see what was there before. Ranges do not overlap.
	Send(dst Memory, block []byte, ranges []Range) error
	// Pin returns zeroed page-locked host memory for Fetch, in Host. It is given back by Free, or when the back end is closed.
	Pin(bytes int) (Memory, error)
	// Fetch queues a copy of what the kernels started so far leave in src to memory of Pin. It is there after the next Sync or Download.
	Fetch(dst []byte, src Buffer) error
}

// Range is the bytes From to To, the latter not among them, of a block of memory.
type Range struct{ From, To int }

// Pin is Streamer.Pin; host memory where the back end is no Streamer.
func Pin(be Backend, bytes int) (Memory, error) {
	if s, ok := be.(Streamer); ok {
		return s.Pin(bytes)
	}
	return Memory{Host: New(Uint8, bytes).HostBytes(), Size: bytes, Free: func() error { return nil }}, nil
}

// Fetch is Streamer.Fetch; a Download where the back end is no Streamer.
func Fetch(be Backend, dst []byte, src Buffer) error {
	if s, ok := be.(Streamer); ok {
		return s.Fetch(dst, src)
	}
	return be.Download(dst, src)
}

// Send brings src to dst before kernels started later read it, and after those started earlier have. src is free again when it returns. It is an Upload
// where the back end is no [Streamer].
func Send(be Backend, dst Buffer, src []byte) error {
	s, ok := be.(Streamer)
	if !ok {
		return be.Upload(dst, src)
	}
	block, err := s.Stage(len(src))
	if err != nil {
		return err
	}
	copy(block, src)
	whole := [1]Range{{0, len(src)}}
	return s.Send(Memory{Dev: dst.Dev, Size: len(src)}, block, whole[:])
}
