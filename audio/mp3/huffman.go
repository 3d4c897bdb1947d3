package mp3

// pairBits is how many bits the first lookup of a pair takes. Most words fit with their signs.
const pairBits = 10

// quadBits is the longest word for four lines with its four signs.
const quadBits = 6 + 4

// A pairEntry is what a lookup finds. With bit 31 clear it is a pair with its signs: the number of bits in bits 0-7 and
// two places in tables.signed in bits 8-15 and 16-23.
// With entryWord it is a word without the signs behind it: the number of bits and two absolute values.
// With entryLink the word is longer than pairBits: bits 0-7 are how many bits more to look up, bits 8-23 where.
type pairEntry uint32

const (
	entryWord pairEntry = 1 << 31
	entryLink pairEntry = 1<<31 | 1<<30
)

// pairTable decodes one of the 32 tables that table_select names. A table without a book, as number 0, codes only zeros.
type pairTable struct {
	first   *[1 << pairBits]pairEntry
	links   []pairEntry
	linbits int // bits that follow the value 15
}

// linbits of the tables that share books 16 and 24.
var (
	linbits16 = [8]int{1, 2, 3, 4, 6, 8, 10, 13}
	linbits24 = [8]int{4, 5, 6, 7, 8, 9, 11, 13}
)

func (t *tables) buildHuffman() {
	for n, book := range pairBooks {
		t.pairs[n].build(book, n >= 16)
	}
	for i := range 8 {
		t.pairs[16+i] = pairTable{t.pairs[16].first, t.pairs[16].links, linbits16[i]}
	}
	for i := range 8 {
		t.pairs[24+i] = pairTable{t.pairs[24].first, t.pairs[24].links, linbits24[i]}
	}
	for i, book := range quadBooks {
		buildQuads(&t.quads[i], book)
	}
}

// build fills the lookup tables from a codebook. With escapes a value of 15 never goes into a direct entry.
func (p *pairTable) build(book []uint16, escapes bool) {
	p.first = new([1 << pairBits]pairEntry)
	code, longest := 0, 0 // code has 32 bits, the word in the high ones
	for _, item := range book {
		longest = max(longest, int(item>>8))
	}
	const unlinked = -1
	link := unlinked
	for _, item := range book {
		length, x, y := int(item>>8), int(item>>4&15), int(item&15)
		at := code >> (32 - pairBits)
		code += 1 << (32 - length)
		if length <= pairBits {
			fillPair(p.first[at:at+1<<(pairBits-length)], length, x, y, escapes)
			continue
		}
		more := longest - pairBits
		if p.first[at] == 0 {
			link = len(p.links)
			p.links = append(p.links, make([]pairEntry, 1<<more)...)
			p.first[at] = entryLink | pairEntry(link)<<8 | pairEntry(more)
		}
		word := entryWord | pairEntry(y)<<16 | pairEntry(x)<<8 | pairEntry(length)
		begin := (code - 1<<(32-length)) >> (32 - longest) & (1<<more - 1)
		for i := range 1 << (longest - length) {
			p.links[link+begin+i] = word
		}
	}
}

// fillPair fills the entries that start with one word. The bits behind the word tell the signs when all of them fit.
func fillPair(entries []pairEntry, length, x, y int, escapes bool) {
	signs, free := min(x, 1)+min(y, 1), pairBits-length
	if signs > free || escapes && (x == 15 || y == 15) {
		for i := range entries {
			entries[i] = entryWord | pairEntry(y)<<16 | pairEntry(x)<<8 | pairEntry(length)
		}
		return
	}
	for i := range entries {
		sx, sy, rest := x, y, i<<(pairBits-free)
		if x != 0 && rest&(1<<(pairBits-1)) != 0 {
			sx = -x
		}
		if x != 0 {
			rest <<= 1
		}
		if y != 0 && rest&(1<<(pairBits-1)) != 0 {
			sy = -y
		}
		entries[i] = pairEntry(sy+signedZero)<<16 | pairEntry(sx+signedZero)<<8 | pairEntry(length+signs)
	}
}

// buildQuads fills the table for four lines. An entry has the number of bits in bits 0-3 and two bits for each line: 0, 1
// for a positive and 2 for a negative one.
func buildQuads(table *[1 << quadBits]uint16, book []uint16) {
	code := 0
	for _, item := range book {
		length, symbol := int(item>>8), int(item&15)
		n := 1 << (quadBits - length)
		for i := range n {
			bits, entry := length, 0
			for line := range 4 {
				if symbol&(8>>line) == 0 {
					continue
				}
				bits++
				sign := (code + i) >> (quadBits - bits) & 1
				entry |= (1 + sign) << (4 + 2*line)
			}
			table[code+i] = uint16(entry | bits)
		}
		code += n
	}
}
