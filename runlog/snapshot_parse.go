package runlog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// snapshotHead reads what the line of a snapshot, or of a session marker, begins with. payload is the member named after
// the kind, and empty for a session.
func snapshotHead(body []byte) (kind string, step int64, at time.Time, payload []byte, err error) {
	p := scanner{rest: body}
	step, at, ok := p.head()
	if !ok {
		return "", 0, at, nil, errSyntax
	}
	kind = string(p.until('"'))
	if kind == session && len(p.rest) == 0 {
		return kind, step, at, nil, nil
	}
	if !validName(kind, false) || !p.skip(`,"`) || !p.skip(kind) || !p.skip(`":`) {
		return "", 0, at, nil, errSyntax
	}
	return kind, step, at, p.rest, nil
}

// parseSnapshot reads a whole snapshot from the body of a line (see checkLine).
func parseSnapshot(body []byte) (Snapshot, error) {
	kind, step, at, payload, err := snapshotHead(body)
	if err != nil {
		return Snapshot{}, err
	}
	s := Snapshot{Step: step, Time: at}
	switch SnapshotKind(kind) {
	case CodebookSnapshot:
		s.Codebook, err = parseCodebook(payload)
	case BatchSnapshot:
		s.Batch, err = parseBatch(payload)
	case TranscriptSnapshot:
		s.Transcripts, err = parseTranscripts(payload)
	case AlignmentSnapshot:
		s.Alignment, err = parseAlignment(payload)
	default:
		err = fmt.Errorf("unknown kind of snapshot %q", kind)
	}
	if err == nil {
		err = s.check()
	}
	if err != nil {
		return Snapshot{}, err
	}
	return s, nil
}

func parseCodebook(payload []byte) (*Codebook, error) {
	var line struct {
		Groups  int     `json:"groups"`
		Entries int     `json:"entries"`
		Updates int64   `json:"updates"`
		Counts  []int64 `json:"counts"`
	}
	if err := json.Unmarshal(payload, &line); err != nil {
		return nil, err
	}
	return &Codebook{Groups: line.Groups, Entries: line.Entries, Counts: line.Counts, Updates: line.Updates}, nil
}

func parseBatch(payload []byte) (*Batch, error) {
	var line struct {
		ID      string   `json:"id"`
		Speaker string   `json:"speaker"`
		Text    string   `json:"text"`
		Sample  string   `json:"sample"`
		Samples int      `json:"samples"`
		Rate    int      `json:"rate"`
		Frames  int      `json:"frames"`
		Rows    int      `json:"rows"`
		Epoch   int      `json:"epoch"`
		Spans   [][2]int `json:"spans"`
		Masked  struct {
			Frame        ints   `json:"frame"`
			Codes        []ints `json:"codes"`
			Correct      ints   `json:"correct"`
			Positive     floats `json:"positive"`
			BestNegative floats `json:"best_negative"`
			Duplicates   ints   `json:"duplicates"`
		} `json:"masked"`
		Logits []struct {
			Frame     int    `json:"frame"`
			Positive  single `json:"positive"`
			Negatives floats `json:"negatives"`
			At        ints   `json:"at"`
		} `json:"logits"`
		Width  int `json:"width"`
		Padded []struct {
			Frames   int      `json:"frames"`
			Spans    [][2]int `json:"spans"`
			Channels [][2]int `json:"channels"`
		} `json:"padded"`
	}
	if err := json.Unmarshal(payload, &line); err != nil {
		return nil, err
	}
	b := &Batch{ID: line.ID, Speaker: line.Speaker, Text: line.Text, Sample: line.Sample, Samples: line.Samples, Rate: line.Rate,
		Frames: line.Frames, Rows: line.Rows, Epoch: line.Epoch, Spans: line.Spans, Width: line.Width}
	for _, r := range line.Padded {
		b.Padded = append(b.Padded, PaddedRow(r))
	}
	m := &line.Masked
	n := len(m.Frame)
	for _, have := range []int{len(m.Correct), len(m.Positive), len(m.BestNegative), len(m.Duplicates)} {
		if have != n {
			return nil, fmt.Errorf("columns of %d and %d masked frames", n, have)
		}
	}
	for _, column := range m.Codes {
		if len(column) != n {
			return nil, fmt.Errorf("codes of %d masked frames of %d", len(column), n)
		}
	}
	codes := make([]int, n*len(m.Codes))
	for i := range n {
		f := MaskedFrame{Frame: m.Frame[i], Correct: m.Correct[i] != 0, Positive: m.Positive[i], BestNegative: m.BestNegative[i], Duplicates: m.Duplicates[i]}
		f.Codes, codes = codes[:len(m.Codes):len(m.Codes)], codes[len(m.Codes):]
		for g, column := range m.Codes {
			f.Codes[g] = column[i]
		}
		b.Masked = append(b.Masked, f)
	}
	for _, l := range line.Logits {
		b.Logits = append(b.Logits, FrameLogits{l.Frame, float32(l.Positive), l.Negatives, l.At})
	}
	return b, nil
}

