package transcript

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode"
)

// Write writes a transcript.
func Write(w io.Writer, f Format, t *Transcript) error {
	var b bytes.Buffer
	switch f {
	case Text:
		b.WriteString(t.Text() + "\n")
	case JSON, JSONL:
		if err := writeJSON(&b, t, f == JSON); err != nil {
			return fmt.Errorf("transcript: %s: %w", t.ID, err)
		}
	case SRT:
		writeSRT(&b, t.cues())
	case VTT:
		writeVTT(&b, t.cues())
	case CTM:
		writeCTM(&b, t)
	case TextGrid:
		writeTextGrid(&b, t)
	case Audacity:
		writeAudacity(&b, t)
	case TRN:
		b.WriteString(strings.TrimLeft(t.Text()+" ("+plainID(t.ID)+")\n", " "))
	default:
		return fmt.Errorf("transcript: no format %q", f)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// record is a transcript as JSON. "id" and "text" are what readers of references look for.
type record struct {
	ID         string          `json:"id"`
	Path       string          `json:"path,omitempty"`
	Seconds    float64         `json:"seconds"`
	Text       string          `json:"text"`
	Score      float64         `json:"score"`
	Words      []Word          `json:"words"`
	Tokens     []tokenRecord   `json:"tokens,omitempty"`     // of alignments
	Confidence float64         `json:"confidence,omitempty"` // of the only segment
	Segments   []segmentRecord `json:"segments,omitempty"`   // when there is not exactly one
	NBest      []Hypothesis    `json:"nbest,omitempty"`      // of the only segment, when there are several
}

type tokenRecord struct {
	Token      string  `json:"token"`
	Start      float64 `json:"start"`
	End        float64 `json:"end"`
	Confidence float64 `json:"confidence,omitempty"`
}

type segmentRecord struct {
	Start      float64      `json:"start"`
	End        float64      `json:"end"`
	Text       string       `json:"text"`
	Score      float64      `json:"score"`
	Confidence float64      `json:"confidence,omitempty"`
	NBest      []Hypothesis `json:"nbest,omitempty"`
}

func writeJSON(w io.Writer, t *Transcript, indent bool) error {
	r := record{ID: t.ID, Path: t.Path, Seconds: round(t.Seconds), Text: t.Text(), Score: t.Score(), Words: rounded(t.Words())}
	for _, k := range rounded(t.Tokens()) {
		r.Tokens = append(r.Tokens, tokenRecord{k.Text, k.Start, k.End, k.Confidence})
	}
	if len(t.Segments) == 1 {
		r.Confidence = share(t.Segments[0].best().Confidence)
		r.NBest = nbest(t.Segments[0].Hypotheses)
	} else {
		for i := range t.Segments {
			s := &t.Segments[i]
			r.Segments = append(r.Segments, segmentRecord{round(s.Start), round(s.End), s.best().Text, s.best().Score, share(s.best().Confidence), nbest(s.Hypotheses)})
		}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if indent {
		e.SetIndent("", "  ")
	}
	return e.Encode(r)
}

// nbest are the hypotheses when there is a choice.
func nbest(list []Hypothesis) []Hypothesis {
	if len(list) < 2 {
		return nil
	}
	out := append([]Hypothesis(nil), list...)
	for i := range out {
		out[i].Words = rounded(out[i].Words)
	}
	return out
}

// round gives whole milliseconds.
func round(seconds float64) float64 { return math.Round(1000*seconds) / 1000 }

// share gives four decimals, but never 0 of what is more.
func share(x float64) float64 {
	if x > 0 {
		return max(1e-4, math.Round(1e4*x)/1e4)
	}
	return 0
}

// rounded are words with times in whole milliseconds; never nil, which JSON would write as null.
func rounded(words []Word) []Word {
	out := make([]Word, len(words))
	for i, w := range words {
		out[i] = Word{w.Text, round(w.Start), round(w.End), share(w.Confidence)}
	}
	return out
}

// plainID is an ID in files whose fields are parted by spaces and whose ends are parentheses: these become underscores.
func plainID(id string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) || r == '(' || r == ')' {
			return '_'
		}
		return r
	}, id)
}

// writeCTM writes a line a word, on channel 1. Ends are rounded and not durations, so that nothing drifts.
func writeCTM(b *bytes.Buffer, t *Transcript) {
	for _, w := range t.Words() {
		from, to := milliseconds(w.Start), milliseconds(w.End)
		fmt.Fprintf(b, "%s 1 %d.%03d %d.%03d %s", plainID(t.ID), from/1000, from%1000, (to-from)/1000, (to-from)%1000, w.Text)
		if w.Confidence > 0 {
			fmt.Fprintf(b, " %.4f", share(w.Confidence))
		}
		b.WriteByte('\n')
	}
}

// milliseconds rounds a time; there is none before 0.
func milliseconds(seconds float64) int { return max(0, int(math.Round(1000*seconds))) }
