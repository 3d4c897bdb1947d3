package score

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// leastCost tries every alignment.
func leastCost(ref, hyp []string, c Costs) int {
	switch {
	case len(ref) == 0:
		return len(hyp) * c.Insertion
	case len(hyp) == 0:
		return len(ref) * c.Deletion
	}
	pair := leastCost(ref[1:], hyp[1:], c)
	if ref[0] != hyp[0] {
		pair += c.Substitution
	}
	return min(pair, leastCost(ref[1:], hyp, c)+c.Deletion, leastCost(ref, hyp[1:], c)+c.Insertion)
}

func tokens(most int) *rapid.Generator[[]string] {
	return rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 0, most)
}

func mustAlign(t rapid.TB, ref, hyp []string, c Costs) []Pair {
	t.Helper()
	pairs, err := Align(ref, hyp, c)
	if err != nil {
		t.Fatal(err)
	}
	return pairs
}

// An alignment holds both texts in order, its kinds are true, and its cost is the least of all.
func TestAlign(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ref, hyp := tokens(6).Draw(t, "ref"), tokens(6).Draw(t, "hyp")
		c := Costs{rapid.IntRange(1, 5).Draw(t, "s"), rapid.IntRange(1, 5).Draw(t, "i"), rapid.IntRange(1, 5).Draw(t, "d")}
		if rapid.Bool().Draw(t, "named") {
			c = rapid.SampledFrom([]Costs{Sclite, Plain}).Draw(t, "costs")
		}
		var a, b []string
		pairs := mustAlign(t, ref, hyp, c)
		for _, p := range pairs {
			if p.Kind != Insertion {
				a = append(a, p.Ref)
			} else if p.Ref != "" {
				t.Fatalf("insertion with reference: %v", p)
			}
			if p.Kind != Deletion {
				b = append(b, p.Hyp)
			} else if p.Hyp != "" {
				t.Fatalf("deletion with hypothesis: %v", p)
			}
			if p.Kind == Correct && p.Ref != p.Hyp || p.Kind == Substitution && p.Ref == p.Hyp {
				t.Fatalf("wrong kind: %v", p)
			}
		}
		if !slices.Equal(a, ref) || !slices.Equal(b, hyp) {
			t.Fatalf("the alignment reads %v, %v", a, b)
		}
		n := Count(pairs)
		if n.Reference() != len(ref) || n.Hypothesis() != len(hyp) {
			t.Fatalf("%+v", n)
		}
		if got, want := n.Substitutions*c.Substitution+n.Deletions*c.Deletion+n.Insertions*c.Insertion, leastCost(ref, hyp, c); got != want {
			t.Fatalf("cost %d, want %d", got, want)
		}
	})
}

// The distance is a metric, equal to the errors of a plain alignment, and never above those with sclite's costs.
func TestDistance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := tokens(12).Draw(t, "a"), tokens(12).Draw(t, "b"), tokens(12).Draw(t, "c")
		ab := Distance(a, b)
		if (ab == 0) != slices.Equal(a, b) || ab != Distance(b, a) || ab > Distance(a, c)+Distance(c, b) || ab > max(len(a), len(b)) {
			t.Fatalf("no metric: %d", ab)
		}
		if n := Count(mustAlign(t, a, b, Plain)); n.Errors() != ab {
			t.Fatalf("%d errors, distance %d", n.Errors(), ab)
		}
		n, m := Count(mustAlign(t, a, b, Sclite)), Count(mustAlign(t, b, a, Sclite))
		if n.Errors() < ab {
			t.Fatalf("%+v is below the distance %d", n, ab)
		}
		// Exchanging the texts exchanges insertions and deletions. With costs s, g of pairs and gaps the cost fixes the kinds up to
		// 4s = 3g; the costs of both directions are equal, and so is the surplus of insertions.
		if 4*n.Substitutions+3*(n.Deletions+n.Insertions) != 4*m.Substitutions+3*(m.Deletions+m.Insertions) || n.Insertions-n.Deletions != m.Deletions-m.Insertions {
			t.Fatalf("%+v backwards %+v", n, m)
		}
	})
}

func TestAlignRefuses(t *testing.T) {
	if _, err := Align(nil, nil, Costs{1, 0, 1}); err == nil {
		t.Error("free insertions")
	}
	long := make([]string, 1<<15)
	if _, err := Align(long, long, Plain); err == nil || !strings.Contains(err.Error(), "shorter utterances") {
		t.Error(err)
	}
}

// What sclite printed for real transcripts comes out letter by letter.
func TestSclite(t *testing.T) {
	data, err := os.ReadFile("testdata/sclite.pra")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n\n")[1:]
	if len(blocks) != 8 {
		t.Fatalf("%d alignments", len(blocks))
	}
	for _, block := range blocks {
		lines := strings.Split(block, "\n")
		words := func(line string) []string {
			return slices.DeleteFunc(strings.Fields(line)[1:], func(w string) bool { return strings.Trim(w, "*") == "" })
		}
		ref, hyp := words(lines[2]), words(lines[3])
		for i := range ref {
			ref[i] = strings.ToLower(ref[i])
		}
		for i := range hyp {
			hyp[i] = strings.ToLower(hyp[i])
		}
		pairs := mustAlign(t, ref, hyp, Sclite)
		for i, p := range pairs {
			if p.Kind != Correct {
				pairs[i].Ref, pairs[i].Hyp = strings.ToUpper(p.Ref), strings.ToUpper(p.Hyp)
			}
		}
		var b strings.Builder
		if err := WriteAlignment(&b, pairs); err != nil {
			t.Fatal(err)
		}
		if want := strings.Join(lines[2:], "\n") + "\n"; b.String() != want {
			t.Errorf("%s: got\n%swant\n%s", lines[0], b.String(), want)
		}
	}
}

// BenchmarkAlign aligns an utterance of 35 words, as LibriSpeech has, and its 190 characters: about 1,300 and 36,000 cells.
func BenchmarkAlign(b *testing.B) {
	for _, n := range []int{35, 190} {
		ref, hyp := make([]string, n), make([]string, n)
		for i := range ref {
			ref[i], hyp[i] = string(rune('a'+i%23)), string(rune('a'+i%29))
		}
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Align(ref, hyp, Sclite); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
