package datasets

import (
	"cmp"
	"container/heap"
	"fmt"
	"hash/fnv"
	"iter"
	"math"
	"slices"

	"aural/rng"
)

// SubsetMode says in which order a subset takes utterances.
type SubsetMode string

// The modes of Subset.
const (
	// SubsetSpeakers takes all of a speaker, then all of another: few people, much of each.
	SubsetSpeakers SubsetMode = "speakers"
	// SubsetUtterances takes single utterances of anybody.
	SubsetUtterances SubsetMode = "utterances"
	// SubsetBalanced takes the next utterance from whom it has least of, so that everybody speaks for the same time, as in
	// the limited sets of Libri-light (Kahn et al. 2020).
	SubsetBalanced SubsetMode = "balanced"
)

// SubsetConfig says how much to take and how.
type SubsetConfig struct {
	Seconds float64 // of audio, at most the total length
	Seed    uint64
	By      SubsetMode
}

// Subset takes utterances of v in a random order until they have the wanted length, which the last of them may pass. The
// order does not depend on the length, so that for one seed 10 minutes are part of 1 hour and that is part of 10 hours.
// The subset keeps the order of the rows.
//
// The order of utterances depends on the seed and the numbers of the rows. The other modes depend on the seed, the names
// of the speakers and the how-manieth of its speaker an utterance is, and not on the numbers: speakers who are added
// anywhere leave the order of the others as it was. For them rows without a speaker are one speaker.
func Subset(v View, c SubsetConfig) (View, error) {
	total := v.Seconds()
	switch {
	case !(c.Seconds > 0):
		return View{}, fmt.Errorf("datasets: subset of %g seconds: want more than 0", c.Seconds)
	case c.Seconds > total:
		return View{}, fmt.Errorf("datasets: subset of %g seconds: there are only %g", c.Seconds, total)
	}
	var order iter.Seq[uint32]
	switch c.By {
	case SubsetUtterances:
		order = orderOfUtterances(v, c.Seed)
	case SubsetSpeakers, SubsetBalanced:
		speakers := shuffledSpeakers(v, c.Seed)
		if len(speakers) == 1 && speakers[0].name == "" {
			return View{}, fmt.Errorf("datasets: subset by %s: no row has a speaker: take a subset by %s", c.By, SubsetUtterances)
		}
		if order = orderOfSpeakers(speakers); c.By == SubsetBalanced {
			order = orderOfBalance(v, speakers)
		}
	default:
		return View{}, fmt.Errorf("datasets: subset by %q: want %s, %s or %s", c.By, SubsetSpeakers, SubsetUtterances, SubsetBalanced)
	}
	var rows []uint32
	want, got := int64(math.Ceil(c.Seconds*Rate)), int64(0)
	for row := range order {
		rows = append(rows, row)
		if got += int64(v.table.samples[row]); got >= want {
			break
		}
	}
	slices.Sort(rows)
	return View{v.table, slices.Clip(rows)}, nil
}

func orderOfUtterances(v View, seed uint64) iter.Seq[uint32] {
	rows, site := slices.Clone(v.rows), rng.Site("datasets.subset.utterances")
	sortByKey(rows, func(row uint32) uint64 {
		w := rng.Block(seed, 0, site, row)
		return uint64(w[0])<<32 | uint64(w[1])
	})
	return slices.Values(rows)
}

// speakerRows are the utterances of one speaker.
type speakerRows struct {
	name  string
	order uint64   // random
	rows  []uint32 // in random order, once shuffled
	given int64    // samples that orderOfBalance took
}

// shuffledSpeakers returns the speakers of v in random order.
func shuffledSpeakers(v View, seed uint64) []*speakerRows {
	count := make([]int, len(v.table.names))
	for e := range v.All() {
		count[e.Speaker]++
	}
	all, place := make([]uint32, v.Len()), 0
	bySpeaker := make([]*speakerRows, len(count))
	var speakers []*speakerRows
	for i, n := range count {
		if n > 0 {
			bySpeaker[i] = &speakerRows{name: v.Name(i), rows: all[place:place]}
			speakers = append(speakers, bySpeaker[i])
			place += n
		}
	}
	for e := range v.All() {
		s := bySpeaker[e.Speaker]
		s.rows = append(s.rows, uint32(e.Row))
	}
	var scratch []uint32
	for _, s := range speakers {
		scratch = s.shuffle(seed, scratch)
	}
	slices.SortFunc(speakers, func(a, b *speakerRows) int {
		return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.name, b.name))
	})
	return speakers
}

// shuffle puts the utterances into random order. It uses scratch, and returns it to be used again.
func (s *speakerRows) shuffle(seed uint64, scratch []uint32) []uint32 {
	h := fnv.New64a()
	h.Write([]byte(s.name))
	name, site := h.Sum64(), rng.Site("datasets.subset.utterance of speaker")
	s.order = rng.At(seed, name, rng.Site("datasets.subset.speakers")).Uint64()
	scratch = scratch[:0]
	for i := range s.rows {
		scratch = append(scratch, uint32(i))
	}
	sortByKey(scratch, func(i uint32) uint64 {
		w := rng.Block(seed, name, site, i)
		return uint64(w[0])<<32 | uint64(w[1])
	})
	for i, k := range scratch {
		scratch[i] = s.rows[k]
	}
	copy(s.rows, scratch)
	return scratch
}

func orderOfSpeakers(speakers []*speakerRows) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for _, s := range speakers {
			for _, row := range s.rows {
				if !yield(row) {
					return
				}
			}
		}
	}
}

func orderOfBalance(v View, speakers []*speakerRows) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		least := leastGiven(speakers) // sorted by order, so it is a heap
		for len(least) > 0 {
			s := least[0]
			row := s.rows[0]
			if !yield(row) {
				return
			}
			s.rows = s.rows[1:]
			s.given += int64(v.table.samples[row])
			if len(s.rows) == 0 {
				heap.Pop(&least)
			} else {
				heap.Fix(&least, 0)
			}
		}
	}
}

// leastGiven is a heap of speakers by the length that they have given, and by their order when that is the same.
type leastGiven []*speakerRows

func (h leastGiven) Len() int      { return len(h) }
func (h leastGiven) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *leastGiven) Push(x any)   { *h = append(*h, x.(*speakerRows)) }
func (h leastGiven) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(h[i].given, h[j].given), cmp.Compare(h[i].order, h[j].order), cmp.Compare(h[i].name, h[j].name)) < 0
}

func (h *leastGiven) Pop() any {
	last := len(*h) - 1
	s := (*h)[last]
	*h = (*h)[:last]
	return s
}
