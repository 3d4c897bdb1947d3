package transcript

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// said makes a transcript of words that take 0.3 s each with pauses of 0.1 s, beginning at start.
func said(id string, start float64, text string) *Transcript {
	t := &Transcript{ID: id, Seconds: start}
	h := Hypothesis{Text: text, Score: -1.5}
	for i, w := range strings.Fields(text) {
		at := start + 0.4*float64(i)
		h.Words = append(h.Words, Word{w, at, at + 0.3})
		t.Seconds = at + 0.5
	}
	t.Segments = []Segment{{0, t.Seconds, []Hypothesis{h}}}
	return t
}

// Files are, byte for byte, what their standards say; written by hand.
func TestFormats(t *testing.T) {
	two := said("x", 1, "TOM & <b> --> \"JIM\"")
	two.Segments[0].Hypotheses = append(two.Segments[0].Hypotheses, Hypothesis{Text: "TOM", Words: []Word{{"TOM", 1, 1.3}}, Score: -2, Acoustic: -3, LM: -4, Boost: 5})
	parts := said("p", 0, "ONE")
	parts.Segments = append(parts.Segments, Segment{10, 12, []Hypothesis{{Text: "TWO", Words: []Word{{"TWO", 10.5, 11}}, Score: -1}}})
	parts.Seconds, parts.Path = 12, "a/p.wav"
	late := said("talk (1)", 3599.9996, "HI YOU")
	long := said("long", 0, "THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG AND RUNS AWAY INTO THE WOODS OF THE NORTH")
	none := &Transcript{ID: "none", Seconds: 2.0004}
	empty := &Transcript{ID: "empty", Seconds: 3, Segments: []Segment{{0, 3, []Hypothesis{{}}}}}
	chinese := &Transcript{ID: "zh", Seconds: 2, Segments: []Segment{{0, 2, []Hypothesis{{Text: "你好", Words: []Word{{"你", 0, 0.5}, {"好", 0.5, 1}}}}}}}
	for _, c := range []struct {
		t    *Transcript
		f    Format
		want string
	}{
		{two, Text, "TOM & <b> --> \"JIM\"\n"},
		{parts, Text, "ONE TWO\n"}, {none, Text, "\n"}, {chinese, Text, "你好\n"},
		{two, TRN, "TOM & <b> --> \"JIM\" (x)\n"}, {late, TRN, "HI YOU (talk__1_)\n"}, {none, TRN, "(none)\n"},
		{two, CTM, "x 1 1.000 0.300 TOM\nx 1 1.400 0.300 &\nx 1 1.800 0.300 <b>\nx 1 2.200 0.300 -->\nx 1 2.600 0.300 \"JIM\"\n"},
		{late, CTM, "talk__1_ 1 3600.000 0.300 HI\ntalk__1_ 1 3600.400 0.300 YOU\n"}, {none, CTM, ""},
		{two, VTT, "WEBVTT\n\n00:00:01.000 --> 00:00:02.900\nTOM &amp; &lt;b&gt; --&gt; \"JIM\"\n"},
		{two, SRT, "1\n00:00:01,000 --> 00:00:02,900\nTOM & <b> --> \"JIM\"\n"},
		{late, VTT, "WEBVTT\n\n01:00:00.000 --> 01:00:00.833\nHI YOU\n"},
		{late, SRT, "1\n01:00:00,000 --> 01:00:00,833\nHI YOU\n"},
		{said("l", 360000, "LATER"), SRT, "1\n100:00:00,000 --> 100:00:00,500\nLATER\n"},
		{parts, SRT, "1\n00:00:00,000 --> 00:00:00,833\nONE\n\n2\n00:00:10,500 --> 00:00:11,333\nTWO\n"},
		{none, SRT, ""}, {none, VTT, "WEBVTT\n"}, {empty, VTT, "WEBVTT\n"}, {empty, SRT, ""}, {empty, Text, "\n"},
		{chinese, SRT, "1\n00:00:00,000 --> 00:00:01,000\n你好\n"},
		{long, SRT, "1\n00:00:00,000 --> 00:00:06,700\nTHE QUICK BROWN FOX JUMPS OVER THE LAZY\nDOG AND RUNS AWAY INTO THE WOODS OF THE\n\n" +
			"2\n00:00:06,800 --> 00:00:07,300\nNORTH\n"},
		{none, JSONL, `{"id":"none","seconds":2,"text":"","score":0,"words":[]}` + "\n"},
		{empty, JSONL, `{"id":"empty","seconds":3,"text":"","score":0,"words":[]}` + "\n"},
		{parts, JSONL, `{"id":"p","path":"a/p.wav","seconds":12,"text":"ONE TWO","score":-2.5,"words":[{"word":"ONE","start":0,"end":0.3},{"word":"TWO","start":10.5,"end":11}],` +
			`"segments":[{"start":0,"end":0.5,"text":"ONE","score":-1.5},{"start":10,"end":12,"text":"TWO","score":-1}]}` + "\n"},
		{two, JSONL, `{"id":"x","seconds":3.1,"text":"TOM & <b> --> \"JIM\"","score":-1.5,"words":[{"word":"TOM","start":1,"end":1.3},{"word":"&","start":1.4,"end":1.7},` +
			`{"word":"<b>","start":1.8,"end":2.1},{"word":"-->","start":2.2,"end":2.5},{"word":"\"JIM\"","start":2.6,"end":2.9}],"nbest":[` +
			`{"text":"TOM & <b> --> \"JIM\"","words":[{"word":"TOM","start":1,"end":1.3},{"word":"&","start":1.4,"end":1.7},{"word":"<b>","start":1.8,"end":2.1},` +
			`{"word":"-->","start":2.2,"end":2.5},{"word":"\"JIM\"","start":2.6,"end":2.9}],"score":-1.5,"acoustic":0,"lm":0,"boost":0},` +
			`{"text":"TOM","words":[{"word":"TOM","start":1,"end":1.3}],"score":-2,"acoustic":-3,"lm":-4,"boost":5}]}` + "\n"},
		{&Transcript{ID: "i", Seconds: 1}, JSON, "{\n  \"id\": \"i\",\n  \"seconds\": 1,\n  \"text\": \"\",\n  \"score\": 0,\n  \"words\": []\n}\n"},
	} {
		var b strings.Builder
		if err := Write(&b, c.f, c.t); err != nil || b.String() != c.want {
			t.Errorf("%s of %s: %v\n%s\nwant\n%s", c.f, c.t.ID, err, b.String(), c.want)
		}
	}
	if err := Write(&strings.Builder{}, "doc", none); err == nil {
		t.Error("an unknown format was written")
	}
	for _, f := range Formats() {
		if got, err := ParseFormat(string(f)); err != nil || got != f {
			t.Errorf("%s: %v, %v", f, got, err)
		}
	}
	if _, err := ParseFormat("SRT"); err == nil || !strings.Contains(err.Error(), "txt, json") {
		t.Error(err)
	}
}

