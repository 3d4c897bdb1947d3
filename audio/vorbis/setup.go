package vorbis

import (
	"fmt"
	"math/bits"
)

// Bounds on the tables of a setup header. Those of libvorbis stay below a twentieth of each.
const (
	maxDimensions = 64      // of a codebook
	maxEntries    = 1 << 18 // of all codebooks
	maxValues     = 1 << 21 // entries times dimensions of all codebooks
)

// setup is what the setup header describes.
type setup struct {
	books    []codebook
	floors   []floor
	residues []residue
	mappings []mapping
	modes    []mode
	modeBits uint
}

// mapping says which channels are coupled, and which floor and residue each submap uses.
type mapping struct {
	coupling []coupling
	mux      []uint8 // submap of each channel
	floor    []int   // by submap
	residue  []int   // by submap
}

type coupling struct{ magnitude, angle int }

type mode struct {
	long    bool
	mapping int
}

// setupReader reads a setup header. The first fault stays, and ends every loop.
type setupReader struct {
	bits     bitReader
	setup    setup
	channels int
	entries  int // of all codebooks so far
	values   int
	err      error
}

// parseSetup reads the header of section 4.2.4.
func parseSetup(header []byte, channels int) (setup, error) {
	if len(header) < 7 || string(header[:7]) != "\x05vorbis" {
		return setup{}, fmt.Errorf("%d bytes that do not begin with its name: %w", len(header), ErrCorrupt)
	}
	r := &setupReader{bits: bitReader{data: header[7:]}, channels: channels}
	s := &r.setup
	for range r.count(8) {
		s.books = append(s.books, r.codebook())
	}
	for range r.count(6) {
		r.want(16, 0, "a time domain transform")
	}
	for range r.count(6) {
		s.floors = append(s.floors, r.floor())
	}
	for range r.count(6) {
		s.residues = append(s.residues, r.residue())
	}
	for range r.count(6) {
		s.mappings = append(s.mappings, r.mapping())
	}
	for range r.count(6) {
		m := mode{long: r.read(1) == 1}
		r.want(16, 0, "a window type")
		r.want(16, 0, "a transform type")
		m.mapping = r.below(8, len(s.mappings), "mapping")
		s.modes = append(s.modes, m)
	}
	r.want(1, 1, "a framing bit")
	s.modeBits = uint(bits.Len(uint(len(s.modes) - 1)))
	return *s, r.err
}

func (r *setupReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format+": %w", append(args, ErrCorrupt)...)
	}
}

// read returns the next n bits, 0 after a fault.
func (r *setupReader) read(n uint) int {
	if r.err != nil {
		return 0
	}
	v := int(r.bits.read(n))
	if r.bits.over {
		r.fail("%d bytes, more are needed", len(r.bits.data))
		return 0
	}
	return v
}

// count reads a number of n bits that is stored minus 1. It is 0 after a fault, so that there is nothing to go through.
func (r *setupReader) count(n uint) int {
	v := r.read(n)
	if r.err != nil {
		return 0
	}
	return v + 1
}

// want reads n bits that may only have one value.
func (r *setupReader) want(n uint, value int, what string) {
	if got := r.read(n); got != value {
		r.fail("%s of %d, want %d", what, got, value)
	}
}

// below reads an index of n bits into a table of count.
func (r *setupReader) below(n uint, count int, what string) int {
	i := r.read(n)
	if i >= count {
		r.fail("%s %d of %d", what, i, count)
		return 0
	}
	return i
}

// codebook reads one codebook (section 3.2.1).
func (r *setupReader) codebook() (b codebook) {
	r.want(24, 0x564342, "a codebook mark")
	b.dimensions = r.read(16)
	entries := r.read(24)
	r.entries += entries
	r.values += entries * b.dimensions
	switch {
	case r.err != nil:
		return b
	case b.dimensions == 0 || b.dimensions > maxDimensions || entries == 0:
		r.fail("a codebook of %d entries of %d dimensions", entries, b.dimensions)
	case r.entries > maxEntries || r.values > maxValues:
		r.fail("codebooks of %d entries and %d values, which no encoder makes", r.entries, r.values)
	}
	lengths := r.lengths(entries)
	if r.err != nil {
		return b
	}
	if r.err = b.setCode(lengths); r.err != nil {
		return b
	}
	l := lattice{kind: r.read(4)}
	if l.kind == 0 {
		return b
	}
	l.minimum, l.delta = unpackFloat(uint32(r.read(32))), unpackFloat(uint32(r.read(32)))
	width := uint(r.read(4) + 1)
	l.sequential = r.read(1) == 1
	n := entries * b.dimensions
	switch l.kind {
	case 1:
		n = latticeSide(entries, b.dimensions)
	case 2:
	default:
		r.fail("a codebook lookup of type %d", l.kind)
	}
	if n*int(width) > r.bits.left() {
		r.fail("%d bytes, more are needed", len(r.bits.data))
	}
	if r.err != nil {
		return b
	}
	l.multiplicands = make([]uint16, n)
	for i := range l.multiplicands {
		l.multiplicands[i] = uint16(r.read(width))
	}
	b.setValues(entries, l)
	return b
}

