package mp3

// readSpectrum decodes and dequantizes the lines of one channel of a granule (ISO/IEC 11172-3, 2.4.3.4.7). The codes start
// at bit pos of the main data and end at bit end; gains are by band. It returns the number of lines that are coded; the
// lines behind them are zero. ok is false when the pairs do not fit between pos and end, which only damage can cause.
func (t *tables) readSpectrum(
	m *mainData, pos, end int, g *granule, ends *[maxBands]uint16, gains *[maxBands]float32, xr *[granuleLines]float32,
) (lines int, ok bool) {
	line, band := 0, 0
	for region, stop := range g.regions {
		table := &t.pairs[g.tables[region]]
		for line < stop {
			for int(ends[band]) <= line {
				band++
			}
			to := min(stop, int(ends[band]))
			if table.first == nil {
				clear(xr[line:to])
			} else {
				pos = t.readPairs(m, pos, table, gains[band], xr[line:to])
			}
			line = to
		}
	}
	if pos > end {
		return 0, false
	}
	quads := &t.quads[g.quadTable]
	for line <= granuleLines-4 && pos < end {
		entry := quads[m.peek(pos)>>(64-quadBits)]
		pos += int(entry & 15)
		if pos > end {
			break // some encoders state a length within the last word; it belongs to nothing
		}
		entry >>= 4
		for range 2 {
			for int(ends[band]) <= line {
				band++
			}
			values := [4]float32{0, gains[band], -gains[band]}
			xr[line], xr[line+1] = values[entry&3], values[entry>>2&3]
			entry >>= 4
			line += 2
		}
	}
	clear(xr[line:])
	return line, true
}

// readPairs decodes len(xr)/2 pairs at bit pos and returns the position behind them.
func (t *tables) readPairs(m *mainData, pos int, table *pairTable, gain float32, xr []float32) int {
	first := table.first
	for i := 0; i+1 < len(xr); i += 2 {
		bits := m.peek(pos)
		entry := first[bits>>(64-pairBits)]
		if entry&entryWord == 0 {
			xr[i] = t.signed[entry>>8&31] * gain
			xr[i+1] = t.signed[entry>>16&31] * gain
			pos += int(entry & 0xff)
			continue
		}
		if entry&entryLink == entryLink {
			at := int(entry>>8&0xffff) + int(bits<<pairBits>>(64-entry&0xff))
			entry = table.links[at]
		}
		n := int(entry & 0xff)
		for k := range 2 {
			v := int(entry >> (8 + 8*k) & 0xff)
			if v == 15 {
				v += int(bits << n >> 1 >> (63 - table.linbits))
				n += table.linbits
			}
			x := t.pow43[v] * gain
			if v != 0 {
				if int64(bits<<n) < 0 {
					x = -x
				}
				n++
			}
			xr[i+k] = x
		}
		pos += n
	}
	return pos
}
