package tui

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// table gives values by key.
func table(m map[string][]string) func(string) []string {
	return func(key string) []string { return m[key] }
}

func TestQuery(t *testing.T) {
	values := table(map[string][]string{"train.schedule.peak": {"0.0005"}, "peak": {"0.0005"}, "recipe": {"tiny"}, "heads": {"8", "12"},
		"betas": {"[0.9, 0.98]"}, "loss": {"NaN"}, "name": {"base-960h"}})
	for _, c := range []struct {
		text string
		want bool
	}{
		{"", true},
		{"   ", true},
		{"base", true},
		{"BASE 960", true},
		{"^960", false},
		{"!large", true},
		{"!!base", true},
		{"!base", false},
		{"peak=5e-4", true},
		{"peak=0.0005", true},
		{"peak!=5e-4", false},
		{"!peak!=5e-4", true},
		{"peak>1e-4 peak<1e-3", true},
		{"peak>=5e-4 peak<=5e-4", true},
		{"peak>5e-4", false},
		{"recipe=TINY", true},
		{"recipe=tin", false},
		{"recipe~^ti", true},
		{"recipe>1", false},
		{"heads=12", true},
		{"heads=8 heads=12", true},
		{"heads=7", false},
		{"missing=1", false},
		{"!missing=1", true},
		{"missing!=1", true},
		{`betas="[0.9, 0.98]"`, true},
		{`betas~"0\\.98"`, true},
		{"loss<1", false},
		{"loss>1", false},
		{`"base-960h"`, true},
		{`"a=b"`, false},
		{`"!base"`, false},
		{`name="base\-960h"`, true},
	} {
		q, err := parseQuery(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := q.match("base-960h", values); got != c.want {
			t.Errorf("%s: %v, want %v", c.text, got, c.want)
		}
	}
	for text, want := range map[string]string{
		`"open`: "not closed", `a="b\`: "not closed", "=3": "no key", "peak>high": "is no number", "(": "missing closing", "a~(": "missing closing", "!<=2": "no key",
	} {
		if _, err := parseQuery(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// quoted writes a text so that a query reads it as such.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// Any value can be asked for in quotes; the terms of a query are a conjunction; "!" is its inverse.
func TestQueryProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringMatching(`[a-c=<>!~"\\ ]{0,12}`).Draw(t, "value")
		other := rapid.StringMatching(`[a-c=<>!~"\\ ]{0,3}`).Draw(t, "other")
		values := table(map[string][]string{"k": {value}})
		match := func(text string) bool {
			q, err := parseQuery(text)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			return q.match("run", values)
		}
		if !match("k=" + quoted(value)) {
			t.Fatalf("%q is not found", value)
		}
		a, b := "k="+quoted(other), "run"
		if match(a) != (value == other) || match("!"+a) == match(a) || match("k!="+quoted(other)) == match(a) {
			t.Fatalf("%q against %q", value, other)
		}
		if match(a+" "+b) != (match(a) && match(b)) || match("!"+b+" "+a) {
			t.Fatalf("%q against %q: not a conjunction", value, other)
		}
	})
}

// Whatever is typed is a query or an error, and matching it never fails.
func FuzzQuery(f *testing.F) {
	for _, s := range []string{"", "a", "!a b=c", `k="x y" !z~q`, "lr>1e-4 steps<=3", `"`, "!!!", "=", "a==b", "a<=>b", "\x00=\xff"} {
		f.Add(s, "1e-4")
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		q, err := parseQuery(text)
		if err != nil {
			return
		}
		got := q.match(value, func(string) []string { return []string{value} })
		again, err := parseQuery(q.text)
		if err != nil || again.match(value, func(string) []string { return []string{value} }) != got {
			t.Errorf("%q reads otherwise without blanks around it: %v", text, err)
		}
	})
}
