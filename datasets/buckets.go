package datasets

import (
	"cmp"
	"math"
	"slices"
)

// Bucket is one batch shape of a sampler: Rows × Length samples.
type Bucket struct {
	Length     int // samples of each row
	Rows       int
	Utterances int // whose own length puts them here
	Batches    int // in each epoch
}

// frameHop is the stride of the feature encoder of wav2vec 2.0, 320 samples or 20 ms: finer lengths would not give other
// numbers of frames.
const frameHop = 320

// These bound the time of chooseLengths, maxBuckets × maxBins²/2 steps, to a fraction of a second.
const (
	maxBins    = 2048
	maxBuckets = 64
)

// bin is a set of utterances whose lengths round to the same grid point.
type bin struct {
	length int
	count  int
}

// lengthBins sorts lengths into bins, in the order in which utterances may move on from bucket to bucket: when cropping from
// long to short, when padding from short to long. Lengths above maxSamples count as maxSamples; none is below minSamples.
func lengthBins(lengths []int, mode LengthMode, minSamples, maxSamples int) []bin {
	step := frameHop
	if n := (maxSamples - minSamples) / (frameHop * maxBins); n > 0 {
		step *= n + 1
	}
	counts := map[int]int{}
	for _, n := range lengths {
		switch {
		case n >= maxSamples:
			n = maxSamples
		case mode == Pad:
			n = min((n+step-1)/step*step, maxSamples)
		default:
			n = max(n/step*step, minSamples)
		}
		counts[n]++
	}
	bins := make([]bin, 0, len(counts))
	for length, count := range counts {
		bins = append(bins, bin{length, count})
	}
	slices.SortFunc(bins, func(a, b bin) int { return flowOrder(a.length, b.length, mode) })
	return bins
}

func flowOrder(a, b int, mode LengthMode) int {
	if mode == Pad {
		return cmp.Compare(a, b)
	}
	return cmp.Compare(b, a)
}

// chooseLengths divides bins into at most k runs; the last bin of a run is the length of its bucket, the only one that all
// of its utterances can be brought to. It minimises the samples lost by cropping, or added by padding, under the condition
// that every bucket has enough utterances for one batch of batchSamples, so that no utterance waits for ever. When cropping,
// the shortest bins may be left out, at the cost of their samples: a few short utterances are better lost than all others
// cropped to their length. Without any such division one bucket holds all. This is the exact optimum: dynamic programming
// over the end of the last run,
//
//	cost[r][j] = min over i of cost[r-1][i] + Σ_{i≤b<j} count[b]·|length[b] - length[j-1]|.
func chooseLengths(bins []bin, mode LengthMode, k, batchSamples int) []int {
	n := len(bins)
	count, total := make([]int, n+1), make([]int, n+1) // utterances and samples before each bin
	for i, b := range bins {
		count[i+1] = count[i] + b.count
		total[i+1] = total[i] + b.count*b.length
	}
	const impossible = math.MaxInt
	cost := make([]int, n+1) // of dividing the first j bins into r runs, for the r of the last round
	for j := range cost {
		cost[j] = impossible
	}
	cost[0] = 0
	from := make([][]int32, 0, k)       // from[r][j] is where the last of r+1 runs begins
	best, runs, end := impossible, 0, n // the best division has this many runs over the first end bins
	for r := range min(k, n) {
		next, begin := make([]int, n+1), make([]int32, n+1)
		for j := range next {
			next[j] = impossible
			for i := range j {
				length, held := bins[j-1].length, count[j]-count[i]
				if cost[i] == impossible || held < batchRows(length, batchSamples) {
					continue
				}
				lost := total[j] - total[i] - held*length
				if c := cost[i] + max(lost, -lost); c < next[j] {
					next[j], begin[j] = c, int32(i)
				}
			}
		}
		cost, from = next, append(from, begin)
		for j := n; j > 0 && (j == n || mode == Crop); j-- {
			if cost[j] != impossible && cost[j]+total[n]-total[j] < best {
				best, runs, end = cost[j]+total[n]-total[j], r+1, j
			}
		}
	}
	if runs == 0 {
		return []int{bins[n-1].length}
	}
	lengths := make([]int, runs)
	for r, j := runs-1, end; r >= 0; r-- {
		lengths[r] = bins[j-1].length
		j = int(from[r][j])
	}
	return lengths
}

// batchRows is the number of rows of a batch of the given length.
func batchRows(length, batchSamples int) int { return max(1, batchSamples/length) }

// makeBuckets assigns the utterances of view to lengths, which are in flow order, and counts the batches of an epoch. It
// returns the buckets, the utterances of each as positions in view, and how many fit none.
//
// Utterances that do not fill a batch move on to the next bucket, where they are cropped or padded more. What remains in the
// last bucket is left out of the epoch; the shuffle decides anew each epoch whom that hits. A store too small for one
// batch in the last bucket gets fewer rows there.
func makeBuckets(view View, lengths []int, mode LengthMode, batchSamples int) (buckets []Bucket, members [][]int, leftOut int) {
	buckets, members = make([]Bucket, len(lengths)), make([][]int, len(lengths))
	for p, e := range view {
		b := slices.IndexFunc(lengths, func(length int) bool {
			if mode == Pad {
				return length >= e.Samples
			}
			return length <= e.Samples
		})
		if b < 0 {
			leftOut++
			continue
		}
		members[b] = append(members[b], p)
	}
	waiting := 0
	for b := range buckets {
		rows := batchRows(lengths[b], batchSamples)
		waiting += len(members[b])
		if b == len(buckets)-1 && waiting > 0 {
			rows = min(rows, waiting)
		}
		buckets[b] = Bucket{lengths[b], rows, len(members[b]), waiting / rows}
		waiting %= rows
	}
	return buckets, members, leftOut
}
