package synth

import (
	"math"
	"math/cmplx"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/dsp/fourier"
	"pgregory.net/rapid"

	"aural/rng"
)

func TestCorpusIsReproducible(t *testing.T) {
	opt := Options{Seed: 3, Utterances: 6, Speakers: 4}
	var all []Utterance
	for u := range Corpus(opt) {
		all = append(all, u)
	}
	if len(all) != opt.Utterances {
		t.Fatalf("%d utterances, want %d", len(all), opt.Utterances)
	}
	for _, i := range []int{5, 0, 3} { // alone and out of order
		if !reflect.DeepEqual(Speak(opt, i), all[i]) {
			t.Errorf("Speak(%d) differs from the corpus", i)
		}
	}
	other := Speak(Options{Seed: 4, Speakers: 4}, 0)
	if slices.Equal(other.Samples, all[0].Samples) || other.Transcript == all[0].Transcript {
		t.Error("another seed gives the same utterance")
	}
	if all[4].Speaker != all[0].Speaker || all[4].Transcript == all[0].Transcript {
		t.Errorf("utterances 0 and 4 of four talkers: %s %q and %s %q", all[0].Speaker, all[0].Transcript, all[4].Speaker, all[4].Transcript)
	}
	if u := Speak(Options{MinSeconds: 2, MaxSeconds: 2}, 0); len(u.Samples) != 2*Rate {
		t.Errorf("2 s take %d samples", len(u.Samples))
	}
	for range Corpus(opt) {
		break // the iterator has to stop without being driven further
	}
}

// TestUtterance holds every utterance of random corpora to what its type promises.
func TestUtterance(t *testing.T) {
	inventory := phoneSet()
	rapid.Check(t, func(t *rapid.T) {
		opt := Options{
			Seed:       rapid.Uint64().Draw(t, "seed"),
			Speakers:   rapid.IntRange(1, 5).Draw(t, "speakers"),
			MinSeconds: rapid.Float64Range(0.01, 3).Draw(t, "min"),
			MaxSeconds: rapid.Float64Range(0.01, 3).Draw(t, "max"),
		}
		i := rapid.IntRange(0, 30).Draw(t, "i")
		u := Speak(opt, i)
		longest := math.Max(opt.MinSeconds, opt.MaxSeconds)
		if s := float64(len(u.Samples)+frame) / Rate; s < opt.MinSeconds || s > longest+2.0*frame/Rate {
			t.Fatalf("%.3f s, want %g to %g", s, opt.MinSeconds, longest)
		}
		at, letters := 0, ""
		for _, p := range u.Phones {
			if p.Start != at || p.End <= p.Start {
				t.Fatalf("phone %+v after sample %d", p, at)
			}
			if _, ok := inventory[p.Phone]; !ok {
				t.Fatalf("phone %q is not in the inventory", p.Phone)
			}
			letters += inventory[p.Phone].letters
			at = p.End
		}
		if at != len(u.Samples) {
			t.Fatalf("the labels end at sample %d of %d", at, len(u.Samples))
		}
		if spelled := strings.ReplaceAll(u.Transcript, " ", ""); spelled != letters {
			t.Fatalf("transcript %q, the phones spell %q", u.Transcript, letters)
		}
		for _, v := range u.Samples {
			if v > 29500 || v < -29500 { // 0.9 of full scale
				t.Fatalf("sample %d is near clipping", v)
			}
		}
	})
}

func TestLevels(t *testing.T) {
	for u := range Corpus(Options{Seed: 5, Utterances: 16}) {
		speech, quiet := 0.0, 0.0
		nSpeech, nQuiet := 0, 0
		for _, p := range u.Phones {
			for _, v := range u.Samples[p.Start:p.End] {
				if p.Phone == "SIL" {
					quiet, nQuiet = quiet+float64(v)*float64(v), nQuiet+1
				} else {
					speech, nSpeech = speech+float64(v)*float64(v), nSpeech+1
				}
			}
		}
		level := 10 * math.Log10(speech/float64(nSpeech)/(1<<30))
		floor := 10 * math.Log10(quiet/float64(nQuiet)/(1<<30))
		if level < -33 || level > -17 {
			t.Errorf("%s: speech at %.1f dB", u.ID, level)
		}
		if floor > level-8 || math.IsInf(floor, -1) {
			t.Errorf("%s: pauses at %.1f dB under speech at %.1f dB", u.ID, floor, level)
		}
	}
}

