// Package lm has word n-gram language models.
package lm

// WordID is the number of a word in a model's vocabulary.
type WordID uint32

// Unknown is the word of everything outside the vocabulary.
const Unknown WordID = 0

// MaxOrder is the highest order of a model.
const MaxOrder = 6

// State is the context of the next word: the last words, at most MaxOrder-1 of them, newest first. States compare with ==.
type State struct {
	words [MaxOrder - 1]WordID
	n     uint8
}
