// Package transcript writes what was recognised in recordings, or aligned with them: plain text, JSON, SubRip and WebVTT captions, the trn and CTM files of NIST's sclite, TextGrids
// of Praat and label tracks of Audacity.
package transcript

import (
	"fmt"
	"strings"
)

// Word is a word, or a token of one, and when it is said, in seconds from the beginning of the recording.
type Word struct {
	Text       string  `json:"word"`
	Start      float64 `json:"start"`
	End        float64 `json:"end"`
	Confidence float64 `json:"confidence,omitempty"` // 0 to 1; 0: not known
}

// Hypothesis is one text for a segment. Scores are natural logarithms.
type Hypothesis struct {
	Text     string  `json:"text"`
	Words    []Word  `json:"words"`
	Score    float64 `json:"score"`
	Acoustic float64 `json:"acoustic"`
	LM       float64 `json:"lm"`    // of the language model, unweighted
	Boost    float64 `json:"boost"` // of hotwords

	// Of alignments only.
	Tokens     []Word  `json:"-"`
	Confidence float64 `json:"-"` // 0 to 1; 0: not known
}

// Segment is a stretch of a recording that was recognised as one utterance.
type Segment struct {
	Start, End float64      // seconds
	Hypotheses []Hypothesis // best first, at least one
}

// Transcript is what was recognised in a recording.
type Transcript struct {
	ID       string
	Path     string // of the recording, "" when it is in a store
	Seconds  float64
	Segments []Segment // in order; none in a recording without speech
	Lines    bool      // segments are lines of a given text: no caption holds words of two
}

// best is the most probable hypothesis.
func (s *Segment) best() *Hypothesis {
	if len(s.Hypotheses) == 0 {
		return &Hypothesis{}
	}
	return &s.Hypotheses[0]
}

// Text is the most probable text: that of all segments, with spaces between.
func (t *Transcript) Text() string {
	var parts []string
	for i := range t.Segments {
		if text := t.Segments[i].best().Text; text != "" {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, " ")
}

// Words are those of the most probable text.
func (t *Transcript) Words() []Word {
	var list []Word
	for i := range t.Segments {
		list = append(list, t.Segments[i].best().Words...)
	}
	return list
}

// Score is that of the most probable text, summed over the segments.
func (t *Transcript) Score() float64 {
	sum := 0.0
	for i := range t.Segments {
		sum += t.Segments[i].best().Score
	}
	return sum
}

// joint is what stands between words: nothing where the writing system has no spaces.
func (t *Transcript) joint() string {
	for i := range t.Segments {
		h := t.Segments[i].best()
		if len(h.Words) > 1 && !strings.Contains(h.Text, " ") {
			return ""
		}
	}
	return " "
}

// Format is a kind of file.
type Format string

const (
	Text  Format = "txt"   // the text, a line
	JSON  Format = "json"  // an object for each recording, indented
	JSONL Format = "jsonl" // the same, a line each
	SRT   Format = "srt"   // SubRip captions
	VTT   Format = "vtt"   // WebVTT captions (W3C)
	CTM   Format = "ctm"   // time-marked words: recording, channel, start, duration, word, confidence if known (NIST sclite)
	TRN   Format = "trn"   // words (ID) (NIST sclite)

	TextGrid Format = "textgrid" // tiers of intervals (Praat)
	Audacity Format = "audacity" // a label track (Audacity)
)

// Formats are all formats.
func Formats() []Format { return []Format{Text, JSON, JSONL, SRT, VTT, CTM, TRN, TextGrid, Audacity} }

// ParseFormat refuses a name that is no format.
func ParseFormat(s string) (Format, error) {
	var names []string
	for _, f := range Formats() {
		if s == string(f) {
			return f, nil
		}
		names = append(names, string(f))
	}
	return "", fmt.Errorf("transcript: no format %q; there are %s", s, strings.Join(names, ", "))
}

// Joins reports whether the files of several recordings, one behind the other, are a file of the format. Captions and labels are not: their times begin anew.
func (f Format) Joins() bool { return f != SRT && f != VTT && f != TextGrid && f != Audacity }

// Extension is the end of the names of files, with its dot.
func (f Format) Extension() string {
	switch f {
	case TextGrid:
		return ".TextGrid"
	case Audacity:
		return ".txt"
	}
	return "." + string(f)
}
