package mp3

import (
	"math"
	"testing"
)

func TestHeader(t *testing.T) {
	for _, c := range []struct {
		bytes                                           [4]byte
		layer, rate, bitrate, channels, samples, length int
	}{
		{[4]byte{0xff, 0xfb, 0x90, 0x64}, 3, 44100, 128000, 2, 1152, 417},
		{[4]byte{0xff, 0xfb, 0x92, 0x64}, 3, 44100, 128000, 2, 1152, 418},
		{[4]byte{0xff, 0xfa, 0xe8, 0xc4}, 3, 32000, 320000, 1, 1152, 1440},
		{[4]byte{0xff, 0xf3, 0x48, 0xc4}, 3, 16000, 32000, 1, 576, 144},
		{[4]byte{0xff, 0xe3, 0x18, 0xc4}, 3, 8000, 8000, 1, 576, 72},
		{[4]byte{0xff, 0xe3, 0xe4, 0x04}, 3, 12000, 160000, 2, 576, 960},
		{[4]byte{0xff, 0xfb, 0x00, 0x64}, 3, 44100, 0, 2, 1152, 1000}, // free format, of which the caller knows the length
		{[4]byte{0xff, 0xfd, 0x84, 0xc0}, 2, 48000, 128000, 1, 1152, 384},
		{[4]byte{0xff, 0xf5, 0x80, 0x00}, 2, 22050, 64000, 2, 1152, 417},
		{[4]byte{0xff, 0xff, 0x52, 0x00}, 1, 44100, 160000, 2, 384, 176},
		{[4]byte{0xff, 0xf7, 0x50, 0x00}, 1, 22050, 80000, 2, 384, 172},
	} {
		h, ok := parseHeader(c.bytes[:])
		if !ok || h.layer != c.layer || h.rate != c.rate || h.bitrate != c.bitrate || h.channels != c.channels ||
			h.samples() != c.samples || h.frameBytes(1000) != c.length {
			t.Errorf("% x: %v, %+v, %d samples, %d bytes; want %+v", c.bytes, ok, h, h.samples(), h.frameBytes(1000), c)
		}
	}
	for _, b := range [][]byte{
		{0xff, 0xfb, 0x90}, {0xfe, 0xfb, 0x90, 0x64}, {0xff, 0xdb, 0x90, 0x64}, // short, no sync word
		{0xff, 0xeb, 0x90, 0x64}, {0xff, 0xf9, 0x90, 0x64}, {0xff, 0xfb, 0xf0, 0x64}, {0xff, 0xfb, 0x9c, 0x64}, // reserved
	} {
		if h, ok := parseHeader(b); ok {
			t.Errorf("% x is taken for %+v", b, h)
		}
	}
}

// TestRegions: the regions of pairs follow the bands that region0_count and region1_count name, and end with big_values.
func TestRegions(t *testing.T) {
	for _, c := range []struct {
		lines, first, second int
		want                 [3]int
	}{
		{576, 0, 0, [3]int{4, 8, 576}},
		{576, 7, 2, [3]int{36, 62, 576}},
		{576, 15, 7, [3]int{162, 576, 576}}, // beyond the last band
		{576, 13, 6, [3]int{110, 418, 576}},
		{50, 7, 2, [3]int{36, 50, 50}},
	} {
		var w bitWriter
		w.write(0, 9+5+4) // main_data_begin, private bits, scfsi
		for range 2 {
			w.write(1000, 12)
			w.write(c.lines/2, 9)
			w.write(210, 8)
			w.write(0, 4)
			w.write(0, 1)
			w.write(0, 15)
			w.write(c.first, 4)
			w.write(c.second, 3)
			w.write(0, 3)
		}
		var s sideInfo
		h, _ := parseHeader([]byte{0xff, 0xfb, 0x90, 0xc4})
		if !s.parse(h, w.data) || w.pos != 8*h.sideInfoBytes() || s.granules[1][0].regions != c.want {
			t.Errorf("%+v: regions %v", c, s.granules[1][0].regions)
		}
	}
}

