package vad

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func newSegmenter(t testing.TB, c Config) *Segmenter {
	t.Helper()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func randomConfig(t *rapid.T) Config {
	c := Default()
	if rapid.Bool().Draw(t, "default") {
		return c
	}
	c.MinSeconds = rapid.Float64Range(0.1, 5).Draw(t, "min")
	c.Padding = rapid.Float64Range(0, 1).Draw(t, "padding")
	c.MaxSeconds = c.leastMax() + rapid.Float64Range(0, 10).Draw(t, "beyond the least max")
	c.TargetSeconds = rapid.Float64Range(c.MinSeconds, c.MaxSeconds).Draw(t, "target")
	c.MinSilence = rapid.Float64Range(0.05, min(1, c.MinSeconds)).Draw(t, "min silence")
	c.MaxSilence = c.MinSilence + rapid.Float64Range(0, 5).Draw(t, "max silence")
	return c
}

// promises checks what the comment of Segment says.
func promises(t rapid.TB, c Config, s *Segmenter, samples []int16) []Span {
	t.Helper()
	pieces, speech := s.Segment(nil, samples), s.Speech(nil, samples)
	least, most := int(math.Round(c.MinSeconds*Rate)), int(math.Round(c.MaxSeconds*Rate))
	if len(samples) < least {
		least = len(samples)
	}
	if (len(pieces) == 0) != (len(speech) == 0) {
		t.Fatalf("%d pieces with %d stretches of speech", len(pieces), len(speech))
	}
	end := 0
	for i, p := range pieces {
		if p.Start < end || p.End > len(samples) {
			t.Fatalf("piece %d is %v; the one before ends at %d, the recording at %d", i, p, end, len(samples))
		}
		if p.Len() < least || p.Len() > most {
			t.Fatalf("piece %d of %d is %v, %d samples: want %d to %d", i, len(pieces), p, p.Len(), least, most)
		}
		if uncovered(speech, []Span{p}) == p.Len() {
			t.Fatalf("piece %d is %v and has no speech in it", i, p)
		}
		end = p.End
	}
	if lost := uncovered(pieces, speech); lost > 0 {
		t.Fatalf("%d samples of the speech %v are in no piece of %v", lost, speech, pieces)
	}
	for i, f := range speech {
		if f.Start >= f.End || f.End > len(samples) || i > 0 && f.Start <= speech[i-1].End {
			t.Fatalf("stretch %d of the speech is %v, in %d samples; all: %v", i, f, len(samples), speech)
		}
	}
	return pieces
}

func TestSegmentPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := randomConfig(t)
		s, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		scene := randomScene(rapid.Uint64().Draw(t, "scene"))
		pieces := promises(t, c, s, scene.samples)
		// What was said is there. A syllable rises from its closure for some 20 ms before it stands out.
		if lost := uncovered(pieces, scene.speech); lost > len(scene.speech)*Rate/20 {
			t.Fatalf("%.3f s of the words %v are in no piece of %v", float64(lost)/Rate, scene.speech, pieces)
		}
		// Memory of another recording changes nothing.
		s.Segment(nil, scene.samples[len(scene.samples)/2:])
		if again := s.Segment(nil, scene.samples); !slices.Equal(pieces, again) {
			t.Fatalf("the second time %v became %v", pieces, again)
		}
	})
}

// FuzzSegment: any samples are divided as promised.
func FuzzSegment(f *testing.F) {
	bytes := func(x []int16) []byte {
		b, _ := binary.Append(nil, binary.LittleEndian, x)
		return b
	}
	r := rand.New(rand.NewPCG(1, 1))
	f.Add(bytes((&scene{}).quiet(0.1).say(r, 0.4, -10).quiet(0.3).say(r, 0.2, -20).samples), uint8(1))
	f.Add(bytes([]int16{-32768, 32767, -32768, 0}), uint8(200))
	f.Add([]byte{}, uint8(0))
	f.Fuzz(func(t *testing.T, data []byte, stretch uint8) {
		var x []int16
		for ; len(data) >= 2 && len(x) < 10*Rate; data = data[2:] {
			for range int(stretch) + 1 { // lets a small input become seconds of audio
				x = append(x, int16(binary.LittleEndian.Uint16(data)))
			}
		}
		c := Default()
		c.MinSeconds, c.MaxSeconds, c.TargetSeconds = 0.2, 2, 1
		promises(t, c, newSegmenter(t, c), x)
	})
}

