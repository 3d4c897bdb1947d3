package decode

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"aural/lm"
)

// Entry is one spelling of a word in tokens. The lexicon search spells words with a boundary at the end, as fairseq's lexicons do.
type Entry struct {
	Word   string
	Tokens []int32
}

// Spell gives each word its spelling in v, with the boundary at the end when v has one. The error names the first word that v cannot spell.
func Spell(v Vocabulary, words []string) ([]Entry, error) {
	entries := make([]Entry, len(words))
	for i, w := range words {
		tokens, err := v.Encode(w)
		if err != nil {
			return nil, fmt.Errorf("decode: word %q: %w", w, err)
		}
		if b := v.Boundary(); b >= 0 {
			tokens = append(tokens, int32(b))
		}
		entries[i] = Entry{w, tokens}
	}
	return entries, nil
}

// Smearing says how the LM scores of words go up the trie, where they serve as look-ahead.
type Smearing int

const (
	SmearMax    Smearing = iota // the best word below a node
	SmearLogAdd                 // the sum of the words below a node
	SmearNone                   // no look-ahead
)

// Lexicon is a trie of the spellings of words. Nothing in it changes after it is made, so decoders may share it.
type Lexicon struct {
	vocabulary int
	boundary   int32
	// Nodes are numbered breadth first, so that a node's children are neighbours: those of n are first[n] to first[n+1]-1.
	first, token       []int32
	firstLabel, labels []int32   // node n spells words labels[firstLabel[n]:firstLabel[n+1]]
	smeared            []float64 // ln p, 0 at the root
	words              []string
	ids                []lm.WordID
	known              []bool // whether the LM has the word
	modelled           bool
}

const lexiconRoot = 0

// NewLexicon builds the trie of entries. model, which may be nil, gives the look-ahead: the score of each word at the start of a sentence. A
// word may have several spellings and a spelling several words; entries that repeat count once.
func NewLexicon(v Vocabulary, entries []Entry, model LanguageModel, smearing Smearing) (*Lexicon, error) {
	l := &Lexicon{vocabulary: v.Len(), boundary: int32(v.Boundary()), modelled: model != nil}
	if len(entries) == 0 {
		return nil, fmt.Errorf("decode: lexicon has no entries")
	}
	type item struct {
		tokens []int32
		word   int32
	}
	items := make([]item, len(entries))
	index := map[string]int32{}
	for i, e := range entries {
		if e.Word == "" || len(e.Tokens) == 0 {
			return nil, fmt.Errorf("decode: lexicon entry %d (%q, %d tokens) is empty", i, e.Word, len(e.Tokens))
		}
		for _, k := range e.Tokens {
			if k < 0 || int(k) >= v.Len() || int(k) == v.Blank() {
				return nil, fmt.Errorf("decode: spelling of %q has token %d, the blank or outside the vocabulary of %d tokens", e.Word, k, v.Len())
			}
		}
		w, seen := index[e.Word]
		if !seen {
			w = int32(len(l.words))
			index[e.Word] = w
			l.words = append(l.words, e.Word)
		}
		items[i] = item{e.Tokens, w}
	}
	slices.SortFunc(items, func(a, b item) int {
		return cmp.Or(slices.Compare(a.tokens, b.tokens), cmp.Compare(a.word, b.word))
	})
	items = slices.CompactFunc(items, func(a, b item) bool { return a.word == b.word && slices.Equal(a.tokens, b.tokens) })

	// Items of one node are neighbours, those that end in it first.
	type span struct{ from, to, depth int }
	queue := []span{{0, len(items), 0}}
	l.token = append(l.token, -1)
	for n := 0; n < len(queue); n++ {
		s := queue[n]
		l.first = append(l.first, int32(len(queue)))
		l.firstLabel = append(l.firstLabel, int32(len(l.labels)))
		i := s.from
		for ; i < s.to && len(items[i].tokens) == s.depth; i++ {
			l.labels = append(l.labels, items[i].word)
		}
		for i < s.to {
			token, from := items[i].tokens[s.depth], i
			for i < s.to && items[i].tokens[s.depth] == token {
				i++
			}
			queue = append(queue, span{from, i, s.depth + 1})
			l.token = append(l.token, token)
		}
	}
	l.first = append(l.first, int32(len(queue)))
	l.firstLabel = append(l.firstLabel, int32(len(l.labels)))
	l.smear(model, smearing)
	return l, nil
}

func (l *Lexicon) smear(model LanguageModel, smearing Smearing) {
	l.smeared = make([]float64, len(l.token))
	if model == nil {
		return
	}
	l.ids, l.known = make([]lm.WordID, len(l.words)), make([]bool, len(l.words))
	scores := make([]float64, len(l.words))
	for w, word := range l.words {
		l.ids[w], l.known[w] = model.Word(word)
		log10, _ := model.Score(model.Start(), l.ids[w])
		scores[w] = float64(log10) * math.Ln10
	}
	if smearing == SmearNone {
		return
	}
	for n := len(l.token) - 1; n > lexiconRoot; n-- { // children come after their parents
		sum := math.Inf(-1)
		for _, w := range l.wordsAt(int32(n)) {
			sum = addLogs(sum, scores[w])
		}
		for c := l.first[n]; c < l.first[n+1]; c++ {
			if smearing == SmearLogAdd {
				sum = addLogs(sum, l.smeared[c])
			} else {
				sum = max(sum, l.smeared[c])
			}
		}
		l.smeared[n] = sum
	}
}

// Words returns the number of different words.
func (l *Lexicon) Words() int { return len(l.words) }

// Unknown lists the words that the model of the lexicon does not have. Many usually mean that letter case or spelling differ.
func (l *Lexicon) Unknown() []string {
	var list []string
	for w, known := range l.known {
		if !known {
			list = append(list, l.words[w])
		}
	}
	return list
}

// child returns the node below n by token, or -1.
func (l *Lexicon) child(n, token int32) int32 {
	lo, hi := l.first[n], l.first[n+1]
	for lo < hi {
		mid := (lo + hi) / 2
		if l.token[mid] < token {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < l.first[n+1] && l.token[lo] == token {
		return lo
	}
	return -1
}

func (l *Lexicon) wordsAt(n int32) []int32 { return l.labels[l.firstLabel[n]:l.firstLabel[n+1]] }

func (l *Lexicon) leaf(n int32) bool { return l.first[n] == l.first[n+1] }

// ending returns the first word that a spelling which leads to n completes, by itself or with the boundary, or -1.
func (l *Lexicon) ending(n int32) int32 {
	if w := l.wordsAt(n); len(w) > 0 {
		return w[0]
	}
	if l.boundary >= 0 {
		if c := l.child(n, l.boundary); c >= 0 && len(l.wordsAt(c)) > 0 {
			return l.wordsAt(c)[0]
		}
	}
	return -1
}

// fits refuses a lexicon of another vocabulary, or one made without the model.
func (l *Lexicon) fits(v Vocabulary, model LanguageModel) error {
	if l.vocabulary != v.Len() || l.boundary != int32(v.Boundary()) {
		return fmt.Errorf("decode: lexicon is of a vocabulary of %d tokens with boundary %d, emissions have %d with boundary %d",
			l.vocabulary, l.boundary, v.Len(), v.Boundary())
	}
	if model != nil && !l.modelled {
		return fmt.Errorf("decode: lexicon was made without a language model; give NewLexicon the decoder's")
	}
	return nil
}
