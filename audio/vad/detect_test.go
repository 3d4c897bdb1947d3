package vad

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestHighpass holds the level of sines against the response that the comment of extract gives, and the formula against
// the figures there.
func TestHighpass(t *testing.T) {
	response := func(hz float64) float64 { // the box has 49 taps: a Dirichlet kernel, sinc in the limit
		w := math.Pi * hz / Rate
		h := 1 - math.Sin(box*w)/(box*math.Sin(w))
		return 20 * math.Log10(h*h)
	}
	var tr track
	var f features
	for _, c := range []struct{ hz, db, within float64 }{
		{50, -56, 1}, {100, -33, 1}, {200, -11, 1}, {280, -3, 0.2}, {468, 3.4, 0.2},
		{1000, 0, 1.5}, {4000, 0, 0.6}, {7900, 0, 0.6},
	} {
		s := (&scene{}).quiet(1).tone(c.hz, 16384*math.Sqrt2) // -6.02 dB rms
		tr.extract(&f, s.samples)
		want := response(c.hz)
		if math.Abs(want-c.db) > c.within {
			t.Errorf("the filter has %.2f dB at %g Hz, documented are %g", want, c.hz, c.db)
		}
		if len(tr.level) != 100 {
			t.Fatalf("%d frames in a second", len(tr.level))
		}
		// 30 ms of 50 Hz are one and a half periods, so its energy is the same in every window
		for k := 5; k < 95; k++ {
			if got := float64(tr.level[k])/perDB + levelDB + 6.02; math.Abs(got-want) > 0.3 {
				t.Fatalf("frame %d of %g Hz: %.2f dB, want %.2f", k, c.hz, got, want)
			}
		}
	}
}

// TestExtractPlainly compares chunked running sums with the formula at every length around the edges of frames and chunks.
func TestExtractPlainly(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	var tr track
	var f features
	for _, n := range []int{0, 1, 47, 159, 160, 161, 320, 479, chunk - 1, chunk, chunk + 1, chunk + 24, chunk + 159, 3*chunk + 500} {
		x := make([]int16, n)
		for i := range x {
			x[i] = int16(r.IntN(1 << 16))
		}
		at := func(i int) int { return int(x[min(max(i, 0), n-1)]) }
		once := func(i int) int {
			sum := 0
			for k := i - side; k <= i+side; k++ {
				sum += at(k)
			}
			return box*at(i) - sum
		}
		y := make([]int, n)
		for i := range y {
			sum := 0
			for k := i - side; k <= i+side; k++ {
				sum += once(k)
			}
			y[i] = (box*once(i) - sum) >> 5
		}
		tr.extract(&f, x)
		if want := (n + hop - 1) / hop; len(tr.level) != want || len(tr.crossing) != want {
			t.Fatalf("%d samples: %d levels and %d crossings, want %d", n, len(tr.level), len(tr.crossing), want)
		}
		for k := range tr.level {
			var energy int64
			var crossings int16
			from, to := max(0, (k-1)*hop), min(n, (k+2)*hop)
			for i := from; i < to; i++ {
				energy += int64(y[i]) * int64(y[i])
				if before := i > 0 && y[i-1] < 0; before != (y[i] < 0) {
					crossings++
				}
			}
			if level := levelOf(energy, int32(to-from)); tr.level[k] != level || tr.crossing[k] != crossings {
				t.Fatalf("%d samples, frame %d: level %d and %d crossings, want %d and %d",
					n, k, tr.level[k], tr.crossing[k], level, crossings)
			}
		}
	}
}

// TestThresholds compares the moving histogram with sorting.
func TestThresholds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, err := New(Default())
		if err != nil {
			t.Fatal(err)
		}
		s.floorWindow = rapid.IntRange(100, 400).Draw(t, "window")
		lowest := rapid.SampledFrom([]int16{0, dead}).Draw(t, "lowest")
		s.track.level = rapid.SliceOfN(rapid.Int16Range(lowest, levels-1), 1, 700).Draw(t, "levels")
		s.thresholds()
		if want := (len(s.track.level) + step - 1) / step; len(s.bars) != want {
			t.Fatalf("%d thresholds for %d frames", len(s.bars), len(s.track.level))
		}
		for k, bar := range s.bars {
			middle := k*step + step/2
			window := s.track.level[max(0, middle-s.floorWindow/2):min(len(s.track.level), middle+s.floorWindow/2)]
			live := slices.DeleteFunc(slices.Clone(window), func(l int16) bool { return l < dead })
			slices.Sort(live)
			floor, loud := dead, dead
			if len(live) > 0 {
				floor, loud = int(live[len(live)/10]), int(live[len(live)*95/100])
			}
			if 10*(len(window)-len(live)) >= len(window) {
				floor = max(dead, min(floor, loud-120)) // 30 dB
			}
			rise := min(max((loud-floor)/4, 24), 60) // 6 and 15 dB
			if want := (threshold{int16(floor), int16(floor + rise*2/3), int16(floor + rise)}); bar != want {
				t.Fatalf("step %d: %v, want %v of %v", k, bar, want, window)
			}
		}
	})
}

