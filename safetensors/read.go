package safetensors

import (
	"fmt"
	"maps"
	"slices"

	"aural/internal/mapfile"
)

// File is an open safetensors file. It may be used by several goroutines until it is closed.
type File struct {
	name    string // what errors call it
	meta    map[string]string
	entries map[string]entry
	data    []byte
	mapping mapfile.Mapping // none of a file that is in memory
}

// Open maps the file at path and checks its header in full; elements are not looked at. The file must not be changed
// in place while it is open (replacing it by renaming is fine).
func Open(path string) (*File, error) {
	mapping, err := mapfile.Open(path)
	if err != nil {
		return nil, fmt.Errorf("safetensors: open: %w", err)
	}
	f, err := parse(path, mapping.Data)
	if err != nil {
		mapping.Close()
		return nil, err
	}
	f.mapping = mapping
	return f, nil
}

// Parse reads a file that is in memory. The tensors share raw.
func Parse(raw []byte) (*File, error) { return parse("input", raw) }

func parse(name string, raw []byte) (*File, error) {
	header, data, err := splitHeader(raw)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %s: %w", name, err)
	}
	meta, entries, err := decodeHeader(header)
	if err == nil {
		err = checkPlaces(entries, len(data))
	}
	if err != nil {
		return nil, fmt.Errorf("safetensors: %s: %w", name, err)
	}
	f := &File{name: name, meta: meta, data: data, entries: make(map[string]entry, len(entries))}
	for _, e := range entries {
		f.entries[e.Name] = e
	}
	return f, nil
}

// Close releases the mapping. No Data of a tensor may be used afterwards, nor what [Float32] returned for it.
func (f *File) Close() error {
	if f.mapping.Data == nil {
		return nil
	}
	f.data, f.entries = nil, nil
	if err := f.mapping.Close(); err != nil {
		return fmt.Errorf("safetensors: close %s: %w", f.name, err)
	}
	return nil
}

// Names lists the tensors in rising order.
func (f *File) Names() []string { return slices.Sorted(maps.Keys(f.entries)) }

// Has says whether the file holds the tensor, for readers that know several names for one thing.
func (f *File) Has(name string) bool {
	_, ok := f.entries[name]
	return ok
}

// Metadata returns the strings stored beside the tensors, nil when the file has none.
func (f *File) Metadata() map[string]string { return maps.Clone(f.meta) }

// Tensor returns the named tensor. Its Data is the file itself: it must not be written to, and it ends with Close.
func (f *File) Tensor(name string) (Tensor, error) {
	e, ok := f.entries[name]
	if !ok {
		return Tensor{}, fmt.Errorf("safetensors: %s has no tensor %q (it holds %d)", f.name, name, len(f.entries))
	}
	return Tensor{name, e.DType, slices.Clone(e.Shape), f.data[e.begin:e.end:e.end]}, nil
}
