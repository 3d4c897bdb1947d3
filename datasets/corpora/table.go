package corpora

import (
	"aural/datasets"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Table lists a tab-separated file with a header line. The column path (or file_name) is needed; id, speaker (client_id),
// transcript (sentence, text) and split are used when they are there, others ignored. Quotes are ordinary characters. Paths
// are relative to the folder of the table.
func Table(path string) (*datasets.Listing, error) {
	text, err := readManifest(path)
	if err != nil {
		return nil, err
	}
	rows, err := parseTable(text)
	if err != nil {
		return nil, fmt.Errorf("corpora: table %s: %w", path, err)
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
	return datasets.NewListing("table "+path, rows)
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
func parseTable(text string) ([]datasets.Item, error) {
	var items []datasets.Item
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
			items = append(items, datasets.Item{Name: cells[0], ID: cells[0],
				Fault: &datasets.Fault{Kind: datasets.FaultEntry, Reason: fmt.Sprintf("line %d has %d columns, the header has %d", number, len(cells), width)}})
			continue
		}
		cell := func(column int) string {
			if at[column] < 0 {
				return ""
			}
			return strings.TrimSpace(cells[at[column]])
		}
		item := datasets.Item{ID: cell(tableID), Name: filepath.ToSlash(cell(tablePath)), Speaker: cell(tableSpeaker),
			Transcript: cell(tableTranscript), Split: cell(tableSplit)}
		if item.ID == "" {
			item.ID = stem(item.Name)
		}
		if item.Name == "" {
			item.Fault = &datasets.Fault{Kind: datasets.FaultEntry, Reason: fmt.Sprintf("line %d has no path", number)}
		}
		items = append(items, item)
	}
	return items, nil
}
