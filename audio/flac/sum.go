package flac

import (
	"encoding/binary"
)

// MD5 returns the MD5 of all samples so far as section 8.2 defines it: interleaved, little-endian, each in as few whole
// bytes as hold its bits. At the end of a stream it equals Info.MD5 unless that is zero, or stale.
func (d *Decoder) MD5() (sum [16]byte) {
	if !d.skipMD5 {
		d.sum.Sum(sum[:0])
	}
	return sum
}

// addMD5 hashes the block.
func (d *Decoder) addMD5() {
	width, channels := (d.info.Bits+7)/8, len(d.block)
	step := width * channels
	if need := step * len(d.block[0]); cap(d.packed) < need {
		d.packed = make([]byte, need)
	} else {
		d.packed = d.packed[:need]
	}
	for c, plane := range d.block {
		pack(d.packed[c*width:], plane, width, step)
	}
	d.sum.Write(d.packed)
}

// pack writes the low width bytes of each sample, one sample every step bytes.
func pack(dst []byte, samples []int32, width, step int) {
	if width == 2 && step == 2 {
		for len(samples) >= 4 && len(dst) >= 8 {
			s := (*[4]int32)(samples)
			binary.LittleEndian.PutUint64(dst, uint64(uint16(s[0]))|uint64(uint16(s[1]))<<16|uint64(uint16(s[2]))<<32|uint64(uint16(s[3]))<<48)
			samples, dst = samples[4:], dst[8:]
		}
	}
	at := 0
	for _, v := range samples {
		for b := range width {
			dst[at+b] = byte(v >> (8 * b))
		}
		at += step
	}
}
