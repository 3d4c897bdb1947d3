package datasets

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// longCorpus is a corpus with everything that a resumed import must get right: rows of several batches and shards, faults,
// equal ids and samples, another split, and warnings. rest is how long each item takes.
func longCorpus(rest time.Duration) *Generated {
	const items = 3200
	return &Generated{Name: "long corpus", Count: items, Seq: func(yield func(Item) bool) {
		for i := range items {
			item := testItem(i, minSamples+i%90)
			switch i % 40 {
			case 3:
				item.PCM = item.PCM[:100]
			case 7:
				item.ID = "utt-0001"
			case 9:
				item.PCM = testItem(0, minSamples).PCM
			case 11:
				item.Split = "dev"
			case 13:
				item.Fault = &Fault{FaultMissing, fmt.Sprintf("no file %d", i)}
			case 17:
				item.Frames = 1
			}
			if item.Split == "" {
				item.Split = "train"
			}
			time.Sleep(rest)
			if !yield(item) {
				return
			}
		}
	}}
}

func longOptions() ImportOptions {
	return ImportOptions{Split: "train", ShardBytes: 700_000, Workers: 2}
}

// sameStore compares two stores byte by byte.
func sameStore(t *testing.T, got, want string) {
	t.Helper()
	a, b := files(t, got), files(t, want)
	if !maps.Equal(a, b) {
		for name := range b {
			if a[name] != b[name] {
				t.Errorf("%s differs: %d bytes, want %d", name, len(a[name]), len(b[name]))
			}
		}
		t.Fatalf("the files are %q, want %q", slices.Sorted(maps.Keys(a)), slices.Sorted(maps.Keys(b)))
	}
}

func TestInterruptedImportGoesOn(t *testing.T) {
	parent := t.TempDir()
	want := filepath.Join(parent, "want")
	whole, err := Import(context.Background(), longCorpus(0), want, longOptions(), nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(parent, "got")
	resumed := 0
	for _, stop := range []int{1, 40, 1180, 1181, 1500, 2700, 3199, 0} {
		ctx, cancel := context.WithCancel(context.Background())
		s, err := Import(ctx, longCorpus(0), dir, longOptions(), func(p Progress) {
			if p.Done == stop {
				cancel()
			}
		})
		cancel()
		if stop > 0 {
			if !errors.Is(err, context.Canceled) || len(openedNames(t, parent)) != 1 {
				t.Fatalf("stopped after %d: %v; left %q", stop, err, names(t, parent))
			}
			continue
		}
		if err != nil || s.Resumed == 0 {
			t.Fatalf("%v; %d resumed", err, s.Resumed)
		}
		resumed = s.Resumed
		if s.Listed != whole.Listed || s.Accepted != whole.Accepted || s.OtherSplit != whole.OtherSplit ||
			!slices.Equal(s.Rejects, whole.Rejects) || len(s.Warnings) != len(whole.Warnings) {
			t.Errorf("summary %+v, want %+v", s, whole)
		}
	}
	t.Logf("the last import went on behind item %d", resumed)
	sameStore(t, dir, want)
	if left := names(t, parent); len(left) != 2 {
		t.Errorf("left behind: %q", left)
	}
}

// TestKilledImports kills processes at random moments of an import, as an out-of-memory killer does.
func TestKilledImports(t *testing.T) {
	if dir := os.Getenv("AURAL_TEST_IMPORT"); dir != "" {
		if _, err := Import(context.Background(), longCorpus(100*time.Microsecond), dir, longOptions(), nil); err != nil {
			t.Fatal(err)
		}
		return
	}
	if testing.Short() {
		t.Skip("starts some twenty processes")
	}
	parent := t.TempDir()
	want := filepath.Join(parent, "want")
	if _, err := Import(context.Background(), longCorpus(0), want, longOptions(), nil); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(parent, "s")
	kills, seed := 0, uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 1))
	for try := 0; ; try++ {
		if try == 100 {
			t.Fatalf("not done after %d processes (seed %d)", try, seed)
		}
		child := exec.Command(os.Args[0], "-test.run=^TestKilledImports$")
		child.Env = append(os.Environ(), "AURAL_TEST_IMPORT="+dir)
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { child.Process.Kill() }) // also when the test fails on the way
		done := make(chan error, 1)
		go func() { done <- child.Wait() }()
		life := time.Hour
		if kills < 20 {
			life = time.Duration(random.IntN(400)) * time.Millisecond
		}
		select {
		case err := <-done:
			if err != nil {
				t.Fatalf("process %d (seed %d): %v", try, seed, err)
			}
		case <-time.After(life):
			kills++
			child.Process.Kill()
			<-done
			continue
		}
		break
	}
	t.Logf("%d kills, seed %d", kills, seed)
	sameStore(t, dir, want)
	if left := names(t, parent); len(left) != 2 {
		t.Errorf("left behind: %q", left)
	}
}

