package datasets

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"aural/rng"
)

// noise returns n random samples that differ from seed to seed.
func noise(seed uint64, n int) []int16 {
	r, pcm := rng.At(seed, 0, rng.Site("test.noise")), make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(r.Uint32())
	}
	return pcm
}

// testItem is utterance i of a made-up corpus. Every third has no transcript, every fourth no speaker.
func testItem(i, samples int) Item {
	item := Item{ID: fmt.Sprintf("utt-%04d", i), Speaker: fmt.Sprintf("spk%d", i%7), Transcript: fmt.Sprintf("WORD %d É", i),
		Name: fmt.Sprintf("a/utt-%04d.wav", i), PCM: noise(uint64(i), samples)}
	if i%3 == 0 {
		item.Transcript = ""
	}
	if i%4 == 0 {
		item.Speaker = ""
	}
	return item
}

func testItems(lengths ...int) iter.Seq[Item] {
	return func(yield func(Item) bool) {
		for i, n := range lengths {
			if !yield(testItem(i, n)) {
				return
			}
		}
	}
}

func generated(lengths ...int) *Generated {
	return &Generated{Name: "made-up corpus", Count: len(lengths), Seq: testItems(lengths...)}
}

// makeStore imports made-up utterances of the given lengths.
func makeStore(t testing.TB, opt ImportOptions, lengths ...int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	if _, err := Import(context.Background(), generated(lengths...), dir, opt, nil); err != nil {
		t.Fatal(err)
	}
	return dir
}

