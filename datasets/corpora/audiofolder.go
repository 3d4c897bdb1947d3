package corpora

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"aural/datasets"
)

// The metadata files of an AudioFolder, of which a folder has one.
const (
	metadataCSV   = "metadata.csv"
	metadataJSONL = "metadata.jsonl"
)

// AudioFolder lists a folder as Hugging Face's loader of that name does: a metadata.csv or metadata.jsonl, in the folder or in
// those of its splits, whose column file_name names the recordings relative to itself; transcript, speaker and id in the
// columns that [ChooseColumns] knows. Without metadata every audio file is a recording and its folder names its class, which
// becomes the speaker. The split is what the path says, as in train/a.wav.
func AudioFolder(dir string) (*datasets.Listing, error) {
	r, files, err := openTree(dir)
	if err != nil {
		return nil, err
	}
	var items []datasets.Item
	listed := map[string]bool{}
	tables := 0
	for _, f := range files {
		if base := path.Base(f.name); base != metadataCSV && base != metadataJSONL {
			continue
		}
		tables++
		if f.fault != nil {
			return nil, fmt.Errorf("corpora: AudioFolder %s: %s", dir, f.fault.Reason)
		}
		rows, err := r.audioFolderTable(f)
		if err != nil {
			return nil, err
		}
		for _, item := range rows {
			listed[item.Path] = true
		}
		items = append(items, rows...)
	}
	if tables > 0 {
		unlisted := 0
		for _, f := range files {
			if isAudioName(f.name) && f.fault == nil && !listed[f.path] {
				unlisted++
			}
		}
		return datasets.NewListing("AudioFolder "+dir, items, fmt.Sprintf("%d audio files that the metadata does not list ignored", unlisted))
	}
	for _, f := range files {
		if isAudioName(f.name) || f.fault != nil {
			class := path.Base(path.Dir(f.name))
			if SplitOf(class+"/x") != "" || class == "." {
				class = ""
			}
			items = append(items, datasets.Item{ID: stem(f.name), Speaker: class, Split: SplitOf(path.Dir(f.name) + "/x"), Name: f.name, Path: f.path, Fault: f.fault})
		}
	}
	return datasets.NewListing("AudioFolder "+dir+" without metadata", items)
}

// audioFolderTable lists the rows of one metadata file.
func (r root) audioFolderTable(f treeFile) ([]datasets.Item, error) {
	text, err := readManifest(f.path)
	if err != nil {
		return nil, err
	}
	parse := parseMetadataJSONL
	if path.Base(f.name) == metadataCSV {
		parse = parseMetadataCSV
	}
	rows, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("corpora: AudioFolder table %s: %w", f.path, err)
	}
	items := make([]datasets.Item, len(rows))
	for i, row := range rows {
		item := datasets.Item{ID: row.ID, Speaker: row.Speaker, Transcript: row.Transcript, Name: path.Join(path.Dir(f.name), row.Path), Fault: row.fault}
		item.Split = SplitOf(path.Dir(item.Name) + "/x")
		if path.IsAbs(row.Path) {
			item.Name = row.Path
		}
		if item.Fault != nil {
			item.Name = fmt.Sprintf("%s line %d", f.name, row.line)
		} else if item.Path, item.Fault = r.resolve(filepath.FromSlash(item.Name)); item.Fault == nil && path.IsAbs(item.Name) {
			rel, err := filepath.Rel(r.real, item.Path) // the store does not depend on where the corpus lies
			if err != nil {
				return nil, fmt.Errorf("corpora: %w", err)
			}
			item.Name = filepath.ToSlash(rel)
		}
		if item.ID == "" {
			item.ID = stem(item.Name)
		}
		items[i] = item
	}
	return items, nil
}

// metadataRow is a row of a metadata file.
type metadataRow struct {
	Record
	line  int
	fault *datasets.Fault
}

func badRow(line int, format string, args ...any) metadataRow {
	return metadataRow{line: line, fault: &datasets.Fault{Kind: datasets.FaultEntry, Reason: fmt.Sprintf("line %d: "+format, append([]any{line}, args...)...)}}
}

