package runlog

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// genFloat draws what a float32 can be; all NaNs are one.
var genFloat = rapid.Custom(func(t *rapid.T) float32 {
	if v := math.Float32frombits(rapid.Uint32().Draw(t, "bits")); v == v {
		return v
	}
	return nan32
})

var nan32 = float32(math.NaN())

// list draws a slice that is nil when empty, as the parser makes it.
func list[T any](t *rapid.T, g *rapid.Generator[T], low, high int, name string) []T {
	if l := rapid.SliceOfN(g, low, high).Draw(t, name); len(l) > 0 {
		return l
	}
	return nil
}

// rising draws up to n numbers below limit that rise.
func rising(t *rapid.T, limit, n int, name string) []int {
	l := list(t, rapid.IntRange(0, limit-1), 0, n, name)
	slices.Sort(l)
	return slices.Compact(l)
}

var genText = rapid.String()

func genSpans(t *rapid.T, n int) (spans [][2]int) {
	for at := 0; ; {
		first := at + rapid.IntRange(0, 50).Draw(t, "gap")
		run := rapid.IntRange(1, 20).Draw(t, "run")
		if at = first + run; at > n {
			return spans
		}
		spans = append(spans, [2]int{first, run})
	}
}

var genBatch = rapid.Custom(func(t *rapid.T) *Batch {
	count := rapid.IntRange(0, 1<<40)
	b := &Batch{ID: genText.Draw(t, "id"), Speaker: genText.Draw(t, "speaker"), Text: genText.Draw(t, "text"),
		Sample:  rapid.SampledFrom([]string{"", "samples/update-00000012.wav"}).Draw(t, "sample"),
		Samples: count.Draw(t, "samples"), Rate: count.Draw(t, "rate"), Frames: rapid.IntRange(1, 500).Draw(t, "frames"),
		Rows: count.Draw(t, "rows"), Epoch: count.Draw(t, "epoch")}
	b.Spans = genSpans(t, b.Frames)
	if rapid.Bool().Draw(t, "padded") {
		b.Width = rapid.IntRange(0, 100).Draw(t, "width")
		for range rapid.IntRange(1, 4).Draw(t, "padded rows") {
			r := PaddedRow{Frames: rapid.IntRange(0, b.Frames).Draw(t, "row frames")}
			r.Spans, r.Channels = genSpans(t, r.Frames), genSpans(t, b.Width)
			b.Padded = append(b.Padded, r)
		}
	}
	groups := rapid.IntRange(0, 3).Draw(t, "groups")
	for _, f := range rising(t, b.Frames, 20, "masked") {
		b.Masked = append(b.Masked, MaskedFrame{f, append([]int{}, list(t, rapid.IntRange(0, 319), groups, groups, "codes")...),
			rapid.Bool().Draw(t, "correct"), genFloat.Draw(t, "positive"), genFloat.Draw(t, "best"), rapid.IntRange(0, 100).Draw(t, "duplicates")})
	}
	for _, f := range rising(t, b.Frames, 5, "logits") {
		l := FrameLogits{Frame: f, Positive: genFloat.Draw(t, "positive"), Negatives: list(t, genFloat, 0, 10, "negatives")}
		if rapid.Bool().Draw(t, "known") {
			l.At = list(t, rapid.IntRange(0, 1000), len(l.Negatives), len(l.Negatives), "at")
		}
		b.Logits = append(b.Logits, l)
	}
	return b
})

var genTranscript = rapid.Custom(func(t *rapid.T) Transcript {
	n := rapid.IntRange(0, math.MaxInt)
	f := rapid.Custom(func(t *rapid.T) float64 {
		if v := math.Float64frombits(rapid.Uint64().Draw(t, "bits")); v == v {
			return v
		}
		return math.NaN()
	})
	return Transcript{genText.Draw(t, "id"), genText.Draw(t, "reference"), genText.Draw(t, "hypothesis"), f.Draw(t, "loss"),
		n.Draw(t, "word errors"), n.Draw(t, "words"), n.Draw(t, "char errors"), n.Draw(t, "chars"), f.Draw(t, "seconds"), f.Draw(t, "blank")}
})

var genAlignment = rapid.Custom(func(t *rapid.T) *Alignment {
	a := &Alignment{ID: genText.Draw(t, "id"), Text: genText.Draw(t, "text"), Rate: 16000, Frames: rapid.IntRange(0, 100).Draw(t, "frames"),
		Sample: rapid.SampledFrom([]string{"", "samples/alignment-00000012-2.wav"}).Draw(t, "sample"), FrameSeconds: 0.02, Forced: rapid.Bool().Draw(t, "forced")}
	for at := 0; ; {
		first := at + rapid.IntRange(0, 5).Draw(t, "gap")
		n := rapid.IntRange(1, 20).Draw(t, "run")
		if at = first + n; at > a.Frames {
			break
		}
		a.Tokens = append(a.Tokens, AlignedToken{genText.Draw(t, "label"), first, n, genFloat.Draw(t, "score")})
	}
	if rapid.Bool().Draw(t, "blank") {
		a.Blank = list(t, genFloat, a.Frames, a.Frames, "blank")
	}
	return a
})

