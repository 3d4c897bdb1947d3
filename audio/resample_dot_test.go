package audio

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestDotRowsBitForBit holds the instructions of this machine against the portable loop: every number of taps around the
// groups of 4 and 8, every phase and alignment, and not one output beyond the last.
func TestDotRowsBitForBit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		taps := 4 * rapid.IntRange(1, 20).Draw(t, "taps / 4")
		phases := rapid.IntRange(1, 7).Draw(t, "phases")
		phase := rapid.IntRange(0, phases-1).Draw(t, "phase")
		n := rapid.IntRange(0, 30).Draw(t, "outputs")
		at := rapid.IntRange(0, 9).Draw(t, "at")
		advance := rapid.SliceOfN(rapid.Int32Range(0, 5), phases, phases).Draw(t, "advance")
		noise := noiseOf(rapid.Uint64().Draw(t, "seed"))
		kernel := noise(1 + phases*taps)[1:]
		length := at + taps // exactly what is read
		for i := range max(0, n-1) {
			length += int(advance[(phase+i)%phases])
		}
		x := noise(length)
		const guard = 12345
		want, got := slices.Repeat([]float32{guard}, n+2), slices.Repeat([]float32{guard}, n+2)
		dotRowsPortable(want[1:n+1], x, kernel, advance, taps, phase, at)
		dotRows(got[1:n+1], x, kernel, advance, taps, phase, at)
		for i := range got {
			if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
				t.Fatalf("value %d of the outputs with a guard on both sides is %v, want %v", i, got[i], want[i])
			}
		}
		for i := range n { // and the portable loop against the definition, in float64
			var sum, size float64
			for k := range taps {
				p := float64(kernel[(phase+i)%phases*taps+k]) * float64(x[at+k])
				sum, size = sum+p, size+math.Abs(p)
			}
			// no product passes more than taps/8+5 roundings of 2^-24 on its way into the sum
			if d := math.Abs(sum - float64(want[i+1])); d > size*float64(taps/8+5)/(1<<24) {
				t.Fatalf("output %d is %v, want %v", i, want[i+1], sum)
			}
			at += int(advance[(phase+i)%phases])
		}
	})
}

// noiseOf returns a generator of samples from -1 to 1.
func noiseOf(seed uint64) func(n int) []float32 {
	return func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			seed = seed*6364136223846793005 + 1442695040888963407
			x[i] = float32(int32(seed>>32)) / (1 << 31)
		}
		return x
	}
}

// TestResampleShift: a signal that comes a whole number of periods of the ratio later has the same samples later, bit for
// bit, its ends included; and a part of a signal gives the samples of the whole wherever the filter does not reach past
// the part. So a recording may be cut in blocks, and the blocks be computed in any order.
func TestResampleShift(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rates := rapid.SampledFrom([][2]int{{3, 2}, {2, 3}, {441, 160}, {1, 2}, {3, 1}, {640, 441}, {441, 320}}).Draw(t, "rates")
		q := rapid.SampledFrom([]Quality{SincHann, SincKaiser, KaiserBest}).Draw(t, "quality")
		periods := rapid.IntRange(1, 3).Draw(t, "periods")
		n := rapid.IntRange(1, 3000).Draw(t, "samples")
		r, err := NewResampler(rates[0], rates[1], q)
		if err != nil {
			t.Fatal(err)
		}
		x := noiseOf(rapid.Uint64().Draw(t, "seed"))(n)
		whole, shift := r.Process(x), periods*rates[1]
		later := r.Process(append(make([]float32, periods*rates[0]), x...))
		if len(later) != len(whole)+shift {
			t.Fatalf("%d outputs and %d of the shifted signal, want %d more", len(whole), len(later), shift)
		}
		sameBits(t, "shifted", later[shift:], whole)
		if from := periods * rates[0]; from < n {
			part := r.Process(x[from:])
			reach := min(len(part), r.taps*rates[1]/rates[0]+1)
			sameBits(t, "of the part", part[reach:], whole[shift+reach:])
		}
	})
}

func sameBits(t *rapid.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d outputs, want %d", what, len(got), len(want))
	}
	for j := range got {
		if math.Float32bits(got[j]) != math.Float32bits(want[j]) {
			t.Fatalf("%s: output %d is %v, want %v", what, j, got[j], want[j])
		}
	}
}

func TestResampleAppend(t *testing.T) {
	x := noiseOf(1)(1000)
	for _, to := range []int{16000, 48000} {
		r := newResampler(t, 48000, to, SincHann)
		want := r.Process(x)
		dst := slices.Repeat([]float32{7}, 2000)[:3] // dirty memory behind the length
		got := r.Append(dst, x)
		if !slices.Equal(got[:3], []float32{7, 7, 7}) || !slices.Equal(got[3:], want) {
			t.Errorf("to %d Hz: %v… appended to three sevens, want %v…", to, got[:8], want[:5])
		}
	}
}
