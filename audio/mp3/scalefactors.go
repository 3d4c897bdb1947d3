package mp3

// How a granule is divided into scalefactor bands.
const (
	longBands = iota
	shortBands
	mixedBands
)

// maxBands is the largest number of bands: 13 of 3 windows each.
const maxBands = 39

// longWidths are the widths of the 22 scalefactor bands of long blocks (ISO/IEC 11172-3, table B.8; 13818-3, table B.2;
// MPEG-2.5 as LAME and mpg123 have it). Rows as in sampleRates.
//
// At 24 kHz ffmpeg 5.1 has 52 and 64 in place of 54 and 62 (bands 17 and 18). LAME encodes with the widths that stand
// here: with them the result agrees with LAME's own decoder and is closer to what went into the encoder.
var longWidths = [9][22]uint8{
	{4, 4, 4, 4, 4, 4, 6, 6, 8, 8, 10, 12, 16, 20, 24, 28, 34, 42, 50, 54, 76, 158},
	{4, 4, 4, 4, 4, 4, 6, 6, 6, 8, 10, 12, 16, 18, 22, 28, 34, 40, 46, 54, 54, 192},
	{4, 4, 4, 4, 4, 4, 6, 6, 8, 10, 12, 16, 20, 24, 30, 38, 46, 56, 68, 84, 102, 26},
	{6, 6, 6, 6, 6, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 38, 46, 52, 60, 68, 58, 54},
	{6, 6, 6, 6, 6, 6, 8, 10, 12, 14, 16, 18, 22, 26, 32, 38, 46, 54, 62, 70, 76, 36},
	{6, 6, 6, 6, 6, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 38, 46, 52, 60, 68, 58, 54},
	{6, 6, 6, 6, 6, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 38, 46, 52, 60, 68, 58, 54},
	{6, 6, 6, 6, 6, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 38, 46, 52, 60, 68, 58, 54},
	{12, 12, 12, 12, 12, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 76, 90, 2, 2, 2, 2, 2},
}

// shortWidths are the widths of the 13 bands of one window in a short block.
var shortWidths = [9][13]uint8{
	{4, 4, 4, 4, 6, 8, 10, 12, 14, 18, 22, 30, 56},
	{4, 4, 4, 4, 6, 6, 10, 12, 14, 16, 20, 26, 66},
	{4, 4, 4, 4, 6, 8, 12, 16, 20, 26, 34, 42, 12},
	{4, 4, 4, 6, 6, 8, 10, 14, 18, 26, 32, 42, 18},
	{4, 4, 4, 6, 8, 10, 12, 14, 18, 24, 32, 44, 12},
	{4, 4, 4, 6, 8, 10, 12, 14, 18, 24, 30, 40, 18},
	{4, 4, 4, 6, 8, 10, 12, 14, 18, 24, 30, 40, 18},
	{4, 4, 4, 6, 8, 10, 12, 14, 18, 24, 30, 40, 18},
	{8, 8, 8, 12, 16, 20, 24, 28, 36, 2, 2, 2, 26},
}

// bandEnds is the first line behind each band, by sampling rate and division. The bands of a short block stand in the
// order of the bitstream: the three windows of the lowest band, then those of the next. Unused places hold 576.
var bandEnds = func() (ends [9][3][maxBands]uint16) {
	for rate := range ends {
		for division := range 3 {
			at, n := uint16(0), 0
			add := func(width uint8) {
				at += uint16(width)
				ends[rate][division][n] = at
				n++
			}
			long := longBandCount(rate, division)
			for _, width := range longWidths[rate][:long] {
				add(width)
			}
			if division != longBands {
				for _, width := range shortWidths[rate][firstShortBand(division):] {
					add(width)
					add(width)
					add(width)
				}
			}
			for n < maxBands {
				add(0)
			}
		}
	}
	return ends
}()

// division of the granule into bands.
func (g *granule) division() int {
	switch {
	case g.blockType != shortBlock:
		return longBands
	case g.mixed:
		return mixedBands
	}
	return shortBands
}

// longBandCount is how many bands of a division are long. In a mixed block they cover the lines that the first three
// short bands would: 36, and 72 at 8 kHz.
func longBandCount(rateIndex, division int) int {
	switch {
	case division == longBands:
		return 22
	case division == shortBands:
		return 0
	case rateIndex < 3:
		return 8
	}
	return 6
}

// firstShortBand is the lowest band of a division that is short, of 13.
func firstShortBand(division int) int {
	if division == mixedBands {
		return 3
	}
	return 0
}

// scalefactorBits are slen1 and slen2 of MPEG-1, by scalefac_compress.
var scalefactorBits = [16][2]int{
	{0, 0}, {0, 1}, {0, 2}, {0, 3}, {3, 0}, {1, 1}, {1, 2}, {1, 3},
	{2, 1}, {2, 2}, {2, 3}, {3, 1}, {3, 2}, {3, 3}, {4, 2}, {4, 3},
}

