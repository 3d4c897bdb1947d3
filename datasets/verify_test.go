package datasets

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/memory"
)

// Every bit of every byte of every file matters: flip each byte of a small store, one at a time.
func TestVerifyFindsEveryFlippedByte(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	src := generated(400, 401)
	bad := testItem(0, 10)
	src.Seq = func(yield func(Item) bool) {
		for item := range testItems(400, 401) {
			yield(item)
		}
		yield(bad)
	}
	if _, err := Import(context.Background(), src, dir, ImportOptions{ShardBytes: 1000}, nil); err != nil {
		t.Fatal(err)
	}
	if r, err := Verify(context.Background(), dir); err != nil || len(r.Problems) > 0 || r.Rows != 2 {
		t.Fatalf("sound store: %+v, %v", r, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	flips := 0
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		for i, b := range data {
			if _, err := f.WriteAt([]byte{b ^ 1<<(i%8)}, int64(i)); err != nil {
				t.Fatal(err)
			}
			if r, err := Verify(context.Background(), dir); err == nil && len(r.Problems) == 0 {
				t.Fatalf("%s: flipped byte %d of %d was not found", e.Name(), i, len(data))
			}
			if _, err := f.WriteAt([]byte{b}, int64(i)); err != nil {
				t.Fatal(err)
			}
			flips++
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d flips in %d files", flips, len(entries))
	if r, err := Verify(context.Background(), dir); err != nil || len(r.Problems) > 0 {
		t.Errorf("restored store: %+v, %v", r, err)
	}
}

func TestVerifyNamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		file   string
		damage func(path string) error
		want   string
		more   int // problems beside it
	}{
		{shardName(0, 1), os.Remove, "cannot be read", 1},
		{shardName(0, 1), func(p string) error { return os.Truncate(p, 77) }, "has 77 bytes", 2},
		{rejectedFile, func(p string) error { return os.WriteFile(p, []byte("{}\n"), 0o644) }, "has 3 bytes", 0},
		{indexFile, os.Remove, "writes it anew", 0},
		{stateFile, os.Remove, "cannot be read", 0},
	} {
		dir := makeStore(t, ImportOptions{}, 500, 600)
		if err := c.damage(filepath.Join(dir, c.file)); err != nil {
			t.Fatal(err)
		}
		r, err := Verify(context.Background(), dir)
		if err != nil || len(r.Problems) != 1+c.more || r.Problems[0].File != c.file || !strings.Contains(r.Problems[0].What, c.want) {
			t.Errorf("%s: %+v, %v; want %q", c.file, r, err, c.want)
		}
	}
}

// A store whose files all match their checksums can still be of other rows than the fingerprint says.
func TestVerifyChecksRowsAgainstTheFingerprint(t *testing.T) {
	dir := makeStore(t, ImportOptions{}, 500, 600)
	info, err := readInfo(dir, directory(dir))
	if err != nil {
		t.Fatal(err)
	}
	info.Fingerprint = strings.Repeat("0", 64)
	data, err := info.encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, InfoFile), data, 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := Verify(context.Background(), dir)
	if err != nil || len(r.Problems) != 1 || !strings.Contains(r.Problems[0].What, "fingerprint") {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestVerifyFindsAnIDThatOccursTwice(t *testing.T) {
	dir := t.TempDir()
	w, err := newShardWriter(dir, defaultShardBytes, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	defer w.release()
	c := converter{opt: ImportOptions{Codec: PCM}}
	for range 2 { // the importer would have refused the second
		if err := w.append(&c.convert(testItem(1, 500))[0].row); err != nil {
			t.Fatal(err)
		}
	}
	dir = filepath.Join(dir, "store")
	if _, err := finishStore(w, dir, PCM, Settings{}, nil, nil); err != nil {
		t.Fatal(err)
	}
	r, err := Verify(context.Background(), dir)
	if err != nil || len(r.Problems) != 1 || !strings.Contains(r.Problems[0].What, `id "utt-0001" occurs twice`) {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestVerifyStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Verify(ctx, makeStore(t, ImportOptions{}, 500)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if _, err := Verify(context.Background(), t.TempDir()); err == nil {
		t.Error("an empty directory was verified")
	}
}