// metadataColumns finds the columns of a header; the audio is the column file_name.
func metadataColumns(header []string) (Columns, error) {
	fields := make([]Field, len(header))
	for i, name := range header {
		fields[i] = Field{strings.TrimSpace(name), FieldText}
	}
	at := slices.IndexFunc(fields, func(f Field) bool { return f.Name == "file_name" })
	if at < 0 {
		return Columns{}, fmt.Errorf("no column file_name; there are %q", header)
	}
	features := `{"info":{"features":{"file_name":{"_type":"Audio"}}}}`
	return ChooseColumns(fields, features)
}

// parseMetadataCSV reads comma-separated values, RFC 4180. A row that does not fit the header becomes one with a fault.
func parseMetadataCSV(text string) ([]metadataRow, error) {
	reader := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	reader.FieldsPerRecord = -1
	header, err := reader.Read()
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	c, err := metadataColumns(header)
	if err != nil {
		return nil, err
	}
	var rows []metadataRow
	for {
		cells, err := reader.Read()
		var damaged *csv.ParseError
		switch {
		case err == io.EOF:
			return rows, nil
		case errors.As(err, &damaged):
			rows = append(rows, badRow(damaged.StartLine, "%v, noticed in line %d", damaged.Err, damaged.Line))
			continue
		case err != nil:
			return nil, err
		}
		line, _ := reader.FieldPos(0)
		if len(cells) != len(header) {
			rows = append(rows, badRow(line, "%d columns, the header has %d", len(cells), len(header)))
			continue
		}
		rows = append(rows, newMetadataRow(line, c, func(i int) string { return cells[i] }))
	}
}

// parseMetadataJSONL reads one JSON object a line.
func parseMetadataJSONL(text string) ([]metadataRow, error) {
	var rows []metadataRow
	named := false
	for line, object := range textLines(text) {
		if strings.TrimSpace(object) == "" {
			continue
		}
		fields, err := textFields([]byte(object))
		if err != nil {
			rows = append(rows, badRow(line, "no JSON object: %v", err))
			continue
		}
		names := slices.Sorted(maps.Keys(fields))
		c, err := metadataColumns(names)
		if err != nil {
			rows = append(rows, badRow(line, "%v", err))
			continue
		}
		named = true
		rows = append(rows, newMetadataRow(line, c, func(i int) string { return fields[names[i]] }))
	}
	if !named {
		return nil, fmt.Errorf("no line is a JSON object with a file_name")
	}
	return rows, nil
}

func newMetadataRow(line int, c Columns, cell func(int) string) metadataRow {
	text := func(column int) string {
		if column < 0 {
			return ""
		}
		return strings.TrimSpace(cell(column))
	}
	row := metadataRow{line: line, Record: Record{Path: filepath.ToSlash(text(c.Audio)), ID: recordID(text(c.ID)), Speaker: text(c.Speaker), Transcript: text(c.Transcript)}}
	if row.Path == "" {
		return badRow(line, "no file_name")
	}
	return row
}

// textFields returns the fields of a JSON object that are strings or numbers. Numbers keep their digits.
func textFields(object []byte) (map[string]string, error) {
	var fields map[string]any
	decoder := json.NewDecoder(strings.NewReader(string(object)))
	decoder.UseNumber() // a speaker 14 is not 1.4e+01
	if err := decoder.Decode(&fields); err != nil {
		return nil, err
	}
	out := map[string]string{}
	for name, value := range fields {
		switch v := value.(type) {
		case string:
			out[name] = v
		case json.Number:
			out[name] = v.String()
		}
	}
	return out, nil
}

// looksLikeAudioFolder: a metadata file with a file_name, in the folder or in one below it. LJSpeech has a metadata.csv too.
func looksLikeAudioFolder(p *probe) bool {
	r, err := openRoot(p.path)
	if err != nil {
		return false
	}
	for _, pattern := range []string{"metadata.*", "*/metadata.*", "*/*/metadata.*"} {
		found, err := filepath.Glob(filepath.Join(globEscape(r.real), pattern))
		if err != nil {
			return false
		}
		for _, file := range found {
			if base := filepath.Base(file); base != metadataCSV && base != metadataJSONL || !r.contains(file) {
				continue
			}
			if head, err := look(file); err == nil && strings.Contains(head.head, "file_name") {
				return true
			}
		}
	}
	return false
}
