package reference

import "math"

// Early is the early shape of healthy runs at one batch size, in updates.
type Early struct {
	LeavesChance int64 // training accuracy passes 5 %, with a chance of 1 %
	Valley       int64 // the perplexity of the codebooks is lowest, 18 to 27 of 640; it recovers from there
	Fifth        int64 // training accuracy passes 20 %
}

// EarlyShape returns when healthy runs with a batch of so many seconds of audio pass their first marks, interpolated in
// the logarithms of both. Batches outside of the published range get the values at its ends: below 87.5 s these are lower
// bounds.
func EarlyShape(batchSeconds float64) Early {
	last := len(earlyRows) - 1
	if !(batchSeconds > earlyRows[0].seconds) {
		return earlyRows[0].shape()
	}
	if batchSeconds >= earlyRows[last].seconds {
		return earlyRows[last].shape()
	}
	k := 1
	for earlyRows[k].seconds < batchSeconds {
		k++
	}
	a, b := earlyRows[k-1], earlyRows[k]
	w := math.Log(batchSeconds/a.seconds) / math.Log(b.seconds/a.seconds)
	mix := func(x, y int64) int64 {
		return int64(math.Round(math.Exp((1-w)*math.Log(float64(x)) + w*math.Log(float64(y)))))
	}
	return Early{mix(a.leaves, b.leaves), mix(a.valley, b.valley), mix(a.fifth, b.fifth)}
}

func (e early) shape() Early { return Early{e.leaves, e.valley, e.fifth} }
