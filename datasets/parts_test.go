package datasets

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aural/audio"
	"aural/audio/vad"
)

// importItems imports items and returns the open store.
func importItems(t *testing.T, opt ImportOptions, items ...Item) (*Store, Summary) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "s")
	s, err := Import(context.Background(), &Generated{Name: "items", Count: len(items), Seq: slices.Values(items)}, dir, opt, nil)
	if err != nil {
		t.Fatal(err)
	}
	mustVerify(t, dir)
	return openStore(t, dir), s
}

func TestPartsOfRecordings(t *testing.T) {
	dir := t.TempDir()
	long := noise(1, 3*Rate)
	path := filepath.Join(dir, "long.wav")
	writeFileAt(t, path, audio.AppendWAV16(nil, Rate, long))
	opt := ImportOptions{KeepDuplicates: true}
	part := func(id string, start, end float64) Item {
		return Item{ID: id, Name: "long.wav", Path: path, Start: start, End: end}
	}
	store, s := importItems(t, opt, part("a", 0, 1), part("b", 1, 1.5), part("rest", 2.5, 0), part("over", 2, 3.02), part("whole", 0, 0),
		part("outside", 3.1, 4), part("backwards", 2, 1), part("short", 1, 1.02), part("negative", -1, 1))
	for i, want := range []struct {
		id       string
		from, to int
	}{{"a", 0, 16000}, {"b", 16000, 24000}, {"rest", 40000, 48000}, {"over", 32000, 48000}, {"whole", 0, 48000}} {
		u, err := store.Utterance(i)
		pcm, pcmErr := store.PCM(i)
		if err != nil || pcmErr != nil || u.ID != want.id || u.Start != float64(want.from)/Rate || u.Path != "long.wav" ||
			string(pcm) != string(pcmBytes(long[want.from:want.to])) {
			t.Errorf("row %d is %+v; %v, %v", i, u, err, pcmErr)
		}
	}
	var kinds []string
	for _, r := range s.Rejects {
		kinds = append(kinds, r.ID+" "+string(r.Kind))
	}
	if want := "outside bad-entry, backwards bad-entry, short too-short, negative bad-entry"; strings.Join(kinds, ", ") != want {
		t.Errorf("rejects %q, want %s", kinds, want)
	}
	if len(s.Warnings) != 1 || s.Warnings[0].ID != "over" {
		t.Errorf("warnings %+v", s.Warnings)
	}
}

func TestItemsInsideFilesAndInMemory(t *testing.T) {
	dir := t.TempDir()
	wavs := [][]byte{audio.AppendWAV16(nil, Rate, noise(1, 1000)), audio.AppendWAV16(nil, Rate, noise(2, 1100)), audio.AppendWAV16(nil, Rate, noise(3, 1200))}
	archive := filepath.Join(dir, "shard.tar")
	writeFileAt(t, archive, slices.Concat([]byte("header"), wavs[0], []byte("between"), wavs[1]))
	second := int64(6 + len(wavs[0]) + 7)
	store, s := importItems(t, ImportOptions{},
		Item{ID: "first", Name: "shard.tar/first", Path: archive, Offset: 6, Size: int64(len(wavs[0]))},
		Item{ID: "second", Name: "shard.tar/second", Path: archive, Offset: second},
		Item{ID: "memory", Name: "memory", Data: wavs[2]},
		Item{ID: "beyond", Name: "beyond", Path: archive, Offset: second, Size: 1 << 40},
		Item{ID: "before", Name: "before", Path: archive, Offset: -1, Size: 10},
		Item{ID: "gone", Name: "gone", Path: filepath.Join(dir, "gone.tar"), Offset: 1, Size: 1},
		Item{ID: "empty", Name: "empty"})
	for i, n := range []int{1000, 1100, 1200} {
		if pcm, err := store.PCM(i); err != nil || string(pcm) != string(pcmBytes(noise(uint64(i+1), n))) {
			t.Errorf("row %d differs, %v", i, err)
		}
	}
	var kinds []string
	for _, r := range s.Rejects {
		kinds = append(kinds, r.ID+" "+string(r.Kind))
	}
	if want := "beyond bad-audio, before bad-audio, gone missing, empty bad-audio"; strings.Join(kinds, ", ") != want {
		t.Errorf("rejects %q, want %s", kinds, want)
	}
}

func TestChannelOfAnItem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stereo.wav")
	left, right := noise(1, 1000), noise(2, 1000)
	both := make([]int16, 0, 2000)
	for i := range left {
		both = append(both, left[i], right[i])
	}
	wav := audio.AppendWAV16(nil, Rate, both)
	wav[22], wav[32] = 2, 4 // two channels, bytes a frame
	writeFileAt(t, path, wav)
	item := func(channel int) Item {
		return Item{ID: fmt.Sprint(channel), Name: "stereo.wav", Path: path, Channel: channel}
	}
	store, s := importItems(t, ImportOptions{}, item(2), item(1), item(3))
	for i, want := range [][]int16{right, left} {
		if pcm, err := store.PCM(i); err != nil || string(pcm) != string(pcmBytes(want)) {
			t.Errorf("row %d differs, %v", i, err)
		}
	}
	if len(s.Rejects) != 1 || s.Rejects[0].ID != "3" {
		t.Errorf("rejects %+v", s.Rejects)
	}
}

