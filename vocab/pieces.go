package vocab

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// WordMark begins the pieces that begin a word (U+2581), as SentencePiece writes them.
const WordMark = "\u2581"

// PiecesFile is the name of the SentencePiece model in a model folder. Transformers would read a tokenizer.model as vocab.json.
const PiecesFile = "sentencepiece.model"

// maxKnown is how many words a vocabulary of pieces remembers the spelling of.
const maxKnown = 1 << 18

// pieces spells words in word pieces.
type pieces struct {
	speller *speller // of a bpe model, else nil
	unigram *unigram // of a unigram model, else nil
	file    []byte
	mutex   sync.RWMutex
	known   map[string][]int32
}

// ParsePieces makes a vocabulary of a SentencePiece model (Kudo and Richardson 2018) of byte-pair encoding (Sennrich et al. 2016) or unigrams (Kudo 2018): <pad>, <s>, </s> and <unk>, then
// the model's normal and user-defined pieces in its order. Its control, unknown and byte pieces are left out: what has no piece cannot be spelt. Text is not
// normalised, whatever the model says, but for white space.
func ParsePieces(raw []byte) (*Vocabulary, error) {
	if len(raw) > maxBytes {
		return nil, fmt.Errorf("vocab: more than %d bytes are no SentencePiece model", maxBytes)
	}
	all, kind, err := readModel(raw)
	if err != nil {
		return nil, err
	}
	tokens := []string{BlankToken, StartToken, EndToken, UnknownToken}
	first := len(tokens)
	used := all[:0]
	for i, p := range all {
		if p.kind != normalPiece && p.kind != userDefinedPiece {
			continue
		}
		if slices.Contains(special, p.text) {
			return nil, fmt.Errorf("vocab: piece %d of the SentencePiece model is %q, which has a meaning of its own here: make the model from text without it", i, p.text)
		}
		used = append(used, p)
		tokens = append(tokens, p.text)
	}
	v, err := New(tokens)
	if err != nil {
		return nil, err
	}
	if !v.marked {
		return nil, fmt.Errorf("vocab: no piece of the SentencePiece model begins with %s: it was not made from words", WordMark)
	}
	v.pieces = &pieces{file: slices.Clone(raw), known: map[string][]int32{}}
	if kind == unigramModel {
		v.pieces.unigram, err = newUnigram(used, first)
	} else {
		v.pieces.speller, err = newSpeller(used, first)
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

// WithPieces is the vocabulary with the SentencePiece model that it was made of, so that it can spell.
func (v *Vocabulary) WithPieces(model []byte) (*Vocabulary, error) {
	w, err := ParsePieces(model)
	if err != nil {
		return nil, err
	}
	for i, tok := range v.tokens {
		if i >= w.Len() || w.tokens[i] != tok {
			return nil, fmt.Errorf("vocab: token %d is %q, which it is not in the SentencePiece model: they do not belong together", i, tok)
		}
	}
	if v.Len() < w.Len() {
		return nil, fmt.Errorf("vocab: %d tokens, but the SentencePiece model gives %d: they do not belong together", v.Len(), w.Len())
	}
	return w, nil
}

// HasPieces reports whether the tokens are word pieces.
func (v *Vocabulary) HasPieces() bool { return v.marked }

// SentencePiece is the file of the model that spells words, nil without one.
func (v *Vocabulary) SentencePiece() []byte {
	if v.pieces == nil {
		return nil
	}
	return slices.Clone(v.pieces.file)
}

// checkMarks refuses pieces that span words.
func checkMarks(tokens []string) error {
	for i, tok := range tokens {
		if strings.LastIndex(tok, WordMark) > 0 {
			return fmt.Errorf("vocab: token %d, %q, spans words: make the SentencePiece model with split_by_whitespace, and without allow_whitespace_only_pieces", i, tok)
		}
	}
	return nil
}

// appendPieces is AppendEncoded for pieces.
func (v *Vocabulary) appendPieces(dst []int32, text string) ([]int32, error) {
	if v.pieces == nil {
		return dst, errors.New("vocab: the tokens are word pieces; to spell text in them takes their SentencePiece model, " + PiecesFile + " in a model folder")
	}
	if v.pieces.unigram != nil {
		return v.appendUnigram(dst, text)
	}
	begin := len(dst)
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRuneInString(text[at:])
		if unicode.IsSpace(r) {
			at += size
			continue
		}
		end := len(text)
		if n := strings.IndexFunc(text[at:], unicode.IsSpace); n >= 0 {
			end = at + n
		}
		ids, bad, err := v.pieces.word(text[at:end])
		if err != nil {
			return dst[:begin], err
		}
		if bad >= 0 {
			r, _ := utf8.DecodeRuneInString(text[at+bad:])
			return dst[:begin], v.unknown(text, at+bad, r)
		}
		dst = append(dst, ids...)
		at = end
	}
	return dst, nil
}

// word is spell with memory, so that training does not spell the same words in every epoch.
func (p *pieces) word(word string) (ids []int32, bad int, err error) {
	p.mutex.RLock()
	ids, known := p.known[word]
	p.mutex.RUnlock()
	if known {
		return ids, -1, nil
	}
	for at, r := range word {
		if r == utf8.RuneError && !strings.HasPrefix(word[at:], string(utf8.RuneError)) {
			return nil, at, nil
		}
	}
	if ids, bad, err = p.speller.spell(word); err != nil || bad >= 0 {
		return nil, bad, err
	}
	p.mutex.Lock()
	if len(p.known) < maxKnown {
		p.known[strings.Clone(word)] = ids
	}
	p.mutex.Unlock()
	return ids, -1, nil
}
