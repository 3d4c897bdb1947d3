package lm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"aural/internal/mapfile"
)

// The parts of a binary file of KenLM, format version 5, 64 bits, little-endian.
const (
	kenVersion    = 5
	kenSanity     = 88 // the magic and the test values
	kenFixed      = 20 // order, multiplier, type, has words, version of the search
	kenVocabEntry = 12 // hash u64, word u32
	kenMiddle     = 16 // key u64, probability, backoff
	kenLongest    = 12 // key u64, probability
)

// kenTypes are KenLM's names of the types of its files.
var kenTypes = []string{"probing", "rest-probing", "trie", "quantized trie", "array-compressed trie", "quantized array-compressed trie"}

// hashed answers queries from a probing file of KenLM: hash tables whose keys mix the numbers of the words, the newest first. A key that
// meets another n-gram's by chance, 1 in 2^64, is not noticed, in KenLM as here.
type hashed struct {
	sizes    []int
	unigrams []byte
	middle   []table
	longest  table
	mapping  mapfile.Mapping
}

// table is a hash table with linear probing; the key 0 marks what is empty.
type table struct {
	data    []byte
	entry   uint64
	buckets uint64
}

// find returns the entry of a key, or nil.
func (t *table) find(key uint64) []byte {
	i := key % t.buckets
	for range t.buckets { // at most once around, even if a damaged file has no empty place
		e := t.data[i*t.entry : (i+1)*t.entry]
		switch binary.LittleEndian.Uint64(e) {
		case key:
			return e
		case 0:
			return nil
		}
		if i++; i == t.buckets {
			i = 0
		}
	}
	return nil
}

// combine extends a key by an older word.
func combine(key uint64, w WordID) uint64 {
	return key*8978948897894561157 ^ (1+uint64(w))*17894857484156487943
}

func float(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }

// extends reports whether an n-gram may be a context: its backoff is not -0, which marks those that are not.
func extends(backoff float32) bool { return math.Float32bits(backoff) != 1<<31 }

// negative sets the sign, which KenLM uses as a mark in probabilities.
func negative(p float32) float32 { return math.Float32frombits(math.Float32bits(p) | 1<<31) }

func (h *hashed) score(s State, w WordID) (float32, State) {
	var next State
	next.words[0] = w
	e := h.unigrams[8*int(w):]
	p, back := float(e), float(e[4:])
	matched, keep := 1, 0
	if extends(back) {
		keep = 1
	}
	key := uint64(w)
	for i := 0; i < int(s.node); i++ {
		if math.Float32bits(p)>>31 == 1 { // the sign says that no longer n-gram ends in this one
			break
		}
		key = combine(key, s.words[i])
		if i == len(h.middle) {
			if e := h.longest.find(key); e != nil {
				p, matched = float(e[8:]), i+2
			}
			break
		}
		e := h.middle[i].find(key)
		if e == nil {
			break
		}
		p, back, matched = float(e[8:]), float(e[12:]), i+2
		next.words[i+1] = s.words[i]
		if extends(back) {
			keep = i + 2
		}
	}
	p = negative(p)
	for k := matched; k <= int(s.node); k++ {
		p += h.backoff(s.words[:k])
	}
	next.node = uint32(keep)
	for i := keep; i < len(next.words); i++ {
		next.words[i] = 0
	}
	return p, next
}

// backoff looks up the backoff of a context.
func (h *hashed) backoff(words []WordID) float32 {
	if len(words) == 1 {
		return float(h.unigrams[8*int(words[0])+4:])
	}
	key := uint64(words[0])
	for _, w := range words[1:] {
		key = combine(key, w)
	}
	if e := h.middle[len(words)-2].find(key); e != nil {
		return float(e[12:])
	}
	return 0
}

func (h *hashed) counts() []int { return h.sizes }

func (h *hashed) close() error {
	return h.mapping.Close()
}

func openKenLM(path string) (*Model, error) {
	mapping, err := mapfile.Open(path)
	if err != nil {
		return nil, err
	}
	m, err := parseKenLM(mapping.Data)
	if err != nil {
		return nil, errors.Join(err, mapping.Close())
	}
	m.grams.(*hashed).mapping = mapping
	return m, nil
}

