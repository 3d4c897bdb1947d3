package transcript

import (
	"strconv"
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
		h.Words = append(h.Words, Word{w, at, at + 0.3, 0})
		t.Seconds = at + 0.5
	}
	t.Segments = []Segment{{0, t.Seconds, []Hypothesis{h}}}
	return t
}

// Files are, byte for byte, what their standards say; written by hand.
func TestFormats(t *testing.T) {
	two := said("x", 1, "TOM & <b> --> \"JIM\"")
	two.Segments[0].Hypotheses = append(two.Segments[0].Hypotheses, Hypothesis{Text: "TOM", Words: []Word{{"TOM", 1, 1.3, 0}}, Score: -2, Acoustic: -3, LM: -4, Boost: 5})
	parts := said("p", 0, "ONE")
	parts.Segments = append(parts.Segments, Segment{10, 12, []Hypothesis{{Text: "TWO", Words: []Word{{"TWO", 10.5, 11, 0}}, Score: -1}}})
	parts.Seconds, parts.Path = 12, "a/p.wav"
	late := said("talk (1)", 3599.9996, "HI YOU")
	long := said("long", 0, "THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG AND RUNS AWAY INTO THE WOODS OF THE NORTH")
	none := &Transcript{ID: "none", Seconds: 2.0004}
	empty := &Transcript{ID: "empty", Seconds: 3, Segments: []Segment{{0, 3, []Hypothesis{{}}}}}
	chinese := &Transcript{ID: "zh", Seconds: 2, Segments: []Segment{{0, 2, []Hypothesis{{Text: "你好", Words: []Word{{"你", 0, 0.5, 0}, {"好", 0.5, 1, 0}}}}}}}
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
			words, text, at = append(words, Word{w, at, end, 0}), append(text, w), end
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

// placed is an alignment of a text with two utterances, the second of which begins inside of the first's last word after rounding.
func placed() *Transcript {
	return &Transcript{ID: "two", Seconds: 2.5, Lines: true, Segments: []Segment{
		{0, 1.2, []Hypothesis{{Text: `SAY "A"`, Score: -0.5, Confidence: 0.60654, Words: []Word{{"SAY", 0.1, 0.5, 0.87654}, {`"A"`, 0.6, 1.0006, 0.00001}},
			Tokens: []Word{{"S", 0.1, 0.12, 1}, {"AY", 0.3, 0.5, 0.75}, {`"A"`, 0.6, 1.0006, 0.00001}}}}},
		{1.2, 2.5, []Hypothesis{{Text: "B\tC", Score: -2, Confidence: 0.1353, Words: []Word{{"B\tC", 1.0004, 2, 0.5}}, Tokens: []Word{{"B\tC", 1.0004, 2, 0.5}}}}},
	}}
}

// Files of alignments, written by hand after the manuals of Praat ("TextGrid file formats") and Audacity ("Importing and exporting labels").
func TestAlignmentFormats(t *testing.T) {
	two := placed()
	one := &Transcript{ID: "one", Seconds: 2.5, Segments: two.Segments[:1], Lines: true}
	one.Segments = append([]Segment(nil), one.Segments...)
	grid := func(tiers ...string) string {
		text := "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\nxmin = 0\nxmax = 2.5\ntiers? <exists>\nsize = " + strconv.Itoa(len(tiers)) + "\nitem []:\n"
		for i, s := range tiers {
			text += "    item [" + strconv.Itoa(i+1) + "]:\n        class = \"IntervalTier\"\n" + s
		}
		return text
	}
	words := "        name = \"words\"\n        xmin = 0\n        xmax = 2.5\n        intervals: size = 5\n" +
		"        intervals [1]:\n            xmin = 0\n            xmax = 0.1\n            text = \"\"\n" +
		"        intervals [2]:\n            xmin = 0.1\n            xmax = 0.5\n            text = \"SAY\"\n" +
		"        intervals [3]:\n            xmin = 0.5\n            xmax = 0.6\n            text = \"\"\n" +
		"        intervals [4]:\n            xmin = 0.6\n            xmax = 1.001\n            text = \"\"\"A\"\"\"\n"
	tokens := "        name = \"tokens\"\n        xmin = 0\n        xmax = 2.5\n        intervals: size = 7\n" +
		"        intervals [1]:\n            xmin = 0\n            xmax = 0.1\n            text = \"\"\n" +
		"        intervals [2]:\n            xmin = 0.1\n            xmax = 0.12\n            text = \"S\"\n" +
		"        intervals [3]:\n            xmin = 0.12\n            xmax = 0.3\n            text = \"\"\n" +
		"        intervals [4]:\n            xmin = 0.3\n            xmax = 0.5\n            text = \"AY\"\n" +
		"        intervals [5]:\n            xmin = 0.5\n            xmax = 0.6\n            text = \"\"\n" +
		"        intervals [6]:\n            xmin = 0.6\n            xmax = 1.001\n            text = \"\"\"A\"\"\"\n"
	silence := func(k, from string) string {
		return "        intervals [" + k + "]:\n            xmin = " + from + "\n            xmax = 2.5\n            text = \"\"\n"
	}
	last := func(k, next string) string {
		return "        intervals [" + k + "]:\n            xmin = 1.001\n            xmax = 2\n            text = \"B C\"\n" + silence(next, "2")
	}
	utterances := "        name = \"utterances\"\n        xmin = 0\n        xmax = 2.5\n        intervals: size = 4\n" + silence("1", "0")
	utterances = strings.Replace(utterances, "xmax = 2.5\n            text", "xmax = 0.1\n            text", 1) +
		"        intervals [2]:\n            xmin = 0.1\n            xmax = 1.001\n            text = \"SAY \"\"A\"\"\"\n" + last("3", "4")
	grown := func(s, from, to string) string { return strings.Replace(s, "size = "+from, "size = "+to, 1) }
	for _, c := range []struct {
		t    *Transcript
		f    Format
		want string
	}{
		{one, TextGrid, grid(words+silence("5", "1.001"), tokens+silence("7", "1.001"))},
		{two, TextGrid, grid(utterances, grown(words, "5", "6")+last("5", "6"), grown(tokens, "7", "8")+last("7", "8"))},
		{&Transcript{ID: "none", Seconds: 2.5}, TextGrid, grid("        name = \"words\"\n        xmin = 0\n        xmax = 2.5\n        intervals: size = 1\n" + silence("1", "0"))},
		{one, Audacity, "0.100\t0.500\tSAY\n0.600\t1.001\t\"A\"\n"},
		{two, Audacity, "0.100\t1.001\tSAY \"A\"\n1.000\t2.000\tB C\n"},
		{one, CTM, "one 1 0.100 0.400 SAY 0.8765\none 1 0.600 0.401 \"A\" 0.0001\n"},
		{two, SRT, "1\n00:00:00,100 --> 00:00:01,001\nSAY \"A\"\n\n2\n00:00:01,000 --> 00:00:02,000\nB\tC\n"},
		{one, JSONL, `{"id":"one","seconds":2.5,"text":"SAY \"A\"","score":-0.5,"words":[{"word":"SAY","start":0.1,"end":0.5,"confidence":0.8765},` +
			`{"word":"\"A\"","start":0.6,"end":1.001,"confidence":0.0001}],"tokens":[{"token":"S","start":0.1,"end":0.12,"confidence":1},` +
			`{"token":"AY","start":0.3,"end":0.5,"confidence":0.75},{"token":"\"A\"","start":0.6,"end":1.001,"confidence":0.0001}],"confidence":0.6065}` + "\n"},
	} {
		var b strings.Builder
		if err := Write(&b, c.f, c.t); err != nil || b.String() != c.want {
			t.Errorf("%s of %s: %v\n%s\nwant\n%s", c.f, c.t.ID, err, b.String(), c.want)
		}
	}
}

// Intervals of a tier cover the recording without gaps or overlaps, whatever the words; words that have room are all there.
func TestTier(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var words []Word
		at := 0.0
		for range rapid.IntRange(0, 9).Draw(r, "words") {
			from := max(0, at+rapid.Float64Range(-0.3, 1).Draw(r, "gap"))
			at = from + rapid.Float64Range(0, 1).Draw(r, "length")
			words = append(words, Word{Text: "w", Start: from, End: at})
		}
		end := rapid.IntRange(0, 9000).Draw(r, "end")
		next, labels := 0, 0
		for _, v := range tier(words, end) {
			if v.from != next || v.to <= v.from {
				r.Fatalf("interval from %d to %d after %d", v.from, v.to, next)
			}
			if next = v.to; v.label != "" {
				labels++
			}
		}
		if next != end {
			r.Fatalf("intervals end at %d of %d", next, end)
		}
		room, last := 0, 0
		for _, w := range words {
			if from, to := max(milliseconds(w.Start), last), min(milliseconds(w.End), end); to > from {
				room, last = room+1, to
			}
		}
		if labels != room {
			r.Fatalf("%d labels of %d words with room", labels, room)
		}
	})
}
