package datasets

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aural/audio"
)

// writeWAV writes a canonical WAV file and returns its samples.
func writeWAV(t testing.TB, path string, rate, n int) []int16 {
	t.Helper()
	samples := noise(uint64(n), n)
	writeFileAt(t, path, audio.AppendWAV16(nil, rate, samples))
	return samples
}

func writeFileAt(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func folder(t testing.TB, dir string) *Listing {
	t.Helper()
	var items []Item
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		name, relErr := filepath.Rel(dir, path)
		if filepath.Ext(path) != ".txt" && entry.Type().IsRegular() {
			item := Item{ID: strings.TrimSuffix(name, filepath.Ext(name)), Speaker: filepath.Base(filepath.Dir(path)), Name: name, Path: path}
			if sidecar := strings.TrimSuffix(path, filepath.Ext(path)) + ".txt"; fileExists(sidecar) {
				item.Sidecar = sidecar
			}
			items = append(items, item)
		}
		return errors.Join(err, relErr)
	})
	if err != nil {
		t.Fatal(err)
	}
	src, err := NewListing("folder "+dir, items)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// files returns the contents of a directory.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name()] = string(data)
	}
	return out
}

// floatWAV is a 32-bit float WAV file.
func floatWAV(samples ...float32) []byte {
	b := audio.AppendWAV16(nil, Rate, make([]int16, 2*len(samples)))
	b[20], b[34], b[32] = 3, 32, 4 // format IEEE float, bits, block align
	b[28], b[29], b[30] = 0, 0xFA, 0
	for i, v := range samples {
		bits := math.Float32bits(v)
		copy(b[44+4*i:], []byte{byte(bits), byte(bits >> 8), byte(bits >> 16), byte(bits >> 24)})
	}
	return b
}

func TestBadFilesAreRejectedAndTheRestGoesIn(t *testing.T) {
	in := t.TempDir()
	good := writeWAV(t, filepath.Join(in, "spk", "good.wav"), Rate, 16000)
	writeWAV(t, filepath.Join(in, "spk", "short.wav"), Rate, 399)
	writeWAV(t, filepath.Join(in, "spk", "brief.wav"), Rate, 1500)
	writeWAV(t, filepath.Join(in, "spk", "long.wav"), Rate, 40001)
	writeWAV(t, filepath.Join(in, "spk", "resampled.wav"), 8000, 8000)
	whole := audio.AppendWAV16(nil, Rate, noise(1, 16000))
	writeFileAt(t, filepath.Join(in, "spk", "cut.wav"), whole[:20000])
	writeFileAt(t, filepath.Join(in, "spk", "cutheader.wav"), whole[:30])
	writeFileAt(t, filepath.Join(in, "spk", "empty.flac"), nil)
	writeFileAt(t, filepath.Join(in, "spk", "page.flac"), []byte("<html>404</html>"))
	writeFileAt(t, filepath.Join(in, "spk", "nan.wav"), floatWAV(append(make([]float32, 5000), float32(math.NaN()))...))
	writeFileAt(t, filepath.Join(in, "spk", "zeros.wav"), floatWAV(make([]float32, 5000)...))
	writeWAV(t, filepath.Join(in, "spk", "same.wav"), Rate, 3000)
	writeWAV(t, filepath.Join(in, "spk", "same.wave"), Rate, 3000)
	writeFileAt(t, filepath.Join(in, "spk", "good.txt"), []byte("\ufeffHELLO\r\n  WORLD\n"))
	writeFileAt(t, filepath.Join(in, "spk", "resampled.txt"), []byte("\xff\xfe broken"))

	dir := filepath.Join(t.TempDir(), "store")
	s, err := Import(context.Background(), folder(t, in), dir, ImportOptions{MinSeconds: 0.1, MaxSeconds: 2.5}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]FaultKind{}
	for _, r := range s.Rejects {
		got[r.Path] = r.Kind
		if r.Reason == "" {
			t.Errorf("%s: no reason", r.Path)
		}
	}
	want := map[string]FaultKind{"spk/short.wav": FaultShort, "spk/brief.wav": FaultShort, "spk/long.wav": FaultLong,
		"spk/cut.wav": FaultTruncated, "spk/cutheader.wav": FaultAudio, "spk/empty.flac": FaultAudio, "spk/page.flac": FaultAudio,
		"spk/nan.wav": FaultAudio, "spk/same.wave": FaultDuplicate, "spk/resampled.wav": FaultEntry}
	if !maps.Equal(got, want) {
		t.Errorf("rejects %v\nwant %v", got, want)
	}
	if s.Listed != 13 || s.Accepted != 3 || s.Info.Rejected != len(want) {
		t.Errorf("listed %d, accepted %d, rejected %d", s.Listed, s.Accepted, s.Info.Rejected)
	}
	lines := strings.Count(files(t, dir)[rejectedFile], "\n")
	if lines != len(want) {
		t.Errorf("%s has %d lines", rejectedFile, lines)
	}
	store := openStore(t, dir)
	if again, err := store.Rejects(); err != nil || !slices.Equal(again, s.Rejects) {
		t.Errorf("the store says it rejected %v (%v), want %v", again, err, s.Rejects)
	}
	want0 := Utterance{ID: "spk/good", Speaker: "spk", Transcript: "HELLO WORLD", Path: "spk/good.wav", Samples: 16000}
	if u, err := store.Utterance(0); err != nil || u != want0 {
		t.Errorf("%+v, %v", u, err)
	}
	if pcm, err := store.PCM(0); err != nil || string(pcm) != string(pcmBytes(good)) {
		t.Errorf("samples of good.wav changed (%v)", err)
	}
}

