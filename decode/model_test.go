package decode

import (
	"fmt"
	"math"
	"strings"
	"unsafe"

	"aural/lm"
)

// letters is a vocabulary of one-byte tokens; "_" is the blank, "|" the boundary.
type letters string

func (l letters) Len() int            { return len(l) }
func (l letters) Token(i int) string  { return string(l[i]) }
func (l letters) Blank() int          { return strings.IndexByte(string(l), '_') }
func (l letters) Boundary() int       { return strings.IndexByte(string(l), '|') }
func (l letters) StartsWord(int) bool { return l.Boundary() < 0 }

func (l letters) Text(tokens []int32) string {
	var b strings.Builder
	for _, k := range tokens {
		if int(k) != l.Blank() {
			b.WriteByte(l[k])
		}
	}
	return strings.Join(strings.FieldsFunc(b.String(), func(r rune) bool { return r == '|' }), " ")
}

func (l letters) Encode(text string) ([]int32, error) {
	for i, c := range []byte(text) {
		if strings.IndexByte(string(l), c) < 0 {
			return nil, fmt.Errorf("no token spells %q", text[i:])
		}
	}
	return l.encode(text), nil
}

// wordPieces is a vocabulary of pieces, a byte a token: "_" is the blank, capitals begin a word; C and c are ab, M is the mark alone.
type wordPieces string

func (p wordPieces) Len() int              { return len(p) }
func (p wordPieces) Token(i int) string    { return string(p[i]) }
func (p wordPieces) Blank() int            { return strings.IndexByte(string(p), '_') }
func (p wordPieces) Boundary() int         { return -1 }
func (p wordPieces) StartsWord(i int) bool { return p[i] >= 'A' && p[i] <= 'Z' }

func (p wordPieces) Text(tokens []int32) string {
	var b strings.Builder
	for _, k := range tokens {
		if int(k) == p.Blank() {
			continue
		}
		if p.StartsWord(int(k)) {
			b.WriteByte(' ')
		}
		switch c := p[k]; c {
		case 'M':
		case 'C', 'c':
			b.WriteString("ab")
		default:
			b.WriteString(strings.ToLower(string(c)))
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// Encode spells each word by a capital and small letters.
func (p wordPieces) Encode(text string) ([]int32, error) {
	var list []int32
	for _, w := range strings.Fields(text) {
		w = strings.ToUpper(w[:1]) + w[1:]
		for i := range len(w) {
			k := strings.IndexByte(string(p), w[i])
			if k < 0 {
				return nil, fmt.Errorf("no token spells %q", w[i:])
			}
			list = append(list, int32(k))
		}
	}
	return list, nil
}

func (l letters) encode(s string) []int32 {
	list := make([]int32, 0, len(s))
	for _, c := range []byte(strings.ReplaceAll(s, " ", "|")) {
		list = append(list, int32(strings.IndexByte(string(l), c)))
	}
	return list
}

// toyModel is a language model whose context is one word, or the whole history if full. Probabilities come from a hash, so that every
// context differs; it knows the words listed.
type toyModel struct {
	words map[string]lm.WordID
	full  bool
	seed  uint64
}

func newToyModel(full bool, seed uint64, words ...string) *toyModel {
	m := &toyModel{words: map[string]lm.WordID{}, full: full, seed: seed}
	for i, w := range words {
		m.words[w] = lm.WordID(i + 3)
	}
	return m
}

// toyState packs a number into a state, whatever a state is made of.
func toyState(n uint32) (s lm.State) {
	*(*uint32)(unsafe.Pointer(&s)) = n
	return s
}

func (m *toyModel) Start() lm.State { return toyState(1) }
func (m *toyModel) End() lm.WordID  { return 2 }

func (m *toyModel) Word(s string) (lm.WordID, bool) {
	id, ok := m.words[s]
	return id, ok
}

func (m *toyModel) Score(s lm.State, w lm.WordID) (float32, lm.State) {
	n := *(*uint32)(unsafe.Pointer(&s))
	h := mix(m.seed ^ uint64(n)<<32 ^ uint64(w))
	log10 := -2.5 * float32(h>>40) / (1 << 24)
	if m.full {
		return log10, toyState(uint32(mix(uint64(n)<<32^uint64(w)) >> 32))
	}
	return log10, toyState(uint32(w))
}

func mix(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

// sentence returns ln p of words and </s> under m.
func (m *toyModel) sentence(words []string, unknown float64) float64 {
	sum, s := 0.0, m.Start()
	for _, w := range words {
		id, known := m.Word(w)
		p, next := m.Score(s, id)
		sum, s = sum+float64(p), next
		if !known {
			sum += unknown
		}
	}
	p, _ := m.Score(s, m.End())
	return (sum + float64(p)) * math.Ln10
}

// logSoftmax normalises rows of n in place.
func logSoftmax(x []float32, n int) []float32 {
	for r := 0; r < len(x); r += n {
		sum := math.Inf(-1)
		for _, v := range x[r : r+n] {
			sum = addLogs(sum, float64(v))
		}
		for i := range n {
			x[r+i] -= float32(sum)
		}
	}
	return x
}

// eachPath calls f with every string of tokens of the length frames and its log-probability.
func eachPath(emissions []float32, frames, n int, f func(path []int32, logP float64)) {
	path := make([]int32, frames)
	var walk func(t int, p float64)
	walk = func(t int, p float64) {
		if t == frames {
			f(path, p)
			return
		}
		for k := range n {
			path[t] = int32(k)
			walk(t+1, p+float64(emissions[t*n+k]))
		}
	}
	walk(0, 0)
}

// collapse merges runs and drops blanks.
func collapse(path []int32, blank int) []int32 {
	var out []int32
	for t, k := range path {
		if int(k) != blank && (t == 0 || path[t-1] != k) {
			out = append(out, k)
		}
	}
	return out
}
