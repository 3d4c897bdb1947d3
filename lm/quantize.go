package lm

import (
	"fmt"
	"math"
	"slices"
)

// The bits that a quantized value may have.
const (
	MinQuantBits = 2
	MaxQuantBits = 16
)

// Quantization tells what quantizing changed, in log10 units, over all n-grams of two words and more.
type Quantization struct {
	Bits                   int
	ProbRMS, ProbMax       float64 // error of the probabilities
	BackoffRMS, BackoffMax float64 // error of the backoffs
	probs, backs           int     // values summed
}

// Quantize returns a model whose probabilities and backoffs, but for those of unigrams, are codes of so many bits: each order has a table
// of 2^bits values for either. A table divides the sorted values into bins of equal numbers and holds the mean of each, as KenLM's does;
// it holds every value exactly when there are few enough. A backoff of 0 stays 0. A model that is quantized already is quantized again.
func (m *Model) Quantize(bitsOfValue int) (*Model, Quantization, error) {
	q := Quantization{Bits: bitsOfValue}
	if bitsOfValue < MinQuantBits || bitsOfValue > MaxQuantBits {
		return nil, q, fmt.Errorf("%d bits for a value: want %d to %d", bitsOfValue, MinQuantBits, MaxQuantBits)
	}
	from, ok := m.grams.(*trie)
	if !ok {
		return nil, q, fmt.Errorf("a model in the format %s cannot be quantized", m.Source)
	}
	to := &trie{levels: make([]level, len(from.levels)), base: from.base, bits: bitsOfValue}
	for k := range from.levels {
		to.levels[k] = from.levels[k].quantized(k+1, len(from.levels), len(m.words), from, &q)
	}
	finish := func(sum *float64, n int) {
		if n > 0 {
			*sum = math.Sqrt(*sum / float64(n))
		}
	}
	finish(&q.ProbRMS, q.probs)
	finish(&q.BackoffRMS, q.backs)
	return newModel(m.vocabulary, to, "trie"), q, nil
}

// quantized returns a level with codes in the place of values. Unigrams stay exact.
func (l *level) quantized(k, orders, words int, t *trie, q *Quantization) level {
	top := k == orders
	out := level{n: l.n}
	width, children := 32, 0
	if k > 1 {
		width = q.Bits
		probs := make([]float32, l.n)
		for i := range probs {
			probs[i] = l.probability(i)
		}
		out.probs = codebook(probs, 1<<q.Bits)
		if !top {
			var backs []float32
			for i := range l.n {
				if b := l.backoff(i); b != 0 {
					backs = append(backs, b)
				}
			}
			out.backs = append([]float32{0}, codebook(backs, 1<<q.Bits-1)...)
		}
	}
	if !top {
		children = t.levels[k].n
	}
	out.layout(k, orders, words, t.base[k], children, width)
	out.data = make([]byte, out.bytes(top))
	for i := range l.n {
		out.copyRecord(l, i, k, top, q)
	}
	if !top {
		out.set(l.n, out.first, uint32(children))
	}
	return out
}

func (l *level) copyRecord(from *level, i, k int, top bool, q *Quantization) {
	p := from.probability(i)
	if k == 1 {
		l.set(i, l.prob, math.Float32bits(p))
	} else {
		c := nearest(l.probs, p)
		l.set(i, l.prob, uint32(c))
		l.set(i, l.word, from.get(i, from.word))
		l.set(i, l.link, from.get(i, from.link))
		add(&q.ProbRMS, &q.ProbMax, &q.probs, l.probs[c]-p)
	}
	if top {
		return
	}
	l.set(i, l.first, from.get(i, from.first))
	b := from.backoff(i)
	if k == 1 {
		l.set(i, l.back, math.Float32bits(b))
		return
	}
	c := 0
	if b != 0 {
		c = 1 + nearest(l.backs[1:], b)
	}
	l.set(i, l.back, uint32(c))
	add(&q.BackoffRMS, &q.BackoffMax, &q.backs, l.backs[c]-b)
}

func add(squares, largest *float64, n *int, err float32) {
	*squares += float64(err) * float64(err)
	*largest = max(*largest, math.Abs(float64(err)))
	*n++
}

// codebook returns at most n sorted values that stand for all.
func codebook(values []float32, n int) []float32 {
	slices.Sort(values)
	if distinct := slices.Compact(slices.Clone(values)); len(distinct) <= n {
		return distinct
	}
	book := make([]float32, 0, n)
	for i := range n {
		lo, hi := len(values)*i/n, len(values)*(i+1)/n
		sum := 0.0
		for _, v := range values[lo:hi] {
			sum += float64(v)
		}
		book = append(book, float32(sum/float64(hi-lo)))
	}
	return slices.Compact(book)
}

// nearest returns the place of the value of a sorted table that is nearest to x.
func nearest(book []float32, x float32) int {
	i, ok := slices.BinarySearch(book, x)
	if ok || i == 0 {
		return i
	}
	if i == len(book) || x-book[i-1] <= book[i]-x {
		return i - 1
	}
	return i
}
