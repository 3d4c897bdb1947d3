package mp3

import (
	"bytes"
	"fmt"
)

// maxFreeTries bounds how many headers of free format are tried as the first of a stream; each try looks for the next
// header over the length of a whole frame.
const maxFreeTries = 64

// frame is one step through a stream.
type frame struct {
	header
	offset int    // of the header in the file
	data   []byte // the whole frame
	lost   int    // frames that were destroyed before this one, by the room they took
	broken bool   // the next frame starts inside this one, so its header is wrong
}

// frames walks through the frames of a file. It skips tags, finds the stream again after damage, and tells how much was
// lost. Walking twice gives the same frames, so the first walk can size the output.
type frames struct {
	data  []byte // the file without the tags at its end
	pos   int
	first header // of the first frame; every later one must agree with it
	begun bool
	free  int // length of an unpadded frame in free format
	tries int // headers of free format tried so far

	trial     int  // length of an unpadded frame in free format by the last header that was verified; 0 otherwise
	last      int  // length of the last whole frame
	lastSlot  int  // of which this is padding
	nextSync  int  // cached result of resync: the first frame at or after the position it was asked for
	exhausted bool // resync has come to the end
	junk      int  // bytes that belong to nothing, without zeros
	truncated bool // the file ends within a frame
}

func newFrames(data []byte) *frames { return &frames{data: withoutTrailer(data), nextSync: -1} }

// next returns the next frame; ok is false at the end. The error is a change of format in the middle.
func (w *frames) next() (f frame, ok bool, err error) {
	lost := 0
	for {
		rest := w.data[w.pos:]
		if n := tagBytes(rest); n > 0 {
			w.pos += n
			continue
		}
		h, valid := parseHeader(rest)
		if valid && w.begun && !h.sameStream(w.first) && w.verified(w.pos, h) {
			return frame{}, false, w.changed(h)
		}
		if valid && w.begun && h.sameStream(w.first) {
			if f, ok = w.take(h); ok {
				f.lost = lost
				return f, true, nil
			}
			if w.truncated {
				return frame{}, false, nil
			}
		}
		at := w.resync(w.pos)
		if at < 0 {
			w.skip(rest)
			w.pos = len(w.data)
			return frame{}, false, nil
		}
		w.skip(rest[:at-w.pos])
		if w.begun {
			lost += (at - w.pos + w.last/2) / w.last
		}
		w.pos = at
		if !w.begun {
			w.first, _ = parseHeader(w.data[at:])
			w.begun, w.free = true, w.trial
			w.last = w.first.frameBytes(w.free)
		}
	}
}

// skip counts bytes that belong to nothing; zeros are padding.
func (w *frames) skip(b []byte) { w.junk += len(b) - bytes.Count(b, []byte{0}) }

func (w *frames) changed(h header) error {
	if h.layer != w.first.layer {
		return fmt.Errorf("mp3: the stream changes from Layer %d to Layer %d (byte %d): split the file there: %w",
			w.first.layer, h.layer, w.pos, ErrUnsupported)
	}
	if h.sameFormat(w.first) {
		return fmt.Errorf("mp3: the stream changes from or to free format (byte %d): split the file there: %w", w.pos, ErrUnsupported)
	}
	return fmt.Errorf("mp3: the stream changes from %d Hz, %d channels to %d Hz, %d channels (byte %d): split the file there: %w",
		w.first.rate, w.first.channels, h.rate, h.channels, w.pos, ErrUnsupported)
}

// take cuts out the frame at the current position, whose header agrees with the stream. It fails when the file ends within
// it, and when so little of it is there that it does not count as a frame.
func (w *frames) take(h header) (frame, bool) {
	f := frame{header: h, offset: w.pos}
	length := h.frameBytes(w.free)
	end := w.pos + length
	next := w.nextInside(h, end)
	switch {
	case next < 0:
		w.last, w.lastSlot = length, h.slot()
	case next < w.pos+w.last/2:
		return frame{}, false
	default:
		f.broken = true
		end = next
	}
	if end > len(w.data) {
		w.truncated = true
		w.pos = len(w.data)
		return frame{}, false
	}
	f.data = w.data[w.pos:end]
	w.pos = end
	return f, true
}

// nextInside finds out whether the header h at the current position lies about the length: it returns where the next frame
// starts if that is not where h says, end, and -1 if h may be right.
func (w *frames) nextInside(h header, end int) int {
	// A wrong bitrate, as a flipped bit makes it, leaves the next frame where the last length puts it.
	guess := w.pos + w.last - w.lastSlot + h.slot()
	bounded := w.boundary(end)
	if guess > w.pos && guess < end || !bounded && guess > end {
		if g, valid := parseHeader(w.data[min(guess, len(w.data)):]); valid && g.sameStream(w.first) && w.verified(guess, g) {
			return guess
		}
	}
	if bounded {
		return -1
	}
	// Either the length is wrong, or something is wrong behind the frame.
	if next := w.resync(w.pos + 1); next < end {
		return next
	}
	return -1
}

// boundary says whether a frame can end at end: at the end of the data, or before a tag or a frame of this stream.
func (w *frames) boundary(end int) bool {
	if end > len(w.data) {
		return false
	}
	h, valid := parseHeader(w.data[end:])
	return len(w.data)-end < 4 || valid && h.sameStream(w.first) || tagBytes(w.data[end:]) > 0
}

// resync returns the position of the first verified frame at or after from, -1 if there is none.
func (w *frames) resync(from int) int {
	if w.exhausted {
		return -1
	}
	if w.nextSync >= from {
		return w.nextSync
	}
	for at := from; at+4 <= len(w.data); at++ {
		if w.data[at] != 0xff {
			continue
		}
		if h, valid := parseHeader(w.data[at:]); valid && w.verified(at, h) {
			w.nextSync = at
			return at
		}
	}
	w.exhausted = true
	return -1
}

// verified says whether the two frames that would follow the frame with header h at position at are there, as far as the
// data reaches. A header alone turns up by chance every few kilobytes, three that chain every few hundred megabytes.
func (w *frames) verified(at int, h header) bool {
	free := w.free
	w.trial = 0
	if h.bitrate == 0 && free == 0 {
		if free = w.freeLength(at, h); free == 0 {
			return false
		}
		w.trial = free
	}
	for range 2 {
		at += h.frameBytes(free)
		if at > len(w.data) {
			return false
		}
		rest := w.data[at:]
		if len(rest) < 4 || tagBytes(rest) > 0 {
			return true
		}
		next, valid := parseHeader(rest)
		if !valid || !next.sameStream(h) {
			return false
		}
		h = next
	}
	return true
}

// freeLength finds the length of an unpadded frame in free format, which is the same for the whole stream, from the
// distance to the next header and the one after it. It is 0 if there are none.
func (w *frames) freeLength(at int, h header) int {
	if w.tries++; w.tries > maxFreeTries {
		return 0
	}
	least := h.sideInfoOffset() + h.sideInfoBytes()
	for n := least; n <= maxFrameBytes && at+n+4 <= len(w.data); n++ {
		next, valid := parseHeader(w.data[at+n:])
		if !valid || !next.sameStream(h) {
			continue
		}
		free := n - h.slot()
		after := w.data[min(at+n+next.frameBytes(free), len(w.data)):]
		if third, valid := parseHeader(after); len(after) < 4 || valid && third.sameStream(h) {
			return free
		}
	}
	return 0
}
