package audio

import (
	"encoding/binary"
	"fmt"
	"math"
)

// blockCoding is a coding of WAV files in blocks of a fixed size, decoded in the order of the file.
type blockCoding struct {
	name string // second half of Clip.Format
	bits int    // of one stored sample
	// frames returns how many samples of each channel a block of size bytes holds.
	frames func(size, channels int) int
	// decode fills one slice for each channel with the samples of a block. It returns false when the block is damaged.
	decode func(dst [][]float32, block []byte, order binary.ByteOrder) bool
	// whole is set where the unfinished block at the end of a file cannot be decoded.
	whole bool
}

// decodeBlocks decodes ADPCM and GSM. The encoder fills the last block up; the fact chunk says how much of it is audio.
func (w *wavFile) decodeBlocks(f wavFormat, lim Limits) (*Clip, error) {
	c, err := newBlockCoding(f, w.order)
	if err != nil {
		return nil, err
	}
	if err := (layout{container: w.container, coding: signedInt, width: 1, bits: 1, channels: f.channels, rate: f.rate}).check(); err != nil {
		return nil, err
	}
	per := c.frames(f.blockAlign, f.channels)
	if per <= 0 {
		return nil, fmt.Errorf("WAV with %s blocks of %d bytes for %d channels: too short for their header: %w",
			c.name, f.blockAlign, f.channels, ErrCorrupt)
	}
	blocks, last := len(w.data)/f.blockAlign, 0
	if rest := len(w.data) % f.blockAlign; !c.whole {
		last = max(c.frames(rest, f.channels), 0)
	}
	frames := uint64(blocks)*uint64(per) + uint64(last)
	if len(w.data)%f.blockAlign > 0 && (w.samples == 0 || w.samples > frames) { // else it is padding
		w.warnings = append(w.warnings, fmt.Sprintf("the data ends inside a block: %d samples of it are there", last))
	}
	if frames == 0 {
		return nil, fmt.Errorf("WAV header without samples (%d data bytes, a block takes %d): %w", len(w.data), f.blockAlign, ErrEmpty)
	}
	if err := lim.check(frames, f.channels, f.rate); err != nil {
		return nil, err
	}
	clip := &Clip{Rate: f.rate, Format: w.container + "/" + c.name, Bits: c.bits, Channels: make([][]float32, f.channels)}
	for ch := range clip.Channels {
		clip.Channels[ch] = make([]float32, frames)
	}
	dst := make([][]float32, f.channels)
	for at := uint64(0); at < frames; at += uint64(per) {
		block := w.data[int(at/uint64(per))*f.blockAlign:]
		block = block[:min(len(block), f.blockAlign)]
		for ch, plane := range clip.Channels {
			dst[ch] = plane[at:min(at+uint64(per), frames)]
		}
		if !c.decode(dst, block, w.order) {
			return nil, fmt.Errorf("WAV with a damaged %s block at sample %d: %w", c.name, at, ErrCorrupt)
		}
	}
	if w.samples > 0 && w.samples < frames && frames-w.samples < uint64(per) {
		for ch := range clip.Channels {
			clip.Channels[ch] = clip.Channels[ch][:w.samples]
		}
	}
	return clip, nil
}

func newBlockCoding(f wavFormat, order binary.ByteOrder) (blockCoding, error) {
	switch {
	case f.tag == tagGSM && f.channels == 1 && f.blockAlign == gsmBlock:
		return blockCoding{"gsm", 0, func(size, _ int) int { return size / gsmBlock * 2 * gsmFrame }, newGSM().decodeBlock, true}, nil
	case f.tag == tagGSM:
		return blockCoding{}, fmt.Errorf("WAV with GSM 6.10 of %d channels in blocks of %d bytes, want 1 and %d: %w",
			f.channels, f.blockAlign, gsmBlock, ErrCorrupt)
	case f.container != 4:
		return blockCoding{}, fmt.Errorf("WAV with ADPCM samples of %d bits; %s: %w", f.container, convertAdvice, ErrUnsupportedFormat)
	case f.tag == tagIMAADPCM:
		return blockCoding{name: "ima-adpcm", bits: 4, frames: imaFrames, decode: decodeIMA}, nil
	}
	if f.channels > 2 {
		return blockCoding{}, fmt.Errorf("WAV with Microsoft ADPCM of %d channels; %s: %w", f.channels, convertAdvice, ErrUnsupportedFormat)
	}
	return blockCoding{name: "ms-adpcm", bits: 4, frames: msFrames, decode: msCoefficients(f.extra, order).decode}, nil
}

