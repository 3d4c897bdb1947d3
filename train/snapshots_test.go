package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"aural/runlog"

	"pgregory.net/rapid"
)

// The codebook snapshots count every code of the applied updates since the last record once, over all micro-batches.
func TestCodebookSnapshots(t *testing.T) {
	r := newRegression(t, testBackend(t), 8, true)
	r.poison = map[uint64]float64{1: math.NaN(), 4: math.NaN(), 5: math.NaN(), 6: math.NaN(), 7: math.NaN()}
	cfg := testConfig(14)
	cfg.Accumulate = 2
	dir := finished(t, r, cfg)
	got := map[int64]runlog.Codebook{}
	for _, s := range read(t, dir).Snapshots(runlog.CodebookSnapshot) {
		got[s.Step] = *s.Codebook
	}
	for step, updates := range map[int64]int64{4: 3, 12: 4, 14: 2} { // all updates of the record at 8 were skipped
		c := got[step]
		if c.Groups != groups || c.Entries != entries || c.Updates != updates {
			t.Errorf("at %d: %+v, want %d updates", step, c, updates)
		}
		for g := range groups {
			sum := int64(0)
			for _, n := range c.Counts[g*entries:][:entries] {
				sum += n
			}
			if sum != 16*updates {
				t.Errorf("at %d group %d counts %d codes, want 16 an update", step, g, sum)
			}
		}
		// The second group is chosen by the row: 3, 3 and 2 of 8.
		if want := []int64{6 * updates, 6 * updates, 4 * updates}; !slices.Equal(c.Counts[entries:], want) {
			t.Errorf("at %d: %v, want %v", step, c.Counts[entries:], want)
		}
	}
	if len(got) != 3 {
		t.Errorf("snapshots %v", got)
	}
}

// The last micro-batch of every so many updates is shown, as it was when it ran.
func TestBatchSnapshots(t *testing.T) {
	for every, want := range map[int][]uint64{5: {4, 9}, 0: {9}, -1: nil, 100: nil} {
		r := newRegression(t, testBackend(t), 8, true)
		cfg := testConfig(12)
		cfg.Accumulate, cfg.SnapshotEvery, cfg.LogEvery = 2, every, 1
		run := begin(t)
		if err := Run(context.Background(), r, r.be, cfg, run, Options{}); err != nil {
			t.Fatal(err)
		}
		if err := run.Close(runlog.Finished, ""); err != nil {
			t.Fatal(err)
		}
		list := read(t, run.Dir()).Snapshots(runlog.BatchSnapshot)
		if len(list) != len(want) {
			t.Errorf("every %d: %d snapshots, want %v", every, len(list), want)
			continue
		}
		for i, s := range list {
			at := Position{Update: want[i], Micro: 1, Row: 8}
			at.Epoch, at.Index = int(16*at.Update+8)/epochRows, int(16*at.Update+8)%epochRows
			b := r.NewWork()
			if _, _, err := r.Prepare(context.Background(), at, b); err != nil {
				t.Fatal(err)
			}
			if s.Step != int64(at.Update)+1 || s.Batch.ID != fmt.Sprintf("%+v", at) || s.Batch.Text != fmt.Sprint(b.y[0]) || s.Batch.Sample == "" {
				t.Errorf("every %d: snapshot %d is %+v, want that of %+v", every, s.Step, s.Batch, at)
			}
		}
	}
}

func TestSnapshotThatFails(t *testing.T) {
	r := newRegression(t, testBackend(t), 8, false)
	r.failPic = errors.New("no light")
	dir := finished(t, r, testConfig(7))
	if n := alerts(t, dir)["snapshot"]; n != 2 {
		t.Errorf("%d alerts, want 2", n)
	}
	if list := read(t, dir).Snapshots(runlog.BatchSnapshot); len(list) > 0 {
		t.Errorf("snapshots %+v", list)
	}
}

// Counts survive JSON, in one line.
func TestCountsAreOneString(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := Window{Codes: rapid.SliceOfN(rapid.Int64Min(0), 1, 50).Draw(t, "counts")}
		data, err := json.MarshalIndent(in, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		var out Window
		if err := json.Unmarshal(data, &out); err != nil || !slices.Equal(in.Codes, out.Codes) {
			t.Fatalf("%v, %v from %s", out.Codes, err, data)
		}
		if n := strings.Count(string(data), "\n"); n > 8 {
			t.Fatalf("%d lines:\n%s", n, data)
		}
	})
	for _, bad := range []string{`{"codes": "1 x"}`, `{"codes": "1.5"}`, `{"codes": "99999999999999999999"}`, `{"codes": [1]}`} {
		var w Window
		if err := json.Unmarshal([]byte(bad), &w); err == nil {
			t.Errorf("%s was read as %v", bad, w.Codes)
		}
	}
}
