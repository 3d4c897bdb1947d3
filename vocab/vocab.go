// Package vocab maps transcripts to the labels that a CTC model emits, and back: characters with a mark between words, phones, or word pieces.
//
// The layout is that of Hugging Face's Wav2Vec2CTCTokenizer: the blank of CTC is <pad>, words of characters are parted by |, and <s>, </s> and <unk> have numbers
// too, which no transcript uses. Pieces that begin a word have U+2581 in front, as SentencePiece writes them.
package vocab

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Tokens with a meaning of their own. No transcript can spell them.
const (
	BlankToken    = "<pad>"
	StartToken    = "<s>"
	EndToken      = "</s>"
	UnknownToken  = "<unk>"
	BoundaryToken = "|"
)

// special are the tokens that a transcript cannot spell; some tokenizers write the first and the last with brackets.
var special = []string{BlankToken, "[PAD]", StartToken, EndToken, UnknownToken, "[UNK]", BoundaryToken}

// The largest vocabulary, and the longest token in bytes.
const (
	maxTokens = 1 << 17
	maxToken  = 256
)

// Vocabulary is a list of tokens, numbered from 0. It is never changed.
type Vocabulary struct {
	tokens   []string
	index    map[string]int
	ordinary map[string]int32 // what transcripts can spell
	longest  int              // bytes of the longest of those
	blank    int
	boundary int
	spaced   bool // tokens are written with blanks between them
	marked   bool // tokens are word pieces
	pieces   *pieces
}

// New makes a vocabulary of tokens in the order of their numbers. One must be <pad> (or [PAD]), the blank. Without a |, tokens are word pieces if some begin with
// [WordMark], and cannot spell text before [Vocabulary.WithPieces]; else there are no words: transcripts are tokens, which are written with blanks between them
// when some have more than one character, as phones have.
func New(tokens []string) (*Vocabulary, error) {
	if len(tokens) > maxTokens {
		return nil, fmt.Errorf("vocab: %d tokens; more than %d are not supported", len(tokens), maxTokens)
	}
	v := &Vocabulary{tokens: slices.Clone(tokens), index: make(map[string]int, len(tokens)), ordinary: map[string]int32{}, blank: -1, boundary: -1}
	for i, tok := range v.tokens {
		if err := checkToken(tok); err != nil {
			return nil, fmt.Errorf("vocab: token %d: %w", i, err)
		}
		if j, twice := v.index[tok]; twice {
			return nil, fmt.Errorf("vocab: tokens %d and %d are both %q", j, i, tok)
		}
		v.index[tok] = i
		if slices.Contains(special, tok) {
			continue
		}
		v.ordinary[tok] = int32(i)
		v.longest = max(v.longest, len(tok))
		v.spaced = v.spaced || utf8.RuneCountInString(tok) > 1
		v.marked = v.marked || strings.HasPrefix(tok, WordMark)
	}
	for _, name := range []string{"[PAD]", BlankToken} {
		if i, ok := v.index[name]; ok {
			v.blank = i
		}
	}
	if v.blank < 0 {
		return nil, fmt.Errorf("vocab: none of %d tokens is %s, the blank of CTC", len(tokens), BlankToken)
	}
	if i, ok := v.index[BoundaryToken]; ok {
		v.boundary, v.spaced, v.marked = i, false, false
	}
	if v.marked {
		v.spaced = false
		if err := checkMarks(v.tokens); err != nil {
			return nil, err
		}
	}
	if len(v.ordinary) == 0 {
		return nil, fmt.Errorf("vocab: %d tokens, but none that a transcript could spell", len(tokens))
	}
	return v, nil
}

// checkToken refuses what cannot be told from white space or is no text.
func checkToken(tok string) error {
	switch {
	case tok == "":
		return fmt.Errorf("it is empty")
	case len(tok) > maxToken:
		return fmt.Errorf("it has %d bytes, more than %d", len(tok), maxToken)
	case !utf8.ValidString(tok):
		return fmt.Errorf("%q is not UTF-8", tok)
	case strings.ContainsFunc(tok, unicode.IsSpace):
		return fmt.Errorf("%q holds white space; words are parted by %s", tok, BoundaryToken)
	}
	return nil
}

// Len is the number of tokens: the outputs of a model.
func (v *Vocabulary) Len() int { return len(v.tokens) }

// Token is the token of a number. Like indexing a slice it panics when there is none.
func (v *Vocabulary) Token(i int) string { return v.tokens[i] }

// Tokens lists all tokens in order.
func (v *Vocabulary) Tokens() []string { return slices.Clone(v.tokens) }