// kenHeader checks what stands before the vocabulary and returns its length, the n-grams of each order, and the multiplier of the tables.
func kenHeader(data []byte) (size uint64, counts []uint64, multiplier float32, err error) {
	const advice = "use the ARPA file that it was made from"
	version, _, _ := strings.Cut(string(data[len(kenMagic):min(len(data), len(kenMagic)+8)]), "\n")
	if n, err := strconv.Atoi(strings.TrimSpace(version)); err != nil || n != kenVersion {
		return 0, nil, 0, fmt.Errorf("KenLM binary file of version %q, only %d is read: %s", strings.TrimSpace(version), kenVersion, advice)
	}
	if len(data) < kenSanity+kenFixed {
		return 0, nil, 0, errors.New("the KenLM binary file is cut short")
	}
	sanity := data[56:kenSanity]
	if float(sanity) != 0 || float(sanity[4:]) != 1 || float(sanity[8:]) != -0.5 || binary.LittleEndian.Uint64(sanity[24:]) != 1 {
		return 0, nil, 0, errors.New("the KenLM binary file was made on a machine of another kind: " + advice)
	}
	fixed := data[kenSanity:]
	order, multiplier, kind := int(fixed[0]), float(fixed[4:]), binary.LittleEndian.Uint32(fixed[8:])
	switch {
	case int(kind) >= len(kenTypes):
		return 0, nil, 0, fmt.Errorf("KenLM binary file of the unknown type %d: %s", kind, advice)
	case kind != 0:
		return 0, nil, 0, fmt.Errorf("KenLM binary file of the type %s: only probing is read: %s", kenTypes[kind], advice)
	case order < 2 || order > MaxOrder:
		return 0, nil, 0, fmt.Errorf("the KenLM binary file has n-grams of %d words: 2 to %d are read", order, MaxOrder)
	case !(multiplier >= 1 && multiplier < 1000):
		return 0, nil, 0, fmt.Errorf("the KenLM binary file has a multiplier of %v", multiplier)
	case fixed[12] != 1:
		return 0, nil, 0, errors.New("the KenLM binary file has no words at its end: " + advice)
	case binary.LittleEndian.Uint32(fixed[16:]) != 0:
		return 0, nil, 0, fmt.Errorf("KenLM probing file of version %d, only 0 is read: %s", binary.LittleEndian.Uint32(fixed[16:]), advice)
	}
	size = kenSanity + kenFixed + 8*uint64(order)
	size += padding(size)
	if uint64(len(data)) < size {
		return 0, nil, 0, errors.New("the KenLM binary file is cut short")
	}
	for k := range order {
		n := binary.LittleEndian.Uint64(fixed[kenFixed+8*k:])
		if n > maxGrams {
			return 0, nil, 0, fmt.Errorf("the KenLM binary file says it has %d %d-grams", n, k+1)
		}
		counts = append(counts, n)
	}
	return size, counts, multiplier, nil
}

// parseKenLM lays the tables of a probing file over data.
func parseKenLM(data []byte) (*Model, error) {
	size, counts, multiplier, err := kenHeader(data)
	if err != nil {
		return nil, err
	}
	rest, short := data[size:], false
	take := func(n uint64) []byte {
		if n > uint64(len(rest)) {
			short = true
			return nil
		}
		part := rest[:n]
		rest = rest[n:]
		return part
	}
	tableOf := func(n, entry uint64) table {
		buckets := max(n+1, uint64(multiplier*float32(n)))
		return table{data: take(buckets * entry), entry: entry, buckets: buckets}
	}
	h := &hashed{}
	for _, n := range counts {
		h.sizes = append(h.sizes, int(n))
	}
	head := take(8) // version and number of words
	tableOf(counts[0], kenVocabEntry)
	h.unigrams = take(8 * (counts[0] + 1))
	for _, n := range counts[1 : len(counts)-1] {
		h.middle = append(h.middle, tableOf(n, kenMiddle))
	}
	h.longest = tableOf(counts[len(counts)-1], kenLongest)
	if short {
		return nil, fmt.Errorf("the KenLM binary file of %d bytes is shorter than its header says: it was cut short", len(data))
	}
	words := int(binary.LittleEndian.Uint32(head[4:]))
	if version := binary.LittleEndian.Uint32(head); version != 0 {
		return nil, fmt.Errorf("the vocabulary of the KenLM binary file has version %d, only 0 is read: use the ARPA file", version)
	}
	if words > h.sizes[0]+1 || words != bytes.Count(rest, []byte{0}) || !bytes.HasSuffix(rest, []byte{0}) {
		return nil, fmt.Errorf("the KenLM binary file has not the %d words at its end that its header says", words)
	}
	v := newVocabulary()
	for i, word := range strings.Split(strings.TrimSuffix(string(rest), "\x00"), "\x00") {
		if i == 0 && word == unknownWord {
			continue
		}
		if _, fresh := v.add(word); !fresh || i == 0 {
			return nil, fmt.Errorf("the word %d of the KenLM binary file is %q: there twice, or not where it must be", i, word)
		}
	}
	if err := v.complete(); err != nil {
		return nil, err
	}
	return newModel(v, h, "KenLM probing"), nil
}
