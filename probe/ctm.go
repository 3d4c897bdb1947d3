package probe

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// Interval is what is said at a time of an utterance.
type Interval struct {
	Start, End float64 // seconds
	Label      string
}

// Alignment is the intervals of each utterance, by ID, in order of time.
type Alignment map[string][]Interval

// The most that ReadCTM takes.
const (
	maxLine   = 1 << 20
	maxSpans  = 1 << 26
	maxLabels = 10_000
)

// ReadCTM reads NIST's CTM format, as Kaldi, the Montreal Forced Aligner and other aligners write it: a line "ID channel start duration label [confidence]"
// for each word, phone or character. Empty lines and those that begin with ";;" are skipped. Intervals of an utterance must not overlap by more than a
// millisecond, which is what rounding gives.
func ReadCTM(r io.Reader) (Alignment, error) {
	a := Alignment{}
	names := map[string]string{}
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxLine)
	spans := 0
	for line := 1; s.Scan(); line++ {
		f := strings.Fields(s.Text())
		if len(f) == 0 || strings.HasPrefix(f[0], ";;") {
			continue
		}
		if len(f) < 5 || len(f) > 6 {
			return nil, fmt.Errorf("probe: CTM line %d has %d fields, want 5 or 6: ID channel start duration label [confidence]", line, len(f))
		}
		start, err := seconds(f[2])
		if err != nil {
			return nil, fmt.Errorf("probe: CTM line %d: start: %w", line, err)
		}
		duration, err := seconds(f[3])
		if err != nil {
			return nil, fmt.Errorf("probe: CTM line %d: duration: %w", line, err)
		}
		label, ok := names[f[4]]
		if !ok {
			if len(names) == maxLabels {
				return nil, fmt.Errorf("probe: CTM line %d: more than %d different labels", line, maxLabels)
			}
			label = strings.Clone(f[4])
			names[label] = label
		}
		if spans++; spans > maxSpans {
			return nil, fmt.Errorf("probe: CTM line %d: more than %d intervals", line, maxSpans)
		}
		id := strings.Clone(f[0])
		a[id] = append(a[id], Interval{start, start + duration, label})
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("probe: CTM: %w", err)
	}
	for _, id := range slices.Sorted(maps.Keys(a)) {
		list := a[id]
		sort.SliceStable(list, func(i, j int) bool { return list[i].Start < list[j].Start })
		for i := 1; i < len(list); i++ {
			if list[i].Start < list[i-1].End-1e-3 {
				return nil, fmt.Errorf("probe: CTM: %s: %q from %v s begins before %q ends, at %v s", id, list[i].Label, list[i].Start, list[i-1].Label, list[i-1].End)
			}
		}
	}
	return a, nil
}

// maxSeconds is a bound on times: a recording of a hundred days.
const maxSeconds = 8.64e6

func seconds(text string) (float64, error) {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || !(x >= 0) || x > maxSeconds || math.IsInf(x, 0) {
		return 0, fmt.Errorf("%q is no number of seconds", text)
	}
	return x, nil
}

// At returns the label at a time of an utterance, and whether there is one.
func At(list []Interval, t float64) (string, bool) {
	i := sort.Search(len(list), func(i int) bool { return list[i].Start > t }) - 1
	if i < 0 || t >= list[i].End {
		return "", false
	}
	return list[i].Label, true
}
