package corpora

import (
	"aural/datasets"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// root is the directory that a source may read. Nothing outside it is opened, whatever a manifest or a link says, so that
// a corpus from elsewhere cannot pull other files of this machine into a store.
type root struct {
	dir  string // as the user gave it
	real string // with all links resolved
}

func openRoot(dir string) (root, error) {
	real, err := filepath.EvalSymlinks(dir)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		return root{}, fmt.Errorf("corpora: %w", err)
	}
	info, err := os.Stat(real)
	if err != nil {
		return root{}, fmt.Errorf("corpora: %w", err)
	}
	if !info.IsDir() {
		return root{}, fmt.Errorf("corpora: %s is not a directory", dir)
	}
	return root{dir, real}, nil
}

// openTree opens dir and lists the files below it.
func openTree(dir string) (root, []treeFile, error) {
	r, err := openRoot(dir)
	if err != nil {
		return root{}, nil, err
	}
	files, err := r.walk()
	return r, files, err
}

// contains reports whether real, a path without links, lies in the root.
func (r root) contains(real string) bool {
	rel, err := filepath.Rel(r.real, real)
	return err == nil && filepath.IsLocal(rel)
}

// resolve returns the file that name stands for: a path relative to the root, or an absolute one inside it.
func (r root) resolve(name string) (file string, fault *datasets.Fault) {
	file = name
	if !filepath.IsAbs(name) {
		if !filepath.IsLocal(name) {
			return "", &datasets.Fault{Kind: datasets.FaultOutside, Reason: fmt.Sprintf("%q leads out of %s", name, r.dir)}
		}
		file = filepath.Join(r.real, name)
	}
	real, err := filepath.EvalSymlinks(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", &datasets.Fault{Kind: datasets.FaultMissing, Reason: fmt.Sprintf("there is no file %q in %s", name, r.dir)}
	case err != nil:
		return "", &datasets.Fault{Kind: datasets.FaultMissing, Reason: err.Error()}
	case !r.contains(real):
		return "", &datasets.Fault{Kind: datasets.FaultOutside, Reason: fmt.Sprintf("%q is, or links to, %s, which is outside %s: import that folder itself", name, real, r.dir)}
	}
	return real, nil
}

// treeFile is one file below a root.
type treeFile struct {
	name  string // path from the root, with slashes
	path  string // to open; links are resolved
	fault *datasets.Fault
}

// walk lists the files below the root, sorted by name inside each directory. Names that begin with a dot are skipped, which
// takes care of AppleDouble files. Links are followed inside the root; each directory is visited once, so loops end.
func (r root) walk() ([]treeFile, error) {
	w := treeWalk{root: r, seen: map[string]bool{r.real: true}}
	if _, err := os.ReadDir(r.real); err != nil {
		return nil, fmt.Errorf("corpora: %w", err)
	}
	w.dir("", r.real)
	return w.files, nil
}

type treeWalk struct {
	root  root
	seen  map[string]bool // real paths of the directories visited
	files []treeFile
}

func (w *treeWalk) dir(name, real string) {
	entries, err := os.ReadDir(real)
	if err != nil {
		w.files = append(w.files, treeFile{name: name, fault: &datasets.Fault{Kind: datasets.FaultMissing, Reason: err.Error()}})
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), ".") {
			w.entry(path.Join(name, entry.Name()), filepath.Join(real, entry.Name()), entry.Type())
		}
	}
}

func (w *treeWalk) entry(name, file string, mode fs.FileMode) {
	if mode&fs.ModeSymlink != 0 {
		resolved, fault := w.root.resolve(filepath.FromSlash(name))
		if fault != nil {
			w.files = append(w.files, treeFile{name: name, fault: fault})
			return
		}
		info, err := os.Stat(resolved)
		if err != nil {
			w.files = append(w.files, treeFile{name: name, fault: &datasets.Fault{Kind: datasets.FaultMissing, Reason: err.Error()}})
			return
		}
		file, mode = resolved, info.Mode().Type()
	}
	switch {
	case mode.IsDir():
		if !w.seen[file] {
			w.seen[file] = true
			w.dir(name, file)
		}
	case mode.IsRegular():
		w.files = append(w.files, treeFile{name: name, path: file})
	}
}

// isAudioName reports whether a file name promises audio, decodable or not: an MP3 that cannot be decoded belongs into the
// list of rejects, a README does not.
func isAudioName(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".wav", ".wave", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".spx", ".aif", ".aiff", ".aifc", ".au", ".snd",
		".sph", ".w64", ".rf64", ".bwf", ".caf", ".m4a", ".mp4", ".aac", ".wma", ".webm", ".amr", ".ape", ".wv", ".gsm", ".g722":
		return true
	}
	return false
}

// stem is a name without its extension: the id of a recording in sources that give none.
func stem(name string) string { return strings.TrimSuffix(name, filepath.Ext(name)) }
