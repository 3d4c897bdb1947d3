package datasets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/apache/arrow/go/v15/arrow/memory"

	"aural/audio"
	"aural/internal/atomicfile"
)

// ErrExists is what Import returns when the target is there and may not be overwritten.
var ErrExists = errors.New("target exists")

// ErrEmpty is what Import returns when not a single recording was accepted. The Summary says why.
var ErrEmpty = errors.New("no recording was accepted")

// ImportOptions says how recordings become rows. The zero value is a good choice for pretraining.
type ImportOptions struct {
	Workers       int                 // decoders that run at once; 0: one a CPU
	Channels      audio.ChannelPolicy // how several channels become one
	Resampler     audio.Quality       // for files that are not 16 kHz
	Limits        audio.Limits        // of what a single file may cost
	MinSeconds    float64             // shorter recordings are rejected; at least one frame (25 ms) is always needed
	MaxSeconds    float64             // longer recordings are rejected; 0: 2.3 hours, the most a row can hold
	KeepTruncated bool                // keep what is there of a file that ends early; its transcript may say more
	Split         string              // take only the items of this split; "": all
	ShardBytes    int64               // size at which a new shard begins; 0: 500 MB, as Hugging Face does
	Overwrite     bool                // replace the target when it is a store
}

const defaultShardBytes = 500e6

func (o ImportOptions) withDefaults() (ImportOptions, error) {
	switch {
	case o.Workers < 0 || o.ShardBytes < 0:
		return o, fmt.Errorf("datasets: import: %d workers and shards of %d bytes: want 0 or more", o.Workers, o.ShardBytes)
	case !(o.MinSeconds >= 0) || !(o.MaxSeconds >= 0) || math.IsInf(o.MinSeconds, 0) || math.IsInf(o.MaxSeconds, 0):
		return o, fmt.Errorf("datasets: import: lengths from %g to %g s: want 0 or more", o.MinSeconds, o.MaxSeconds)
	case o.MaxSeconds > 0 && o.MaxSeconds < o.MinSeconds:
		return o, fmt.Errorf("datasets: import: longest recording %g s, shortest %g s: nothing would fit", o.MaxSeconds, o.MinSeconds)
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.ShardBytes == 0 {
		o.ShardBytes = defaultShardBytes
	}
	return o, nil
}

// Progress is what an import has done so far.
type Progress struct {
	Total    int // items in the source, or -1
	Done     int // items seen: accepted, rejected and of other splits
	Accepted int
	Rejected int
	Seconds  float64 // of accepted audio
	Name     string  // the item just done
}

// Reject is one line of rejected.jsonl.
type Reject struct {
	Path   string    `json:"path"`
	ID     string    `json:"id"`
	Kind   FaultKind `json:"kind"`
	Reason string    `json:"reason"`
}

// Warning is one line of warnings.jsonl: a recording that was accepted although something is odd about it.
type Warning struct {
	Path     string   `json:"path"`
	ID       string   `json:"id"`
	Warnings []string `json:"warnings"`
}

// Summary is the outcome of an import.
type Summary struct {
	Info       Info      // of the new store
	Listed     int       // items of the source
	Accepted   int       // rows
	OtherSplit int       // items left out because of ImportOptions.Split
	Rejects    []Reject  // also in rejected.jsonl
	Warnings   []Warning // also in warnings.jsonl
	Leftovers  []string  // directories of imports that were killed, beside the target; safe to delete when none is running
}

// Import decodes what src lists and writes it as a new store in dir. Recordings that cannot be used are listed in
// rejected.jsonl and the rest goes in; the caller decides from the Summary whether that is good enough. The store is a
// function of the source and the options: rows keep the order of the source, and the number of workers changes no byte.
//
// The store is made in a hidden directory beside dir and renamed at the end, so dir is never half made; when ctx ends, the
// hidden directory is removed. progress, unless nil, is called after each item, from one goroutine.
func Import(ctx context.Context, src Source, dir string, opt ImportOptions, progress func(Progress)) (Summary, error) {
	return importInto(ctx, src, dir, opt, progress, memory.DefaultAllocator)
}

func importInto(ctx context.Context, src Source, dir string, opt ImportOptions, progress func(Progress), mem memory.Allocator) (Summary, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return Summary{}, err
	}
	t, err := newTarget(dir, opt.Overwrite)
	if err != nil {
		return Summary{}, err
	}
	defer t.discard()
	writer, err := newShardWriter(t.temporary, opt.ShardBytes, mem)
	if err != nil {
		return Summary{}, err
	}
	defer writer.release()
	im := importer{src: src, opt: opt, writer: writer, progress: progress, ids: map[string]struct{}{},
		speakers: map[string]struct{}{}, fingerprint: newRowHash()}
	im.summary.Leftovers = t.leftovers
	if err := im.run(ctx); err != nil {
		return im.summary, err
	}
	if err := im.writeFiles(t.temporary); err != nil {
		return im.summary, err
	}
	if err := ctx.Err(); err != nil { // the last moment at which nothing has happened
		return im.summary, fmt.Errorf("datasets: import into %s: %w", dir, err)
	}
	return im.summary, t.publish()
}

