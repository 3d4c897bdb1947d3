package corpora

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"slices"
	"strings"

	"aural/datasets"
)

// Table lists a table with a header line: tab-separated, quotes being ordinary characters, or, when the header says so,
// comma- separated with quotes as in RFC 4180. The column path (file_name, wav_filename, wav) is needed; id, speaker
// (client_id, speaker_id, spk_id), transcript (sentence, text, transcription, wrd) and split are used when they are there,
// others ignored. Paths are relative to the folder of the table.
func Table(path string) (*datasets.Listing, error) {
	text, err := readManifest(path)
	if err != nil {
		return nil, err
	}
	r, err := openRoot(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	var c catalog
	for row, err := range parseTable(text) {
		if err != nil {
			return nil, fmt.Errorf("corpora: table %s: %w", path, err)
		}
		if row.Fault == nil {
			r.locate(&row.Item)
		}
		c.add(row.Item, place{filepath.Base(path), row.line})
	}
	return c.listing("table " + path)
}

// locate resolves the name of a row. An absolute name becomes a relative one, so that the store does not depend on where
// the corpus lies.
func (r root) locate(item *datasets.Item) {
	name := filepath.FromSlash(item.Name)
	if item.Path, item.Fault = r.resolve(name); item.Fault != nil || !filepath.IsAbs(name) {
		return
	}
	if rel, err := filepath.Rel(r.real, item.Path); err == nil {
		named := item.ID != stem(item.Name)
		item.Name = filepath.ToSlash(rel)
		if !named {
			item.ID = stem(item.Name)
		}
	}
}

// tableRow is a row of a table, without the path of its file.
type tableRow struct {
	datasets.Item
	line int // from 1
}

// tableColumns names the columns of a table and their other names in common corpora.
var tableColumns = [...][]string{
	{"path", "file_name", "wav_filename", "wav"}, {"id"}, {"speaker", "client_id", "speaker_id", "spk_id"},
	{"transcript", "sentence", "text", "transcription", "wrd"}, {"split"},
}

const (
	tablePath = iota
	tableID
	tableSpeaker
	tableTranscript
	tableSplit
)

// tableHeader returns the place of each column of tableColumns, or -1.
func tableHeader(cells []string) (at [len(tableColumns)]int) {
	header := make([]string, len(cells))
	for i, cell := range cells {
		header[i] = strings.ToLower(strings.TrimSpace(cell))
	}
	for c, names := range tableColumns {
		at[c] = -1
		for _, name := range names { // the first name wins over the others
			if at[c] < 0 {
				at[c] = slices.Index(header, name)
			}
		}
	}
	return at
}

func looksLikeTable(text string) bool {
	for _, cells := range tableCells(text) {
		return tableHeader(cells)[tablePath] >= 0
	}
	return false
}

// tableCells yields the cells of the lines that are not empty. A line that cannot be split has none.
func tableCells(text string) iter.Seq2[tableLine, []string] {
	header, _, _ := strings.Cut(strings.TrimPrefix(text, byteOrderMark), "\n")
	if tableHeader(strings.Split(strings.TrimSuffix(header, "\r"), "\t"))[tablePath] < 0 {
		return commaCells(text)
	}
	return func(yield func(tableLine, []string) bool) {
		for number, line := range textLines(text) {
			if line != "" && !yield(tableLine{number, nil}, strings.Split(line, "\t")) {
				return
			}
		}
	}
}

// tableLine is where cells come from.
type tableLine struct {
	number int
	fault  *datasets.Fault // it cannot be split
}

func commaCells(text string) iter.Seq2[tableLine, []string] {
	return func(yield func(tableLine, []string) bool) {
		r := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, byteOrderMark)))
		r.FieldsPerRecord = -1 // rows are compared with the header later
		for {
			cells, err := r.Read()
			if err == io.EOF {
				return
			}
			var line tableLine
			if wrong := (*csv.ParseError)(nil); errors.As(err, &wrong) {
				line = tableLine{wrong.StartLine, badEntry("%v", wrong.Err)}
				cells = nil
			} else if len(cells) > 0 {
				line.number, _ = r.FieldPos(0)
			}
			if !yield(line, cells) {
				return
			}
		}
	}
}

// parseTable yields the rows as items without Path. A row that does not fit the header becomes an item with a fault; a
// header without a path is an error, the only one.
func parseTable(text string) iter.Seq2[tableRow, error] {
	return func(yield func(tableRow, error) bool) {
		var at [len(tableColumns)]int
		width := -1
		for line, cells := range tableCells(text) {
			if width < 0 {
				if at, width = tableHeader(cells), len(cells); at[tablePath] < 0 {
					yield(tableRow{}, fmt.Errorf("the header %q has no column path", cells))
					return
				}
				continue
			}
			if line.fault == nil && len(cells) != width {
				line.fault = badEntry("it has %d columns, the header has %d", len(cells), width)
			}
			row := tableRow{datasets.Item{Fault: line.fault}, line.number}
			if line.fault != nil && len(cells) > 0 {
				row.Name, row.ID = cells[0], cells[0]
			}
			if line.fault == nil {
				row.Item = tableItem(cells, at)
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// tableItem is what the cells of a row say.
func tableItem(cells []string, at [len(tableColumns)]int) datasets.Item {
	cell := func(column int) string {
		if at[column] < 0 {
			return ""
		}
		return strings.TrimSpace(cells[at[column]])
	}
	item := datasets.Item{ID: cell(tableID), Name: filepath.ToSlash(cell(tablePath)), Speaker: cell(tableSpeaker),
		Transcript: cell(tableTranscript), Split: cell(tableSplit)}
	if strings.Contains(item.Transcript, "\n") { // between quotes
		item.Transcript = strings.Join(strings.Fields(item.Transcript), " ")
	}
	if item.ID == "" {
		item.ID = stem(item.Name)
	}
	if item.Name == "" {
		item.Fault = badEntry("it has no path")
	}
	return item
}