// TestRecordNeverClips records a talker who shouts at full scale.
func TestRecordNeverClips(t *testing.T) {
	voice := make([]float64, 100*frame)
	for i := range voice {
		voice[i] = math.Pow(math.Sin(float64(i)/20), 9)
	}
	spoken := []spokenPhone{{phone: phoneSet()["AA"], frames: 100}}
	out := record(talker{level: 0, noise: -20}, rng.At(1, 0, 0), voice, spoken)
	if high, low := slices.Max(out), slices.Min(out); max(int(high), -int(low)) != 29491 { // 0.9 of 32768
		t.Errorf("peaks of %d and %d, want 29491 on one side", high, low)
	}
}

func TestTalkersDiffer(t *testing.T) {
	var talkers []talker
	for who := range 8 {
		talkers = append(talkers, newTalker(1, who))
	}
	for i, a := range talkers {
		if a.pitch < 85 || a.pitch > 280 || a.tract < 0.9 || a.tract > 1.2 {
			t.Errorf("talker %d: %+v", i, a)
		}
		for j, b := range talkers[:i] {
			if math.Abs(math.Log2(a.pitch/b.pitch)) < 1.0/24 {
				t.Errorf("talkers %d and %d both have a pitch of about %.0f Hz", i, j, a.pitch)
			}
		}
	}
}

// held synthesizes one phone at constant targets for n frames.
func held(talk talker, name string, n int, voiced bool) []float64 {
	p := phoneSet()[name]
	if !voiced {
		p.voice = 0
	}
	tracks := controlTracks(talk, []spokenPhone{{phone: p, frames: n}})
	pitch := make([]float64, n)
	for i := range pitch {
		pitch[i] = talk.pitch
		if !voiced && p.class == vowel {
			tracks[ctlBreath][i] = 1 // a whisper
		}
	}
	return talk.speak(tracks, pitch, rng.At(9, 0, 0))
}

// TestPitch measures the period of a held vowel by autocorrelation.
func TestPitch(t *testing.T) {
	for who := range 8 {
		talk := newTalker(1, who)
		x := held(talk, "AA", 100, true)[Rate/10:]
		best, period := 0.0, 0
		for lag := Rate / 320; lag <= Rate/75; lag++ {
			sum := 0.0
			for i := range 4000 {
				sum += x[i] * x[i+lag]
			}
			if sum > best {
				best, period = sum, lag
			}
		}
		hz := float64(Rate) / float64(period)
		if math.Abs(hz/talk.pitch-1) > 0.04 {
			t.Errorf("talker %d: %.1f Hz measured, %.1f Hz wanted", who, hz, talk.pitch)
		}
	}
}

const fftSize = 1024

// spectrum is the average power over frequency (Welch's method with a Hann window), of bins Rate/fftSize wide.
func spectrum(x []float64) []float64 {
	fft := fourier.NewFFT(fftSize)
	power, windowed := make([]float64, fftSize/2+1), make([]float64, fftSize)
	for at := 0; at+fftSize <= len(x); at += fftSize / 2 {
		for i := range windowed {
			windowed[i] = x[at+i] * (0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/fftSize))
		}
		for k, c := range fft.Coefficients(nil, windowed) {
			power[k] += cmplx.Abs(c) * cmplx.Abs(c)
		}
	}
	return power
}

// TestFormants whispers each vowel, which excites the tract at all frequencies, and looks for a spectral peak near each
// target, for an average and a short vocal tract.
func TestFormants(t *testing.T) {
	for _, tract := range []float64{1, 1.15} {
		for _, p := range inventory() {
			if p.class != vowel {
				continue
			}
			power := spectrum(held(talker{pitch: 100, tract: tract, openness: 1}, p.name, 4000, false))
			for n, f := range p.formant {
				want := f * tract
				// Search as far as half way to the neighbouring formants.
				low, high := want*0.75, want*1.25
				if n > 0 {
					low = math.Max(low, (want+p.formant[n-1]*tract)/2)
				}
				if n < 3 {
					high = math.Min(high, (want+p.formant[n+1]*tract)/2)
				}
				best := int(low*fftSize/Rate) + 1
				for k := best; k <= int(high*fftSize/Rate); k++ {
					if power[k] > power[best] {
						best = k
					}
				}
				got := float64(best) * Rate / fftSize
				if math.Abs(got-want) > 0.06*want+Rate/fftSize {
					t.Errorf("%s, tract %g: F%d at %.0f Hz, target %.0f Hz", p.name, tract, n+1, got, want)
				}
			}
		}
	}
}

