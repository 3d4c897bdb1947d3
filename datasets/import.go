package datasets

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"time"

	"github.com/apache/arrow/go/v15/arrow/memory"

	"aural/audio"
	"aural/audio/vad"
)

// ErrExists is what Import returns when the target is there and may not be overwritten.
var ErrExists = errors.New("target exists")

// ErrEmpty is what Import returns when not a single recording was accepted. The Summary says why.
var ErrEmpty = errors.New("no recording was accepted")

// ImportOptions says how recordings become rows. The zero value is a good choice for pretraining.
type ImportOptions struct {
	Workers        int                 // decoders that run at once; 0: one a CPU
	Channels       audio.ChannelPolicy // how several channels become one
	Resampler      audio.Quality       // for files that are not 16 kHz
	Limits         audio.Limits        // of what a single file may cost
	MinSeconds     float64             // shorter recordings are rejected; at least one frame (25 ms) is always needed
	MaxSeconds     float64             // longer recordings are rejected; 0: 2.3 hours, the most a row can hold
	Segment        *vad.Config         // cut recordings that are longer than its MaxSeconds at silences; nil: leave them whole
	FFmpeg         string              // program that decodes what package audio does not; "": such files are rejected
	FFmpegTimeout  time.Duration       // for one file; 0: ten minutes
	KeepTruncated  bool                // keep what is there of a file that ends early; its transcript may say more
	KeepDuplicates bool                // keep recordings whose samples are those of an earlier one
	Codec          Codec               // of the store; "": PCM
	Split          string              // take only the items of this split; "": all
	Share          Share               // the share of this machine; the zero value: all
	ShardBytes     int64               // size at which a new shard begins; 0: 500 MB, as Hugging Face does
	Overwrite      bool                // replace the target when it is a store
	Restart        bool                // drop what an earlier import of this target has left, instead of going on with it
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
	if o.FFmpegTimeout == 0 {
		o.FFmpegTimeout = 10 * time.Minute
	}
	if o.Codec == "" {
		o.Codec = PCM
	}
	if p := o.Share; p.Of < 0 || p.Index < 0 || p.Of > 0 && p.Index >= p.Of || p.Of == 0 && p.Index > 0 {
		return o, fmt.Errorf("datasets: import: part %d of %d: count from 0", p.Index, p.Of)
	}
	if _, err := ParseCodec(string(o.Codec)); err != nil {
		return o, err
	}
	_, err := newConverter(o)
	return o, err
}

// settings is what the options mean for the bytes of the store.
func (o ImportOptions) settings(source string) Settings {
	return Settings{Source: source, Split: o.Split, Channels: o.Channels.String(), Resampler: o.Resampler.String(),
		MinSeconds: o.MinSeconds, MaxSeconds: o.MaxSeconds, KeepTruncated: o.KeepTruncated, ShardBytes: o.ShardBytes,
		KeepDuplicates: o.KeepDuplicates, Segment: segmentText(o.Segment), Decoder: decoderName(o.FFmpeg), Share: o.Share.String()}
}

// decoderName leaves out where the program lies: the same import on another machine gives the same bytes.
func decoderName(program string) string {
	if program == "" {
		return ""
	}
	return "ffmpeg"
}

// segmentText describes how recordings are cut.
func segmentText(c *vad.Config) string {
	if c == nil {
		return ""
	}
	return fmt.Sprintf("at silence into %g-%g s near %g s (silence %g-%g s, padding %g s, floor over %g s, rise %g-%g dB)", c.MinSeconds, c.MaxSeconds,
		c.TargetSeconds, c.MinSilence, c.MaxSilence, c.Padding, c.FloorSeconds, c.MinRise, c.MaxRise)
}

// Progress is what an import has done so far.
type Progress struct {
	Total    int // items in the source, or -1 when that is not known
	Done     int // items seen: accepted, rejected and of other splits
	Accepted int // rows
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
	Listed     int       // items of the source, or of this machine's part of it
	Accepted   int       // rows
	OtherSplit int       // items left out because of ImportOptions.Split
	Resumed    int       // items that an earlier import had done, which this one went on with
	Rejects    []Reject  // also in rejected.jsonl
	Warnings   []Warning // also in warnings.jsonl
	Leftovers  []string  // directories of replaced stores, beside the target; safe to delete when no import is running
}