// spoken is stretches of noise that swells and fades like syllables, three in a second, with silence between them: pairs of
// lengths in seconds, speech first.
func spoken(lengths ...float64) []int16 {
	var out []int16
	for i, seconds := range lengths {
		stretch := noise(uint64(100+i), int(seconds*Rate))
		for k := range stretch {
			level := 1.0 / 4096
			if swell := math.Sin(3 * math.Pi * float64(k) / Rate); i%2 == 0 {
				level = 0.002 + 0.25*swell*swell
			}
			stretch[k] = int16(float64(stretch[k]) * level)
		}
		out = append(out, stretch...)
	}
	return out
}

func TestLongRecordingsAreCutAtSilence(t *testing.T) {
	cfg := vad.Default()
	book := spoken(8, 1, 9, 0.8, 10, 5, 7, 1, 6, 0.5)
	opt := ImportOptions{Segment: &cfg}
	store, s := importItems(t, opt,
		Item{ID: "book", Speaker: "reader", Transcript: "MANY WORDS", Name: "book.wav", PCM: book},
		Item{ID: "brief", Transcript: "FEW WORDS", Name: "brief.wav", PCM: book[:10*Rate]},
		Item{ID: "hush", Name: "hush.wav", PCM: spoken(0.0001, 20)})
	if len(s.Rejects) != 1 || s.Rejects[0].ID != "hush" || s.Rejects[0].Kind != FaultSilent {
		t.Errorf("rejects %+v", s.Rejects)
	}
	if len(s.Warnings) != 1 || s.Listed != 3 || store.Len() < 4 {
		t.Errorf("%d rows, warnings %+v", store.Len(), s.Warnings)
	}
	end := 0.0
	for i := range store.Len() - 1 {
		u, err := store.Utterance(i)
		pcm, pcmErr := store.PCM(i)
		from := int(u.Start*Rate + 0.5)
		if err = errors.Join(err, pcmErr); err != nil || u.Seconds() < cfg.MinSeconds || u.Seconds() > cfg.MaxSeconds || u.Transcript != "" ||
			u.Speaker != "reader" || u.Path != "book.wav" || u.Start < end || string(pcm) != string(pcmBytes(book[from:from+u.Samples])) {
			t.Errorf("piece %d is %+v, %v", i, u, err)
		}
		if want := fmt.Sprintf("book-%07.0f-%07.0f", 100*u.Start, 100*(u.Start+u.Seconds())); u.ID != want {
			t.Errorf("piece %d is called %s, want %s", i, u.ID, want)
		}
		end = u.Start + u.Seconds()
	}
	if u, err := store.Utterance(store.Len() - 1); err != nil || u.ID != "brief" || u.Transcript != "FEW WORDS" || u.Start != 0 {
		t.Errorf("the short one is %+v, %v", u, err)
	}
	// An import that stops inside a recording goes on inside it.
	whole := filepath.Join(t.TempDir(), "whole")
	cut := filepath.Join(t.TempDir(), "cut")
	src := func() Source {
		return &Generated{Name: "books", Count: 3, Seq: func(yield func(Item) bool) {
			for i := range 3 {
				if !yield(Item{ID: fmt.Sprint("book", i), Name: "b", PCM: append(noise(uint64(i), 1000*(i+1)), slices.Repeat(book, 25)...)}) {
					return
				}
			}
		}}
	}
	opt.ShardBytes, opt.KeepDuplicates = 20e6, true
	if _, err := Import(context.Background(), src(), whole, opt, nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if _, err := Import(ctx, src(), cut, opt, func(p Progress) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	entries, err := readJournal(filepath.Join(filepath.Dir(cut), importingPrefix("cut")))
	if err != nil || len(entries) == 0 || entries[len(entries)-1].Pieces == 0 {
		t.Fatalf("the journal does not stop inside a recording: %+v, %v", entries, err)
	}
	if _, err := Import(context.Background(), src(), cut, opt, nil); err != nil {
		t.Fatal(err)
	}
	sameStore(t, cut, whole)
}

func TestFLACStore(t *testing.T) {
	lengths := []int{1000, 400, 7777}
	dir := makeStore(t, ImportOptions{Codec: FLAC}, lengths...)
	mustVerify(t, dir)
	s := openStore(t, dir)
	pcm := openStore(t, makeStore(t, ImportOptions{}, lengths...))
	if s.Info().Codec != FLAC || s.Info().Fingerprint != pcm.Info().Fingerprint || !slices.Equal(rowsIn(t, s), rowsIn(t, pcm)) {
		t.Errorf("info %+v", s.Info())
	}
	got, want := make([]float32, 300), make([]float32, 300)
	if err := errors.Join(s.Read(got, 2, 4321), pcm.Read(want, 2, 4321)); err != nil || !slices.Equal(got, want) {
		t.Errorf("a crop differs, %v", err)
	}
	back := filepath.Join(t.TempDir(), "back")
	if _, err := Copy(context.Background(), back, []Selection{{Store: s}}, CopyOptions{Codec: PCM}, nil); err != nil {
		t.Fatal(err)
	}
	mustVerify(t, back)
	if got := openStore(t, back); got.Info().Codec != PCM || !slices.Equal(rowsIn(t, got), rowsIn(t, pcm)) {
		t.Error("rows changed on the way to FLAC and back")
	}
	flip(t, filepath.Join(dir, shardName(0, 1)), int(s.mustFind(t, 2).audio.at)+500)
	if r, err := Repair(context.Background(), dir); err != nil || r.Rows != 2 || len(r.Dropped) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
}

func (s *Store) mustFind(t *testing.T, i int) rowIndex {
	t.Helper()
	r, err := s.find(i)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
