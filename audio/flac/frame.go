package flac

import (
	"errors"
	"fmt"
)

// frame decodes the frame at the start of data (section 9) into d.block and returns its length in bytes.
func (d *Decoder) frame(data []byte) (int, error) {
	d.bits = bitReader{data: data}
	r := &d.bits
	h, err := readHeader(r, &d.info)
	if err != nil {
		return 0, err
	}
	d.makeRoom(h)
	if err = d.readChannels(r, h); err == nil {
		r.align()
		end := r.pos / 8
		if claimed := r.read(16); r.over() {
			err = ErrTruncated
		} else if sum := crc16(data[:end]); uint64(sum) != claimed {
			return 0, fmt.Errorf("CRC-16 of the frame is %04x and should be %04x: %w", sum, claimed, ErrCorrupt)
		}
	}
	if errors.Is(err, ErrTruncated) && len(data) > d.longest(h) {
		return 0, fmt.Errorf("frame of more than %d bytes: %w", len(data), ErrCorrupt)
	}
	if err != nil {
		return 0, err
	}
	if !d.join(h) || !d.inRange() {
		return 0, fmt.Errorf("samples of more than %d bits: %w", d.info.Bits, ErrCorrupt)
	}
	return int(r.pos / 8), nil
}

// longest bounds the bytes of a frame, so that damage that makes the decoder run to the end of the data is not taken for
// a file cut short. Without a word from the encoder it is twice what the samples take as they are.
func (d *Decoder) longest(h header) int {
	if d.info.maxFrame > 0 {
		return d.info.maxFrame
	}
	return 64 + d.info.Channels*(64+h.size*(d.info.Bits+1)/4)
}

// makeRoom sets the lengths of planes and block. Only a frame longer than all before it allocates.
func (d *Decoder) makeRoom(h header) {
	if d.planes == nil {
		d.planes, d.block = make([][]int32, d.info.Channels), make([][]int32, d.info.Channels)
	}
	for c, plane := range d.planes {
		if cap(plane) < pad+h.size {
			plane = make([]int32, pad+h.size)
		}
		d.planes[c] = plane[:pad+h.size]
		d.block[c] = d.planes[c][pad:]
	}
	if d.info.Bits == 32 && h.coding != independent {
		if cap(d.wide) < pad+h.size {
			d.wide = make([]int64, pad+h.size)
		}
		d.wide = d.wide[:pad+h.size]
	}
}

// readChannels reads the subframes. The difference of two channels has a bit more than they.
func (d *Decoder) readChannels(r *bitReader, h header) error {
	side := h.coding.side()
	for c, plane := range d.planes {
		depth := d.info.Bits
		d.sub.out, d.sub.wide = plane, nil
		if c == side {
			if depth++; depth > 32 {
				d.sub.wide = d.wide
			}
		}
		if err := d.sub.read(r, depth); err != nil {
			return fmt.Errorf("channel %d: %w", c, err)
		}
	}
	return nil
}

// join makes left and right of what a frame's coding holds instead (section 4.2). It returns false where one of them takes
// more than 32 bits.
func (d *Decoder) join(h header) bool {
	if h.coding == independent {
		return true
	}
	if d.info.Bits == 32 {
		return joinWide(h.coding, d.block[0], d.block[1], d.wide[pad:])
	}
	x, y := d.block[0], d.block[1][:len(d.block[0])]
	switch h.coding {
	case leftSide:
		for i, left := range x {
			y[i] = left - y[i]
		}
	case sideRight:
		for i, right := range y {
			x[i] += right
		}
	case midSide: // the sum of left and right is odd where their difference is
		for i, mid := range x {
			side := y[i]
			left := mid + side>>1 + side&1
			x[i], y[i] = left, left-side
		}
	}
	return true
}

// joinWide is join for channels of 32 bits with a difference of 33.
func joinWide(coding stereo, x, y []int32, wide []int64) bool {
	good := true
	for i, side := range wide {
		left, right := int64(x[i]), int64(y[i])
		switch coding {
		case leftSide:
			right = left - side
		case sideRight:
			left = right + side
		case midSide:
			left += side>>1 + side&1
			right = left - side
		}
		x[i], y[i] = int32(left), int32(right)
		good = good && int64(x[i]) == left && int64(y[i]) == right
	}
	return good
}

// inRange reports whether all samples of the block fit in the stream's bits.
func (d *Decoder) inRange() bool {
	half := int32(1) << (d.info.Bits - 1) // -2^31 for 32 bits, where nothing can be out of range
	beyond := uint32(0)
	for _, plane := range d.block {
		for len(plane) >= 4 {
			s := (*[4]int32)(plane)
			beyond |= uint32(s[0]+half) | uint32(s[1]+half) | uint32(s[2]+half) | uint32(s[3]+half)
			plane = plane[4:]
		}
		for _, v := range plane {
			beyond |= uint32(v + half)
		}
	}
	return uint64(beyond)>>d.info.Bits == 0
}
