package tui

import "strings"

// wordPair is a word of a reference with that of the hypothesis: both for a match or a substitution, one for a deletion or an
// insertion.
type wordPair struct{ reference, hypothesis string }

// sign is the mark of an error: S substituted, D deleted, I inserted, as sclite writes it; "" for a match.
func (p wordPair) sign() string {
	switch {
	case p.reference == p.hypothesis:
		return ""
	case p.hypothesis == "":
		return "D"
	case p.reference == "":
		return "I"
	}
	return "S"
}

// wordsAligned bounds the words that are aligned: time and memory grow with the square.
const wordsAligned = 300

// alignWords aligns a hypothesis with its reference with the fewest edits (Levenshtein 1966), words that only one has as near to
// the end as possible. Only the first words of long texts are aligned.
func alignWords(reference, hypothesis string) []wordPair {
	r, h := firstWords(reference), firstWords(hypothesis)
	// cost[i][j] is the number of edits between the first i and the first j words.
	cost := make([][]int, len(r)+1)
	for i := range cost {
		cost[i] = make([]int, len(h)+1)
		for j := range cost[i] {
			switch {
			case i == 0 || j == 0:
				cost[i][j] = i + j
			case r[i-1] == h[j-1]:
				cost[i][j] = cost[i-1][j-1]
			default:
				cost[i][j] = 1 + min(cost[i-1][j-1], cost[i-1][j], cost[i][j-1])
			}
		}
	}
	out := make([]wordPair, 0, max(len(r), len(h)))
	for i, j := len(r), len(h); i > 0 || j > 0; {
		switch {
		case i > 0 && j > 0 && r[i-1] == h[j-1]:
			out = append(out, wordPair{r[i-1], h[j-1]})
			i, j = i-1, j-1
		case i > 0 && cost[i][j] == cost[i-1][j]+1:
			out = append(out, wordPair{r[i-1], ""})
			i--
		case j > 0 && cost[i][j] == cost[i][j-1]+1:
			out = append(out, wordPair{"", h[j-1]})
			j--
		default:
			out = append(out, wordPair{r[i-1], h[j-1]})
			i, j = i-1, j-1
		}
	}
	for a, b := 0, len(out)-1; a < b; a, b = a+1, b-1 {
		out[a], out[b] = out[b], out[a]
	}
	return out
}

func firstWords(text string) []string {
	var out []string
	for word := range strings.FieldsSeq(text) {
		if len(out) == wordsAligned {
			break
		}
		out = append(out, word)
	}
	return out
}
