package score

import (
	"fmt"
	"strings"
	"unicode"
)

// Rule is a named change of a text before it is compared.
type Rule struct {
	Name, Description string
	parts             []string // the rules that this one is short for
	apply             func(string) string
}

// AllRules lists the rules.
func AllRules() []Rule {
	return []Rule{
		{Name: "none", Description: "change nothing", apply: func(s string) string { return s }},
		{Name: "lower", Description: "to lower case", apply: strings.ToLower},
		{Name: "upper", Description: "to upper case", apply: strings.ToUpper},
		{Name: "no-punctuation", Description: "drop Unicode punctuation (P*); a dash (Pd) becomes a space", apply: func(s string) string { return dropPunctuation(s, "") }},
		{Name: "no-punctuation-but-apostrophe", Description: "the same, but ' stays", apply: func(s string) string { return dropPunctuation(s, "'") }},
		{Name: "straight-apostrophe", Description: "U+2019 and U+02BC become '", apply: strings.NewReplacer("’", "'", "ʼ", "'").Replace},
		{Name: "collapse-space", Description: "runs of white space become one space, none at the ends", apply: func(s string) string { return strings.Join(strings.Fields(s), " ") }},
		{Name: "librispeech", Description: "the alphabet of LibriSpeech's transcripts",
			parts: []string{"straight-apostrophe", "upper", "no-punctuation-but-apostrophe", "collapse-space"}},
	}
}

func dropPunctuation(s, keep string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune(keep, r):
			return r
		case unicode.Is(unicode.Pd, r):
			return ' '
		case unicode.IsPunct(r):
			return -1
		}
		return r
	}, s)
}

// Parts are the names of the rules that this one is short for, in order; none for a rule of its own.
func (r Rule) Parts() []string { return r.parts }

// Rules are applied one after the other.
type Rules []Rule

// ParseRules reads names of rules, separated by commas, in the order in which they are applied. "" is no rule.
func ParseRules(text string) (Rules, error) {
	var list Rules
	if text == "" {
		return nil, nil
	}
	all := AllRules()
names:
	for name := range strings.SplitSeq(text, ",") {
		var known []string
		for _, r := range all {
			if r.Name != name {
				known = append(known, r.Name)
				continue
			}
			if r.parts == nil {
				list = append(list, r)
				continue names
			}
			parts, err := ParseRules(strings.Join(r.parts, ","))
			if err != nil {
				return nil, err
			}
			list = append(list, parts...)
			continue names
		}
		return nil, fmt.Errorf("score: no normalisation rule %q: want %s, or several with commas between", name, strings.Join(known, ", "))
	}
	return list, nil
}

// Names are the rules by name, compositions written out.
func (r Rules) Names() []string {
	names := make([]string, len(r))
	for i := range r {
		names[i] = r[i].Name
	}
	return names
}

// Apply applies the rules in order.
func (r Rules) Apply(text string) string {
	for i := range r {
		text = r[i].apply(text)
	}
	return text
}
