package vocab

import (
	"cmp"
	"container/heap"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxPieceRunes is the most characters of a piece that is learnt, its mark included, as in SentencePiece.
const maxPieceRunes = 16

// TrainPieces learns word pieces by byte-pair encoding (Sennrich et al. 2016, §3.2) from lines of text and returns a SentencePiece model file. size counts as
// spm_train's --vocab_size does: <unk>, <s>, </s>, every character of the text, the mark, and a merge each for the rest; fewer when no pair comes twice any more.
// Pairs that are as frequent as each other go by length, then by spelling, so that the file is a function of the words and their counts alone. Pieces equal those of
// spm_train --model_type=bpe --normalization_rule_name=identity --character_coverage=1 --split_by_unicode_script=false --split_by_number=false on small texts;
// on large ones that program looks for the best pair among a twentieth of all.
func TrainPieces(lines iter.Seq[string], size int) ([]byte, error) {
	counts := map[string]int{}
	for line := range lines {
		for word := range strings.FieldsSeq(line) {
			if !utf8.ValidString(word) || strings.Contains(word, WordMark) || strings.Contains(word, BoundaryToken) {
				return nil, fmt.Errorf("vocab: word %q is not UTF-8, or holds %s or %s, which stand for themselves", excerpt(word, 0), WordMark, BoundaryToken)
			}
			counts[word]++
		}
		if len(counts) > maxWords {
			return nil, fmt.Errorf("vocab: more than %d different words", maxWords)
		}
	}
	t := newMerger(counts)
	pieces := []piece{{text: UnknownToken, kind: unknownPiece}, {text: StartToken, kind: controlPiece}, {text: EndToken, kind: controlPiece}}
	least := len(pieces) + len(t.runes)
	switch {
	case len(counts) == 0:
		return nil, fmt.Errorf("vocab: the text has no words")
	case size < least:
		return nil, fmt.Errorf("vocab: %d pieces are too few: the text has %d different characters, which with %s, %s and %s make %d at least",
			size, len(t.runes), UnknownToken, StartToken, EndToken, least)
	case size > maxTokens-1: // one label more than pieces
		return nil, fmt.Errorf("vocab: %d pieces are more than %d", size, maxTokens-1)
	}
	score := float32(0)
	add := func(text string) {
		pieces = append(pieces, piece{text, score, normalPiece})
		score--
	}
	for n := least; n < size; n++ {
		text, ok := t.next()
		if !ok {
			break
		}
		add(text)
	}
	for _, r := range t.runes {
		add(string(r))
	}
	return writeModel(bpeModel, pieces, true), nil
}

// maxWords bounds the memory of training: a word takes some hundred bytes.
const maxWords = 1 << 24

// merger holds the words of a text, cut into symbols, and how often each pair of neighbours comes.
type merger struct {
	runes   []rune // the mark among them; the most frequent first
	symbols []symbol
	index   map[string]int32
	words   [][]int32
	counts  []int
	pairs   map[[2]int32]*pair
	queue   pairQueue
	made    map[string]bool
}

// symbol is a character or a merge.
type symbol struct {
	text  string
	runes int
}

// pair is two neighbouring symbols.
type pair struct {
	symbols [2]int32
	text    string
	runes   int
	count   int
	queued  int     // the count with which it is in the queue
	words   []int32 // where it has been, rising, perhaps more than once
}

func newMerger(counts map[string]int) *merger {
	t := &merger{index: map[string]int32{}, pairs: map[[2]int32]*pair{}, made: map[string]bool{}}
	often := map[rune]int{}
	for _, word := range slices.Sorted(maps.Keys(counts)) {
		var symbols []int32
		for _, r := range WordMark + word {
			symbols = append(symbols, t.symbol(string(r), 1))
			often[r] += counts[word]
		}
		t.words, t.counts = append(t.words, symbols), append(t.counts, counts[word])
	}
	for w := range t.words {
		t.count(int32(w), 1)
	}
	t.runes = slices.SortedFunc(maps.Keys(often), func(a, b rune) int { return cmp.Or(cmp.Compare(often[b], often[a]), cmp.Compare(a, b)) })
	for _, p := range t.pairs {
		t.push(p)
	}
	return t
}

func (t *merger) symbol(text string, runes int) int32 {
	id, ok := t.index[text]
	if !ok {
		id = int32(len(t.symbols))
		t.index[text] = id
		t.symbols = append(t.symbols, symbol{text, runes})
	}
	return id
}

// count adds a word's pairs sign times.
func (t *merger) count(w int32, sign int) {
	symbols := t.words[w]
	for i := 1; i < len(symbols); i++ {
		key := [2]int32{symbols[i-1], symbols[i]}
		p := t.pairs[key]
		if p == nil {
			a, b := t.symbols[key[0]], t.symbols[key[1]]
			if a.runes+b.runes > maxPieceRunes {
				continue
			}
			p = &pair{symbols: key, text: a.text + b.text, runes: a.runes + b.runes}
			t.pairs[key] = p
		}
		if p.count += sign * t.counts[w]; sign > 0 {
			p.words = append(p.words, w)
		}
	}
}

// next merges the most frequent pair everywhere and returns its text. A text that another pair has made already is passed over.
func (t *merger) next() (string, bool) {
	for len(t.queue) > 0 {
		p := heap.Pop(&t.queue).(entry)
		if p.count != p.pair.count { // it has changed since
			if p.count == p.pair.queued {
				t.push(p.pair)
			}
			continue
		}
		if p.count < 2 {
			return "", false
		}
		if t.made[p.text] {
			continue
		}
		t.made[p.text] = true
		t.merge(p.pair)
		return p.text, true
	}
	return "", false
}

func (t *merger) merge(p *pair) {
	id := t.symbol(p.text, p.runes)
	changed := map[*pair]bool{}
	note := func(w int32) {
		symbols := t.words[w]
		for i := 1; i < len(symbols); i++ {
			if q := t.pairs[[2]int32{symbols[i-1], symbols[i]}]; q != nil {
				changed[q] = true
			}
		}
	}
	where := p.words
	p.words = nil
	last := int32(-1)
	for _, w := range where {
		if w == last {
			continue
		}
		last = w
		symbols := t.words[w]
		if !hasPair(symbols, p.symbols) {
			continue
		}
		t.count(w, -1)
		out := symbols[:0]
		for i := 0; i < len(symbols); i++ {
			if i+1 < len(symbols) && symbols[i] == p.symbols[0] && symbols[i+1] == p.symbols[1] {
				out = append(out, id)
				i++
			} else {
				out = append(out, symbols[i])
			}
		}
		t.words[w] = out
		t.count(w, 1)
		note(w)
	}
	for q := range changed {
		if q.count > q.queued { // those that became rarer are put right when they come up
			t.push(q)
		}
	}
}

func hasPair(symbols []int32, p [2]int32) bool {
	for i := 1; i < len(symbols); i++ {
		if symbols[i-1] == p[0] && symbols[i] == p[1] {
			return true
		}
	}
	return false
}

func (t *merger) push(p *pair) {
	p.queued = p.count
	if p.count > 0 {
		heap.Push(&t.queue, entry{p, p.count})
	}
}

// entry is a pair in the queue with the count that it had.
type entry struct {
	*pair
	count int
}

// pairQueue has the most frequent pair first; of those the shortest, then the first in byte order. The symbols decide between pairs of one text.
type pairQueue []entry

func (q pairQueue) Len() int { return len(q) }
func (q pairQueue) Less(i, j int) bool {
	a, b := q[i], q[j]
	return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.runes, b.runes), cmp.Compare(a.text, b.text), slices.Compare(a.symbols[:], b.symbols[:])) < 0
}
func (q pairQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *pairQueue) Push(x any)   { *q = append(*q, x.(entry)) }
func (q *pairQueue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}
