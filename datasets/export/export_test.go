package export

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"aural/datasets"
	"aural/datasets/corpora"
	"aural/datasets/parquet"
)

// makeStore imports one item for each id. Its samples depend on its place; texts give transcripts, "" for none.
func makeStore(t *testing.T, ids, texts, splits []string) *datasets.Store {
	t.Helper()
	items := make([]datasets.Item, len(ids))
	for i, id := range ids {
		pcm := make([]int16, 1000+37*i)
		state := uint32(i + 1)
		for j := range pcm {
			state = state*1664525 + 1013904223
			pcm[j] = int16(state >> 18)
		}
		pcm[0], pcm[1] = -32768, 32767
		items[i] = datasets.Item{ID: id, Speaker: "talker " + id[:1], Transcript: texts[i%len(texts)], Split: splits[i%len(splits)], Name: id, PCM: pcm}
	}
	src, err := datasets.NewListing("made", items)
	if err != nil {
		t.Fatal(err)
	}
	return importStore(t, src)
}

func importStore(t *testing.T, src datasets.Source) *datasets.Store {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	sum, err := datasets.Import(context.Background(), src, dir, datasets.ImportOptions{}, nil)
	if err != nil || len(sum.Rejects) > 0 {
		t.Fatalf("import: %v, rejects %v", err, sum.Rejects)
	}
	s, err := datasets.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

type row struct{ id, transcript, split, speaker, pcm string }

// contents reads a whole store.
func contents(t *testing.T, s *datasets.Store) map[string]row {
	t.Helper()
	all := map[string]row{}
	for i := range s.Len() {
		u, err := s.Utterance(i)
		if err != nil {
			t.Fatal(err)
		}
		pcm, err := s.PCM(i)
		if err != nil {
			t.Fatal(err)
		}
		all[u.ID] = row{u.ID, u.Transcript, u.Split, u.Speaker, string(pcm)}
	}
	return all
}

var (
	ids    = []string{"a/1", "a/2.b", "b c/ü", "deep/er/and deeper/1", "z"}
	texts  = []string{"HELLO YOU", "ÜBER <ALLES> & MEHR", "IT'S"}
	splits = []string{"train", "dev"}
)

// What is exported comes back with the same ids, texts and samples in every format and codec.
func TestRoundTrip(t *testing.T) {
	s := makeStore(t, ids, texts, splits)
	want := contents(t, s)
	for _, c := range []struct {
		format         Format
		open           func(dir string) (datasets.Source, error)
		split, speaker bool // whether the layout has them
	}{
		{Folder, func(dir string) (datasets.Source, error) {
			return corpora.Open("folder", filepath.Join(dir, "audio"), corpora.Options{})
		}, false, false},
		{Fairseq, func(dir string) (datasets.Source, error) { return corpora.Open("fairseq", dir, corpora.Options{}) }, true, false},
		{NeMo, func(dir string) (datasets.Source, error) { return corpora.Open("nemo", dir, corpora.Options{}) }, true, true},
		{HuggingFace, parquet.Open, true, true},
	} {
		for _, codec := range []Codec{"", FLAC} {
			t.Run(string(c.format)+string(codec), func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "new", "out")
				var calls []int
				sum, err := Write(context.Background(), dir, datasets.Selection{Store: s}, Options{c.format, codec}, func(n int) { calls = append(calls, n) })
				if err != nil {
					t.Fatal(err)
				}
				if sum.Rows != len(ids) || sum.Samples != s.Info().Samples || len(sum.Notes) > 0 || !slices.Equal(calls, []int{1, 2, 3, 4, 5}) {
					t.Errorf("summary %+v, progress %v", sum, calls)
				}
				src, err := c.open(dir)
				if err != nil {
					t.Fatal(err)
				}
				got := contents(t, importStore(t, src))
				if len(got) != len(want) {
					t.Errorf("%d rows, want %d", len(got), len(want))
				}
				for id, w := range want {
					if !c.split {
						w.split = got[id].split
					}
					if !c.speaker {
						w.speaker = got[id].speaker
					}
					if got[id] != w {
						t.Errorf("row %q: %.80q, want %.80q", id, got[id], w)
					}
				}
				only(t, filepath.Dir(dir), "out")
			})
		}
	}
}

// only fails unless a folder has just these names.
func only(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, names) {
		t.Errorf("%s holds %q, want %q", dir, got, names)
	}
}

