package amxemu

import (
	"encoding/binary"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// specials are float32 whose arithmetic has a rule of its own; the upper halves are such bfloat16.
var specials = []uint32{
	0, signBit, 0x0000_0001, 0x807f_0000, 0x0040_0000, 0x0080_0000, 0x8080_0000, // zeros, denormals, smallest normals
	0x3f80_0000, 0xbf80_0000, 0x7f7f_0000, 0xff7f_ffff, 0x7f80_0000, 0xff80_0000, // ones, largest, infinities
	0x7fc0_0000, 0xffc1_2345, 0x7f81_0000, 0xffa0_0001, 0x7f80_0001, // quiet and signalling NaN
	0x0100_0000, 0x2000_0000, 0x1f80_0000, 0x9f81_0000, // products about the smallest normal
	0x3f7f_8000, 0x3f80_8000, 0x3f81_8000, 0x3f80_7fff, 0x3f80_8001, // ties of rounding to bfloat16
}

// arbitrary returns a float32 by bits: special, of a moderate size, or anything.
func arbitrary(r *rand.Rand) uint32 {
	switch r.IntN(4) {
	case 0:
		return specials[r.IntN(len(specials))]
	case 1:
		return r.Uint32()
	}
	return math.Float32bits(float32(r.NormFloat64()))
}

// exactFMA is the judge: a·b + c by rational numbers, one rounding, flushing as the SDM defines it.
func exactFMA(a, b, c uint32) uint32 {
	daz := func(x uint32) uint32 {
		if x&0x7f80_0000 == 0 {
			x &= signBit
		}
		return x
	}
	a, b, c = daz(a), daz(b), daz(c)
	inf := func(x uint32) bool { return x&^signBit == 0x7f80_0000 }
	for _, x := range []uint32{a, b, c} {
		if x&^signBit > 0x7f80_0000 {
			return x | quietBit
		}
	}
	sign := (a ^ b) & signBit
	switch zero := a&^signBit == 0 || b&^signBit == 0; {
	case inf(a) || inf(b):
		if zero || inf(c) && c&signBit != sign {
			return indefinite
		}
		return sign | 0x7f80_0000
	case inf(c):
		return c
	case zero && c&^signBit == 0:
		return sign & c
	}
	rat := func(x uint32) *big.Rat { return new(big.Rat).SetFloat64(float64(math.Float32frombits(x))) }
	sum := new(big.Rat).Mul(rat(a), rat(b))
	sum.Add(sum, rat(c))
	if sum.Sign() == 0 {
		return 0
	}
	// big.Float has no bounds to its exponent: this is the rounding that decides on flushing.
	rounded := new(big.Float).SetPrec(24).SetMode(big.ToNearestEven).SetRat(sum)
	if new(big.Float).Abs(rounded).Cmp(big.NewFloat(math.Ldexp(1, -126))) < 0 {
		if sum.Sign() < 0 {
			return signBit
		}
		return 0
	}
	f, _ := rounded.Float32()
	return math.Float32bits(f)
}

func TestFMA(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	check := func(a, b, c uint32) {
		t.Helper()
		a, b = a&0xffff_0000, b&0xffff_0000
		got := narrow(fma(widen32(a), widen32(b), widen32(c)))
		if want := exactFMA(a, b, c); got != want {
			t.Fatalf("%#x · %#x + %#x is %#x, want %#x", a, b, c, got, want)
		}
		got = narrow(add(widen32(a), widen32(c)))
		if want := exactAdd(a, c); got != want {
			t.Fatalf("%#x + %#x is %#x, want %#x", a, c, got, want)
		}
	}
	for _, a := range specials {
		for _, b := range specials {
			for _, c := range specials {
				check(a, b, c)
			}
		}
	}
	for range 30000 {
		check(arbitrary(r), arbitrary(r), arbitrary(r))
	}
	for range 10000 {
		// Sums in the middle between two float32, where a second rounding would go wrong: the product is half of the last bit
		// of c, plus or minus little or nothing.
		c := 0x3f80_0000 | r.Uint32()&0x7f_ffff
		a := math.Float32bits(1+float32(r.IntN(3))/128) | r.Uint32()&signBit
		b := math.Float32bits(float32(math.Ldexp(1-float64(r.IntN(3))/256, -24)))
		check(a, b, c)
		// The smallest normals less little: flushed or not.
		a = math.Float32bits(float32(math.Ldexp(1, -75-r.IntN(4))))
		b = math.Float32bits(float32(math.Ldexp(-1-float64(r.IntN(3))/128, -75)))
		check(a, b, 0x0080_0000|r.Uint32()&1)
	}
}

// exactAdd is exactFMA of a·1 + c, with the NaN of a first.
func exactAdd(a, c uint32) uint32 { return exactFMA(a, 0x3f80_0000, c) }

func TestBFloat16(t *testing.T) {
	for _, c := range []struct {
		x    uint32
		want uint16
	}{
		{0x3f80_0000, 0x3f80}, {0x3f80_8000, 0x3f80}, {0x3f81_8000, 0x3f82}, {0x3f80_8001, 0x3f81}, {0x3f80_7fff, 0x3f80}, // to even
		{0x7f7f_ffff, 0x7f80}, {0x7f80_0000, 0x7f80}, {0xff80_0000, 0xff80}, // overflow, infinities
		{0x007f_ffff, 0}, {0x8000_0001, 0x8000}, {0x0080_0000, 0x0080}, // DAZ
		{0x7f80_0001, 0x7fc0}, {0xff81_2345, 0xffc1}, {0x7fff_ffff, 0x7fff}, // NaN
	} {
		if got := bfloat16(c.x); got != c.want {
			t.Errorf("%#x becomes %#x, want %#x", c.x, got, c.want)
		}
	}
	// Away from the special cases it is the nearest, and the even one of two.
	r := rand.New(rand.NewPCG(3, 4))
	for range 100000 {
		x := r.Uint32()
		if e := x >> 23 & 0xff; e == 0 || e >= 0xfe {
			continue
		}
		rounded, _ := new(big.Float).SetPrec(8).SetFloat64(float64(math.Float32frombits(x))).Float32()
		if got, want := uint32(bfloat16(x))<<16, math.Float32bits(rounded); got != want {
			t.Fatalf("%#x becomes %#x, want %#x", x, got, want)
		}
	}
}

// exactDot is TDPBF16PS on one element, in the words of the SDM.
func exactDot(c uint32, a, b func(k int) uint32, pairs int) uint32 {
	var even, odd uint32
	for k := range pairs {
		even = exactFMA(a(2*k), b(2*k), even)
		odd = exactFMA(a(2*k+1), b(2*k+1), odd)
	}
	return exactAdd(c, exactAdd(even, odd))
}

func TestDotIsExact(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, shape := range [][3]int{{1, 1, 1}, {16, 16, 16}, {5, 3, 16}, {16, 1, 2}, {2, 16, 7}} {
		m, n, k := shape[0], shape[1], shape[2]
		var x tiles
		if err := x.load(config(m, n, k)); err != nil {
			t.Fatal(err)
		}
		for i := range x.data {
			for row := range maxRows {
				for j := 0; j < rowBytes; j += 4 {
					binary.LittleEndian.PutUint32(x.data[i][row][j:], arbitrary(r))
				}
			}
		}
		before := x
		if err := x.dot(0, 1, 2); err != nil {
			t.Fatal(err)
		}
		half := func(row *[rowBytes]byte, i int) uint32 { return uint32(binary.LittleEndian.Uint16(row[2*i:])) << 16 }
		for i := range maxRows {
			for j := range maxRows {
				var want uint32 // zero outside of the shape
				if i < m && j < n {
					want = exactDot(binary.LittleEndian.Uint32(before.data[0][i][4*j:]),
						func(e int) uint32 { return half(&before.data[1][i], e) },
						func(e int) uint32 { return half(&before.data[2][e/2], 2*j+e%2) }, k)
				}
				if got := binary.LittleEndian.Uint32(x.data[0][i][4*j:]); got != want {
					t.Fatalf("%dx%dx%d: element %d, %d is %#x, want %#x", m, n, k, i, j, got, want)
				}
			}
		}
	}
}

// TestDotFast compares the two ways on contents in which NaN are rare and all else is not.
func TestDotFast(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	used := 0
	for i := range 300 {
		m, n, k := 1+r.IntN(16), 1+r.IntN(16), 1+r.IntN(16)
		var c, a, b tile
		for row := range maxRows {
			for j := 0; j < rowBytes; j += 4 {
				for _, x := range []*tile{&c, &a, &b} {
					bits := arbitrary(r)
					switch { // as bfloat16 pairs these are any numbers, finite in two of three rounds
					case i%3 != 0 && (bits&0x7f80 >= 0x7e80 || bits&0x7f80_0000 >= 0x7e80_0000):
						bits = bits&^0x7f80_7f80 | 0x3f80_0080
					case i%3 == 1:
						bits = bits&0x87ff_87ff | 0x1800_2000 // products about the smallest normal number
					}
					binary.LittleEndian.PutUint32(x[row][j:], bits)
				}
			}
		}
		fast, plain := c, c
		if !dotFast(&fast, &a, &b, m, n, k) {
			if fast != c {
				t.Fatal("dotFast gave up and changed c")
			}
			continue
		}
		used++
		dotPlain(&plain, &a, &b, m, n, k)
		if fast != plain {
			t.Fatalf("round %d, %dx%dx%d: dotFast and dotPlain differ", i, m, n, k)
		}
	}
	t.Logf("dotFast did %d of 300", used)
}

func BenchmarkDotPlain(b *testing.B) {
	var x [3]tile
	for b.Loop() {
		dotPlain(&x[0], &x[1], &x[2], 16, 16, 16)
	}
}

func BenchmarkDot(b *testing.B) {
	var x tiles
	if err := x.load(config(16, 16, 16)); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := x.dot(0, 1, 2); err != nil {
			b.Fatal(err)
		}
	}
}
