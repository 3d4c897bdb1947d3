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
	Batches    int // in each epoch, of each rank
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

// usable says whether an utterance of n samples may occur in a batch.
func (c *SamplerConfig) usable(n int) bool {
	return n >= c.MinSamples && (c.Mode == Crop || n <= c.MaxSamples)
}

// lengthBins sorts the usable utterances of view into bins, in the order in which they may move on from bucket to bucket:
// when cropping from long to short, when padding from short to long. Lengths above MaxSamples count as MaxSamples.
func lengthBins(view View, c SamplerConfig) []bin {
	step := frameHop
	if n := (c.MaxSamples - c.MinSamples) / (frameHop * maxBins); n > 0 {
		step *= n + 1
	}
	counts := map[int]int{}
	for e := range view.All() {
		n := e.Samples
		switch {
		case !c.usable(n):
			continue
		case n >= c.MaxSamples:
			n = c.MaxSamples
		case c.Mode == Pad:
			n = min((n+step-1)/step*step, c.MaxSamples)
		default:
			n = max(n/step*step, c.MinSamples)
		}
		counts[n]++
	}
	bins := make([]bin, 0, len(counts))
	for length, count := range counts {
		bins = append(bins, bin{length, count})
	}
	slices.SortFunc(bins, func(a, b bin) int { return flowOrder(a.length, b.length, c.Mode) })
	return bins
}

func flowOrder(a, b int, mode LengthMode) int {
	if mode == Pad {
		return cmp.Compare(a, b)
	}
	return cmp.Compare(b, a)
}

// chooseLengths divides bins into at most Buckets runs; the last bin of a run is the length of its bucket, the only one that all
// of its utterances can be brought to. It minimises the samples lost by cropping, or added by padding, under the condition
// that every bucket has enough utterances for one batch of each rank, so that no utterance waits for ever. When cropping,
// the shortest bins may be left out, at the cost of their samples: a few short utterances are better lost than all others
// cropped to their length. Without any such division one bucket holds all. This is the exact optimum: dynamic programming
// over the end of the last run,
//
//	cost[r][j] = min over i of cost[r-1][i] + Σ_{i≤b<j} count[b]·|length[b] - length[j-1]|.
func chooseLengths(bins []bin, c SamplerConfig) []int {
	n, k := len(bins), c.Buckets
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
				if cost[i] == impossible || held < c.ranks()*batchRows(length, c.BatchSamples) {
					continue
				}
				lost := total[j] - total[i] - held*length
				if all := cost[i] + max(lost, -lost); all < next[j] {
					next[j], begin[j] = all, int32(i)
				}
			}
		}
		cost, from = next, append(from, begin)
		for j := n; j > 0 && (j == n || c.Mode == Crop); j-- {
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

// makeBuckets assigns the usable utterances of view to lengths, which are in flow order. It returns the buckets and the rows
// of the utterances that fit one, bucket by bucket, in the order of view.
func makeBuckets(view View, lengths []int, c SamplerConfig) ([]Bucket, []uint32) {
	bucketOf := func(n int) int {
		if !c.usable(n) {
			return -1
		}
		return slices.IndexFunc(lengths, func(length int) bool {
			if c.Mode == Pad {
				return length >= n
			}
			return length <= n
		})
	}
	buckets := make([]Bucket, len(lengths))
	for e := range view.All() {
		if b := bucketOf(e.Samples); b >= 0 {
			buckets[b].Utterances++
		}
	}
	next, total := make([]int, len(buckets)), 0 // where the next row of each bucket goes
	for b := range buckets {
		buckets[b].Length, next[b] = lengths[b], total
		total += buckets[b].Utterances
	}
	rows := make([]uint32, total)
	for e := range view.All() {
		if b := bucketOf(e.Samples); b >= 0 {
			rows[next[b]] = uint32(e.Row)
			next[b]++
		}
	}
	countBatches(buckets, c.BatchSamples, c.ranks())
	return buckets, rows
}

// countBatches says how many batches of how many rows each rank gets from each bucket in an epoch.
//
// Utterances that do not fill a round, a batch for each rank, move on to the next bucket, where they are cropped or padded
// more. What remains in the last bucket is left out of the epoch; the shuffle decides anew each epoch whom that hits. A
// store too small for one round in the last bucket gets fewer rows there, but each rank at least one.
func countBatches(buckets []Bucket, batchSamples, ranks int) {
	waiting := 0
	for i := range buckets {
		b := &buckets[i]
		b.Rows = batchRows(b.Length, batchSamples)
		waiting += b.Utterances
		if i == len(buckets)-1 && waiting >= ranks {
			b.Rows = min(b.Rows, waiting/ranks)
		}
		b.Batches = waiting / (b.Rows * ranks)
		waiting %= b.Rows * ranks
	}
}
