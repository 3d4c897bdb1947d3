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
	f.Fuzz(func(t *testing.T, text string) {
		items, err := parseTable(text)
		if err != nil {
			return
		}
		if text != "" && !looksLikeTable(text) && len(items) > 0 {
			t.Fatalf("%q gave %d items but does not look like a table", text, len(items))
		}
		for _, item := range items {
			if item.Fault == nil && (item.Name == "" || item.ID == "" && item.Name != stemless(item.Name)) || strings.ContainsAny(item.Transcript, "\t\n") {
				t.Fatalf("%+v", item)
			}
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
	f.Add("/root\na.flac\t16000\nb.flac\t5\n")
	f.Add("/root\n\na\tb\tc\n-\t-1\nx.zip:1:2\t7\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		rootDir, entries := parseFairseq(text)
		if strings.Contains(rootDir, "\n") {
			t.Fatalf("root %q", rootDir)
		}
		lines := 0
		for range textLines(text) {
			lines++
		}
		if len(entries) != max(0, lines-1) {
			t.Fatalf("%d entries for %d lines", len(entries), lines)
		}
		for _, e := range entries {
			if e.frames < 0 || e.fault == nil && e.name == "" || strings.ContainsAny(e.name, "\t\n") {
				t.Fatalf("%+v", e)
			}
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
