package deps

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aural/internal/testkit"
)

const (
	shouldSplit  = 400 // lines: printed
	maxLines     = 600 // lines of a Go file: fails
	maxTestLines = 800 // lines of a test, where tables are long
)

func TestFileSize(t *testing.T) {
	root := testkit.RepoRoot(t)
	files, err := readSources(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(filepath.Join(root, f.path))
		if err != nil {
			t.Fatal(err)
		}
		limit := maxLines
		if f.test {
			limit = maxTestLines
		}
		switch n := bytes.Count(raw, []byte("\n")); {
		case n > limit:
			t.Errorf("%s has %d lines, the limit is %d: split it by what it does", f.path, n, limit)
		case n > shouldSplit:
			t.Logf("%s has %d lines; above %d a split is due", f.path, n, shouldSplit)
		}
	}
}

// undocumented returns the packages of which no file has a package comment in the form that godoc shows.
func undocumented(files []source) (out []string) {
	documented := map[string]bool{}
	var order []string
	for _, f := range files {
		if strings.HasSuffix(f.clause, "_test") {
			continue
		}
		if _, seen := documented[f.pkg]; !seen {
			documented[f.pkg] = false
			order = append(order, f.pkg)
		}
		if strings.HasPrefix(f.doc, "Package "+f.clause+" ") || f.clause == "main" && f.doc != "" {
			documented[f.pkg] = true
		}
	}
	for _, pkg := range order {
		if !documented[pkg] {
			out = append(out, pkg)
		}
	}
	return out
}

func TestPackageComments(t *testing.T) {
	files, err := readSources(testkit.RepoRoot(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, pkg := range undocumented(files) {
		t.Errorf("no file of %s has a comment above its package clause that says what it is for; a library's begins with \"Package\" and its name", pkg)
	}
	got := undocumented([]source{
		{pkg: "a", clause: "a", doc: "Package a counts."}, {pkg: "a", clause: "a"},
		{pkg: "b", clause: "b"}, {pkg: "b", clause: "b_test", doc: "Package b_test tests."},
		{pkg: "c", clause: "c", doc: "Package cc is misnamed."}, {pkg: "d", clause: "main", doc: "D runs."}, {pkg: "e", clause: "main"},
	})
	if strings.Join(got, " ") != "b c e" {
		t.Errorf("found %q without a comment in the example, want b, c and e", got)
	}
}

// unmentionable is what no file may name: places of one machine, the words of a working day, and the hosts from which
// modules and packages happen to be fetched. The words are put together here so that this file may stay in the module.
func unmentionable() []string {
	session := "session"
	return []string{
		"/" + "work/", "/" + "root/", "/" + "farm/", "bash" + "_jobs",
		"this " + session, "last " + session, "previous " + session, "next " + session,
		"proxy." + "golang.org", "sum." + "golang.org", "pypi." + "org", "python" + "hosted.org", "registry." + "npmjs.org", "crates." + "io",
	}
}

// mentions returns a line per forbidden word in the text of a file.
func mentions(path string, text []byte) (out []string) {
	for i, line := range bytes.Split(bytes.ToLower(text), []byte("\n")) {
		for _, word := range unmentionable() {
			if bytes.Contains(line, []byte(word)) {
				out = append(out, fmt.Sprintf("%s:%d names %q", path, i+1, word))
			}
		}
	}
	return out
}

// TestNoPlaces reads every text file of the tree except what .gitignore keeps out of it.
func TestNoPlaces(t *testing.T) {
	root, read := testkit.RepoRoot(t), 0
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		switch {
		case d.IsDir() && (rel == ".git" || rel == "bin" || rel == "runs"):
			return fs.SkipDir
		case !d.Type().IsRegular() || rel == ".git": // a file in a linked work tree
			return nil
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if bytes.IndexByte(raw[:min(len(raw), 8000)], 0) >= 0 {
			return nil // not text
		}
		read++
		for _, m := range mentions(filepath.ToSlash(rel), raw) {
			t.Error(m)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if read == 0 {
		t.Fatal("no text files found")
	}
	for _, word := range unmentionable() {
		if len(mentions("x", []byte("a\nsee "+strings.ToUpper(word)+"here"))) == 0 {
			t.Errorf("%q goes unseen", word)
		}
	}
}
