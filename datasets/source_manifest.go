package datasets

import (
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// maxManifest bounds what is read into memory as a list of files: about ten million lines.
const maxManifest = 1 << 30

func readManifest(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("datasets: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxManifest {
		return "", fmt.Errorf("datasets: %s is no manifest: not a regular file, or larger than %d bytes", path, maxManifest)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("datasets: %w", err)
	}
	return string(data), nil
}

// textLines yields the lines of text, numbered from 1, without line ends, carriage returns and a byte order mark. The part
// after the last line end is a line when it is not empty.
func textLines(text string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		text = strings.TrimPrefix(text, "\ufeff")
		for number := 1; text != ""; number++ {
			var line string
			line, text, _ = strings.Cut(text, "\n")
			if !yield(number, strings.TrimSuffix(line, "\r")) {
				return
			}
		}
	}
}

// FairseqManifest lists a fairseq manifest: the root on the first line, then path, tab, number of samples. Transcripts come
// from the file of the same name with the extension .wrd (words) or else .ltr (letters, words ended by "|"), one line each.
// The split is the name of the manifest, as train in train.tsv. root replaces the root of the first line unless it is "".
func FairseqManifest(path, rootDir string) (*Listing, error) {
	text, err := readManifest(path)
	if err != nil {
		return nil, err
	}
	manifestRoot, entries := parseFairseq(text)
	switch {
	case rootDir != "":
	case filepath.IsAbs(manifestRoot):
		rootDir = manifestRoot
	default:
		rootDir = filepath.Join(filepath.Dir(path), manifestRoot)
	}
	r, err := openRoot(rootDir)
	if err != nil {
		return nil, fmt.Errorf("datasets: the root %q of fairseq manifest %s cannot be used; give the folder it has on this machine: %w", rootDir, path, err)
	}
	transcripts, err := fairseqLabels(stem(path), len(entries))
	if err != nil {
		return nil, err
	}
	items := make([]Item, len(entries))
	for i, e := range entries {
		item := Item{ID: filepath.ToSlash(stem(e.name)), Name: filepath.ToSlash(e.name), Split: filepath.Base(stem(path)), Frames: e.frames, Fault: e.fault}
		if item.Fault == nil {
			item.Path, item.Fault = r.resolve(e.name)
		}
		if transcripts != nil {
			item.Transcript = transcripts[i]
		}
		items[i] = item
	}
	return newListing("fairseq manifest", path, items)
}

type fairseqEntry struct {
	name   string
	frames int
	fault  *Fault
}

// parseFairseq never fails: a line that is not "path, tab, number" becomes an entry with a fault. Empty lines are kept, as
// faults, because the label files count lines.
func parseFairseq(text string) (rootDir string, entries []fairseqEntry) {
	for number, line := range textLines(text) {
		if number == 1 {
			rootDir = strings.TrimSpace(line)
			continue
		}
		name, count, _ := strings.Cut(line, "\t")
		frames, err := strconv.Atoi(strings.TrimSpace(count))
		e := fairseqEntry{name: name, frames: frames}
		switch {
		case name == "" || err != nil || frames < 0:
			e.frames = 0
			e.fault = &Fault{FaultEntry, fmt.Sprintf("line %d is %q: want a path, a tab and a number of samples", number, line)}
		case strings.Contains(name, ".zip:"):
			e.fault = &Fault{FaultEntry, fmt.Sprintf("line %d points into an archive: unpack it and list the files", number)}
		}
		entries = append(entries, e)
	}
	return rootDir, entries
}

func looksLikeFairseq(text string) bool {
	rootDir, entries := parseFairseq(text)
	return rootDir != "" && !strings.Contains(rootDir, "\t") && len(entries) > 0 && entries[0].fault == nil
}