// TestLowScalefactors holds the fields of scalefac_compress against the equations of ISO/IEC 13818-3, 2.4.3.2.
func TestLowScalefactors(t *testing.T) {
	ones := make([]byte, 64)
	for i := range ones {
		ones[i] = 0xff
	}
	var m mainData
	m.push(ones)
	for compress := range 512 {
		for _, right := range []bool{false, true} {
			var slen [4]int
			preflag := false
			switch c := compress / 2; {
			case !right && compress < 400:
				slen = [4]int{compress >> 4 / 5, compress >> 4 % 5, compress % 16 >> 2, compress % 4}
			case !right && compress < 500:
				slen = [4]int{(compress - 400) >> 2 / 5, (compress - 400) >> 2 % 5, (compress - 400) % 4, 0}
			case !right:
				slen, preflag = [4]int{(compress - 500) / 3, (compress - 500) % 3, 0, 0}, true
			case c < 180:
				slen = [4]int{c / 36, c % 36 / 6, c % 36 % 6, 0}
			case c < 244:
				slen = [4]int{(c - 180) % 64 >> 4, (c - 180) % 16 >> 2, (c - 180) % 4, 0}
			default:
				slen = [4]int{(c - 244) / 3, (c - 244) % 3, 0, 0}
			}
			for _, g := range []granule{{}, {blockType: shortBlock}, {blockType: shortBlock, mixed: true}} {
				g.compress = compress
				var s scalefactors
				pos := s.readLow(&m, 0, &g, right)
				bits, n := 0, 0
				counts := lowCounts(compress, right)[g.division()]
				for group, count := range counts {
					for range count {
						value := 1<<slen[group] - 1
						if int(s.values[n]) != value || s.illegal[n] != (value > 0) {
							t.Fatalf("compress %d, right %v, division %d: band %d is %d, illegal %v; want %d",
								compress, right, g.division(), n, s.values[n], s.illegal[n], value)
						}
						bits += slen[group]
						n++
					}
				}
				if pos != bits || g.preflag != preflag {
					t.Fatalf("compress %d, right %v: %d bits, preflag %v; want %d, %v", compress, right, pos, g.preflag, bits, preflag)
				}
			}
		}
	}
}

// lowCounts is the sizes of the groups of scalefactors (ISO/IEC 13818-3, 2.4.3.2, the table of nr_of_sfb) by division. A
// group without bits may have any size, which the table leaves at 0.
func lowCounts(compress int, right bool) [3][4]int {
	switch {
	case !right && compress < 400:
		return [3][4]int{{6, 5, 5, 5}, {9, 9, 9, 9}, {6, 9, 9, 9}}
	case !right && compress < 500:
		return [3][4]int{{6, 5, 7, 3}, {9, 9, 12, 6}, {6, 9, 12, 6}}
	case !right:
		return [3][4]int{{11, 10, 0, 0}, {18, 18, 0, 0}, {15, 18, 0, 0}}
	case compress < 360:
		return [3][4]int{{7, 7, 7, 0}, {12, 12, 12, 0}, {6, 15, 12, 0}}
	case compress < 488:
		return [3][4]int{{6, 6, 6, 3}, {12, 9, 9, 6}, {6, 12, 9, 6}}
	}
	return [3][4]int{{8, 8, 5, 0}, {15, 12, 9, 0}, {6, 18, 9, 0}}
}