// TestFricatives: a hiss too weak for the lower threshold belongs to the word when it touches it, hum of the same energy
// and hiss far from every word do not.
func TestFricatives(t *testing.T) {
	build := func(gap, hz, peak float64) ([]Span, int) {
		r := rand.New(rand.NewPCG(9, 9))
		s := (&scene{}).quiet(3).say(r, 1, -20).quiet(3)
		at := s.speech[0].End + int(gap*Rate)
		s.tone(200, 60) // a floor that crosses zero rarely, -67 dB behind the filter
		for i := range Rate / 8 {
			s.samples[at+i] = clip(float64(s.samples[at+i]) + peak*math.Sin(2*math.Pi*hz*float64(i)/Rate))
		}
		return newSegmenter(t, Default()).Speech(nil, s.samples), s.speech[0].End
	}
	plain, end := build(2.5, 5000, 26)
	if len(plain) != 1 {
		t.Fatalf("hiss far away: %v", plain)
	}
	if hum, _ := build(0.02, 400, 20); !slices.Equal(hum, plain) {
		t.Errorf("with a weak hum behind it the word is %v, without %v", hum, plain)
	}
	hiss, _ := build(0.02, 5000, 26)
	if len(hiss) != 1 || hiss[0].Start != plain[0].Start || hiss[0].End < end+int(0.145*Rate) || hiss[0].End > end+Rate/4 {
		t.Errorf("with a weak hiss to 145 ms behind it (sample %d) the word is %v, without %v", end+int(0.145*Rate), hiss, plain)
	}
}

// TestHangover: the edges of a sharp tone move out by the frame whose window touches it, perhaps one more that the filter
// reaches, and the five frames of the hangover.
func TestHangover(t *testing.T) {
	s := (&scene{}).quiet(8).noise(rand.New(rand.NewPCG(5, 5)), -70)
	start, end := 3*Rate, 3*Rate+40*hop
	for i := start; i < end; i++ {
		s.samples[i] = clip(8000 * math.Sin(2*math.Pi*1000*float64(i)/Rate))
	}
	got := newSegmenter(t, Default()).Speech(nil, s.samples)
	if len(got) != 1 {
		t.Fatalf("got %v, want one stretch", got)
	}
	before, after := (start-got[0].Start)/hop, (got[0].End-end)/hop
	if before < 6 || before > 7 || after < 6 || after > 7 {
		t.Errorf("the stretch begins %d frames before the tone and ends %d after it, want 6 or 7", before, after)
	}
}

// TestManyCrossings: only frames within 2 dB of the floor tell how often the noise crosses zero.
func TestManyCrossings(t *testing.T) {
	s := newSegmenter(t, Default())
	s.bars = []threshold{{floor: 100}}
	for k := range 40 {
		noise := int16(100 + 12*(k%2)) // mean 106, deviation 6
		s.track.level = append(s.track.level, 108, 109, dead-1)
		s.track.crossing = append(s.track.crossing, noise, 400, 0)
		if k%4 == 3 {
			s.bars = append(s.bars, threshold{floor: 100})
		}
	}
	if got := s.manyCrossings(); got != 118 {
		t.Errorf("got %d, want 106 + 2·6", got)
	}
	for i := range s.track.crossing {
		s.track.crossing[i] /= 4
	}
	if got := s.manyCrossings(); got != crossingMin {
		t.Errorf("with rare crossings: got %d, want %d", got, crossingMin)
	}
	s.track = track{}
	if got := s.manyCrossings(); got != crossingMin {
		t.Errorf("without frames: got %d, want %d", got, crossingMin)
	}
}
