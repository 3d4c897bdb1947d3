package amxemu

import (
	"encoding/binary"
	"errors"
)

// Palette 1, the only one beside the empty palette 0 (CPUID leaf 1DH).
const (
	numTiles = 8
	maxRows  = 16
	rowBytes = 64
)

// Exceptions that an instruction raises instead of executing.
var (
	errUD = errors.New("#UD")    // no valid instruction, or tiles whose shapes do not fit
	errGP = errors.New("#GP(0)") // a configuration that LDTILECFG refuses
)

// tile is one tile register; bytes outside of the configured shape are zero.
type tile [maxRows][rowBytes]byte

// tiles is the tile state of a thread: TILECFG and TILEDATA of SDM volume 1, chapter 19. The zero value is the initial
// state, in which no tile is configured.
type tiles struct {
	configured bool
	startRow   int
	rows       [numTiles]int
	colsb      [numTiles]int // bytes in a row
	data       [numTiles]tile
}

// load does LDTILECFG with the 64 bytes of its operand.
func (t *tiles) load(cfg *[64]byte) error {
	palette := cfg[0]
	if palette > 1 {
		return errGP
	}
	if palette == 0 {
		*t = tiles{}
		return nil
	}
	next := tiles{configured: true, startRow: int(cfg[1])}
	for _, reserved := range [][]byte{cfg[2:16], cfg[16+2*numTiles : 48], cfg[48+numTiles:]} {
		for _, b := range reserved {
			if b != 0 {
				return errGP
			}
		}
	}
	for n := range numTiles {
		colsb, rows := int(binary.LittleEndian.Uint16(cfg[16+2*n:])), int(cfg[48+n])
		if colsb > rowBytes || rows > maxRows || (colsb == 0) != (rows == 0) {
			return errGP
		}
		next.colsb[n], next.rows[n] = colsb, rows
	}
	*t = next
	return nil
}

// release does TILERELEASE.
func (t *tiles) release() { *t = tiles{} }

// valid reports whether tile n may be used at all.
func (t *tiles) valid(n uint8) bool { return t.configured && t.rows[n] != 0 }

// zero does TILEZERO.
func (t *tiles) zero(n uint8) error {
	if !t.valid(n) {
		return errUD
	}
	t.data[n] = tile{}
	t.startRow = 0
	return nil
}

// checkMemory holds the checks of TILELOADD and TILESTORED (class AMX-E3).
func (t *tiles) checkMemory(n uint8) error {
	if !t.valid(n) || t.colsb[n]%4 != 0 || t.startRow >= t.rows[n] {
		return errUD
	}
	return nil
}

// setRows ends TILELOADD: packed has the rows from the start row on, colsb bytes each. All other bytes become zero.
func (t *tiles) setRows(n uint8, packed []byte) {
	for i := range maxRows {
		row := &t.data[n][i]
		if i < t.startRow {
			continue
		}
		*row = [rowBytes]byte{}
		if i < t.rows[n] {
			packed = packed[copy(row[:t.colsb[n]], packed):]
		}
	}
	t.startRow = 0
}

// checkDot holds the checks of TDPBF16PS (class AMX-E4).
func (t *tiles) checkDot(dst, a, b uint8) error {
	if dst == a || a == b || dst == b || !t.valid(dst) || !t.valid(a) || !t.valid(b) {
		return errUD
	}
	if t.colsb[dst]%4 != 0 || t.colsb[a]%4 != 0 || t.colsb[b]%4 != 0 {
		return errUD
	}
	if t.rows[dst] != t.rows[a] || t.colsb[dst] != t.colsb[b] || t.colsb[a]/4 != t.rows[b] {
		return errUD
	}
	return nil
}
