package audio

import (
	"fmt"
	"math/bits"
)

// The Vorbis library builds the tables of a setup header as the header claims them. It loops for ever over a code that is
// not complete and allocates gigabytes for a few bytes. checkVorbisSetup reads the header first (Vorbis I specification
// section 4.2.4) and lets only such tables through that the specification allows and encoders make.

// Bounds on tables. libvorbis' own set-ups stay below a twentieth of each.
const (
	vorbisMaxDimensions = 64      // of a codebook
	vorbisMaxEntries    = 1 << 18 // of all codebooks
	vorbisMaxValues     = 1 << 21 // entries times dimensions of all codebooks
)

// vorbisSetup reads a setup header. The first fault stays.
type vorbisSetup struct {
	data     []byte
	at       int // in bits
	channels int
	books    int
	entries  int // of all codebooks
	values   int // of all codebooks
	floors   int
	residues int
	mappings int
	err      error
}

// checkVorbisSetup checks a setup header behind its name.
func checkVorbisSetup(header []byte, channels int) error {
	s := &vorbisSetup{data: header, channels: channels}
	s.books = s.each(8, s.codebook)
	s.each(6, func() { s.want(16, 0, "a time domain transform") })
	s.floors = s.each(6, s.floor)
	s.residues = s.each(6, s.residue)
	s.mappings = s.each(6, s.mapping)
	s.each(6, func() {
		s.read(1)
		s.want(16, 0, "a window type")
		s.want(16, 0, "a transform type")
		s.below(8, s.mappings, "mapping")
	})
	s.want(1, 1, "a framing bit")
	return s.err
}

func (s *vorbisSetup) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf("vorbis setup header with "+format+": %w", append(args, ErrCorrupt)...)
	}
}

// read returns a number of n bits, least significant first.
func (s *vorbisSetup) read(n int) int {
	if s.at+n > 8*len(s.data) {
		s.fail("%d bytes, more are needed", len(s.data))
	}
	if s.err != nil {
		return 0
	}
	v := 0
	for i := 0; i < n; {
		take := min(n-i, 8-s.at%8)
		v |= int(s.data[s.at/8]) >> (s.at % 8) & (1<<take - 1) << i
		i += take
		s.at += take
	}
	return v
}

// each reads a count minus 1 of n bits and calls f as often.
func (s *vorbisSetup) each(n int, f func()) int {
	count := s.read(n) + 1
	for i := 0; i < count && s.err == nil; i++ {
		f()
	}
	return count
}

// want reads n bits that may only have one value.
func (s *vorbisSetup) want(n, value int, what string) {
	if got := s.read(n); got != value && s.err == nil {
		s.fail("%s of %d", what, got)
	}
}

// below reads an index of n bits into a table of count.
func (s *vorbisSetup) below(n, count int, what string) int {
	i := s.read(n)
	if i >= count {
		s.fail("%s %d of %d", what, i, count)
	}
	return i
}

// codebook checks one codebook (section 3.2.1).
func (s *vorbisSetup) codebook() {
	s.want(24, 0x564342, "a codebook mark")
	dimensions, entries := s.read(16), s.read(24)
	s.entries += entries
	s.values += entries * dimensions
	switch {
	case s.err != nil:
		return
	case dimensions == 0 || dimensions > vorbisMaxDimensions || entries == 0:
		s.fail("a codebook of %d entries of %d values", entries, dimensions)
	case s.entries > vorbisMaxEntries || s.values > vorbisMaxValues:
		s.fail("codebooks of %d entries and %d values: no encoder makes such tables", s.entries, s.values)
	}
	s.codewords(entries)
	kind := s.read(4)
	if kind == 0 || s.err != nil {
		return
	}
	s.read(32)
	s.read(32)
	width := s.read(4) + 1
	s.read(1)
	switch kind {
	case 1:
		s.skip(width, latticeSide(entries, dimensions))
	case 2:
		s.skip(width, entries*dimensions)
	default:
		s.fail("a codebook lookup of type %d", kind)
	}
}

func (s *vorbisSetup) skip(width, count int) {
	if s.at += width * count; s.at > 8*len(s.data) {
		s.fail("%d bytes, more are needed", len(s.data))
	}
}

