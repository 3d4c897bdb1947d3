package vorbis

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

// bitWriter is the opposite of bitReader.
type bitWriter struct {
	data []byte
	n    int
}

func (w *bitWriter) write(v uint32, n int) {
	for i := range n {
		if w.n%8 == 0 {
			w.data = append(w.data, 0)
		}
		w.data[w.n/8] |= byte(v>>i&1) << (w.n % 8)
		w.n++
	}
}

func TestBitReader(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		var w bitWriter
		var values, widths []uint32
		for range rng.IntN(50) {
			n := rng.Uint32N(33)
			v := uint32(rng.Uint64() & (1<<n - 1))
			w.write(v, int(n))
			values, widths = append(values, v), append(widths, n)
		}
		r := bitReader{data: w.data}
		for i, n := range widths {
			if got := r.read(uint(n)); got != values[i] || r.over {
				t.Fatalf("number %d of %d bits: %x, want %x", i, n, got, values[i])
			}
		}
		if left := r.left(); left != 8*len(w.data)-w.n {
			t.Fatalf("%d bits are left of %d, %d were written", left, 8*len(w.data), w.n)
		}
		if r.read(8); !r.over || r.left() != 0 {
			t.Fatal("reading behind the end is not noticed")
		}
	}
}

// TestCodewords: the example of section 3.2.1.
func TestCodewords(t *testing.T) {
	words := []string{"00", "0100", "0101", "0110", "0111", "10", "110", "111"}
	lengths := make([]uint8, len(words))
	var w bitWriter
	for i, word := range words {
		lengths[i] = uint8(len(word))
		for _, bit := range word {
			w.write(uint32(bit-'0'), 1)
		}
	}
	var b codebook
	if err := b.setCode(lengths); err != nil {
		t.Fatal(err)
	}
	r := bitReader{data: w.data}
	for i := range words {
		if got := b.scalar(&r); got != i {
			t.Errorf("%s reads as %d, want %d", words[i], got, i)
		}
	}
}

// TestLongCodewords: a code with one word of each length reads back whichever table its words are in.
func TestLongCodewords(t *testing.T) {
	const top = 32
	lengths := make([]uint8, 0, top+2)
	for n := range top {
		lengths = append(lengths, uint8(n+1), 0)
	}
	lengths = append(lengths, top)
	var b codebook
	if err := b.setCode(lengths); err != nil {
		t.Fatal(err)
	}
	if len(b.long) != top-fastBits+1 {
		t.Fatalf("%d long words", len(b.long))
	}
	for i, length := range lengths {
		if length == 0 {
			continue
		}
		// Word n of the code is n ones and a zero; the last one is all ones.
		var w bitWriter
		for k := range int(length) {
			w.write(b2u(k < int(length)-1 || i == len(lengths)-1), 1)
		}
		w.write(0x5A5A, 16)
		r := bitReader{data: w.data}
		if got := b.scalar(&r); got != i || r.read(16) != 0x5A5A {
			t.Errorf("word %d of %d bits reads as %d", i, length, got)
		}
	}
}

