package score

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Item is what was said and what was heard.
type Item struct{ ID, Speaker, Ref, Hyp string }

// Options say how items are compared. The zero value compares words as they are, with sclite's costs.
type Options struct {
	Unit  Unit
	Rules Rules
	Costs Costs
}

// Utterance is an item that was compared.
type Utterance struct {
	ID, Speaker string
	Counts      Counts
	Pairs       []Pair
}

// Report is a corpus that was compared, in the order of its items.
type Report struct {
	Unit       Unit
	Rules      []string
	Utterances []Utterance
}

// Score compares items. Rules are applied to both texts, which are then cut into units and aligned.
func Score(items []Item, o Options) (*Report, error) {
	if o.Unit == "" {
		o.Unit = Word
	}
	if o.Costs == (Costs{}) {
		o.Costs = Sclite
	}
	if _, err := ParseUnit(string(o.Unit)); err != nil {
		return nil, err
	}
	r := &Report{Unit: o.Unit, Rules: o.Rules.Names(), Utterances: make([]Utterance, len(items))}
	seen := make(map[string]bool, len(items))
	for i, it := range items {
		if seen[it.ID] {
			return nil, fmt.Errorf("score: utterance %q is there twice", it.ID)
		}
		seen[it.ID] = true
		pairs, err := Align(o.Unit.Tokens(o.Rules.Apply(it.Ref)), o.Unit.Tokens(o.Rules.Apply(it.Hyp)), o.Costs)
		if err != nil {
			return nil, fmt.Errorf("utterance %q: %w", it.ID, err)
		}
		r.Utterances[i] = Utterance{it.ID, it.Speaker, Count(pairs), pairs}
	}
	return r, nil
}

// Row sums up some utterances.
type Row struct {
	Name       string `json:"name"`
	Utterances int    `json:"utterances"`
	Wrong      int    `json:"wrong"` // utterances with an error
	Counts     Counts `json:"counts"`
}

func (r *Row) add(u *Utterance) {
	r.Utterances++
	r.Counts = r.Counts.Add(u.Counts)
	if u.Counts.Errors() > 0 {
		r.Wrong++
	}
}

// SentenceRate is the share of utterances with an error; NaN without utterances.
func (r Row) SentenceRate() float64 {
	if r.Utterances == 0 {
		return math.NaN()
	}
	return float64(r.Wrong) / float64(r.Utterances)
}

// Total sums over all utterances: its rate is that of the corpus, in which long utterances weigh more.
func (r *Report) Total() Row {
	t := Row{Name: "all"}
	for i := range r.Utterances {
		t.add(&r.Utterances[i])
	}
	return t
}

// BySpeaker sums by speaker, in the order of their names. Utterances without one come together under "".
func (r *Report) BySpeaker() []Row {
	rows := map[string]*Row{}
	for i := range r.Utterances {
		u := &r.Utterances[i]
		if rows[u.Speaker] == nil {
			rows[u.Speaker] = &Row{Name: u.Speaker}
		}
		rows[u.Speaker].add(u)
	}
	list := make([]Row, 0, len(rows))
	for _, row := range rows {
		list = append(list, *row)
	}
	slices.SortFunc(list, func(a, b Row) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// lengths are the last numbers of tokens in the buckets of ByLength; the last bucket has no end.
var lengths = []int{0, 5, 10, 20, 40, 80, 160}

// ByLength sums by the number of tokens in the reference. Buckets without utterances are left out.
func (r *Report) ByLength() []Row {
	rows := make([]Row, len(lengths)+1)
	for i := range rows {
		switch {
		case i == 0:
			rows[i].Name = "0"
		case i == len(lengths):
			rows[i].Name = fmt.Sprintf("%d+", lengths[i-1]+1)
		default:
			rows[i].Name = fmt.Sprintf("%d-%d", lengths[i-1]+1, lengths[i])
		}
	}
	for i := range r.Utterances {
		bucket, _ := slices.BinarySearch(lengths, r.Utterances[i].Counts.Reference())
		rows[bucket].add(&r.Utterances[i])
	}
	return slices.DeleteFunc(rows, func(row Row) bool { return row.Utterances == 0 })
}

// Confusion is an error and how often it was made. Ref is empty for an insertion, and Hyp for a deletion.
type Confusion struct {
	Ref   string `json:"ref,omitempty"`
	Hyp   string `json:"hyp,omitempty"`
	Count int    `json:"count"`
}

// Confusions lists the errors of a kind, the most frequent first, and equally frequent ones by their tokens; at most n.
func (r *Report) Confusions(k Kind, n int) []Confusion {
	counts := map[Pair]int{}
	for i := range r.Utterances {
		for _, p := range r.Utterances[i].Pairs {
			if p.Kind == k {
				counts[p]++
			}
		}
	}
	list := make([]Confusion, 0, len(counts))
	for p, c := range counts {
		list = append(list, Confusion{p.Ref, p.Hyp, c})
	}
	slices.SortFunc(list, func(a, b Confusion) int {
		return cmp.Or(b.Count-a.Count, cmp.Compare(a.Ref, b.Ref), cmp.Compare(a.Hyp, b.Hyp))
	})
	return list[:min(len(list), max(n, 0))]
}

// Worst lists the utterances with the most errors, equals by rate and then in the order of the corpus; at most n, and none
// without errors.
func (r *Report) Worst(n int) []*Utterance {
	var list []*Utterance
	for i := range r.Utterances {
		if r.Utterances[i].Counts.Errors() > 0 {
			list = append(list, &r.Utterances[i])
		}
	}
	slices.SortStableFunc(list, func(a, b *Utterance) int {
		return cmp.Or(b.Counts.Errors()-a.Counts.Errors(), a.Counts.Reference()-b.Counts.Reference())
	})
	return list[:min(len(list), max(n, 0))]
}
