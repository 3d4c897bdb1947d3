package decode

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// maxLexiconLine bounds a line of a lexicon file, in bytes.
const maxLexiconLine = 1 << 16

// ReadLexicon reads fairseq's and flashlight's lexicon files: a line has a word, white space and its tokens with spaces between. A word may
// have several lines. Empty lines are skipped.
func ReadLexicon(r io.Reader, v Vocabulary) ([]Entry, error) {
	index := make(map[string]int32, v.Len())
	for k := range v.Len() {
		index[v.Token(k)] = int32(k)
	}
	var entries []Entry
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLexiconLine)
	n := 0
	for lines.Scan() {
		n++
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 {
			continue
		}
		if len(fields) == 1 {
			return nil, fmt.Errorf("decode: lexicon line %d: word %q has no spelling", n, fields[0])
		}
		e := Entry{Word: fields[0], Tokens: make([]int32, len(fields)-1)}
		for i, token := range fields[1:] {
			k, known := index[token]
			if !known || int(k) == v.Blank() {
				return nil, fmt.Errorf("decode: lexicon line %d: token %q of word %q is the blank or not in the vocabulary", n, token, e.Word)
			}
			e.Tokens[i] = k
		}
		entries = append(entries, e)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("decode: lexicon line %d: %w", n+1, err)
	}
	return entries, nil
}