// lowSplits says how scalefac_compress of the lower sampling frequencies is taken apart (ISO/IEC 13818-3, 2.4.3.2): it is
// a number of mixed radix, whose digits are the bits of a scalefactor in four groups; counts are the sizes of the groups
// by division. The last three are for the right channel of intensity stereo.
var lowSplits = [6]struct {
	values int // how many values of scalefac_compress belong here
	radix  [4]int
	counts [3][4]int
}{
	{400, [4]int{5, 5, 4, 4}, [3][4]int{{6, 5, 5, 5}, {9, 9, 9, 9}, {6, 9, 9, 9}}},
	{100, [4]int{5, 5, 4, 1}, [3][4]int{{6, 5, 7, 3}, {9, 9, 12, 6}, {6, 9, 12, 6}}},
	{12, [4]int{4, 3, 1, 1}, [3][4]int{{11, 10, 0, 0}, {18, 18, 0, 0}, {15, 18, 0, 0}}},
	{180, [4]int{5, 6, 6, 1}, [3][4]int{{7, 7, 7, 0}, {12, 12, 12, 0}, {6, 15, 12, 0}}},
	{64, [4]int{4, 4, 4, 1}, [3][4]int{{6, 6, 6, 3}, {12, 9, 9, 6}, {6, 12, 9, 6}}},
	{12, [4]int{4, 3, 1, 1}, [3][4]int{{8, 8, 5, 0}, {15, 12, 9, 0}, {6, 18, 9, 0}}},
}

// scalefactors of one channel by band, in the order of bandEnds. The highest bands have none and hold 0.
type scalefactors struct {
	values  [maxBands]uint8
	illegal [maxBands]bool // as intensity position the value means "none"
}

// read reads the scalefactors of MPEG-1 at bit pos of the main data and returns the position behind them. prev are those
// of the first granule, which the second may reuse by groups.
func (s *scalefactors) read(m *mainData, pos int, g *granule, prev *scalefactors) int {
	slen := scalefactorBits[g.compress]
	counts, bits := [4]int{6, 5, 5, 5}, [4]int{slen[0], slen[0], slen[1], slen[1]}
	reuse := g.reuse
	if division := g.division(); division != longBands {
		counts = [4]int{9, 9, 9, 9}
		if division == mixedBands {
			counts[0] = 8
		}
		reuse = 0
	}
	n := 0
	for group, count := range counts {
		if reuse&(8>>group) != 0 {
			copy(s.values[n:n+count], prev.values[n:n+count])
			n += count
			continue
		}
		for range count {
			s.values[n] = uint8(m.peek(pos) >> 1 >> (63 - bits[group]))
			pos += bits[group]
			n++
		}
	}
	clear(s.values[n:])
	for i := range s.illegal {
		s.illegal[i] = s.values[i] >= 7
	}
	return pos
}

// readLow reads the scalefactors of MPEG-2 and MPEG-2.5. right is the right channel of intensity stereo. As intensity
// position the largest value of a group is the illegal one; ffmpeg knows no illegal one here.
func (s *scalefactors) readLow(m *mainData, pos int, g *granule, right bool) int {
	compress, split := g.compress, 0
	if right {
		compress, split = compress>>1, 3
	}
	for compress >= lowSplits[split].values {
		compress -= lowSplits[split].values
		split++
	}
	g.preflag = split == 2
	counts := lowSplits[split].counts[g.division()]
	var bits [4]int
	for i := 3; i >= 0; i-- {
		bits[i] = compress % lowSplits[split].radix[i]
		compress /= lowSplits[split].radix[i]
	}
	n := 0
	for group, count := range counts {
		for range count {
			s.values[n] = uint8(m.peek(pos) >> 1 >> (63 - bits[group]))
			s.illegal[n] = bits[group] > 0 && int(s.values[n]) == 1<<bits[group]-1
			pos += bits[group]
			n++
		}
	}
	clear(s.values[n:])
	clear(s.illegal[n:])
	return pos
}

// preemphasis is added to the scalefactors of long blocks when preflag is set (ISO/IEC 11172-3, table B.6).
var preemphasis = [22]uint8{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 3, 2, 0}

// gainOffset is where the table of gains has 2^0.
const gainOffset = 400

// gains computes the factor of each band, which is 2^(x/4) of a sum of whole numbers (ISO/IEC 11172-3, 2.4.3.4.7.1).
func (s *scalefactors) gains(t *tables, h header, g *granule, gains *[maxBands]float32) {
	base := g.globalGain - 210 + gainOffset
	if h.modeExt == midSideStereo {
		base -= 2 // the 1/√2 of middle and side; with intensity stereo not all bands get it
	}
	division := g.division()
	long := longBandCount(h.rateIndex, division)
	for i := range long {
		v := s.values[i]
		if g.preflag {
			v += preemphasis[i]
		}
		gains[i] = t.gain[base-int(v)<<g.scaleShift]
	}
	if division == longBands {
		return
	}
	for i := long; i < long+3*(13-firstShortBand(division)); i++ {
		gains[i] = t.gain[base-8*g.subblockGain[(i-long)%3]-int(s.values[i])<<g.scaleShift]
	}
}