// Captions hold all words once, in order and in time, keep to the shape, and end at pauses.
func TestCues(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var text []string
		var words []Word
		at := 0.0
		for range rapid.IntRange(0, 60).Draw(r, "words") {
			w := strings.Repeat("é", rapid.IntRange(1, 50).Draw(r, "length"))
			at += rapid.SampledFrom([]float64{0, 0.02, 0.3, 0.79, 0.81, 5}).Draw(r, "pause")
			end := at + rapid.SampledFrom([]float64{0.02, 0.3, 2}).Draw(r, "time")
			words, text, at = append(words, Word{w, at, end}), append(text, w), end
		}
		tr := &Transcript{Seconds: at, Segments: []Segment{{0, at, []Hypothesis{{Text: strings.Join(text, " "), Words: words}}}}}
		var found []string
		last := 0.0
		for i, c := range tr.cues() {
			here := strings.Fields(strings.Join(c.lines, " "))
			if c.start < last || c.end <= c.start || c.end > at+1e-9 {
				r.Fatalf("cue %d is from %v to %v, the one before ends at %v and the recording at %v", i, c.start, c.end, last, at)
			}
			if len(here) == 0 || len(c.lines) > mostLines || c.end-c.start > mostTime+1e-9 {
				r.Fatalf("cue %d: %v to %v, %q", i, c.start, c.end, c.lines)
			}
			for _, l := range c.lines {
				if utf8.RuneCountInString(l) > lineLength && strings.Contains(l, " ") {
					r.Fatalf("cue %d has a line of %d characters", i, utf8.RuneCountInString(l))
				}
			}
			for k := range len(here) - 1 {
				if n := len(found) + k; words[n+1].Start-words[n].End >= longPause {
					r.Fatalf("cue %d goes on over a pause of %v s", i, words[n+1].Start-words[n].End)
				}
			}
			if w := words[len(found)]; c.start != w.Start {
				r.Fatalf("cue %d begins at %v, its first word at %v", i, c.start, w.Start)
			}
			found, last = append(found, here...), c.end
		}
		if strings.Join(found, " ") != strings.Join(text, " ") {
			r.Fatalf("captions hold %q", found)
		}
	})
}

// A full caption ends at its longest pause, not where it happens to be full.
func TestCueEndsAtPause(t *testing.T) {
	tr := said("x", 0, strings.Repeat("WORDS ", 16))
	words := tr.Segments[0].Hypotheses[0].Words
	for i := 10; i < len(words); i++ { // 14 words fit, in two lines of 7
		words[i].Start, words[i].End = words[i].Start+0.3, words[i].End+0.3
	}
	cues := tr.cues()
	if len(cues) != 2 || strings.Count(strings.Join(cues[0].lines, " "), "W") != 10 || len(cues[0].lines[0]) != len(cues[0].lines[1]) {
		t.Errorf("%+v", cues)
	}
}
