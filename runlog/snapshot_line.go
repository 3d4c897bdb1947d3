package runlog

import (
	"encoding/json"
	"strconv"
	"time"
)

// appendSnapshot appends the line of s: the members that a record begins with, and one that is named after the kind and
// holds the rest.
func appendSnapshot(buf []byte, s *Snapshot) []byte {
	start := len(buf)
	kind := s.Kind()
	buf = appendHead(buf, s.Step, s.Time)
	buf = append(buf, kind...)
	buf = append(buf, `","`...)
	buf = append(buf, kind...)
	buf = append(buf, `":`...)
	switch kind {
	case CodebookSnapshot:
		buf = appendCodebook(buf, s.Codebook)
	case BatchSnapshot:
		buf = appendBatch(buf, s.Batch)
	case TranscriptSnapshot:
		buf = appendTranscripts(buf, s.Transcripts)
	case AlignmentSnapshot:
		buf = appendAlignment(buf, s.Alignment)
	}
	return appendChecksum(buf, start)
}

// appendSession appends the line that begins the snapshots of a process that continues from step.
func appendSession(buf []byte, step int64, at time.Time) []byte {
	start := len(buf)
	buf = appendHead(buf, step, at)
	buf = append(buf, session+`"`...)
	return appendChecksum(buf, start)
}

func appendCodebook(buf []byte, c *Codebook) []byte {
	buf = appendMember(buf, `{"groups":`, c.Groups)
	buf = appendMember(buf, `,"entries":`, c.Entries)
	buf = append(buf, `,"updates":`...)
	buf = strconv.AppendInt(buf, c.Updates, 10)
	buf = append(buf, `,"counts":`...)
	buf = appendEach(buf, c.Counts, func(buf []byte, n int64) []byte { return strconv.AppendInt(buf, n, 10) })
	return append(buf, '}')
}

func appendBatch(buf []byte, b *Batch) []byte {
	buf = appendText(buf, `{"id":`, b.ID)
	buf = appendText(buf, `,"speaker":`, b.Speaker)
	buf = appendText(buf, `,"text":`, b.Text)
	buf = appendText(buf, `,"sample":`, b.Sample)
	buf = appendMember(buf, `,"samples":`, b.Samples)
	buf = appendMember(buf, `,"rate":`, b.Rate)
	buf = appendMember(buf, `,"frames":`, b.Frames)
	buf = appendMember(buf, `,"rows":`, b.Rows)
	buf = appendMember(buf, `,"epoch":`, b.Epoch)
	buf = appendSpans(append(buf, `,"spans":`...), b.Spans)

	// The masked frames stand as columns, which is short and easily read into a table.
	column := func(buf []byte, number func(m *MaskedFrame) int) []byte {
		return appendEach(buf, b.Masked, func(buf []byte, m MaskedFrame) []byte { return appendInt(buf, number(&m)) })
	}
	buf = column(append(buf, `,"masked":{"frame":`...), func(m *MaskedFrame) int { return m.Frame })
	buf = append(buf, `,"codes":[`...)
	if len(b.Masked) > 0 {
		for g := range b.Masked[0].Codes {
			if g > 0 {
				buf = append(buf, ',')
			}
			buf = column(buf, func(m *MaskedFrame) int { return m.Codes[g] })
		}
	}
	buf = column(append(buf, `],"correct":`...), func(m *MaskedFrame) int {
		if m.Correct {
			return 1
		}
		return 0
	})
	buf = append(buf, `,"positive":`...)
	buf = appendEach(buf, b.Masked, func(buf []byte, m MaskedFrame) []byte { return appendFloat(buf, m.Positive) })
	buf = append(buf, `,"best_negative":`...)
	buf = appendEach(buf, b.Masked, func(buf []byte, m MaskedFrame) []byte { return appendFloat(buf, m.BestNegative) })
	buf = column(append(buf, `,"duplicates":`...), func(m *MaskedFrame) int { return m.Duplicates })

	buf = append(buf, `},"logits":`...)
	buf = appendEach(buf, b.Logits, func(buf []byte, l FrameLogits) []byte {
		buf = appendMember(buf, `{"frame":`, l.Frame)
		buf = appendFloat(append(buf, `,"positive":`...), l.Positive)
		buf = appendEach(append(buf, `,"negatives":`...), l.Negatives, appendFloat)
		buf = appendEach(append(buf, `,"at":`...), l.At, appendInt)
		return append(buf, '}')
	})
	if len(b.Padded) > 0 {
		buf = appendMember(buf, `,"width":`, b.Width)
		buf = appendEach(append(buf, `,"padded":`...), b.Padded, func(buf []byte, r PaddedRow) []byte {
			buf = appendMember(buf, `{"frames":`, r.Frames)
			buf = appendSpans(append(buf, `,"spans":`...), r.Spans)
			buf = appendSpans(append(buf, `,"channels":`...), r.Channels)
			return append(buf, '}')
		})
	}
	return append(buf, '}')
}

