package flac

import (
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// signal is n samples of one kind.
func signal(kind string, n int) []int16 {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	x := make([]int16, n)
	for i := range x {
		switch kind {
		case "noise":
			x[i] = int16(r.Uint32())
		case "extremes":
			x[i] = int16(math.MaxInt16 - 65535*(i%2))
		case "constant":
			x[i] = -77
		case "tone":
			x[i] = int16(9000*math.Sin(0.05*float64(i)) + 40*r.NormFloat64())
		case "wasted bits":
			x[i] = int16(256 * (i % 3))
		case "clicks":
			if r.IntN(300) == 0 {
				x[i] = int16(r.Uint32())
			}
		}
	}
	return x
}

// kinds are the signals that need each form of a subframe.
var kinds = []string{"noise", "extremes", "constant", "tone", "wasted bits", "clicks", "zero"}

func TestRoundTrip(t *testing.T) {
	for _, kind := range kinds {
		for _, n := range []int{1, 2, 15, 16, 17, 31, 32, 33, 400, blockLen - 1, blockLen, blockLen + 1, 130 * blockLen, 20000} {
			want := signal(kind, n)
			file := Append16(nil, 16000, want)
			got, err := Decode16(nil, file)
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("%s of %d samples: %d samples back, %v", kind, n, len(got), err)
			}
			decoded, d := blocks(t, file)
			if !slices.Equal(decoded, want) || d.Info().Samples != uint64(n) || d.Info().Rate != 16000 || d.MD5() != d.Info().MD5 {
				t.Errorf("%s of %d samples: %d samples in blocks, %+v, MD5 %x", kind, n, len(decoded), d.Info(), d.MD5())
			}
		}
	}
}

// blocks decodes a mono file with Next.
func blocks(t *testing.T, file []byte) ([]int16, *Decoder) {
	t.Helper()
	d, err := NewDecoder(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []int16
	for {
		block, err := d.Next()
		if err == io.EOF {
			return out, d
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range block[0] {
			out = append(out, int16(v))
		}
	}
}

func TestAppend16KeepsWhatIsThere(t *testing.T) {
	x := signal("tone", 5000)
	file := Append16([]byte("before"), 8000, x)
	if string(file[:6]) != "before" || !slices.Equal(file[6:], Append16(nil, 8000, x)) {
		t.Error("what is appended depends on what is there")
	}
	if got, err := Decode16([]int16{7, 8}, file[6:]); err != nil || !slices.Equal(got, append([]int16{7, 8}, x...)) {
		t.Errorf("%d samples, %v", len(got), err)
	}
}

func TestEveryFlippedBitOfAFrameIsFound(t *testing.T) {
	for _, kind := range kinds {
		file := Append16(nil, 16000, signal(kind, 600))
		for at := 42; at < len(file); at++ { // behind the STREAMINFO block
			damaged := slices.Clone(file)
			damaged[at] ^= 1 << (at % 8)
			if _, err := Decode16(nil, damaged); !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrTruncated) {
				t.Fatalf("%s, byte %d: %v", kind, at, err)
			}
		}
	}
}

func TestNextAllocatesNothing(t *testing.T) {
	file := Append16(nil, 16000, signal("tone", 200*blockLen))
	d, err := NewDecoder(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Next(); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() {
		if _, err := d.Next(); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a block", n)
	}
}

func FuzzDecode(f *testing.F) {
	for _, kind := range kinds {
		f.Add(Append16(nil, 16000, signal(kind, 300)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := NewDecoder(data)
		for n := 0; err == nil && n < 100; n++ {
			_, err = d.Next()
		}
		Decode16(nil, data)
	})
}

func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("\x01\x02\x03\x04"))
	f.Fuzz(func(t *testing.T, data []byte) {
		x := make([]int16, len(data)/2)
		for i := range x {
			x[i] = int16(uint16(data[2*i]) | uint16(data[2*i+1])<<8)
		}
		if len(x) == 0 {
			return
		}
		if got, err := Decode16(nil, Append16(nil, 16000, x)); err != nil || !slices.Equal(got, x) {
			t.Fatalf("%d samples come back as %d, %v", len(x), len(got), err)
		}
	})
}

func BenchmarkDecode16(b *testing.B) {
	x := signal("tone", 160_000)
	file := Append16(nil, 16000, x)
	b.SetBytes(2 * int64(len(x)))
	var out []int16
	for b.Loop() {
		var err error
		if out, err = Decode16(out[:0], file); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend16(b *testing.B) {
	x := signal("tone", 160_000)
	b.SetBytes(2 * int64(len(x)))
	var out []byte
	for b.Loop() {
		out = Append16(out[:0], 16000, x)
	}
}
