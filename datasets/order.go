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

func (a keyed) compare(b keyed) int {
	if a.key != b.key {
		return cmp.Compare(a.key, b.key)
	}
	return cmp.Compare(a.row, b.row)
}

// sortPart is the number of rows that sortByKey aims to sort with their keys at once; their 16 KiB stay in the first-level cache.
const sortPart = 1 << 10

// sortByKey sorts rows by (key, row). The keys must be spread evenly over all 64 bits, as random ones are. It keeps no
// keys, but distributes the rows in place over parts of about sortPart rows by the leading bits of their keys (American
// flag sort) and sorts part by part: 32 KiB and 3 % of the memory of rows are all it needs, and it calls key three times a row.
func sortByKey(rows []uint32, key func(row uint32) uint64) {
	begin, scratch := 0, make([]keyed, 0, min(len(rows), 2*sortPart))
	for _, end := range partition(rows, key) {
		scratch = scratch[:0]
		for _, row := range rows[begin:end] {
			scratch = append(scratch, keyed{key(row), row})
		}
		slices.SortFunc(scratch, keyed.compare)
		for i, k := range scratch {
			rows[begin+i] = k.row
		}
		begin = end
	}
}

// partition distributes rows over parts in the order of the leading bits of their keys, and returns where each part ends.
func partition(rows []uint32, key func(row uint32) uint64) []int {
	lead := bits.Len(uint(len(rows) / sortPart))
	if lead == 0 {
		return []int{len(rows)}
	}
	part := func(row uint32) uint64 { return key(row) >> (64 - lead) }
	next, end := make([]int, 1<<lead), make([]int, 1<<lead) // next is the first place of a part that may hold another's row
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
		for ; next[p] < end[p]; next[p]++ {
			row := rows[next[p]]
			for q := part(row); q != uint64(p); q = part(row) {
				rows[next[q]], row = row, rows[next[q]]
				next[q]++
			}
			rows[next[p]] = row
		}
	}
	return end
}
