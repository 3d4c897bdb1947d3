package mp3

import (
	"math"
	"testing"
)

// bitWriter collects codes, most significant bit first.
type bitWriter struct {
	data []byte
	pos  int
}

func (w *bitWriter) write(v, n int) {
	for i := n - 1; i >= 0; i-- {
		if w.pos&7 == 0 {
			w.data = append(w.data, 0)
		}
		w.data[w.pos>>3] |= byte(v>>i&1) << (7 - w.pos&7)
		w.pos++
	}
}

func sign(v int) int {
	if v < 0 {
		return 1
	}
	return 0
}

func abs(v int) int { return max(v, -v) }

func TestCodebooksAreComplete(t *testing.T) {
	for n, book := range pairBooks {
		seen, sum := map[uint16]bool{}, 0.0
		for _, item := range book {
			seen[item&0xff] = true
			sum += math.Exp2(-float64(item >> 8))
		}
		side := int(math.Sqrt(float64(len(book))))
		if sum != 1 || len(seen) != side*side {
			t.Errorf("book %d: Kraft sum %v, %d different symbols of %d", n, sum, len(seen), len(book))
		}
	}
	for n, book := range quadBooks {
		seen, sum := map[uint16]bool{}, 0.0
		for _, item := range book {
			seen[item&0xff] = true
			sum += math.Exp2(-float64(item >> 8))
		}
		if sum != 1 || len(seen) != 16 {
			t.Errorf("quads %d: Kraft sum %v, %d different symbols", n, sum, len(seen))
		}
	}
}

// TestPairs writes every word of every table with all signs, and with the extremes of the bits behind 15, and reads it.
func TestPairs(t *testing.T) {
	shared := sharedTables()
	for n := range shared.pairs {
		table := &shared.pairs[n]
		book := n
		switch {
		case n >= 24:
			book = 24
		case n >= 16:
			book = 16
		}
		if (table.first == nil) != (pairBooks[book] == nil) {
			t.Fatalf("table %d and book %d: only one of them exists", n, book)
		}
		code := 0
		for _, item := range pairBooks[book] {
			length, x, y := int(item>>8), int(item>>4&15), int(item&15)
			word := code >> (32 - length)
			code += 1 << (32 - length)
			for variant := range 8 {
				pair := [2]int{x, y}
				extra := 0
				if variant&4 != 0 {
					extra = 1<<table.linbits - 1
				}
				var w bitWriter
				w.write(word, length)
				for i := range pair {
					if n >= 16 && pair[i] == 15 {
						w.write(extra, table.linbits)
						pair[i] += extra
					}
					if pair[i] != 0 {
						negative := variant >> i & 1
						w.write(negative, 1)
						pair[i] *= 1 - 2*negative
					}
				}
				bits := w.pos
				w.write(0x5a5a, 16) // what follows must not matter
				checkPair(t, shared, table, n, &w, bits, pair)
			}
		}
	}
}

func checkPair(t *testing.T, shared *tables, table *pairTable, n int, w *bitWriter, bits int, want [2]int) {
	t.Helper()
	var m mainData
	m.push(w.data)
	var xr [2]float32
	if pos := shared.readPairs(&m, 0, table, 0.5, xr[:]); pos != bits {
		t.Fatalf("table %d, %v: read %d bits, want %d", n, want, pos, bits)
	}
	for i, v := range want {
		expect := 0.5 * math.Pow(float64(abs(v)), 4.0/3) * float64(1-2*sign(v))
		if math.Abs(float64(xr[i])-expect) > 1e-6*math.Abs(expect) {
			t.Fatalf("table %d, %v: line %d is %v, want %v", n, want, i, xr[i], expect)
		}
	}
}

// TestQuads writes every word of both tables with all signs as the only lines of a granule.
func TestQuads(t *testing.T) {
	shared := sharedTables()
	ends := &bandEnds[0][longBands]
	var gains [maxBands]float32
	for i := range gains {
		gains[i] = float32(1 + i)
	}
	for n, book := range quadBooks {
		code := 0
		for _, item := range book {
			length, symbol := int(item>>8), int(item&15)
			word := code >> (32 - length)
			code += 1 << (32 - length)
			for signs := range 16 {
				var w bitWriter
				w.write(word, length)
				var want [4]float32
				for i := range want {
					if symbol&(8>>i) != 0 {
						want[i] = float32(1 - 2*(signs>>i&1))
						w.write(signs>>i&1, 1)
					}
				}
				g := granule{quadTable: n}
				for _, short := range []int{0, 1} { // a length that cuts the word off makes it void
					var m mainData
					m.push(w.data)
					var xr [granuleLines]float32
					lines, ok := shared.readSpectrum(&m, 0, w.pos-short, &g, ends, &gains, &xr)
					wantLines := 4
					if short == 1 {
						wantLines, want = 0, [4]float32{}
					}
					if w.pos-short == 0 {
						wantLines = 0
					}
					if !ok || lines != wantLines || [4]float32(xr[:4]) != want {
						t.Fatalf("table %d, symbol %04b, signs %04b, %d bits missing: %v, %d lines, %v; want %d, %v",
							n, symbol, signs, short, ok, lines, xr[:4], wantLines, want)
					}
				}
			}
		}
	}
}

// TestSpectrumOverrun: pairs beyond the stated end are damage.
func TestSpectrumOverrun(t *testing.T) {
	shared := sharedTables()
	var gains [maxBands]float32
	var xr [granuleLines]float32
	var m mainData
	m.push(make([]byte, 100))
	g := granule{lines: 20, tables: [3]int{13, 13, 13}, regions: [3]int{20, 20, 20}}
	// All zero bits are the longest word of book 13, of 19 bits.
	if _, ok := shared.readSpectrum(&m, 0, 12, &g, &bandEnds[0][longBands], &gains, &xr); ok {
		t.Error("10 words of 19 bits and their signs fit into 12 bits")
	}
	if _, ok := shared.readSpectrum(&m, 0, 800, &g, &bandEnds[0][longBands], &gains, &xr); !ok {
		t.Error("10 words of 19 bits and their signs do not fit into 800 bits")
	}
}
