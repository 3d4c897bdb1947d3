package mp3

// Block types of a granule (window_switching_flag and block_type).
const (
	longBlock  = 0
	startBlock = 1
	shortBlock = 2
	stopBlock  = 3
)

const granuleLines = 576 // frequency lines of one channel in a granule

// granule is the side information of one channel in one granule (ISO/IEC 11172-3, 2.4.1.7; 13818-3, 2.4.1.7).
type granule struct {
	bits         int // part2_3_length: scalefactors and Huffman codes
	lines        int // 2*big_values: lines that are coded in pairs
	globalGain   int
	compress     int // scalefac_compress
	blockType    int
	mixed        bool // the two lowest subbands are long in a short block
	tables       [3]int
	regions      [3]int // first line behind each region of pairs
	subblockGain [3]int
	preflag      bool
	scaleShift   int // 1 or 2: how many quarter powers of two a scalefactor counts, as a shift
	quadTable    int // count1table_select
	reuse        int // scfsi: bit 3 is the lowest group of scalefactors
}

// sideInfo is the side information of a frame.
type sideInfo struct {
	mainDataBegin int           // how many bytes before the frame its main data starts
	granules      [2][2]granule // (granule, channel)
}

// parse reads the side information. It is false when a field has a value that no encoder may write.
func (s *sideInfo) parse(h header, data []byte) bool {
	r := bitReader{data: data}
	*s = sideInfo{}
	if h.version > 0 {
		s.mainDataBegin = r.bits(8)
		r.bits(h.channels) // private bits
	} else {
		s.mainDataBegin = r.bits(9)
		r.bits(7 - 2*h.channels) // private bits
		for ch := range h.channels {
			s.granules[1][ch].reuse = r.bits(4)
		}
	}
	for gr := range h.granules() {
		for ch := range h.channels {
			if !s.granules[gr][ch].parse(h, &r) {
				return false
			}
		}
	}
	return true
}

func (g *granule) parse(h header, r *bitReader) bool {
	g.bits = r.bits(12)
	g.lines = 2 * r.bits(9)
	if g.lines > granuleLines {
		return false
	}
	g.globalGain = r.bits(8)
	if h.version > 0 {
		g.compress = r.bits(9)
	} else {
		g.compress = r.bits(4)
	}
	if r.flag() {
		g.blockType = r.bits(2)
		if g.blockType == longBlock {
			return false
		}
		g.mixed = r.flag()
		for i := range 2 {
			g.tables[i] = r.bits(5)
		}
		for i := range 3 {
			g.subblockGain[i] = r.bits(3)
		}
		g.regions = [3]int{switchedRegion(h, g.blockType), granuleLines, granuleLines}
	} else {
		for i := range 3 {
			g.tables[i] = r.bits(5)
		}
		ends := &bandEnds[h.rateIndex][longBands]
		first := r.bits(4) + 1
		second := first + r.bits(3) + 1
		g.regions = [3]int{int(ends[first-1]), int(ends[min(second, 22)-1]), granuleLines}
	}
	for i := range g.regions {
		g.regions[i] = min(g.regions[i], g.lines)
	}
	if h.version == 0 {
		g.preflag = r.flag() // the lower sampling frequencies tell it with scalefac_compress
	}
	g.scaleShift = 1 + r.bits(1)
	g.quadTable = r.bits(1)
	return true
}

// switchedRegion is the end of region 0 when the window is switched: behind 3 bands of 3 windows in a short block, mixed
// or not, and behind 8 bands in a long one.
func switchedRegion(h header, blockType int) int {
	if blockType == shortBlock {
		return int(bandEnds[h.rateIndex][shortBands][8])
	}
	return int(bandEnds[h.rateIndex][longBands][7])
}
