package corpora

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/ipc"
)

// The files of Hugging Face's save_to_disk.
const (
	hfState    = "state.json"
	hfSplits   = "dataset_dict.json"
	hfMaxState = 16 << 20
)

// HuggingFace opens a dataset of Hugging Face datasets on disk: a folder of save_to_disk (state.json and data-*.arrow; a
// DatasetDict with dataset_dict.json, whose sub-folders are the splits), a folder of its cache (*.arrow), or one Arrow file,
// in the IPC stream format that Hugging Face writes or in the IPC file format. Buffers may be compressed.
//
// Which columns are used says [ChooseColumns]. Audio that is not in the table is looked for below audioDir, or below the
// folder of the dataset when audioDir is "".
func HuggingFace(name, audioDir string) (*Records, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("corpora: %w", err)
	}
	dir, files := name, []arrowFile{{filepath.Base(name), name, SplitOf(filepath.Base(name))}}
	if !info.IsDir() {
		dir = filepath.Dir(name)
	} else if files, err = hfFiles(name); err != nil {
		return nil, err
	}
	if audioDir == "" {
		audioDir = dir
	}
	shards := make([]Shard, len(files))
	for i, f := range files {
		if shards[i], err = f.shard(); err != nil {
			return nil, err
		}
	}
	return NewRecords("Hugging Face dataset "+name, audioDir, shards)
}

// looksLikeHuggingFace: the marks of save_to_disk, Arrow files in a folder, or what an Arrow file begins with.
func looksLikeHuggingFace(p *probe) bool {
	if p.dir {
		cached, err := filepath.Glob(filepath.Join(globEscape(p.path), "*.arrow"))
		return p.has(hfSplits) || p.has(hfState) || err == nil && len(cached) > 0
	}
	return strings.HasPrefix(p.head, "ARROW1\x00\x00") || strings.EqualFold(filepath.Ext(p.path), ".arrow")
}