var genSnapshot = rapid.Custom(func(t *rapid.T) Snapshot {
	s := Snapshot{
		Step: rapid.Int64Range(0, math.MaxInt64).Draw(t, "step"),
		Time: time.UnixMilli(rapid.Int64Range(-62135596800000, 253402300799999).Draw(t, "ms")).UTC(),
	}
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		c := &Codebook{Groups: rapid.IntRange(1, 3).Draw(t, "groups"), Entries: rapid.IntRange(1, 20).Draw(t, "entries"),
			Updates: rapid.Int64Range(0, math.MaxInt64).Draw(t, "updates")}
		c.Counts = list(t, rapid.Int64Range(0, maxCount), c.Groups*c.Entries, c.Groups*c.Entries, "counts")
		s.Codebook = c
	case 1:
		s.Batch = genBatch.Draw(t, "batch")
	case 2:
		s.Transcripts = rapid.SliceOfN(genTranscript, 1, 5).Draw(t, "transcripts")
	case 3:
		s.Alignment = genAlignment.Draw(t, "alignment")
	}
	return s
})

// sameSnapshot compares what would be written.
func sameSnapshot(a, b *Snapshot) bool {
	return string(appendSnapshot(nil, a)) == string(appendSnapshot(nil, b))
}

func TestSnapshotRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genSnapshot.Draw(t, "snapshot")
		if err := want.check(); err != nil {
			t.Fatal(err)
		}
		line := appendSnapshot(nil, &want)
		if !json.Valid(line) {
			t.Fatalf("not JSON: %s", line)
		}
		body, err := checkLine(line[:len(line)-1])
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseSnapshot(body)
		if err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if !sameSnapshot(&got, &want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
		// Written and read by the same hand, a field could be forgotten by both.
		if fmt.Sprintf("%+v", deref(got)) != fmt.Sprintf("%+v", deref(want)) {
			t.Fatalf("got %+v, want %+v", deref(got), deref(want))
		}
	})
}

// deref shows what the pointers of a snapshot point to. Printing, unlike reflect.DeepEqual, takes a NaN for a NaN.
func deref(s Snapshot) []any {
	all := []any{s.Step, s.Time, s.Transcripts}
	for _, p := range []any{s.Codebook, s.Batch, s.Alignment} {
		if v := reflect.ValueOf(p); !v.IsNil() {
			all = append(all, v.Elem().Interface())
		}
	}
	return all
}

