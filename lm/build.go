package lm

import (
	"fmt"
	"math"
	"slices"
)

// builder collects n-grams, shortest first, and packs them into a trie.
type builder struct {
	vocabulary
	orders int
	levels []rawLevel
	path   [MaxOrder]WordID // the context found last
	depth  int
	at     int // its place in its level
}

// rawLevel is the n-grams of one order before packing.
type rawLevel struct {
	key        []uint64 // place of the context in the level below, and the word
	prob, back []float32
	first      []uint32 // where the n-grams that continue each begin in the level above; one more than there are n-grams
	link       []uint32
}

// maxGrams bounds the n-grams of a model: nodes have 32 bits.
const maxGrams = math.MaxUint32 - 1

// newBuilder starts a model of a number of orders.
func newBuilder(orders int) *builder {
	b := &builder{vocabulary: newVocabulary(), orders: orders, levels: make([]rawLevel, 1, MaxOrder)}
	b.levels[0].prob = []float32{missingUnknown}
	b.levels[0].back = []float32{0}
	return b
}

// missingUnknown is the log10 probability of <unk> where a model has none, as in KenLM.
const missingUnknown = -100

// unigram adds a word.
func (b *builder) unigram(word string, prob, back float32) (WordID, error) {
	l := &b.levels[0]
	if word == unknownWord || word == unknownUpper {
		l.prob[0], l.back[0] = prob, back
		return Unknown, nil
	}
	id, fresh := b.add(word)
	if !fresh {
		return 0, fmt.Errorf("the word %q is there twice", word)
	}
	l.prob, l.back = append(l.prob, prob), append(l.back, back)
	return id, nil
}

// next begins the n-grams of the next order.
func (b *builder) next() error {
	if err := b.sort(); err != nil {
		return err
	}
	b.levels = append(b.levels, rawLevel{})
	b.depth = 0
	return nil
}

// add adds an n-gram of the present order, at least two words, the oldest first.
func (b *builder) gram(words []WordID, prob, back float32) error {
	at, err := b.context(words[:len(words)-1])
	if err != nil {
		return err
	}
	l := &b.levels[len(b.levels)-1]
	l.key = append(l.key, uint64(at)<<32|uint64(words[len(words)-1]))
	l.prob = append(l.prob, prob)
	if len(b.levels) < b.orders {
		l.back = append(l.back, back)
	}
	return nil
}

// context returns the place of a context in its level.
func (b *builder) context(words []WordID) (int, error) {
	if b.depth == len(words) && slices.Equal(b.path[:b.depth], words) {
		return b.at, nil
	}
	at := int(words[0])
	for k, w := range words[1:] {
		j, ok := b.child(k+1, at, w)
		if !ok {
			return 0, fmt.Errorf("its context %q is no %d-gram of the model", b.spell(words), len(words))
		}
		at = j
	}
	b.depth, b.at = copy(b.path[:], words), at
	return at, nil
}

// child finds the n-gram that continues record i of order k by w.
func (b *builder) child(k, i int, w WordID) (int, bool) {
	first := b.levels[k-1].first
	lo, hi := int(first[i]), int(first[i+1])
	j, ok := slices.BinarySearch(b.levels[k].key[lo:hi], uint64(i)<<32|uint64(w))
	return lo + j, ok
}

func (b *builder) spell(words []WordID) string {
	s := ""
	for i, w := range words {
		if i > 0 {
			s += " "
		}
		s += b.words[w]
	}
	return s
}

// sort ends the n-grams of the last order.
func (b *builder) sort() error {
	k := len(b.levels)
	l := &b.levels[k-1]
	total := 0
	for i := range b.levels {
		total += len(b.levels[i].prob)
	}
	if total > maxGrams {
		return fmt.Errorf("the model has more than %d n-grams: prune it", maxGrams)
	}
	if k == 1 {
		return nil
	}
	if !slices.IsSorted(l.key) {
		order := make([]uint32, len(l.key))
		for i := range order {
			order[i] = uint32(i)
		}
		slices.SortFunc(order, func(x, y uint32) int {
			if l.key[x] < l.key[y] {
				return -1
			}
			if l.key[x] > l.key[y] {
				return 1
			}
			return 0
		})
		l.key, l.prob = permute(l.key, order), permute(l.prob, order)
		if l.back != nil {
			l.back = permute(l.back, order)
		}
	}
	below := len(b.levels[k-2].prob)
	first := make([]uint32, below+1)
	at := 0
	for i, key := range l.key {
		if i > 0 && key == l.key[i-1] {
			return fmt.Errorf("a %d-gram is there twice: it ends in %q", k, b.words[uint32(key)])
		}
		for ; at <= int(key>>32); at++ {
			first[at] = uint32(i)
		}
	}
	for ; at <= below; at++ {
		first[at] = uint32(len(l.key))
	}
	b.levels[k-2].first = first
	return nil
}

func permute[T any](from []T, order []uint32) []T {
	to := make([]T, len(from))
	for i, j := range order {
		to[i] = from[j]
	}
	return to
}

// keep reports whether a record of order k is a context that can still change a probability.
func (b *builder) keep(k, i int) bool {
	l := &b.levels[k-1]
	return k < b.orders && (l.first[i] != l.first[i+1] || l.back[i] != 0)
}

// links finds the longest proper suffix of every n-gram that is worth keeping as a context.
func (b *builder) links(base []uint32) {
	for k := 2; k <= b.orders; k++ {
		l := &b.levels[k-1]
		l.link = make([]uint32, len(l.key))
		for i, key := range l.key {
			w, suffix := WordID(key), uint32(0)
			if k > 2 {
				suffix = b.levels[k-2].link[key>>32]
			}
			order, place := 1, int(w)
			for suffix != 0 {
				o := 1
				for suffix >= base[o+1] {
					o++
				}
				at := int(suffix - base[o])
				if j, ok := b.child(o, at, w); ok {
					order, place = o+1, j
					break
				}
				suffix = 0
				if o > 1 {
					suffix = b.levels[o-1].link[at]
				}
			}
			switch {
			case b.keep(order, place):
				l.link[i] = base[order] + uint32(place)
			case order > 1:
				l.link[i] = b.levels[order-1].link[place]
			}
		}
	}
}

// model packs what was collected.
func (b *builder) model(source string) (*Model, error) {
	if err := b.sort(); err != nil {
		return nil, err
	}
	if err := b.complete(); err != nil {
		return nil, err
	}
	return newModel(b.vocabulary, b.pack(), source), nil
}

func (b *builder) pack() *trie {
	t := &trie{levels: make([]level, b.orders)}
	for k := range t.levels {
		t.levels[k].n = len(b.levels[k].prob)
	}
	t.number()
	b.links(t.base[:])
	for k := range t.levels {
		l, from, top := &t.levels[k], &b.levels[k], k+1 == b.orders
		children := 0
		if !top {
			children = t.levels[k+1].n
		}
		l.layout(k+1, b.orders, len(b.words), t.base[k+1], children, 32)
		l.data = make([]byte, l.bytes(top))
		for i := range l.n {
			l.set(i, l.prob, math.Float32bits(from.prob[i]))
			if !top {
				l.set(i, l.back, math.Float32bits(from.back[i]))
				l.set(i, l.first, from.first[i])
			}
			if k > 0 {
				l.set(i, l.word, uint32(from.key[i]))
				l.set(i, l.link, from.link[i])
			}
		}
		if !top {
			l.set(l.n, l.first, uint32(children))
		}
		*from = rawLevel{link: from.link} // what is packed is not needed twice
	}
	return t
}