// Index is the number of a token.
func (v *Vocabulary) Index(token string) (int, bool) {
	i, ok := v.index[token]
	return i, ok
}

// Blank is the number of the blank of CTC.
func (v *Vocabulary) Blank() int { return v.blank }

// Boundary is the number of the mark between words, -1 without one.
func (v *Vocabulary) Boundary() int { return v.boundary }

// StartsWord reports whether a word begins with token i: one with [WordMark] among pieces, every token of a vocabulary without words, and none where a
// boundary parts words.
func (v *Vocabulary) StartsWord(i int) bool {
	return v.boundary < 0 && (!v.marked || strings.HasPrefix(v.tokens[i], WordMark))
}

// Encode gives the labels of a transcript, without blanks. White space parts words and is otherwise ignored. A word becomes the longest tokens that fit, from
// its beginning on, or the pieces that its SentencePiece model gives. The error names the first character that no token spells, and its place.
func (v *Vocabulary) Encode(text string) ([]int32, error) { return v.AppendEncoded(nil, text) }

// AppendEncoded is [Vocabulary.Encode] into memory that is there.
func (v *Vocabulary) AppendEncoded(dst []int32, text string) ([]int32, error) {
	if v.marked {
		return v.appendPieces(dst, text)
	}
	begin := len(dst)
	inWord := false
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRuneInString(text[at:])
		if unicode.IsSpace(r) {
			inWord = false
			at += size
			continue
		}
		if !inWord && len(dst) > begin && v.boundary >= 0 {
			dst = append(dst, int32(v.boundary))
		}
		inWord = true
		id, n := v.match(text[at:])
		if n == 0 {
			return dst[:begin], v.unknown(text, at, r)
		}
		dst = append(dst, id)
		at += n
	}
	return dst, nil
}

// match is the longest token at the beginning of text, of n bytes; 0 when there is none.
func (v *Vocabulary) match(text string) (id int32, n int) {
	for n := min(v.longest, len(text)); n > 0; n-- {
		if id, ok := v.ordinary[text[:n]]; ok {
			return id, n
		}
	}
	return 0, 0
}

func (v *Vocabulary) unknown(text string, at int, r rune) error {
	what := fmt.Sprintf("%q (%U)", r, r)
	if r == utf8.RuneError {
		what = fmt.Sprintf("byte %#x, which is not UTF-8", text[at])
		if strings.HasPrefix(text[at:], string(utf8.RuneError)) {
			what = fmt.Sprintf("%q, left by a faulty conversion", r)
		}
	}
	return fmt.Errorf("vocab: %s, character %d of %s, is not in the vocabulary of %d tokens", what, 1+utf8.RuneCountInString(text[:at]), excerpt(text, at), len(v.tokens))
}

// excerpt quotes what surrounds a place.
func excerpt(text string, at int) string {
	const around = 20
	lo, hi := max(0, at-around), min(len(text), at+around)
	for lo > 0 && !utf8.RuneStart(text[lo]) {
		lo--
	}
	for hi < len(text) && !utf8.RuneStart(text[hi]) {
		hi++
	}
	return fmt.Sprintf("%q", text[lo:hi])
}

// Text spells labels. Blanks, <s> and </s> are left out; words have one blank between them, and pieces lose their [WordMark]. It panics when a label is no number of a token.
func (v *Vocabulary) Text(ids []int32) string {
	var b strings.Builder
	gap := false
	for _, id := range ids {
		tok := v.tokens[id]
		switch {
		case int(id) == v.blank || tok == StartToken || tok == EndToken:
			continue
		case int(id) == v.boundary:
			gap = true
			continue
		}
		if v.marked {
			rest, starts := strings.CutPrefix(tok, WordMark)
			if gap = gap || starts; rest == "" {
				continue
			}
			tok = rest
		}
		if b.Len() > 0 && (gap || v.spaced) {
			b.WriteByte(' ')
		}
		gap = false
		b.WriteString(tok)
	}
	return b.String()
}

// Collapse gives the labels of a path: repeats are one, then blanks go (Graves et al. 2006, §3.1).
func (v *Vocabulary) Collapse(path []int32) []int32 {
	out := make([]int32, 0, len(path))
	last := int32(-1)
	for _, id := range path {
		if id != last && int(id) != v.blank {
			out = append(out, id)
		}
		last = id
	}
	return out
}

// Equal reports whether two vocabularies have the same tokens in the same order.
func (v *Vocabulary) Equal(o *Vocabulary) bool { return slices.Equal(v.tokens, o.tokens) }
