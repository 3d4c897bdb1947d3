package parquet

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// seeds are the files that pyarrow wrote, one of each kind.
func seeds(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "*.parquet"))
	if err != nil || len(files) < 8 {
		t.Fatal(files, err)
	}
	out := map[string][]byte{}
	for _, file := range files {
		if out[filepath.Base(file)], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// readAll opens a file of these bytes and reads all items. Whatever is in it, it ends with items, faults or an error.
func readAll(t testing.TB, data []byte) (items int, err error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "x.parquet")
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	src, err := Open(file)
	if err != nil {
		return 0, err
	}
	for item, err := range src.Items() {
		if err != nil {
			return items, err
		}
		if item.ID == "" || item.Fault == nil && (item.Data == nil) == (item.Path == "") {
			t.Fatalf("%+v", item)
		}
		items++
	}
	if items != src.Total() {
		t.Fatalf("%d items, Total is %d", items, src.Total())
	}
	return items, nil
}

// Any byte of a file may be wrong. Often it is noticed, and nothing panics or takes much memory.
func TestDamaged(t *testing.T) {
	for name, data := range seeds(t) {
		failed := 0
		for at := 0; at < len(data); at += 1 + at%29 {
			damaged := bytes.Clone(data)
			damaged[at] ^= 1 << (at % 8)
			if at%5 == 0 {
				damaged[at] = 0xFF
			}
			if _, err := readAll(t, damaged); err != nil {
				failed++
			}
		}
		if failed == 0 {
			t.Errorf("%s: no damage was noticed", name)
		}
	}
}

func FuzzFile(f *testing.F) {
	for _, data := range seeds(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = readAll(t, data) // it is the invariants of readAll that are tested
	})
}

// FuzzPages reads a column of which the metadata are trusted, so that more of the pages is reached than through a footer.
func FuzzPages(f *testing.F) {
	for _, data := range seeds(f) {
		f.Add(data[4:], uint8(0), uint8(0), uint8(1))
		f.Add(data[4:], uint8(1), uint8(8), uint8(2))
	}
	f.Fuzz(func(t *testing.T, data []byte, codec, size, level uint8) {
		const rows = 100
		c := column{chunk: chunk{file: bytes.NewReader(data), end: int64(len(data)), codec: codecs[int(codec)%len(codecs)], optional: level%3 > 0, rows: rows},
			maxLevel: uint32(level % 3), size: int(size%3) * 4}
		for range rows {
			v, err := c.next()
			if err != nil {
				return
			}
			if c.size > 0 && v != nil && len(v) != c.size {
				t.Fatalf("a value of %d bytes, want %d", len(v), c.size)
			}
		}
	})
}
