package export

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"aural/datasets/parquet"
)

// audioFolder is where the manifests have their audio.
const audioFolder = "audio"

// fairseq writes Fairseq. The first line of the manifest is the folder of the audio, relative to the manifest, which
// fairseq resolves against the working directory: users of fairseq itself edit it.
func (e *exporter) fairseq() error {
	var tsv, words, letters bytes.Buffer
	counts := map[string]int{}
	labelled := true
	tsv.WriteString(audioFolder + "\n")
	err := e.each(func(r row) error {
		name, err := e.fileName(r.ID)
		if err != nil {
			return err
		}
		fmt.Fprintf(&tsv, "%s\t%d\n", name, r.Samples)
		labelled = labelled && r.Transcript != ""
		words.WriteString(r.Transcript + "\n")
		for i, letter := range spell(r.Transcript) {
			if i > 0 {
				letters.WriteByte(' ')
			}
			letters.WriteString(letter)
			counts[letter]++
		}
		letters.WriteByte('\n')
		return e.writeFile(audioFolder+"/"+name, e.encode(r.samples))
	})
	if err != nil {
		return err
	}
	if err := e.writeFile("train.tsv", tsv.Bytes()); err != nil || !labelled {
		return err
	}
	var dict bytes.Buffer
	for _, letter := range slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	}) {
		fmt.Fprintf(&dict, "%s %d\n", letter, counts[letter])
	}
	return errors.Join(e.writeFile("train.wrd", words.Bytes()), e.writeFile("train.ltr", letters.Bytes()), e.writeFile("dict.ltr.txt", dict.Bytes()))
}

// spell gives the letters of a text as fairseq writes them: each word ends in "|".
func spell(text string) []string {
	var out []string
	for word := range strings.FieldsSeq(text) {
		for _, letter := range word {
			out = append(out, string(letter))
		}
		out = append(out, "|")
	}
	return out
}

// manifestLine is a line of a manifest of NeMo.
type manifestLine struct {
	Audio    string  `json:"audio_filepath"`
	Duration float64 `json:"duration"`
	Text     string  `json:"text"`
	Speaker  string  `json:"speaker,omitempty"`
	ID       string  `json:"id"`
}

// nemo writes NeMo.
func (e *exporter) nemo() error {
	var manifest bytes.Buffer
	enc := json.NewEncoder(&manifest)
	enc.SetEscapeHTML(false)
	err := e.each(func(r row) error {
		name, err := e.fileName(r.ID)
		if err != nil {
			return err
		}
		if err := enc.Encode(manifestLine{audioFolder + "/" + name, r.Seconds(), r.Transcript, r.Speaker, r.ID}); err != nil {
			return fmt.Errorf("export: %w", err)
		}
		return e.writeFile(audioFolder+"/"+name, e.encode(r.samples))
	})
	if err != nil {
		return err
	}
	return e.writeFile("manifest.json", manifest.Bytes())
}

// errStopped ends each when nobody takes rows any more.
var errStopped = errors.New("export: stopped")

// parquet writes HuggingFace.
func (e *exporter) parquet() error {
	var rows iter.Seq2[parquet.Row, error] = func(yield func(parquet.Row, error) bool) {
		err := e.each(func(r row) error {
			out := parquet.Row{ID: r.ID, Speaker: r.Speaker, Transcript: r.Transcript, Samples: r.Samples, Audio: e.encode(r.samples),
				Path: r.ID + e.extension()}
			if !yield(out, nil) {
				return errStopped
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStopped) {
			yield(parquet.Row{}, err)
		}
	}
	_, err := parquet.Write(e.dir, rows, parquet.WriteOptions{})
	return err
}