// fairseqLabels returns n transcripts, or nil when the manifest has none.
func fairseqLabels(base string, n int) ([]string, error) {
	for _, ext := range []string{".wrd", ".ltr"} {
		text, err := readManifest(base + ext)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		var labels []string
		for _, line := range textLines(text) {
			if ext == ".ltr" {
				line = joinLetters(line)
			}
			labels = append(labels, strings.TrimSpace(line))
		}
		if len(labels) != n {
			return nil, fmt.Errorf("datasets: %s has %d lines, the manifest lists %d recordings: they must match line by line", base+ext, len(labels), n)
		}
		return labels, nil
	}
	return nil, nil
}

// joinLetters turns "H E L L O | Y O U |" into "HELLO YOU".
func joinLetters(line string) string {
	return strings.TrimSpace(strings.ReplaceAll(strings.Join(strings.Fields(line), ""), "|", " "))
}

// Table lists a tab-separated file with a header line. The column path (or file_name) is needed; id, speaker (client_id),
// transcript (sentence, text) and split are used when they are there, others ignored. Quotes are ordinary characters. Paths
// are relative to the folder of the table.
func Table(path string) (*Listing, error) {
	text, err := readManifest(path)
	if err != nil {
		return nil, err
	}
	rows, err := parseTable(text)
	if err != nil {
		return nil, fmt.Errorf("datasets: table %s: %w", path, err)
	}
	r, err := openRoot(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	for i := range rows {
		if rows[i].Fault == nil {
			r.locate(&rows[i])
		}
	}
	return newListing("table", path, rows)
}

// locate resolves the name of a row. An absolute name becomes a relative one, so that the store does not depend on where
// the corpus lies.
func (r root) locate(item *Item) {
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

// tableColumns names the columns of a table and their other names in common corpora.
var tableColumns = [...][]string{
	{"path", "file_name"}, {"id"}, {"speaker", "client_id"}, {"transcript", "sentence", "text"}, {"split"},
}

const (
	tablePath = iota
	tableID
	tableSpeaker
	tableTranscript
	tableSplit
)

// tableHeader returns the place of each column of tableColumns, or -1.
func tableHeader(line string) (at [len(tableColumns)]int) {
	header := strings.Split(line, "\t")
	for i := range header {
		header[i] = strings.ToLower(strings.TrimSpace(header[i]))
	}
	for c, names := range tableColumns {
		at[c] = slices.IndexFunc(header, func(h string) bool { return slices.Contains(names, h) })
	}
	return at
}

func looksLikeTable(text string) bool {
	line, _, _ := strings.Cut(strings.TrimPrefix(text, "\ufeff"), "\n")
	return tableHeader(strings.TrimSuffix(line, "\r"))[tablePath] >= 0
}

// parseTable returns the rows as items without Path. A row that does not fit the header becomes an item with a fault.
func parseTable(text string) ([]Item, error) {
	var items []Item
	var at [len(tableColumns)]int
	width := 0
	for number, line := range textLines(text) {
		cells := strings.Split(line, "\t")
		if number == 1 {
			if at, width = tableHeader(line), len(cells); at[tablePath] < 0 {
				return nil, fmt.Errorf("the header %q has no column path", line)
			}
			continue
		}
		if line == "" {
			continue
		}
		if len(cells) != width {
			items = append(items, Item{Name: cells[0], ID: cells[0],
				Fault: &Fault{FaultEntry, fmt.Sprintf("line %d has %d columns, the header has %d", number, len(cells), width)}})
			continue
		}
		cell := func(column int) string {
			if at[column] < 0 {
				return ""
			}
			return strings.TrimSpace(cells[at[column]])
		}
		item := Item{ID: cell(tableID), Name: filepath.ToSlash(cell(tablePath)), Speaker: cell(tableSpeaker),
			Transcript: cell(tableTranscript), Split: cell(tableSplit)}
		if item.ID == "" {
			item.ID = stem(item.Name)
		}
		if item.Name == "" {
			item.Fault = &Fault{FaultEntry, fmt.Sprintf("line %d has no path", number)}
		}
		items = append(items, item)
	}
	return items, nil
}