func TestNothingToKeep(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 3))
	minute := func() *scene { return (&scene{}).quiet(60) }
	clicks := minute().noise(r, -70)
	for i := 5000; i < len(clicks.samples); i += 11 * Rate / 10 {
		clicks.samples[i], clicks.samples[i+1] = 32767, -32768
	}
	bursts := minute().noise(r, -70)
	for i := 5000; i < len(bursts.samples); i += 2 * Rate {
		for k := range Rate / 100 { // 10 ms
			bursts.samples[i+k] = int16(20000 * r.NormFloat64() / 4)
		}
	}
	for name, s := range map[string]*scene{
		"empty":              {},
		"one sample":         {samples: []int16{32767}},
		"digital silence":    minute(),
		"offset":             minute().offset(-32768),
		"one bit of dither":  minute().each(func(int) float64 { return float64(r.IntN(2)) }),
		"noise at -60 dB":    minute().noise(r, -60),
		"noise at -20 dB":    minute().noise(r, -20),
		"hum at full scale":  minute().tone(50, 32767),
		"hum with harmonics": minute().tone(50, 12000).tone(100, 6000).tone(150, 6000).tone(250, 3000).noise(r, -65).offset(2000),
		"clicks":             clicks,
		"bursts of 10 ms":    bursts,
	} {
		if got := newSegmenter(t, Default()).Segment(nil, s.samples); len(got) > 0 {
			t.Errorf("%s: kept %v", name, got)
		}
	}
}

func TestHardToCut(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 5))
	s := newSegmenter(t, Default())
	t.Run("no silence at all", func(t *testing.T) {
		x := (&scene{}).say(r, 100, -15).samples
		for i := 25 * Rate; i < 25*Rate+Rate/8; i++ { // a short dip where a piece can end
			x[i] /= 100
		}
		pieces := promises(t, Default(), s, x)
		var lengths int
		dip := false
		for i, p := range pieces {
			lengths += p.Len()
			dip = dip || i > 0 && p.Start > 25*Rate && p.Start < 25*Rate+Rate/8
		}
		if lengths != len(x) || !dip {
			t.Errorf("%d of %d samples kept, cut in the dip at 25 s: %v; pieces %v", lengths, len(x), dip, pieces)
		}
	})
	t.Run("shorter than a piece", func(t *testing.T) {
		x := (&scene{}).quiet(0.3).say(r, 0.6, -15).quiet(0.2).samples
		if got := s.Segment(nil, x); !slices.Equal(got, []Span{{0, len(x)}}) {
			t.Errorf("got %v, want all %d samples", got, len(x))
		}
	})
	t.Run("one word in a minute", func(t *testing.T) {
		x := (&scene{}).quiet(30).say(r, 0.4, -15).quiet(30).noise(r, -70).samples
		got := promises(t, Default(), s, x)
		if len(got) != 1 || got[0].Len() != 2*Rate || math.Abs(float64(got[0].Start+got[0].End)/2-30.2*Rate) > Rate/20 {
			t.Errorf("got %v, want 2 s around 30.2 s", got)
		}
	})
	t.Run("the ends lack silence", func(t *testing.T) {
		x := (&scene{}).say(r, 0.4, -15).quiet(30).say(r, 0.4, -15).noise(r, -70).samples
		got := promises(t, Default(), s, x)
		if want := []Span{{0, 2 * Rate}, {len(x) - 2*Rate, len(x)}}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
	t.Run("loudest possible", func(t *testing.T) {
		x := make([]int16, 30*Rate) // square wave of full scale, in bursts: the sums of squares must not overflow
		for i := range x {
			if x[i] = 32767; i/100%2 == 0 {
				x[i] = -32768
			}
			if i/Rate%3 == 2 {
				x[i] = 0
			}
		}
		if got := promises(t, Default(), s, x); len(got) < 2 {
			t.Errorf("got %v", got)
		}
	})
}

func TestSpeechInBadSound(t *testing.T) {
	for name, spoil := range map[string]func(s *scene, r *rand.Rand){
		"clean":           func(*scene, *rand.Rand) {},
		"noise at -50 dB": func(s *scene, r *rand.Rand) { s.noise(r, -50) },
		"noise at -40 dB": func(s *scene, r *rand.Rand) { s.noise(r, -40) },
		"louder and louder": func(s *scene, r *rand.Rand) {
			s.each(func(i int) float64 { return float64(i) / 40000 * r.NormFloat64() })
		},
		"hum above the talk": func(s *scene, r *rand.Rand) { s.noise(r, -70).tone(50, 16000).tone(100, 2000) },
		"offset":             func(s *scene, r *rand.Rand) { s.noise(r, -70).offset(8000) },
	} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(6, 7))
			s := &scene{}
			for range 12 {
				s.quiet(2).say(r, 5, -20)
			}
			spoil(s.quiet(2), r)
			got := newSegmenter(t, Default()).Speech(nil, s.samples)
			if len(got) != len(s.speech) {
				t.Fatalf("found %d stretches, want %d: %v", len(got), len(s.speech), got)
			}
			for i, f := range got {
				if want := s.speech[i]; max(f.Start-want.Start, want.Start-f.Start, f.End-want.End, want.End-f.End) > Rate/8 {
					t.Errorf("stretch %d is %v, want %v within 125 ms", i, f, want)
				}
			}
		})
	}
}

