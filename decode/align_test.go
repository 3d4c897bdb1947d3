package decode

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestAlignEqualsAllPaths(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := letters("_ab|")
		frames := rapid.IntRange(0, 6).Draw(t, "frames")
		x := randomEmissions(t, frames, v.Len())
		tokens := rapid.SliceOfN(rapid.Int32Range(1, 3), 0, 4).Draw(t, "tokens")
		best, spelled := math.Inf(-1), false
		eachPath(x, frames, v.Len(), func(path []int32, p float64) {
			if slices.Equal(collapse(path, v.Blank()), tokens) {
				best, spelled = max(best, p), true
			}
		})
		a, err := Align(v, x, frames, tokens)
		if !spelled {
			if err == nil || !strings.Contains(err.Error(), "frames") {
				t.Fatalf("no path, error %v", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if !near(a.LogP, best) || len(a.Path) != frames || !slices.Equal(collapse(a.Path, v.Blank()), tokens) {
			t.Fatalf("path %v of ln p %v, want %v and tokens %v", a.Path, a.LogP, best, tokens)
		}
		sum := 0.0
		for f, k := range a.Path {
			sum += float64(x[f*v.Len()+int(k)])
		}
		if !near(sum, a.LogP) {
			t.Fatalf("path has ln p %v, result says %v", sum, a.LogP)
		}
		for i, s := range a.Spans {
			mean := 0.0
			for f := s.Start; f < s.End; f++ {
				if a.Path[f] != tokens[i] {
					t.Fatalf("span %d %+v is not token %d of path %v", i, s, tokens[i], a.Path)
				}
				mean += math.Exp(float64(x[f*v.Len()+int(s.Token)])) / float64(s.End-s.Start)
			}
			if !near(mean, s.Score) {
				t.Fatalf("span %d has score %v, want %v", i, s.Score, mean)
			}
		}
	})
}

func TestAlignRefuses(t *testing.T) {
	v := letters("_ab|")
	x := logSoftmax(make([]float32, 3*4), 4)
	zero := slices.Clone(x)
	for f := range 3 {
		zero[f*4+2] = float32(math.Inf(-1))
	}
	bad := slices.Clone(x)
	bad[5] = float32(math.NaN())
	for _, c := range []struct {
		name, want string
		x          []float32
		tokens     []int32
	}{
		{"more tokens than frames", "needs at least 4 frames", x, []int32{1, 2, 1, 2}},
		{"repeats", "needs at least 4 frames (3 tokens, 1 repeats)", x, []int32{1, 1, 2}},
		{"blank", "token 1 of the transcript is the blank", x, []int32{1, 0}},
		{"outside", "token 0 of the transcript is 4", x, []int32{4}},
		{"impossible", "probability 0", zero, []int32{2}},
		{"NaN", "frame 1, token 1 is NaN", bad, []int32{1}},
		{"shape", "11 emissions are not 3 frames", x[:11], []int32{1}},
	} {
		if _, err := Align(v, c.x, 3, c.tokens); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

func TestWords(t *testing.T) {
	v := letters("_ab|")
	spans := []Span{{1, 2, 3, 0.5}, {2, 4, 7, 0.9}, {3, 8, 9, 0.1}, {3, 9, 10, 0.1}, {2, 11, 12, 0.25}}
	want := []AlignedWord{{"ab", 2, 7, 0.8}, {"b", 11, 12, 0.25}}
	got := Words(v, spans)
	if len(got) != 2 || got[1] != want[1] || got[0].Text != "ab" || got[0].Start != 2 || got[0].End != 7 || !near(got[0].Score, 0.8) {
		t.Errorf("words %v, want %v", got, want)
	}
	pieces := wordPieces("_abABMc") // b A c, M M b, A
	spans = []Span{{2, 0, 1, 1}, {3, 2, 3, 0.5}, {6, 4, 7, 0.9}, {5, 8, 9, 0.1}, {5, 9, 10, 0.2}, {2, 11, 12, 0.4}, {3, 12, 13, 1}}
	want = []AlignedWord{{"b", 0, 1, 1}, {"aab", 2, 7, 0.8}, {"b", 9, 12, 0.3}, {"a", 12, 13, 1}}
	for i, w := range Words(pieces, spans) {
		if i >= len(want) || w.Text != want[i].Text || w.Start != want[i].Start || w.End != want[i].End || !near(w.Score, want[i].Score) {
			t.Errorf("word %d of pieces is %v, want %v", i, w, want[min(i, len(want)-1)])
		}
	}
	if start, end := got[0].Seconds(0.02); !near(start, 0.04) || !near(end, 0.14) {
		t.Errorf("seconds %v to %v, want 0.04 to 0.14", start, end)
	}
}

// TestLatticeEqualsAllEntries tries all choices of the frames in which labels are entered.
func TestLatticeEqualsAllEntries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := letters("_ab|")
		frames := rapid.IntRange(1, 9).Draw(t, "frames")
		labels := rapid.SliceOfN(rapid.Int32Range(0, 3), 1, min(frames, 4)).Draw(t, "labels")
		x := randomEmissions(t, frames, v.Len())
		at := func(f int, k int32) float64 { return float64(x[f*v.Len()+int(k)]) }
		best := math.Inf(-1)
		var walk func(j, f int, p float64) // label j-1 was entered in frame f-1
		walk = func(j, f int, p float64) {
			if j == len(labels) {
				best = max(best, p)
				return
			}
			for ; f < frames; f++ {
				walk(j+1, f+1, p+at(f, labels[j]))
				if j > 0 {
					p += max(at(f, labels[j-1]), at(f, 0))
				}
			}
		}
		walk(0, 0, 0)
		l := lattice{emissions: x, frames: frames, n: v.Len(), labels: labels}
		times, logs, err := l.best()
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, p := range logs {
			sum += p
		}
		if !near(sum, best) || !slices.IsSorted(times) {
			t.Fatalf("labels entered in %v with ln p %v, want %v", times, sum, best)
		}
	})
}

