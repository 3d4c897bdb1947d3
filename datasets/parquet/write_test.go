package parquet

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aural/datasets/corpora"
)

func goldenRows(n int) []Row {
	out := make([]Row, n)
	for i := range out {
		out[i] = Row{ID: fmt.Sprintf("utt-%d", i), Samples: 400 + 16*i, Audio: goldenWAV(i), Path: fmt.Sprintf("a/utt-%d.wav", i)}
		if i%2 == 1 {
			out[i].Speaker, out[i].Transcript = "s", "TEXT"
		}
	}
	return out
}

func each(rows []Row, err error) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
		if err != nil {
			yield(Row{}, err)
		}
	}
}

// What is written is read back, whatever the sizes, and the files say so in the metadata of Hugging Face.
func TestWriteAndRead(t *testing.T) {
	const n = 9
	var want []string
	for i, r := range goldenRows(n) {
		want = append(want, fmt.Sprintf("%s\t%s\t%s\tdev.clean\t%d", r.ID, r.Speaker, r.Transcript, i))
	}
	for _, c := range []struct {
		opt    WriteOptions
		files  int
		groups int // of the first file
	}{
		{WriteOptions{Split: "dev.clean"}, 1, 1},
		{WriteOptions{Split: "dev.clean", ShardBytes: 3000, GroupBytes: 1}, 4, 3},
		{WriteOptions{Split: "dev.clean", ShardBytes: 1}, n, 1},
		{WriteOptions{Split: "dev.clean", GroupBytes: 2000}, 1, 7},
	} {
		dir := t.TempDir()
		files, err := Write(dir, each(goldenRows(n), nil), c.opt)
		if err != nil || len(files) != c.files || filepath.Base(files[0]) != fmt.Sprintf("dev.clean-00000-of-%05d.parquet", c.files) {
			t.Fatalf("%+v: %v, %v", c.opt, files, err)
		}
		if got := rows(t, dir); !slices.Equal(got, want) {
			t.Errorf("%+v: got\n%s", c.opt, strings.Join(got, "\n"))
		}
		r, err := open(files[0])
		if err != nil {
			t.Fatal(err)
		}
		defer r.file.Close()
		if len(r.meta.GetRowGroups()) != c.groups {
			t.Errorf("%+v: %d row groups, want %d", c.opt, len(r.meta.GetRowGroups()), c.groups)
		}
		keys := r.meta.KeyValueMetadata()
		if hf := keys.FindValue("huggingface"); hf == nil || *hf != features || keys.FindValue("ARROW:schema") == nil {
			t.Errorf("%+v: metadata %v", c.opt, keys.Keys())
		}
		if entries, err := os.ReadDir(filepath.Join(dir, "data")); err != nil || len(entries) != c.files {
			t.Errorf("%+v: %v, %v", c.opt, entries, err)
		}
	}
	if c, err := corpora.ChooseColumns([]corpora.Field{{Name: "id", Kind: corpora.FieldText}, {Name: "audio", Kind: corpora.FieldAudio}}, features); err != nil || c.Audio != 1 {
		t.Errorf("the features are not understood: %+v, %v", c, err)
	}
}

func TestWriteRefuses(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		rows iter.Seq2[Row, error]
		opt  WriteOptions
		says string
	}{
		"no rows":        {each(nil, nil), WriteOptions{}, "no rows"},
		"no id":          {each([]Row{{Audio: []byte("x")}}, nil), WriteOptions{}, "want an id"},
		"no audio":       {each([]Row{{ID: "x"}}, nil), WriteOptions{}, "want an id, audio"},
		"split outside":  {each(goldenRows(1), nil), WriteOptions{Split: "../up"}, `split "../up"`},
		"negative sizes": {each(goldenRows(1), nil), WriteOptions{GroupBytes: -1}, "row groups of -1 bytes"},
		"source fails":   {each(goldenRows(3), broken), WriteOptions{ShardBytes: 1}, "row 3: broken"},
	} {
		dir := t.TempDir()
		if _, err := Write(dir, c.rows, c.opt); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
		if left, err := filepath.Glob(filepath.Join(dir, "data", "*")); err != nil || len(left) > 0 {
			t.Errorf("%s: %v remain, %v", name, left, err)
		}
		if left, err := filepath.Glob(filepath.Join(dir, "data", ".*")); err != nil || len(left) > 0 {
			t.Errorf("%s: %v remain, %v", name, left, err)
		}
	}
	dir := filepath.Join(t.TempDir(), "a[b]")
	for i, split := range []string{"train", "test", "train"} {
		_, err := Write(dir, each(goldenRows(1), nil), WriteOptions{Split: split})
		if exists := errors.Is(err, fs.ErrExist); exists != (i == 2) || err != nil && !exists {
			t.Errorf("%s, number %d: %v", split, i, err)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	dir := b.TempDir()
	wav := make([]byte, 320_000) // ten seconds
	many := func(yield func(Row, error) bool) {
		for i := range 200 {
			if !yield(Row{ID: fmt.Sprint(i), Audio: wav, Samples: 160_000}, nil) {
				return
			}
		}
	}
	if _, err := Write(dir, many, WriteOptions{}); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(200 * int64(len(wav)))
	for b.Loop() {
		src, err := Open(dir)
		if err != nil {
			b.Fatal(err)
		}
		for _, err := range src.Items() {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