// imaSteps are the quantiser steps of IMA ADPCM (IMA Digital Audio Focus and Technical Working Groups, "Recommended
// Practices for Enhancing Digital Audio Compatibility in Multimedia Systems", 1992).
var imaSteps = [89]int32{
	7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88, 97, 107, 118, 130, 143,
	157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658, 724, 796, 876, 963, 1060, 1166, 1282, 1411,
	1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660, 4026, 4428, 4871, 5358, 5894, 6484, 7132, 7845, 8630, 9493, 10442,
	11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794, 32767}

var imaIndex = [8]int{-1, -1, -1, -1, 2, 4, 6, 8}

// imaFrames: a block is a header of 4 bytes a channel with the first sample, then groups of 8 samples for each channel.
func imaFrames(size, channels int) int {
	if size < 4*channels {
		return 0
	}
	return 1 + (size-4*channels)/(4*channels)*8
}

// decodeIMA decodes one block. The difference is (2·code+1)·step/8 rounded once, as in ffmpeg; the paper adds shifted
// steps, which differs by up to 2 of 65536.
func decodeIMA(dst [][]float32, block []byte, order binary.ByteOrder) bool {
	channels := len(dst)
	for ch, out := range dst {
		head := block[4*ch:]
		v, index := int32(int16(order.Uint16(head))), int(order.Uint16(head[2:]))
		if index >= len(imaSteps) {
			return false
		}
		out[0] = float32(v) / (1 << 15)
		for i := 1; i < len(out); i++ {
			code := block[4*channels+(i-1)/8*4*channels+4*ch+(i-1)%8/2] >> (4 * ((i - 1) % 2)) & 0x0F
			diff := (2*int32(code&7) + 1) * imaSteps[index] >> 3
			if code&8 != 0 {
				diff = -diff
			}
			v = clamp16(v + diff)
			index = min(max(index+imaIndex[code&7], 0), len(imaSteps)-1)
			out[i] = float32(v) / (1 << 15)
		}
	}
	return true
}

func clamp16(v int32) int32 { return min(max(v, math.MinInt16), math.MaxInt16) }

// msPredictors are pairs of predictor coefficients in 1/256 (Microsoft "Multimedia Data Standards Update", 1994).
type msPredictors [][2]int32

// msCoefficients returns the coefficients that a fmt chunk lists behind its samples-per-block field, or the standard ones.
func msCoefficients(extra []byte, order binary.ByteOrder) msPredictors {
	if len(extra) >= 4 {
		if n := int(order.Uint16(extra[2:])); n > 0 && len(extra) >= 4+4*n {
			p := make(msPredictors, n)
			for i := range p {
				at := extra[4+4*i:]
				p[i] = [2]int32{int32(int16(order.Uint16(at))), int32(int16(order.Uint16(at[2:])))}
			}
			return p
		}
	}
	return msPredictors{{256, 0}, {512, -256}, {0, 0}, {192, 64}, {240, 0}, {460, -208}, {392, -232}}
}

// msFrames: a block is a header of 7 bytes a channel with the first two samples, then 4 bits a sample.
func msFrames(size, channels int) int {
	if size < 7*channels {
		return 0
	}
	return 2 + (size-7*channels)*2/channels
}

var msAdapt = [16]int32{230, 230, 230, 230, 307, 409, 512, 614, 768, 614, 512, 409, 307, 230, 230, 230}

// decode decodes one block of one or two channels.
func (p msPredictors) decode(dst [][]float32, block []byte, order binary.ByteOrder) bool {
	n := len(dst)
	for ch, out := range dst {
		if int(block[ch]) >= len(p) {
			return false
		}
		word := func(field int) int32 { return int32(int16(order.Uint16(block[n+2*(field*n+ch):]))) }
		coef, delta, last, before := p[block[ch]], word(0), word(1), word(2)
		out[0] = float32(before) / (1 << 15)
		if len(out) > 1 {
			out[1] = float32(last) / (1 << 15)
		}
		for i := 2; i < len(out); i++ {
			at := (i-2)*n + ch
			code := int32(block[7*n+at/2] >> (4 * (1 - at%2)) & 0x0F)
			v := clamp16((last*coef[0]+before*coef[1])/256 + (code^8-8)*delta)
			last, before = v, last
			delta = min(max(msAdapt[code]*delta>>8, 16), math.MaxInt32/768)
			out[i] = float32(v) / (1 << 15)
		}
	}
	return true
}
