package vocab

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// maxBytes is the largest file that is read.
const maxBytes = 16 << 20

// ModelExt is the extension of SentencePiece models.
const ModelExt = ".model"

// Load reads a vocabulary: a SentencePiece model if the name ends in [ModelExt]; else vocab.json, an object from token to number, or a text with one token a line,
// in the order of their numbers.
func Load(path string) (*Vocabulary, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("vocab: %w", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("vocab: %w", err)
	}
	parse := Parse
	if filepath.Ext(path) == ModelExt {
		parse = ParsePieces
	}
	v, err := parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return v, nil
}

// Parse reads what [Load] reads.
func Parse(raw []byte) (*Vocabulary, error) {
	if len(raw) > maxBytes {
		return nil, fmt.Errorf("vocab: more than %d bytes are no vocabulary", maxBytes)
	}
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")) // the mark that some editors put first
	text := bytes.TrimSpace(raw)
	if len(text) > 0 && text[0] == '{' {
		tokens, err := ParseTokens(text, nil, 0)
		if err != nil {
			return nil, err
		}
		return New(tokens)
	}
	var tokens []string
	for line := range strings.Lines(string(text)) {
		if len(tokens) == maxTokens {
			return nil, fmt.Errorf("vocab: more than %d lines", maxTokens)
		}
		tokens = append(tokens, strings.TrimRight(line, "\r\n"))
	}
	return New(tokens)
}

// ParseTokens reads vocab.json, an object from token to number, and what added_tokens.json adds, if it is there. With size outputs, each number below must have a
// token, and none of vocab.json may lie above; with size 0 the numbers must be 0, 1, 2 and so on. Tokens come in the order of their numbers; they need not make a
// [Vocabulary].
func ParseTokens(raw, added []byte, size int) ([]string, error) {
	var numbers, more map[string]int
	if err := json.Unmarshal(raw, &numbers); err != nil {
		return nil, fmt.Errorf("vocab: vocab.json: %w", err)
	}
	if len(added) > 0 {
		if err := json.Unmarshal(added, &more); err != nil {
			return nil, fmt.Errorf("vocab: added_tokens.json: %w", err)
		}
	}
	if len(numbers) == 0 {
		return nil, errors.New("vocab: vocab.json: there are no tokens")
	}
	if size == 0 {
		size = len(numbers)
	}
	for token, n := range more { // transformers adds <s> and </s> behind the outputs of models that do not have them
		if _, ok := numbers[token]; !ok && n < size {
			numbers[token] = n
		}
	}
	tokens, used := make([]string, size), make([]bool, size)
	for _, token := range slices.Sorted(maps.Keys(numbers)) {
		n := numbers[token]
		if n < 0 || n >= size {
			return nil, fmt.Errorf("vocab: vocab.json: token %q has number %d, outside 0 to %d", token, n, size-1)
		}
		if used[n] {
			return nil, fmt.Errorf("vocab: vocab.json: number %d has the tokens %q and %q", n, tokens[n], token)
		}
		tokens[n], used[n] = token, true
	}
	if n := slices.Index(used, false); n >= 0 {
		return nil, fmt.Errorf("vocab: vocab.json: number %d of %d has no token", n, size)
	}
	return tokens, nil
}

// JSON is the text of vocab.json, in the order of the numbers.
func (v *Vocabulary) JSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	b.WriteString("{")
	for i, tok := range v.tokens {
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString("\n  ")
		if err := e.Encode(tok); err != nil {
			return nil, fmt.Errorf("vocab: %w", err)
		}
		b.Truncate(b.Len() - 1) // Encode ends its line
		b.WriteString(": " + strconv.Itoa(i))
	}
	b.WriteString("\n}\n")
	return b.Bytes(), nil
}

// Characters makes the vocabulary of the characters of transcripts, in the order of their code points, behind <pad>, <s>, </s>, <unk> and |.
func Characters(transcripts iter.Seq[string]) (*Vocabulary, error) {
	seen := map[rune]bool{}
	for text := range transcripts {
		for _, r := range text {
			if !unicode.IsSpace(r) && string(r) != BoundaryToken {
				seen[r] = true
			}
		}
		if len(seen) > maxTokens {
			return nil, fmt.Errorf("vocab: the transcripts have more than %d different characters", maxTokens)
		}
	}
	tokens := []string{BlankToken, StartToken, EndToken, UnknownToken, BoundaryToken}
	for _, r := range slices.Sorted(maps.Keys(seen)) {
		tokens = append(tokens, string(r))
	}
	return New(tokens)
}

// Phones makes the vocabulary of the blank-separated tokens of transcripts, in byte order, behind <pad>, <s>, </s> and <unk>.
func Phones(transcripts iter.Seq[string]) (*Vocabulary, error) {
	seen := map[string]bool{}
	for text := range transcripts {
		for tok := range strings.FieldsSeq(text) {
			if !slices.Contains(special, tok) {
				seen[tok] = true
			}
		}
		if len(seen) > maxTokens {
			return nil, fmt.Errorf("vocab: the transcripts have more than %d different tokens: they are no phones", maxTokens)
		}
	}
	tokens := []string{BlankToken, StartToken, EndToken, UnknownToken}
	return New(append(tokens, slices.Sorted(maps.Keys(seen))...))
}