func read(t *testing.T, parts ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// The text files, letter by letter. The labels are what libri_labels.py of fairseq makes of these words.
func TestFiles(t *testing.T) {
	s := makeStore(t, []string{"x/1", "x/2"}, []string{"HE  IS", "<Ü&"}, []string{""})
	dir := t.TempDir()
	for _, f := range []Format{Folder, Fairseq, NeMo, HuggingFace} {
		if _, err := Write(context.Background(), filepath.Join(dir, string(f)), datasets.Selection{Store: s}, Options{Format: f}, nil); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"fairseq/train.tsv":    filepath.Join(dir, "fairseq", "audio") + "\nx/1.wav\t1000\nx/2.wav\t1037\n",
		"fairseq/train.wrd":    "HE IS\n<Ü&\n",
		"fairseq/train.ltr":    "H E | I S |\n< Ü & |\n",
		"fairseq/dict.ltr.txt": "| 3\n& 1\n< 1\nE 1\nH 1\nI 1\nS 1\nÜ 1\n",
		"folder/audio/x/2.txt": "<Ü&\n",
		"nemo/manifest.json": `{"audio_filepath":"x/1.wav","duration":0.0625,"text":"HE  IS","speaker":"talker x"}` + "\n" +
			`{"audio_filepath":"x/2.wav","duration":0.0648125,"text":"<Ü&","speaker":"talker x"}` + "\n",
	} {
		if got := read(t, dir, filepath.FromSlash(name)); got != want {
			t.Errorf("%s is\n%s\nwant\n%s", name, got, want)
		}
	}
	wav := read(t, dir, "folder", "audio", "x", "1.wav")
	pcm, err := s.PCM(0)
	if err != nil || wav[44:] != string(pcm) || binary.LittleEndian.Uint32([]byte(wav[24:])) != datasets.Rate {
		t.Errorf("x/1.wav is not 16 kHz with the samples of the store: %v", err)
	}
	only(t, filepath.Join(dir, "hf", "data"), "train-00000-of-00001.parquet")
	if info, err := os.Stat(filepath.Join(dir, "hf")); err != nil || info.Mode().Perm()&0o055 != 0o055 {
		t.Errorf("others cannot read the folder: %v, %v", info.Mode(), err)
	}
}

// A split with some transcripts has a manifest without labels, and the user is told; the other split has labels.
func TestSomeTranscripts(t *testing.T) {
	s := makeStore(t, []string{"1", "2", "3", "4"}, []string{"A", "B", "C", ""}, []string{"train", "dev"})
	dir := filepath.Join(t.TempDir(), "out")
	sum, err := Write(context.Background(), dir, datasets.Selection{Store: s}, Options{Format: Fairseq}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(sum.Notes) != 1 || !strings.Contains(sum.Notes[0], "dev.tsv has no labels: 1 of its 2 rows") {
		t.Errorf("notes %q", sum.Notes)
	}
	only(t, dir, "audio", "dev.tsv", "dict.ltr.txt", "train.ltr", "train.tsv", "train.wrd")
}

// Rows without a split are of train, in one file with those that say so.
func TestUnnamedSplit(t *testing.T) {
	s := makeStore(t, []string{"1", "2", "3"}, []string{"A"}, []string{"", "train", ""})
	dir := t.TempDir()
	for _, f := range []Format{Fairseq, HuggingFace} {
		if _, err := Write(context.Background(), filepath.Join(dir, string(f)), datasets.Selection{Store: s}, Options{Format: f}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Count(read(t, dir, "fairseq", "train.tsv"), "\n"); got != 4 {
		t.Errorf("%d lines", got)
	}
	only(t, filepath.Join(dir, "hf", "data"), "train-00000-of-00001.parquet")
}

// Rows that a selection names are written, in its order.
func TestSelection(t *testing.T) {
	s := makeStore(t, ids, texts, splits[:1])
	view, err := s.View()
	if err != nil {
		t.Fatal(err)
	}
	some := view.Filter(func(e datasets.Entry) bool { return e.Row%2 == 1 })
	dir := filepath.Join(t.TempDir(), "out")
	if sum, err := Write(context.Background(), dir, datasets.Selection{Store: s, Rows: &some}, Options{Format: NeMo}, nil); err != nil || sum.Rows != 2 {
		t.Fatalf("%+v, %v", sum, err)
	}
	if lines := strings.Count(read(t, dir, "train_manifest.json"), "\n"); lines != 2 {
		t.Errorf("%d lines", lines)
	}
	none := view.Filter(func(datasets.Entry) bool { return false })
	if _, err := Write(context.Background(), dir+"2", datasets.Selection{Store: s, Rows: &none}, Options{Format: NeMo}, nil); err == nil {
		t.Error("an export of no rows succeeded")
	}
}

// Whatever is refused leaves nothing behind.
func TestRefused(t *testing.T) {
	one := func(id, text string) *datasets.Store { return makeStore(t, []string{id}, []string{text}, []string{""}) }
	for name, c := range map[string]struct {
		store  *datasets.Store
		format Format
		want   string
	}{
		"parent":        {one("../x", ""), Folder, "begins with a dot"},
		"inner parent":  {one("a/../../x", ""), Folder, "begins with a dot"},
		"hidden":        {one("a/.x", ""), NeMo, "begins with a dot"},
		"absolute":      {one("/etc/x", ""), Fairseq, "absolute"},
		"empty element": {one("a//x", ""), HuggingFace, "empty element"},
		"last slash":    {one("a/", ""), HuggingFace, "empty element"},
		"blank":         {one("a ", ""), NeMo, "blank"},
		"bar":           {one("a", "THIS|THAT"), Fairseq, "ends words"},
		"format":        {one("a", ""), "kaldi", `format "kaldi"`},
		"text":          {makeStore(t, []string{"a", "a.txt/b"}, []string{"A"}, []string{""}), Folder, "same name"},
		"file":          {makeStore(t, []string{"a", "a.wav/b"}, []string{"A"}, []string{""}), Folder, "same name"},
		"manifest":      {makeStore(t, []string{"manifest.json/b"}, []string{"A"}, []string{""}), NeMo, "same name"},
		"names":         {makeStore(t, []string{"a", "b"}, []string{""}, []string{"dev 1", "dev/1"}), Fairseq, "same name"},
		"splits":        {makeStore(t, []string{"a", "b"}, []string{"A"}, []string{"dev-1", "dev.1"}), HuggingFace, "another split"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			_, err := Write(context.Background(), filepath.Join(dir, "out"), datasets.Selection{Store: c.store}, Options{Format: c.format}, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			only(t, dir)
		})
	}
}

// An import refuses such ids today; a store may be older.
func TestCheckID(t *testing.T) {
	for _, id := range []string{"", "a\x00b", "a\tb", "a\nb", "\xff", ".", "..", "a/..", "a/.", "./a", "/", " a"} {
		if checkID(id) == nil {
			t.Errorf("%q is allowed", id)
		}
	}
	for _, id := range ids {
		if err := checkID(id); err != nil {
			t.Error(err)
		}
	}
}

func TestExistingTarget(t *testing.T) {
	s := makeStore(t, []string{"a"}, []string{""}, []string{""})
	dir := t.TempDir()
	if _, err := Write(context.Background(), dir, datasets.Selection{Store: s}, Options{Format: Folder}, nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("an empty folder: %v", err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink("nowhere", link); err != nil {
		t.Skip(err)
	}
	if _, err := Write(context.Background(), link, datasets.Selection{Store: s}, Options{Format: Folder}, nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a link: %v", err)
	}
	only(t, dir, "link")
}

func TestCancelled(t *testing.T) {
	s := makeStore(t, ids, texts, splits)
	for _, format := range Formats() {
		dir := t.TempDir()
		ctx, cancel := context.WithCancel(context.Background())
		_, err := Write(ctx, filepath.Join(dir, "out"), datasets.Selection{Store: s}, Options{Format: format}, func(done int) {
			if done == 2 {
				cancel()
			}
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", format, err)
		}
		only(t, dir)
	}
}

// No id that checkID allows leads out of the folder.
func FuzzCheckID(f *testing.F) {
	for _, id := range append([]string{"", ".", "..", "a/../..", "/", "a\\..\\b", "C:\\x", "\xff"}, ids...) {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		if checkID(id) != nil {
			return
		}
		root := t.TempDir()
		rel, err := filepath.Rel(root, filepath.Join(root, filepath.FromSlash(id)+".wav"))
		if err != nil || !filepath.IsLocal(rel) || filepath.ToSlash(rel) != id+".wav" {
			t.Errorf("%q lies at %q, %v", id, rel, err)
		}
	})
}

func TestSpell(t *testing.T) {
	if got := spell("A BÉ"); !reflect.DeepEqual(got, []string{"A", "|", "B", "É", "|"}) {
		t.Errorf("%q", got)
	}
}
