package corpora

import (
	"aural/datasets"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Fairseq lists a fairseq manifest: the root on the first line, then path, tab, number of samples. Transcripts come
// from the file of the same name with the extension .wrd (words) or else .ltr (letters, words ended by "|"), one line each.
// The split is the name of the manifest, as train in train.tsv. root replaces the root of the first line unless it is "".
func Fairseq(path, rootDir string) (*datasets.Listing, error) {
	text, err := readManifest(path)
	if err != nil {
		return nil, err
	}
	manifestRoot, entries := parseFairseq(text)
	switch {
	case rootDir != "":
	case filepath.IsAbs(manifestRoot):
		rootDir = manifestRoot
	default:
		rootDir = filepath.Join(filepath.Dir(path), manifestRoot)
	}
	r, err := openRoot(rootDir)
	if err != nil {
		return nil, fmt.Errorf("corpora: the root %q of fairseq manifest %s cannot be used; give the folder it has on this machine: %w", rootDir, path, err)
	}
	transcripts, err := fairseqLabels(stem(path), len(entries))
	if err != nil {
		return nil, err
	}
	items := make([]datasets.Item, len(entries))
	for i, e := range entries {
		item := datasets.Item{ID: filepath.ToSlash(stem(e.name)), Name: filepath.ToSlash(e.name), Split: filepath.Base(stem(path)), Frames: e.frames, Fault: e.fault}
		if item.Fault == nil {
			item.Path, item.Fault = r.resolve(e.name)
		}
		if transcripts != nil {
			item.Transcript = transcripts[i]
		}
		items[i] = item
	}
	return datasets.NewListing("fairseq manifest "+path, items)
}

type fairseqEntry struct {
	name   string
	frames int
	fault  *datasets.Fault
}

// parseFairseq never fails: a line that is not "path, tab, number" becomes an entry with a fault. Empty lines are kept, as
// faults, because the label files count lines.
func parseFairseq(text string) (rootDir string, entries []fairseqEntry) {
	for number, line := range textLines(text) {
		if number == 1 {
			rootDir = strings.TrimSpace(line)
			continue
		}
		name, count, _ := strings.Cut(line, "\t")
		frames, err := strconv.Atoi(strings.TrimSpace(count))
		e := fairseqEntry{name: name, frames: frames}
		switch {
		case name == "" || err != nil || frames < 0:
			e.frames = 0
			e.fault = &datasets.Fault{Kind: datasets.FaultEntry, Reason: fmt.Sprintf("line %d is %q: want a path, a tab and a number of samples", number, line)}
		case strings.Contains(name, ".zip:"):
			e.fault = &datasets.Fault{Kind: datasets.FaultEntry, Reason: fmt.Sprintf("line %d points into an archive: unpack it and list the files", number)}
		}
		entries = append(entries, e)
	}
	return rootDir, entries
}

func looksLikeFairseq(text string) bool {
	rootDir, entries := parseFairseq(text)
	return rootDir != "" && !strings.Contains(rootDir, "\t") && len(entries) > 0 && entries[0].fault == nil
}

// fairseqLabels returns n transcripts, or nil when the manifest has none.
func fairseqLabels(base string, n int) ([]string, error) {
	for _, ext := range []string{".wrd", ".ltr"} {
		text, err := readManifest(base + ext)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		var labels []string
		for _, line := range textLines(text) {
			if ext == ".ltr" {
				line = joinLetters(line)
			}
			labels = append(labels, strings.TrimSpace(line))
		}
		if len(labels) != n {
			return nil, fmt.Errorf("corpora: %s has %d lines, the manifest lists %d recordings: they must match line by line", base+ext, len(labels), n)
		}
		return labels, nil
	}
	return nil, nil
}

// joinLetters turns "H E L L O | Y O U |" into "HELLO YOU".
func joinLetters(line string) string {
	return strings.TrimSpace(strings.ReplaceAll(strings.Join(strings.Fields(line), ""), "|", " "))
}
