package mp3

import "fmt"

// decoder is the state of one stream.
type decoder struct {
	plan *plan
	t    *tables

	main    mainData
	side    sideInfo
	factors [2][2]scalefactors // (granule, channel)
	xr      spectra
	banks   [2]hybrid
	synths  [2]polyphase
	samples subbandSamples

	out     [][]float32
	at      int // samples of each channel decoded so far, trimmed ones included
	scratch [granuleLines]float32

	bad        int // frames made silent
	firstBad   int // where the first of them is in the file
	crcRight   int // frames whose CRC was right
	crcIgnored int // frames whose CRC was wrong before any was right
}

func newDecoder(p *plan) *decoder {
	d := &decoder{plan: p, t: sharedTables(), out: make([][]float32, p.header.channels)}
	length := p.length()
	all := make([]float32, length*len(d.out))
	for ch := range d.out {
		d.out[ch] = all[ch*length : (ch+1)*length : (ch+1)*length]
	}
	return d
}

// run decodes all frames of data, which is what the plan was made from.
func (d *decoder) run(data []byte) error {
	walk := newFrames(data)
	for n := 0; ; n++ {
		f, ok, err := walk.next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if n == 0 && d.plan.tagged {
			continue
		}
		for range f.lost {
			d.main.drop()
			d.silence(f)
		}
		d.frame(f)
		if 2*d.bad > d.plan.slots {
			return fmt.Errorf("mp3: more than half of %d frames cannot be decoded, the first at byte %d: %w",
				d.plan.slots, d.firstBad, ErrCorrupt)
		}
	}
	return nil
}

// silence puts silence in the place of a frame.
func (d *decoder) silence(f frame) {
	d.markBad(f)
	for range f.granules() {
		d.silentGranule()
	}
}

func (d *decoder) markBad(f frame) {
	if d.bad == 0 {
		d.firstBad = f.offset
	}
	d.bad++
}

// frame decodes one frame.
func (d *decoder) frame(f frame) {
	begin := f.sideInfoOffset()
	end := begin + f.sideInfoBytes()
	if len(f.data) < end {
		d.main.drop()
		d.silence(f)
		return
	}
	// Main data serves the frames behind too, so it is kept even when this frame is lost.
	kept := d.main.push(f.data[end:])
	if f.broken || !d.checksum(f) || !d.side.parse(f.header, f.data[begin:end]) {
		d.silence(f)
		return
	}
	pos := 8 * (kept - d.side.mainDataBegin)
	good := true
	for gr := range f.granules() {
		from := pos
		for ch := range f.channels {
			pos += d.side.granules[gr][ch].bits
		}
		if from >= 0 && pos <= 8*d.main.have && d.granule(f.header, gr, from) {
			continue
		}
		good = false
		d.silentGranule()
	}
	if !good {
		d.markBad(f)
	}
}

// checksum says whether the side information may be trusted. There are encoders whose CRC is always wrong, so a wrong one
// counts only in a stream that also has right ones.
func (d *decoder) checksum(f frame) bool {
	switch {
	case !f.protected:
	case crcRight(f.header, f.data):
		d.crcRight++
	case d.crcRight > 0:
		return false
	default:
		d.crcIgnored++
	}
	return true
}

// granule decodes the granule gr whose main data starts at bit pos. It is false, and no sound was made, if the data are
// inconsistent.
func (d *decoder) granule(h header, gr, pos int) bool {
	var lines [2]int
	for ch := range h.channels {
		g, s := &d.side.granules[gr][ch], &d.factors[gr][ch]
		end := pos + g.bits
		if h.version == 0 {
			pos = s.read(&d.main, pos, g, &d.factors[0][ch])
		} else {
			pos = s.readLow(&d.main, pos, g, ch == 1 && h.modeExt&intensityStereo != 0)
		}
		var gains [maxBands]float32
		s.gains(d.t, h, g, &gains)
		ok := false
		if lines[ch], ok = d.t.readSpectrum(&d.main, pos, end, g, &bandEnds[h.rateIndex][g.division()], &gains, &d.xr[ch]); !ok {
			return false
		}
		pos = end
	}
	if h.modeExt != 0 {
		both := max(lines[0], lines[1])
		if h.modeExt&intensityStereo != 0 {
			intensity(&d.xr, h, &d.side.granules[gr][1], &d.factors[gr][1])
		} else {
			midSide(&d.xr, 0, both, 1)
		}
		lines = [2]int{both, both}
	}
	for ch := range h.channels {
		g, xr := &d.side.granules[gr][ch], &d.xr[ch]
		n := lines[ch]
		switch division := g.division(); division {
		case longBands:
			n = reduceAlias(xr, n, subbands-1)
		case mixedBands:
			n = max(reorder(xr, n, h.rateIndex, division), reduceAlias(xr, n, 1))
		case shortBands:
			n = reorder(xr, n, h.rateIndex, division)
		}
		d.banks[ch].transform(d.t, g, xr, n, &d.samples)
		d.synthesize(ch)
	}
	d.at += granuleLines
	return true
}

// silentGranule lets the filter banks run out over a granule without lines.
func (d *decoder) silentGranule() {
	for ch := range d.out {
		d.banks[ch].transform(d.t, &granule{}, &d.xr[ch], 0, &d.samples)
		d.synthesize(ch)
	}
	d.at += granuleLines
}

// synthesize makes sound of the subband samples of a granule and puts what is not trimmed into the output.
func (d *decoder) synthesize(ch int) {
	s := d.plan.span
	begin, end := d.at, d.at+granuleLines
	offset := s.start
	if begin >= s.cutEnd {
		offset += s.cutEnd - s.cut
	}
	if begin >= s.start && end <= s.cut || begin >= s.cutEnd {
		d.synths[ch].synthesize(&d.t.synth, &d.samples, (*[granuleLines]float32)(d.out[ch][begin-offset:]))
		return
	}
	d.synths[ch].synthesize(&d.t.synth, &d.samples, &d.scratch)
	if from, to := max(begin, s.start), min(end, s.cut); from < to {
		copy(d.out[ch][from-s.start:], d.scratch[from-begin:to-begin])
	}
	if from := max(begin, s.cutEnd); from < end {
		copy(d.out[ch][from-s.start-(s.cutEnd-s.cut):], d.scratch[from-begin:])
	}
}

// audio is the result.
func (d *decoder) audio() *Audio {
	p, h := d.plan, d.plan.header
	a := &Audio{
		Rate:      h.rate,
		Channels:  d.out,
		Layer:     h.layer,
		Bitrate:   int(8 * p.bytes * int64(h.rate) / int64(p.frames*h.samples())),
		Truncated: p.cut || p.missing() > 0,
		BadFrames: d.bad,
	}
	warn := func(format string, args ...any) { a.Warnings = append(a.Warnings, fmt.Sprintf(format, args...)) }
	if d.bad > 0 {
		warn("%d of %d frames cannot be decoded and are silent, the first at byte %d", d.bad, p.slots, d.firstBad)
	}
	if p.cut {
		warn("the file ends within a frame, which is left out")
	}
	if p.missing() > 0 {
		warn("the file has %d frames of %d that its info tag announces", p.slots, p.tag.frames)
	}
	if p.junk > 0 {
		warn("%d bytes are no MPEG audio and were skipped", p.junk)
	}
	if d.crcIgnored > 0 {
		warn("the CRC of %d frames is wrong and was ignored", d.crcIgnored)
	}
	return a
}
