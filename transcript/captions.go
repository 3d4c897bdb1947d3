package transcript

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// The shape of captions, from the guidelines of broadcasters and streaming services: two lines of 42 characters, 5/6 s to 7 s on the screen. A pause of the
// length of an unhurried breath begins a new one.
const (
	lineLength = 42
	mostLines  = 2
	leastTime  = 5.0 / 6
	mostTime   = 7.0
	longPause  = 0.8
)

// cue is a caption and when it is shown, in seconds.
type cue struct {
	start, end float64
	lines      []string
}

// cues divides the words of a transcript into captions. One ends at a long pause; where it is full, at the longest pause in its second half; and with the line, where segments are lines. A short one stays on the screen
// until it can be read or the next one comes.
func (t *Transcript) cues() []cue {
	joint := t.joint()
	var list []cue
	lines := t.Segments
	for words, own := t.Words(), 0; len(words) > 0; {
		within := len(words) // words that may share a caption
		if t.Lines {
			for own == 0 {
				own, lines = len(lines[0].best().Words), lines[1:]
			}
			within = own
		}
		n, full := 1, false
		for n < within && words[n].Start-words[n-1].End < longPause {
			if full = words[n].End-words[0].Start > mostTime || len(wrap(words[:n+1], joint)) > mostLines; full {
				break
			}
			n++
		}
		if full {
			n = quietest(words[:n+1])
		}
		c := cue{start: words[0].Start, end: words[n-1].End, lines: balance(words[:n], joint)}
		until := t.Seconds
		if n < len(words) {
			until = words[n].Start
		}
		c.end = max(c.end, min(c.start+leastTime, until))
		list = append(list, c)
		words, own = words[n:], own-n
	}
	return list
}

// quietest is where to cut a full caption, given with the word that has no room: before the word in its second half that follows the longest pause, the last of equals.
func quietest(words []Word) int {
	at, longest := len(words)-1, -1.0
	for k := len(words) - 1; k >= (len(words)+1)/2; k-- {
		if pause := words[k].Start - words[k-1].End; pause > longest+1e-9 {
			at, longest = k, pause
		}
	}
	return at
}

// wrap fills lines one after the other. A word that is longer than a line has one of its own.
func wrap(words []Word, joint string) []string {
	var lines []string
	for i, w := range words {
		if k := len(lines) - 1; i > 0 && utf8.RuneCountInString(lines[k]+joint+w.Text) <= lineLength {
			lines[k] += joint + w.Text
			continue
		}
		lines = append(lines, w.Text)
	}
	return lines
}

// balance lays out a caption: one line if that is enough, else two of lengths that are as equal as can be.
func balance(words []Word, joint string) []string {
	best := wrap(words, joint)
	if len(best) != 2 {
		return best
	}
	length := func(lines []string) int {
		return max(utf8.RuneCountInString(lines[0]), utf8.RuneCountInString(lines[1]))
	}
	for k := 1; k < len(words); k++ {
		if two := []string{join(words[:k], joint), join(words[k:], joint)}; length(two) < length(best) {
			best = two
		}
	}
	return best
}

func join(words []Word, joint string) string {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = w.Text
	}
	return strings.Join(list, joint)
}

// clock writes a time as both formats have it: hours of two digits or more, and milliseconds behind a mark.
func clock(seconds float64, mark string) string {
	ms := milliseconds(seconds)
	return fmt.Sprintf("%02d:%02d:%02d%s%03d", ms/3600000, ms/60000%60, ms/1000%60, mark, ms%1000)
}

// writeSRT writes captions as SubRip has them: a number, the times, the lines, an empty line.
func writeSRT(b *bytes.Buffer, cues []cue) {
	for i, c := range cues {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(b, "%d\n%s --> %s\n%s\n", i+1, clock(c.start, ","), clock(c.end, ","), strings.Join(c.lines, "\n"))
	}
}

// escapeVTT are the characters that mean something in WebVTT's cue text (W3C WebVTT §3.3); --> may not occur in it at all.
var escapeVTT = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// writeVTT writes captions as WebVTT has them: the word WEBVTT, then blocks of times and text with empty lines before them.
func writeVTT(b *bytes.Buffer, cues []cue) {
	b.WriteString("WEBVTT\n")
	for _, c := range cues {
		fmt.Fprintf(b, "\n%s --> %s\n%s\n", clock(c.start, "."), clock(c.end, "."), escapeVTT.Replace(strings.Join(c.lines, "\n")))
	}
}