func TestTextsThatCannotBeStored(t *testing.T) {
	items := []Item{testItem(0, 500), testItem(1, 500), testItem(2, 500), testItem(3, 500)}
	items[0].ID, items[1].Transcript, items[2].ID = "", "A\tB", "x\x00y"
	src := &Generated{Name: "texts", Count: 4, Seq: slices.Values(items)}
	s, err := Import(context.Background(), src, filepath.Join(t.TempDir(), "s"), ImportOptions{}, nil)
	if err != nil || s.Accepted != 1 || len(s.Rejects) != 3 || s.Rejects[2].Kind != FaultEntry {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestManifestWithAnotherLengthIsAWarning(t *testing.T) {
	dir := t.TempDir()
	writeWAV(t, filepath.Join(dir, "right.wav"), Rate, 8000)
	writeWAV(t, filepath.Join(dir, "wrong.wav"), Rate, 9000)
	src := folder(t, dir)
	for i := range src.items {
		src.items[i].Frames = 8000
	}
	s, err := Import(context.Background(), src, filepath.Join(t.TempDir(), "s"), ImportOptions{}, nil)
	if err != nil || s.Accepted != 2 || len(s.Warnings) != 1 || s.Warnings[0].ID != "wrong" || s.Info.Warned != 1 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestTruncatedFilesCanBeKept(t *testing.T) {
	in := t.TempDir()
	writeFileAt(t, filepath.Join(in, "cut.wav"), audio.AppendWAV16(nil, Rate, noise(1, 16000))[:20044])
	s, err := Import(context.Background(), folder(t, in), filepath.Join(t.TempDir(), "s"), ImportOptions{KeepTruncated: true}, nil)
	if err != nil || s.Accepted != 1 || s.Info.Samples != 10000 || len(s.Warnings) != 1 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestImportResamples(t *testing.T) {
	in, tone := t.TempDir(), make([]int16, 44100)
	for i := range tone {
		tone[i] = int16(math.Round(16384 * math.Sin(2*math.Pi*1000*float64(i)/44100)))
	}
	writeFileAt(t, filepath.Join(in, "tone.wav"), audio.AppendWAV16(nil, 44100, tone))
	dir := filepath.Join(t.TempDir(), "s")
	if _, err := Import(context.Background(), folder(t, in), dir, ImportOptions{}, nil); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, dir)
	x := make([]float32, Rate)
	if n, err := s.Samples(0); err != nil || n != Rate {
		t.Fatalf("%d samples, %v", n, err)
	}
	if err := s.Read(x, 0, 0); err != nil {
		t.Fatal(err)
	}
	for i := 1000; i < 15000; i++ {
		if want := 0.5 * math.Sin(2*math.Pi*1000*float64(i)/Rate); math.Abs(float64(x[i])-want) > 2e-3 {
			t.Fatalf("sample %d = %v, a 1 kHz tone has %v", i, x[i], want)
		}
	}
}

// The store is a function of source and options: no byte depends on the number of workers or on which one is faster.
func TestWorkersChangeNothing(t *testing.T) {
	in := t.TempDir()
	for i := range 60 {
		writeWAV(t, filepath.Join(in, fmt.Sprint("s", i%5), fmt.Sprintf("%02d.wav", i)), []int{8000, Rate, 22050}[i%3], 300+i*997%20000)
	}
	var first map[string]string
	for _, workers := range []int{1, 2, 7} {
		dir := filepath.Join(t.TempDir(), "s")
		if _, err := Import(context.Background(), folder(t, in), dir, ImportOptions{Workers: workers, ShardBytes: 300_000}, nil); err != nil {
			t.Fatal(err)
		}
		if got := files(t, dir); first == nil {
			first = got
		} else if !maps.Equal(got, first) {
			t.Errorf("%d workers made another store", workers)
		}
	}
}

func TestSplitOption(t *testing.T) {
	src := generated(500, 600, 700)
	seq := src.Seq
	src.Seq = func(yield func(Item) bool) {
		for item := range seq {
			item.Split = map[bool]string{true: "train", false: "dev"}[len(item.PCM) != 600]
			yield(item)
		}
	}
	s, err := Import(context.Background(), src, filepath.Join(t.TempDir(), "s"), ImportOptions{Split: "train"}, nil)
	if err != nil || s.Accepted != 2 || s.OtherSplit != 1 || len(s.Rejects) != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	s, err = Import(context.Background(), src, filepath.Join(t.TempDir(), "s"), ImportOptions{Split: "tset"}, nil)
	if !errors.Is(err, ErrEmpty) || s.OtherSplit != 3 {
		t.Errorf("unknown split: %+v, %v", s, err)
	}
}

func TestTarget(t *testing.T) {
	ctx, parent := context.Background(), t.TempDir()
	dir := filepath.Join(parent, "deep", "store")
	if _, err := Import(ctx, generated(500), dir, ImportOptions{}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := Import(ctx, generated(600), dir, ImportOptions{}, nil); !errors.Is(err, ErrExists) {
		t.Errorf("existing target: %v", err)
	}
	old := openStore(t, dir)
	if _, err := Import(ctx, generated(600, 700), dir, ImportOptions{Overwrite: true}, nil); err != nil {
		t.Fatal(err)
	}
	if s := openStore(t, dir); s.Len() != 2 {
		t.Errorf("%d rows after overwriting", s.Len())
	}
	if _, err := old.PCM(0); err != nil {
		t.Errorf("a store that was open while it was replaced: %v", err)
	}
	if _, err := Import(ctx, generated(10), dir, ImportOptions{Overwrite: true}, nil); !errors.Is(err, ErrEmpty) {
		t.Errorf("nothing to store: %v", err)
	}
	if s := openStore(t, dir); s.Len() != 2 {
		t.Error("a failed import changed the old store")
	}
	other := filepath.Join(parent, "photos")
	writeFileAt(t, filepath.Join(other, "cat.jpg"), []byte("x"))
	for _, path := range []string{other, filepath.Join(other, "cat.jpg")} {
		if _, err := Import(ctx, generated(500), path, ImportOptions{Overwrite: true}, nil); !errors.Is(err, ErrExists) {
			t.Errorf("overwriting %s: %v", path, err)
		}
	}
	if got := names(t, filepath.Join(parent, "deep")); !slices.Equal(got, []string{"store"}) {
		t.Errorf("left behind: %q", got)
	}
}

func names(t testing.TB, dir string) (out []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// failing is a source that breaks after its items.
type failing struct {
	*Generated
	err error
}

func (f failing) Items() iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for item := range f.Seq {
			if !yield(item, nil) {
				return
			}
		}
		yield(Item{}, f.err)
	}
}

func TestSourceErrorEndsTheImport(t *testing.T) {
	parent, broken := t.TempDir(), errors.New("disk on fire")
	_, err := Import(context.Background(), failing{generated(500, 600), broken}, filepath.Join(parent, "s"), ImportOptions{}, nil)
	if !errors.Is(err, broken) || len(openedNames(t, parent)) != 0 {
		t.Errorf("%v; left %q", err, names(t, parent))
	}
}

// openedNames lists what is not hidden.
func openedNames(t testing.TB, dir string) []string {
	return slices.DeleteFunc(names(t, dir), func(name string) bool { return strings.HasPrefix(name, ".") })
}

func TestImportOptionsAreChecked(t *testing.T) {
	for _, opt := range []ImportOptions{{Workers: -1}, {ShardBytes: -1}, {MinSeconds: -1}, {MaxSeconds: math.NaN()},
		{MinSeconds: math.Inf(1)}, {MinSeconds: 3, MaxSeconds: 2}} {
		if _, err := Import(context.Background(), generated(500), filepath.Join(t.TempDir(), "s"), opt, nil); err == nil {
			t.Errorf("%+v was accepted", opt)
		}
	}
}

func TestProgressCounts(t *testing.T) {
	var last Progress
	calls := 0
	_, err := Import(context.Background(), generated(500, 10, 700), filepath.Join(t.TempDir(), "s"), ImportOptions{}, func(p Progress) {
		last = p
		calls++
	})
	want := Progress{Total: 3, Done: 3, Accepted: 2, Rejected: 1, Seconds: 1200.0 / Rate, Name: "a/utt-0002.wav"}
	if err != nil || calls != 3 || last != want {
		t.Errorf("%d calls, last %+v, want %+v; %v", calls, last, want, err)
	}
}
