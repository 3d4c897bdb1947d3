// Package lm reads, queries, estimates and writes n-gram language models: what a decoder adds to the probabilities of sounds.
//
// A query gives what KenLM gives: base-10 logarithms, the longest n-gram that matches, and the backoff weights of the contexts that
// did not, added in float32 in KenLM's order. Models come from ARPA files, plain or compressed with gzip, from KenLM's binary files,
// and from the trie files of this package; Estimate makes them from text by interpolated modified Kneser-Ney smoothing.
//
// Heafield: KenLM: faster and smaller language model queries (2011). Heafield, Pouzyrevsky, Clark and Koehn: Scalable modified
// Kneser-Ney language model estimation (2013). Chen and Goodman: An empirical study of smoothing techniques for language modeling (1998).
package lm

import (
	"fmt"
)

// WordID numbers the words of a model from 0.
type WordID uint32

// Unknown is the word <unk>, which stands for all words that a model does not have.
const Unknown WordID = 0

// MaxOrder is the length of the longest n-grams.
const MaxOrder = 6

// The words that mark sentences and stand for what is not in the vocabulary.
const (
	unknownWord  = "<unk>"
	startOfText  = "<s>"
	endOfText    = "</s>"
	unknownUpper = "<UNK>" // as some tools spell it
)

// State is what a model needs of the words before the next one: the longest part of them that can still change a probability.
// Two histories with equal states are equal for all that follows. States are comparable and belong to the model that gave them; the
// zero State is the empty history.
type State struct {
	node  uint32               // trie: the n-gram of the context; hashed: its length
	words [MaxOrder - 1]WordID // hashed: the context, the newest word first
}

// engine answers queries in one representation of n-grams.
type engine interface {
	score(s State, w WordID) (float32, State)
	counts() []int
	close() error
}

// Model is an n-gram language model. All methods but Close may be called from several goroutines at once.
type Model struct {
	vocabulary
	grams engine
	start State
	// Source says what the model was read from: "ARPA", "trie", "KenLM probing" or "KenLM trie".
	Source string
}

// Order returns the length of the longest n-grams.
func (m *Model) Order() int { return len(m.grams.counts()) }

// Counts returns the number of n-grams of each order, from unigrams on.
func (m *Model) Counts() []int { return m.grams.counts() }

// Words returns the number of words, the three special ones included. WordIDs are below it.
func (m *Model) Words() int { return len(m.words) }

// Word returns the number of a word, or Unknown and false.
func (m *Model) Word(s string) (WordID, bool) {
	w, ok := m.ids[s]
	return w, ok
}

// Spelling returns the word of a number below Words.
func (m *Model) Spelling(w WordID) string { return m.words[w] }

// Start returns the state at the beginning of a sentence: after <s>.
func (m *Model) Start() State { return m.start }

// Empty returns the state of no history at all.
func (m *Model) Empty() State { return State{} }

// End returns the word </s>, which ends sentences.
func (m *Model) End() WordID { return m.end }

// Score returns log10 p(w | s) and the state after w. It allocates nothing. A WordID that the model does not have counts as Unknown.
func (m *Model) Score(s State, w WordID) (log10 float32, next State) {
	if int(w) >= len(m.words) {
		w = Unknown
	}
	return m.grams.score(s, w)
}

// Close frees the file below the model, which must not be used any more.
func (m *Model) Close() error { return m.grams.close() }

// newModel completes a model. The state of <s> is that of a context, not of a scored word.
func newModel(v vocabulary, grams engine, source string) *Model {
	m := &Model{vocabulary: v, grams: grams, Source: source}
	_, m.start = grams.score(State{}, v.begin)
	return m
}

// vocabulary is the words of a model and their numbers.
type vocabulary struct {
	words      []string
	ids        map[string]WordID
	begin, end WordID // <s> and </s>
}

// newVocabulary begins with <unk>, which has the number 0 in every model.
func newVocabulary() vocabulary {
	return vocabulary{words: []string{unknownWord}, ids: map[string]WordID{unknownWord: Unknown}}
}

// add gives a new word the next number. It reports false for one that is there.
func (v *vocabulary) add(word string) (WordID, bool) {
	if id, ok := v.ids[word]; ok {
		return id, false
	}
	id := WordID(len(v.words))
	v.words = append(v.words, word)
	v.ids[word] = id
	return id, true
}

// complete finds the marks of sentences, without which no sentence can be scored.
func (v *vocabulary) complete() error {
	for _, mark := range []struct {
		word string
		id   *WordID
	}{{startOfText, &v.begin}, {endOfText, &v.end}} {
		id, ok := v.ids[mark.word]
		if !ok {
			return fmt.Errorf("the unigrams have no %s: estimate the model with marks of sentences (lmplz and aural lm train add them)", mark.word)
		}
		*mark.id = id
	}
	return nil
}
