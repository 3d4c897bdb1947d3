package export

import (
	"bufio"
	"cmp"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// fairseq writes SPLIT.tsv for each split, and its labels when every row has a transcript. Labels belong to the lines of the
// manifest by their number, so those of a split that has only some would have to be empty, which a model would learn: they
// are left out.
//
// The files are those of examples/wav2vec/libri_labels.py of fairseq: words in .wrd, letters in .ltr, where "|" ends a word.
// Runs of white space are one blank. dict.ltr.txt has a line "letter count" for each letter, the most frequent first.
func (e *exporter) fairseq(parts []part) error {
	root := filepath.Join(e.target, audioDir)
	if strings.ContainsFunc(root, unicode.IsControl) || strings.TrimSpace(root) != root {
		return fmt.Errorf("export: %q cannot be the first line of a manifest: choose a folder without control characters and blanks at its ends", root)
	}
	letters := map[string]int{}
	for i := range parts {
		p := &parts[i]
		labelled := p.transcripts == len(p.rows)
		if !labelled && p.transcripts > 0 {
			e.note("%s.tsv has no labels: %d of its %d rows have no transcript, and labels must match it line by line",
				p.name(), len(p.rows)-p.transcripts, len(p.rows))
		}
		if labelled {
			if err := e.labels(p, letters); err != nil {
				return err
			}
		}
		if err := e.manifest(p, root); err != nil {
			return err
		}
	}
	if len(letters) == 0 {
		return nil
	}
	return e.lines("dict.ltr.txt", func(w *bufio.Writer) error {
		for _, l := range slices.SortedFunc(maps.Keys(letters), func(a, b string) int {
			return cmp.Or(cmp.Compare(letters[b], letters[a]), cmp.Compare(a, b))
		}) {
			fmt.Fprintf(w, "%s %d\n", l, letters[l]) // the writer keeps an error for Flush
		}
		return nil
	})
}

// manifest writes the recordings of a split and SPLIT.tsv, whose first line is the folder that its paths begin in.
func (e *exporter) manifest(p *part, root string) error {
	return e.lines(p.name()+".tsv", func(w *bufio.Writer) error {
		fmt.Fprintln(w, root)
		for r, err := range e.recordings(p.rows) {
			if err != nil {
				return err
			}
			if err := e.save(path.Join(audioDir, r.name), r.file); err != nil {
				return err
			}
			fmt.Fprintf(w, "%s\t%d\n", r.name, r.Samples)
		}
		return nil
	})
}

// labels writes the words and the letters of a split, and counts its letters.
func (e *exporter) labels(p *part, letters map[string]int) error {
	return e.lines(p.name()+".wrd", func(words *bufio.Writer) error {
		return e.lines(p.name()+".ltr", func(spelled *bufio.Writer) error {
			for _, row := range p.rows {
				u, err := e.store.Utterance(row)
				if err != nil {
					return fmt.Errorf("export: %w", err)
				}
				text := strings.Join(strings.Fields(u.Transcript), " ")
				if strings.Contains(text, wordEnd) {
					return fmt.Errorf("export: the transcript of id %q has a %q, which ends words in a .ltr file: %q", u.ID, wordEnd, text)
				}
				line := spell(text)
				for _, l := range line {
					letters[l]++
				}
				fmt.Fprintln(words, text)
				fmt.Fprintln(spelled, strings.Join(line, " "))
			}
			return nil
		})
	})
}

const wordEnd = "|"

// spell turns "HE IS" into H E | I S |.
func spell(text string) []string {
	letters := strings.Split(strings.ReplaceAll(text, " ", wordEnd), "")
	return append(letters, wordEnd)
}
