package corpora

import (
	"aural/datasets"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Fairseq lists a fairseq manifest: the root on the first line, then path, tab, number of samples. Transcripts come
// from the file of the same name with the extension .wrd (words) or else .ltr (letters, words ended by "|"), one line each.
// The split is the name of the manifest, as train in train.tsv; of a folder, all manifests are listed, in the order of
// their names. rootDir replaces the root of the first line unless it is "".
//
// A path "FILE:OFFSET:LENGTH" is a part of an archive. Of a zip it must be a stored member, as fairseq reads it where it
// lies. The id is then the path of the archive and the name of the member.
func Fairseq(path, rootDir string) (*datasets.Listing, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("corpora: %w", err)
	}
	var c catalog
	if !info.IsDir() {
		dir, err := openRoot(filepath.Dir(path))
		if err != nil {
			return nil, err
		}
		if err := readFairseq(&c, dir, filepath.Base(path), rootDir); err != nil {
			return nil, err
		}
		return c.listing("fairseq manifest " + path)
	}
	dir, err := openRoot(path)
	if err != nil {
		return nil, err
	}
	names, err := dir.manifests([]string{".tsv"}, math.MaxInt, looksLikeFairseq)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if err := readFairseq(&c, dir, name, rootDir); err != nil {
			return nil, err
		}
	}
	return c.listing("fairseq manifests in "+path, fmt.Sprintf("%d splits", len(names)))
}

// readFairseq adds what the manifest name in dir lists.
func readFairseq(c *catalog, dir root, name, rootDir string) error {
	file, err := dir.text(name)
	if err != nil {
		return err
	}
	labels, err := fairseqLabels(dir, stem(name))
	if err != nil {
		return err
	}
	var r root
	archives := archives{}
	n := 0
	for l, err := range fileLines(file) {
		if err != nil {
			return err
		}
		if l.number == 1 {
			if r, err = fairseqRoot(dir, name, strings.TrimSpace(l.text), rootDir); err != nil {
				return err
			}
			continue
		}
		e := parseFairseq(l.text)
		item := datasets.Item{Name: filepath.ToSlash(e.name), Split: stem(name), Frames: e.frames, Fault: e.fault}
		item.ID = stem(item.Name)
		if n < len(labels) {
			item.Transcript = labels[n]
		}
		switch {
		case item.Fault != nil:
		case e.archive != "":
			archives.locate(r, &item, e)
		default:
			item.Path, item.Fault = r.resolve(e.name)
		}
		c.add(item, place{name, l.number})
		n++
	}
	if labels != nil && len(labels) != n {
		return fmt.Errorf("corpora: the labels of fairseq manifest %s have %d lines, it lists %d recordings: they must match line by line",
			filepath.Join(dir.dir, name), len(labels), n)
	}
	return nil
}

// fairseqRoot opens the folder that the first line of a manifest names, or rootDir.
func fairseqRoot(dir root, name, firstLine, rootDir string) (root, error) {
	switch {
	case rootDir != "":
	case filepath.IsAbs(firstLine):
		rootDir = firstLine
	default:
		rootDir = filepath.Join(dir.real, firstLine)
	}
	r, err := openRoot(rootDir)
	if err != nil {
		return root{}, fmt.Errorf("corpora: the root %q of fairseq manifest %s cannot be used; give the folder that it is here: %w",
			rootDir, filepath.Join(dir.dir, name), err)
	}
	return r, nil
}

type fairseqEntry struct {
	name         string
	frames       int
	archive      string // of which the entry is a part; "" when it is a file
	offset, size int64  // the part
	fault        *datasets.Fault
}

// parseFairseq reads a line "path, tab, number". An empty line is an entry with a fault, because the label files count lines.
func parseFairseq(line string) fairseqEntry {
	name, count, _ := strings.Cut(line, "\t")
	frames, err := strconv.Atoi(strings.TrimSpace(count))
	if name == "" || err != nil || frames < 0 {
		return fairseqEntry{name: name, fault: badEntry("%q: want a path, a tab and a number of samples", clip(line))}
	}
	e := fairseqEntry{name: name, frames: frames}
	if !isAudioName(name) {
		e.archive, e.offset, e.size = cutRange(name)
	}
	return e
}

// cutRange splits "FILE:OFFSET:LENGTH". The file of another name is "".
func cutRange(name string) (file string, offset, size int64) {
	parts := strings.Split(name, ":")
	n := len(parts)
	if n < 3 {
		return "", 0, 0
	}
	file = strings.Join(parts[:n-2], ":")
	offset, err1 := strconv.ParseInt(parts[n-2], 10, 64)
	size, err2 := strconv.ParseInt(parts[n-1], 10, 64)
	if err1 != nil || err2 != nil || offset < 0 || size < 1 {
		return "", 0, 0
	}
	return file, offset, size
}

func looksLikeFairseq(head string) bool {
	rootDir := ""
	for number, line := range textLines(head) {
		if number == 2 {
			return rootDir != "" && !strings.Contains(rootDir, "\t") && parseFairseq(line).fault == nil
		}
		rootDir = strings.TrimSpace(line)
	}
	return false
}

// fairseqLabels returns the transcripts, or nil when there are none.
func fairseqLabels(dir root, base string) ([]string, error) {
	for _, ext := range []string{".wrd", ".ltr"} {
		file, err := dir.text(base + ext)
		if err != nil {
			return nil, err
		}
		if file == "" {
			continue
		}
		labels := []string{}
		for l, err := range fileLines(file) {
			if err != nil {
				return nil, err
			}
			text := l.text
			if ext == ".ltr" {
				text = joinLetters(text)
			}
			labels = append(labels, strings.TrimSpace(text))
		}
		return labels, nil
	}
	return nil, nil
}

// joinLetters turns "H E L L O | Y O U |" into "HELLO YOU".
func joinLetters(line string) string {
	return strings.TrimSpace(strings.ReplaceAll(strings.Join(strings.Fields(line), ""), "|", " "))
}
