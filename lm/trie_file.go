package lm

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"

	"aural/internal/mapfile"
)

// trieVersion is the version of the format, which docs/FORMATS.md describes.
const trieVersion = 1

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// trieHeader is the beginning of a trie file, little-endian.
type trieHeader struct {
	Magic      [8]byte
	Version    uint32
	Order      uint32
	Bits       uint32 // of a value; 0: float32
	_          uint32
	Counts     [MaxOrder]uint64
	VocabBytes uint64
	Books      [MaxOrder][2]uint32 // values in the tables of probabilities and backoffs
}

// WriteTrie writes a model in the format of this package, which Open maps into memory.
func (m *Model) WriteTrie(w io.Writer) error {
	t, ok := m.grams.(*trie)
	if !ok {
		return fmt.Errorf("a model in the format %s holds hashes of its n-grams and cannot be written in another one: use the ARPA file that it was made from", m.Source)
	}
	h := trieHeader{Version: trieVersion, Order: uint32(len(t.levels)), Bits: uint32(t.bits)}
	copy(h.Magic[:], trieMagic)
	for k := range t.levels {
		l := &t.levels[k]
		h.Counts[k], h.Books[k] = uint64(l.n), [2]uint32{uint32(len(l.probs)), uint32(len(l.backs))}
	}
	for _, word := range m.words {
		h.VocabBytes += uint64(len(word)) + 1
	}
	sum := crc32.New(castagnoli)
	out := bufio.NewWriterSize(io.MultiWriter(w, sum), 256<<10)
	if err := binary.Write(out, binary.LittleEndian, &h); err != nil {
		return err
	}
	for _, word := range m.words {
		out.WriteString(word)
		out.WriteByte('\n')
	}
	out.Write(make([]byte, padding(h.VocabBytes)))
	for k := range t.levels {
		l := &t.levels[k]
		for _, book := range [][]float32{l.probs, l.backs} {
			if err := binary.Write(out, binary.LittleEndian, book); err != nil {
				return err
			}
		}
		n := uint64(4 * (len(l.probs) + len(l.backs)))
		out.Write(make([]byte, padding(n)))
	}
	for k := range t.levels {
		l := &t.levels[k]
		n := l.bytes(k+1 == len(t.levels))
		out.Write(l.data[:n])
		out.Write(make([]byte, padding(n)))
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return binary.Write(w, binary.LittleEndian, sum.Sum32())
}

// padding is what brings n bytes to a multiple of 8.
func padding(n uint64) uint64 { return -n & 7 }

func openTrie(path string) (*Model, error) {
	mapping, err := mapfile.Open(path)
	if err != nil {
		return nil, err
	}
	m, err := parseTrie(mapping.Data)
	if err != nil {
		return nil, errors.Join(err, mapping.Close())
	}
	m.grams.(*trie).mapping = mapping
	return m, nil
}

// parseTrie checks a file and returns the model, whose records stay in data.
func parseTrie(data []byte) (*Model, error) {
	var h trieHeader
	size := binary.Size(h)
	if len(data) < size+4 {
		return nil, errors.New("the trie file is cut short")
	}
	if err := binary.Read(bytes.NewReader(data), binary.LittleEndian, &h); err != nil {
		return nil, err
	}
	if h.Version != trieVersion {
		return nil, fmt.Errorf("trie file of version %d, this program reads %d: make it again from its ARPA file", h.Version, trieVersion)
	}
	t, err := h.levels()
	if err != nil {
		return nil, err
	}
	rest := data[size : len(data)-4]
	take := func(n uint64) []byte {
		n += padding(n)
		if rest == nil || uint64(len(rest)) < n {
			rest = nil
			return nil
		}
		part := rest[:n]
		rest = rest[n:]
		return part
	}
	words := take(h.VocabBytes)
	var books [][]byte
	for k := range t.levels {
		books = append(books, take(4*(uint64(h.Books[k][0])+uint64(h.Books[k][1]))))
	}
	for k := range t.levels {
		t.levels[k].data = take(t.levels[k].bytes(k+1 == len(t.levels)))
	}
	if rest == nil || len(rest) != 0 {
		return nil, fmt.Errorf("the trie file has %d bytes, not those that its header says: it was cut short or damaged", len(data))
	}
	if sum := crc32.Checksum(data[:len(data)-4], castagnoli); sum != binary.LittleEndian.Uint32(data[len(data)-4:]) {
		return nil, errors.New("the checksum of the trie file is wrong: it was damaged, make it again")
	}
	for k := range t.levels {
		l := &t.levels[k]
		l.probs, l.backs = floats(books[k], h.Books[k][0]), floats(books[k][4*h.Books[k][0]:], h.Books[k][1])
	}
	v, err := parseWords(words[:h.VocabBytes], t.levels[0].n)
	if err != nil {
		return nil, err
	}
	if err := t.check(); err != nil {
		return nil, fmt.Errorf("the trie file holds nonsense: %w", err)
	}
	return newModel(v, t, "trie"), nil
}

// levels checks the sizes in a header and lays out the records.
func (h *trieHeader) levels() (*trie, error) {
	if h.Order < 1 || h.Order > MaxOrder {
		return nil, fmt.Errorf("the trie file has n-grams of %d words: want 1 to %d", h.Order, MaxOrder)
	}
	if h.Bits != 0 && (h.Bits < MinQuantBits || h.Bits > MaxQuantBits) {
		return nil, fmt.Errorf("the trie file has values of %d bits", h.Bits)
	}
	t := &trie{levels: make([]level, h.Order), bits: int(h.Bits)}
	total := uint64(0)
	for k, n := range h.Counts {
		if n > maxGrams || k >= int(h.Order) && n != 0 || k == 0 && n < 3 {
			return nil, fmt.Errorf("the trie file says it has %d %d-grams", n, k+1)
		}
		if total += n; k < int(h.Order) {
			t.levels[k].n = int(n)
		}
		for side, size := range h.Books[k] {
			allowed := h.Bits != 0 && k > 0 && (k+1 < int(h.Order) || side == 0 && k+1 == int(h.Order))
			if size > 1<<h.Bits || !allowed && size != 0 {
				return nil, fmt.Errorf("the trie file has a table of %d values for %d-grams", size, k+1)
			}
		}
	}
	if total > maxGrams {
		return nil, fmt.Errorf("the trie file says it has %d n-grams", total)
	}
	t.number()
	for k := range t.levels {
		children, width := 0, 32
		if k+1 < len(t.levels) {
			children = t.levels[k+1].n
		}
		if k > 0 && h.Bits != 0 {
			width = int(h.Bits)
		}
		t.levels[k].layout(k+1, len(t.levels), t.levels[0].n, t.base[k+1], children, width)
	}
	return t, nil
}

func floats(data []byte, n uint32) []float32 {
	if n == 0 {
		return nil
	}
	out := make([]float32, n)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return out
}

// parseWords reads words that end in newlines.
func parseWords(data []byte, n int) (vocabulary, error) {
	if bytes.Count(data, []byte("\n")) != n || data[len(data)-1] != '\n' {
		return vocabulary{}, fmt.Errorf("the vocabulary has not the %d words that the header says", n)
	}
	all := string(data)
	v := vocabulary{words: make([]string, 0, n), ids: make(map[string]WordID, n)}
	for len(all) > 0 {
		i := 0
		for all[i] != '\n' {
			if separator(all[i]) {
				return v, fmt.Errorf("the word %d of the vocabulary has a blank", len(v.words))
			}
			i++
		}
		if _, fresh := v.add(all[:i]); !fresh || i == 0 {
			return v, fmt.Errorf("the word %q is there twice or empty", all[:i])
		}
		all = all[i+1:]
	}
	if v.words[0] != unknownWord {
		return v, fmt.Errorf("the first word is %q, not %s", v.words[0], unknownWord)
	}
	return v, v.complete()
}

// check makes sure that no query can leave the records or go round in circles, whatever the file says.
func (t *trie) check() error {
	for k := 1; k <= len(t.levels); k++ {
		l, top := &t.levels[k-1], k == len(t.levels)
		for i := range l.n {
			if err := t.checkRecord(k, i, top); err != nil {
				return fmt.Errorf("record %d of the %d-grams: %w", i, k, err)
			}
		}
		if top {
			break
		}
		above := &t.levels[k]
		if l.get(0, l.first) != 0 || int(l.get(l.n, l.first)) != above.n {
			return fmt.Errorf("the %d-grams do not continue all %d-grams", k+1, k)
		}
		for i := range l.n {
			lo, hi := l.get(i, l.first), l.get(i+1, l.first)
			if lo > hi || int(hi) > above.n {
				return fmt.Errorf("the %d-grams that continue record %d end before they begin", k+1, i)
			}
			for j := lo + 1; j < hi; j++ {
				if above.get(int(j-1), above.word) >= above.get(int(j), above.word) {
					return fmt.Errorf("records %d and %d of the %d-grams are not in order", j-1, j, k+1)
				}
			}
		}
	}
	return nil
}

func (t *trie) checkRecord(k, i int, top bool) error {
	l := &t.levels[k-1]
	if k > 1 && t.bits != 0 && (int(l.get(i, l.prob)) >= len(l.probs) || !top && int(l.get(i, l.back)) >= len(l.backs)) {
		return errors.New("a code without a value")
	}
	if p := l.probability(i); !(p <= 0) || math.IsInf(float64(p), 0) {
		return fmt.Errorf("the log10 probability %v", p)
	}
	if !top {
		if b := float64(l.backoff(i)); math.IsNaN(b) || math.IsInf(b, 0) {
			return fmt.Errorf("the log10 backoff %v", b)
		}
	}
	if k > 1 && int(l.get(i, l.word)) >= t.levels[0].n {
		return errors.New("a word that is not in the vocabulary")
	}
	if k > 1 && l.get(i, l.link) >= t.base[k] {
		return errors.New("a link that does not lead to a shorter context")
	}
	return nil
}
