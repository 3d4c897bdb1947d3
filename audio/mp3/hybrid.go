package mp3

const (
	subbands = 32
	slots    = 18 // samples of a subband in a granule
)

// subbandSamples are the inputs of the polyphase filter bank over one granule: (time slot, subband).
type subbandSamples = [slots * subbands]float32

// hybrid is the state of the hybrid filter bank of one channel: what the last granule's windows left over.
type hybrid struct {
	overlap [subbands][slots]float32
	used    int // subbands that may have an overlap that is not zero
}

// reorder brings the lines of the short bands from the order of the bitstream, window by window within a band, into the
// order of the filter bank: by frequency, and the three windows of a frequency together. Lines from lines on are zero; the
// result is where they start afterwards.
func reorder(xr *[granuleLines]float32, lines, rateIndex, division int) int {
	var scratch [granuleLines]float32
	ends := &bandEnds[rateIndex][division]
	for band := longBandCount(rateIndex, division); band+2 < maxBands; band += 3 {
		from, to := 0, int(ends[band+2])
		if band > 0 {
			from = int(ends[band-1])
		}
		if from >= lines {
			return from
		}
		width := (to - from) / 3
		copy(scratch[from:to], xr[from:to])
		for i := range width {
			xr[from+3*i] = scratch[from+i]
			xr[from+3*i+1] = scratch[from+width+i]
			xr[from+3*i+2] = scratch[from+2*width+i]
		}
	}
	return granuleLines
}

// aliasCS and aliasCA are the factors of the alias reduction butterflies: 1/√(1+c²) and c/√(1+c²) for c of ISO/IEC 11172-3,
// table B.9: -0.6, -0.535, -0.33, -0.185, -0.095, -0.041, -0.0142, -0.0037.
var (
	aliasCS = [8]float32{
		0.8574929257125441, 0.8817419973177052, 0.9496286491027328, 0.9833145924917902,
		0.9955178160675857, 0.9991605581781475, 0.9998991952444470, 0.9999931550702803,
	}
	aliasCA = [8]float32{
		-0.5144957554275265, -0.4717319685649723, -0.3133774542039019, -0.1819131996109812,
		-0.0945741925264206, -0.0409655828853041, -0.0141985685724711, -0.0036999746737601,
	}
)

// reduceAlias applies the butterflies across the lowest boundaries between subbands. Lines from lines on are zero; the
// result is where they start afterwards.
func reduceAlias(xr *[granuleLines]float32, lines, boundaries int) int {
	if lines == 0 {
		return 0
	}
	boundaries = min(boundaries, (lines+slots-1)/slots)
	for sb := range boundaries {
		b := (*[2 * slots]float32)(xr[sb*slots:])
		for i := range 8 {
			lo, hi := b[17-i], b[18+i]
			b[17-i] = lo*aliasCS[i] - hi*aliasCA[i]
			b[18+i] = hi*aliasCS[i] + lo*aliasCA[i]
		}
	}
	return max(lines, boundaries*slots+8)
}

// transform runs the IMDCT with windowing and overlap over the lines of one channel of a granule, of which those from
// lines on are zero, and writes the samples of the subbands to out. xr must be in the order of the filter bank.
func (f *hybrid) transform(t *tables, g *granule, xr *[granuleLines]float32, lines int, out *subbandSamples) {
	clear(out[:])
	limit := (lines + slots - 1) / slots
	long := limit
	if g.blockType == shortBlock {
		long = 0
		if g.mixed {
			long = min(2, limit)
		}
	}
	for sb := range long {
		kind := g.blockType
		if g.mixed && sb < 2 {
			kind = longBlock
		}
		in := (*[slots]float32)(xr[sb*slots:])
		imdct36(in, &f.overlap[sb], &t.windows[sb&1][kind], out, sb)
	}
	for sb := long; sb < limit; sb++ {
		in := (*[slots]float32)(xr[sb*slots:])
		imdct12x3(in, &f.overlap[sb], &t.windows[sb&1][shortBlock], out, sb)
	}
	for sb := limit; sb < f.used; sb++ {
		for i, v := range f.overlap[sb] {
			out[subbands*i+sb] = v
		}
		f.overlap[sb] = [slots]float32{}
	}
	f.used = limit
}
