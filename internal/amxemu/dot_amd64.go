package amxemu

import "golang.org/x/sys/cpu"

// dotAVX512 does the arithmetic of dot on whole rows: rows of c and a, pairs of elements of a row of a. It has all rules but the
// one for NaN. It makes 2·16·rows·pairs multiply-adds, 8192 for full tiles, and moves no more than 3 KiB in L1.
//
//go:noescape
func dotAVX512(c, a, b *tile, rows, pairs int)

// dotFast is dotPlain for results without NaN; it reports false, and leaves c alone, for others.
func dotFast(c, a, b *tile, m, n, k int) bool {
	if !cpu.X86.HasAVX512F {
		return false
	}
	next := *c
	dotAVX512(&next, a, b, m, k)
	for i := range m {
		if hasNaN(next[i][:4*n]) {
			return false
		}
		clear(next[i][4*n:])
	}
	*c = next
	return true
}
