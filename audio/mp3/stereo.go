package mp3

import "math"

// spectra are the lines of both channels of a granule.
type spectra = [2][granuleLines]float32

// midSide turns middle and side into left and right over the lines [from, to).
func midSide(xr *spectra, from, to int, scale float32) {
	left, right := xr[0][from:to], xr[1][from:to]
	right = right[:len(left)]
	for i, m := range left {
		s := right[i]
		left[i], right[i] = (m+s)*scale, (m-s)*scale
	}
}

// intensity undoes intensity stereo (ISO/IEC 11172-3, 2.4.3.4.9.3; 13818-3, 2.4.3.2): in the bands above the last one in
// which the right channel has lines, the left channel holds the sum and the right channel's scalefactors say how to
// divide it. All other bands are middle and side if the frame says so. g and s belong to the right channel.
func intensity(xr *spectra, h header, g *granule, s *scalefactors) {
	division := g.division()
	ends := &bandEnds[h.rateIndex][division]
	long := longBandCount(h.rateIndex, division)
	bands := long + 3*(13-firstShortBand(division))
	if division == longBands {
		bands = long
	}
	coded := [3]bool{} // by window: the right channel has lines in this band or a higher one
	for band := bands - 1; band >= 0; band-- {
		from, to := 0, int(ends[band])
		if band > 0 {
			from = int(ends[band-1])
		}
		window, source := 0, band
		switch {
		case band >= long:
			window = (band - long) % 3
			if band >= bands-3 {
				source = band - 3 // the last band has no scalefactors of its own
			}
		case band == long-1 && division != longBands:
			coded[0] = coded[0] || coded[1] || coded[2]
		case band == 21:
			source = 20
		}
		coded[window] = coded[window] || hasLines(xr[1][from:to])
		if coded[window] || s.illegal[source] {
			if h.modeExt&midSideStereo != 0 {
				midSide(xr, from, to, math.Sqrt2/2)
			}
			continue
		}
		left, right := intensityRatios(h, int(s.values[source]), g.compress&1)
		for i := from; i < to; i++ {
			sum := xr[0][i]
			xr[0][i], xr[1][i] = sum*left, sum*right
		}
	}
}

func hasLines(xr []float32) bool {
	for _, v := range xr {
		if v != 0 {
			return true
		}
	}
	return false
}

// intensityRatios are the shares of the channels at an intensity position. wide is intensity_scale of the lower sampling
// frequencies, the lowest bit of the right channel's scalefac_compress.
func intensityRatios(h header, position, wide int) (left, right float32) {
	if h.version == 0 {
		if position == 6 {
			return 1, 0 // tan is infinite
		}
		ratio := math.Tan(float64(position) * math.Pi / 12)
		return float32(ratio / (1 + ratio)), float32(1 / (1 + ratio))
	}
	share := float32(math.Exp2(-float64(1+wide) / 4 * float64((position+1)/2)))
	if position&1 == 1 {
		return share, 1
	}
	return 1, share
}