// Import decodes what src lists and writes it as a new store in dir. Recordings that cannot be used are listed in
// rejected.jsonl and the rest goes in; the caller decides from the Summary whether that is good enough. The store is a
// function of the source and the options: rows keep the order of the source, and neither the number of workers nor an
// interruption changes a byte.
//
// The store is made in a hidden directory beside dir and renamed at the end, so dir is never half made. An import that ends
// early, by ctx or by a kill, leaves the hidden directory, and the same import goes on with it, at most one record batch
// behind. It needs about 100 bytes of memory a row, to notice duplicates. progress, unless nil, is called after each item,
// from one goroutine.
func Import(ctx context.Context, src Source, dir string, opt ImportOptions, progress func(Progress)) (Summary, error) {
	return importInto(ctx, src, dir, opt, progress, memory.DefaultAllocator)
}

func importInto(ctx context.Context, src Source, dir string, opt ImportOptions, progress func(Progress), mem memory.Allocator) (Summary, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return Summary{}, err
	}
	t, err := newTarget(dir, opt.Overwrite, true)
	if err != nil {
		return Summary{}, err
	}
	defer t.release()
	im := &importer{src: src, opt: opt, progress: progress, settings: opt.settings(src.Describe())}
	im.summary.Leftovers = t.leftovers
	if im.writer, err = newShardWriter(t.working, opt.ShardBytes, mem); err != nil {
		return im.summary, err
	}
	defer im.writer.release()
	if err := im.resume(t); err != nil {
		return im.summary, err
	}
	defer im.journal.close()
	im.writer.committed = im.commit
	if err := im.run(ctx); err != nil {
		if errors.Is(err, ErrEmpty) { // there is nothing to go on with
			err = errors.Join(err, t.remove())
		}
		return im.summary, err
	}
	s := &im.summary
	s.Info, err = finishStore(im.writer, t.finished(), opt.Codec, im.settings, s.Rejects, s.Warnings)
	if err != nil {
		return *s, err
	}
	if err := ctx.Err(); err != nil { // the last moment at which nothing has happened
		return *s, fmt.Errorf("datasets: import into %s: %w", dir, err)
	}
	return *s, t.publish()
}

// importer is the ordered end of an import: it sees the converted items one by one, in the order of the source.
type importer struct {
	src      Source
	opt      ImportOptions
	settings Settings
	writer   *shardWriter
	journal  *journal
	progress func(Progress)
	summary  Summary
	samples  int64
	seen     duplicates
	at       position
	told     struct{ rejects, warnings int } // how many are in the journal
}

func (im *importer) run(ctx context.Context) error {
	for o, err := range convertAll(ctx, im.src, im.opt, im.at) {
		if err != nil {
			return fmt.Errorf("datasets: import of %s, after %d items: %w", im.src.Describe(), im.at.Items, err)
		}
		if err := im.add(&o); err != nil {
			return err
		}
		if im.progress != nil {
			total := im.src.Total()
			if im.opt.Share.Of > 1 {
				total = -1
			}
			im.progress(Progress{total, im.at.Items, im.summary.Accepted, len(im.summary.Rejects), float64(im.samples) / Rate, o.item.Name})
		}
	}
	im.summary.Listed = im.at.Items
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

func (im *importer) add(o *outcome) error {
	for i := o.first; i < len(o.pieces); i++ {
		im.at.Pieces = i
		if err := im.addPiece(o.item, &o.pieces[i]); err != nil {
			return err
		}
	}
	if o.otherSplit {
		im.summary.OtherSplit++
	}
	im.at = im.at.after(o.item)
	return nil
}

// addPiece writes a row. What it notes about the row comes after it is appended: a commit on the way is about the rows
// before.
func (im *importer) addPiece(item Item, c *converted) error {
	s := &im.summary
	fault := c.fault
	if fault == nil {
		fault = im.seen.fault(&c.row, im.opt.KeepDuplicates)
	}
	if fault != nil {
		s.Rejects = append(s.Rejects, Reject{item.Name, cmp.Or(c.row.id, item.ID), fault.Kind, fault.Reason})
		return nil
	}
	if err := im.writer.append(&c.row); err != nil {
		return err
	}
	if len(c.warnings) > 0 {
		s.Warnings = append(s.Warnings, Warning{c.row.path, c.row.id, c.warnings})
	}
	im.seen.add(c.row.id, c.row.sum)
	im.samples += int64(c.row.samples)
	s.Accepted++
	return nil
}

// commit writes down what is safe on the disk.
func (im *importer) commit() error {
	s := &im.summary
	e := journalEntry{position: im.at, OtherSplit: s.OtherSplit, Rejects: s.Rejects[im.told.rejects:], Warnings: s.Warnings[im.told.warnings:]}
	im.told.rejects, im.told.warnings = len(s.Rejects), len(s.Warnings)
	if open := im.writer.open; open != nil {
		e.Rows, e.Payload, e.Written = open.rows, open.payload, open.written
	} else {
		e.Closed = &im.writer.done[len(im.writer.done)-1]
	}
	return im.journal.write(e)
}