func openStore(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func pcmBytes(samples []int16) []byte {
	var out []byte
	for _, v := range samples {
		out = binary.LittleEndian.AppendUint16(out, uint16(v))
	}
	return out
}

// manyLengths has more rows than a record batch, in more than one shard of 100 kB.
func manyLengths() []int {
	lengths := make([]int, 2*maxBatchRows+345)
	for i := range lengths {
		lengths[i] = minSamples + i%50
	}
	return lengths
}

func TestRoundTrip(t *testing.T) {
	lengths := manyLengths()
	s := openStore(t, makeStore(t, ImportOptions{ShardBytes: 700_000}, lengths...))
	if s.Len() != len(lengths) || len(s.Notes()) != 0 {
		t.Fatalf("%d rows, want %d; notes %q", s.Len(), len(lengths), s.Notes())
	}
	info := s.Info()
	if len(info.Shards) < 3 || info.Shards[1].Name != fmt.Sprintf("data-00001-of-%05d.arrow", len(info.Shards)) {
		t.Fatalf("shards %+v", info.Shards)
	}
	transcribed := 0
	for i, n := range lengths {
		want := testItem(i, n)
		u, err := s.Utterance(i)
		samples, lengthErr := s.Samples(i)
		wanted := Utterance{ID: want.ID, Speaker: want.Speaker, Transcript: want.Transcript, Path: want.Name, Samples: n}
		if err = errors.Join(err, lengthErr); err != nil || u != wanted || samples != n {
			t.Fatalf("row %d is %+v, want %+v; %v", i, u, wanted, err)
		}
		pcm, err := s.PCM(i)
		if err != nil || !bytes.Equal(pcm, pcmBytes(want.PCM)) {
			t.Fatalf("row %d: samples differ (%v)", i, err)
		}
		if u.Transcript != "" {
			transcribed++
		}
	}
	if info.Speakers != 7 || info.Transcribed != transcribed || info.Rows != len(lengths) || info.Seconds != float64(info.Samples)/Rate {
		t.Errorf("info %+v", info)
	}
}

func TestReadCrops(t *testing.T) {
	s := openStore(t, makeStore(t, ImportOptions{}, 1000, 500))
	want := testItem(0, 1000).PCM
	for _, c := range []struct{ offset, n int }{{0, 1000}, {0, 0}, {1000, 0}, {999, 1}, {17, 400}} {
		got := make([]float32, c.n)
		if err := s.Read(got, 0, c.offset); err != nil {
			t.Fatal(err)
		}
		for i, v := range got {
			if v != float32(want[c.offset+i])/32768 {
				t.Fatalf("offset %d, sample %d = %v, want %v/32768", c.offset, i, v, want[c.offset+i])
			}
		}
	}
	for _, c := range []struct{ row, offset, n int }{{0, -1, 1}, {0, 1001, 0}, {0, 1, 1000}, {0, math.MaxInt, 1}, {1, 0, 501}, {2, 0, 1}, {-1, 0, 1}} {
		if err := s.Read(make([]float32, c.n), c.row, c.offset); err == nil {
			t.Errorf("%d samples at %d of row %d were read", c.n, c.offset, c.row)
		}
	}
}

func TestReadingIsZeroCopyAndFreeOfAllocation(t *testing.T) {
	s := openStore(t, makeStore(t, ImportOptions{ShardBytes: 3000}, 1000, 800, 900))
	for i := range s.Len() {
		pcm, err := s.PCM(i)
		if err != nil {
			t.Fatal(err)
		}
		inside := slices.ContainsFunc(s.shards, func(m shard) bool {
			start, p := uintptr(unsafe.Pointer(&m.data[0])), uintptr(unsafe.Pointer(&pcm[0]))
			return p >= start && p+uintptr(len(pcm)) <= start+uintptr(len(m.data))
		})
		if !inside {
			t.Errorf("row %d is not inside a mapped shard", i)
		}
	}
	dst := make([]float32, 2*700)
	batch := Batch{[]Cut{{0, 5, 700}, {1, 7, 650}}, 700}
	if n := testing.AllocsPerRun(20, func() {
		if _, err := s.PCM(1); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Samples(2); err != nil {
			t.Fatal(err)
		}
		if err := Collate(s, batch, dst, true); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// The Arrow library is the outside reader: schema, nullability, metadata and values must be what Hugging Face compares.
func TestShardsAreArrowStreamsForHuggingFace(t *testing.T) {
	dir := makeStore(t, ImportOptions{}, manyLengths()...)
	f, err := os.Open(filepath.Join(dir, "data-00000-of-00001.arrow"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := ipc.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	const features = `{"info":{"features":{"id":{"dtype":"string","_type":"Value"},"speaker":{"dtype":"string","_type":"Value"},` +
		`"transcript":{"dtype":"string","_type":"Value"},"split":{"dtype":"string","_type":"Value"},` +
		`"samples":{"dtype":"int64","_type":"Value"},"start":{"dtype":"float64","_type":"Value"},"sha256":{"dtype":"string","_type":"Value"},` +
		`"audio":{"sampling_rate":16000,"_type":"Audio"}}}}`
	if meta := r.Schema().Metadata(); meta.Len() != 1 || meta.Keys()[0] != "huggingface" || meta.Values()[0] != features {
		t.Errorf("schema metadata %v", meta)
	}
	var fields []string
	for _, field := range r.Schema().Fields() {
		fields = append(fields, fmt.Sprint(field.Name, " ", field.Type, " ", field.Nullable))
		if st, ok := field.Type.(*arrow.StructType); ok && (!st.Field(0).Nullable || !st.Field(1).Nullable) {
			t.Errorf("children of %s are not nullable", field.Name)
		}
	}
	want := []string{"id utf8 true", "speaker utf8 true", "transcript utf8 true", "split utf8 true", "samples int64 true",
		"start float64 true", "sha256 utf8 true", "audio struct<bytes: binary, path: utf8> true"}
	if !slices.Equal(fields, want) {
		t.Errorf("fields %q", fields)
	}
	row := 0
	for r.Next() {
		rec := r.Record()
		if rec.NumRows() > maxBatchRows {
			t.Errorf("batch of %d rows", rec.NumRows())
		}
		for i := range int(rec.NumRows()) {
			item := testItem(row, manyLengths()[row])
			audio := rec.Column(7).(*array.Struct)
			if rec.Column(0).(*array.String).Value(i) != item.ID || rec.Column(1).IsNull(i) != (item.Speaker == "") ||
				rec.Column(4).(*array.Int64).Value(i) != int64(len(item.PCM)) || audio.Field(1).(*array.String).Value(i) != item.Name ||
				!rec.Column(3).IsNull(i) || !rec.Column(5).IsNull(i) || rec.Column(6).(*array.String).Value(i) != sum(pcmBytes(item.PCM)) ||
				!bytes.HasSuffix(audio.Field(0).(*array.Binary).Value(i), pcmBytes(item.PCM)) {
				t.Fatalf("row %d differs", row)
			}
			row++
		}
	}
	if r.Err() != nil || row != len(manyLengths()) {
		t.Errorf("%d rows, %v", row, r.Err())
	}
	state, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err != nil || !strings.Contains(string(state), `"filename": "data-00000-of-00001.arrow"`) {
		t.Errorf("state.json: %s, %v", state, err)
	}
}

func TestArrowMemoryIsReleased(t *testing.T) {
	for name, ctx := range map[string]func() (context.Context, context.CancelFunc){
		"whole":     func() (context.Context, context.CancelFunc) { return context.Background(), func() {} },
		"cancelled": func() (context.Context, context.CancelFunc) { return context.WithCancel(context.Background()) },
	} {
		mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
		ctx, cancel := ctx()
		_, err := importInto(ctx, generated(manyLengths()...), filepath.Join(t.TempDir(), "s"), ImportOptions{ShardBytes: 300_000},
			func(p Progress) {
				if p.Done == 1500 {
					cancel()
				}
			}, mem)
		if (err != nil) != (name == "cancelled") {
			t.Errorf("%s: %v", name, err)
		}
		mem.AssertSize(t, 0)
	}
}

func TestIndexIsRebuilt(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"missing":   os.Remove,
		"empty":     func(p string) error { return os.WriteFile(p, nil, 0o644) },
		"truncated": func(p string) error { return os.Truncate(p, 100) },
		"flipped": func(p string) error {
			data, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			data[len(data)-6] ^= 1 // in the checksums
			return os.WriteFile(p, data, 0o644)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := makeStore(t, ImportOptions{ShardBytes: 3000}, 1000, 900, 800, 700)
			path := filepath.Join(dir, indexFile)
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := damage(path); err != nil {
				t.Fatal(err)
			}
			s := openStore(t, dir)
			if len(s.Notes()) != 1 || !strings.Contains(s.Notes()[0], "rebuilt") {
				t.Errorf("notes %q", s.Notes())
			}
			if pcm, err := s.PCM(3); err != nil || len(pcm) != 1400 {
				t.Errorf("%d bytes, %v", len(pcm), err)
			}
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
				t.Errorf("the saved index differs from the first one (%v)", err)
			}
			if s := openStore(t, dir); len(s.Notes()) != 0 {
				t.Errorf("second opening: notes %q", s.Notes())
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	if _, err := Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is not a store") {
		t.Errorf("empty directory: %v", err)
	}
	dir := makeStore(t, ImportOptions{}, 1000)
	info := filepath.Join(dir, InfoFile)
	data, err := os.ReadFile(info)
	if err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string][2]string{
		"is corrupt":               {`"rows": 1`, `"rows": 2`},
		"reads versions 1 to 2":    {`"format_version": 2`, `"format_version": 3`},
		"import the audio again":   {`"format_version": 2`, `"format_version": 0`},
		"invalid character":        {`"rows"`, `rows`},
		"changed after the import": {`  "speakers"`, `    "speakers"`},
	} {
		if err := os.WriteFile(info, bytes.Replace(data, []byte(change[0]), []byte(change[1]), 1), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%q → %q: %v, want %q", change[0], change[1], err, what)
		}
	}
	if err := os.WriteFile(info, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, shardName(0, 1)), 1000); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "has 1000 bytes") {
		t.Errorf("truncated shard: %v", err)
	}
}

func TestClosedStore(t *testing.T) {
	s, err := Open(makeStore(t, ImportOptions{}, 1000))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PCM(0); err == nil {
		t.Error("a closed store gave samples")
	}
	if err := s.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// benchmarkStore has 20,000 rows of 0.5 s, 305 MiB.
func benchmarkStore(b *testing.B) string {
	lengths := slices.Repeat([]int{8000}, 20_000)
	return makeStore(b, ImportOptions{}, lengths...)
}

func BenchmarkOpen(b *testing.B) {
	dir := benchmarkStore(b)
	for b.Loop() {
		s, err := Open(dir)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRebuildIndex(b *testing.B) {
	s := openStore(b, benchmarkStore(b))
	for b.Loop() {
		if err := writeIndex(new(memoryFile), &s.info, s.shards); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRandomPCM(b *testing.B) {
	s := openStore(b, benchmarkStore(b))
	r := rng.At(1, 2, 3)
	for b.Loop() {
		if _, err := s.PCM(r.IntN(s.Len())); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRandomRead(b *testing.B) {
	s := openStore(b, benchmarkStore(b))
	r, dst := rng.At(1, 2, 3), make([]float32, 8000)
	b.SetBytes(int64(2 * len(dst)))
	for b.Loop() {
		if err := s.Read(dst, r.IntN(s.Len()), 0); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	dir := benchmarkStore(b)
	for b.Loop() {
		r, err := Verify(context.Background(), dir)
		if err != nil || len(r.Problems) > 0 {
			b.Fatal(r, err)
		}
		b.SetBytes(r.Bytes)
	}
}