// importer is the ordered end of an import: it sees the converted items one by one, in the order of the source.
type importer struct {
	src         Source
	opt         ImportOptions
	writer      *shardWriter
	progress    func(Progress)
	summary     Summary
	samples     int64
	transcribed int
	ids         map[string]struct{}
	speakers    map[string]struct{}
	fingerprint rowHash
}

func (im *importer) run(ctx context.Context) error {
	for c, err := range convertAll(ctx, im.src, im.opt) {
		if err != nil {
			return fmt.Errorf("datasets: import of %s, after %d items: %w", im.src.Describe(), im.summary.Listed, err)
		}
		if err := im.add(c); err != nil {
			return err
		}
		if im.progress != nil {
			im.progress(Progress{im.src.Total(), im.summary.Listed, im.summary.Accepted, len(im.summary.Rejects),
				float64(im.samples) / Rate, c.item.Name})
		}
	}
	if im.summary.Accepted == 0 {
		return fmt.Errorf("datasets: import of %s: %d items, %d of another split, %d rejected%s: %w", im.src.Describe(), im.summary.Listed,
			im.summary.OtherSplit, len(im.summary.Rejects), im.firstReason(), ErrEmpty)
	}
	return nil
}

func (im *importer) firstReason() string {
	if len(im.summary.Rejects) == 0 {
		return ""
	}
	first := im.summary.Rejects[0]
	return fmt.Sprintf(" (the first, %s: %s)", first.Path, first.Reason)
}

func (im *importer) add(c converted) error {
	s := &im.summary
	s.Listed++
	if im.opt.Split != "" && c.item.Split != im.opt.Split {
		s.OtherSplit++
		return nil
	}
	if _, twice := im.ids[c.row.id]; twice && c.fault == nil {
		c.fault = &Fault{FaultDuplicate, fmt.Sprintf("an earlier recording has the id %q", c.row.id)}
	}
	if c.fault != nil {
		s.Rejects = append(s.Rejects, Reject{c.item.Name, c.item.ID, c.fault.Kind, c.fault.Reason})
		return nil
	}
	if err := im.writer.append(c.row); err != nil {
		return err
	}
	if len(c.warnings) > 0 {
		s.Warnings = append(s.Warnings, Warning{c.row.path, c.row.id, c.warnings})
	}
	im.ids[c.row.id] = struct{}{}
	if c.row.speaker != "" {
		im.speakers[c.row.speaker] = struct{}{}
	}
	if c.row.transcript != "" {
		im.transcribed++
	}
	im.fingerprint.add(c.row.id, c.row.speaker, c.row.transcript, c.pcmHash)
	im.samples += int64(c.row.samples)
	s.Accepted++
	return nil
}

// writeFiles ends the shards and writes everything else. The index is made from the finished shards, so this is also the
// first reading of what was written.
func (im *importer) writeFiles(dir string) error {
	shards, err := im.writer.finish()
	if err != nil {
		return err
	}
	s := &im.summary
	s.Info = Info{FormatVersion: FormatVersion, Rate: Rate, Rows: s.Accepted, Samples: im.samples, Seconds: float64(im.samples) / Rate,
		Speakers: len(im.speakers), Transcribed: im.transcribed, Rejected: len(s.Rejects), Warned: len(s.Warnings),
		Fingerprint: im.fingerprint.sum(), Shards: shards,
		Settings: Settings{Source: im.src.Describe(), Split: im.opt.Split, Channels: im.opt.Channels.String(), Resampler: im.opt.Resampler.String(),
			MinSeconds: im.opt.MinSeconds, MaxSeconds: im.opt.MaxSeconds, KeepTruncated: im.opt.KeepTruncated, ShardBytes: im.opt.ShardBytes}}
	state, datasetInfo, err := hfFiles(shards, s.Info.Fingerprint, s.Info.Settings.Source)
	if err != nil {
		return err
	}
	rejected, err := jsonLines(s.Rejects)
	if err != nil {
		return err
	}
	warnings, err := jsonLines(s.Warnings)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		data []byte
	}{{stateFile, state}, {datasetInfoFile, datasetInfo}, {rejectedFile, rejected}, {warningsFile, warnings}} {
		if err := atomicfile.Write(filepath.Join(dir, f.name), f.data, 0o644); err != nil {
			return fmt.Errorf("datasets: write %s: %w", f.name, err)
		}
		s.Info.Files = append(s.Info.Files, FileSum{Name: f.name, Bytes: int64(len(f.data)), SHA256: sum(f.data)})
	}
	data, err := s.Info.encode()
	if err != nil {
		return err
	}
	if err := atomicfile.Write(filepath.Join(dir, InfoFile), data, 0o644); err != nil {
		return fmt.Errorf("datasets: write %s: %w", InfoFile, err)
	}
	return writeIndex(dir)
}

func writeIndex(dir string) error {
	store, err := Open(dir)
	if err != nil {
		return err
	}
	defer store.Close()
	if _, err := os.Stat(filepath.Join(dir, indexFile)); err != nil {
		return fmt.Errorf("datasets: write %s: %s", indexFile, strings.Join(store.Notes(), "; "))
	}
	return nil
}

func jsonLines[T any](values []T) ([]byte, error) {
	var out []byte
	for _, v := range values {
		line, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("datasets: %w", err)
		}
		out = append(append(out, line...), '\n')
	}
	return out, nil
}