func TestValidate(t *testing.T) {
	if err := Default().Validate(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(c *Config){
		"MinSeconds is 0":        func(c *Config) { c.MinSeconds = 0 },
		"MinSeconds is NaN":      func(c *Config) { c.MinSeconds = math.NaN() },
		"MaxSeconds is +Inf":     func(c *Config) { c.MaxSeconds = math.Inf(1) },
		"TargetSeconds 1 is not": func(c *Config) { c.TargetSeconds = 1 },
		"TargetSeconds 16 is":    func(c *Config) { c.TargetSeconds = 16 },
		"MinSilence is -1":       func(c *Config) { c.MinSilence = -1 },
		"MinSilence 3 is above":  func(c *Config) { c.MinSilence, c.MaxSilence = 3, 3 },
		"MaxSilence 0.1 is":      func(c *Config) { c.MaxSilence = 0.1 },
		"Padding is -0.1":        func(c *Config) { c.Padding = -0.1 },
		"FloorSeconds is 0":      func(c *Config) { c.FloorSeconds = 0 },
		"MinRise is 0":           func(c *Config) { c.MinRise = 0 },
		"MaxRise 3 is below":     func(c *Config) { c.MaxRise = 3 },
		"at least 16.9":          func(c *Config) { c.MinSeconds = 4 },
	} {
		c := Default()
		change(&c)
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
}

func TestReuseAllocatesNothing(t *testing.T) {
	s := newSegmenter(t, Default())
	x := (&scene{}).say(rand.New(rand.NewPCG(8, 9)), 40, -20).quiet(3).samples
	dst := s.Segment(nil, x)
	if n := testing.AllocsPerRun(5, func() { dst = s.Segment(dst[:0], x) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkSegment(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	recording := &scene{}
	for range 60 {
		recording.say(r, 2+10*r.Float64(), -20).quiet(2 * r.Float64())
	}
	recording.noise(r, -65)
	s := newSegmenter(b, Default())
	var pieces []Span
	for b.Loop() {
		pieces = s.Segment(pieces[:0], recording.samples)
	}
	b.ReportMetric(float64(len(recording.samples))/Rate*float64(b.N)/b.Elapsed().Seconds(), "x-real-time")
}
