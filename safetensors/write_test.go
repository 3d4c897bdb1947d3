package safetensors

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// onlyFile fails when dir holds anything but name with the given text.
func onlyFile(t *testing.T, dir, name, text string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || list[0].Name() != name {
		t.Errorf("folder holds %v, want only %s", list, name)
	}
	if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != text {
		t.Errorf("%s holds %q (%v), want %q", name, got, err, text)
	}
}

func TestWriterIsWrite(t *testing.T) {
	dir := t.TempDir()
	a, b := Tensor{"a", U8, []int{3}, []byte{1, 2, 3}}, Tensor{"b", I16, []int{2}, []byte{4, 5, 6, 7}}
	if err := Write(filepath.Join(dir, "whole"), nil, []Tensor{a, b}); err != nil {
		t.Fatal(err)
	}
	w, err := Create(filepath.Join(dir, "parts"), nil, []Info{a.Info(), b.Info()})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []Tensor{a, b} { // in the file b stands first
		if err := w.Put(x.Name, x.Data); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "parts")); !os.IsNotExist(err) {
		t.Errorf("the file is there before Commit (%v)", err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	w.Abort()
	whole, _ := os.ReadFile(filepath.Join(dir, "whole"))
	parts, err := os.ReadFile(filepath.Join(dir, "parts"))
	if err != nil || !bytes.Equal(whole, parts) || !bytes.HasSuffix(parts, []byte{4, 5, 6, 7, 1, 2, 3}) {
		t.Errorf("parts %q (%v), whole %q", parts, err, whole)
	}
	if st, _ := os.Stat(filepath.Join(dir, "parts")); st.Mode().Perm()&0o400 == 0 {
		t.Errorf("mode %v", st.Mode())
	}
	if err := w.Put("a", a.Data); err == nil || !strings.Contains(err.Error(), "after Commit") {
		t.Errorf("Put after Commit: %v", err)
	}
	if err := w.Commit(); err == nil {
		t.Error("second Commit passed")
	}
}

// Whatever goes wrong, the old file stays and no temporary file is left.
func TestFailedWriteLeavesTheOldFile(t *testing.T) {
	ok := Tensor{"a", U8, []int{2}, []byte{1, 2}}
	for _, c := range []struct {
		name    string
		meta    map[string]string
		tensors []Tensor
		says    string
	}{
		{"same name twice", nil, []Tensor{ok, ok}, `two tensors are called "a"`},
		{"too few bytes", nil, []Tensor{ok, {"b", F32, []int{2}, make([]byte, 7)}}, `"b" of F32 [2] takes 8 bytes, got 7`},
		{"too many bytes", nil, []Tensor{{"b", F32, nil, make([]byte, 5)}}, "takes 4 bytes, got 5"},
		{"negative dimension", nil, []Tensor{{"b", U8, []int{-1, -1}, []byte{1}}}, "negative"},
		{"overflow", nil, []Tensor{{"b", U8, []int{1 << 40, 1 << 40}, nil}}, "larger than memory"},
		{"sum overflows", nil, []Tensor{{"b", U8, []int{1 << 62}, nil}, {"c", U8, []int{1 << 62}, nil}}, "larger together"},
		{"no dtype", nil, []Tensor{{"b", 0, nil, nil}}, "no known dtype"},
		{"dtype beyond the table", nil, []Tensor{{"b", I64 + 1, nil, nil}}, "no known dtype (DType(11))"},
		{"metadata as a name", nil, []Tensor{{metadataKey, U8, nil, []byte{1}}}, "name of the metadata"},
		{"name not UTF-8", nil, []Tensor{{"\xff", U8, nil, []byte{1}}}, "not UTF-8"},
		{"metadata not UTF-8", map[string]string{"k": "\xff"}, []Tensor{ok}, "not UTF-8"},
		{"metadata key not UTF-8", map[string]string{"\xff": ""}, []Tensor{ok}, "not UTF-8"},
		{"header beyond the limit", map[string]string{"k": strings.Repeat("x", maxHeader)}, []Tensor{ok}, "limit"},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "m.safetensors")
		if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := Write(path, c.meta, c.tensors); err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want one that says %q and the path", c.name, err, c.says)
		}
		onlyFile(t, dir, "m.safetensors", "old")
	}
}

func TestWriterGuards(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m")
	os.WriteFile(path, []byte("old"), 0o644)
	infos := []Info{{"a", U8, []int{1}}, {"b", U8, []int{1}}}
	w, err := Create(path, nil, infos)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Put("c", nil); err == nil || !strings.Contains(err.Error(), "not announced") {
		t.Errorf("unknown tensor: %v", err)
	}
	if err := w.Put("a", []byte{1}); err != nil {
		t.Fatal(err)
	}
	if err := w.Put("a", []byte{1}); err == nil || !strings.Contains(err.Error(), "written before") {
		t.Errorf("same tensor twice: %v", err)
	}
	if err := w.Commit(); err == nil || !strings.Contains(err.Error(), `1 tensors were announced but not written, "b"`) {
		t.Errorf("a tensor is missing: %v", err)
	}
	onlyFile(t, dir, "m", "old")

	if w, err = Create(path, nil, infos); err != nil {
		t.Fatal(err)
	}
	w.Abort()
	w.Abort()
	onlyFile(t, dir, "m", "old")
	if _, err := Create(filepath.Join(dir, "no", "such"), nil, infos); err == nil {
		t.Error("a folder that does not exist was accepted")
	}
	// A folder in the way: the rename fails after everything was written.
	os.Remove(path)
	os.MkdirAll(filepath.Join(path, "full"), 0o755)
	if err := Write(path, nil, nil); err == nil {
		t.Error("a file replaced a folder that is not empty")
	}
	if list, _ := os.ReadDir(dir); len(list) != 1 {
		t.Errorf("left behind: %v", list)
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m")
	for name, text := range map[string]string{"empty": "", "text": "hello, this is no model"} {
		os.WriteFile(path, []byte(text), 0o644)
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, p := range []string{dir, filepath.Join(dir, "missing")} {
		if _, err := Open(p); err == nil || !strings.Contains(err.Error(), p) {
			t.Errorf("%s: %v", p, err)
		}
	}
	if err := Write(path, nil, []Tensor{{"a", U8, []int{1}, []byte{9}}}); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := f.Tensor("a")
	if err := Write(path, nil, nil); err != nil { // replaces the name, not the mapped file
		t.Fatal(err)
	}
	if a.Data[0] != 9 {
		t.Error("the mapping changed")
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if _, err := f.Tensor("a"); err == nil {
		t.Error("a tensor after Close")
	}
}
