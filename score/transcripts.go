package score

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Format is a file format of transcripts.
type Format string

const (
	Auto  Format = "auto"  // by content
	Kaldi Format = "kaldi" // "ID words", a line each
	JSONL Format = "jsonl" // {"id": "...", "text": "..."}, optionally with "speaker"; a line each
	TRN   Format = "trn"   // sclite's "words (ID)"; lines that begin with ";;" are comments
)

// Formats lists the formats.
func Formats() []Format { return []Format{Auto, Kaldi, JSONL, TRN} }

// MaxFile bounds the size of a file of transcripts, in bytes.
const MaxFile = 1 << 30

// Transcript is a text and whose it is.
type Transcript struct{ ID, Speaker, Text string }

// ReadTranscripts reads a file of transcripts. With Auto it is JSONL when the first line begins with "{"; TRN when every line
// ends with an ID in parentheses; and Kaldi otherwise. The text is what stands between ID and end of line without the white
// space around it; in JSONL it is taken as it is. Texts may be empty. IDs must be there, and once; the text must be UTF-8.
func ReadTranscripts(r io.Reader, f Format) ([]Transcript, error) {
	lines, err := readLines(r)
	if err != nil {
		return nil, err
	}
	if f == Auto {
		f = detect(lines)
	}
	parse := map[Format]func(string) (Transcript, error){Kaldi: parseKaldi, JSONL: parseJSON, TRN: parseTRN}[f]
	if parse == nil {
		return nil, fmt.Errorf("score: no format %q: want auto, kaldi, jsonl or trn", f)
	}
	var list []Transcript
	first := map[string]int{}
	for _, l := range lines {
		if f == TRN && strings.HasPrefix(l.text, ";;") {
			continue
		}
		t, err := parse(l.text)
		if err == nil && t.ID == "" {
			err = fmt.Errorf("no utterance ID")
		}
		if err != nil {
			return nil, fmt.Errorf("line %d, read as %s: %w", l.number, f, err)
		}
		if n, twice := first[t.ID]; twice {
			return nil, fmt.Errorf("line %d: utterance %q is there already, in line %d; an ID must be used once", l.number, t.ID, n)
		}
		first[t.ID] = l.number
		list = append(list, t)
	}
	return list, nil
}

type line struct {
	number int
	text   string
}

// readLines gives the lines with something on them, trimmed.
func readLines(r io.Reader) ([]line, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxFile {
		return nil, fmt.Errorf("more than %d bytes: this is no file of transcripts", MaxFile)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	var list []line
	number := 0
	for text := range bytes.SplitSeq(data, []byte("\n")) {
		number++
		if !utf8.Valid(text) {
			return nil, fmt.Errorf("line %d is not UTF-8: convert the file first", number)
		}
		if text = bytes.TrimSpace(text); len(text) > 0 {
			list = append(list, line{number, string(text)})
		}
	}
	return list, nil
}

func detect(lines []line) Format {
	if len(lines) > 0 && lines[0].text[0] == '{' {
		return JSONL
	}
	some := false
	for _, l := range lines {
		if strings.HasPrefix(l.text, ";;") {
			continue
		}
		if _, id := splitTRN(l.text); id == "" {
			return Kaldi
		}
		some = true
	}
	if some {
		return TRN
	}
	return Kaldi
}

func parseKaldi(s string) (Transcript, error) {
	id := strings.Fields(s)[0]
	return Transcript{ID: id, Text: strings.TrimSpace(s[len(id):])}, nil
}

// splitTRN cuts the ID in parentheses off the end of a line; the ID is empty when there is none.
func splitTRN(s string) (text, id string) {
	open := strings.LastIndexByte(s, '(')
	if open < 0 || !strings.HasSuffix(s, ")") {
		return s, ""
	}
	id = s[open+1 : len(s)-1]
	if strings.ContainsAny(id, "()") || len(strings.Fields(id)) != 1 || strings.TrimSpace(id) != id {
		return s, ""
	}
	return strings.TrimSpace(s[:open]), id
}

func parseTRN(s string) (Transcript, error) {
	text, id := splitTRN(s)
	if id == "" {
		return Transcript{}, fmt.Errorf("want words and an ID in parentheses at the end")
	}
	if words := strings.Fields(text); slices.Contains(words, "{") {
		return Transcript{}, fmt.Errorf("utterance %q has alternatives in braces, which are not scored: choose one", id)
	}
	return Transcript{ID: id, Text: text}, nil
}

func parseJSON(s string) (Transcript, error) {
	var v struct {
		ID, Text *string
		Speaker  string
	}
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		return Transcript{}, err
	}
	switch {
	case v.ID == nil:
		return Transcript{}, fmt.Errorf(`no "id"`)
	case v.Text == nil:
		return Transcript{}, fmt.Errorf(`utterance %q has no "text"`, *v.ID)
	}
	return Transcript{*v.ID, v.Speaker, *v.Text}, nil
}