// latticeSide returns the largest n for which n to the power of dimensions is at most entries.
func latticeSide(entries, dimensions int) int {
	for n := 1; ; n++ {
		power := 1
		for range dimensions {
			if power *= n + 1; power > entries {
				return n
			}
		}
	}
}

// codewords checks that the lengths of the codewords make a complete prefix code.
func (s *vorbisSetup) codewords(entries int) {
	used, full := 0, uint64(0) // full is the part of all 32-bit words that begin with a codeword
	if s.read(1) == 1 {        // the lengths are ordered
		for done, length := 0, s.read(5)+1; done < entries && s.err == nil; length++ {
			n := s.read(bits.Len(uint(entries - done)))
			if done += n; done > entries || length > 32 {
				s.fail("a codebook of %d entries whose lengths go to entry %d and %d bits", entries, done, length)
				return
			}
			used += n
			full += uint64(n) << (32 - length)
		}
	} else {
		sparse := s.read(1) == 1
		for i := 0; i < entries && s.err == nil; i++ {
			if !sparse || s.read(1) == 1 {
				used++
				full += 1 << (32 - (s.read(5) + 1))
			}
		}
	}
	switch {
	case s.err != nil:
	case used == 1:
		s.err = fmt.Errorf("vorbis with a codebook of a single codeword; %s: %w", convertAdvice, ErrUnsupportedFormat)
	case full != 1<<32:
		s.fail("a codebook of %d codewords that is not a complete code", used)
	}
}

// floor checks one floor curve (section 7).
func (s *vorbisSetup) floor() {
	switch kind := s.read(16); {
	case s.err != nil:
		return
	case kind == 0: // the library computes it wrongly
		s.err = fmt.Errorf("vorbis with floor curves of type 0, as beta encoders made them until 2002; %s: %w", convertAdvice, ErrUnsupportedFormat)
		return
	case kind != 1:
		s.fail("a floor of type %d", kind)
		return
	}
	classes := make([]int, s.read(5)) // of the partitions
	highest := -1
	for i := range classes {
		classes[i] = s.read(4)
		highest = max(highest, classes[i])
	}
	dimensions := make([]int, highest+1)
	for i := range dimensions {
		dimensions[i] = s.read(3) + 1
		sub := s.read(2)
		if sub > 0 {
			s.below(8, s.books, "master book")
		}
		for range 1 << sub {
			if book := s.read(8) - 1; book >= s.books {
				s.fail("book %d of %d", book, s.books)
			}
		}
	}
	s.read(2)
	width := s.read(4)
	seen := map[int]bool{0: true, 1 << width: true}
	for _, class := range classes {
		for range dimensions[class] {
			x := s.read(width)
			if seen[x] && s.err == nil {
				s.fail("a floor that has two values at %d", x)
			}
			seen[x] = true
		}
	}
}

// residue checks one residue (section 8.6.1).
func (s *vorbisSetup) residue() {
	if kind := s.read(16); kind > 2 {
		s.fail("a residue of type %d", kind)
	}
	s.read(24)
	s.read(24)
	s.read(24)
	cascades := make([]int, s.read(6)+1)
	s.below(8, s.books, "class book")
	for i := range cascades {
		cascades[i] = s.read(3)
		if s.read(1) == 1 {
			cascades[i] |= s.read(5) << 3
		}
	}
	for _, cascade := range cascades {
		for range bits.OnesCount(uint(cascade)) {
			s.below(8, s.books, "book")
		}
	}
}

// mapping checks one mapping (section 4.2.4).
func (s *vorbisSetup) mapping() {
	s.want(16, 0, "a mapping type")
	submaps := 1
	if s.read(1) == 1 {
		submaps = s.read(4) + 1
	}
	if s.read(1) == 1 {
		width := bits.Len(uint(s.channels - 1))
		s.each(8, func() {
			if a, b := s.below(width, s.channels, "channel"), s.below(width, s.channels, "channel"); a == b {
				s.fail("channel %d coupled to itself", a)
			}
		})
	}
	s.want(2, 0, "reserved bits")
	if submaps > 1 {
		for range s.channels {
			s.below(4, submaps, "submap")
		}
	}
	for range submaps {
		s.read(8)
		s.below(8, s.floors, "floor")
		s.below(8, s.residues, "residue")
	}
}
