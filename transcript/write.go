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
	ID       string          `json:"id"`
	Path     string          `json:"path,omitempty"`
	Seconds  float64         `json:"seconds"`
	Text     string          `json:"text"`
	Score    float64         `json:"score"`
	Words    []Word          `json:"words"`
	Segments []segmentRecord `json:"segments,omitempty"` // when there is not exactly one
	NBest    []Hypothesis    `json:"nbest,omitempty"`    // of the only segment, when there are several
}

type segmentRecord struct {
	Start float64      `json:"start"`
	End   float64      `json:"end"`
	Text  string       `json:"text"`
	Score float64      `json:"score"`
	NBest []Hypothesis `json:"nbest,omitempty"`
}

func writeJSON(w io.Writer, t *Transcript, indent bool) error {
	r := record{ID: t.ID, Path: t.Path, Seconds: round(t.Seconds), Text: t.Text(), Score: t.Score(), Words: rounded(t.Words())}
	if len(t.Segments) == 1 {
		r.NBest = nbest(t.Segments[0].Hypotheses)
	} else {
		for i := range t.Segments {
			s := &t.Segments[i]
			r.Segments = append(r.Segments, segmentRecord{round(s.Start), round(s.End), s.best().Text, s.best().Score, nbest(s.Hypotheses)})
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

// rounded are words with times in whole milliseconds; never nil, which JSON would write as null.
func rounded(words []Word) []Word {
	out := make([]Word, len(words))
	for i, w := range words {
		out[i] = Word{w.Text, round(w.Start), round(w.End)}
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
		fmt.Fprintf(b, "%s 1 %d.%03d %d.%03d %s\n", plainID(t.ID), from/1000, from%1000, (to-from)/1000, (to-from)%1000, w.Text)
	}
}

// milliseconds rounds a time; there is none before 0.
func milliseconds(seconds float64) int { return max(0, int(math.Round(1000*seconds))) }
