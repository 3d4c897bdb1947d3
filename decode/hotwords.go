package decode

import (
	"fmt"
	"math"
	"strings"
)

// Hotword is a word or a phrase of words with single spaces between. Boost (natural log, may be negative) is added to the score at each place
// where a text has its words in a row.
type Hotword struct {
	Text  string
	Boost float64
}

// automaton finds patterns in a stream of symbols (Aho and Corasick 1975). Each state has the boosts of all patterns that end on entering it,
// and a credit for the pattern that may be under way.
type automaton struct {
	class   []int32 // by symbol: its column of next; 0 for symbols of no pattern
	classes int32
	next    []int32 // states × classes
	boost   []float64
	credit  []float64
}

type pattern struct {
	symbols []int32
	boost   float64
	// free is how many first symbols earn no credit: the space before a word.
	free int
}

// newAutomaton builds the machine over symbols 0..symbols-1. With no patterns it has one state.
func newAutomaton(symbols int, patterns []pattern, partial bool) *automaton {
	a := &automaton{class: make([]int32, symbols), classes: 1, boost: []float64{0}, credit: []float64{0}}
	for _, p := range patterns {
		for _, s := range p.symbols {
			if a.class[s] == 0 {
				a.class[s] = a.classes
				a.classes++
			}
		}
	}
	a.next = make([]int32, a.classes) // 0 stands for no child while the trie is built: the root is nobody's child
	var credit []float64
	credit = append(credit, math.Inf(-1))
	for _, p := range patterns {
		s := int32(0)
		for depth, symbol := range p.symbols {
			at := s*a.classes + a.class[symbol]
			if a.next[at] == 0 {
				a.next[at] = int32(len(a.boost))
				a.boost = append(a.boost, 0)
				credit = append(credit, math.Inf(-1))
				a.next = append(a.next, make([]int32, a.classes)...)
			}
			s = a.next[at]
			if done := depth + 1 - p.free; done > 0 && depth+1 < len(p.symbols) {
				credit[s] = max(credit[s], p.boost*float64(done)/float64(len(p.symbols)-p.free))
			}
		}
		a.boost[s] += p.boost
	}
	a.link(credit, partial)
	return a
}

// link turns the trie into the machine, breadth first: the suffix of a state is shallower and done before it.
func (a *automaton) link(credit []float64, partial bool) {
	a.credit = make([]float64, len(a.boost))
	suffix := make([]int32, len(a.boost))
	queue := []int32{0}
	for i := 0; i < len(queue); i++ {
		s := queue[i]
		if s != 0 {
			a.boost[s] += a.boost[suffix[s]]
		}
		// The credit is of the longest pattern under way; a state inside of none has that of its suffix.
		switch {
		case !partial || s == 0:
		case !math.IsInf(credit[s], -1):
			a.credit[s] = credit[s]
		default:
			a.credit[s] = a.credit[suffix[s]]
		}
		for c := range a.classes {
			at := s*a.classes + c
			fall := int32(0)
			if s != 0 {
				fall = a.next[suffix[s]*a.classes+c]
			}
			if child := a.next[at]; child != 0 {
				suffix[child] = fall
				queue = append(queue, child)
			} else {
				a.next[at] = fall
			}
		}
	}
}

// idle reports that there are no patterns.
func (a *automaton) idle() bool { return len(a.boost) == 1 }

// step returns the state after symbol.
func (a *automaton) step(state, symbol int32) int32 {
	return a.next[state*a.classes+a.class[symbol]]
}

// space parts words in the patterns of spelledHotwords.
const space = ' '

// spelledHotwords are hotwords byte by byte, each with a space before and after, so that it does not matter which tokens spell them. Those that v cannot spell are
// refused.
func spelledHotwords(v Vocabulary, o *Options) ([]pattern, error) {
	var list []pattern
	for _, h := range o.Hotwords {
		words, err := h.words()
		if err != nil {
			return nil, err
		}
		p := pattern{symbols: []int32{space}, boost: h.Boost, free: 1}
		for _, w := range words {
			if _, err := v.Encode(w); err != nil {
				return nil, fmt.Errorf("decode: hotword %q: %w", h.Text, err)
			}
			for _, c := range []byte(w) {
				p.symbols = append(p.symbols, int32(c))
			}
			p.symbols = append(p.symbols, space)
		}
		list = append(list, p)
	}
	return list, nil
}

func (h Hotword) words() ([]string, error) {
	words := strings.Fields(h.Text)
	if len(words) == 0 {
		return nil, fmt.Errorf("decode: hotword %q has no word", h.Text)
	}
	if !finite(h.Boost) {
		return nil, fmt.Errorf("decode: hotword %q has boost %v, want a finite number", h.Text, h.Boost)
	}
	return words, nil
}
