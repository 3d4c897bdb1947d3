package transcript

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// interval is a labelled stretch of a tier, in milliseconds. Whole milliseconds keep neighbours from overlapping by rounding.
type interval struct {
	from, to int
	label    string
}

// tier turns words into intervals that follow each other without gaps from 0 to end, as Praat wants them: pauses have empty labels. What begins before the end of the word before
// it is cut, and what has no length then is left out.
func tier(words []Word, end int) []interval {
	var list []interval
	at := 0
	for _, w := range words {
		from, to := max(milliseconds(w.Start), at), min(milliseconds(w.End), end)
		if to <= from {
			continue
		}
		if from > at {
			list = append(list, interval{at, from, ""})
		}
		list = append(list, interval{from, to, w.Text})
		at = to
	}
	if at < end {
		list = append(list, interval{at, end, ""})
	}
	return list
}

// Tokens are those of the most probable text.
func (t *Transcript) Tokens() []Word {
	var list []Word
	for i := range t.Segments {
		list = append(list, t.Segments[i].best().Tokens...)
	}
	return list
}

// sentences are the segments as words: their texts from the first word to the last.
func (t *Transcript) sentences() []Word {
	var list []Word
	for i := range t.Segments {
		h := t.Segments[i].best()
		w := Word{Text: h.Text, Start: t.Segments[i].Start, End: t.Segments[i].End, Confidence: h.Confidence}
		if n := len(h.Words); n > 0 {
			w.Start, w.End = h.Words[0].Start, h.Words[n-1].End
		}
		if w.Text != "" {
			list = append(list, w)
		}
	}
	return list
}

// writeTextGrid writes Praat's TextGrid in its long text format: interval tiers words and tokens, where there are tokens, and utterances, where there are several.
func writeTextGrid(b *bytes.Buffer, t *Transcript) {
	type named struct {
		name string
		list []interval
	}
	end := milliseconds(t.Seconds)
	words := t.Words()
	if n := len(words); n > 0 {
		end = max(end, milliseconds(words[n-1].End))
	}
	var tiers []named
	if len(t.Segments) > 1 {
		tiers = append(tiers, named{"utterances", tier(t.sentences(), end)})
	}
	tiers = append(tiers, named{"words", tier(words, end)})
	if tokens := t.Tokens(); len(tokens) > 0 {
		tiers = append(tiers, named{"tokens", tier(tokens, end)})
	}
	fmt.Fprintf(b, "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\nxmin = 0\nxmax = %s\ntiers? <exists>\nsize = %d\nitem []:\n", decimal(end), len(tiers))
	for i, x := range tiers {
		fmt.Fprintf(b, "    item [%d]:\n        class = \"IntervalTier\"\n        name = %q\n        xmin = 0\n        xmax = %s\n        intervals: size = %d\n",
			i+1, x.name, decimal(end), len(x.list))
		for k, v := range x.list {
			fmt.Fprintf(b, "        intervals [%d]:\n            xmin = %s\n            xmax = %s\n            text = \"%s\"\n", k+1, decimal(v.from), decimal(v.to),
				strings.ReplaceAll(oneLine(v.label), `"`, `""`))
		}
	}
}

// decimal writes milliseconds as seconds.
func decimal(ms int) string { return strconv.FormatFloat(float64(ms)/1000, 'f', -1, 64) }

// oneLine replaces what would end a line or a field.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// writeAudacity writes a label track of Audacity: start and end in seconds and the label, with tabs between. Labels are words, or where there are several utterances their texts.
func writeAudacity(b *bytes.Buffer, t *Transcript) {
	list := t.Words()
	if len(t.Segments) > 1 {
		list = t.sentences()
	}
	for _, w := range list {
		from, to := milliseconds(w.Start), milliseconds(w.End)
		fmt.Fprintf(b, "%d.%03d\t%d.%03d\t%s\n", from/1000, from%1000, to/1000, to%1000, oneLine(w.Text))
	}
}
