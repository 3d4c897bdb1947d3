// Package vorbis decodes Vorbis I (Xiph.org "Vorbis I specification", 2020), packet by packet, as a container hands them
// over. Section numbers in this package are those of the specification.
//
// It exists because spoken corpora come as Ogg Vorbis and because files come from anywhere: set-up headers describe tables
// that a decoder builds before it has heard a single sample, and a few bytes can describe gigabytes, or a code in which a
// decoder searches for ever. Here a header gets only tables that are complete and of a size that encoders make.
//
// Floor curves of type 0, which encoders stopped writing in 2002, are refused.
package vorbis

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

var (
	// ErrCorrupt is wrapped by errors about headers and packets that contradict the specification.
	ErrCorrupt = errors.New("corrupt Vorbis data")
	// ErrUnsupported is wrapped by errors about streams that are right and not decoded.
	ErrUnsupported = errors.New("unsupported Vorbis stream")
)

// Info is what the identification header says.
type Info struct {
	Rate     int    // sampling rate in Hz
	Channels int    // 1 to 255, in the order of section 4.3.9
	Blocks   [2]int // samples of a short and a long block: powers of 2 from 64 to 8192
}

// Decoder decodes one stream. It is not safe for concurrent use.
type Decoder struct {
	info  Info
	setup setup
	bits  bitReader

	mdct     [2]*mdct
	slope    [2][]float32 // (sample): the rising half of the window of each block size
	channels []channel
	class    []uint8 // classes of the partitions of one residue
	out      [][]float32
	previous int // samples of the block before, 0 at the beginning
}

// channel is the state of one channel.
type channel struct {
	spectrum []float32 // of this block, later its samples before windowing
	before   []float32 // the same of the block before
	floor    []int     // heights of the floor curve by point
	silent   bool      // this block has no floor
	out      []float32
}

// NewDecoder takes the first and the third header packet of a stream. Errors wrap ErrCorrupt or ErrUnsupported.
func NewDecoder(identification, setupHeader []byte) (*Decoder, error) {
	d := &Decoder{}
	var err error
	if d.info, err = parseIdentification(identification); err != nil {
		return nil, fmt.Errorf("vorbis: %w", err)
	}
	if d.setup, err = parseSetup(setupHeader, d.info.Channels); err != nil {
		return nil, fmt.Errorf("vorbis: setup header: %w", err)
	}
	for i, n := range d.info.Blocks {
		d.mdct[i] = newMDCT(n / 2)
		d.slope[i] = windowSlope(n / 2)
	}
	long := d.info.Blocks[1]
	d.channels = make([]channel, d.info.Channels)
	d.out = make([][]float32, d.info.Channels)
	for c := range d.channels {
		d.channels[c] = channel{spectrum: make([]float32, long/2), before: make([]float32, long/2), out: make([]float32, long/2)}
	}
	return d, nil
}

// parseIdentification reads the header of section 4.2.2.
func parseIdentification(b []byte) (Info, error) {
	if len(b) < 30 || string(b[:7]) != "\x01vorbis" {
		return Info{}, fmt.Errorf("identification header of %d bytes: %w", len(b), ErrCorrupt)
	}
	version, rate := binary.LittleEndian.Uint32(b[7:]), binary.LittleEndian.Uint32(b[12:])
	short, long := b[28]&0x0F, b[28]>>4
	if version != 0 || b[11] == 0 || rate == 0 || rate > math.MaxInt32 || short < 6 || long > 13 || short > long || b[29]&1 == 0 {
		return Info{}, fmt.Errorf("identification header with version %d, %d channels, %d Hz, blocks of 2^%d and 2^%d: %w",
			version, b[11], rate, short, long, ErrCorrupt)
	}
	return Info{int(rate), int(b[11]), [2]int{1 << short, 1 << long}}, nil
}

// Info returns what the identification header says.
func (d *Decoder) Info() Info { return d.info }

// Reset forgets the block before, as must be done where packets are missing: the next packet gives no samples.
func (d *Decoder) Reset() { d.previous = 0 }

