package datasets

import (
	"slices"
	"testing"

	"aural/rng"
)

// row is an entry of a made-up view, with the name of the speaker.
type row struct {
	Row     int
	Samples int
	Speaker string
}

// makeView returns the view of some rows of a made-up store.
func makeView(rows []row) View {
	t, v := &table{names: []string{""}}, View{}
	for _, r := range rows {
		n := max(len(t.samples), r.Row+1)
		t.samples, t.speakers = slices.Grow(t.samples, n)[:n], slices.Grow(t.speakers, n)[:n]
		speaker := slices.Index(t.names, r.Speaker)
		if speaker < 0 {
			speaker = len(t.names)
			t.names = append(t.names, r.Speaker)
		}
		t.samples[r.Row], t.speakers[r.Row] = uint32(r.Samples), uint32(speaker)
		v.rows = append(v.rows, uint32(r.Row))
	}
	v.table = t
	return v
}

// rowsOf returns the entries of a view with the names of their speakers.
func rowsOf(v View) (rows []row) {
	for e := range v.All() {
		rows = append(rows, row{e.Row, e.Samples, v.Name(e.Speaker)})
	}
	return rows
}

func viewOf(lengths ...int) View {
	rows := make([]row, len(lengths))
	for i, n := range lengths {
		rows[i] = row{Row: 3*i + 1, Samples: n}
	}
	return makeView(rows)
}

func TestView(t *testing.T) {
	rows := []row{{0, 1000, "ann"}, {2, 3000, ""}, {3, 500, "bob"}, {7, 16000, "ann"}}
	v := makeView(rows)
	if v.Len() != 4 || v.Samples() != 20_500 || v.Seconds() != 20_500.0/Rate || v.Speakers() != 3 {
		t.Errorf("%d rows, %d samples, %g s, %d speakers", v.Len(), v.Samples(), v.Seconds(), v.Speakers())
	}
	if e := v.At(3); e.Row != 7 || e.Samples != 16000 || v.Name(e.Speaker) != "ann" {
		t.Errorf("entry 3 is %+v", e)
	}
	if got := rowsOf(v); !slices.Equal(got, rows) {
		t.Errorf("entries %v", got)
	}
	if part := v.Slice(1, 3); !slices.Equal(rowsOf(part), rows[1:3]) || part.Speakers() != 2 {
		t.Errorf("slice %v", rowsOf(part))
	}
	if part := v.Filter(func(e Entry) bool { return e.Samples >= 1000 }); !slices.Equal(rowsOf(part), []row{rows[0], rows[1], rows[3]}) {
		t.Errorf("filtered %v", rowsOf(part))
	}
	for e := range v.All() {
		if e.Row != 0 {
			t.Errorf("the first entry is %+v", e)
		}
		break
	}
	if none := (View{}); none.Len() != 0 || none.Seconds() != 0 || none.Speakers() != 0 || none.Filter(func(Entry) bool { return true }).Len() != 0 {
		t.Error("the zero View has rows")
	}
}

func TestStoreView(t *testing.T) {
	s := openStore(t, makeStore(t, ImportOptions{ShardBytes: 20_000}, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000))
	v, err := s.View()
	if err != nil {
		t.Fatal(err)
	}
	if v.Len() != s.Len() || v.Speakers() != 7 { // spk1 to spk6, and rows 0, 4 and 8 without one
		t.Fatalf("%d rows of %d, %d speakers", v.Len(), s.Len(), v.Speakers())
	}
	for i, e := range rowsOf(v) {
		if u, err := s.Utterance(i); err != nil || e != (row{i, u.Samples, u.Speaker}) {
			t.Errorf("row %d is %v, in the store %v", i, e, u)
		}
	}
}

func TestSortByKey(t *testing.T) {
	for _, n := range []int{0, 1, 2, sortPart - 1, sortPart, 3 * sortPart, 100*sortPart + 7} {
		for name, key := range map[string]func(uint32) uint64{
			"random": func(row uint32) uint64 { return rng.At(9, uint64(row), 1).Uint64() },
			"ties":   func(row uint32) uint64 { return rng.At(9, uint64(row%(1+uint32(n)/3)), 1).Uint64() },
			"equal":  func(uint32) uint64 { return 1<<63 + 5 },
			"rising": func(row uint32) uint64 { return uint64(row) },
		} {
			got, want := make([]uint32, n), make([]keyed, n)
			for i := range got {
				got[i] = uint32(n-i) * 3
				want[i] = keyed{key(got[i]), got[i]}
			}
			slices.SortFunc(want, keyed.compare)
			sortByKey(got, key)
			for i := range got {
				if got[i] != want[i].row {
					t.Fatalf("%d rows, %s keys: place %d has row %d, want %d", n, name, i, got[i], want[i].row)
				}
			}
		}
	}
}