// The lines of the format, as docs/FORMATS.md shows them.
func TestSnapshotLines(t *testing.T) {
	head := Snapshot{Step: 3, Time: testTime}
	for want, set := range map[string]func(*Snapshot){
		`"kind":"codebook","codebook":{"groups":2,"entries":3,"updates":50,"counts":[1,0,2,3,0,0]}`: func(s *Snapshot) {
			s.Codebook = &Codebook{2, 3, []int64{1, 0, 2, 3, 0, 0}, 50}
		},
		`"kind":"batch","batch":{"id":"a","speaker":"s","text":"A \"B\"","sample":"","samples":800,"rate":16000,"frames":9,"rows":4,"epoch":1,` +
			`"spans":[[1,2],[5,1]],"masked":{"frame":[1,5],"codes":[[7,8],[2,3]],"correct":[1,0],"positive":[0.5,"NaN"],"best_negative":[0.25,-0.5],"duplicates":[0,2]},` +
			`"logits":[{"frame":5,"positive":4.5,"negatives":[1.5,"NaN"],"at":[1,2]}]}`: func(s *Snapshot) {
			s.Batch = &Batch{ID: "a", Speaker: "s", Text: `A "B"`, Samples: 800, Rate: 16000, Frames: 9, Rows: 4, Epoch: 1, Spans: [][2]int{{1, 2}, {5, 1}},
				Masked: []MaskedFrame{{1, []int{7, 2}, true, 0.5, 0.25, 0}, {5, []int{8, 3}, false, nan32, -0.5, 2}},
				Logits: []FrameLogits{{5, 4.5, []float32{1.5, nan32}, []int{1, 2}}}}
		},
		`"kind":"transcripts","transcripts":[{"id":"a","reference":"A B","hypothesis":"A","loss":"Inf","word_errors":1,"words":2,"char_errors":2,"chars":3,"seconds":1.5,"blank_share":0.75}]`: func(s *Snapshot) {
			s.Transcripts = []Transcript{{"a", "A B", "A", math.Inf(1), 1, 2, 2, 3, 1.5, 0.75}}
		},
		`"kind":"alignment","alignment":{"id":"a","text":"A","forced":true,"sample":"samples/alignment-00000003.wav","rate":16000,"frames":2,"frame_seconds":0.02,` +
			`"tokens":[{"label":"A","frame":1,"frames":1,"score":0.5}],"blank":[1,0.25]}`: func(s *Snapshot) {
			s.Alignment = &Alignment{"a", "A", true, "samples/alignment-00000003.wav", 16000, 2, 0.02, []AlignedToken{{"A", 1, 1, 0.5}}, []float32{1, 0.25}}
		},
	} {
		s := head
		set(&s)
		line := string(appendSnapshot(nil, &s))
		if got, _, _ := strings.Cut(line, `,"crc":`); got != `{"step":3,"time":"2026-11-22T14:12:03.250Z",`+want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestSnapshotRefused(t *testing.T) {
	batch := func(change func(*Batch)) Snapshot {
		b := &Batch{Frames: 10, Spans: [][2]int{{2, 3}}, Masked: []MaskedFrame{{Frame: 2, Codes: []int{1, 2}}, {Frame: 3, Codes: []int{1, 2}}},
			Logits: []FrameLogits{{Frame: 2, Negatives: []float32{1}, At: []int{1}}}}
		change(b)
		return Snapshot{Batch: b}
	}
	for name, s := range map[string]Snapshot{
		"nothing":        {},
		"two things":     {Codebook: &Codebook{1, 1, []int64{1}, 1}, Transcripts: []Transcript{{}}},
		"negative step":  {Step: -1, Codebook: &Codebook{1, 1, []int64{1}, 1}},
		"shape":          {Codebook: &Codebook{2, 2, []int64{1}, 1}},
		"overflow":       {Codebook: &Codebook{1 << 32, 1 << 32, nil, 1}},
		"count":          {Codebook: &Codebook{1, 1, []int64{-1}, 1}},
		"no transcripts": {Transcripts: []Transcript{}},
		"words":          {Transcripts: []Transcript{{Words: -1}}},
		"path":           batch(func(b *Batch) { b.Sample = "/etc/passwd" }),
		"path up":        batch(func(b *Batch) { b.Sample = "samples/../x.wav" }),
		"hidden":         batch(func(b *Batch) { b.Sample = "samples/.x" }),
		"empty path":     batch(func(b *Batch) { b.Sample = "samples/" }),
		"span outside":   batch(func(b *Batch) { b.Spans[0] = [2]int{8, 3} }),
		"span overflow":  batch(func(b *Batch) { b.Spans[0] = [2]int{1, math.MaxInt} }),
		"span empty":     batch(func(b *Batch) { b.Spans[0] = [2]int{8, 0} }),
		"spans overlap":  batch(func(b *Batch) { b.Spans = append(b.Spans, [2]int{4, 1}) }),
		"row outside":    batch(func(b *Batch) { b.Padded = []PaddedRow{{Frames: 4, Spans: [][2]int{{3, 2}}}} }),
		"row negative":   batch(func(b *Batch) { b.Padded = []PaddedRow{{Frames: -1}} }),
		"channels":       batch(func(b *Batch) { b.Width, b.Padded = 8, []PaddedRow{{Channels: [][2]int{{6, 3}}}} }),
		"masked twice":   batch(func(b *Batch) { b.Masked[1].Frame = 2 }),
		"masked outside": batch(func(b *Batch) { b.Masked[1].Frame = 10 }),
		"codes":          batch(func(b *Batch) { b.Masked[1].Codes = []int{1} }),
		"places":         batch(func(b *Batch) { b.Logits[0].At = []int{1, 2} }),
		"logits outside": batch(func(b *Batch) { b.Logits[0].Frame = 10 }),
		"tokens overlap": {Alignment: &Alignment{Frames: 5, Tokens: []AlignedToken{{Frame: 0, Frames: 2}, {Frame: 1, Frames: 2}}}},
		"blank":          {Alignment: &Alignment{Frames: 5, Blank: make([]float32, 4)}},
	} {
		if s.Time = testTime; s.check() == nil {
			t.Errorf("%s: accepted %+v", name, deref(s))
		}
	}
	good := batch(func(*Batch) {})
	if good.Time = testTime; good.check() != nil {
		t.Error(good.check())
	}
}

// FuzzSnapshot: no line makes the parser panic or take much memory, and what is accepted is written back the same.
func FuzzSnapshot(f *testing.F) {
	for seed := range 20 {
		s := genSnapshot.Example(seed)
		line := appendSnapshot(nil, &s)
		f.Add(string(line[:len(line)-1-crcSuffix]))
	}
	f.Add(`{"step":1,"time":"2026-11-22T14:12:03.250Z","kind":"batch","batch":{"frames":2,"masked":{"frame":[0,1],"codes":[[],[]]}}`)
	f.Add(`{"step":1,"time":"2026-11-22T14:12:03.250Z","kind":"transcripts","transcripts":[{"loss":null}]`)
	f.Add(string(appendSession(nil, 7, testTime)))
	f.Fuzz(func(t *testing.T, body string) {
		store := newSnapshots()
		store.add([]byte(body))
		got, err := parseSnapshot([]byte(body))
		if err != nil {
			return
		}
		line := appendSnapshot(nil, &got)
		again, err := parseSnapshot(line[:len(line)-1-crcSuffix])
		if err != nil || !sameSnapshot(&got, &again) {
			t.Fatalf("%+v became %+v, %v", deref(got), deref(again), err)
		}
	})
}