func TestUnfinishedImportIsNotMixedUp(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	stopped := func(src Source, opt ImportOptions) error {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		_, err := Import(ctx, src, dir, opt, func(p Progress) {
			if p.Done == 1500 {
				cancel()
			}
		})
		return err
	}
	if err := stopped(longCorpus(0), longOptions()); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	other := longOptions()
	other.MinSeconds = 0.026
	if _, err := Import(context.Background(), longCorpus(0), dir, other, nil); !errors.Is(err, ErrUnfinished) {
		t.Errorf("other options: %v", err)
	}
	changed := longCorpus(0)
	seq := changed.Seq
	changed.Seq = func(yield func(Item) bool) {
		for item := range seq {
			if item.ID != "utt-0002" && !yield(item) {
				return
			}
		}
	}
	if _, err := Import(context.Background(), changed, dir, longOptions(), nil); !errors.Is(err, errSourceChanged) {
		t.Errorf("another source: %v", err)
	}
	other.Restart = true
	if s, err := Import(context.Background(), changed, dir, other, nil); err != nil || s.Resumed != 0 {
		t.Errorf("begun anew: %d resumed, %v", s.Resumed, err)
	}
}

func TestTwoImportsDoNotMeet(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	err := errors.New("not tried")
	if _, first := Import(context.Background(), generated(500, 600), dir, ImportOptions{}, func(p Progress) {
		if p.Done == 1 {
			_, err = Import(context.Background(), generated(500, 600), dir, ImportOptions{}, nil)
		}
	}); first != nil {
		t.Fatal(first)
	}
	if err == nil || !strings.Contains(err.Error(), "another import") {
		t.Errorf("a second import at the same time: %v", err)
	}
}

// The shares of several machines have every recording once.
func TestSharesAreAllOfIt(t *testing.T) {
	parent := t.TempDir()
	ids := map[string]int{}
	for i := range 3 {
		dir := filepath.Join(parent, fmt.Sprint(i))
		opt := ImportOptions{Share: Share{i, 3}}
		s, err := Import(context.Background(), generated(make64(100)...), dir, opt, nil)
		if err != nil || s.Listed < 21 || s.Listed > 22 || s.Info.Settings.Share != fmt.Sprintf("%d/3", i+1) {
			t.Fatalf("share %d: %+v, %v", i, s, err)
		}
		store := openStore(t, dir)
		for row := range store.Len() {
			u, err := store.Utterance(row)
			if err != nil {
				t.Fatal(err)
			}
			ids[u.ID]++
		}
	}
	if len(ids) != 64 {
		t.Errorf("%d ids of 64", len(ids))
	}
}

func make64(step int) []int {
	lengths := make([]int, 64)
	for i := range lengths {
		lengths[i] = 400 + step*i
	}
	return lengths
}

func TestParseShare(t *testing.T) {
	for text, want := range map[string]Share{"": {}, "1/1": {0, 1}, "2/8": {1, 8}, "8/8": {7, 8}} {
		if got, err := ParseShare(text); err != nil || got != want || got.String() != text {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"0/8", "9/8", "1", "/", "1/0", "a/2", "1/2/3", "-1/2", "1/ 2"} {
		if got, err := ParseShare(text); err == nil {
			t.Errorf("%q was read as %+v", text, got)
		}
	}
}

func FuzzJournal(f *testing.F) {
	line := func(s string) string { return fmt.Sprintf("%08x %s\n", castagnoli([]byte(s)), s) }
	f.Add([]byte(line(`{"items":1}`) + line(`{"items":2}`)))
	f.Add([]byte(line(`{"items":1}`) + line(`{"items":2}`)[:10]))
	f.Add([]byte("00000000 {}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, good := parseJournal(data)
		if good > len(data) || strings.Count(string(data[:good]), "\n") != len(entries) {
			t.Fatalf("%d entries in %d of %d bytes", len(entries), good, len(data))
		}
		again, _ := parseJournal(data[:good])
		if len(again) != len(entries) {
			t.Fatalf("%d entries, then %d", len(entries), len(again))
		}
	})
}
