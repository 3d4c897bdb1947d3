package tensorboard

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	listEvery = 2 * time.Second // how often a folder is searched for new files
	maxFiles  = 1000            // event files of one log
	maxListed = 20_000          // entries looked at in search of them
)

// list searches for event files that are not known yet.
func (e *Events) list() error {
	e.listed = time.Now()
	if e.single {
		if len(e.files) == 0 {
			dir := filepath.Dir(e.path)
			e.folders[dir] = &folder{kind: kindOf(filepath.Base(dir)), tags: make(map[string]*series)}
			e.fairseq = filepath.Base(dir) == trainInner
			e.files = append(e.files, &file{path: e.path, folder: e.folders[dir]})
		}
		return nil
	}
	root, err := filepath.EvalSymlinks(e.path) // WalkDir does not enter a path that is a link itself
	if err != nil {
		return err
	}
	known := make(map[string]bool, len(e.files))
	for _, f := range e.files {
		known[f.path] = true
	}
	entries := 0
	var found []string
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && path == root:
			return err
		case err != nil:
			return nil // what cannot be entered holds nothing for us
		case d.IsDir() && path != root && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		}
		if entries++; entries > maxListed {
			return fmt.Errorf("it holds more than %d files: name the folder with the event files", maxListed)
		}
		if d.Type().IsRegular() && strings.Contains(d.Name(), "tfevents") && !known[path] {
			found = append(found, path)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(found)+len(e.files) > maxFiles {
		return fmt.Errorf("it holds more than %d event files: name the folder of one run", maxFiles)
	}
	if len(found) == 0 {
		return nil
	}
	if e.base == "" {
		e.base = baseOf(found)
	}
	for _, path := range found {
		if filepath.Base(filepath.Dir(path)) == trainInner {
			e.isFairseq()
		}
	}
	for _, path := range found {
		dir := filepath.Dir(path)
		if e.folders[dir] == nil {
			e.folders[dir] = &folder{kind: e.folderKind(dir), tags: make(map[string]*series)}
		}
		e.files = append(e.files, &file{path: path, folder: e.folders[dir]})
	}
	// Names begin with the time at which the file was begun.
	slices.SortFunc(e.files, func(a, b *file) int { return strings.Compare(a.path, b.path) })
	return nil
}

// baseOf returns the deepest folder that holds all files, or the one above it if it is named after a kind.
func baseOf(files []string) string {
	base := filepath.Dir(files[0])
	for _, path := range files {
		for !strings.HasPrefix(path, strings.TrimSuffix(base, string(filepath.Separator))+string(filepath.Separator)) {
			base = filepath.Dir(base)
		}
	}
	if kindOf(filepath.Base(base)) != "" {
		base = filepath.Dir(base)
	}
	return base
}

// folderKind returns the kind of the tags in a folder that do not say theirs: Keras and fairseq have a folder for each.
// Folders below the base that are not named after a kind are kinds of their own. The base itself has none.
func (e *Events) folderKind(dir string) string {
	rel, err := filepath.Rel(e.base, dir)
	if err != nil || rel == "." {
		return ""
	}
	parts := strings.Split(filepath.ToSlash(rel), "/")
	last := parts[len(parts)-1]
	if e.fairseq && last == "train" {
		return "train_epoch" // means over an epoch; train_inner is what others call train
	}
	if kind := kindOf(last); kind != "" {
		return kind
	}
	return cleanKind(strings.Join(parts, "_"))
}