// ReadSpeakers reads whose utterances are, in the form of Kaldi's utt2spk: "ID speaker", a line each.
func ReadSpeakers(r io.Reader) (map[string]string, error) {
	lines, err := readLines(r)
	if err != nil {
		return nil, err
	}
	speakers := make(map[string]string, len(lines))
	for _, l := range lines {
		words := strings.Fields(l.text)
		if len(words) != 2 {
			return nil, fmt.Errorf("line %d: %d words, want an utterance ID and a speaker", l.number, len(words))
		}
		if _, twice := speakers[words[0]]; twice {
			return nil, fmt.Errorf("line %d: utterance %q is there twice", l.number, words[0])
		}
		speakers[words[0]] = words[1]
	}
	return speakers, nil
}

// Missing says what becomes of an utterance that only one file has.
type Missing string

const (
	MissingError  Missing = "error"  // an error that names it
	MissingIgnore Missing = "ignore" // it is left out
	MissingEmpty  Missing = "empty"  // the other text is empty: all of it is deleted or inserted
)

// Match brings references and hypotheses together by ID, in the order of the references, with utterances of the hypothesis
// alone at the end. Unmatched is the number of utterances that only one side has. The speaker is the reference's, or else the
// hypothesis'.
func Match(ref, hyp []Transcript, m Missing) (items []Item, unmatched int, err error) {
	if !slices.Contains([]Missing{MissingError, MissingIgnore, MissingEmpty}, m) {
		return nil, 0, fmt.Errorf("score: missing utterances: %q, want error, ignore or empty", m)
	}
	rest := make(map[string]Transcript, len(hyp))
	for _, h := range hyp {
		rest[h.ID] = h
	}
	var noHyp, noRef []string
	for _, t := range ref {
		h, ok := rest[t.ID]
		delete(rest, t.ID)
		if !ok {
			noHyp = append(noHyp, t.ID)
			if m == MissingIgnore {
				continue
			}
		}
		speaker := t.Speaker
		if speaker == "" {
			speaker = h.Speaker
		}
		items = append(items, Item{t.ID, speaker, t.Text, h.Text})
	}
	for _, h := range hyp {
		if _, left := rest[h.ID]; !left {
			continue
		}
		noRef = append(noRef, h.ID)
		if m == MissingEmpty {
			items = append(items, Item{ID: h.ID, Speaker: h.Speaker, Hyp: h.Text})
		}
	}
	if unmatched = len(noHyp) + len(noRef); m == MissingError && unmatched > 0 {
		var parts []string
		if len(noHyp) > 0 {
			parts = append(parts, fmt.Sprintf("%d without hypothesis (%s)", len(noHyp), some(noHyp)))
		}
		if len(noRef) > 0 {
			parts = append(parts, fmt.Sprintf("%d without reference (%s)", len(noRef), some(noRef)))
		}
		return nil, unmatched, fmt.Errorf("utterances that only one file has: %s", strings.Join(parts, ", "))
	}
	return items, unmatched, nil
}

// some names the first few.
func some(ids []string) string {
	const most = 5
	if len(ids) > most {
		return strings.Join(ids[:most], ", ") + ", …"
	}
	return strings.Join(ids, ", ")
}
