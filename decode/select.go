package decode

// ranked is a candidate of a frame: its score and its place.
type ranked struct {
	score float64
	at    int32
}

// before is a strict order: equal scores go by place, so the choice does not depend on how it is made.
func (r ranked) before(o ranked) bool {
	return r.score > o.score || r.score == o.score && r.at < o.at
}

// keepBest moves the n best of list to its front, in no order (quickselect, Hoare 1961, median of three).
func keepBest(list []ranked, n int) []ranked {
	if n >= len(list) {
		return list
	}
	lo, hi := 0, len(list)-1
	for lo < hi {
		mid := lo + (hi-lo)/2
		if list[mid].before(list[lo]) {
			list[mid], list[lo] = list[lo], list[mid]
		}
		if list[hi].before(list[lo]) {
			list[hi], list[lo] = list[lo], list[hi]
		}
		if list[hi].before(list[mid]) {
			list[hi], list[mid] = list[mid], list[hi]
		}
		pivot := list[mid]
		i, j := lo, hi
		for i <= j {
			for list[i].before(pivot) {
				i++
			}
			for pivot.before(list[j]) {
				j--
			}
			if i <= j {
				list[i], list[j] = list[j], list[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case n-1 <= j:
			hi = j
		case n-1 >= i:
			lo = i
		default:
			return list[:n]
		}
	}
	return list[:n]
}
