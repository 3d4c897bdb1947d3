package chart

import (
	"math"
	"sort"
)

// Axis says where on the horizontal axis the points of a series are. The zero value counts updates.
type Axis struct {
	Kind AxisKind
	// Along is, for Hours and Epochs, the measured quantity by update; between its points it is interpolated.
	Along *Series
	// Sessions are, for Wall, the processes of the run; see Session.
	Sessions []Session
}

// AxisKind is what the horizontal axis counts.
type AxisKind int

// The kinds of axis.
const (
	Updates  AxisKind = iota
	Epochs            // passes over the data
	Relative          // hours of training since the start of the run
	Wall              // seconds since 1970
	Hours             // hours of audio trained on
	AxisKinds
)

// Session is a process of a run: from Elapsed seconds of training on, the clock showed Unix + (elapsed - Elapsed).
type Session struct{ Elapsed, Unix float64 }

// Available reports whether the run has what the axis needs.
func (a Axis) Available() bool {
	switch a.Kind {
	case Epochs, Hours:
		return a.Along.Len() > 0
	case Wall:
		return len(a.Sessions) > 0
	}
	return true
}

// At returns the place of point i of s. It does not fall with i.
func (a Axis) At(s *Series, i int) float64 {
	switch a.Kind {
	case Relative:
		return s.Elapsed[i] / 3600
	case Wall:
		return a.wall(s.Elapsed[i])
	}
	return a.Of(s.Steps[i])
}

// Of returns the place of an update, for axes that depend on it alone; NaN for those of time.
func (a Axis) Of(step int64) float64 {
	switch {
	case a.Kind == Updates:
		return float64(step)
	case a.Kind == Relative || a.Kind == Wall || a.Along.Len() == 0:
		return math.NaN()
	}
	return a.Along.between(step)
}

func (a Axis) wall(elapsed float64) float64 {
	i := sort.Search(len(a.Sessions), func(i int) bool { return a.Sessions[i].Elapsed > elapsed }) - 1
	if i < 0 {
		i = 0
	}
	return a.Sessions[i].Unix + elapsed - a.Sessions[i].Elapsed
}

// between interpolates the values of s between its updates. Before the first one they grow from 0 at update 0, behind the
// last one they stand still.
func (s *Series) between(step int64) float64 {
	steps, values := s.Steps, s.Raw.list
	i := sort.Search(len(steps), func(i int) bool { return steps[i] > step })
	if i == len(steps) {
		return values[i-1]
	}
	from, at := int64(0), 0.0
	if i > 0 {
		from, at = steps[i-1], values[i-1]
	}
	return at + (values[i]-at)*float64(step-from)/float64(steps[i]-from)
}