func appendSpans(buf []byte, spans [][2]int) []byte {
	return appendEach(buf, spans, func(buf []byte, s [2]int) []byte { return appendEach(buf, s[:], appendInt) })
}

func appendTranscripts(buf []byte, list []Transcript) []byte {
	return appendEach(buf, list, func(buf []byte, t Transcript) []byte {
		buf = appendText(buf, `{"id":`, t.ID)
		buf = appendText(buf, `,"reference":`, t.Reference)
		buf = appendText(buf, `,"hypothesis":`, t.Hypothesis)
		buf = appendNumber(append(buf, `,"loss":`...), t.Loss, 64)
		buf = appendMember(buf, `,"word_errors":`, t.WordErrors)
		buf = appendMember(buf, `,"words":`, t.Words)
		buf = appendMember(buf, `,"char_errors":`, t.CharErrors)
		buf = appendMember(buf, `,"chars":`, t.Chars)
		buf = appendNumber(append(buf, `,"seconds":`...), t.Seconds, 64)
		buf = appendNumber(append(buf, `,"blank_share":`...), t.BlankShare, 64)
		return append(buf, '}')
	})
}

func appendAlignment(buf []byte, a *Alignment) []byte {
	buf = appendText(buf, `{"id":`, a.ID)
	buf = appendText(buf, `,"text":`, a.Text)
	if a.Forced {
		buf = append(buf, `,"forced":true`...)
	}
	buf = appendText(buf, `,"sample":`, a.Sample)
	buf = appendMember(buf, `,"rate":`, a.Rate)
	buf = appendMember(buf, `,"frames":`, a.Frames)
	buf = appendNumber(append(buf, `,"frame_seconds":`...), a.FrameSeconds, 64)
	buf = append(buf, `,"tokens":`...)
	buf = appendEach(buf, a.Tokens, func(buf []byte, t AlignedToken) []byte {
		buf = appendText(buf, `{"label":`, t.Label)
		buf = appendMember(buf, `,"frame":`, t.Frame)
		buf = appendMember(buf, `,"frames":`, t.Frames)
		buf = appendFloat(append(buf, `,"score":`...), t.Score)
		return append(buf, '}')
	})
	buf = appendEach(append(buf, `,"blank":`...), a.Blank, appendFloat)
	return append(buf, '}')
}

func appendEach[T any](buf []byte, list []T, one func([]byte, T) []byte) []byte {
	buf = append(buf, '[')
	for i, v := range list {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = one(buf, v)
	}
	return append(buf, ']')
}

func appendInt(buf []byte, n int) []byte { return strconv.AppendInt(buf, int64(n), 10) }

func appendFloat(buf []byte, v float32) []byte { return appendNumber(buf, float64(v), 32) }

func appendMember(buf []byte, key string, n int) []byte { return appendInt(append(buf, key...), n) }

func appendText(buf []byte, key, text string) []byte {
	quoted, _ := json.Marshal(text) // a string cannot fail; what is not UTF-8 is replaced
	return append(append(buf, key...), quoted...)
}
