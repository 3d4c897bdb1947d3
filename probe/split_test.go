package probe

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// spoken makes utterances: each speaker has recordings of several utterances each.
func spoken(speakers, recordings, cuts int) []Utterance {
	var list []Utterance
	for s := range speakers {
		for r := range recordings {
			for c := range cuts {
				list = append(list, Utterance{Row: len(list), ID: fmt.Sprintf("u%d-%d-%d", s, r, c), Speaker: fmt.Sprintf("s%d", s),
					Recording: fmt.Sprintf("s%d/r%d", s, r), Class: s})
			}
		}
	}
	return list
}

// Both parts together are all utterances; no recording or speaker is in both; of every class with two recordings something is in each part.
func TestSplitProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := spoken(rapid.IntRange(2, 9).Draw(t, "speakers"), rapid.IntRange(2, 7).Draw(t, "recordings"), rapid.IntRange(1, 4).Draw(t, "cuts"))
		h := HoldOut{Share: rapid.Float64Range(0.05, 0.6).Draw(t, "share"), Seed: rapid.Uint64().Draw(t, "seed"), By: rapid.SampledFrom([]By{Auto, Recordings, Speakers}).Draw(t, "by")}
		s, err := h.Split(list)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.IsSorted(s.Train) || !slices.IsSorted(s.Held) {
			t.Error("not in order")
		}
		all := slices.Concat(s.Train, s.Held)
		slices.Sort(all)
		if !slices.Equal(all, every(len(list))) {
			t.Errorf("parts %v and %v of %d", s.Train, s.Held, len(list))
		}
		key := func(u Utterance) string { return u.Recording }
		if s.By == Speakers {
			key = func(u Utterance) string { return u.Speaker }
		}
		trained, held := map[string]bool{}, map[int]bool{}
		for _, i := range s.Train {
			trained[key(list[i])] = true
		}
		for _, i := range s.Held {
			if trained[key(list[i])] {
				t.Errorf("%s is in both parts of a split by %s", key(list[i]), s.By)
			}
			held[list[i].Class] = true
		}
		if classes := list[len(list)-1].Class + 1; s.By == Recordings && len(held) != classes {
			t.Errorf("%d of %d classes are tested", len(held), classes)
		}
		shuffled := slices.Clone(list)
		slices.Reverse(shuffled)
		again, _ := h.Split(shuffled)
		names := func(list []Utterance, of []int) map[string]bool {
			m := map[string]bool{}
			for _, i := range of {
				m[list[i].ID] = true
			}
			return m
		}
		if !reflect.DeepEqual(names(list, s.Held), names(shuffled, again.Held)) {
			t.Error("the order of the utterances changes the split")
		}
	})
}

func TestSplitAuto(t *testing.T) {
	for _, c := range []struct {
		list []Utterance
		want By
	}{{spoken(3, 2, 2), Recordings}, {spoken(4, 2, 2), Speakers}} {
		if s, err := DefaultHoldOut().Split(c.list); err != nil || s.By != c.want {
			t.Errorf("split by %s, %v; want %s", s.By, err, c.want)
		}
	}
	unknown := spoken(5, 2, 2)
	unknown[3].Speaker = ""
	if s, err := DefaultHoldOut().Split(unknown); err != nil || s.By != Recordings {
		t.Errorf("with an unknown speaker: %s, %v", s.By, err)
	}
	if _, err := (HoldOut{Share: 0.2, By: Speakers}).Split(unknown); err == nil || !strings.Contains(err.Error(), "1 of 20 utterances have none") {
		t.Errorf("speakers that are not known: %v", err)
	}
	one := spoken(2, 1, 5) // one recording each: by utterance
	if s, err := DefaultHoldOut().Split(one); err != nil || len(s.Held) != 2 {
		t.Errorf("%+v, %v", s, err)
	}
	for _, h := range []HoldOut{{Share: 0}, {Share: 1}, {Share: 0.2, By: "month"}} {
		if _, err := h.Split(one); err == nil {
			t.Errorf("%+v: no error", h)
		}
	}
	if _, err := DefaultHoldOut().Split(one[:1]); err == nil {
		t.Error("one utterance was split")
	}
}
