package lm

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// brute estimates a model from maps, straight from the definitions, as the judge of the streams of the estimator.
type brute struct {
	order  int
	words  []string // what can be predicted: <unk>, </s> and those of the text
	adj    []map[string]uint64
	raw    []map[string]uint64
	prune  []uint64
	d      [][4]float64
	follow []map[string][]string // the words seen after a context
}

func newBrute(text [][]string, order int, prune []uint64) *brute {
	b := &brute{order: order, prune: prune, words: []string{unknownWord}}
	left := make([]map[string]map[string]bool, order+1)
	for k := range order + 1 {
		left[k] = map[string]map[string]bool{}
		b.adj, b.raw, b.follow = append(b.adj, map[string]uint64{}), append(b.raw, map[string]uint64{}), append(b.follow, map[string][]string{})
	}
	seen := map[string]bool{}
	for _, s := range text {
		s = append(append([]string{startOfText}, s...), endOfText)
		for i := 1; i < len(s); i++ {
			if !seen[s[i]] {
				seen[s[i]] = true
				b.words = append(b.words, s[i])
			}
			for k := 1; k <= order && k <= i+1; k++ {
				key := strings.Join(s[i-k+1:i+1], " ")
				if b.raw[k][key]++; b.raw[k][key] == 1 {
					h := strings.Join(s[i-k+1:i], " ")
					b.follow[k][h] = append(b.follow[k][h], s[i])
				}
				if i-k >= 0 {
					if left[k][key] == nil {
						left[k][key] = map[string]bool{}
					}
					left[k][key][s[i-k]] = true
				}
			}
		}
	}
	b.d = append(b.d, [4]float64{})
	for k := 1; k <= order; k++ {
		var n adjusted
		for key, raw := range b.raw[k] {
			c := uint64(len(left[k][key]))
			if k == order || strings.HasPrefix(key, startOfText+" ") {
				c = raw
			}
			b.adj[k][key] = c
			if c < 5 {
				n[c]++
			}
		}
		d, _ := discounts(n)
		b.d = append(b.d, d)
	}
	return b
}

// gamma is the weight of the shorter n-grams after h, and the sum of the counts.
func (b *brute) gamma(h []string) (gamma, sum float64) {
	k, key := len(h)+1, strings.Join(h, " ")
	for _, w := range b.follow[k][key] {
		full := strings.TrimSpace(key + " " + w)
		c := b.adj[k][full]
		sum += float64(c)
		if b.raw[k][full] <= b.prune[k-1] {
			gamma += float64(c)
		} else {
			gamma += b.d[k][min(c, 3)]
		}
	}
	return gamma / sum, sum
}

// p is the probability of w after h.
func (b *brute) p(h []string, w string) float64 {
	k := len(h) + 1
	lower := 1 / float64(len(b.words))
	if k > 1 {
		lower = b.p(h[1:], w)
	}
	if len(b.follow[k][strings.Join(h, " ")]) == 0 {
		return lower
	}
	gamma, sum := b.gamma(h)
	key := strings.TrimSpace(strings.Join(h, " ") + " " + w)
	p := gamma * lower
	if c := b.adj[k][key]; b.raw[k][key] > b.prune[k-1] {
		p += (float64(c) - b.d[k][min(c, 3)]) / sum
	}
	return p
}

// estimate writes a text into dir, estimates a model of it and opens that.
func estimate(dir string, text [][]string, name string, o Options) (*Model, error) {
	var b strings.Builder
	for _, s := range text {
		b.WriteString(strings.Join(s, " ") + "\n")
	}
	path, out := filepath.Join(dir, "text"), filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		return nil, err
	}
	o.TempDir = dir
	if _, err := Estimate(context.Background(), []string{path}, out, o); err != nil {
		return nil, err
	}
	if left, err := filepath.Glob(filepath.Join(dir, "aural-lm-*")); err != nil || len(left) > 0 {
		return nil, fmt.Errorf("temporary files were left: %v %v", left, err)
	}
	return Open(out)
}

// after returns the state after a history.
func after(m *Model, s State, h []string) State {
	for _, word := range h {
		w, _ := m.Word(word)
		_, s = m.Score(s, w)
	}
	return s
}

// sumsToOne checks the distribution over all words but <s>.
func sumsToOne(m *Model, s State) error {
	sum := 0.0
	for w := range m.Words() {
		if m.Spelling(WordID(w)) != startOfText {
			p, _ := m.Score(s, WordID(w))
			sum += math.Pow(10, float64(p))
		}
	}
	if math.Abs(sum-1) > 1e-6 {
		return fmt.Errorf("probabilities sum to %.9f", sum)
	}
	return nil
}

func TestEstimateIsBrute(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		order := rapid.IntRange(1, MaxOrder).Draw(t, "order")
		alphabet := rapid.IntRange(1, 8).Draw(t, "alphabet")
		text := rapid.SliceOfN(rapid.SliceOfN(rapid.Map(rapid.IntRange(0, alphabet-1), func(i int) string { return string(rune('a' + i)) }), 1, 9), 1, 40).Draw(t, "text")
		prune := make([]uint64, order)
		for k := 1; k < order; k++ {
			prune[k] = prune[k-1] + uint64(rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(t, "prune"))
		}
		name := rapid.SampledFrom([]string{"m.arpa", "m.arpa.gz", "m.trie"}).Draw(t, "format")
		m, err := estimate(dir, text, name, Options{Order: order, Prune: prune})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		b := newBrute(text, order, prune)
		if m.Words() != len(b.words)+1 {
			t.Fatalf("%d words, want %d and <s>", m.Words(), len(b.words))
		}
		for range 20 {
			h := rapid.SliceOfN(rapid.SampledFrom(b.words), 0, order+1).Draw(t, "history")
			s := m.Empty()
			if rapid.Bool().Draw(t, "start") {
				s = m.Start()
				h = append([]string{startOfText}, h...)
				s = after(m, s, h[1:])
			} else {
				s = after(m, s, h)
			}
			if err := sumsToOne(m, s); err != nil {
				t.Fatalf("after %q: %v", h, err)
			}
			w := rapid.SampledFrom(b.words).Draw(t, "word")
			id, _ := m.Word(w)
			got, _ := m.Score(s, id)
			want := math.Log10(b.p(h[max(0, len(h)-order+1):], w))
			if math.Abs(float64(got)-want) > 1e-5*max(1, -want) {
				t.Fatalf("log10 p(%s|%q) = %v, want %v", w, h, got, want)
			}
		}
	})
}
