package probe

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strconv"

	"aural/rng"
)

// By says what is never on both sides of a split.
type By string

// The ways to split.
const (
	// Auto is Recordings for speakers, and otherwise Speakers when there are at least MinSpeakers.
	Auto By = "auto"
	// Recordings keeps what was cut from one recording together and holds out a share of every class. A class with a single recording is split by utterance.
	Recordings By = "recording"
	// Speakers holds out whole speakers: what is read must be there whoever speaks.
	Speakers By = "speaker"
)

// MinSpeakers is from how many speakers on Auto holds out whole speakers.
const MinSpeakers = 4

// HoldOut says how much is held out and how.
type HoldOut struct {
	Share float64 // of the utterances, below 1
	Seed  uint64
	By    By
}

// DefaultHoldOut holds out a fifth.
func DefaultHoldOut() HoldOut { return HoldOut{Share: 0.2, Seed: 1, By: Auto} }

// Split is a list of utterances in two parts, each in rising order.
type Split struct {
	Train, Held []int
	By          By // Recordings or Speakers
}

// site is the place of the draws of this package among the streams of package rng.
var site = rng.Site("probe")

// Split divides labelled utterances. Which are held out depends on the seed and on their IDs, recordings and speakers, not on their order.
func (h HoldOut) Split(list []Utterance) (Split, error) {
	if !(h.Share > 0 && h.Share < 1) {
		return Split{}, fmt.Errorf("probe: a share of %v of the utterances is to be held out, want more than 0 and less than 1", h.Share)
	}
	s := Split{By: h.By}
	speakers := map[string]int{}
	for _, u := range list {
		speakers[u.Speaker]++
	}
	if h.By == Auto {
		s.By = Recordings
		if _, unknown := speakers[""]; len(speakers) >= MinSpeakers && !unknown {
			s.By = Speakers
		}
	}
	held := make([]bool, len(list))
	switch s.By {
	case Recordings:
		h.holdRecordings(list, held)
	case Speakers:
		if speakers[""] > 0 || len(speakers) < 2 {
			return s, fmt.Errorf("probe: holding out speakers, but %d of %d utterances have none, and there are %d speakers: split by %s", speakers[""], len(list), len(speakers), Recordings)
		}
		h.hold(held, list, func(u Utterance) string { return u.Speaker }, every(len(list)))
	default:
		return s, fmt.Errorf("probe: splitting by %q: want %s, %s or %s", h.By, Auto, Recordings, Speakers)
	}
	for i, is := range held {
		if is {
			s.Held = append(s.Held, i)
		} else {
			s.Train = append(s.Train, i)
		}
	}
	if len(s.Train) == 0 || len(s.Held) == 0 {
		return s, fmt.Errorf("probe: %d utterances cannot be split by %s: %d for training, %d held out", len(list), s.By, len(s.Train), len(s.Held))
	}
	return s, nil
}

// Again splits the training part of a split as the whole was split, to choose something without a look at what is held out. The numbers are places in list.
func (h HoldOut) Again(s Split, list []Utterance) (Split, error) {
	part := make([]Utterance, len(s.Train))
	for i, u := range s.Train {
		part[i] = list[u]
	}
	h.By = s.By
	again, err := h.Split(part)
	for _, places := range [][]int{again.Train, again.Held} {
		for i, k := range places {
			places[i] = s.Train[k]
		}
	}
	return again, err
}

func every(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// holdRecordings holds out a share of each class.
func (h HoldOut) holdRecordings(list []Utterance, held []bool) {
	classes := map[int][]int{}
	for i, u := range list {
		classes[u.Class] = append(classes[u.Class], i)
	}
	for _, members := range classes {
		recordings := map[string]bool{}
		for _, i := range members {
			recordings[list[i].Recording] = true
		}
		key := func(u Utterance) string { return u.Recording }
		if len(recordings) == 1 {
			key = func(u Utterance) string { return u.ID }
		}
		h.hold(held, list, key, members)
	}
}

// hold holds out groups of the members, in random order, until the share of them is reached. At least one group is held out and one left.
func (h HoldOut) hold(held []bool, list []Utterance, key func(Utterance) string, members []int) {
	groups := map[string][]int{}
	for _, i := range members {
		k := key(list[i])
		groups[k] = append(groups[k], i)
	}
	type group struct {
		order uint64
		name  string
	}
	var order []group
	for name := range groups {
		f := fnv.New64a()
		f.Write([]byte(name))
		order = append(order, group{rng.At(h.Seed, f.Sum64(), site).Uint64(), name})
	}
	slices.SortFunc(order, func(a, b group) int { return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.name, b.name)) })
	want, got := max(1, int(math.Round(h.Share*float64(len(members))))), 0
	for _, g := range order[:len(order)-1] {
		n := len(groups[g.name])
		if got > 0 && got+n > want+want/2 {
			continue
		}
		for _, i := range groups[g.name] {
			held[i] = true
		}
		if got += n; got >= want {
			return
		}
	}
}

// name of an utterance's recording when the source has none.
func ownRecording(row int) string { return "#" + strconv.Itoa(row) }
