package corpora

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func FuzzTable(f *testing.F) {
	f.Add("path\tid\ttranscript\na.wav\tx\tHELLO\n")
	f.Add("\ufeffpath\r\na.wav\r\n\r\n\tb\n")
	f.Add("file_name\tsplit\n\n")
	f.Add("id,path,text\n1,a.wav,\"x, \"\"y\"\"\nz\"\n2,b.wav,\"c\"d\n3\n4,\"")
	f.Fuzz(func(t *testing.T, text string) {
		last := 0
		for row, err := range parseTable(text) {
			if err != nil {
				if looksLikeTable(text) {
					t.Fatalf("%q looks like a table: %v", text, err)
				}
				return
			}
			if !looksLikeTable(text) {
				t.Fatalf("%q has rows but does not look like a table", text)
			}
			if row.Fault == nil && (row.Name == "" || row.ID == "" && row.Name != stemless(row.Name)) || strings.ContainsAny(row.Transcript, "\n") {
				t.Fatalf("%+v", row)
			}
			if row.line <= last {
				t.Fatalf("line %d comes after line %d", row.line, last)
			}
			last = row.line
		}
	})
}

// stemless is name unless its stem is empty, as that of ".wav" is.
func stemless(name string) string {
	if stem(name) == "" {
		return name
	}
	return ""
}

func FuzzFairseq(f *testing.F) {
	for _, line := range []string{"a.flac\t16000", "", "a\tb\tc", "-\t-1", "x.zip:1:2\t7", "x.zip:-1:2\t7", "a:b:3:4\t5", ":1:2\t3"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		e := parseFairseq(line)
		if e.frames < 0 || e.fault == nil && e.name == "" || strings.Contains(e.name, "\t") {
			t.Fatalf("%+v", e)
		}
		if e.archive != "" && (e.offset < 0 || e.size < 1 || !strings.HasPrefix(e.name, e.archive+":")) {
			t.Fatalf("%+v", e)
		}
	})
}

func FuzzTrans(f *testing.F) {
	f.Add("19-198-0000 NORTHANGER ABBEY\r\n\n19-198-0001\n  x  y \n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, line := range parseTrans(text) {
			if line.id == "" || strings.ContainsAny(line.id, " \n") || strings.Contains(line.text, "\n") || line.text != strings.TrimSpace(line.text) {
				t.Fatalf("%+v", line)
			}
		}
	})
}

// FuzzResolve: whatever a manifest says, the file lies in the root.
func FuzzResolve(f *testing.F) {
	parent := f.TempDir()
	dir := filepath.Join(parent, "root")
	writeFileAt(f, filepath.Join(dir, "a", "x.wav"), nil)
	writeFileAt(f, filepath.Join(parent, "secret.wav"), nil)
	if err := os.Symlink("..", filepath.Join(dir, "up")); err != nil {
		f.Skipf("SKIPPED, no symbolic links here: %v", err)
	}
	r, err := openRoot(dir)
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range []string{"a/x.wav", "up/secret.wav", "../secret.wav", "/etc/passwd", "a/../../secret.wav", "", ".", "up/../a/x.wav", "\x00"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		file, fault := r.resolve(name)
		if (file == "") != (fault != nil) {
			t.Fatalf("%q: file %q, fault %v", name, file, fault)
		}
		if fault == nil && file != r.real && !strings.HasPrefix(file, r.real+string(filepath.Separator)) {
			t.Fatalf("%q leads to %s", name, file)
		}
	})
}
