package runlog

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"aural/internal/spelling"
)

// ErrUnknownMetric is returned by Lookup.
var ErrUnknownMetric = errors.New("unknown metric")

// Match is what a name means.
type Match struct {
	Metric Metric
	Kind   string // "train", "valid" …; empty when the name has none
	Group  int    // codebook group, -1 for the total
}

// Name returns the name that the match has in this log, with its kind and group.
func (m Match) Name() string {
	name := m.Metric.Name
	if m.Kind != "" {
		name = m.Kind + "/" + name
	}
	if m.Group >= 0 {
		name += "/" + strconv.Itoa(m.Group)
	}
	return name
}

// metricByName finds a name of this log, without kind, with or without group.
func metricByName(name string) (Metric, bool) {
	m, _, ok := metricAndGroup(name)
	return m, ok
}

func metricAndGroup(name string) (m Metric, group int, ok bool) {
	for _, m := range metricTable {
		if m.Name == name {
			return m, -1, true
		}
	}
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		return Metric{}, -1, false
	}
	g, err := strconv.Atoi(name[i+1:])
	if err != nil || g < 0 || strconv.Itoa(g) != name[i+1:] {
		return Metric{}, -1, false
	}
	for _, m := range metricTable {
		if m.PerGroup && m.Name == name[:i] {
			return m, g, true
		}
	}
	return Metric{}, -1, false
}

// Lookup finds the metric that name means: a name of this log, with or without a kind before it and a group behind it,
// or the name that fairseq or transformers give it ("loss_0", "valid/ppl"). The error of an unknown name suggests the
// nearest ones.
func Lookup(name string) (Match, error) {
	if m, ok := lookup(name); ok {
		return m, nil
	}
	if kind, rest, found := strings.Cut(name, "/"); found && validName(kind, false) {
		if m, ok := lookup(rest); ok {
			m.Kind = kind
			return m, nil
		}
	}
	return Match{}, unknownMetric(name)
}

// unknownMetric is the error of a name. Suggestions take a while, so they are made for who reads them.
type unknownMetric string

func (name unknownMetric) Error() string {
	hint := "see the list of metrics"
	if near := nearestNames(string(name)); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, ", ") + "?"
	}
	return fmt.Sprintf("runlog: %v %q: %s", ErrUnknownMetric, string(name), hint)
}

func (unknownMetric) Unwrap() error { return ErrUnknownMetric }

// lookup resolves a name that has no kind.
func lookup(name string) (Match, bool) {
	if m, group, ok := metricAndGroup(name); ok {
		return Match{Metric: m, Group: group}, true
	}
	for _, m := range metricTable {
		for _, a := range m.Aliases {
			if a.Name == name {
				return Match{Metric: m, Group: -1}, true
			}
		}
	}
	return Match{}, false
}

// nearestNames returns up to three metrics whose names, or aliases, are near to name. A name that holds the other one
// counts as near.
func nearestNames(name string) []string {
	bare := strings.ToLower(name)
	for _, kind := range []string{Train, Valid} {
		bare = strings.TrimPrefix(bare, kind+"/")
	}
	type candidate struct {
		name     string
		distance int
	}
	var found []candidate
	for _, m := range metricTable {
		best := math.MaxInt
		names := []string{m.Name}
		for _, a := range m.Aliases {
			names = append(names, a.Name)
		}
		for _, n := range names {
			d := spelling.Distance(bare, n)
			if len(bare) >= 3 && (strings.Contains(n, bare) || strings.Contains(bare, n)) {
				d = min(d, 2)
			}
			if d <= max(2, len(n)/3) {
				best = min(best, d)
			}
		}
		if best < math.MaxInt {
			found = append(found, candidate{m.Name, best})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return a.distance - b.distance })
	var names []string
	for _, c := range found[:min(3, len(found))] {
		names = append(names, c.name)
	}
	return names
}
