// Package dynlib finds shared libraries of others at run time and calls C functions in them, without cgo. A program that uses it starts on a machine
// that has none of the libraries.
//
// It is the only importer of purego. With the build tag nocuda, or on systems other than Linux on amd64 and arm64, [Open] always fails and the program
// is one static file; without the tag purego makes the program a dynamic one, which needs the C library of the system (glibc).
package dynlib

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ErrNone is wrapped by the error of [Open] when no candidate exists: the machine does not have the library.
var ErrNone = errors.New("not found")

// Library is a shared library in use. It is never unloaded, because the threads that it may have started run its code.
type Library struct {
	Path   string // as it was opened: a name that the loader resolved, or a file
	handle uintptr
}

// Search says where a library may be, in this order.
type Search struct {
	Name     string   // for errors: "the CUDA driver"
	Variable string   // environment variable with a file, or a folder that holds one of Names; then nothing else is tried
	Names    []string // sonames, newest first; the loader knows LD_LIBRARY_PATH and the folders of ldconfig
	Folders  []string // more folders that may hold them; patterns of filepath.Glob
	Before   []string // patterns of file names that are opened first, by their full path, if they lie beside a file that is opened
}

// Open opens the first library that is there. A library that exists but cannot be opened is an error at once when the variable names it; otherwise
// the next one is tried, and its error is told if none can be opened.
func (s Search) Open() (*Library, error) {
	if !Available {
		return nil, fmt.Errorf("%s: %w", s.Name, errUnavailable)
	}
	if named := os.Getenv(s.Variable); s.Variable != "" && named != "" {
		return s.openNamed(named)
	}
	var broken error
	for _, file := range s.candidates() {
		l, err := s.open(file)
		if err == nil {
			return l, nil
		}
		if filepath.IsAbs(file) && broken == nil {
			broken = err
		}
	}
	if broken != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, broken)
	}
	return nil, fmt.Errorf("%s (%s): %w", s.Name, s.Names[0], ErrNone)
}

// openNamed opens what the variable names.
func (s Search) openNamed(named string) (*Library, error) {
	files := []string{named}
	if info, err := os.Stat(named); err == nil && info.IsDir() {
		files = nil
		for _, name := range s.Names {
			files = append(files, within(named, name)...)
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: %s=%s holds none of %s", s.Name, s.Variable, named, strings.Join(s.Names, ", "))
	}
	l, err := s.open(files[0])
	if err != nil {
		return nil, fmt.Errorf("%s: %s=%s: %w", s.Name, s.Variable, named, err)
	}
	return l, nil
}

// candidates are the sonames, then what is in the folders.
func (s Search) candidates() []string {
	files := slices.Clone(s.Names)
	for _, folder := range s.Folders {
		for _, name := range s.Names {
			files = append(files, within(folder, name)...)
		}
	}
	return files
}

// within lists files of a name in the folders that match a pattern, the last in the alphabet first: of several versions the newest.
func within(folder, name string) []string {
	files, err := filepath.Glob(filepath.Join(folder, name))
	if err != nil {
		return nil // a bad pattern, which only a strange environment can make
	}
	slices.Sort(files)
	slices.Reverse(files)
	return files
}

// open opens a file with what has to be there before.
func (s Search) open(file string) (*Library, error) {
	if filepath.IsAbs(file) || strings.ContainsRune(file, filepath.Separator) {
		if _, err := os.Stat(file); err != nil {
			return nil, err
		}
		for _, pattern := range s.Before {
			for _, b := range within(filepath.Dir(file), pattern) {
				if _, err := dlopen(b); err != nil {
					return nil, err
				}
			}
		}
	}
	h, err := dlopen(file)
	if err != nil {
		return nil, err
	}
	return &Library{Path: file, handle: h}, nil
}

// Func is a C function. The zero Func is none.
type Func struct {
	address uintptr
	name    string
}

// Name is the symbol.
func (f Func) Name() string { return f.name }

// Bind looks up the functions whose names are the keys. All must be there.
func (l *Library) Bind(functions map[string]*Func) error {
	var missing []string
	for name, f := range functions {
		address, err := dlsym(l.handle, name)
		if err != nil {
			missing = append(missing, name)
			continue
		}
		*f = Func{address, name}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return fmt.Errorf("%s lacks %s: it is too old", l.Path, strings.Join(missing, ", "))
	}
	return nil
}

// Lookup is a function that may be missing.
func (l *Library) Lookup(name string) (Func, bool) {
	address, err := dlsym(l.handle, name)
	return Func{address, name}, err == nil
}