// lengths reads the lengths of the codewords, 0 for entries without one.
func (r *setupReader) lengths(entries int) []uint8 {
	lengths := make([]uint8, 0, min(entries, maxEntries))
	if r.read(1) == 1 { // in ascending order: how many have each
		for length := r.read(5) + 1; len(lengths) < entries && r.err == nil; length++ {
			n := r.read(uint(bits.Len(uint(entries - len(lengths)))))
			if length > 32 || n > entries-len(lengths) {
				r.fail("a codebook of %d entries with %d more than %d codewords of %d bits", entries, n, len(lengths), length)
				return nil
			}
			for range n {
				lengths = append(lengths, uint8(length))
			}
		}
		return lengths
	}
	sparse := r.read(1) == 1
	for len(lengths) < entries && r.err == nil {
		length := 0
		if !sparse || r.read(1) == 1 {
			length = r.read(5) + 1
		}
		lengths = append(lengths, uint8(length))
	}
	return lengths
}

// book reads the number of a codebook of 8 bits.
func (r *setupReader) book(what string) int { return r.below(8, len(r.setup.books), what) }

// floor reads one floor (section 7.2.2).
func (r *setupReader) floor() (f floor) {
	switch kind := r.read(16); {
	case r.err != nil:
		return f
	case kind == 0:
		r.err = fmt.Errorf("floor curves of type 0, which encoders stopped writing in 2002: %w", ErrUnsupported)
		return f
	case kind != 1:
		r.fail("a floor of type %d", kind)
		return f
	}
	f.partitions = make([]uint8, r.read(5))
	classes := 0
	for i := range f.partitions {
		f.partitions[i] = uint8(r.read(4))
		classes = max(classes, int(f.partitions[i])+1)
	}
	for range classes {
		c := floorClass{dimensions: r.read(3) + 1, subBits: uint(r.read(2))}
		if c.subBits > 0 {
			c.master = r.book("master book")
		}
		for range 1 << c.subBits {
			book := r.read(8) - 1
			if book >= len(r.setup.books) {
				r.fail("book %d of %d", book, len(r.setup.books))
			}
			c.books = append(c.books, book)
		}
		f.classes = append(f.classes, c)
	}
	f.multiplier = r.read(2) + 1
	width := uint(r.read(4))
	xs := []int{0, 1 << width}
	for _, class := range f.partitions {
		for range f.classes[class].dimensions {
			xs = append(xs, r.read(width))
		}
	}
	seen := map[int]bool{}
	for _, x := range xs {
		if seen[x] {
			r.fail("a floor with two points at %d", x)
		}
		seen[x] = true
	}
	if r.err == nil {
		f.setPoints(xs)
	}
	return f
}

// residue reads one residue (section 8.6.1).
func (r *setupReader) residue() (x residue) {
	if x.kind = r.read(16); x.kind > 2 {
		r.fail("a residue of type %d", x.kind)
	}
	x.begin, x.end, x.size = r.read(24), r.read(24), r.read(24)+1
	x.classes = r.read(6) + 1
	x.classBook = r.book("class book")
	passes := make([]int, x.classes)
	for i := range passes {
		passes[i] = r.read(3)
		if r.read(1) == 1 {
			passes[i] |= r.read(5) << 3
		}
	}
	for _, set := range passes {
		books := [8]int{-1, -1, -1, -1, -1, -1, -1, -1}
		for pass := range books {
			if set>>pass&1 == 0 || r.err != nil {
				continue
			}
			books[pass] = r.book("book")
			if r.err == nil && r.setup.books[books[pass]].values == nil {
				r.fail("a residue that uses book %d, which has no vectors", books[pass])
			}
		}
		x.books = append(x.books, books)
	}
	if x.end < x.begin {
		r.fail("a residue from %d to %d", x.begin, x.end)
	}
	return x
}

// mapping reads one mapping.
func (r *setupReader) mapping() (m mapping) {
	r.want(16, 0, "a mapping type")
	submaps := 1
	if r.read(1) == 1 {
		submaps = r.read(4) + 1
	}
	if r.read(1) == 1 {
		width := uint(bits.Len(uint(r.channels - 1)))
		for range r.count(8) {
			c := coupling{r.below(width, r.channels, "channel"), r.below(width, r.channels, "channel")}
			if c.magnitude == c.angle {
				r.fail("channel %d coupled to itself", c.angle)
			}
			m.coupling = append(m.coupling, c)
		}
	}
	r.want(2, 0, "reserved bits")
	m.mux = make([]uint8, r.channels)
	if submaps > 1 {
		for c := range m.mux {
			m.mux[c] = uint8(r.below(4, submaps, "submap"))
		}
	}
	for range submaps {
		r.read(8)
		m.floor = append(m.floor, r.below(8, len(r.setup.floors), "floor"))
		m.residue = append(m.residue, r.below(8, len(r.setup.residues), "residue"))
	}
	return m
}
