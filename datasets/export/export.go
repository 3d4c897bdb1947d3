package export

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"aural/datasets"
	"aural/internal/atomicfile"
)

// Format is a layout to write.
type Format string

// The formats; the package comment shows them.
const (
	Folder      Format = "folder"
	Fairseq     Format = "fairseq"
	NeMo        Format = "nemo"
	HuggingFace Format = "hf"
)

// Formats lists the formats.
func Formats() []Format { return []Format{Folder, Fairseq, NeMo, HuggingFace} }

// Codec is how recordings are encoded, which is also the extension of their files. Either is 16 bit, mono, at
// datasets.Rate, and has the very samples of the store.
type Codec string

// The codecs.
const (
	WAV  Codec = "wav"
	FLAC Codec = "flac"
)

// Options says how rows are written.
type Options struct {
	Format Format
	Codec  Codec // "": WAV
}

// Check says what is wrong with the options.
func (o Options) Check() error {
	switch o.Format {
	case Folder, Fairseq, NeMo, HuggingFace:
	default:
		return fmt.Errorf("export: format %q: want %s, %s, %s or %s", o.Format, Folder, Fairseq, NeMo, HuggingFace)
	}
	switch o.Codec {
	case "", WAV, FLAC:
		return nil
	}
	return fmt.Errorf("export: codec %q: want %s or %s", o.Codec, WAV, FLAC)
}

// Summary tells what an export wrote.
type Summary struct {
	Rows    int      `json:"rows"`
	Samples int64    `json:"samples"` // at datasets.Rate
	Notes   []string `json:"notes"`   // what was left out and why, in sentences for the user
}

// Write writes rows into the new folder dir, in their order. Something at dir is an error that wraps [fs.ErrExist]. The
// folder is made under a hidden name beside dir and renamed when it is complete, so an export that fails or is cancelled
// leaves nothing. (Files are not forced to the disk one by one: after a loss of power, export again.) progress, unless nil,
// is called after each row with the number of rows done.
func Write(ctx context.Context, dir string, from datasets.Selection, opt Options, progress func(done int)) (sum Summary, err error) {
	if err := opt.Check(); err != nil {
		return Summary{}, err
	}
	if opt.Codec == "" {
		opt.Codec = WAV
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return Summary{}, fmt.Errorf("export: %w", err)
	}
	if err := free(dir); err != nil {
		return Summary{}, err
	}
	parts, err := plan(from, opt.Format)
	if err != nil {
		return Summary{}, err
	}
	parent, base := filepath.Split(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return Summary{}, fmt.Errorf("export: %w", err)
	}
	working, err := os.MkdirTemp(parent, "."+base+".exporting-")
	if err != nil {
		return Summary{}, fmt.Errorf("export: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(working))
		}
	}()
	e := exporter{ctx: ctx, store: from.Store, opt: opt, working: working, target: dir, progress: progress, sum: Summary{Notes: []string{}}}
	if err := e.write(parts); err != nil {
		return Summary{}, err
	}
	return e.sum, e.publish()
}

// free makes sure that nothing is at dir.
func free(dir string) error {
	_, err := os.Lstat(dir)
	switch {
	case err == nil:
		return fmt.Errorf("export: %s: %w: choose another name or remove it", dir, fs.ErrExist)
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

// exporter writes one export.
type exporter struct {
	ctx      context.Context
	store    *datasets.Store
	opt      Options
	working  string // where files are written
	target   string // what working will be called
	progress func(int)
	sum      Summary
}

func (e *exporter) write(parts []part) error {
	switch e.opt.Format {
	case Folder:
		return e.folder(parts)
	case Fairseq:
		return e.fairseq(parts)
	case NeMo:
		return e.nemo(parts)
	}
	return e.huggingFace(parts)
}

// publish gives the finished folder its name.
func (e *exporter) publish() error {
	if err := os.Chmod(e.working, 0o755); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if err := free(e.target); err != nil { // somebody may have been faster; a rename would replace an empty folder
		return err
	}
	if err := os.Rename(e.working, e.target); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if err := atomicfile.SyncDir(filepath.Dir(e.target)); err != nil {
		return fmt.Errorf("export: %s is complete, but: %w", e.target, err)
	}
	return nil
}

func (e *exporter) note(format string, args ...any) {
	e.sum.Notes = append(e.sum.Notes, fmt.Sprintf(format, args...))
}

// create makes a new file below the working folder, and the folders that it lies in. name has slashes.
func (e *exporter) create(name string) (*os.File, error) {
	path := filepath.Join(e.working, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, e.collision(name, err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, e.collision(name, err)
	}
	return f, nil
}

// collision explains why a file cannot be made, in most cases because two ids make the same path, or one a folder of what
// is a file of the other.
func (e *exporter) collision(name string, err error) error {
	return fmt.Errorf("export: %s: %s; two ids or splits may want the same name: export them apart",
		name, strings.ReplaceAll(err.Error(), e.working, e.target))
}

// save writes a new file.
func (e *exporter) save(name string, data []byte) error {
	f, err := e.create(name)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}
