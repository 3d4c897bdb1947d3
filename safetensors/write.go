package safetensors

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"aural/internal/atomicfile"
)

// Write writes a whole file. Models that other programs shall open need meta {"format": "pt"}.
//
// Tensors are laid out by element size, largest first, and by name within a size, whatever their order in the slice:
// equal contents give equal bytes, and every tensor is aligned to its elements. The file appears under path only when
// it is complete and flushed; until then, and after any error, path is what it was.
func Write(path string, meta map[string]string, tensors []Tensor) error {
	infos := make([]Info, len(tensors))
	for i, t := range tensors {
		infos[i] = t.Info()
	}
	w, err := Create(path, meta, infos)
	if err != nil {
		return err
	}
	defer w.Abort()
	for _, t := range tensors {
		if err := w.Put(t.Name, t.Data); err != nil {
			return err
		}
	}
	return w.Commit()
}

// Writer writes a file whose tensors are not all in memory at once: their names and shapes are given first, the elements
// follow one tensor at a time in any order.
type Writer struct {
	path    string
	f       *os.File // nil after Commit or Abort
	start   int64    // where the data begins
	pending map[string]entry
}

// Create begins a temporary file beside path. It is followed by one Put for each of infos and by Commit.
//
//	w, err := safetensors.Create(path, meta, infos)
//	if err != nil { … }
//	defer w.Abort() // does nothing after Commit
func Create(path string, meta map[string]string, infos []Info) (*Writer, error) {
	entries, err := layout(infos)
	if err != nil {
		return nil, fmt.Errorf("safetensors: write %s: %w", path, err)
	}
	header, err := encodeHeader(meta, entries)
	if err != nil {
		return nil, fmt.Errorf("safetensors: write %s: %w", path, err)
	}
	// Not os.CreateTemp, whose files only their owner may read: a checkpoint follows the umask like any other file.
	tmp := fmt.Sprintf("%s.tmp-%08x", path, rand.Uint32())
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, fmt.Errorf("safetensors: write: %w", err)
	}
	w := &Writer{path: path, f: f, start: int64(len(header)), pending: make(map[string]entry, len(entries))}
	for _, e := range entries {
		w.pending[e.Name] = e
	}
	if _, err := f.Write(header); err != nil {
		w.Abort()
		return nil, fmt.Errorf("safetensors: write: %w", err)
	}
	return w, nil
}

// Put writes the elements of one tensor: exactly its size in bytes, once.
func (w *Writer) Put(name string, data []byte) error {
	e, ok := w.pending[name]
	switch {
	case w.f == nil:
		return fmt.Errorf("safetensors: write %s: Put(%q) after Commit or Abort", w.path, name)
	case !ok:
		return fmt.Errorf("safetensors: write %s: tensor %q was not announced or was written before", w.path, name)
	case len(data) != e.end-e.begin:
		return fmt.Errorf("safetensors: write %s: tensor %q of %v %v takes %d bytes, got %d", w.path, name, e.DType, e.Shape, e.end-e.begin, len(data))
	}
	if _, err := w.f.WriteAt(data, w.start+int64(e.begin)); err != nil {
		return fmt.Errorf("safetensors: write: %w", err)
	}
	delete(w.pending, name)
	return nil
}

// Commit flushes the file to disk and puts it in place of path. It fails when a tensor was left out.
func (w *Writer) Commit() (err error) {
	if w.f == nil {
		return fmt.Errorf("safetensors: write %s: Commit after Commit or Abort", w.path)
	}
	defer w.Abort()
	if len(w.pending) > 0 {
		missing := make([]string, 0, len(w.pending))
		for name := range w.pending {
			missing = append(missing, name)
		}
		return fmt.Errorf("safetensors: write %s: %d tensors were announced but not written, %q among them", w.path, len(missing), slices.Min(missing))
	}
	if err := w.f.Sync(); err != nil {
		return fmt.Errorf("safetensors: write: %w", err)
	}
	f := w.f
	if err := f.Close(); err != nil {
		return fmt.Errorf("safetensors: write: %w", err)
	}
	if err := os.Rename(f.Name(), w.path); err != nil {
		return fmt.Errorf("safetensors: write: %w", err)
	}
	w.f = nil
	if err := atomicfile.SyncDir(filepath.Dir(w.path)); err != nil {
		return fmt.Errorf("safetensors: write %s: flush folder: %w", w.path, err)
	}
	return nil
}

// Abort drops the temporary file. After Commit it does nothing.
func (w *Writer) Abort() {
	if w.f == nil {
		return
	}
	w.f.Close()
	os.Remove(w.f.Name())
	w.f = nil
}
