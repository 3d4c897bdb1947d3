package datasets

import (
	"iter"
	"slices"
)

// View is a choice of rows of one store: metadata only, so everything that works on a View is free of I/O. The views of a
// store share the lengths and the speakers of all its rows (8 bytes a row); each of them adds 4 bytes for each row that it
// chooses. A View is never changed, so it may be copied and used by many goroutines at once. The zero View has no rows.
type View struct {
	table *table
	rows  []uint32 // of the store
}

// table is what is known of all rows of a store without their audio.
type table struct {
	samples  []uint32 // at Rate, below 2^31
	speakers []uint32 // numbers of names
	names    []string // of speakers, all different; number 0 is "", the unknown speaker
}

// Entry is what is known of a row without its audio.
type Entry struct {
	Row     int // in the store
	Samples int // at Rate
	Speaker int // see View.Name; 0 when unknown
}

// newView returns the view of all rows of a store.
func newView(t *table) View {
	rows := make([]uint32, len(t.samples))
	for i := range rows {
		rows[i] = uint32(i)
	}
	return View{t, rows}
}

// Len returns the number of rows.
func (v View) Len() int { return len(v.rows) }

// At returns entry i. Like indexing a slice it panics when there is no entry i.
func (v View) At(i int) Entry { return v.table.entry(v.rows[i]) }

func (t *table) entry(row uint32) Entry {
	return Entry{int(row), int(t.samples[row]), int(t.speakers[row])}
}

// All iterates over the entries.
func (v View) All() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for _, row := range v.rows {
			if !yield(v.table.entry(row)) {
				return
			}
		}
	}
}

// Name returns the name of a speaker by its number, "" for the unknown speaker. Numbers belong to the store: other views of
// it use the same.
func (v View) Name(speaker int) string { return v.table.names[speaker] }

// Filter returns the view of the entries for which keep is true, in the same order.
func (v View) Filter(keep func(Entry) bool) View {
	var rows []uint32
	for e := range v.All() {
		if keep(e) {
			rows = append(rows, uint32(e.Row))
		}
	}
	return View{v.table, slices.Clip(rows)}
}

// Slice returns the view of the entries i to j-1.
func (v View) Slice(i, j int) View { return View{v.table, v.rows[i:j:j]} }

// Samples returns the total length.
func (v View) Samples() int64 {
	var n int64
	for e := range v.All() {
		n += int64(e.Samples)
	}
	return n
}

// Seconds returns the total length in seconds.
func (v View) Seconds() float64 { return float64(v.Samples()) / Rate }

// Speakers returns the number of different speakers; rows without one count as one speaker.
func (v View) Speakers() int {
	if v.table == nil {
		return 0
	}
	seen, n := make([]bool, len(v.table.names)), 0
	for e := range v.All() {
		if !seen[e.Speaker] {
			seen[e.Speaker] = true
			n++
		}
	}
	return n
}
