package corpora

import (
	"bytes"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"aural/datasets"
)

// A small compressed file must not fill the memory.
func TestTextIsBounded(t *testing.T) {
	bomb := gzipText(t, strings.Repeat("x", 1<<20))
	text, err := plainText(bytes.NewReader(bomb))
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, &boundedText{from: text, left: 1 << 19})
	if err == nil || n > 1<<19 {
		t.Errorf("%d bytes were read, %v", n, err)
	}
	if n, err := io.Copy(io.Discard, &boundedText{from: strings.NewReader("1234"), left: 4}); err != nil || n != 4 {
		t.Errorf("text of the length allowed: %d bytes, %v", n, err)
	}
	dir := t.TempDir()
	writeFileAt(t, filepath.Join(dir, "long.json.gz"), gzipText(t, `{"audio_filepath":"a.wav"}`+"\n"+strings.Repeat("x", maxLine+1)))
	if _, err := Open("nemo", filepath.Join(dir, "long.json.gz"), Options{}); err == nil || !strings.Contains(err.Error(), "after line 1") {
		t.Errorf("a line without end: %v", err)
	}
	writeFileAt(t, filepath.Join(dir, "cut.json.gz"), gzipText(t, strings.Repeat(`{"audio_filepath":"a.wav"}`+"\n", 9999))[:60])
	if _, err := Open("nemo", filepath.Join(dir, "cut.json.gz"), Options{}); err == nil || !strings.Contains(err.Error(), "unexpected EOF") {
		t.Errorf("a gzip file that is cut off: %v", err)
	}
}

func TestCatalogIsBounded(t *testing.T) {
	var c catalog
	c.add(datasets.Item{ID: "a"}, place{"m", 1})
	fault := badEntry("bad")
	c.malformed = maxMalformed - 1
	for i := range 5 {
		c.reject("", place{"m", i + 2}, fault)
	}
	if len(c.items) != 2 {
		t.Errorf("%d items are kept", len(c.items))
	}
	if _, err := c.listing("manifest m"); err == nil || !strings.Contains(err.Error(), "m line 3, after 1048576 lines that cannot be used either: bad") {
		t.Errorf("a file that is no manifest: %v", err)
	}
}

func TestRegroup(t *testing.T) {
	var c catalog
	for i, name := range []string{"b", "", "a", "b", "", "a", "b@1", "c"} {
		path, member, _ := strings.Cut(name, "@")
		c.add(datasets.Item{ID: string(rune('0' + i)), Path: path, Offset: int64(len(member))}, place{"m", i})
	}
	c.regroup()
	order := ""
	for _, item := range c.items {
		order += item.ID
	}
	if order != "03125467" {
		t.Errorf("order %s", order)
	}
}

// A layout that is asked for by name says what is wrong with a folder of something else.
func TestLayoutsRefuse(t *testing.T) {
	dir := t.TempDir()
	tree(t, dir, "a/notes.md:x", "empty.txt")
	for _, l := range Layouts() {
		for _, path := range []string{filepath.Join(dir, "a"), filepath.Join(dir, "empty.txt"), filepath.Join(dir, "gone")} {
			if src, err := Open(l.Name, path, Options{}); err == nil || src != nil {
				t.Errorf("%s opened %s: %v", l.Name, path, src)
			}
		}
	}
}
