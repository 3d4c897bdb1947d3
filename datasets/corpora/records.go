package corpora

import (
	"fmt"
	"iter"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"aural/datasets"
)

// Record is a row of a table: the values of the [Columns].
type Record struct {
	Audio      []byte // an encoded file; nil for null
	Path       string // where the audio lies, or lay when the table was made; "" for null
	ID         string
	Speaker    string
	Transcript string
}

// Shard is a file of records.
type Shard struct {
	Name  string // what the user knows it by
	Split string
	Rows  int
	// Read yields the records in order. An error is the last that it yields. The bytes of a record are its own.
	Read iter.Seq2[Record, error]
}

// Records is a Source over files of records, such as those of Hugging Face datasets. The rows are read while they are
// consumed, one batch at a time.
type Records struct {
	description string
	root        root
	shards      []Shard
	rows        int
}

// NewRecords makes a Source of shards. Audio that a record has not in itself but names by a path is looked for in dir, and
// never outside. The description says what the shards are and where.
func NewRecords(description, dir string, shards []Shard) (*Records, error) {
	r, err := openRoot(dir)
	if err != nil {
		return nil, err
	}
	s := &Records{root: r, shards: shards}
	for _, shard := range shards {
		s.rows += shard.Rows
	}
	if s.rows == 0 {
		return nil, fmt.Errorf("corpora: %s has no rows", description)
	}
	s.description = fmt.Sprintf("%s: %d recordings in %d files", description, s.rows, len(shards))
	return s, nil
}

// Describe says what was found and where.
func (s *Records) Describe() string { return s.description }

// Total returns the number of rows.
func (s *Records) Total() int { return s.rows }

// Items yields the rows of all shards.
func (s *Records) Items() iter.Seq2[datasets.Item, error] {
	return func(yield func(datasets.Item, error) bool) {
		for _, shard := range s.shards {
			row := 0
			for record, err := range shard.Read {
				if err != nil {
					yield(datasets.Item{}, fmt.Errorf("corpora: %s, after row %d: %w", shard.Name, row, err))
					return
				}
				if !yield(s.item(&shard, row, record), nil) {
					return
				}
				row++
			}
			if row != shard.Rows {
				yield(datasets.Item{}, fmt.Errorf("corpora: %s has %d rows, its metadata promises %d", shard.Name, row, shard.Rows))
				return
			}
		}
	}
}

// item makes an item of a row. Its name is that of the shard and, behind it, that of the audio or the number of the row.
func (s *Records) item(shard *Shard, row int, r Record) datasets.Item {
	number := strconv.Itoa(row)
	item := datasets.Item{ID: recordID(r.ID), Speaker: r.Speaker, Transcript: r.Transcript, Split: shard.Split, Name: shard.Name + "/" + number}
	if r.Path != "" {
		item.Name = shard.Name + "/" + path.Base(filepath.ToSlash(r.Path))
	}
	if item.ID == "" {
		item.ID = recordID(r.Path)
	}
	if item.ID == "" {
		item.ID = stem(shard.Name) + "-" + number
	}
	switch {
	case len(r.Audio) > 0:
		item.Data = r.Audio
	case r.Path == "":
		item.Fault = &datasets.Fault{Kind: datasets.FaultMissing, Reason: fmt.Sprintf("row %d of %s has neither audio nor a path", row, shard.Name)}
	default:
		item.Path, item.Fault = s.root.resolve(filepath.FromSlash(r.Path))
	}
	return item
}

// recordID makes an id of the value of a column, which may be the name of a file. The folders of another machine say
// nothing here, so of an absolute path the last part is kept.
func recordID(value string) string {
	if path.IsAbs(value) {
		value = path.Base(value)
	}
	if isAudioName(value) {
		value = strings.TrimSuffix(value, path.Ext(value))
	}
	return value
}
