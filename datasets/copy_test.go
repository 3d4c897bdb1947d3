package datasets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// rowsIn describes every row of a store, with its samples.
func rowsIn(t testing.TB, s *Store) []string {
	t.Helper()
	var out []string
	for i := range s.Len() {
		u, err := s.Utterance(i)
		pcm, pcmErr := s.PCM(i)
		if err = errors.Join(err, pcmErr); err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%+v %x", u, pcmSum(pcm)))
	}
	return out
}

func mustVerify(t testing.TB, dir string) {
	t.Helper()
	if r, err := Verify(context.Background(), dir); err != nil || len(r.Problems) > 0 {
		t.Fatalf("%s: %+v, %v", dir, r, err)
	}
}

func TestCopy(t *testing.T) {
	a := openStore(t, makeStore(t, ImportOptions{ShardBytes: 5000}, 1000, 900, 800, 5, 700))
	other := generated(640, 650, 1000)
	seq := other.Seq
	other.Seq = func(yield func(Item) bool) {
		for item := range seq {
			if item.ID != "utt-0000" { // that one has the id of another in a
				item.ID = "other-" + item.ID
			}
			yield(item)
		}
		same := testItem(0, 1000)
		same.ID = "same"
		yield(same)
	}
	dirB := filepath.Join(t.TempDir(), "b")
	if _, err := Import(context.Background(), other, dirB, ImportOptions{}, nil); err != nil {
		t.Fatal(err)
	}
	b := openStore(t, dirB)
	dir := filepath.Join(t.TempDir(), "merged")
	done := 0
	s, err := Copy(context.Background(), dir, []Selection{{Store: a}, {Store: b}}, CopyOptions{What: "merged"}, func(n int) { done = n })
	if err != nil {
		t.Fatal(err)
	}
	mustVerify(t, dir)
	want := append(rowsIn(t, a), rowsIn(t, b)[1:3]...)
	if got := rowsIn(t, openStore(t, dir)); !slices.Equal(got, want) {
		t.Errorf("rows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	var kinds []FaultKind
	for _, r := range s.Rejects {
		kinds = append(kinds, r.Kind)
	}
	if !slices.Equal(kinds, []FaultKind{FaultShort, FaultDuplicate, FaultSameAudio}) || s.Accepted != 6 || s.Info.Rejected != 3 || done == 0 {
		t.Errorf("rejects %+v, %+v", s.Rejects, s)
	}

	view, err := a.View()
	if err != nil {
		t.Fatal(err)
	}
	part := view.Filter(func(e Entry) bool { return e.Row%2 == 1 })
	dir = filepath.Join(t.TempDir(), "part")
	if _, err := Copy(context.Background(), dir, []Selection{{a, &part}}, CopyOptions{}, nil); err != nil {
		t.Fatal(err)
	}
	mustVerify(t, dir)
	all := rowsIn(t, a)
	if got := rowsIn(t, openStore(t, dir)); !slices.Equal(got, []string{all[1], all[3]}) {
		t.Errorf("odd rows: %q", got)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Copy(ctx, filepath.Join(filepath.Dir(dir), "x"), []Selection{{Store: a}}, CopyOptions{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if left := names(t, filepath.Dir(dir)); len(left) != 1 {
		t.Errorf("left behind: %q", left)
	}
}

// oldStore copies the store of format version 1 in testdata, which was written by the first release of this package from
// generated(400, 1600, 801, 500, 640) with shards of 3000 bytes.
func oldStore(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store-v1")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "store-v1"))); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestOldStores(t *testing.T) {
	dir := oldStore(t)
	s := openStore(t, dir)
	if len(s.Notes()) != 1 || !strings.Contains(s.Notes()[0], "rebuilt") {
		t.Errorf("notes %q", s.Notes())
	}
	lengths := []int{400, 1600, 801, 500, 640}
	for i, n := range lengths {
		want := testItem(i, n)
		u, err := s.Utterance(i)
		pcm, pcmErr := s.PCM(i)
		if err != nil || pcmErr != nil || u != (Utterance{ID: want.ID, Speaker: want.Speaker, Transcript: want.Transcript, Path: want.Name, Samples: n}) ||
			!bytes.Equal(pcm, pcmBytes(want.PCM)) {
			t.Errorf("row %d is %+v, %v, %v", i, u, err, pcmErr)
		}
	}
	mustVerify(t, dir)
	if fresh := openStore(t, makeStore(t, ImportOptions{}, lengths...)); fresh.Info().Fingerprint != s.Info().Fingerprint {
		t.Error("the same rows have another fingerprint in version 2")
	}
	upgraded := filepath.Join(t.TempDir(), "v2")
	if _, err := Copy(context.Background(), upgraded, []Selection{{Store: s}}, CopyOptions{}, nil); err != nil {
		t.Fatal(err)
	}
	mustVerify(t, upgraded)
	if got := openStore(t, upgraded); got.Info().FormatVersion != FormatVersion || !slices.Equal(rowsIn(t, got), rowsIn(t, s)) {
		t.Errorf("upgraded: %+v", got.Info())
	}
	// A damaged one loses the shard that is damaged and comes out in the new format.
	old := oldStore(t)
	flip(t, filepath.Join(old, shardName(1, 4)), 3000)
	r, err := Repair(context.Background(), old)
	if err != nil || r.Rows != 4 || r.Lost != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	mustVerify(t, old)
}

func flip(t testing.TB, path string, at int) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[at] ^= 4
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}
