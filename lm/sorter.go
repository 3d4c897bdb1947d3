package lm

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// gram is an n-gram on its way through the estimator. Words are stored newest first, so that the order of the words is the order of
// suffixes: n-grams that share their last words are neighbours, and come behind the n-gram that these words are.
type gram struct {
	words [MaxOrder]WordID
	a, b  uint64 // counts, or the bits of float64 values
}

const gramBytes = 8*2 + 4*MaxOrder

// ordering is an order of n-grams. It is no function value: what is passed to one is allocated.
type ordering int

const (
	bySuffix  ordering = iota
	byContext          // n-grams of one context together, the contexts in the order of suffixes
)

func (o ordering) compare(g, h *gram, length int) int {
	for i := int(o); i < length; i++ {
		if a, b := g.words[i], h.words[i]; a != b {
			if a < b {
				return -1
			}
			return 1
		}
	}
	if o == byContext {
		return bySuffix.compare(g, h, 1)
	}
	return 0
}

// mergeWidth is how many sorted runs are merged at once, which bounds open files and read buffers.
const mergeWidth = 32

// sorter sorts n-grams with limited memory: full buffers are sorted and written as runs to temporary files, which are merged at the end.
// If sum is set, equal n-grams become one whose a is the sum of theirs.
type sorter struct {
	dir     string
	order   int
	sorting ordering
	sum     bool
	limit   int // n-grams in memory
	buffer  []gram
	runs    [][]string // by how often they were merged
	files   int
}

// newSorter keeps memory bytes of n-grams before it writes to files in dir, which the caller removes.
func newSorter(dir string, order int, sorting ordering, sum bool, memory int64) *sorter {
	return &sorter{dir: dir, order: order, sorting: sorting, sum: sum, limit: int(max(memory/gramBytes, 1024))}
}

func (s *sorter) add(g *gram) error {
	if len(s.buffer) == s.limit {
		s.tidy()
		// Many equal n-grams may have left room; too little of it would mean to sort again and again.
		if len(s.buffer) > s.limit/2 {
			if err := s.spill(); err != nil {
				return err
			}
		}
	}
	if len(s.buffer) == cap(s.buffer) { // append would double, and may pass the limit
		s.buffer = slices.Grow(s.buffer, min(max(1024, len(s.buffer)), s.limit-len(s.buffer)))
	}
	s.buffer = append(s.buffer, *g)
	return nil
}

// tidy sorts the buffer and merges equal n-grams in it.
func (s *sorter) tidy() {
	slices.SortFunc(s.buffer, func(g, h gram) int { return s.sorting.compare(&g, &h, s.order) })
	if !s.sum || len(s.buffer) == 0 {
		return
	}
	n := 0
	for i := 1; i < len(s.buffer); i++ {
		if s.buffer[i].words == s.buffer[n].words {
			s.buffer[n].a += s.buffer[i].a
		} else {
			n++
			s.buffer[n] = s.buffer[i]
		}
	}
	s.buffer = s.buffer[:n+1]
}

// spill writes the sorted buffer as a run, and merges runs when there are many.
func (s *sorter) spill() error {
	from := s.buffer
	run, err := s.write(func() (*gram, error) {
		if len(from) == 0 {
			return nil, io.EOF
		}
		g := &from[0]
		from = from[1:]
		return g, nil
	})
	if err != nil {
		return err
	}
	s.buffer = s.buffer[:0]
	for level := 0; ; level++ {
		if level == len(s.runs) {
			s.runs = append(s.runs, nil)
		}
		s.runs[level] = append(s.runs[level], run)
		if len(s.runs[level]) < mergeWidth {
			return nil
		}
		if run, err = s.mergeToFile(s.runs[level]); err != nil {
			return err
		}
		s.runs[level] = nil
	}
}

func (s *sorter) mergeToFile(runs []string) (string, error) {
	m, err := s.merge(runs)
	if err != nil {
		return "", err
	}
	defer m.close()
	run, err := s.write(m.next)
	if err != nil {
		return "", err
	}
	for _, old := range runs {
		os.Remove(old)
	}
	return run, nil
}

// write writes what next gives to a new file.
func (s *sorter) write(next func() (*gram, error)) (string, error) {
	s.files++
	path := fmt.Sprintf("%s/%d-%p-%d", s.dir, s.order, s, s.files)
	w, err := newGramWriter(path, s.order)
	if err != nil {
		return "", err
	}
	for {
		g, err := next()
		if err == io.EOF {
			return path, w.close()
		}
		if err == nil {
			err = w.write(g)
		}
		if err != nil {
			return "", errors.Join(err, w.close())
		}
	}
}

