package datasets

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// An import keeps a journal in its working directory: a line for every record batch that is safe on the disk. A line is the
// CRC-32C of its JSON in hexadecimal, a blank, and the JSON. An import that is run again reads it, cuts the open shard where
// the last line says, and goes on behind the items that are in.

// journalEntry is one line.
type journalEntry struct {
	position
	OtherSplit int       `json:"other_split,omitempty"` // items left out so far
	Rows       int       `json:"rows"`                  // of the open shard
	Payload    int64     `json:"payload"`               // audio and text in the open shard, in bytes
	Written    int64     `json:"written"`               // length of the open shard, in bytes
	Closed     *FileSum  `json:"closed,omitempty"`      // the shard that this line ends; then the three above are 0
	Rejects    []Reject  `json:"rejects,omitempty"`     // since the line before
	Warnings   []Warning `json:"warnings,omitempty"`    // since the line before
}

// position is how far an import has come in its source.
type position struct {
	Items  int    `json:"items"`            // done
	Pieces int    `json:"pieces,omitempty"` // done of the next item
	Digest string `json:"digest"`           // of the items done, to notice that the source has changed
}

// after is the position behind one more item.
func (p position) after(item Item) position {
	h := sha256.New()
	fmt.Fprintf(h, "%s %q %q %x %x", p.Digest, item.ID, item.Name, item.Start, item.End)
	return position{Items: p.Items + 1, Digest: hex.EncodeToString(h.Sum(nil)[:16])}
}

const journalFile = "journal.jsonl"

type journal struct{ file *os.File }

func openJournal(dir string) (*journal, error) {
	f, err := os.OpenFile(filepath.Join(dir, journalFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("datasets: %w", err)
	}
	return &journal{f}, nil
}

func (j *journal) write(e journalEntry) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(j.file, "%08x %s\n", castagnoli(text), text); err != nil {
		return err
	}
	return j.file.Sync()
}

func (j *journal) close() error { return j.file.Close() }

// readJournal returns the lines of a journal up to the first that is damaged or unfinished, which it cuts off.
func readJournal(dir string) ([]journalEntry, error) {
	path := filepath.Join(dir, journalFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("datasets: %w", err)
	}
	entries, good := parseJournal(data)
	if good < len(data) {
		if err := os.Truncate(path, int64(good)); err != nil {
			return nil, fmt.Errorf("datasets: %w", err)
		}
	}
	return entries, nil
}

// parseJournal returns the good lines at the beginning of data and their length.
func parseJournal(data []byte) (entries []journalEntry, good int) {
	for rest := data; ; good = len(data) - len(rest) {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		if !whole || len(line) < 9 {
			return entries, good
		}
		sum, err := strconv.ParseUint(string(line[:8]), 16, 32)
		var e journalEntry
		if err != nil || uint32(sum) != castagnoli(line[9:]) || json.Unmarshal(line[9:], &e) != nil {
			return entries, good
		}
		entries, rest = append(entries, e), after
	}
}
