package datasets

import (
	"fmt"
	"iter"
	"strings"
)

// Item is one recording that a Source offers, or a part of one. Its audio is in exactly one of three places: a file (Path),
// an encoded file in memory (Data), or ready samples (PCM). Neighbours in the source that name the same file are decoded
// together, so a source lists the parts of a long recording one after the other.
type Item struct {
	ID         string // unique in the source
	Speaker    string // "" when unknown
	Transcript string // "" when there is none
	Sidecar    string // file that holds the transcript, read when the item is imported; "" when there is none
	Split      string // "train", "dev" …; "" when the source has none
	Name       string // what the user knows the item by: its path inside the source. It is stored beside the audio.

	Path   string  // file to decode
	Offset int64   // where the encoded audio begins in Path, such as the place of a member in a tar
	Size   int64   // its length in bytes; 0: to the end of the file
	Data   []byte  // encoded audio
	PCM    []int16 // 16 kHz mono

	Start, End float64 // the part of the recording that the item is, in seconds from its beginning; End 0: to its end
	Channel    int     // the channel that the item is, counted from 1; 0: as ImportOptions.Channels says
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
	FaultEntry     FaultKind = "bad-entry"  // the line of the manifest or the text is malformed
	FaultOutside   FaultKind = "outside"    // the path leads out of the root
	FaultMissing   FaultKind = "missing"    // there is no such file
	FaultAudio     FaultKind = "bad-audio"  // it cannot be decoded
	FaultTruncated FaultKind = "truncated"  // it decodes, but the end is missing
	FaultShort     FaultKind = "too-short"  // below MinSeconds
	FaultSilent    FaultKind = "silent"     // it has no speech to cut at silences
	FaultLong      FaultKind = "too-long"   // above MaxSeconds
	FaultDuplicate FaultKind = "duplicate"  // an earlier item has the same id
	FaultSameAudio FaultKind = "same-audio" // an earlier item has the same samples
)

// Source is a corpus to import. Items come in a fixed order, and that is the order of the rows of the store. An error ends
// the import; a fault of a single item is part of the item.
type Source interface {
	Describe() string // "LibriSpeech tree /data/dev-clean: 2703 recordings"
	Total() int       // number of items, or -1 when it is not known beforehand
	Items() iter.Seq2[Item, error]
}

// Listing is a Source of items that are all known when it is made.
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

// NewListing makes a Source of items. The description says what they are and where, such as "folder /data".
func NewListing(description string, items []Item, notes ...string) (*Listing, error) {
	if len(items) == 0 {
		return nil, fmt.Errorf("datasets: %s lists no recordings", description)
	}
	parts := append([]string{fmt.Sprintf("%s: %d recordings", description, len(items))}, notes...)
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
