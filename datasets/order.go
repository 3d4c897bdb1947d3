package datasets

import (
	"cmp"
	"math/bits"
	"slices"
)

// keyed is a row with the number that sorts it.
type keyed struct {
	key uint64
	row uint32
}

// sortPart is the number of rows that sortByKey aims to sort with their keys at once; 64 KiB stay in the second-level cache.
const sortPart = 1 << 12

// sortByKey sorts rows by (key, row). The keys must be spread evenly over all 64 bits, as random ones are. It keeps no
// keys, but distributes the rows in place over parts of about sortPart rows by the leading bits of their keys (American
// flag sort) and sorts part by part, so it needs less than 200 KiB of memory besides rows, and calls key three times a row.
func sortByKey(rows []uint32, key func(row uint32) uint64) {
	lead := bits.Len(uint(len(rows) / sortPart))
	part := func(row uint32) uint64 { return key(row) >> (64 - lead) }
	next, end := make([]int, 1<<lead), make([]int, 1<<lead) // of each part: the first row that may be another's, and the end
	if lead > 0 {
		for _, row := range rows {
			end[part(row)]++
		}
		at := 0
		for p := range end {
			next[p] = at
			at += end[p]
			end[p] = at
		}
		for p := range end {
			for next[p] < end[p] {
				row := rows[next[p]]
				for q := part(row); q != uint64(p); q = part(row) {
					rows[next[q]], row = row, rows[next[q]]
					next[q]++
				}
				rows[next[p]] = row
				next[p]++
			}
		}
	} else {
		end[0] = len(rows)
	}
	var scratch []keyed
	begin := 0
	for _, end := range end {
		scratch = scratch[:0]
		for _, row := range rows[begin:end] {
			scratch = append(scratch, keyed{key(row), row})
		}
		slices.SortFunc(scratch, func(a, b keyed) int {
			if a.key != b.key {
				return cmp.Compare(a.key, b.key)
			}
			return cmp.Compare(a.row, b.row)
		})
		for i, k := range scratch {
			rows[begin+i] = k.row
		}
		begin = end
	}
}
