package corpora

import (
	"aural/datasets"
	"fmt"
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
	names, err := dir.manifests([]string{".tsv"}, looksLikeFairseq)
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
	text, err := readManifest(file)
	if err != nil {
		return err
	}
	manifestRoot, entries := parseFairseq(text)
	switch {
	case rootDir != "":
	case filepath.IsAbs(manifestRoot):
		rootDir = manifestRoot
	default:
		rootDir = filepath.Join(dir.real, manifestRoot)
	}
	r, err := openRoot(rootDir)
	if err != nil {
		return fmt.Errorf("corpora: the root %q of fairseq manifest %s cannot be used; give the folder it has on this machine: %w",
			rootDir, filepath.Join(dir.dir, name), err)
	}
	labels, err := fairseqLabels(dir, stem(name), len(entries))
	if err != nil {
		return err
	}
	archives := archives{}
	for i, e := range entries {
		item := datasets.Item{ID: filepath.ToSlash(stem(e.name)), Name: filepath.ToSlash(e.name), Split: stem(name), Frames: e.frames, Fault: e.fault}
		if labels != nil {
			item.Transcript = labels[i]
		}
		switch {
		case item.Fault != nil:
		case e.archived:
			archives.locate(r, &item, e)
		default:
			item.Path, item.Fault = r.resolve(e.name)
		}
		c.add(item, place{name, i + 2}) // after the line of the root
	}
	return nil
}

type fairseqEntry struct {
	name   string
	frames int
	fault  *datasets.Fault
	// archived is set when the entry is a part of an archive.
	archived     bool
	archive      string
	offset, size int64
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
		if name == "" || err != nil || frames < 0 {
			e.frames = 0
			e.fault = badEntry("%q: want a path, a tab and a number of samples", clip(line))
		} else if !isAudioName(name) {
			e.archive, e.offset, e.size, e.archived = cutRange(name)
		}
		entries = append(entries, e)
	}
	return rootDir, entries
}

// cutRange splits "FILE:OFFSET:LENGTH".
func cutRange(name string) (file string, offset, size int64, ok bool) {
	parts := strings.Split(name, ":")
	n := len(parts)
	if n < 3 {
		return "", 0, 0, false
	}
	offset, err1 := strconv.ParseInt(parts[n-2], 10, 64)
	size, err2 := strconv.ParseInt(parts[n-1], 10, 64)
	if err1 != nil || err2 != nil || offset < 0 || size < 1 {
		return "", 0, 0, false
	}
	return strings.Join(parts[:n-2], ":"), offset, size, true
}

func looksLikeFairseq(text string) bool {
	rootDir, entries := parseFairseq(text)
	return rootDir != "" && !strings.Contains(rootDir, "\t") && len(entries) > 0 && entries[0].fault == nil
}

// fairseqLabels returns n transcripts, or nil when the manifest has none.
func fairseqLabels(dir root, base string, n int) ([]string, error) {
	for _, ext := range []string{".wrd", ".ltr"} {
		file, err := dir.text(base + ext)
		if err != nil {
			return nil, err
		}
		if file == "" {
			continue
		}
		text, err := readManifest(file)
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
			return nil, fmt.Errorf("corpora: %s has %d lines, the manifest lists %d recordings: they must match line by line",
				filepath.Join(dir.dir, base+ext), len(labels), n)
		}
		return labels, nil
	}
	return nil, nil
}

// joinLetters turns "H E L L O | Y O U |" into "HELLO YOU".
func joinLetters(line string) string {
	return strings.TrimSpace(strings.ReplaceAll(strings.Join(strings.Fields(line), ""), "|", " "))
}