func parseTranscripts(payload []byte) ([]Transcript, error) {
	var lines []struct {
		ID         string `json:"id"`
		Reference  string `json:"reference"`
		Hypothesis string `json:"hypothesis"`
		Loss       float  `json:"loss"`
		WordErrors int    `json:"word_errors"`
		Words      int    `json:"words"`
		CharErrors int    `json:"char_errors"`
		Chars      int    `json:"chars"`
		Seconds    float  `json:"seconds"`
		BlankShare float  `json:"blank_share"`
	}
	if err := json.Unmarshal(payload, &lines); err != nil {
		return nil, err
	}
	list := make([]Transcript, len(lines))
	for i, l := range lines {
		list[i] = Transcript{l.ID, l.Reference, l.Hypothesis, float64(l.Loss), l.WordErrors, l.Words, l.CharErrors, l.Chars,
			float64(l.Seconds), float64(l.BlankShare)}
	}
	return list, nil
}

func parseAlignment(payload []byte) (*Alignment, error) {
	var line struct {
		ID           string `json:"id"`
		Text         string `json:"text"`
		Forced       bool   `json:"forced"`
		Sample       string `json:"sample"`
		Rate         int    `json:"rate"`
		Frames       int    `json:"frames"`
		FrameSeconds float  `json:"frame_seconds"`
		Tokens       []struct {
			Label  string `json:"label"`
			Frame  int    `json:"frame"`
			Frames int    `json:"frames"`
			Score  single `json:"score"`
		} `json:"tokens"`
		Blank floats `json:"blank"`
	}
	if err := json.Unmarshal(payload, &line); err != nil {
		return nil, err
	}
	a := &Alignment{ID: line.ID, Text: line.Text, Forced: line.Forced, Sample: line.Sample, Rate: line.Rate, Frames: line.Frames,
		FrameSeconds: float64(line.FrameSeconds), Blank: line.Blank}
	for _, t := range line.Tokens {
		a.Tokens = append(a.Tokens, AlignedToken{t.Label, t.Frame, t.Frames, float32(t.Score)})
	}
	return a, nil
}

// float is a number as appendNumber writes it.
type float float64

// UnmarshalJSON also reads the non-finite numbers.
func (f *float) UnmarshalJSON(data []byte) error {
	p := scanner{rest: data}
	v, ok := p.number(64)
	if !ok || len(p.rest) > 0 {
		return errSyntax
	}
	*f = float(v)
	return nil
}

// single is a float32 as appendNumber writes it.
type single float32

// UnmarshalJSON also reads the non-finite numbers.
func (f *single) UnmarshalJSON(data []byte) error {
	p := scanner{rest: data}
	v, ok := p.number(32)
	if !ok || len(p.rest) > 0 {
		return errSyntax
	}
	*f = single(v)
	return nil
}

// floats are numbers as appendNumber writes those of float32, without blanks between them.
type floats []float32

// UnmarshalJSON also reads the non-finite numbers.
func (f *floats) UnmarshalJSON(data []byte) (err error) {
	*f, err = parseArray(data, func(p *scanner) (float32, bool) {
		v, ok := p.number(32)
		return float32(v), ok
	})
	return err
}

// ints are whole numbers without blanks between them. They are read here because encoding/json takes four times as long.
type ints []int

// UnmarshalJSON reads an array.
func (l *ints) UnmarshalJSON(data []byte) (err error) {
	*l, err = parseArray(data, (*scanner).int)
	return err
}

func parseArray[T any](data []byte, one func(*scanner) (T, bool)) ([]T, error) {
	p := scanner{rest: data}
	if string(data) == `[]` {
		return nil, nil
	}
	if !p.skip(`[`) {
		return nil, errSyntax
	}
	list := make([]T, 0, bytes.Count(data, []byte{','})+1)
	for {
		v, ok := one(&p)
		if !ok {
			return nil, errSyntax
		}
		list = append(list, v)
		if !p.skip(`,`) {
			break
		}
	}
	if !p.skip(`]`) || len(p.rest) > 0 {
		return nil, errSyntax
	}
	return list, nil
}
