package score

import "math"

// Counts are the tokens of an alignment by kind.
type Counts struct {
	Correct       int `json:"correct"`
	Substitutions int `json:"substitutions"`
	Deletions     int `json:"deletions"`
	Insertions    int `json:"insertions"`
}

// Count counts the steps of an alignment.
func Count(pairs []Pair) Counts {
	var c Counts
	for _, p := range pairs {
		switch p.Kind {
		case Correct:
			c.Correct++
		case Substitution:
			c.Substitutions++
		case Deletion:
			c.Deletions++
		case Insertion:
			c.Insertions++
		}
	}
	return c
}

// Add is the sum of two counts.
func (c Counts) Add(d Counts) Counts {
	return Counts{c.Correct + d.Correct, c.Substitutions + d.Substitutions, c.Deletions + d.Deletions, c.Insertions + d.Insertions}
}

// Reference is the number of tokens in the reference.
func (c Counts) Reference() int { return c.Correct + c.Substitutions + c.Deletions }

// Hypothesis is the number of tokens in the hypothesis.
func (c Counts) Hypothesis() int { return c.Correct + c.Substitutions + c.Insertions }

// Errors is the number of edits.
func (c Counts) Errors() int { return c.Substitutions + c.Deletions + c.Insertions }

// Rate is errors by reference tokens, (S+D+I)/(C+S+D). It can be above 1. Without reference tokens there is none, and it is NaN.
func (c Counts) Rate() float64 {
	if c.Reference() == 0 {
		return math.NaN()
	}
	return float64(c.Errors()) / float64(c.Reference())
}
