package health

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Level is how serious something is.
type Level int

// The levels. A finding that is Healthy is a note: worth knowing, nothing to act on.
const (
	Healthy Level = iota
	Watch
	Broken
)

var levelNames = [...]string{"HEALTHY", "WATCH", "BROKEN"}

// String returns HEALTHY, WATCH or BROKEN.
func (l Level) String() string {
	if l < 0 || int(l) >= len(levelNames) {
		return fmt.Sprintf("Level(%d)", int(l))
	}
	return levelNames[l]
}

// MarshalText writes the level in lower case.
func (l Level) MarshalText() ([]byte, error) { return []byte(strings.ToLower(l.String())), nil }

// UnmarshalText reads what MarshalText writes.
func (l *Level) UnmarshalText(text []byte) error {
	i := slices.Index(levelNames[:], strings.ToUpper(string(text)))
	if i < 0 {
		return fmt.Errorf("health: unknown level %q: want healthy, watch or broken", text)
	}
	*l = Level(i)
	return nil
}

// Finding is a rule that fired.
type Finding struct {
	Rule     string `json:"rule"`
	Level    Level  `json:"level"`
	Since    int64  `json:"since"` // update from which on it holds
	Title    string `json:"title"`
	Evidence string `json:"evidence"` // the numbers
	Advice   string `json:"advice"`
}

// Report is the verdict on a run.
type Report struct {
	Level    Level     `json:"level"`    // of the worst finding
	Summary  string    `json:"summary"`  // one line
	Step     int64     `json:"step"`     // updates done
	Findings []Finding `json:"findings"` // worst first
	Rules    []string  `json:"rules"`    // the rules that could be judged, in the order of [Rules]
}

// MarshalJSON writes empty lists as [].
func (r Report) MarshalJSON() ([]byte, error) {
	type plain Report
	p := plain(r)
	if p.Findings == nil {
		p.Findings = []Finding{}
	}
	if p.Rules == nil {
		p.Rules = []string{}
	}
	return json.Marshal(p)
}

// conclude orders the findings, leaves out those that another one explains, and sums up.
func (r *Report) conclude() {
	explained := map[string]bool{}
	for _, f := range r.Findings {
		for _, name := range ruleNamed(f.Rule).explains {
			explained[name] = explained[name] || f.Level == Broken
		}
	}
	r.Findings = slices.DeleteFunc(r.Findings, func(f Finding) bool { return explained[f.Rule] })
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return cmp.Compare(b.Level, a.Level) })
	switch {
	case len(r.Findings) > 0:
		worst := r.Findings[0]
		r.Level, r.Summary = worst.Level, worst.Title
		var more []string
		for _, f := range r.Findings[1:] {
			if f.Level > Healthy {
				more = append(more, f.Rule)
			}
		}
		if len(more) > 0 {
			r.Summary += "; also " + strings.Join(more, ", ")
		}
	case !r.trained():
		r.Summary = "nothing to judge yet"
	default:
		r.Summary = "no rule fired"
	}
}

// trained reports whether a rule about the training itself could be judged.
func (r *Report) trained() bool {
	return slices.ContainsFunc(r.Rules, func(name string) bool { return ruleNamed(name).training })
}
