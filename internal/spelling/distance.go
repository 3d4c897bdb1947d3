// Package spelling measures how alike two names are, so that an error about an unknown name can say which one may have been meant.
package spelling

// Distance is the number of insertions, deletions, replacements and swaps of neighbours that make b of a, in bytes (optimal string alignment).
func Distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, last, row = last, row, before
		row[0] = i + 1
		for j := range len(b) {
			cost := last[j]
			if a[i] != b[j] {
				cost++
			}
			row[j+1] = min(cost, row[j]+1, last[j+1]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}

// Within is the least number of insertions, deletions and replacements that make some substring of s of part (Sellers 1980).
func Within(part, s string) int {
	row := make([]int, len(s)+1) // a substring may begin anywhere at no cost
	for i := range len(part) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(s) {
			cost := diagonal
			if part[i] != s[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	best := row[0]
	for _, d := range row {
		best = min(best, d)
	}
	return best
}
