package plots

import (
	"encoding/binary"
	"errors"
	"slices"
)

// errFont is returned for a font that is not TrueType, or is cut short.
var errFont = errors.New("the font is not a TrueType font")

// subset returns a TrueType font with only the given glyphs of another, in their order and numbered from 0, and those
// that they are composed of behind them. It has the tables that PostScript needs of a font of type 42 (Adobe Technical
// Note 5012) and no others. The first glyph should be 0, what is shown for a missing letter.
func subset(source []byte, glyphs []uint16) (font []byte, err error) {
	defer func() {
		if recover() != nil { // an offset of the font leads out of it
			font, err = nil, errFont
		}
	}()
	tables := map[string][]byte{}
	for i := range int(binary.BigEndian.Uint16(source[4:])) {
		entry := source[12+16*i:]
		offset, length := binary.BigEndian.Uint32(entry[8:]), binary.BigEndian.Uint32(entry[12:])
		tables[string(entry[:4])] = source[offset : offset+length]
	}
	metrics := int(binary.BigEndian.Uint16(tables["hhea"][34:]))
	glyphs = slices.Clone(glyphs)
	var glyf, loca, hmtx []byte
	for i := 0; i < len(glyphs); i++ { // grows
		loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf)))
		outline := slices.Clone(glyphOf(tables, glyphs[i]))
		glyphs = renumber(outline, glyphs)
		glyf = append(glyf, outline...)
		for len(glyf)%4 != 0 {
			glyf = append(glyf, 0)
		}
		// Behind the last metric all glyphs are as wide as its glyph, and only their left bearings follow.
		g := int(glyphs[i])
		wide := tables["hmtx"][4*min(g, metrics-1):]
		bearing := wide[2:4]
		if g >= metrics {
			bearing = tables["hmtx"][4*metrics+2*(g-metrics):][:2]
		}
		hmtx = append(append(hmtx, wide[:2]...), bearing...)
	}
	loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf)))
	head, hhea, maxp := slices.Clone(tables["head"]), slices.Clone(tables["hhea"]), slices.Clone(tables["maxp"])
	binary.BigEndian.PutUint16(head[50:], 1) // loca has 32 bits
	binary.BigEndian.PutUint16(hhea[34:], uint16(len(glyphs)))
	binary.BigEndian.PutUint16(maxp[4:], uint16(len(glyphs)))
	return assemble([]fontTable{{"cvt ", tables["cvt "]}, {"fpgm", tables["fpgm"]}, {"glyf", glyf}, {"head", head}, {"hhea", hhea}, {"hmtx", hmtx},
		{"loca", loca}, {"maxp", maxp}, {"prep", tables["prep"]}}), nil
}

// glyphOf returns the outline of a glyph, empty for the space.
func glyphOf(tables map[string][]byte, glyph uint16) []byte {
	at := func(i int) uint32 {
		if binary.BigEndian.Uint16(tables["head"][50:]) == 0 {
			return 2 * uint32(binary.BigEndian.Uint16(tables["loca"][2*i:]))
		}
		return binary.BigEndian.Uint32(tables["loca"][4*i:])
	}
	return tables["glyf"][at(int(glyph)):at(int(glyph)+1)]
}

// renumber writes the new numbers of the parts of a composed glyph into its outline, and appends parts that are new.
func renumber(outline []byte, glyphs []uint16) []uint16 {
	if len(outline) == 0 || int16(binary.BigEndian.Uint16(outline)) >= 0 {
		return glyphs
	}
	const words, scale, more, scaleXY, matrix = 1 << 0, 1 << 3, 1 << 5, 1 << 6, 1 << 7
	for part := outline[10:]; ; {
		flags := binary.BigEndian.Uint16(part)
		glyph := binary.BigEndian.Uint16(part[2:])
		k := slices.Index(glyphs, glyph)
		if k < 0 {
			k, glyphs = len(glyphs), append(glyphs, glyph)
		}
		binary.BigEndian.PutUint16(part[2:], uint16(k))
		size := 6
		if flags&words != 0 {
			size += 2
		}
		switch {
		case flags&scale != 0:
			size += 2
		case flags&scaleXY != 0:
			size += 4
		case flags&matrix != 0:
			size += 8
		}
		if flags&more == 0 {
			return glyphs
		}
		part = part[size:]
	}
}

type fontTable struct {
	tag  string
	data []byte
}

// assemble writes tables, sorted by their tags, with their directory. Tables are padded to 4 bytes.
func assemble(tables []fontTable) []byte {
	n := len(tables)
	power := 1
	for power*2 <= n {
		power *= 2
	}
	log := 0
	for 1<<(log+1) <= n {
		log++
	}
	font := binary.BigEndian.AppendUint32(nil, 0x00010000)
	for _, v := range []int{n, 16 * power, log, 16 * (n - power)} {
		font = binary.BigEndian.AppendUint16(font, uint16(v))
	}
	offset := 12 + 16*n
	var body []byte
	for _, t := range tables {
		start := len(body)
		body = append(body, t.data...)
		for len(body)%4 != 0 {
			body = append(body, 0)
		}
		sum := uint32(0)
		for i := start; i < len(body); i += 4 {
			sum += binary.BigEndian.Uint32(body[i:])
		}
		font = append(font, t.tag...)
		for _, v := range []uint32{sum, uint32(offset + start), uint32(len(t.data))} {
			font = binary.BigEndian.AppendUint32(font, v)
		}
	}
	return append(font, body...)
}