// TestIntensity sets all lines of the left channel to 1 and some of the right to 1, and looks at what each band becomes.
func TestIntensity(t *testing.T) {
	const ms = 0.70710678
	share := func(position float64) [2]float64 {
		r := math.Tan(position * math.Pi / 12)
		return [2]float64{r / (1 + r), 1 / (1 + r)}
	}
	mpeg1 := header{rateIndex: 0, channels: 2, mode: jointStereo, modeExt: intensityStereo | midSideStereo}
	plain := mpeg1
	plain.modeExt = intensityStereo
	low := header{version: 1, rateIndex: 3, channels: 2, mode: jointStereo, modeExt: intensityStereo}
	for _, c := range []struct {
		what   string
		header header
		g      granule
		lines  []int         // of the right channel that are not 0
		values map[int]uint8 // intensity positions by band; others are 3
		want   map[int][2]float64
	}{
		{"long", mpeg1, granule{}, []int{30}, map[int]uint8{10: 0, 11: 6, 12: 7, 13: 9, 20: 1, 21: 5}, map[int][2]float64{
			0: {ms, ms}, 29: {ms, ms}, 31: {ms, ms}, 36: share(3), 52: {0, 1}, 62: {1, 0}, 74: {ms, ms}, 90: {ms, ms}, 110: share(3),
			400: share(1), 500: share(1), // the last band has the position of the one before
		}},
		{"without middle and side", plain, granule{}, []int{30}, map[int]uint8{12: 7}, map[int][2]float64{
			0: {1, 0}, 30: {1, 1}, 74: {1, 0}, 110: share(3),
		}},
		// Bands of 44.1 kHz are 3·4 lines up to line 48; then 3·6, 3·8, 3·10, 3·12 and so on, from 408 on the last of 3·56.
		{"short: windows apart", mpeg1, granule{blockType: shortBlock}, []int{17}, map[int]uint8{3: 0, 5: 6}, map[int][2]float64{
			0: share(3), 4: {ms, ms}, 8: share(3), 12: {0, 1}, 16: {ms, ms}, 20: {1, 0}, 24: share(3), 28: share(3), 32: share(3),
		}},
		{"short: the last band", mpeg1, granule{blockType: shortBlock}, nil, map[int]uint8{33: 0, 34: 6, 35: 7}, map[int][2]float64{
			408: {0, 1}, 463: {0, 1}, 464: {1, 0}, 520: {ms, ms}, 575: {ms, ms},
		}},
		{"mixed: lines of a window", mpeg1, granule{blockType: shortBlock, mixed: true}, []int{41}, nil, map[int][2]float64{
			0: {ms, ms}, 35: {ms, ms}, 36: share(3), 40: {ms, ms}, 44: share(3),
		}},
		{"mixed: no lines", mpeg1, granule{blockType: shortBlock, mixed: true}, nil, map[int]uint8{7: 0}, map[int][2]float64{
			0: share(3), 35: {0, 1}, 36: share(3),
		}},
		{"low rate", low, granule{}, nil, map[int]uint8{0: 0, 1: 1, 2: 2, 3: 3, 4: 4}, map[int][2]float64{
			0: {1, 1}, 6: {math.Exp2(-0.25), 1}, 12: {1, math.Exp2(-0.25)}, 18: {math.Exp2(-0.5), 1}, 24: {1, math.Exp2(-0.5)},
		}},
		{"low rate, wide", low, granule{compress: 1}, nil, map[int]uint8{1: 1, 4: 4}, map[int][2]float64{
			6: {math.Exp2(-0.5), 1}, 24: {1, math.Exp2(-1)},
		}},
	} {
		var xr spectra
		for i := range xr[0] {
			xr[0][i] = 1
		}
		for _, line := range c.lines {
			xr[1][line] = 1
		}
		// The position 7 is illegal in MPEG-1; read marks it, as TestScalefactors shows.
		var s scalefactors
		for i := range s.values {
			s.values[i] = 3
		}
		for band, v := range c.values {
			s.values[band] = v
			s.illegal[band] = v >= 7
		}
		intensity(&xr, c.header, &c.g, &s)
		for line, want := range c.want {
			if math.Abs(float64(xr[0][line])-want[0]) > 1e-6 || math.Abs(float64(xr[1][line])-want[1]) > 1e-6 {
				t.Errorf("%s: line %d is %v, %v; want %.6f", c.what, line, xr[0][line], xr[1][line], want)
			}
		}
	}
}

// TestScalefactors: MPEG-1 has groups of bands that the second granule may take from the first, and position 7 or more is
// no intensity.
func TestScalefactors(t *testing.T) {
	ones := make([]byte, 64)
	for i := range ones {
		ones[i] = 0xff
	}
	var m mainData
	m.push(ones)
	var prev, s scalefactors
	for i := range prev.values {
		prev.values[i] = uint8(i)
	}
	g := granule{compress: 15, reuse: 0b0101} // 4 and 3 bits
	if pos := s.read(&m, 0, &g, &prev); pos != 6*4+5*3 {
		t.Errorf("%d bits, want %d", pos, 6*4+5*3)
	}
	want := [maxBands]uint8{15, 15, 15, 15, 15, 15, 6, 7, 8, 9, 10, 7, 7, 7, 7, 7, 16, 17, 18, 19, 20}
	for i, v := range want {
		if s.values[i] != v || s.illegal[i] != (v >= 7) {
			t.Errorf("band %d: %d, illegal %v; want %d", i, s.values[i], s.illegal[i], v)
		}
	}
	for _, c := range []struct {
		g    granule
		bits int
	}{
		{granule{compress: 15, blockType: shortBlock, reuse: 15}, 18*4 + 18*3},
		{granule{compress: 15, blockType: shortBlock, mixed: true}, 17*4 + 18*3},
		{granule{compress: 4}, 11 * 3},
	} {
		if pos := s.read(&m, 0, &c.g, &prev); pos != c.bits {
			t.Errorf("%+v: %d bits, want %d", c.g, pos, c.bits)
		}
	}
}
