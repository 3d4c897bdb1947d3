package flac

import "math/bits"

const (
	maxPartitionOrder = 6
	maxRice           = 14 // 15 would be the escape code; more never pays for 16 bits
)

// riceParameter returns the best parameter for n values with the given sum, folded, and about how many bits they take. Of
// n values v, v>>k sum up to about sum>>k less a half each.
func riceParameter(sum uint64, n int) (k, size int) {
	if sum > uint64(n) {
		k = min(bits.Len64(sum/uint64(n))-1, maxRice)
	}
	size = n*(k+1) + int(sum>>k)
	if k > 0 {
		size -= n / 2
	}
	return k, size
}

// partition writes the residuals of a block behind its first order samples in 2^p partitions, each with the parameter that
// suits it (section 9.2.7).
func (e *encoder) partition(residual []int32, order int) {
	finest := maxPartitionOrder
	for len(residual)&(1<<finest-1) != 0 || len(residual)>>finest <= order {
		finest--
	}
	var sums [2 << maxPartitionOrder]uint64 // of 2^p partitions from 2^p on, like a heap
	lo, size := order, len(residual)>>finest
	for i := range 1 << finest {
		hi := (i + 1) * size
		sum := uint64(0)
		for _, v := range residual[lo:hi] {
			sum += uint64(fold(v))
		}
		sums[1<<finest+i] = sum
		lo = hi
	}
	for i := 1<<finest - 1; i > 0; i-- {
		sums[i] = sums[2*i] + sums[2*i+1]
	}
	best, least := 0, -1
	for p := range finest + 1 {
		cost := 0
		for i, sum := range sums[1<<p : 2<<p] {
			_, c := riceParameter(sum, partitionLen(len(residual), p, i, order))
			cost += 4 + c
		}
		if least < 0 || cost < least {
			best, least = p, cost
		}
	}

	e.w.write(0, 2) // parameters of 4 bits
	e.w.write(uint64(best), 4)
	rest := residual[order:]
	for i, sum := range sums[1<<best : 2<<best] {
		n := partitionLen(len(residual), best, i, order)
		k, _ := riceParameter(sum, n)
		e.w.write(uint64(k), 4)
		e.w.writeRice(rest[:n], k, sum)
		rest = rest[n:]
	}
}

// partitionLen returns the length of partition i of 2^p. The first lacks the samples that are not predicted.
func partitionLen(n, p, i, order int) int {
	if i == 0 {
		return n>>p - order
	}
	return n >> p
}
