package main

import (
	"maps"
	"math"
	"slices"
	"testing"

	"aural/plots"
)

func TestSettings(t *testing.T) {
	got, err := settings([]byte("seed: 1\nnote: |\n  text\ntrain:\n  betas: [0.9, 0.98]\n  none: {}\nlist:\n- {a: b}\n"))
	want := map[string]string{"seed": "1", "note": "text\n", "train.betas.0": "0.9", "train.betas.1": "0.98", "list.0.a": "b"}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"a: [", "\x00"} {
		if _, err := settings([]byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestGroupBySeed(t *testing.T) {
	same := func(seed string) map[string]string { return map[string]string{"seed": seed, "lr": "1"} }
	for _, c := range []struct {
		dirs    []string
		recipes []map[string]string
		want    []string
	}{
		{[]string{"runs/tiny-seed1", "runs/tiny-seed2", "runs/other"}, []map[string]string{same("1"), same("2"), {"seed": "1", "lr": "2"}}, []string{"tiny", "tiny", "other"}},
		{[]string{"a/20260101-1200-tiny", "b/20260101-1200-tiny"}, []map[string]string{same("1"), same("2")}, []string{"tiny", "tiny"}},
		{[]string{"tiny", "tiny", "tiny"}, []map[string]string{same("1"), {"lr": "2"}, {"lr": "3"}}, []string{"tiny", "tiny, 2", "tiny, 3"}},
		{[]string{"x1", "y2"}, []map[string]string{same("1"), same("2")}, []string{"x1", "x1"}},
		{[]string{"events", "a"}, []map[string]string{nil, same("1")}, []string{"", "a"}},
	} {
		if got := groupBySeed(c.dirs, c.recipes); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.dirs, got, c.want)
		}
	}
}

func TestParseLimits(t *testing.T) {
	for text, want := range map[string]plots.Limits{"": {}, "1,5": {1, 5}, " -1e3 , 2 ": {-1000, 2}} {
		if got, err := parseLimits(text); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	if got, err := parseLimits("3,"); err != nil || got[0] != 3 || !math.IsNaN(got[1]) {
		t.Errorf("an open end: %v, %v", got, err)
	}
}

// What is taken is a range that a figure can be drawn with.
func FuzzParseLimits(f *testing.F) {
	for _, s := range []string{"1,2", ",5", "5,", ",", "2,1", "NaN,1", "0x1p-2,Inf", "1e309,2", "1,2,3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, err := parseLimits(text)
		if err != nil || text == "" {
			return
		}
		if math.IsNaN(l[0]) && math.IsNaN(l[1]) || l[0] >= l[1] || math.IsInf(l[0], 0) || math.IsInf(l[1], 0) {
			t.Errorf("%q is the range %v", text, l)
		}
	})
}

// No YAML brings the reader of recipes down.
func FuzzSettings(f *testing.F) {
	for _, s := range []string{"a: {b: [1, {c: d}]}", "a: &x [*x]", "? [1, 2]\n: 3", "<<: {a: 1}", "- - - 1"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) { settings(data) })
}
