package datasets

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Whatever byte of whatever shard is damaged, Repair keeps every row but at most one, drops that by name, and what it leaves
// is sound.
func TestRepairAnywhere(t *testing.T) {
	made := makeStore(t, ImportOptions{ShardBytes: 3000}, 600, 601, 602, 603, 604)
	want := rowsIn(t, openStore(t, made))
	random := rand.New(rand.NewPCG(5, 6))
	for _, name := range names(t, made) {
		data, err := os.ReadFile(filepath.Join(made, name))
		if err != nil {
			t.Fatal(err)
		}
		places := []int{0, len(data) / 2, len(data) - 1}
		if strings.HasPrefix(name, "data-") {
			for range 40 {
				places = append(places, random.IntN(len(data)))
			}
		}
		for _, at := range places {
			if len(data) == 0 {
				continue
			}
			dir := filepath.Join(t.TempDir(), "store")
			if err := os.CopyFS(dir, os.DirFS(made)); err != nil {
				t.Fatal(err)
			}
			flip(t, filepath.Join(dir, name), at)
			r, err := Repair(context.Background(), dir)
			if err != nil {
				t.Fatalf("%s, byte %d: %v", name, at, err)
			}
			mustVerify(t, dir)
			got := rowsIn(t, openStore(t, dir))
			lost := slices.DeleteFunc(slices.Clone(want), func(row string) bool { return slices.Contains(got, row) })
			if len(got)+len(lost) != len(want) || len(lost) > 1 || len(lost) != len(r.Dropped) || r.Rows != len(got) || r.Lost > 0 {
				t.Fatalf("%s, byte %d: %d rows kept, lost %q; report %+v", name, at, len(got), lost, r)
			}
			if len(lost) == 1 && !strings.Contains(lost[0], r.Dropped[0].ID) {
				t.Errorf("%s, byte %d: dropped %+v, lost %q", name, at, r.Dropped, lost)
			}
			if len(lost) == 1 != strings.Contains(files(t, dir)[rejectedFile], string(FaultDamaged)) {
				t.Errorf("%s, byte %d: rejected.jsonl is %q", name, at, files(t, dir)[rejectedFile])
			}
		}
	}
}

func TestRepairOfWorse(t *testing.T) {
	for name, c := range map[string]struct {
		damage     func(t *testing.T, dir string)
		rows, lost int
	}{
		"nothing":         {func(*testing.T, string) {}, 5, 0},
		"missing shard":   {func(t *testing.T, dir string) { remove(t, dir, shardName(1, 3)) }, 3, 2},
		"truncated shard": {func(t *testing.T, dir string) { truncate(t, dir, shardName(1, 3), 4640) }, 4, 0},
		"index and shard": {func(t *testing.T, dir string) {
			remove(t, dir, indexFile)
			flip(t, filepath.Join(dir, shardName(2, 3)), 100)
		}, 4, 1},
		"missing index":    {func(t *testing.T, dir string) { remove(t, dir, indexFile) }, 5, 0},
		"missing rejected": {func(t *testing.T, dir string) { remove(t, dir, rejectedFile) }, 5, 0},
	} {
		dir := makeStore(t, ImportOptions{ShardBytes: 3000}, 600, 601, 602, 603, 604)
		c.damage(t, dir)
		r, err := Repair(context.Background(), dir)
		if err != nil || r.Rows != c.rows || r.Lost+len(r.Dropped) != 5-c.rows || r.Lost != c.lost {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		mustVerify(t, dir)
		if left := names(t, filepath.Dir(dir)); len(left) != 1 {
			t.Errorf("%s: left behind %q", name, left)
		}
	}
}

func remove(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func truncate(t *testing.T, dir, name string, size int64) {
	t.Helper()
	if err := os.Truncate(filepath.Join(dir, name), size); err != nil {
		t.Fatal(err)
	}
}
