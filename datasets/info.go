package datasets

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"path/filepath"
)

// Rate is the sampling rate of every store in Hz: the rate of wav2vec 2.0.
const Rate = 16000

// FormatVersion is the version of the store format that this package writes. It reads version 1 too, which has neither
// splits, nor starts, nor checksums of clips.
const FormatVersion = 2

// InfoFile is the file that makes a directory a store.
const InfoFile = "aural.json"

// The other files of a store beside its shards.
const (
	indexFile       = "index.bin"
	rejectedFile    = "rejected.jsonl"
	warningsFile    = "warnings.jsonl"
	stateFile       = "state.json"
	datasetInfoFile = "dataset_info.json"
)

// Info describes a store. It is the content of its aural.json. Nothing in it depends on the clock, the machine or the number of workers:
// the same import gives the same bytes.
type Info struct {
	FormatVersion int       `json:"format_version"`
	Codec         Codec     `json:"codec,omitempty"` // since version 2; version 1 is PCM
	Rate          int       `json:"rate"`            // Hz
	Rows          int       `json:"rows"`
	Samples       int64     `json:"samples"`
	Seconds       float64   `json:"seconds"`
	Speakers      int       `json:"speakers"`    // different names; rows without a speaker are not counted
	Transcribed   int       `json:"transcribed"` // rows with a transcript
	Rejected      int       `json:"rejected"`    // lines of rejected.jsonl
	Warned        int       `json:"warned"`      // lines of warnings.jsonl
	Fingerprint   string    `json:"fingerprint"` // SHA-256 of ids, speakers, transcripts and samples in row order; see rowHash
	Settings      Settings  `json:"settings"`
	Shards        []FileSum `json:"shards"`
	Files         []FileSum `json:"files"`    // the other files, except index.bin and aural.json itself
	Checksum      string    `json:"checksum"` // SHA-256 of this file with an empty checksum
}

// Settings records how a store was made.
type Settings struct {
	Source        string  `json:"source"`
	Split         string  `json:"split"`
	Channels      string  `json:"channels"`
	Resampler     string  `json:"resampler"`
	MinSeconds    float64 `json:"min_seconds"`
	MaxSeconds    float64 `json:"max_seconds"`
	KeepTruncated bool    `json:"keep_truncated"`
	ShardBytes    int64   `json:"shard_bytes"`

	// Since version 2.
	Decoder        string `json:"decoder,omitempty"`         // the program that decoded what aural does not
	KeepDuplicates bool   `json:"keep_duplicates,omitempty"` // whether recordings with equal samples were all kept
	Segment        string `json:"segment,omitempty"`         // how long recordings were cut
	Share          string `json:"share,omitempty"`           // "2/8": the second of eight imports that share the work
}

// FileSum is the checksum of one file of a store.
type FileSum struct {
	Name   string `json:"name"`
	Rows   int    `json:"rows,omitempty"` // of a shard
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

func shardName(i, n int) string { return fmt.Sprintf("data-%05d-of-%05d.arrow", i, n) }

// marshalJSON is the one form in which this package writes JSON: indented, final newline, no HTML escapes.
func marshalJSON(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(v)
	return buf.Bytes(), err
}

// encode sets the checksum and returns the bytes of aural.json.
func (in *Info) encode() ([]byte, error) {
	in.Checksum = ""
	data, err := marshalJSON(in)
	if err != nil {
		return nil, fmt.Errorf("datasets: encode %s: %w", InfoFile, err)
	}
	in.Checksum = sum(data)
	return marshalJSON(in)
}

// readInfo reads aural.json. A file that encode would not have written, byte for byte, is corrupt.
func readInfo(where string, files Files) (Info, error) {
	data, err := files.ReadFile(InfoFile)
	if errors.Is(err, fs.ErrNotExist) {
		return Info{}, fmt.Errorf("datasets: %s is not a store: it has no %s; import the audio first: %w", where, InfoFile, err)
	}
	if err != nil {
		return Info{}, fmt.Errorf("datasets: %w", err)
	}
	in, err := parseInfo(data)
	if err != nil {
		return Info{}, fmt.Errorf("datasets: %s in %s: %w", InfoFile, where, err)
	}
	return in, nil
}

func parseInfo(data []byte) (Info, error) {
	var version struct {
		FormatVersion int `json:"format_version"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return Info{}, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if version.FormatVersion < 1 || version.FormatVersion > FormatVersion {
		return Info{}, fmt.Errorf("format version %d, this program reads versions 1 to %d: import the audio again or use the program that wrote it",
			version.FormatVersion, FormatVersion)
	}
	var in Info
	if err := json.Unmarshal(data, &in); err != nil {
		return Info{}, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	canonical := in
	again, err := canonical.encode()
	if err != nil {
		return Info{}, err
	}
	if !bytes.Equal(again, data) {
		return Info{}, fmt.Errorf("the checksum does not match the content; the file was changed after the import: %w", ErrCorrupt)
	}
	if in.FormatVersion == 1 {
		in.Codec = PCM
	}
	return in, in.check()
}

// check makes sure of what Open relies on.
func (in *Info) check() error {
	if _, err := ParseCodec(string(in.Codec)); err != nil {
		return fmt.Errorf("%w: %w", err, ErrCorrupt)
	}
	rows := 0
	for i, shard := range in.Shards {
		if shard.Name != shardName(i, len(in.Shards)) || shard.Rows < 0 || shard.Bytes < 0 {
			return fmt.Errorf("shard %d is %q with %d rows and %d bytes: %w", i, shard.Name, shard.Rows, shard.Bytes, ErrCorrupt)
		}
		rows += shard.Rows
	}
	for _, f := range in.Files {
		if f.Name != filepath.Base(f.Name) || !filepath.IsLocal(f.Name) {
			return fmt.Errorf("file name %q: %w", f.Name, ErrCorrupt)
		}
	}
	if rows != in.Rows || in.Rate != Rate {
		return fmt.Errorf("%d rows at %d Hz, the shards have %d rows and a store has %d Hz: %w", in.Rows, in.Rate, rows, Rate, ErrCorrupt)
	}
	return nil
}

// shardsDigest binds an index to the exact shards it was made from.
func (in *Info) shardsDigest() [sha256.Size]byte {
	h := sha256.New()
	for _, s := range in.Shards {
		fmt.Fprintf(h, "%s %d %d %s\n", s.Name, s.Rows, s.Bytes, s.SHA256)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// rowHash gathers the fingerprint of a store: for each row the texts with their lengths, then the SHA-256 of the PCM
// bytes. It does not depend on shards, batches or file names. The hash of the PCM is passed in because the workers of an
// import compute it in parallel.
type rowHash struct{ h hash.Hash }

func newRowHash() rowHash { return rowHash{sha256.New()} }

func (r rowHash) add(id, speaker, transcript []byte, pcm [sha256.Size]byte) {
	for _, s := range [][]byte{id, speaker, transcript} {
		fmt.Fprintf(r.h, "%d:", len(s))
		r.h.Write(s)
	}
	r.h.Write(pcm[:])
}

func (r rowHash) sum() string { return hex.EncodeToString(r.h.Sum(nil)) }

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}
