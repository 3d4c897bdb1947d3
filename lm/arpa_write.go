package lm

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"aural/internal/atomicfile"
)

// WriteARPA writes a model in the ARPA format, with the shortest decimals that read back to the same float32.
func (m *Model) WriteARPA(w io.Writer) error {
	t, ok := m.grams.(*trie)
	if !ok {
		return fmt.Errorf("a model in the format %s holds hashes of its n-grams and cannot be written in another one: use the ARPA file that it was made from", m.Source)
	}
	a := newARPAWriter(w, t.counts())
	for k := 1; k <= len(t.levels); k++ {
		a.section(k)
		var words [MaxOrder]WordID
		t.walk(k, &words, func(i int) {
			l, back := &t.levels[k-1], float32(0)
			if k < len(t.levels) {
				back = l.backoff(i)
			}
			a.gram(m.words, words[:k], l.probability(i), back)
		})
	}
	return a.end()
}

// walk visits the n-grams of order k in the order of their records; words holds each in turn.
func (t *trie) walk(k int, words *[MaxOrder]WordID, visit func(i int)) {
	var down func(order, lo, hi int)
	down = func(order, lo, hi int) {
		l := &t.levels[order-1]
		for i := lo; i < hi; i++ {
			words[order-1] = WordID(i)
			if order > 1 {
				words[order-1] = WordID(l.get(i, l.word))
			}
			if order == k {
				visit(i)
			} else {
				down(order+1, int(l.get(i, l.first)), int(l.get(i+1, l.first)))
			}
		}
	}
	down(1, 0, t.levels[0].n)
}

// arpaWriter writes the parts of an ARPA file in order. Its error is sticky.
type arpaWriter struct {
	out    *bufio.Writer
	orders int
	line   []byte
}

func newARPAWriter(w io.Writer, counts []int) *arpaWriter {
	a := &arpaWriter{out: bufio.NewWriterSize(w, 256<<10), orders: len(counts)}
	a.out.WriteString("\\data\\\n")
	for i, n := range counts {
		fmt.Fprintf(a.out, "ngram %d=%d\n", i+1, n)
	}
	return a
}

func (a *arpaWriter) section(k int) { fmt.Fprintf(a.out, "\n\\%d-grams:\n", k) }

// gram writes a line. A backoff of 0 is written too, as KenLM does, but not for the longest n-grams.
func (a *arpaWriter) gram(spelling []string, words []WordID, prob, back float32) {
	b := strconv.AppendFloat(a.line[:0], float64(prob), 'f', -1, 32)
	for i, w := range words {
		if i == 0 {
			b = append(b, '\t')
		} else {
			b = append(b, ' ')
		}
		b = append(b, spelling[w]...)
	}
	if len(words) < a.orders {
		b = strconv.AppendFloat(append(b, '\t'), float64(back), 'f', -1, 32)
	}
	a.line = append(b, '\n')
	a.out.Write(a.line)
}

func (a *arpaWriter) end() error {
	a.out.WriteString("\n\\end\\\n")
	return a.out.Flush()
}

// create replaces a file by what fill writes, compressed if the name ends in .gz.
func create(path string, fill func(io.Writer) error) error {
	return atomicfile.Create(path, 0o644, func(f *os.File) error {
		if !strings.HasSuffix(path, ".gz") {
			return fill(f)
		}
		z, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
		if err != nil {
			return err
		}
		if err := fill(z); err != nil {
			return err
		}
		return z.Close()
	})
}
