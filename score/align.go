// Package score measures transcripts against references: word, character and phone error rates over a corpus, the alignments
// they come from, how sure the rates are, and where the errors lie.
//
// Texts are compared as they are. What is to be ignored, such as case and punctuation, is named by rules ([Rules]) that are
// part of the result; nothing is normalised unasked.
package score

import "fmt"

// Costs are the costs of edits in an alignment. A token that matches costs nothing.
type Costs struct{ Substitution, Insertion, Deletion int }

var (
	// Sclite are the costs of NIST's sclite (SCTK, doc/sclite.htm): with 4 < 3+3 a wrong token is a substitution and not a
	// deletion beside an insertion, while two or more matches are worth such a detour. The number of errors can therefore be
	// above that of Plain.
	Sclite = Costs{Substitution: 4, Insertion: 3, Deletion: 3}

	// Plain are those of the Levenshtein distance: the number of errors is the least possible.
	Plain = Costs{Substitution: 1, Insertion: 1, Deletion: 1}
)

// Kind is what an alignment says of a token.
type Kind byte

const (
	Correct      Kind = 'C'
	Substitution Kind = 'S'
	Deletion     Kind = 'D' // in the reference only
	Insertion    Kind = 'I' // in the hypothesis only
)

// Pair is a step of an alignment. Ref is empty for an insertion, and Hyp for a deletion.
type Pair struct {
	Kind     Kind
	Ref, Hyp string
}

// MaxCells bounds the product of the lengths that Align takes, and with it the memory: a byte a cell.
const MaxCells = 1 << 30

// Align returns an alignment of least cost. Among equals it is the one that, read from the end, pairs tokens first, deletes
// next, and inserts last, so errors of length stand before substitutions as they do in sclite's reports. Time and memory grow
// with len(ref)*len(hyp); above MaxCells it is an error. Substitutions must cost more than nothing, and insertions and
// deletions too.
func Align(ref, hyp []string, c Costs) ([]Pair, error) {
	if c.Substitution <= 0 || c.Insertion <= 0 || c.Deletion <= 0 {
		return nil, fmt.Errorf("score: costs of edits are %+v, want all above 0", c)
	}
	rows, columns := len(ref)+1, len(hyp)+1
	if rows > MaxCells/columns {
		return nil, fmt.Errorf("score: aligning %d with %d tokens takes more than %d cells; cut the recording into shorter utterances", len(ref), len(hyp), MaxCells)
	}
	a, b := intern(ref, hyp)
	last, row := make([]int, columns), make([]int, columns)
	steps := make([]Kind, rows*columns)
	for j := 1; j < columns; j++ {
		row[j], steps[j] = j*c.Insertion, Insertion
	}
	for i := 1; i < rows; i++ {
		last, row = row, last
		row[0], steps[i*columns] = i*c.Deletion, Deletion
		for j := 1; j < columns; j++ {
			best, step := last[j-1], Correct
			if a[i-1] != b[j-1] {
				best, step = best+c.Substitution, Substitution
			}
			if d := last[j] + c.Deletion; d < best {
				best, step = d, Deletion
			}
			if d := row[j-1] + c.Insertion; d < best {
				best, step = d, Insertion
			}
			row[j], steps[i*columns+j] = best, step
		}
	}
	n := 0
	for i, j := len(ref), len(hyp); i > 0 || j > 0; n++ {
		i, j = back(steps[i*columns+j], i, j)
	}
	pairs := make([]Pair, n)
	for i, j := len(ref), len(hyp); i > 0 || j > 0; {
		n--
		p := Pair{Kind: steps[i*columns+j]}
		i, j = back(p.Kind, i, j)
		if p.Kind != Insertion {
			p.Ref = ref[i]
		}
		if p.Kind != Deletion {
			p.Hyp = hyp[j]
		}
		pairs[n] = p
	}
	return pairs, nil
}

// back is the cell before (i,j) on the path.
func back(k Kind, i, j int) (int, int) {
	switch k {
	case Deletion:
		return i - 1, j
	case Insertion:
		return i, j - 1
	}
	return i - 1, j - 1
}

// intern numbers tokens, so that cells compare numbers.
func intern(ref, hyp []string) (a, b []int32) {
	ids := make(map[string]int32, len(ref))
	number := func(tokens []string) []int32 {
		list := make([]int32, len(tokens))
		for i, t := range tokens {
			id, ok := ids[t]
			if !ok {
				id = int32(len(ids))
				ids[t] = id
			}
			list[i] = id
		}
		return list
	}
	return number(ref), number(hyp)
}

// Distance is the Levenshtein distance of two sequences of tokens (Levenshtein 1966), in memory that grows with one of them.
func Distance(ref, hyp []string) int {
	a, b := intern(ref, hyp)
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j := range b {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
