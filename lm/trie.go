package lm

import (
	"encoding/binary"
	"math"
	"math/bits"

	"aural/internal/mapfile"
)

// trie holds the n-grams of each order as packed records, sorted by context and word, so that the n-grams that continue a context are
// neighbours. The node 0 is the empty context; the others are numbered through all orders, shortest n-grams first.
//
// A record has a link: the longest proper suffix of the n-gram that is a context worth keeping, one that is continued or whose backoff
// is not 0. Scoring a word is then one search in the common case, and a step along a link for each backoff.
type trie struct {
	levels  []level
	base    [MaxOrder + 2]uint32 // number of the first node of each order; base[order+1] is one more than the last
	bits    int                  // of a quantized value; 0: exact
	mapping mapfile.Mapping
}

// level is the n-grams of one order. The bits of a record are word (not of unigrams, which are numbered by it), probability and, but
// for the longest n-grams, backoff; link; and, but for the longest, the first n-gram that continues this one. Levels below the longest end with one more record, which holds where the last children end.
type level struct {
	n                             int
	data                          []byte // with 8 bytes more than the records need
	width                         uint64 // bits of a record
	word, prob, back, link, first field
	probs, backs                  []float32 // values of the codes; nil: the bits of a float32
}

// field is a part of a record.
type field struct {
	at   uint64
	mask uint64
}

// layout places the fields. Order counts from 1; all others are sizes.
func (l *level) layout(order, orders, words int, nodesBelow uint32, children, bitsOfValue int) {
	at := uint64(0)
	place := func(n int) field {
		f := field{at, 1<<n - 1}
		at += uint64(n)
		return f
	}
	if order > 1 {
		l.word = place(bits.Len(uint(words - 1)))
	}
	l.prob = place(bitsOfValue)
	if order < orders {
		l.back = place(bitsOfValue)
	}
	if order > 1 {
		l.link = place(bits.Len32(nodesBelow - 1))
	}
	if order < orders {
		l.first = place(bits.Len(uint(children)))
	}
	l.width = at
}

// bytes is the size of the records of the level with what may be read behind them.
func (l *level) bytes(top bool) uint64 {
	n := uint64(l.n)
	if !top {
		n++
	}
	return (n*l.width+7)/8 + 8
}

func (l *level) get(i int, f field) uint32 {
	p := uint64(i)*l.width + f.at
	return uint32(binary.LittleEndian.Uint64(l.data[p>>3:]) >> (p & 7) & f.mask)
}

func (l *level) set(i int, f field, v uint32) {
	p := uint64(i)*l.width + f.at
	b := l.data[p>>3:]
	binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)|uint64(v)<<(p&7))
}

func (l *level) probability(i int) float32 {
	c := l.get(i, l.prob)
	if l.probs != nil {
		return l.probs[c]
	}
	return math.Float32frombits(c)
}

func (l *level) backoff(i int) float32 {
	c := l.get(i, l.back)
	if l.backs != nil {
		return l.backs[c]
	}
	return math.Float32frombits(c)
}

// find returns the place of w among the records [lo,hi), which are sorted by word.
func (l *level) find(lo, hi int, w uint32) (int, bool) {
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		switch got := l.get(mid, l.word); {
		case got == w:
			return mid, true
		case got < w:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return 0, false
}

// order returns the length of the n-gram of a node that is not 0.
func (t *trie) order(node uint32) int {
	k := 1
	for node >= t.base[k+1] {
		k++
	}
	return k
}

// number completes base.
func (t *trie) number() {
	t.base[1] = 1
	for k := range t.levels {
		t.base[k+2] = t.base[k+1] + uint32(t.levels[k].n)
	}
}

// child returns the place in the level of order k+1 of the n-gram that continues record i of order k by w.
func (t *trie) child(k, i int, w uint32) (int, bool) {
	l := &t.levels[k-1]
	return t.levels[k].find(int(l.get(i, l.first)), int(l.get(i+1, l.first)), w)
}

func (t *trie) score(s State, w WordID) (float32, State) {
	var backoffs [MaxOrder]float32
	failed, node := 0, s.node
	found, order := int(w), 1
	for node != 0 {
		k := t.order(node)
		l, i := &t.levels[k-1], int(node-t.base[k])
		if j, ok := t.child(k, i, uint32(w)); ok {
			found, order = j, k+1
			break
		}
		backoffs[failed] = l.backoff(i)
		failed++
		node = 0
		if k > 1 {
			node = l.get(i, l.link)
		}
	}
	p := t.levels[order-1].probability(found)
	for failed > 0 { // the shortest context first, as KenLM adds them
		failed--
		p += backoffs[failed]
	}
	return p, State{node: t.kept(order, found)}
}

// kept returns record i of order k as a context: itself if it is worth keeping, or its link.
func (t *trie) kept(k, i int) uint32 {
	l := &t.levels[k-1]
	if k < len(t.levels) && (l.get(i, l.first) != l.get(i+1, l.first) || l.backoff(i) != 0) {
		return t.base[k] + uint32(i)
	}
	if k == 1 {
		return 0
	}
	return l.get(i, l.link)
}

func (t *trie) counts() []int {
	out := make([]int, len(t.levels))
	for i := range t.levels {
		out[i] = t.levels[i].n
	}
	return out
}

func (t *trie) close() error {
	return t.mapping.Close()
}
