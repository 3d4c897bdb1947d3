package export

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aural/datasets"
	"aural/datasets/corpora"
	"aural/datasets/parquet"
	"aural/rng"
)

// made imports items of a few thousand random samples.
func made(t *testing.T, items ...datasets.Item) *datasets.Store {
	t.Helper()
	for i := range items {
		r := rng.At(uint64(i), 1, 2)
		items[i].PCM = make([]int16, 500+i)
		for k := range items[i].PCM {
			items[i].PCM[k] = int16(r.Uint32())
		}
	}
	return imported(t, &datasets.Generated{Name: "made", Count: len(items), Seq: slices.Values(items)})
}

func imported(t *testing.T, src datasets.Source) *datasets.Store {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	if s, err := datasets.Import(context.Background(), src, dir, datasets.ImportOptions{}, nil); err != nil || len(s.Rejects) > 0 {
		t.Fatalf("%+v, %v", s.Rejects, err)
	}
	store, err := datasets.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// contents describes rows by what every format keeps.
func contents(t *testing.T, s *datasets.Store, id func(string) string) []string {
	t.Helper()
	var out []string
	for i := range s.Len() {
		u, err := s.Utterance(i)
		pcm, pcmErr := s.PCM(i)
		if err = errors.Join(err, pcmErr); err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s %q %x", id(u.ID), u.Transcript, pcm))
	}
	slices.Sort(out)
	return out
}

func TestRoundTrips(t *testing.T) {
	store := made(t, datasets.Item{ID: "a/one", Speaker: "s1", Transcript: "HELLO THERE"}, datasets.Item{ID: "a/two", Speaker: "s1", Transcript: "ÉTÉ"},
		datasets.Item{ID: "three", Speaker: "s2", Transcript: "IT'S <&>"})
	same := func(id string) string { return id }
	base := func(id string) string { return strings.TrimPrefix(id, "audio/") }
	for _, flac := range []bool{false, true} {
		for format, back := range map[Format]func(dir string) (datasets.Source, error){
			Folder: func(dir string) (datasets.Source, error) { return corpora.Open("folder", dir, corpora.Options{}) },
			Fairseq: func(dir string) (datasets.Source, error) {
				return corpora.Open("auto", filepath.Join(dir, "train.tsv"), corpora.Options{})
			},
			NeMo: func(dir string) (datasets.Source, error) {
				return corpora.Open("nemo", filepath.Join(dir, "manifest.json"), corpora.Options{})
			},
			HuggingFace: parquet.Open,
		} {
			dir := filepath.Join(t.TempDir(), "out")
			done := 0
			if err := Write(context.Background(), dir, datasets.Selection{Store: store}, Options{Format: format, FLAC: flac, Progress: func(n int) { done = n }}); err != nil {
				t.Fatalf("%s: %v", format, err)
			}
			src, err := back(dir)
			if err != nil {
				t.Fatalf("%s: %v", format, err)
			}
			got, want := contents(t, imported(t, src), base), contents(t, store, same)
			if !slices.Equal(got, want) || done != 3 {
				t.Errorf("%s, FLAC %v, %d done: rows\n%.300q\nwant\n%.300q", format, flac, done, got, want)
			}
		}
	}
}

func TestFairseqFiles(t *testing.T) {
	store := made(t, datasets.Item{ID: "x", Transcript: "AB A"}, datasets.Item{ID: "y", Transcript: "B"})
	dir := filepath.Join(t.TempDir(), "out")
	if err := Write(context.Background(), dir, datasets.Selection{Store: store}, Options{Format: Fairseq}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"train.tsv": "audio\nx.wav\t500\ny.wav\t501\n", "train.wrd": "AB A\nB\n",
		"train.ltr": "A B | A |\nB |\n", "dict.ltr.txt": "| 3\nA 2\nB 2\n"} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s is %q, want %q; %v", name, got, want, err)
		}
	}
	store = made(t, datasets.Item{ID: "x", Transcript: "AB A"}, datasets.Item{ID: "y"})
	dir = filepath.Join(t.TempDir(), "out")
	if err := Write(context.Background(), dir, datasets.Selection{Store: store}, Options{Format: Fairseq}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "train.ltr")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("labels for rows of which one has none: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	for _, ids := range [][]string{{"../x"}, {"/x"}, {"a//b"}, {"a/../b"}, {`a\b`}, {".hidden"}, {"Case", "case"}} {
		var items []datasets.Item
		for _, id := range ids {
			items = append(items, datasets.Item{ID: id})
		}
		parent := t.TempDir()
		if err := Write(context.Background(), filepath.Join(parent, "out"), datasets.Selection{Store: made(t, items...)}, Options{Format: Folder}); err == nil {
			t.Errorf("ids %q were written", ids)
		}
		if left, _ := os.ReadDir(parent); len(left) > 0 {
			t.Errorf("ids %q: left behind %v", ids, left)
		}
	}
	store := made(t, datasets.Item{ID: "x"})
	if err := Write(context.Background(), t.TempDir(), datasets.Selection{Store: store}, Options{Format: Folder}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("existing target: %v", err)
	}
	if err := Write(context.Background(), filepath.Join(t.TempDir(), "o"), datasets.Selection{Store: store}, Options{Format: "mp3"}); err == nil {
		t.Error("an unknown format was written")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, format := range Formats() {
		if err := Write(ctx, filepath.Join(t.TempDir(), "o"), datasets.Selection{Store: store}, Options{Format: format}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s, cancelled: %v", format, err)
		}
	}
}
