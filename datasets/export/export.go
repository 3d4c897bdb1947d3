// Package export writes the rows of a store as other tools want them: a folder of audio files with transcripts, a manifest
// of fairseq or of NeMo with its audio, or the Parquet files of Hugging Face datasets. What it writes, package
// datasets/corpora (or datasets/parquet) reads back.
package export

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"aural/audio"
	"aural/audio/flac"
	"aural/datasets"
	"aural/internal/atomicfile"
)

// Format is a way of writing rows.
type Format string

// The formats.
const (
	// Folder is an audio file for each row, ID.wav or ID.flac, and beside it ID.txt with the transcript if there is one.
	Folder Format = "folder"
	// Fairseq is a manifest train.tsv with the audio below audio/; when every row has a transcript, train.wrd, train.ltr
	// and dict.ltr.txt too.
	Fairseq Format = "fairseq"
	// NeMo is manifest.json, a JSON object a line, with the audio below audio/.
	NeMo Format = "nemo"
	// HuggingFace is Parquet in the layout of the hub: data/train-00000-of-0000N.parquet.
	HuggingFace Format = "hf"
)

// Formats lists the formats.
func Formats() []Format { return []Format{Folder, Fairseq, NeMo, HuggingFace} }

// Options says what to write.
type Options struct {
	Format Format
	FLAC   bool // audio as FLAC instead of WAV
	// Progress, unless nil, is called after each row with the number of rows done.
	Progress func(done int)
}

// Write writes the rows of a selection below dir, which must not exist. It appears when it is complete.
func Write(ctx context.Context, dir string, from datasets.Selection, opt Options) (err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("export: %s is there: choose another name: %w", dir, errors.Join(err, fs.ErrExist))
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	temporary, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+".exporting-")
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	defer func() {
		if err != nil {
			os.RemoveAll(temporary)
		}
	}()
	e := exporter{ctx: ctx, dir: temporary, from: from, opt: opt, names: map[string]string{}}
	switch opt.Format {
	case Folder:
		err = e.folder()
	case Fairseq:
		err = e.fairseq()
	case NeMo:
		err = e.nemo()
	case HuggingFace:
		err = e.parquet()
	default:
		err = fmt.Errorf("export: format %q: want one of %v", opt.Format, Formats())
	}
	if err != nil {
		return err
	}
	if err = os.Chmod(temporary, 0o755); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if err = os.Rename(temporary, dir); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return atomicfile.SyncDir(filepath.Dir(dir))
}

type exporter struct {
	ctx   context.Context
	dir   string
	from  datasets.Selection
	opt   Options
	names map[string]string // files written, in lower case, to the id of their row
}

// row is one row with its audio.
type row struct {
	datasets.Utterance
	samples []int16
}

// each calls use with every row.
func (e *exporter) each(use func(row) error) error {
	done := 0
	for i := range e.from.Each() {
		if err := e.ctx.Err(); err != nil {
			return fmt.Errorf("export: %w", err)
		}
		u, err := e.from.Store.Utterance(i)
		if err != nil {
			return err
		}
		pcm, err := e.from.Store.PCM(i)
		if err != nil {
			return err
		}
		if err := use(row{u, datasets.SamplesOf(pcm)}); err != nil {
			return err
		}
		if done++; e.opt.Progress != nil {
			e.opt.Progress(done)
		}
	}
	return nil
}

func (e *exporter) extension() string {
	if e.opt.FLAC {
		return ".flac"
	}
	return ".wav"
}

func (e *exporter) encode(samples []int16) []byte {
	if e.opt.FLAC {
		return flac.Append16(nil, datasets.Rate, samples)
	}
	return audio.AppendWAV16(nil, datasets.Rate, samples)
}

// fileName returns the path, with slashes, of the audio of a row: its id with an extension. Ids come from other people's
// corpora: one that would leave the folder, or that two rows share on a file system that ignores case, is refused.
func (e *exporter) fileName(id string) (string, error) {
	name := id
	if ext := path.Ext(id); ext == ".wav" || ext == ".flac" || ext == ".mp3" {
		name = strings.TrimSuffix(id, ext) + "_" + ext[1:] // where the extension is what tells two files apart
	}
	if name == "" || name != path.Clean(name) || !filepath.IsLocal(filepath.FromSlash(name)) || strings.ContainsAny(name, "\\\x00") ||
		strings.HasPrefix(path.Base(name), ".") {
		return "", fmt.Errorf("export: the id %q cannot be a file name", id)
	}
	name += e.extension()
	key := strings.ToLower(name)
	if other, taken := e.names[key]; taken {
		return "", fmt.Errorf("export: the ids %q and %q give the same file name", other, id)
	}
	e.names[key] = id
	return name, nil
}

// writeFile writes a file at a path with slashes below the folder. Nothing is synced: the folder appears at the end, and an
// export can be made again.
func (e *exporter) writeFile(name string, data []byte) error {
	file := filepath.Join(e.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

// folder writes Folder.
func (e *exporter) folder() error {
	return e.each(func(r row) error {
		name, err := e.fileName(r.ID)
		if err != nil {
			return err
		}
		if r.Transcript != "" {
			if err := e.writeFile(strings.TrimSuffix(name, e.extension())+".txt", []byte(r.Transcript+"\n")); err != nil {
				return err
			}
		}
		return e.writeFile(name, e.encode(r.samples))
	})
}
