package lm

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// maxLine bounds a line of an ARPA file and a word of a text, in bytes.
const maxLine = 1 << 20

// arpaReader reads the lines of an ARPA file.
type arpaReader struct {
	in     *bufio.Scanner
	line   int
	build  *builder
	counts []int
	fields [][]byte
	words  []WordID
}

// ReadARPA reads a model in the ARPA format, which must have the order \data\, n-grams from unigrams on, \end\. The n-grams of a
// section may have any order, but the context of each must be an n-gram of the section before. Errors say the line.
func ReadARPA(r io.Reader) (*Model, error) {
	a := &arpaReader{in: bufio.NewScanner(r)}
	a.in.Buffer(make([]byte, 64<<10), maxLine)
	m, err := a.read()
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", a.line, err)
	}
	return m, nil
}

// next returns the next line that is not blank.
func (a *arpaReader) next() ([]byte, error) {
	for a.in.Scan() {
		a.line++
		line := bytes.TrimSpace(a.in.Bytes())
		if a.line == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if len(line) > 0 {
			return line, nil
		}
	}
	a.line++
	switch err := a.in.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("longer than %d bytes: this is no ARPA file", maxLine)
	case err != nil:
		return nil, err
	}
	return nil, fmt.Errorf(`the file ends before \end\: it was cut short (%w)`, io.ErrUnexpectedEOF)
}

func (a *arpaReader) read() (*Model, error) {
	line, err := a.header()
	if err != nil {
		return nil, err
	}
	a.build = newBuilder(len(a.counts))
	a.words = make([]WordID, len(a.counts))
	for k := 1; k <= len(a.counts); k++ {
		if want := fmt.Sprintf(`\%d-grams:`, k); string(line) != want {
			return nil, fmt.Errorf("%s where %s must begin", quoted(line), want)
		}
		if k > 1 {
			if err := a.build.next(); err != nil {
				return nil, err
			}
		}
		if line, err = a.section(k); err != nil {
			return nil, err
		}
	}
	if string(line) != `\end\` {
		return nil, fmt.Errorf(`%s where \end\ must be`, quoted(line))
	}
	return a.build.model("ARPA")
}

// header reads the counts and returns the line behind them.
func (a *arpaReader) header() ([]byte, error) {
	line, err := a.next()
	if err != nil {
		return nil, err
	}
	if string(line) != `\data\` {
		return nil, fmt.Errorf(`%s where \data\ must begin: this is no ARPA file`, quoted(line))
	}
	for {
		if line, err = a.next(); err != nil || line[0] == '\\' {
			break
		}
		rest, ok := strings.CutPrefix(string(line), "ngram ")
		k, n, both := strings.Cut(rest, "=")
		order, err1 := strconv.Atoi(strings.TrimSpace(k))
		count, err2 := strconv.ParseUint(strings.TrimSpace(n), 10, 64)
		switch {
		case !ok || !both || err1 != nil || err2 != nil:
			return nil, fmt.Errorf("%s where a count must be, as in ngram 1=5000", quoted(line))
		case order != len(a.counts)+1:
			return nil, fmt.Errorf("the count of %d-grams where that of %d-grams must be", order, len(a.counts)+1)
		case order > MaxOrder:
			return nil, fmt.Errorf("the model has n-grams of %d words, more than the %d that are read", order, MaxOrder)
		case count > maxGrams:
			return nil, fmt.Errorf("%d n-grams are more than the %d that a model may have", count, maxGrams)
		}
		a.counts = append(a.counts, int(count))
	}
	if err == nil && len(a.counts) == 0 {
		err = errors.New(`\data\ has no counts, as in ngram 1=5000`)
	}
	return line, err
}

// section reads the n-grams of order k and returns the line behind them. The count that the header gives is checked, not trusted.
func (a *arpaReader) section(k int) ([]byte, error) {
	for n := 0; ; n++ {
		line, err := a.next()
		if err != nil {
			return nil, err
		}
		if line[0] == '\\' {
			if n != a.counts[k-1] {
				return nil, fmt.Errorf(`%d %d-grams end here, but \data\ says %d`, n, k, a.counts[k-1])
			}
			return line, nil
		}
		if n == a.counts[k-1] {
			return nil, fmt.Errorf(`more %d-grams than the %d that \data\ says`, k, n)
		}
		if err := a.gram(line, k); err != nil {
			return nil, fmt.Errorf("%w, in %s", err, quoted(line))
		}
	}
}

// gram reads one n-gram: log10 probability, words and perhaps a log10 backoff, separated by tabs or blanks.
func (a *arpaReader) gram(line []byte, k int) error {
	a.fields = splitFields(a.fields[:0], line)
	f := a.fields
	if len(f) != k+1 && (len(f) != k+2 || k == len(a.counts)) {
		return fmt.Errorf("%d fields where a probability, %d words and, but for the longest n-grams, a backoff must be", len(f), k)
	}
	prob, err := logarithm(f[0])
	if err != nil {
		return fmt.Errorf("probability: %w", err)
	}
	if prob > 0 {
		return fmt.Errorf("the log10 probability %v is above 0", prob)
	}
	back := float32(0)
	if len(f) == k+2 {
		if back, err = logarithm(f[k+1]); err != nil {
			return fmt.Errorf("backoff: %w", err)
		}
	}
	if k == 1 {
		_, err := a.build.unigram(string(f[1]), prob, back)
		return err
	}
	for i := range k {
		w, ok := a.build.ids[string(f[1+i])]
		if !ok {
			if string(f[1+i]) != unknownUpper {
				return fmt.Errorf("the word %q is no unigram", f[1+i])
			}
			w = Unknown
		}
		a.words[i] = w
	}
	return a.build.gram(a.words[:k], prob, back)
}

// splitFields cuts at the blanks that separate fields. Other spaces of Unicode may be parts of words.
func splitFields(to [][]byte, line []byte) [][]byte {
	for {
		for len(line) > 0 && separator(line[0]) {
			line = line[1:]
		}
		if len(line) == 0 {
			return to
		}
		n := 1
		for n < len(line) && !separator(line[n]) {
			n++
		}
		to, line = append(to, line[:n]), line[n:]
	}
}

func separator(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == 0 }

// logarithm reads a finite number.
func logarithm(text []byte) (float32, error) {
	x, err := strconv.ParseFloat(string(text), 32)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) || bytes.ContainsAny(text, "xX_") {
		return 0, fmt.Errorf("%s is no finite number", quoted(text))
	}
	return float32(x), nil
}

// quoted shows a line in a message, its beginning if it is long.
func quoted(line []byte) string {
	const shown = 60
	if len(line) > shown {
		return strconv.Quote(string(line[:shown])) + "…"
	}
	return strconv.Quote(string(line))
}
