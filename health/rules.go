package health

import "slices"

// Rule is something that can be wrong with a run.
type Rule struct {
	Name        string  `json:"name"`
	Level       Level   `json:"level"` // the worst that it gives
	Title       string  `json:"title"`
	Description string  `json:"description"` // the signs that must come together
	Limits      []Limit `json:"limits"`

	check    func(*exam) (Finding, outcome)
	training bool     // is about the training itself, and not about the process or the machine
	explains []string // rules whose findings follow from this one when it is broken
}

// outcome is what became of a check.
type outcome int

const (
	unjudged outcome = iota // the log has not what the rule needs
	quiet
	fired
)

// Rules returns the rules in the order in which they are applied.
func Rules() []Rule { return slices.Clone(rules) }

// Recent returns the limits of what all rules call recent: the records that a verdict on the present goes by.
func Recent() []Limit { return []Limit{recentUpdates, recentRecords} }

func ruleNamed(name string) *Rule {
	for i := range rules {
		if rules[i].Name == name {
			return &rules[i]
		}
	}
	return &Rule{}
}

// Checks must not look at this table, which holds them.
var rules = slices.Concat(lifeRules, numberRules, collapseRules, learningRules, machineRules)
