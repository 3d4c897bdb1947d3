package exec

import (
	"slices"
	"testing"

	"aural/kernels"
)

// The fullest moment has what is fed, both results that are kept, and what the op at work reads and writes.
func TestPeak(t *testing.T) {
	line := kernels.Alignment // of 8 floats and of one
	p := bound(t, chain(3))
	got := p.Peak()
	// Before the Select: x, on, the value before the condition, inside, which is kept, and the value inside of it that was read last.
	want := []Share{{"input", 2, 2 * line}, {"scale", 3, 3 * line}}
	slices.SortFunc(want, func(a, b Share) int { return b.Bytes - a.Bytes })
	if !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	sum := 0
	for _, s := range got {
		sum += s.Bytes
	}
	if sum > p.ArenaBytes() || sum < p.ArenaBytes()-line {
		t.Errorf("%d bytes at the peak, %d in the arena", sum, p.ArenaBytes())
	}
}
