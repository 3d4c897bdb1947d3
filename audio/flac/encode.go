package flac

import (
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
)

// blockLen is how many samples a frame holds, the last one less. Half of it or double makes speech at 16 kHz longer.
const blockLen = 3072

// Append16 encodes mono samples as a complete FLAC file, with length and MD5, and appends it to dst. It is lossless, and
// the same samples give the same bytes on every machine. The rate is in Hz, 1 to 1,048,575, as the format has 20 bits for
// it. Another rate, or 2^36 samples, is a mistake of the caller: Append16 panics.
func Append16(dst []byte, rate int, samples []int16) []byte {
	if rate < 1 || rate >= 1<<20 || uint64(len(samples)) >= 1<<36 {
		panic(fmt.Sprintf("flac: Append16 of %d samples at %d Hz: the format ends at 2^36-1 and 1048575", len(samples), rate))
	}
	start := len(dst)
	dst = slices.Grow(dst, 256+len(samples)+len(samples)/4) // speech takes 8 to 10 bits a sample
	dst = append(dst, "fLaC\x80\x00\x00"...)                // the only metadata block
	dst = append(dst, streamInfoLen)
	dst = append(dst, make([]byte, streamInfoLen)...)

	e := newEncoder(rate)
	sum := md5.New()
	shortest, longest := 0, 0 // bytes of a frame
	for number := 0; number*blockLen < len(samples); number++ {
		block := samples[number*blockLen : min((number+1)*blockLen, len(samples))]
		before := len(dst)
		dst = e.appendFrame(dst, number, block)
		size := len(dst) - before
		if shortest == 0 || size < shortest {
			shortest = size
		}
		longest = max(longest, size)
		pack(e.packed[:2*len(block)], e.x[:len(block)], 2, 2)
		sum.Write(e.packed[:2*len(block)])
	}

	info := dst[start+8:][:streamInfoLen]
	binary.BigEndian.PutUint64(info, blockLen<<48|blockLen<<32|uint64(shortest)<<8|uint64(longest)>>16)
	binary.BigEndian.PutUint16(info[8:], uint16(longest))
	binary.BigEndian.PutUint64(info[10:], uint64(rate)<<44|15<<36|uint64(len(samples)))
	sum.Sum(info[:18])
	return dst
}

// encoder holds what a frame needs, so that frames allocate nothing.
type encoder struct {
	rateCode uint
	w        bitWriter
	lpc      lpc
	x        [blockLen]int32 // the samples
	shifted  [blockLen]int32 // without the zero bits that all of them end in
	residual [blockLen]int32
	packed   [2 * blockLen]byte
}

func newEncoder(rate int) *encoder {
	return &encoder{rateCode: uint(max(0, slices.Index(rates[:], rate)))}
}

// appendFrame appends one frame (section 9). The block has 1 to blockLen samples.
func (e *encoder) appendFrame(dst []byte, number int, block []int16) []byte {
	x := e.x[:len(block)]
	for i, v := range block {
		x[i] = int32(v)
	}
	start := len(dst)
	dst = appendHeader(dst, len(block), e.rateCode, number)
	dst = append(dst, crc8(dst[start:]))
	e.w.data = dst
	e.subframe(x)
	e.w.flush()
	dst = e.w.data
	return binary.BigEndian.AppendUint16(dst, crc16(dst[start:]))
}

// appendHeader appends the frame header up to its checksum (section 9.1): blocks of fixed size, one channel, 16 bits.
func appendHeader(dst []byte, size int, rateCode uint, number int) []byte {
	const sizeCode = 7 // two bytes behind the number: the codes without them have no such size
	dst = append(dst, 0xFF, 0xF8, byte(sizeCode<<4|rateCode), 4<<1)
	dst = appendNumber(dst, uint64(number))
	return binary.BigEndian.AppendUint16(dst, uint16(size-1))
}

// appendNumber codes a number below 2^31 like UTF-8.
func appendNumber(dst []byte, v uint64) []byte {
	if v < 0x80 {
		return append(dst, byte(v))
	}
	more := 1 // bytes of 6 bits each behind a first one of 6-more bits
	for v>>(6*more+6-more) != 0 {
		more++
	}
	dst = append(dst, byte(0xFF<<(7-more)|v>>(6*more)))
	for more--; more >= 0; more-- {
		dst = append(dst, byte(0x80|v>>(6*more)&0x3F))
	}
	return dst
}

// subframe writes the samples in the shortest of the forms that the format has.
func (e *encoder) subframe(x []int32) {
	all, differ := int32(0), int32(0)
	for _, v := range x {
		all |= v
		differ |= v ^ x[0]
	}
	if differ == 0 {
		e.w.write(0, 8)
		e.w.writeSigned(x[0], 16)
		return
	}
	wasted := bits.TrailingZeros32(uint32(all))
	if wasted > 0 {
		shifted := e.shifted[:len(x)]
		for i, v := range x {
			shifted[i] = v >> wasted
		}
		x = shifted
	}
	width := 16 - wasted
	start := len(e.w.data)
	e.predicted(x, width, wasted)
	if e.w.bits(start) > 8+(wasted+width*len(x)) { // noise
		e.w.back(start)
		e.subframeHeader(1, wasted)
		for _, v := range x {
			e.w.writeSigned(v, width)
		}
	}
}

// predicted writes a subframe with the better one of a fixed and a linear predictor.
func (e *encoder) predicted(x []int32, width, wasted int) {
	residual := e.residual[:len(x)]
	order, cost := fixedOrder(x, width)
	p, linear := e.lpc.find(x)
	if linear {
		p.residual(residual, x)
		linear = p.cost(residual, width) < cost
	}
	kind := 0x20 | uint64(p.order-1)
	if !linear {
		p = coefficients{order: order}
		fixedResidual(residual, x, order)
		kind = 0x08 | uint64(order)
	}
	e.subframeHeader(kind, wasted)
	for _, v := range x[:p.order] {
		e.w.writeSigned(v, width)
	}
	if linear {
		p.write(&e.w)
	}
	e.partition(residual, p.order)
}

func (e *encoder) subframeHeader(kind uint64, wasted int) {
	e.w.write(kind, 7) // a zero bit in front
	if wasted == 0 {
		e.w.write(0, 1)
	} else {
		e.w.write(1, 1)
		e.w.write(1, wasted)
	}
}
