package datasets

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"

	"aural/rng"
)

// SplitMode says what is kept together when rows are held out.
type SplitMode string

// The modes of Split.
const (
	// SplitAuto holds out speakers when there are at least minSplitSpeakers of them, and utterances otherwise.
	SplitAuto SplitMode = "auto"
	// SplitSpeakers holds out whole speakers, so that validation measures speech of unknown people.
	SplitSpeakers SplitMode = "speakers"
	// SplitUtterances holds out single utterances; their speakers are heard in training too.
	SplitUtterances SplitMode = "utterances"
)

// minSplitSpeakers is where SplitAuto begins to hold out speakers: with fewer, one speaker is a large part of the corpus.
const minSplitSpeakers = 10

// SplitConfig says how much to hold out and how. Exactly one of Fraction and Seconds is positive.
type SplitConfig struct {
	Mode     SplitMode // "" is SplitAuto
	Fraction float64   // of the total length, below 1
	Seconds  float64   // of audio, below the total length
	Seed     uint64
}

func (c SplitConfig) target(total int64) (int64, error) {
	if (c.Fraction > 0) == (c.Seconds > 0) || !(c.Fraction >= 0 && c.Fraction < 1) || !(c.Seconds >= 0) {
		return 0, fmt.Errorf("datasets: split: fraction %g and %g seconds: give one of them, a fraction below 1 or a number of seconds", c.Fraction, c.Seconds)
	}
	want := c.Fraction * float64(total)
	if c.Seconds > 0 {
		want = c.Seconds * Rate
	}
	if want >= float64(total) {
		return 0, fmt.Errorf("datasets: split: %g seconds asked for, there are %g in all", want/Rate, float64(total)/Rate)
	}
	return max(1, int64(want)), nil
}

// Held is the result of Split. Both views keep the order of the rows.
type Held struct {
	Train, Valid View
	Mode         SplitMode // SplitSpeakers or SplitUtterances: what SplitAuto chose
}

// Split holds out rows of v for validation. Which rows are held out depends on the seed and on the names of the speakers
// or the numbers of the rows, and on nothing else: speakers added later leave the order of the others as it was.
//
// Groups (speakers or utterances) are taken in random order until the amount is reached. A group that would pass it by
// more than half of the amount is left in training, so one talkative speaker does not become the validation set. The two
// parts never share a group, and neither is empty.
func Split(v View, c SplitConfig) (Held, error) {
	want, err := c.target(v.Samples())
	if err != nil {
		return Held{}, err
	}
	held := Held{Mode: c.Mode}
	switch c.Mode {
	case "", SplitAuto:
		held.Mode = SplitUtterances
		if v.Speakers() >= minSplitSpeakers {
			held.Mode = SplitSpeakers
		}
	case SplitSpeakers, SplitUtterances:
	default:
		return Held{}, fmt.Errorf("datasets: split mode %q: want %s, %s or %s", c.Mode, SplitAuto, SplitSpeakers, SplitUtterances)
	}
	chosen := choose(groups(v, held.Mode, c.Seed), want)
	for _, e := range v {
		if chosen[groupKey(e, held.Mode)] {
			held.Valid = append(held.Valid, e)
		} else {
			held.Train = append(held.Train, e)
		}
	}
	if len(held.Valid) == 0 || len(held.Train) == 0 {
		return Held{}, fmt.Errorf("datasets: split by %s: %d rows cannot be divided near %.1f s: hold out another amount, or split by %s",
			held.Mode, len(v), float64(want)/Rate, SplitUtterances)
	}
	return held, nil
}

// group is what is held out together.
type group struct {
	key     string
	order   uint64
	samples int64
}

func groupKey(e Entry, mode SplitMode) string {
	if mode == SplitSpeakers {
		return e.Speaker
	}
	return fmt.Sprint(e.Row)
}

// groups returns the groups of v in random order.
func groups(v View, mode SplitMode, seed uint64) []group {
	at := map[string]int{}
	var all []group
	for _, e := range v {
		key := groupKey(e, mode)
		i, known := at[key]
		if !known {
			i = len(all)
			at[key] = i
			all = append(all, group{key: key, order: splitOrder(key, seed)})
		}
		all[i].samples += int64(e.Samples)
	}
	slices.SortFunc(all, func(a, b group) int {
		return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.key, b.key))
	})
	return all
}

func splitOrder(key string, seed uint64) uint64 {
	h := fnv.New64a()
	h.Write([]byte(key))
	return rng.At(seed, h.Sum64(), rng.Site("datasets.split")).Uint64()
}

// choose takes groups in order until want samples are reached.
func choose(all []group, want int64) map[string]bool {
	chosen, got := map[string]bool{}, int64(0)
	for _, g := range all {
		if got >= want {
			break
		}
		if got+g.samples <= want+want/2 {
			chosen[g.key] = true
			got += g.samples
		}
	}
	if got == 0 { // every group is too long: the shortest comes nearest
		shortest := slices.MinFunc(all, func(a, b group) int { return cmp.Compare(a.samples, b.samples) })
		chosen[shortest.key] = true
	}
	return chosen
}