// sorted ends the input and returns all in order. What is on disk is removed with the folder.
func (s *sorter) sorted() (*merger, error) {
	s.tidy()
	var runs []string
	for _, level := range s.runs {
		runs = append(runs, level...)
	}
	for len(runs) > mergeWidth {
		run, err := s.mergeToFile(runs[:mergeWidth])
		if err != nil {
			return nil, err
		}
		runs = append(runs[mergeWidth:], run)
	}
	m, err := s.merge(runs)
	if err != nil {
		return nil, err
	}
	if len(s.buffer) > 0 {
		m.push(&source{memory: s.buffer})
	}
	return m, nil
}

// gramWriter writes n-grams of one order to a file.
type gramWriter struct {
	f     *os.File
	out   *bufio.Writer
	order int
	raw   [gramBytes]byte
}

func newGramWriter(path string, order int) (*gramWriter, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return &gramWriter{f: f, out: bufio.NewWriterSize(f, 256<<10), order: order}, nil
}

func (w *gramWriter) write(g *gram) error {
	b := w.raw[:0]
	for _, x := range g.words[:w.order] {
		b = binary.LittleEndian.AppendUint32(b, uint32(x))
	}
	b = binary.LittleEndian.AppendUint64(b, g.a)
	b = binary.LittleEndian.AppendUint64(b, g.b)
	_, err := w.out.Write(b)
	return err
}

func (w *gramWriter) close() error { return errors.Join(w.out.Flush(), w.f.Close()) }

// source is one sorted sequence of a merger, in memory or in a file.
type source struct {
	memory []gram
	f      *os.File
	in     *bufio.Reader
	order  int
	now    gram
	raw    [gramBytes]byte
}

func openRun(path string, order int) (*source, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &source{f: f, in: bufio.NewReaderSize(f, 128<<10), order: order}, nil
}

// next moves to the next n-gram; io.EOF ends the sequence.
func (s *source) next() error {
	if s.f == nil {
		if len(s.memory) == 0 {
			return io.EOF
		}
		s.now, s.memory = s.memory[0], s.memory[1:]
		return nil
	}
	b := s.raw[:4*s.order+16]
	if _, err := io.ReadFull(s.in, b); err != nil {
		return err
	}
	for i := range s.order {
		s.now.words[i] = WordID(binary.LittleEndian.Uint32(b[4*i:]))
	}
	s.now.a, s.now.b = binary.LittleEndian.Uint64(b[4*s.order:]), binary.LittleEndian.Uint64(b[4*s.order+8:])
	return nil
}

func (s *source) close() {
	if s.f != nil {
		s.f.Close()
	}
}

// merger gives the n-grams of several sorted sequences in order.
type merger struct {
	order   int
	sorting ordering
	sum     bool
	heads   []*source // a heap by what they are at
	all     []*source
	out     gram
	err     error
}

func (s *sorter) merge(runs []string) (*merger, error) {
	m := &merger{order: s.order, sorting: s.sorting, sum: s.sum}
	for _, path := range runs {
		src, err := openRun(path, s.order)
		if err != nil {
			m.close()
			return nil, err
		}
		m.push(src)
	}
	return m, m.err
}

// push adds a sequence that has not begun.
func (m *merger) push(s *source) {
	m.all = append(m.all, s)
	switch err := s.next(); err {
	case nil:
		m.heads = append(m.heads, s)
		for i := len(m.heads) - 1; i > 0 && m.less(i, (i-1)/2); i = (i - 1) / 2 {
			m.heads[i], m.heads[(i-1)/2] = m.heads[(i-1)/2], m.heads[i]
		}
	case io.EOF:
	default:
		m.err = err
	}
}

func (m *merger) less(i, j int) bool {
	return m.sorting.compare(&m.heads[i].now, &m.heads[j].now, m.order) < 0
}

// advance moves the first sequence on.
func (m *merger) advance() error {
	switch err := m.heads[0].next(); err {
	case nil:
	case io.EOF:
		last := len(m.heads) - 1
		m.heads[0] = m.heads[last]
		m.heads = m.heads[:last]
	default:
		return err
	}
	for i := 0; ; {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(m.heads); c++ {
			if m.less(c, least) {
				least = c
			}
		}
		if least == i {
			return nil
		}
		m.heads[i], m.heads[least] = m.heads[least], m.heads[i]
		i = least
	}
}

// next returns the next n-gram, valid until the call after it, or io.EOF.
func (m *merger) next() (*gram, error) {
	if m.err != nil {
		return nil, m.err
	}
	if len(m.heads) == 0 {
		return nil, io.EOF
	}
	m.out = m.heads[0].now
	if m.err = m.advance(); m.err != nil {
		return nil, m.err
	}
	for m.sum && len(m.heads) > 0 && m.heads[0].now.words == m.out.words {
		m.out.a += m.heads[0].now.a
		if m.err = m.advance(); m.err != nil {
			return nil, m.err
		}
	}
	return &m.out, nil
}

func (m *merger) close() {
	for _, s := range m.all {
		s.close()
	}
}