func globEscape(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// arrowFile is a shard that has been found but not opened.
type arrowFile struct{ name, path, split string }

// hfFiles lists the shards of a folder.
func hfFiles(dir string) ([]arrowFile, error) {
	r, err := openRoot(dir)
	if err != nil {
		return nil, err
	}
	var dict struct {
		Splits []string `json:"splits"`
	}
	if found, err := r.readState(hfSplits, &dict); err != nil || !found {
		if err != nil {
			return nil, err
		}
		return r.hfSplit(".", "")
	}
	if len(dict.Splits) == 0 {
		return nil, fmt.Errorf("corpora: %s of %s lists no splits", hfSplits, dir)
	}
	var files []arrowFile
	for _, split := range dict.Splits {
		more, err := r.hfSplit(split, split)
		if err != nil {
			return nil, err
		}
		files = append(files, more...)
	}
	return files, nil
}

// hfSplit lists the shards of a dataset in the sub-folder sub, "." for the folder itself.
func (r root) hfSplit(sub, split string) ([]arrowFile, error) {
	var state struct {
		Files []struct {
			Filename string `json:"filename"`
		} `json:"_data_files"`
		Indices []any  `json:"_indices_data_files"`
		Split   string `json:"_split"`
	}
	saved, err := r.readState(path.Join(sub, hfState), &state)
	if err != nil {
		return nil, err
	}
	var names []string
	switch {
	case saved && len(state.Indices) > 0:
		return nil, fmt.Errorf("corpora: the dataset %s in %s is a selection of rows (_indices_data_files): call flatten_indices and save it again", sub, r.dir)
	case saved:
		for _, f := range state.Files {
			names = append(names, f.Filename)
		}
		if split == "" {
			split = state.Split
		}
	default:
		if names, err = r.cachedArrow(sub); err != nil {
			return nil, err
		}
	}
	var files []arrowFile
	for _, name := range names {
		name = path.Join(sub, filepath.ToSlash(name))
		file, fault := r.resolve(filepath.FromSlash(name))
		if fault != nil {
			return nil, fmt.Errorf("corpora: a file of the dataset: %s", fault.Reason)
		}
		f := arrowFile{name, file, split}
		if f.split == "" {
			f.split = SplitOf(name)
		}
		files = append(files, f)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("corpora: the dataset %s in %s has no Arrow files", sub, r.dir)
	}
	return files, nil
}

// cachedArrow lists the Arrow files of a folder without state.json, which is one of Hugging Face's cache. It keeps the results
// of map and filter there too, as cache-FINGERPRINT.arrow; they are not the dataset.
func (r root) cachedArrow(sub string) (names []string, err error) {
	dir, fault := r.resolve(filepath.FromSlash(sub))
	if fault != nil {
		return nil, fmt.Errorf("corpora: a split of the dataset: %s", fault.Reason)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("corpora: %w", err)
	}
	for _, entry := range entries {
		name := entry.Name()
		if strings.EqualFold(path.Ext(name), ".arrow") && !strings.HasPrefix(name, "cache-") && !strings.HasPrefix(name, ".") {
			names = append(names, name)
		}
	}
	return names, nil
}

// readState decodes a small JSON file of the dataset. found is false when there is none.
func (r root) readState(name string, into any) (found bool, err error) {
	if _, err := os.Lstat(filepath.Join(r.real, filepath.FromSlash(name))); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	file, fault := r.resolve(filepath.FromSlash(name))
	if fault != nil {
		return false, fmt.Errorf("corpora: %s", fault.Reason)
	}
	info, err := os.Stat(file)
	if err != nil {
		return false, fmt.Errorf("corpora: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > hfMaxState {
		return false, fmt.Errorf("corpora: %s is no regular file of at most %d bytes", file, hfMaxState)
	}
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		return false, fmt.Errorf("corpora: read %s: %w", file, err)
	}
	return true, nil
}

// shard opens the file to count its rows and to find its columns.
func (f arrowFile) shard() (Shard, error) {
	s, err := openIPC(f.path)
	if err != nil {
		return Shard{}, err
	}
	defer s.file.Close()
	rows, err := s.countRows()
	if err != nil {
		return Shard{}, fmt.Errorf("corpora: Arrow file %s: %w", f.path, err)
	}
	if _, _, err := s.openReader(); err != nil {
		return Shard{}, fmt.Errorf("corpora: Arrow file %s: %w", f.path, err)
	}
	return Shard{Name: f.name, Split: f.split, Rows: int(rows), Read: f.read()}, nil
}

// openReader reads the schema.
func (s *ipcFile) openReader() (reader *ipc.Reader, c Columns, err error) {
	err = guard(func() (err error) {
		reader, err = ipc.NewReaderFromMessageReader(s, ipc.WithAllocator(s.memory), ipc.WithEnsureNativeEndian(true))
		return err
	})
	if err != nil {
		return nil, c, err
	}
	c, err = ChooseColumns(arrowFields(reader.Schema()), huggingFaceMetadata(reader.Schema()))
	return reader, c, err
}

// read yields the rows, one record batch in memory at a time.
func (f arrowFile) read() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		s, err := openIPC(f.path)
		if err != nil {
			yield(Record{}, err)
			return
		}
		defer s.file.Close()
		reader, c, err := s.openReader()
		if err != nil {
			yield(Record{}, err)
			return
		}
		defer reader.Release()
		for {
			batch, err := s.next(reader)
			if err != nil {
				yield(Record{}, err)
			}
			if err != nil || batch == nil {
				return
			}
			for i := range int(batch.NumRows()) {
				var r Record
				err := guard(func() (err error) {
					r, err = arrowRecord(batch, c, i)
					return err
				})
				if !yield(r, err) || err != nil {
					return
				}
			}
		}
	}
}

// next returns the next record batch, which lives until the next call, or nil at the end.
func (s *ipcFile) next(reader *ipc.Reader) (batch arrow.Record, err error) {
	err = guard(func() error {
		if reader.Next() {
			batch = reader.Record()
		}
		return reader.Err()
	})
	s.dropMessage()
	return batch, err
}
