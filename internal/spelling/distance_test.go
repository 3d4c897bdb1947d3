package spelling

import (
	"testing"

	"pgregory.net/rapid"
)

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"peak", "peek", 1}, {"warmpu", "warmup", 1}, {"loss", "losses", 2}, {"kitten", "sitting", 3}, {"ca", "abc", 3}} {
		if got := Distance(c.a, c.b); got != c.want {
			t.Errorf("Distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestWithin(t *testing.T) {
	for _, c := range []struct {
		part, s string
		want    int
	}{{"", "abc", 0}, {"norm", "encoder.layer_norm.weight", 0}, {"nrom", "layer_norm", 2}, {"abc", "", 3}, {"q_prj", "attention.q_proj.bias", 1}} {
		if got := Within(c.part, c.s); got != c.want {
			t.Errorf("Within(%q, %q) = %d, want %d", c.part, c.s, got, c.want)
		}
	}
}

// Distances are symmetric, zero only for equal names, at most the longer length, and a part is never farther from a substring than from the whole.
func TestProperties(t *testing.T) {
	word := rapid.StringMatching(`[ab_.]{0,9}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		d := Distance(a, b)
		if d != Distance(b, a) || (d == 0) != (a == b) || d > max(len(a), len(b)) || d < max(len(a), len(b))-min(len(a), len(b)) {
			t.Fatalf("Distance(%q, %q) = %d", a, b, d)
		}
		if w := Within(a, b); w > len(a) || Within(a, b+a) != 0 || Within(a, a+b) != 0 {
			t.Fatalf("Within(%q, %q) = %d", a, b, w)
		}
	})
}
