package mp3

// taps is how many time slots one output sample of the polyphase filter bank sees.
const taps = 16

// windowHalf is the first half of the synthesis window, D[0] to D[256] of ISO/IEC 11172-3, table B.3, times 65536. The
// second half is D[512-i] = D[i] where i is a multiple of 64 and -D[i] elsewhere.
var windowHalf = [257]int32{
	0, -1, -1, -1, -1, -1, -1, -2, -2, -2, -2, -3, -3, -4, -4, -5,
	-5, -6, -7, -7, -8, -9, -10, -11, -13, -14, -16, -17, -19, -21, -24, -26,
	-29, -31, -35, -38, -41, -45, -49, -53, -58, -63, -68, -73, -79, -85, -91, -97,
	-104, -111, -117, -125, -132, -139, -147, -154, -161, -169, -176, -183, -190, -196, -202, -208,
	213, 218, 222, 225, 227, 228, 228, 227, 224, 221, 215, 208, 200, 189, 177, 163,
	146, 127, 106, 83, 57, 29, -2, -36, -72, -111, -153, -197, -244, -294, -347, -401,
	-459, -519, -581, -645, -711, -779, -848, -919, -991, -1064, -1137, -1210, -1283, -1356, -1428, -1498,
	-1567, -1634, -1698, -1759, -1817, -1870, -1919, -1962, -2001, -2032, -2057, -2075, -2085, -2087, -2080, -2063,
	2037, 2000, 1952, 1893, 1822, 1739, 1644, 1535, 1414, 1280, 1131, 970, 794, 605, 402, 185,
	-45, -288, -545, -814, -1095, -1388, -1692, -2006, -2330, -2663, -3004, -3351, -3705, -4063, -4425, -4788,
	-5153, -5517, -5879, -6237, -6589, -6935, -7271, -7597, -7910, -8209, -8491, -8755, -8998, -9219, -9416, -9585,
	-9727, -9838, -9916, -9959, -9966, -9935, -9863, -9750, -9592, -9389, -9139, -8840, -8492, -8092, -7640, -7134,
	6574, 5959, 5288, 4561, 3776, 2935, 2037, 1082, 70, -998, -2122, -3300, -4533, -5818, -7154, -8540,
	-9975, -11455, -12980, -14548, -16155, -17799, -19478, -21189, -22929, -24694, -26482, -28289, -30112, -31947, -33791, -35640,
	-37489, -39336, -41176, -43006, -44821, -46617, -48390, -50137, -51853, -53534, -55178, -56778, -58333, -59838, -61289, -62684,
	-64019, -65290, -66494, -67629, -68692, -69679, -70590, -71420, -72169, -72835, -73415, -73908, -74313, -74630, -74856, -74992,
	75038,
}

// synthWindow is the synthesis window in the order in which it is used. Output samples j and 32-j take the same 16 values
// of the DCT: d[16+j] of the current time slot and every second before it, d[16-j] of the slots between. pairs[j-1] has
// for each of the 16 slots the factors of both samples.
type synthWindow struct {
	pairs  [15][taps][2]float32
	first  [taps]float32 // sample 0, from d[16]
	middle [taps]float32 // sample 16, from d[0] of every second slot
}

func (w *synthWindow) build() {
	d := func(i int) float32 {
		switch {
		case i <= 256:
			return float32(windowHalf[i]) / 65536
		case i%64 == 0:
			return float32(windowHalf[512-i]) / 65536
		}
		return -float32(windowHalf[512-i]) / 65536
	}
	// The vector V of the standard is d with signs: V[i] = d[16+i] for i < 16, -d[|48-i|] for i > 16. Sample j is the sum
	// over k < 8 of V[j]·D[64k+j] from slot -2k and V[32+j]·D[64k+32+j] from slot -2k-1.
	for k := range taps / 2 {
		for j := 1; j < 16; j++ {
			w.pairs[j-1][2*k] = [2]float32{d(64*k + j), -d(64*k + 32 - j)}
			w.pairs[j-1][2*k+1] = [2]float32{-d(64*k + 32 + j), -d(64*k + 64 - j)}
		}
		w.first[2*k], w.first[2*k+1] = d(64*k), -d(64*k+32)
		w.middle[2*k+1] = -d(64*k + 48)
	}
}

// polyphase is the state of the synthesis filter bank of one channel: the DCTs of the last 15 time slots in the order of
// dct32, and room for a granule.
type polyphase struct {
	dct [(taps - 1 + slots) * subbands]float32
}

// synthesize turns the subband samples of a granule into 576 samples of sound (ISO/IEC 11172-3, 2.4.3.2.2).
func (p *polyphase) synthesize(w *synthWindow, in *subbandSamples, pcm *[granuleLines]float32) {
	for slot := range slots {
		at := slot * subbands
		dct32((*[subbands]float32)(in[at:]), (*[subbands]float32)(p.dct[at+(taps-1)*subbands:]))
		w.apply((*[taps * subbands]float32)(p.dct[at:]), (*[subbands]float32)(pcm[at:]))
	}
	copy(p.dct[:], p.dct[slots*subbands:])
}

// apply computes the 32 samples of the time slot whose DCT is the last of 16 in d. It takes most of the time of decoding,
// so its loop is written out: all offsets are constant and no bounds are left to check.
func (w *synthWindow) apply(d *[taps * subbands]float32, pcm *[subbands]float32) {
	for j := 1; j < 16; j++ {
		c := &w.pairs[j-1]
		x0 := d[496+j]
		a, b := x0*c[0][0], x0*c[0][1]
		x1 := d[448+j-1]
		u, v := x1*c[1][0], x1*c[1][1]
		x2 := d[432+j]
		a += x2 * c[2][0]
		b += x2 * c[2][1]
		x3 := d[384+j-1]
		u += x3 * c[3][0]
		v += x3 * c[3][1]
		x4 := d[368+j]
		a += x4 * c[4][0]
		b += x4 * c[4][1]
		x5 := d[320+j-1]
		u += x5 * c[5][0]
		v += x5 * c[5][1]
		x6 := d[304+j]
		a += x6 * c[6][0]
		b += x6 * c[6][1]
		x7 := d[256+j-1]
		u += x7 * c[7][0]
		v += x7 * c[7][1]
		x8 := d[240+j]
		a += x8 * c[8][0]
		b += x8 * c[8][1]
		x9 := d[192+j-1]
		u += x9 * c[9][0]
		v += x9 * c[9][1]
		x10 := d[176+j]
		a += x10 * c[10][0]
		b += x10 * c[10][1]
		x11 := d[128+j-1]
		u += x11 * c[11][0]
		v += x11 * c[11][1]
		x12 := d[112+j]
		a += x12 * c[12][0]
		b += x12 * c[12][1]
		x13 := d[64+j-1]
		u += x13 * c[13][0]
		v += x13 * c[13][1]
		x14 := d[48+j]
		a += x14 * c[14][0]
		b += x14 * c[14][1]
		x15 := d[0+j-1]
		u += x15 * c[15][0]
		v += x15 * c[15][1]
		pcm[j] = a + u
		pcm[32-j] = b + v
	}
	var first, middle float32
	for k := 0; k < taps; k += 2 {
		newer, older := (*[subbands]float32)(d[(15-k)*subbands:]), (*[subbands]float32)(d[(14-k)*subbands:])
		first += newer[16]*w.first[k] + older[16]*w.first[k+1]
		middle += older[15] * w.middle[k+1]
	}
	pcm[0], pcm[16] = first, middle
}
