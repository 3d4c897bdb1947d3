package export

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path"
	"regexp"

	"aural/datasets/parquet"
)

// audioDir is the folder of the recordings.
const audioDir = "audio"

// folder writes recordings with a text file beside those that have a transcript.
func (e *exporter) folder(parts []part) error {
	for i := range parts {
		for r, err := range e.recordings(parts[i].rows) {
			if err != nil {
				return err
			}
			if err := e.save(path.Join(audioDir, r.name), r.file); err != nil {
				return err
			}
			if r.Transcript == "" {
				continue
			}
			if err := e.save(path.Join(audioDir, r.ID+".txt"), []byte(r.Transcript+"\n")); err != nil {
				return err
			}
		}
	}
	return nil
}

// nemoLine is a line of a NeMo manifest.
type nemoLine struct {
	Path     string  `json:"audio_filepath"`
	Duration float64 `json:"duration"` // seconds
	Text     string  `json:"text,omitempty"`
	Speaker  string  `json:"speaker,omitempty"`
}

// nemo writes a manifest for each split: manifest.json for rows without one.
func (e *exporter) nemo(parts []part) error {
	for i := range parts {
		p := &parts[i]
		name := "manifest.json"
		if p.split != "" {
			name = p.name() + "_manifest.json"
		}
		err := e.lines(name, func(w *bufio.Writer) error {
			lines := json.NewEncoder(w)
			lines.SetEscapeHTML(false)
			for r, err := range e.recordings(p.rows) {
				if err != nil {
					return err
				}
				if err := e.save(r.name, r.file); err != nil {
					return err
				}
				if err := lines.Encode(nemoLine{r.name, r.Seconds(), r.Transcript, r.Speaker}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// lines makes a new file of what fill writes.
func (e *exporter) lines(name string, fill func(w *bufio.Writer) error) error {
	f, err := e.create(name)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	if err := fill(w); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(w.Flush(), f.Close()); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

// unsafeInSplit is what Hugging Face does not allow in the name of a split.
var unsafeInSplit = regexp.MustCompile(`\W`)

// huggingFace writes Parquet files, those of a split apart.
func (e *exporter) huggingFace(parts []part) error {
	for i := range parts {
		split := unsafeInSplit.ReplaceAllString(parts[i].name(), "_")
		if _, err := parquet.Write(e.working, e.parquetRows(&parts[i]), parquet.WriteOptions{Split: split}); err != nil {
			if errors.Is(err, os.ErrExist) {
				err = fmt.Errorf("split %q has the file name %s of another split: %w", parts[i].split, split, err)
			}
			return fmt.Errorf("export: %w", err)
		}
	}
	return nil
}

func (e *exporter) parquetRows(p *part) iter.Seq2[parquet.Row, error] {
	return func(yield func(parquet.Row, error) bool) {
		for r, err := range e.recordings(p.rows) {
			row := parquet.Row{ID: r.ID, Speaker: r.Speaker, Transcript: r.Transcript, Samples: r.Samples, Audio: r.file, Path: r.name}
			if !yield(row, err) {
				return
			}
		}
	}
}
