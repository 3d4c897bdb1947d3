package mp3

import (
	"math"
	"sync"
)

// maxQuantized is the largest absolute value of a quantized line: 15 and 13 bits more.
const maxQuantized = 15 + 1<<13 - 1

// tables are what all decoders share and none changes.
type tables struct {
	gain    [512]float32              // 2^((i-gainOffset)/4)
	pow43   [maxQuantized + 1]float32 // i^(4/3)
	signed  [32]float32               // sign(v)·|v|^(4/3) of v = i-signedZero, for the values that need no extra bits
	pairs   [32]pairTable
	quads   [2][1 << quadBits]uint16
	windows [2][4][36]float32 // by parity of the subband and block type; that of short blocks has 12 values
	synth   synthWindow
}

const signedZero = 15

// sharedTables builds the tables on first use, in about a millisecond.
var sharedTables = sync.OnceValue(func() *tables {
	t := new(tables)
	for i := range t.gain {
		t.gain[i] = float32(math.Exp2(float64(i-gainOffset) / 4))
	}
	for i := range t.pow43 {
		t.pow43[i] = float32(float64(i) * math.Cbrt(float64(i)))
	}
	for i := range 16 {
		t.signed[signedZero+i] = t.pow43[i]
		t.signed[signedZero-i] = -t.pow43[i]
	}
	t.signed[signedZero] = 0 // not -0
	t.buildHuffman()
	t.buildWindows()
	t.synth.build()
	return t
})

// buildWindows makes the windows of the IMDCT (ISO/IEC 11172-3, 2.4.3.4.10.3). In odd subbands every odd sample changes its
// sign, which undoes the frequency inversion of the polyphase filter bank.
func (t *tables) buildWindows() {
	sine := func(i, n int) float64 { return math.Sin(math.Pi / float64(n) * (float64(i) + 0.5)) }
	for i := range 36 {
		var w [4]float64
		w[longBlock], w[startBlock], w[stopBlock] = sine(i, 36), sine(i, 36), sine(i, 36)
		switch {
		case i < 6:
			w[stopBlock] = 0
		case i < 12:
			w[stopBlock] = sine(i-6, 12)
		case i < 18:
			w[stopBlock] = 1
		case i < 24:
			w[startBlock] = 1
		case i < 30:
			w[startBlock] = sine(i-18, 12)
		default:
			w[startBlock] = 0
		}
		if i < 12 {
			w[shortBlock] = sine(i, 12)
		}
		for kind, v := range w {
			t.windows[0][kind][i] = float32(v)
			t.windows[1][kind][i] = float32(v) * float32(1-2*(i&1))
		}
	}
}