// TestFricatives finds the centre of gravity of the noise.
func TestFricatives(t *testing.T) {
	for _, c := range []struct {
		name      string
		low, high float64
	}{{"S", 4800, 6400}, {"SH", 2500, 3600}, {"F", 3500, 4500}, {"Z", 4800, 6400}} {
		power := spectrum(held(talker{pitch: 100, tract: 1, openness: 0.6}, c.name, 1000, false))
		sum, weighted := 0.0, 0.0
		for k, p := range power {
			sum += p
			weighted += p * float64(k) * Rate / fftSize
		}
		if got := weighted / sum; got < c.low || got > c.high {
			t.Errorf("%s: centre of gravity %.0f Hz, want %g to %g", c.name, got, c.low, c.high)
		}
	}
}

// TestFormantsGlide: no track may cross more than a sixth of the way between two targets in one frame.
func TestFormantsGlide(t *testing.T) {
	talk := newTalker(2, 0)
	set := phoneSet()
	spoken := []spokenPhone{{phone: set["IY"], frames: 20}, {phone: set["AO"], frames: 20}, {phone: set["N"], frames: 20}}
	track := controlTracks(talk, spoken)[ctlF2]
	span := slices.Max(track) - slices.Min(track)
	for i := 1; i < len(track); i++ {
		if d := math.Abs(track[i] - track[i-1]); d > span/6 {
			t.Errorf("F2 jumps by %.0f Hz at frame %d, the whole span is %.0f Hz", d, i, span)
		}
	}
	for _, c := range []struct {
		frame int
		phone string
	}{{10, "IY"}, {30, "AO"}, {50, "N"}} {
		if want := set[c.phone].formant[1] * talk.tract; math.Abs(track[c.frame]-want) > 1 {
			t.Errorf("in the middle of %s, F2 is %.0f Hz, want %.0f Hz", c.phone, track[c.frame], want)
		}
	}
}

// TestPlosive: a voiceless plosive is silent in its closure and loud at its burst.
func TestPlosive(t *testing.T) {
	set := phoneSet()
	spoken := []spokenPhone{{phone: set["AA"], frames: 20}, {phone: set["T"], frames: 20}, {phone: set["AA"], frames: 20}}
	tracks := controlTracks(talker{tract: 1, breath: 0.01}, spoken)
	closure, burst := 26, 33
	if s := tracks[ctlVoice][closure] + tracks[ctlBreath][closure] + tracks[ctlNoise][closure]; s != 0 {
		t.Errorf("sound of amplitude %g in the closure", s)
	}
	if tracks[ctlNoise][burst] < 0.3 || tracks[ctlNoise][burst+5] != 0 {
		t.Errorf("burst of amplitude %g, and %g after it", tracks[ctlNoise][burst], tracks[ctlNoise][burst+5])
	}
}

func TestLexicon(t *testing.T) {
	seen := make(map[string]bool)
	for _, w := range lexicon() {
		if seen[w.spelling] || len(w.phones) < 2 || strings.Trim(w.spelling, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			t.Errorf("word %q of %d phones", w.spelling, len(w.phones))
		}
		seen[w.spelling] = true
	}
	if len(seen) != vocabulary {
		t.Errorf("%d words, want %d", len(seen), vocabulary)
	}
	if names := Phones(); names[0] != "SIL" || len(names) != len(phoneSet()) {
		t.Errorf("phones %v", names)
	}
}

func BenchmarkSpeak(b *testing.B) {
	seconds, i := 0.0, 0
	for b.Loop() {
		seconds += float64(len(Speak(Options{Seed: 1}, i).Samples)) / Rate
		i++
	}
	b.ReportMetric(seconds/b.Elapsed().Seconds(), "x-real-time")
}
