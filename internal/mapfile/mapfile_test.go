package mapfile

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	for _, want := range []string{"", "x", string(make([]byte, 10_000))} {
		path := filepath.Join(dir, "file")
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := Open(path)
		if err != nil || string(m.Data) != want {
			t.Fatalf("%d bytes: %d, %v", len(want), len(m.Data), err)
		}
		for range 2 {
			if err := m.Close(); err != nil || m.Data != nil {
				t.Errorf("closing: %v, %d bytes left", err, len(m.Data))
			}
		}
	}
	for _, path := range []string{dir, filepath.Join(dir, "missing")} {
		if _, err := Open(path); err == nil {
			t.Errorf("%s was opened", path)
		}
	}
}
