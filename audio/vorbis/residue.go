package vorbis

// residue is how the spectrum under a floor is stored: partitions of vectors, refined in up to 8 passes (section 8).
type residue struct {
	kind       int // 0: the values of a vector are apart; 1: they are neighbours; 2: as 1, with the channels interleaved
	begin, end int
	size       int // of a partition
	classes    int
	classBook  int
	books      [][8]int // by class and pass, -1 for none
}

// decodeResidues reads the spectra of all channels, submap by submap.
func (d *Decoder) decodeResidues(m *mapping, half int) {
	for s, number := range m.residue {
		var spectra [256][]float32
		n, wanted := 0, false
		for c := range d.channels {
			if int(m.mux[c]) != s {
				continue
			}
			spectra[n] = nil
			if m.hasResidue(d.channels, c) {
				spectra[n], wanted = d.channels[c].spectrum[:half], true
			}
			if d.setup.residues[number].kind == 2 { // all or none
				spectra[n] = d.channels[c].spectrum[:half]
			}
			n++
		}
		if wanted {
			d.residue(&d.setup.residues[number], spectra[:n], half)
		}
	}
}

// hasResidue reports whether a channel has a floor, or is coupled to one that has.
func (m *mapping) hasResidue(channels []channel, c int) bool {
	if !channels[c].silent {
		return true
	}
	for _, p := range m.coupling {
		if p.magnitude == c && !channels[p.angle].silent || p.angle == c && !channels[p.magnitude].silent {
			return true
		}
	}
	return false
}

// residue reads the spectra of a submap; nil ones are not stored. The end of the packet ends it.
func (d *Decoder) residue(x *residue, spectra [][]float32, half int) {
	rows, length := len(spectra), half
	if x.kind == 2 {
		rows, length = 1, half*len(spectra)
	}
	begin, end := min(x.begin, length), min(x.end, length)
	parts := (end - begin) / x.size
	words := d.setup.books[x.classBook].dimensions
	across := parts + words
	if need := rows * across; cap(d.class) < need {
		d.class = make([]uint8, need)
	}
	class := d.class[:rows*across]
	for pass := range 8 {
		for part := 0; part < parts; {
			if pass == 0 {
				for row := range rows {
					if spectra[row] == nil {
						continue
					}
					v := d.setup.books[x.classBook].scalar(&d.bits)
					if v < 0 {
						return
					}
					for i := words - 1; i >= 0; i-- {
						class[row*across+part+i] = uint8(v % x.classes)
						v /= x.classes
					}
				}
			}
			for i := 0; i < words && part < parts; i++ {
				for row := range rows {
					if spectra[row] == nil {
						continue
					}
					book := x.books[class[row*across+part]][pass]
					if book < 0 {
						continue
					}
					at := begin + part*x.size
					if !x.partition(&d.bits, &d.setup.books[book], spectra[row:], at) {
						return
					}
				}
				part++
			}
		}
	}
}

// partition adds the vectors of one partition at place at. It returns false at the end of the packet.
func (x *residue) partition(r *bitReader, book *codebook, spectra [][]float32, at int) bool {
	if x.kind == 2 && len(spectra) > 1 {
		return x.interleaved(r, book, spectra, at)
	}
	out := spectra[0][at : at+x.size]
	if x.kind == 0 {
		step := len(out) / book.dimensions
		for i := range step {
			v := book.vector(r)
			if v == nil {
				return false
			}
			for k, add := range v {
				out[i+k*step] += add
			}
		}
		return true
	}
	for len(out) > 0 {
		v := book.vector(r)
		if v == nil {
			return false
		}
		v = v[:min(len(v), len(out))]
		for k, add := range v {
			out[k] += add
		}
		out = out[len(v):]
	}
	return true
}

// interleaved adds vectors that go through the channels value by value.
func (x *residue) interleaved(r *bitReader, book *codebook, spectra [][]float32, at int) bool {
	c, i := at%len(spectra), at/len(spectra)
	for left := x.size; left > 0; {
		v := book.vector(r)
		if v == nil {
			return false
		}
		v = v[:min(len(v), left)]
		left -= len(v)
		for _, add := range v {
			spectra[c][i] += add
			if c++; c == len(spectra) {
				c, i = 0, i+1
			}
		}
	}
	return true
}
