package vocab

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// unknownPenalty is how far the score of an unknown character lies below that of the rarest piece, as in SentencePiece.
const unknownPenalty = 10

// unigram cuts text into the pieces whose log-probabilities have the largest sum (Kudo 2018, §3.2), rounded as SentencePiece rounds, since equal sums are common:
// "aa"+"a" and "a"+"aa". Sums run over whole texts, so that the pieces of a word may depend on the words before it, there as here.
type unigram struct {
	texts   []string // in byte order
	ids     []int32  // labels
	scores  []float32
	begins  [257]int32 // where texts begin with each byte
	unknown float32    // score of a character without a piece of its own
	memory  sync.Pool  // *lattice
}

// lattice is the best path to each byte of a text.
type lattice struct {
	text  []byte
	nodes []latticeNode
	path  []cut
}

// latticeNode is the last piece of the best path that ends at a byte.
type latticeNode struct {
	score float32
	from  int32 // byte where it begins, -1 when no path ends here
	id    int32
}

// cut is a piece of a text, with the label -1 if it is an unknown character.
type cut struct{ from, to, id int32 }

// newUnigram takes the pieces that words are made of; the first has the label first.
func newUnigram(pieces []piece, first int) (*unigram, error) {
	lowest, highest := float32(math.MaxFloat32), float32(0x1p-126) // where SentencePiece begins
	order := make([]int32, len(pieces))
	for i, p := range pieces {
		if math.IsInf(float64(p.score), 0) {
			return nil, fmt.Errorf("vocab: piece %q of the SentencePiece model has the score %v: log-probabilities are finite", p.text, p.score)
		}
		if p.kind == normalPiece {
			lowest, highest = min(lowest, p.score), max(highest, p.score)
		}
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(pieces[a].text, pieces[b].text) })
	u := &unigram{unknown: lowest - unknownPenalty}
	for _, i := range order {
		p := pieces[i]
		score := p.score
		if p.kind == userDefinedPiece { // nearly nothing, so that it is nearly always taken
			score = float32(float64(float32(len(p.text))*highest) - 0.1)
		}
		u.texts, u.ids, u.scores = append(u.texts, p.text), append(u.ids, int32(first)+i), append(u.scores, score)
	}
	for b := range u.begins {
		u.begins[b] = int32(sort.Search(len(u.texts), func(i int) bool { return int(u.texts[i][0]) >= b }))
	}
	u.memory.New = func() any { return new(lattice) }
	return u, nil
}

// cut finds the best path of l.text, which must be UTF-8. Characters that are a piece are never unknown; of paths with equal scores the first found stays.
func (u *unigram) cut(l *lattice) {
	n := len(l.text)
	l.nodes = slices.Grow(l.nodes[:0], n+1)[:n+1]
	for i := range l.nodes {
		l.nodes[i] = latticeNode{from: -1}
	}
	for at := 0; at < n; {
		_, char := utf8.DecodeRune(l.text[at:])
		before := l.nodes[at].score
		whole := false
		first := l.text[at]
		lo, hi := int(u.begins[first]), int(u.begins[int(first)+1])
		for size := 1; lo < hi; size++ {
			if len(u.texts[lo]) == size {
				if sum := u.scores[lo] + before; l.nodes[at+size].from < 0 || sum > l.nodes[at+size].score {
					l.nodes[at+size] = latticeNode{sum, int32(at), u.ids[lo]}
				}
				whole = whole || size == char
				lo++
			}
			if at+size == n {
				break
			}
			// All from lo to hi have the same size bytes, and more: keep those with the next byte.
			b, rest := l.text[at+size], u.texts[lo:hi]
			hi = lo + sort.Search(len(rest), func(i int) bool { return rest[i][size] > b })
			lo += sort.Search(len(rest), func(i int) bool { return rest[i][size] >= b })
		}
		if !whole {
			if sum := u.unknown + before; l.nodes[at+char].from < 0 || sum > l.nodes[at+char].score {
				l.nodes[at+char] = latticeNode{sum, int32(at), -1}
			}
		}
		at += char
	}
	l.path = l.path[:0]
	for end := int32(n); end > 0; {
		node := l.nodes[end]
		l.path = append(l.path, cut{node.from, end, node.id})
		end = node.from
	}
	slices.Reverse(l.path)
}

// maxUnigramText bounds the bytes of a text: its places are int32, and a node of the lattice takes 12 bytes.
const maxUnigramText = 1 << 26

// appendUnigram is appendPieces for unigram models.
func (v *Vocabulary) appendUnigram(dst []int32, text string) ([]int32, error) {
	if len(text) > maxUnigramText {
		return dst, fmt.Errorf("vocab: a text of %d bytes is longer than %d: cut it into sentences", len(text), maxUnigramText)
	}
	u := v.pieces.unigram
	l := u.memory.Get().(*lattice)
	defer u.memory.Put(l)
	l.text = l.text[:0]
	inWord := false
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRuneInString(text[at:])
		switch {
		case unicode.IsSpace(r):
			inWord = false
			at += size
			continue
		case r == utf8.RuneError && size == 1, strings.HasPrefix(text[at:], WordMark):
			return dst, v.unknown(text, at, r)
		case !inWord:
			l.text = append(l.text, WordMark...)
			inWord = true
		}
		l.text = append(l.text, text[at:at+size]...)
		at += size
	}
	u.cut(l)
	begin := len(dst)
	for _, c := range l.path {
		if c.id < 0 {
			at := original(text, int(c.from))
			r, _ := utf8.DecodeRuneInString(text[at:])
			return dst[:begin], v.unknown(text, at, r)
		}
		dst = append(dst, c.id)
	}
	return dst, nil
}

// original is where a byte of a text with marks before its words is in the text; of a mark, where its word begins.
func original(text string, marked int) int {
	at, inWord := 0, false
	for i, r := range text {
		if unicode.IsSpace(r) {
			inWord = false
			continue
		}
		if !inWord {
			at += len(WordMark)
			inWord = true
		}
		if at >= marked {
			return i
		}
		at += utf8.RuneLen(r)
	}
	return 0
}
