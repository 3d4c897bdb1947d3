package tui

import (
	"fmt"
	"strings"
	"testing"

	"aural/tui/screen"

	"pgregory.net/rapid"
)

func TestAlignWords(t *testing.T) {
	for _, c := range []struct{ reference, hypothesis, signs string }{
		{"", "", ""},
		{"a b c", "a b c", "..."},
		{"a b c", "a x c", ".S."},
		{"a b c", "a c", ".D."},
		{"a c", "a b c", ".I."},
		{"a b", "b c", "D.I"},
		{"stuff it into you", "stuff into you his", ".D..I"},
		{"a b c", "", "DDD"},
		{"", "a", "I"},
	} {
		signs := ""
		for _, p := range alignWords(c.reference, c.hypothesis) {
			if s := p.sign(); s == "" {
				signs += "."
			} else {
				signs += s
			}
		}
		if signs != c.signs {
			t.Errorf("%q, %q: %s, want %s", c.reference, c.hypothesis, signs, c.signs)
		}
	}
}

// distanceOf is the edit distance by its recursive definition.
func distanceOf(a, b []string) int {
	if len(a) == 0 || len(b) == 0 {
		return len(a) + len(b)
	}
	if a[0] == b[0] {
		return distanceOf(a[1:], b[1:])
	}
	return 1 + min(distanceOf(a[1:], b[1:]), distanceOf(a[1:], b), distanceOf(a, b[1:]))
}

// An alignment holds both texts, and has as few errors as can be.
func TestAlignWordsProperty(t *testing.T) {
	words := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 6)
	rapid.Check(t, func(t *rapid.T) {
		r, h := words.Draw(t, "reference"), words.Draw(t, "hypothesis")
		var gotR, gotH []string
		errors := 0
		for _, p := range alignWords(strings.Join(r, " "), strings.Join(h, " ")) {
			if p.reference != "" {
				gotR = append(gotR, p.reference)
			}
			if p.hypothesis != "" {
				gotH = append(gotH, p.hypothesis)
			}
			if p.sign() != "" {
				errors++
			}
		}
		if fmt.Sprint(gotR, gotH) != fmt.Sprint(r, h) || errors != distanceOf(r, h) {
			t.Fatalf("%v and %v with %d errors, want %d", gotR, gotH, errors, distanceOf(r, h))
		}
	})
}

// Long texts are cut before their square is paid for.
func TestAlignLongTexts(t *testing.T) {
	long := strings.Repeat("word ", 1<<17)
	if n := len(alignWords(long, long)); n != wordsAligned {
		t.Errorf("%d words", n)
	}
}

// The list is sorted by errors or by id; clicks and keys choose in it.
func TestTranscriptKeys(t *testing.T) {
	m := fixtureRun(screen.Terminal{}, fineTuning())
	m.width, m.height = 80, 24
	press(m, "3")
	p := m.panes[2].(*byTask).fineTuning.(*transcriptsPane)
	ids := func() (out string) {
		for _, u := range p.list(m) {
			out += u.ID[len(u.ID)-1:]
		}
		return out
	}
	if got := ids(); got != "41203" {
		t.Errorf("the worst first: %s", got)
	}
	press(m, "r")
	if got := ids(); got != "01234" {
		t.Errorf("by id: %s", got)
	}
	click(m, 10, 4+1+1+3, false)
	if p.row != 3 {
		t.Errorf("row %d", p.row)
	}
	press(m, "pgdown", "up", "enter")
	if frame := m.View(); p.row != 3 || !strings.Contains(frame, "0 of 7 words wrong") {
		t.Errorf("row %d\n%s", p.row, frame)
	}
	press(m, "esc", ",")
	if frame := m.View(); p.open || !strings.Contains(frame, "update 1,000 (1 of 2 snapshots)") {
		t.Error(frame)
	}
}

func TestAlignmentKeys(t *testing.T) {
	m := fixtureRun(screen.Terminal{}, fineTuning())
	m.width, m.height = 80, 24
	loadSounds(m, fixtureSound())
	press(m, "4", "right", "right")
	if frame := m.View(); !strings.Contains(frame, `label 2 of 21: "E" · frames 12 to 13 · probability 0.930`) {
		t.Error(frame)
	}
	click(m, 79, 10, false)
	if frame := m.View(); !strings.Contains(frame, `label 21 of 21: "D"`) {
		t.Error(frame)
	}
	f := render(m, 80, 24)
	if d := f.drawn[len(f.drawn)-1].sound; d == nil || len(d.words) != 21 || d.words[1].text != "E" {
		t.Errorf("drawn: %+v", d)
	}
}
