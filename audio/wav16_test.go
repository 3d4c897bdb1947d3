package audio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestWAV16Bytes holds the canonical header against one written out by hand.
func TestWAV16Bytes(t *testing.T) {
	got := AppendWAV16([]byte("x"), 16000, []int16{1, -2})
	want := "xRIFF\x28\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80\x3e\x00\x00\x00\x7d\x00\x00\x02\x00\x10\x00" +
		"data\x04\x00\x00\x00\x01\x00\xfe\xff"
	if string(got) != want {
		t.Fatalf("got  %q\nwant %q", got, want)
	}
}

func TestWAV16RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.IntRange(1, 768000).Draw(t, "rate")
		samples := rapid.SliceOf(rapid.Int16()).Draw(t, "samples")
		file := AppendWAV16(nil, rate, samples)
		gotRate, pcm, err := ParseWAV16(file)
		if err != nil || gotRate != rate || len(pcm) != 2*len(samples) {
			t.Fatalf("ParseWAV16: %d Hz, %d bytes, %v", gotRate, len(pcm), err)
		}
		for i, v := range samples {
			if got := int16(binary.LittleEndian.Uint16(pcm[2*i:])); got != v {
				t.Fatalf("sample %d is %d, want %d", i, got, v)
			}
		}
		clip, err := Decode(file, Limits{})
		if len(samples) == 0 {
			if !errors.Is(err, ErrEmpty) {
				t.Fatalf("Decode of no samples: %v", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		back := make([]int16, len(samples))
		if clipped := ToInt16(back, clip.Channels[0]); clipped != 0 || !slices.Equal(back, samples) {
			t.Fatalf("Decode and ToInt16 gave %v of %v, %d clipped", back, samples, clipped)
		}
	})
}

// TestParseWAV16IsStrict flips every bit of the header: the sampling rate is the only free value, and it is stored twice,
// so no flip may pass.
func TestParseWAV16IsStrict(t *testing.T) {
	file := AppendWAV16(nil, 16000, []int16{1, 2, 3})
	for bit := range 8 * wav16Header {
		bad := bytes.Clone(file)
		bad[bit/8] ^= 1 << (bit % 8)
		if _, _, err := ParseWAV16(bad); err == nil {
			t.Errorf("accepted with bit %d of byte %d flipped", bit%8, bit/8)
		}
	}
	for n := range len(file) {
		if _, _, err := ParseWAV16(file[:n]); err == nil {
			t.Errorf("accepted the first %d of %d bytes", n, len(file))
		}
	}
	if _, _, err := ParseWAV16(append(bytes.Clone(file), 0, 0)); err == nil {
		t.Error("accepted trailing bytes")
	}
}

func TestParseWAV16DoesNotAllocate(t *testing.T) {
	good := AppendWAV16(nil, 16000, make([]int16, 1000))
	bad := bytes.Clone(good[:500])
	if n := testing.AllocsPerRun(100, func() {
		ParseWAV16(good)
		ParseWAV16(bad)
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func TestToInt16(t *testing.T) {
	const lsb = 1.0 / 32768
	x := []float32{0, 0.5 * lsb, 1.5 * lsb, -0.5 * lsb, -1.6 * lsb, 0.25, -1, 32767 * lsb, 1, -1 - lsb, 7, float32(math.Inf(-1)), float32(math.NaN())}
	want := []int16{0, 0, 2, 0, -2, 8192, -32768, 32767, 32767, -32768, 32767, -32768, 0}
	got := make([]int16, len(x))
	if clipped := ToInt16(got, x); !slices.Equal(got, want) || clipped != 5 {
		t.Fatalf("got %v, %d clipped\nwant %v, 5 clipped", got, clipped, want)
	}
}

func TestInt16RoundTrip(t *testing.T) {
	src := make([]int16, 1<<16)
	for i := range src {
		src[i] = int16(i - 1<<15)
	}
	x, back := make([]float32, len(src)), make([]int16, len(src))
	for i, v := range src {
		x[i] = float32(v) / 32768 // exact
	}
	if clipped := ToInt16(back, x); clipped != 0 || !slices.Equal(src, back) {
		t.Fatalf("not the identity, %d clipped", clipped)
	}
}

func BenchmarkToInt16(b *testing.B) {
	x, y := sine(440, 16000, 160000), make([]int16, 160000)
	b.SetBytes(int64(4 * len(x)))
	for b.Loop() {
		ToInt16(y, x)
	}
}

func BenchmarkParseWAV16(b *testing.B) {
	file := AppendWAV16(nil, 16000, make([]int16, 160000))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := ParseWAV16(file); err != nil {
			b.Fatal(err)
		}
	}
}
