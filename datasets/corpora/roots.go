package corpora

import (
	"aural/datasets"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// roots are the folders in which the recordings of a manifest may lie, in the order in which a relative path is tried:
// the folder of the manifest, and the one that the user names because the paths are relative to somewhere else.
type roots []root

// with adds the folder dir unless it is "".
func (rs roots) with(dir string) (roots, error) {
	if dir == "" {
		return rs, nil
	}
	r, err := openRoot(dir)
	return append(rs[:len(rs):len(rs)], r), err
}

// locate resolves item.Name. An absolute name becomes a relative one, so that the store does not depend on where the
// corpus lies. A path that leads out of all of the folders is outside, any other that is in none of them is missing.
func (rs roots) locate(item *datasets.Item) {
	name := filepath.FromSlash(item.Name)
	kind := datasets.FaultOutside
	var dirs []string
	for _, r := range rs {
		file, fault := r.resolve(name)
		if fault == nil {
			item.Path = file
			if rel, err := filepath.Rel(r.real, file); err == nil && filepath.IsAbs(name) {
				item.Name = filepath.ToSlash(rel)
			}
			return
		}
		if fault.Kind == datasets.FaultMissing {
			kind = datasets.FaultMissing
		}
		dirs = append(dirs, r.dir)
	}
	reason := "there is no file %q in %s"
	if kind == datasets.FaultOutside {
		reason = "%q is, or links to, a file outside %s"
	}
	reason = fmt.Sprintf(reason, item.Name, strings.Join(dirs, " or "))
	if len(rs) == 1 {
		reason += ": if the recordings are in another folder, name it as the root"
	}
	item.Fault = &datasets.Fault{Kind: kind, Reason: reason}
}

// urlPattern is the beginning of a path that is on another machine.
var urlPattern = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+.-]+://`)

// notAFile says why a manifest entry is no path, or returns nil.
func notAFile(name string) *datasets.Fault {
	switch {
	case name == "":
		return badEntry("it has no path")
	case urlPattern.MatchString(name):
		return badEntry("%q is a URL: download it and list the file", name)
	}
	return nil
}

// text returns the path of a text file of this name, and "" when there is none. A link out of the root is an error: what
// it leads to must not end up among the transcripts.
func (r root) text(name string) (string, error) {
	if _, err := os.Lstat(filepath.Join(r.real, filepath.FromSlash(name))); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	file, fault := r.resolve(filepath.FromSlash(name))
	if fault != nil {
		return "", fmt.Errorf("corpora: %s", fault.Reason)
	}
	return file, nil
}

// folders returns the names of r itself (".") and of the folders directly in it, those for which has reports true, r alone
// when it does for r. So a corpus can be named as well as one part of it.
func (r root) folders(has func(dir string) bool) ([]string, error) {
	if has(".") {
		return []string{"."}, nil
	}
	entries, err := os.ReadDir(r.real)
	if err != nil {
		return nil, fmt.Errorf("corpora: %w", err)
	}
	var out []string
	for _, entry := range entries {
		if entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") && has(entry.Name()) {
			out = append(out, entry.Name())
		}
	}
	return out, nil
}

// exists reports whether there is something of this name in the root.
func (r root) exists(elem ...string) bool {
	_, err := os.Stat(filepath.Join(r.real, filepath.FromSlash(path.Join(elem...))))
	return err == nil
}

// manifests returns the names of the files directly in r that end in one of exts and whose beginning looks right, sorted.
// It looks into the first most candidates.
func (r root) manifests(exts []string, most int, looksRight func(head string) bool) ([]string, error) {
	entries, err := os.ReadDir(r.real)
	if err != nil {
		return nil, fmt.Errorf("corpora: %w", err)
	}
	var out []string
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, ".") || !slices.ContainsFunc(exts, func(ext string) bool { return strings.HasSuffix(name, ext) }) {
			continue
		}
		if most--; most < 0 {
			break
		}
		file, fault := r.resolve(name)
		if fault != nil {
			continue // a link out of the root is no manifest of this folder
		}
		if p, err := look(file); err == nil && !p.dir && looksRight(p.head) {
			out = append(out, name)
		}
	}
	return out, nil
}
