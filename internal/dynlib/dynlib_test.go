package dynlib

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// libc is on every machine for which a program with purego starts.
func libc(t *testing.T) *Library {
	t.Helper()
	if !Available {
		t.Skip("SKIPPED: built with the tag nocuda")
	}
	l, err := Search{Name: "the C library", Names: []string{"libc-of-nobody.so", "libc.so.6"}}.Open()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestCall(t *testing.T) {
	l := libc(t)
	var abs, strlen Func
	if err := l.Bind(map[string]*Func{"abs": &abs, "strnlen": &strlen}); err != nil {
		t.Fatal(err)
	}
	if got := int32(abs.Call(^uintptr(41))); got != 42 {
		t.Errorf("abs(-42) is %d", got)
	}
	var frame Frame
	if n := testing.AllocsPerRun(100, func() { frame.Call(abs, 7) }); n > 0 {
		t.Errorf("a call allocates %v objects", n)
	}
	err := l.Bind(map[string]*Func{"abs": &abs, "no_such_a": &abs, "no_such_b": &abs})
	if err == nil || !strings.Contains(err.Error(), "lacks no_such_a, no_such_b") {
		t.Errorf("functions that are missing: %v", err)
	}
	if f, ok := l.Lookup("abs"); !ok || f.Name() != "abs" {
		t.Errorf("%+v, %v", f, ok)
	}
	if _, ok := l.Lookup("no_such"); ok {
		t.Error("a function that there is not")
	}
}

func TestSearch(t *testing.T) {
	if !Available {
		_, err := Search{Name: "x", Names: []string{"libc.so.6"}}.Open()
		if err == nil || !strings.Contains(err.Error(), "nocuda") {
			t.Errorf("%v", err)
		}
		return
	}
	dir := t.TempDir()
	put := func(name string) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte("not a library"), 0o644)); err != nil {
			t.Fatal(err)
		}
		return file
	}
	s := Search{Name: "it", Variable: "AURAL_TEST_LIBRARY", Names: []string{"libit.so.2", "libit.so.1"}, Folders: []string{filepath.Join(dir, "cuda*", "lib")}}
	if _, err := s.Open(); !errors.Is(err, ErrNone) {
		t.Errorf("nowhere: %v", err)
	}
	old, better := put("cuda-12.1/lib/libit.so.1"), put("cuda-12.4/lib/libit.so.1")
	first := put("cuda-12.1/lib/libit.so.2")
	if got, want := strings.Join(s.candidates(), " "), strings.Join([]string{"libit.so.2", "libit.so.1", first, better, old}, " "); got != want {
		t.Errorf("candidates %s, want %s", got, want)
	}
	if _, err := s.Open(); err == nil || errors.Is(err, ErrNone) || !strings.Contains(err.Error(), first) {
		t.Errorf("a file that is no library: %v", err)
	}
	for named, says := range map[string]string{
		filepath.Join(dir, "gone.so"): "no such file", dir: "holds none of libit.so.2, libit.so.1", old: "file too short", filepath.Dir(first): "libit.so.2",
	} {
		t.Setenv(s.Variable, named)
		if _, err := s.Open(); err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), s.Variable+"="+named) {
			t.Errorf("%s=%s: %v, want %q", s.Variable, named, err, says)
		}
	}
}

// What has to be opened first is opened first, or the library is not.
func TestBefore(t *testing.T) {
	libc(t)
	dir := t.TempDir()
	for _, name := range []string{"libmain.so", "libpart.so.3"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("not a library"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := Search{Name: "it", Names: []string{"libmain.so"}, Folders: []string{dir}, Before: []string{"libpart.so.*"}}
	if _, err := s.Open(); err == nil || !strings.Contains(err.Error(), "libpart.so.3") {
		t.Errorf("%v", err)
	}
}