// Decode decodes an audio packet and returns its samples as (channel, sample), full scale ±1, at most half a long block.
// They are valid until the next call. The first packet of a stream gives none: its second half overlaps the next block. A
// packet that ends early is decoded as far as it goes, as section 4.3 has it. Errors wrap ErrCorrupt and are not final.
func (d *Decoder) Decode(packet []byte) ([][]float32, error) {
	d.bits = bitReader{data: packet}
	if d.bits.read(1) != 0 {
		return nil, fmt.Errorf("vorbis: a packet that is no audio: %w", ErrCorrupt)
	}
	number := int(d.bits.read(d.setup.modeBits))
	if number >= len(d.setup.modes) || d.bits.over {
		return nil, fmt.Errorf("vorbis: packet of %d bytes with mode %d of %d: %w", len(packet), number, len(d.setup.modes), ErrCorrupt)
	}
	mode := d.setup.modes[number]
	size := 0
	if mode.long {
		size = 1
		d.bits.read(2) // which slopes the window has follows from the blocks themselves
	}
	half := d.info.Blocks[size] / 2
	mapping := &d.setup.mappings[mode.mapping]
	for c := range d.channels {
		clear(d.channels[c].spectrum[:half])
	}
	d.decodeFloors(mapping)
	d.decodeResidues(mapping, half)
	d.decouple(mapping, half)
	for c := range d.channels {
		ch := &d.channels[c]
		if ch.silent {
			clear(ch.spectrum[:half])
			continue
		}
		d.setup.floors[mapping.floor[mapping.mux[c]]].apply(ch.spectrum[:half], ch.floor)
		d.mdct[size].transform(ch.spectrum[:half])
	}
	return d.overlap(half), nil
}

// decouple turns magnitude and angle into two channels (section 4.3.5).
func (d *Decoder) decouple(m *mapping, half int) {
	for i := len(m.coupling) - 1; i >= 0; i-- {
		magnitudes := d.channels[m.coupling[i].magnitude].spectrum[:half]
		angles := d.channels[m.coupling[i].angle].spectrum[:half]
		for k, a := range angles {
			v, toward := magnitudes[k], angles[k]
			if v <= 0 {
				toward = -a
			}
			if a > 0 {
				angles[k] = v - toward
			} else {
				angles[k], magnitudes[k] = v, v+toward
			}
		}
	}
}

// overlap adds the second half of the block before and the first half of this one, and keeps this block for the next.
//
// The transform gives half of the samples; the others are their mirror images, so that both halves of a block read the
// same array from its two ends. Of two blocks of different sizes the shorter slope lies in the middle of the longer one.
func (d *Decoder) overlap(half int) [][]float32 {
	n := 0
	if d.previous > 0 {
		n = d.previous/2 + half/2
	}
	for c := range d.channels {
		ch := &d.channels[c]
		if n > 0 {
			common := min(d.previous, half) / 2
			slope := d.slope[0]
			if 2*common > len(slope) {
				slope = d.slope[1]
			}
			overlapAdd(ch.out[:n], ch.before[:d.previous/2], ch.spectrum[:half], slope, common)
		}
		ch.before, ch.spectrum = ch.spectrum, ch.before
		d.out[c] = ch.out[:n]
	}
	d.previous = half
	return d.out
}

// overlapAdd writes the samples from the middle of one block to the middle of the next; common is half of their overlap.
func overlapAdd(out, before, now, slope []float32, common int) {
	center := len(before)
	for i := common; i < center; i++ { // the slope has not begun
		out[center-1-i] = -before[i]
	}
	last := len(now) - 1
	for i := range common {
		a, b := before[i], now[last-i]
		rise, fall := slope[common-1-i], slope[common+i]
		out[center-1-i] = b*rise - a*fall
		out[center+i] = -(b*fall + a*rise)
	}
	for i := common; i < len(now)/2; i++ { // the slope is over
		out[center+i] = -now[last-i]
	}
}

// windowSlope returns the rising half of a window, of n samples (section 1.3.2).
func windowSlope(n int) []float32 {
	w := make([]float32, n)
	for i := range w {
		s := math.Sin((float64(i) + 0.5) / float64(n) * math.Pi / 2)
		w[i] = float32(math.Sin(math.Pi / 2 * s * s))
	}
	return w
}
