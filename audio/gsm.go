package audio

import "encoding/binary"

const (
	gsmFrame = 160 // samples of a frame, 20 ms
	gsmBlock = 65  // bytes of two frames of 260 bits, as WAV files pack them
)

// gsm decodes GSM 06.10 full rate speech (ETSI EN 300 961). Values are 16-bit integers of the standard's scale.
type gsm struct {
	reference [120 + gsmFrame]int32 // excitation: the last 120 values and this frame
	lar       [8]int32              // log area ratios of the frame before
	state     [9]int32              // of the short term synthesis filter
	deemph    int32                 // of the filter that undoes the encoder's pre-emphasis
}

func newGSM() *gsm { return new(gsm) }

// decodeBlock decodes two frames. Their bits follow each other with the least significant bit of each byte first.
func (g *gsm) decodeBlock(dst [][]float32, block []byte, _ binary.ByteOrder) bool {
	r := lsbReader{data: block}
	for half := range 2 {
		g.decodeFrame(dst[0][half*gsmFrame:(half+1)*gsmFrame], &r)
	}
	return true
}

// lsbReader reads numbers of up to 8 bits from the least significant end of the bytes.
type lsbReader struct {
	data []byte
	at   uint // in bits
}

func (r *lsbReader) bits(n uint) int32 {
	v := uint32(r.data[r.at/8])
	if r.at%8+n > 8 {
		v |= uint32(r.data[r.at/8+1]) << 8
	}
	v = v >> (r.at % 8) & (1<<n - 1)
	r.at += n
	return int32(v)
}

// gsmMul is the standard's rounded product of two fractions of 2^15.
func gsmMul(a, b int32) int32 { return int32((int64(a)*int64(b) + 1<<14) >> 15) }

// gsmLAR has for each log area ratio its bits, the factor 2^15/A and the offset of section 3.1.8 in 1/2^10 of a code.
var gsmLAR = [8]struct {
	bits           uint
	factor, offset int32
}{{6, 13107, 1 << 15}, {6, 13107, 1 << 15}, {5, 13107, 1<<14 + 4096}, {5, 13107, 1<<14 - 5120},
	{4, 19223, 1<<13 + 188}, {4, 17476, 1<<13 - 3584}, {3, 31454, 1<<12 - 682}, {3, 29708, 1<<12 - 2288}}

var (
	gsmGain     = [4]int32{3277, 11469, 21299, 32767}                                                       // long term prediction, table 4.3b
	gsmMantissa = [8]int32{18431, 20479, 22527, 24575, 26623, 28671, 30719, 32767}                          // block maximum, table 4.6
	gsmBlend    = [4]struct{ from, to, shift int }{{0, 13, 1}, {13, 27, 2}, {27, 40, 3}, {40, gsmFrame, 4}} // section 3.2.10
)

func (g *gsm) decodeFrame(out []float32, r *lsbReader) {
	var lar [8]int32
	for i, p := range gsmLAR {
		lar[i] = gsmMul(r.bits(p.bits)<<10-p.offset, p.factor) * 2
	}
	for sub := range 4 {
		g.excite(120+40*sub, r)
	}
	g.synthesise(out, &lar)
	copy(g.reference[:120], g.reference[gsmFrame:])
	g.lar = lar
}

// excite decodes the 40 values of a sub-frame: a scaled copy of earlier ones, and 13 pulses on a grid of every third.
func (g *gsm) excite(at int, r *lsbReader) {
	lag := int(min(max(r.bits(7), 40), 120))
	gain, grid, top := gsmGain[r.bits(2)], int(r.bits(2)), r.bits(6)
	for i := at; i < at+40; i++ {
		g.reference[i] = gsmMul(gain, g.reference[i-lag])
	}
	// The block maximum is a number with 3 bits of mantissa (section 5.2.15).
	exponent := int32(0)
	if top > 15 {
		exponent = top>>3 - 1
	}
	mantissa := top - exponent<<3
	if mantissa == 0 {
		exponent, mantissa = -4, 7
	} else {
		for mantissa <= 7 {
			mantissa = mantissa<<1 | 1
			exponent--
		}
		mantissa -= 8
	}
	shift := 6 - exponent
	for i := range 13 {
		pulse := gsmMul(gsmMantissa[mantissa], (2*r.bits(3)-7)<<12)
		g.reference[at+grid+3*i] = clamp16(g.reference[at+grid+3*i] + (pulse+1<<shift>>1)>>shift)
	}
}

// synthesise runs the excitation through the lattice filter and the de-emphasis. The filter blends from the ratios of the
// frame before to those of this frame over its first 40 samples.
func (g *gsm) synthesise(out []float32, lar *[8]int32) {
	for _, part := range gsmBlend {
		var reflection [8]int32
		for i, now := range lar {
			before := g.lar[i]
			switch part.shift {
			case 1:
				now = before>>2 + before>>1 + now>>2
			case 2:
				now = before>>1 + now>>1
			case 3:
				now = before>>2 + now>>1 + now>>2
			}
			reflection[i] = gsmReflection(now)
		}
		for i := part.from; i < part.to; i++ {
			v := g.reference[120+i]
			for k := 7; k >= 0; k-- {
				v = clamp16(v - gsmMul(reflection[k], g.state[k]))
				g.state[k+1] = clamp16(g.state[k] + gsmMul(reflection[k], v))
			}
			g.state[0] = v
			g.deemph = clamp16(v + gsmMul(g.deemph, 28180))
			out[i] = float32(clamp16(2*g.deemph)&^7) / (1 << 15)
		}
	}
}

// gsmReflection turns a log area ratio into a reflection coefficient (section 3.1.10, in three straight pieces).
func gsmReflection(lar int32) int32 {
	v := max(lar, -lar)
	switch {
	case v < 11059:
		v *= 2
	case v < 20070:
		v += 11059
	default:
		v = v>>2 + 26112
	}
	if lar < 0 {
		return -v
	}
	return v
}
