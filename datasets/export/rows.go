package export

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"aural/audio"
	"aural/audio/flac"
	"aural/datasets"
)

// part is the rows of one split, in order.
type part struct {
	split       string // "" only where the layout can do without
	rows        []int  // of the store
	transcripts int    // how many rows have one
}

// unnamed is the split, in layouts in which every row has one, of rows for which the store knows none.
const unnamed = "train"

// split returns the split of a row in the layout.
func (f Format) split(u datasets.Utterance) string {
	if u.Split == "" && (f == Fairseq || f == HuggingFace) {
		return unnamed
	}
	return u.Split
}

// name is the split as a part of the name of a file.
func (p *part) name() string { return unsafeInName.ReplaceAllString(p.split, "_") }

var unsafeInName = regexp.MustCompile(`[^A-Za-z0-9_.-]|^[.-]`)

// plan reads the texts of all rows once, to refuse what cannot be written before anything is, and sorts the rows by split.
func plan(from datasets.Selection, format Format) ([]part, error) {
	if from.Store == nil {
		return nil, errors.New("export: there is no store to export from")
	}
	var parts []part
	at := map[string]int{}
	for row := range rows(from) {
		u, err := from.Store.Utterance(row)
		if err != nil {
			return nil, fmt.Errorf("export: %w", err)
		}
		if err := check(u); err != nil {
			return nil, fmt.Errorf("export: row %d of %s: %w", row, from.Store.Where(), err)
		}
		split := format.split(u)
		i, known := at[split]
		if !known {
			i = len(parts)
			at[split] = i
			parts = append(parts, part{split: split})
		}
		parts[i].rows = append(parts[i].rows, row)
		if strings.TrimSpace(u.Transcript) != "" {
			parts[i].transcripts++
		}
	}
	if len(parts) == 0 {
		return nil, errors.New("export: there are no rows to export")
	}
	return parts, nil
}

// rows yields the rows of a selection.
func rows(from datasets.Selection) iter.Seq[int] {
	return func(yield func(int) bool) {
		if from.Rows == nil {
			for row := range from.Store.Len() {
				if !yield(row) {
					return
				}
			}
			return
		}
		for e := range from.Rows.All() {
			if !yield(e.Row) {
				return
			}
		}
	}
}

// check refuses ids that are no paths to write to, and texts that a manifest cannot hold.
func check(u datasets.Utterance) error {
	if err := checkID(u.ID); err != nil {
		return err
	}
	for _, text := range []string{u.Speaker, u.Transcript, u.Split} {
		if !utf8.ValidString(text) {
			return fmt.Errorf("%q of id %q is not UTF-8", text, u.ID)
		}
	}
	return nil
}

// checkID allows relative paths with slashes that stay where they are put. Elements that begin with a dot are ".", "..", or
// hidden files, which no reader of a folder would find.
func checkID(id string) error {
	why := ""
	switch {
	case !utf8.ValidString(id):
		why = "it is not UTF-8"
	case strings.ContainsFunc(id, unicode.IsControl):
		why = "it has a control character"
	case strings.TrimSpace(id) != id:
		why = "it begins or ends with a blank"
	case strings.HasPrefix(id, "."), strings.Contains(id, "/."):
		why = "an element begins with a dot"
	case path.Clean(id) != id, strings.HasPrefix(id, "/"), !filepath.IsLocal(filepath.FromSlash(id)):
		why = "it is absolute or has an empty element"
	default:
		return nil
	}
	return fmt.Errorf("the id %q cannot be the name of a file: %s", id, why)
}

// recording is a row with its audio as a file.
type recording struct {
	datasets.Utterance
	name string // of the file: the id with an extension
	file []byte // valid until the next recording
}

// recordings yields the rows with their audio, and counts them. It ends with an error when the context does.
func (e *exporter) recordings(rows []int) iter.Seq2[recording, error] {
	return func(yield func(recording, error) bool) {
		var r recording
		var samples []int16
		for _, row := range rows {
			err := e.ctx.Err()
			var pcm []byte
			if err == nil {
				r.Utterance, err = e.store.Utterance(row)
			}
			if err == nil {
				pcm, err = e.store.PCM(row)
			}
			if err != nil {
				yield(recording{}, fmt.Errorf("export: %s: %w", e.store.Where(), err))
				return
			}
			samples = samples[:0]
			for i := 0; i+1 < len(pcm); i += 2 {
				samples = append(samples, int16(binary.LittleEndian.Uint16(pcm[i:])))
			}
			r.name = r.ID + "." + string(e.opt.Codec)
			r.file = e.opt.Codec.encode(r.file[:0], samples)
			if !yield(r, nil) {
				return
			}
			e.sum.Rows++
			e.sum.Samples += int64(len(samples))
			if e.progress != nil {
				e.progress(e.sum.Rows)
			}
		}
	}
}

// encode appends the file that holds samples.
func (c Codec) encode(dst []byte, samples []int16) []byte {
	if c == FLAC {
		return flac.Append16(dst, datasets.Rate, samples)
	}
	return audio.AppendWAV16(dst, datasets.Rate, samples)
}
