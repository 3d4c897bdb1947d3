package parquet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"aural/datasets"
	"aural/datasets/corpora"
)

// Recognises reports whether path is a Parquet file, by what it begins with, or a folder with files called .parquet in it or
// in one of its sub-folders, such as data/ of a dataset of Hugging Face.
func Recognises(path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	if info.IsDir() {
		files, err := find(path)
		return err == nil && len(files) > 0
	}
	if !info.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, len(magic))
	_, err = f.ReadAt(head, 0)
	return err == nil && string(head) == magic
}

// Open makes a Source of a Parquet file, or of all files called .parquet in a folder and its sub-folders, in the order of
// their names. The split is what the name of a file says (see [corpora.SplitOf]): train for data/train-00000-of-00012.parquet.
// Which columns are used says [corpora.ChooseColumns]. A file that a column names by its path is looked for in the folder,
// and never outside. Rows are read while they are consumed; one page of each column is in memory.
func Open(path string) (datasets.Source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	dir, files := path, []string(nil)
	if info.IsDir() {
		if files, err = find(path); err != nil {
			return nil, err
		}
	} else {
		dir, files = filepath.Dir(path), []string{filepath.Base(path)}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("parquet: there is no .parquet in %s", path)
	}
	shards := make([]corpora.Shard, len(files))
	for i, name := range files {
		file := filepath.Join(dir, name)
		r, err := open(file)
		if err != nil {
			return nil, err
		}
		name = filepath.ToSlash(name)
		shards[i] = corpora.Shard{Name: name, Split: corpora.SplitOf(name), Rows: int(r.meta.GetNumRows()), Read: read(file)}
		if err := r.file.Close(); err != nil {
			return nil, fmt.Errorf("parquet: %w", err)
		}
	}
	records, err := corpora.NewRecords("Parquet "+path, dir, shards)
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	return records, nil
}

// find lists the .parquet files of a folder and of the folders below it, relative to it. Hidden ones are left out, and so is
// what a link leads to: a dataset has no use for it, and it may be anywhere.
func find(dir string) (files []string, err error) {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	err = filepath.WalkDir(real, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path != real && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
		case entry.Type().IsRegular() && strings.EqualFold(filepath.Ext(path), ".parquet"):
			rel, err := filepath.Rel(real, path)
			if err != nil {
				return err
			}
			files = append(files, rel)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	return files, nil
}

// read yields the rows of a file.
func read(path string) iter.Seq2[corpora.Record, error] {
	return func(yield func(corpora.Record, error) bool) {
		r, err := open(path)
		if err != nil {
			yield(corpora.Record{}, err)
			return
		}
		defer r.file.Close()
		for g := range r.meta.GetRowGroups() {
			var group *rowGroup
			err := guard(func() (err error) {
				group, err = r.group(g)
				return err
			})
			if err != nil {
				yield(corpora.Record{}, fmt.Errorf("row group %d: %w", g, err))
				return
			}
			for range group.rows {
				record, err := group.next()
				if err != nil {
					err = fmt.Errorf("row group %d: %w", g, err)
				}
				if !yield(record, err) || err != nil {
					return
				}
			}
		}
	}
}

// rowGroup reads the wanted columns of a row group side by side.
type rowGroup struct {
	rows  int64
	audio *column // nil when the table has paths only
	texts []textColumn
}

// textColumn is a column and the part of a record that it fills.
type textColumn struct {
	*column
	name string
	part func(*corpora.Record) *string
}

func (r *reader) group(g int) (*rowGroup, error) {
	meta := r.meta.RowGroup(g)
	group := &rowGroup{rows: meta.NumRows()}
	if group.rows < 0 || group.rows > r.meta.GetNumRows() {
		return nil, fmt.Errorf("%d rows of %d", group.rows, r.meta.GetNumRows())
	}
	text := func(leaf int, part func(*corpora.Record) *string) error {
		c, err := r.column(meta, leaf)
		group.texts = append(group.texts, textColumn{c, r.meta.Schema.Column(leaf).Path(), part})
		return err
	}
	path := func(to *corpora.Record) *string { return &to.Path }
	audio := r.leaves[r.columns.Audio]
	var err error
	if len(audio) == 1 && leafKind(r.meta.Schema.Column(audio[0])) == corpora.FieldText {
		err = text(audio[0], path)
	} else if group.audio, err = r.column(meta, audio[0]); err == nil && len(audio) == 2 {
		err = text(audio[1], path)
	}
	for _, t := range []struct {
		field int
		part  func(*corpora.Record) *string
	}{
		{r.columns.ID, func(to *corpora.Record) *string { return &to.ID }},
		{r.columns.Speaker, func(to *corpora.Record) *string { return &to.Speaker }},
		{r.columns.Transcript, func(to *corpora.Record) *string { return &to.Transcript }},
	} {
		if t.field >= 0 && err == nil {
			err = text(r.leaves[t.field][0], t.part)
		}
	}
	return group, err
}

func (g *rowGroup) next() (record corpora.Record, err error) {
	if g.audio != nil {
		content, err := g.audio.next()
		if err != nil {
			return record, fmt.Errorf("audio: %w", err)
		}
		record.Audio = bytes.Clone(content)
	}
	for _, t := range g.texts {
		value, err := t.next()
		if err != nil {
			return record, fmt.Errorf("column %s: %w", t.name, err)
		}
		if value != nil {
			*t.part(&record) = t.text(value)
		}
	}
	return record, nil
}

// text returns a value of the column as text; integers are taken as signed.
func (c *column) text(value []byte) string {
	switch c.size {
	case 4:
		return strconv.Itoa(int(int32(binary.LittleEndian.Uint32(value))))
	case 8:
		return strconv.FormatInt(int64(binary.LittleEndian.Uint64(value)), 10)
	}
	return string(value)
}