// TestSegment finds utterances in a long recording with speech before and after.
func TestSegment(t *testing.T) {
	s := newSpeech(8, 200, 2000)
	words := strings.Fields(s.text)
	all, err := Align(english, s.emissions, s.frames, english.encode(s.text))
	if err != nil {
		t.Fatal(err)
	}
	said := Words(english, all.Spans)
	bounds := []int{5, 12, 20, 41}
	var utterances [][]int32
	for i, from := range bounds[:3] {
		utterances = append(utterances, english.encode(strings.Join(words[from:bounds[i+1]], " ")))
	}
	segments, err := DefaultSegmentation().Segment(english, s.emissions, s.frames, utterances)
	if err != nil {
		t.Fatal(err)
	}
	for i, g := range segments {
		first, last := said[bounds[i]], said[bounds[i+1]-1]
		start, _ := first.Seconds(0.02)
		_, end := last.Seconds(0.02)
		if g.Start > start || g.Start < start-0.55 || math.Abs(g.End-end) > 0.3 || g.Confidence < 0.3 {
			t.Errorf("utterance %d: %.2f to %.2f s with confidence %.2f, want %.2f to %.2f", i, g.Start, g.End, g.Confidence, start, end)
		}
		got := Words(english, g.Tokens)
		if len(got) != bounds[i+1]-bounds[i] || got[0].Text != words[bounds[i]] || got[0].Start < first.Start-5 || got[0].Start > first.Start+1 {
			t.Errorf("utterance %d: %d words from %+v, want %d from %+v", i, len(got), got[0], bounds[i+1]-bounds[i], first)
		}
	}
	wrong, err := DefaultSegmentation().Segment(english, s.emissions, s.frames, [][]int32{english.encode("ZZXJQ KJXXQ ZZZQJX VVKXJJ QQXZ")})
	if err != nil || wrong[0].Score > segments[0].Score-1 {
		t.Errorf("what was not said has score %v, %v; what was said %v", wrong[0].Score, err, segments[0].Score)
	}
	for _, c := range []struct {
		want       string
		frames     int
		utterances [][]int32
	}{
		{"need at least 7 frames", 6, [][]int32{{5, 6}, {7, 8}}},
		{"utterance 1 is empty", 100, [][]int32{{5}, {}}},
		{"utterance 0", 100, [][]int32{{99}}},
	} {
		if _, err := DefaultSegmentation().Segment(english, s.emissions[:c.frames*32], c.frames, c.utterances); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}
