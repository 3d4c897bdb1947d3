package datasets

import (
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strconv"

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

// resolve replaces SplitAuto by what it chooses for v.
func (m SplitMode) resolve(v View) (SplitMode, error) {
	switch m {
	case SplitSpeakers, SplitUtterances:
		return m, nil
	case "", SplitAuto:
		if v.Speakers() >= minSplitSpeakers {
			return SplitSpeakers, nil
		}
		return SplitUtterances, nil
	}
	return "", fmt.Errorf("datasets: split mode %q: want %s, %s or %s", m, SplitAuto, SplitSpeakers, SplitUtterances)
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
	mode, err := c.Mode.resolve(v)
	if err != nil {
		return Held{}, err
	}
	g := groupView(v, mode, c.Seed)
	g.choose(want, 1)
	held := Held{Train: g.part(0), Valid: g.part(1), Mode: mode}
	if held.Valid.Len() == 0 || held.Train.Len() == 0 {
		return Held{}, fmt.Errorf("datasets: split by %s: %d rows cannot be divided near %.1f s: hold out another amount, or split by %s",
			mode, v.Len(), float64(want)/Rate, SplitUtterances)
	}
	return held, nil
}

// Part is a share of a corpus, such as train, dev or test.
type Part struct {
	Name     string
	Fraction float64 // of the total length
}

// maxParts is what fits the numbers of parts in groups.
const maxParts = 256

func checkParts(parts []Part) error {
	if len(parts) < 2 || len(parts) > maxParts {
		return fmt.Errorf("datasets: split into %d parts: want 2 to %d", len(parts), maxParts)
	}
	sum := 0.0
	for i, p := range parts {
		if p.Name == "" || slices.ContainsFunc(parts[:i], func(q Part) bool { return q.Name == p.Name }) {
			return fmt.Errorf("datasets: split: part %d is called %q: each part needs a name of its own", i+1, p.Name)
		}
		if !(p.Fraction > 0 && p.Fraction < 1) {
			return fmt.Errorf("datasets: split: part %s is %g of all: want a fraction between 0 and 1", p.Name, p.Fraction)
		}
		sum += p.Fraction
	}
	if math.Abs(sum-1) > 1e-6 {
		return fmt.Errorf("datasets: split: the parts are %g of all together: their fractions must sum to 1", sum)
	}
	return nil
}

// SplitInto divides v into parts that share no group (speaker or utterance), cover v and keep the order of the rows. It
// returns them in the order of parts, and the mode that SplitAuto chose. The largest part gets what the others do not
// take; they are filled one after another as Split fills validation, so train=0.9,dev=0.1 holds out what Split does.
func SplitInto(v View, parts []Part, mode SplitMode, seed uint64) ([]View, SplitMode, error) {
	if err := checkParts(parts); err != nil {
		return nil, "", err
	}
	mode, err := mode.resolve(v)
	if err != nil {
		return nil, "", err
	}
	largest := 0
	for i, p := range parts {
		if p.Fraction > parts[largest].Fraction {
			largest = i
		}
	}
	g, total := groupView(v, mode, seed), float64(v.Samples())
	number := make([]uint8, len(parts)) // of each part; that of the largest is 0
	for i, p := range parts {
		if i != largest {
			number[i] = slices.Max(number) + 1
			g.choose(max(1, int64(p.Fraction*total)), number[i])
		}
	}
	views := make([]View, len(parts))
	for i, p := range parts {
		if views[i] = g.part(number[i]); views[i].Len() == 0 {
			return nil, mode, fmt.Errorf("datasets: split by %s: nothing is left for part %s of %d rows by %d speakers: "+
				"ask for fewer parts, or split by %s", mode, p.Name, v.Len(), v.Speakers(), SplitUtterances)
		}
	}
	return views, mode, nil
}

// groups divides a view into what is kept together, its speakers or its single utterances, and hands the groups to parts.
type groups struct {
	view    View
	mode    SplitMode
	order   []uint32 // the groups in random order: numbers of speakers, or rows
	samples []int64  // of each speaker; nil for rows
	parts   []uint8  // of each group, by speaker or row; 0 until it is chosen
}

func groupView(v View, mode SplitMode, seed uint64) *groups {
	g := &groups{view: v, mode: mode}
	if v.Len() == 0 {
		return g
	}
	if mode == SplitUtterances {
		g.order, g.parts = slices.Clone(v.rows), make([]uint8, len(v.table.samples))
		sortByKey(g.order, func(row uint32) uint64 {
			var digits [10]byte
			return splitOrder(strconv.AppendUint(digits[:0], uint64(row), 10), seed)
		})
		return g
	}
	g.samples, g.parts = make([]int64, len(v.table.names)), make([]uint8, len(v.table.names))
	for e := range v.All() {
		g.samples[e.Speaker] += int64(e.Samples)
	}
	for speaker, n := range g.samples {
		if n > 0 {
			g.order = append(g.order, uint32(speaker))
		}
	}
	sortByKey(g.order, func(speaker uint32) uint64 { return splitOrder([]byte(v.table.names[speaker]), seed) })
	return g
}

// splitOrder is what sorts the groups: a random number for a speaker's name, or a row's number in decimal.
func splitOrder(name []byte, seed uint64) uint64 {
	h := fnv.New64a()
	h.Write(name)
	return rng.At(seed, h.Sum64(), rng.Site("datasets.split")).Uint64()
}

func (g *groups) length(group uint32) int64 {
	if g.mode == SplitUtterances {
		return int64(g.view.table.samples[group])
	}
	return g.samples[group]
}

// choose gives groups of part 0 to another part, in order, until it has want samples.
func (g *groups) choose(want int64, part uint8) {
	got, shortest := int64(0), -1
	for i, group := range g.order {
		if got >= want {
			return
		}
		if g.parts[group] != 0 {
			continue
		}
		n := g.length(group)
		if got+n <= want+want/2 {
			g.parts[group] = part
			got += n
		} else if shortest < 0 || n < g.length(g.order[shortest]) {
			shortest = i
		}
	}
	if got == 0 && shortest >= 0 { // every group is too long: the shortest comes nearest
		g.parts[g.order[shortest]] = part
	}
}

// part returns the view of a part.
func (g *groups) part(part uint8) View {
	return g.view.Filter(func(e Entry) bool {
		if g.mode == SplitUtterances {
			return g.parts[e.Row] == part
		}
		return g.parts[e.Speaker] == part
	})
}
