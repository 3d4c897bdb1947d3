package datasets

import (
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
)

// Item is one recording that a Source offers: a file to decode, or samples that are ready.
type Item struct {
	ID         string  // unique in the source
	Speaker    string  // "" when unknown
	Transcript string  // "" when there is none
	Sidecar    string  // file that holds the transcript, read when the item is imported; "" when there is none
	Split      string  // "train", "dev" …; "" when the source has none
	Name       string  // what the user knows the item by: its path inside the source. It is stored beside the audio.
	Path       string  // file to decode; "" when PCM holds the samples
	PCM        []int16 // 16 kHz mono
	Frames     int     // what the source says about the length, in samples at the file's own rate; 0: nothing
	Fault      *Fault  // the source lists this item but it cannot be imported
}

// Fault says why an item is rejected: a kind to count and branch by, and a sentence for the user.
type Fault struct {
	Kind   FaultKind
	Reason string
}

// FaultKind classes the reasons for a rejection.
type FaultKind string

// The kinds of Fault.
const (
	FaultEntry     FaultKind = "bad-entry" // the line of the manifest or the text is malformed
	FaultOutside   FaultKind = "outside"   // the path leads out of the root
	FaultMissing   FaultKind = "missing"   // there is no such file
	FaultAudio     FaultKind = "bad-audio" // it cannot be decoded
	FaultTruncated FaultKind = "truncated" // it decodes, but the end is missing
	FaultShort     FaultKind = "too-short" // below MinSeconds
	FaultLong      FaultKind = "too-long"  // above MaxSeconds
	FaultDuplicate FaultKind = "duplicate" // an earlier item has the same id
)

// Source is a corpus to import. Items come in a fixed order, and that is the order of the rows of the store. An error ends
// the import; a fault of a single item is part of the item.
type Source interface {
	Describe() string // "LibriSpeech tree /data/dev-clean: 2703 recordings"
	Total() int       // number of items, or -1 when it is not known beforehand
	Items() iter.Seq2[Item, error]
}

// Listing is a Source of files, listed when it is made. Folder, LibriSpeech, FairseqManifest and Table make one.
type Listing struct {
	description string
	items       []Item
}

// Describe says what was found and where.
func (l *Listing) Describe() string { return l.description }

// Total returns the number of items.
func (l *Listing) Total() int { return len(l.items) }

// Items yields the files in order.
func (l *Listing) Items() iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for _, item := range l.items {
			if !yield(item, nil) {
				return
			}
		}
	}
}

func newListing(layout, where string, items []Item, notes ...string) (*Listing, error) {
	if len(items) == 0 {
		return nil, fmt.Errorf("datasets: %s %s lists no recordings", layout, where)
	}
	parts := append([]string{fmt.Sprintf("%s %s: %d recordings", layout, where, len(items))}, notes...)
	return &Listing{strings.Join(parts, ", "), items}, nil
}

// Generated is a Source of samples that a program makes while they are imported, such as a synthetic corpus. Each item has
// an ID and PCM.
type Generated struct {
	Name  string // for Describe
	Count int    // number of items, or -1
	Seq   iter.Seq[Item]
}

// Describe returns the name.
func (g *Generated) Describe() string { return g.Name }

// Total returns Count.
func (g *Generated) Total() int { return g.Count }

// Items yields what Seq yields.
func (g *Generated) Items() iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for item := range g.Seq {
			if !yield(item, nil) {
				return
			}
		}
	}
}

// DetectSource looks at path and lists what it holds: a fairseq manifest or a table with a header when it is a file, a
// LibriSpeech tree or a plain folder of audio when it is a directory. Describe says which.
func DetectSource(path string) (Source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("datasets: %w", err)
	}
	if info.IsDir() {
		if _, err := os.Stat(filepath.Join(path, infoFile)); err == nil {
			return nil, fmt.Errorf("datasets: %s is a store already: open it instead of importing it", path)
		}
		return detectTree(path)
	}
	text, err := readManifest(path)
	if err != nil {
		return nil, err
	}
	switch {
	case looksLikeTable(text):
		return Table(path)
	case looksLikeFairseq(text):
		return FairseqManifest(path, "")
	}
	return nil, fmt.Errorf("datasets: %s is neither a table (tab-separated, with a header that names a path column) nor a fairseq manifest "+
		"(first line the root, then path, tab, number of samples)", path)
}
