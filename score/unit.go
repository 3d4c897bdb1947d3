package score

import (
	"fmt"
	"slices"
	"strings"
)

// Unit is what a text is cut into.
type Unit string

const (
	Word     Unit = "word"         // runs of what is not white space: word error rate
	Char     Unit = "char"         // code points, white space included: character error rate
	NonSpace Unit = "char-nospace" // code points other than white space
	Phone    Unit = "phone"        // phones, written with white space between: phone error rate
)

// Units lists the units.
func Units() []Unit { return []Unit{Word, Char, NonSpace, Phone} }

// ParseUnit checks the name of a unit.
func ParseUnit(name string) (Unit, error) {
	if u := Unit(name); slices.Contains(Units(), u) {
		return u, nil
	}
	return "", fmt.Errorf("score: no unit %q: want word, char, char-nospace or phone", name)
}

// Rate is the name of the error rate: WER, CER or PER.
func (u Unit) Rate() string {
	switch u {
	case Char, NonSpace:
		return "CER"
	case Phone:
		return "PER"
	}
	return "WER"
}

// Noun is what the unit is called in text.
func (u Unit) Noun() string {
	switch u {
	case Char, NonSpace:
		return "character"
	}
	return string(u)
}

// Tokens cuts a text. A combining mark is a code point of its own, and characters count as often as they are written: a
// precomposed letter is one token, and another than its decomposition.
func (u Unit) Tokens(text string) []string {
	switch u {
	case Char:
		return strings.Split(text, "")
	case NonSpace:
		return strings.Split(strings.Join(strings.Fields(text), ""), "")
	}
	return strings.Fields(text)
}