func b2u(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

func TestCodesThatAreNone(t *testing.T) {
	for _, lengths := range [][]uint8{{1, 1, 1}, {1, 2}, {2}, {2, 2, 2}, {1, 2, 3, 3, 3}} {
		var b codebook
		if err := b.setCode(lengths); !errors.Is(err, ErrCorrupt) {
			t.Errorf("lengths %v: %v", lengths, err)
		}
	}
	var one, none codebook
	if err := one.setCode([]uint8{0, 1, 0}); err != nil {
		t.Error(err)
	}
	for bit := range byte(2) {
		r := bitReader{data: []byte{bit}}
		if got := one.scalar(&r); got != 1 || r.left() != 7 {
			t.Errorf("the only word reads as %d from bit %d", got, bit)
		}
	}
	if err := none.setCode([]uint8{0, 0}); err != nil {
		t.Error(err)
	}
	if r := (bitReader{data: []byte{9, 9}}); none.scalar(&r) >= 0 || !r.over {
		t.Error("a code without words has read one")
	}
}

func TestUnpackFloat(t *testing.T) {
	// Exponent 788 is 1; the values are minimum and delta of a book of libvorbis and powers of 2.
	for _, c := range []struct {
		bits uint32
		want float64
	}{{788<<21 | 1, 1}, {788<<21 | 1<<31 | 5, -5}, {789<<21 | 3, 6}, {768<<21 | 1<<20, 1}, {0, 0}} {
		if got := unpackFloat(c.bits); got != c.want {
			t.Errorf("%#x is %v, want %v", c.bits, got, c.want)
		}
	}
}

func TestVectors(t *testing.T) {
	for _, c := range []struct {
		name string
		l    lattice
		want []float32
	}{
		{"lattice", lattice{kind: 1, minimum: -1, delta: 1, multiplicands: []uint16{0, 1, 2}}, []float32{-1, -1, 0, -1, 1, -1, -1, 0}},
		{"sequential", lattice{kind: 1, minimum: 1, delta: 2, sequential: true, multiplicands: []uint16{0, 1}}, []float32{1, 2, 3, 4, 1, 4, 3, 6}},
		{"listed", lattice{kind: 2, delta: 0.5, multiplicands: []uint16{1, 2, 3, 4, 5, 6, 7, 8}}, []float32{.5, 1, 1.5, 2, 2.5, 3, 3.5, 4}},
	} {
		b := codebook{dimensions: 2}
		b.setValues(4, c.l)
		if !equal(b.values, c.want) {
			t.Errorf("%s: %v, want %v", c.name, b.values, c.want)
		}
	}
	for _, c := range []struct{ entries, dimensions, want int }{{81, 4, 3}, {80, 4, 2}, {625, 4, 5}, {1, 7, 1}, {1 << 18, 1, 1 << 18}} {
		if got := latticeSide(c.entries, c.dimensions); got != c.want {
			t.Errorf("side of %d entries in %d dimensions: %d, want %d", c.entries, c.dimensions, got, c.want)
		}
	}
}

// TestMDCT compares the transform with its definition.
func TestMDCT(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for n := 32; n <= 4096; n *= 2 {
		x := make([]float32, n)
		for i := range x {
			x[i] = rng.Float32() - 0.5
		}
		got := append([]float32(nil), x...)
		newMDCT(n).transform(got)
		for range 40 {
			m, want := rng.IntN(n), 0.0
			for k, v := range x {
				want += float64(v) * math.Cos(math.Pi/float64(n)*(float64(m)+0.5)*(float64(k)+0.5))
			}
			if d := math.Abs(float64(got[m]) - want); d > 2e-6*math.Sqrt(float64(n)) {
				t.Fatalf("size %d, sample %d: %v, want %v", n, m, got[m], want)
			}
		}
	}
}

// TestWindow: the squares of a slope and of its mirror image add up to 1, which makes overlapping blocks perfect.
func TestWindow(t *testing.T) {
	for _, n := range []int{32, 128, 4096} {
		w := windowSlope(n)
		for i := range w {
			if s := float64(w[i])*float64(w[i]) + float64(w[n-1-i])*float64(w[n-1-i]); math.Abs(s-1) > 2e-7 || i > 0 && w[i] < w[i-1] {
				t.Fatalf("slope of %d at %d: squares add up to %v", n, i, s)
			}
		}
	}
}

// TestFloorCurve draws the example of section 7.2.4 by hand: heights at both ends, one point on the line and one off it.
func TestFloorCurve(t *testing.T) {
	f := floor{multiplier: 2}
	f.setPoints([]int{0, 16, 8, 4})
	ys := []int{10, 30, 0, 3} // the point at 8 lies on the line, that at 4 is 2 below it
	f.unwrap(ys, floorRange[2])
	if ys[0] != 10 || ys[1] != 30 || max(ys[2], ^ys[2]) != 20 || ys[3] != 15-2 || ys[2] < 0 {
		t.Fatalf("heights %v", ys)
	}
	spectrum := make([]float32, 16)
	for i := range spectrum {
		spectrum[i] = 1
	}
	f.apply(spectrum, ys)
	// From (0, 20) to (4, 26) to (8, 40) to (16, 60).
	want := []int{20, 21, 23, 24, 26, 29, 33, 36, 40, 42, 45, 47, 50, 52, 55, 57}
	for i, v := range spectrum {
		if v != floorGains()[want[i]] {
			t.Errorf("gain %d is %v, want that of height %d, %v", i, v, want[i], floorGains()[want[i]])
		}
	}
	// The table of section 10.1 begins and ends so.
	if g := floorGains(); math.Abs(float64(g[0])/1.0649863e-07-1) > 1e-6 || g[255] != 1 || math.Abs(float64(g[1])/1.1341951e-07-1) > 1e-6 {
		t.Errorf("gains %v, %v, %v", g[0], g[1], g[255])
	}
}

// TestResidueKinds reads the same vectors 1 2, 3 4, 5 6, 7 8 as each kind of residue, for two channels of which the second
// is silent: kinds 0 and 1 leave it out, kind 2 goes through both (section 8.6.5).
func TestResidueKinds(t *testing.T) {
	vectors := codebook{dimensions: 2}
	vectors.setValues(4, lattice{kind: 2, delta: 1, multiplicands: []uint16{1, 2, 3, 4, 5, 6, 7, 8}})
	class := codebook{dimensions: 1}
	if err := errors.Join(vectors.setCode([]uint8{2, 2, 2, 2}), class.setCode([]uint8{1})); err != nil {
		t.Fatal(err)
	}
	for kind, want := range [][2][]float32{
		{{1, 3, 2, 4, 5, 7, 6, 8}, make([]float32, 8)},
		{{1, 2, 3, 4, 5, 6, 7, 8}, make([]float32, 8)},
		{{1, 3, 5, 7, 0, 0, 0, 0}, {2, 4, 6, 8, 0, 0, 0, 0}},
	} {
		var w bitWriter
		for _, n := range []uint32{0, 1, 2, 3} {
			if n%2 == 0 {
				w.write(0, 1) // the class of a partition of 4 values
			}
			w.write(n&1<<1|n>>1, 2) // codewords are stored from their highest bit
		}
		d := Decoder{channels: []channel{{spectrum: make([]float32, 8)}, {spectrum: make([]float32, 8), silent: true}},
			setup: setup{books: []codebook{class, vectors}, residues: []residue{{kind: kind, end: 8, size: 4, classes: 1, classBook: 0,
				books: [][8]int{{1, -1, -1, -1, -1, -1, -1, -1}}}}}, bits: bitReader{data: w.data}}
		d.decodeResidues(&mapping{mux: []uint8{0, 0}, floor: []int{0}, residue: []int{0}}, 8)
		for c := range d.channels {
			if !equal(d.channels[c].spectrum, want[c]) {
				t.Errorf("kind %d, channel %d: %v, want %v", kind, c, d.channels[c].spectrum, want[c])
			}
		}
	}
}
