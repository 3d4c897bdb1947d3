package main

import "fmt"

// Go's assembler knows neither AMX nor AVX512_BF16 (golang/go#61079). These functions encode the few instructions that are needed, after Intel's
// Software Developer's Manual, volume 2, sections 2.3 (VEX) and 2.7 (EVEX). Operands stand in Go's order in the text.

// instruction is its bytes, and what they mean.
type instruction struct {
	code []byte
	text string
}

// Mandatory prefixes in the pp field of VEX and EVEX.
const (
	noPrefix = iota
	prefix66
	prefixF3
	prefixF2
)

func ldtilecfg(base string) instruction {
	b := general(base)
	if b&7 == 4 || b&7 == 5 {
		panic("gen: LDTILECFG with base " + base + " needs another form of address")
	}
	return instruction{append(vex(noPrefix, 0, b, 0, 0, 0x49), byte(b&7)), fmt.Sprintf("LDTILECFG (%s)", base)}
}

func tilerelease() instruction {
	return instruction{append(vex(noPrefix, 0, 0, 0, 0, 0x49), direct(0, 0)), "TILERELEASE"}
}

func tilezero(t int) instruction {
	return instruction{append(vex(prefixF2, 0, 0, 0, 0, 0x49), direct(t, 0)), fmt.Sprintf("TILEZERO T%d", t)}
}

// tileload reads rows that lie index bytes apart.
func tileload(t int, base, index string, offset int) instruction {
	return instruction{tileMemory(prefixF2, t, base, index, offset), fmt.Sprintf("TILELOADD %s, T%d", address(base, index, offset), t)}
}

func tilestore(t int, base, index string, offset int) instruction {
	return instruction{tileMemory(prefixF3, t, base, index, offset), fmt.Sprintf("TILESTORED T%d, %s", t, address(base, index, offset))}
}

// dot is c += a·b for tiles of bfloat16 pairs, with sums in float32.
func dot(c, a, b int) instruction {
	return instruction{append(vex(prefixF3, 0, 0, 0, b, 0x5c), direct(c, a)), fmt.Sprintf("TDPBF16PS T%d, T%d, T%d", b, a, c)}
}

// toBF16 rounds the float32 values of two registers to one of bfloat16, those of low first.
func toBF16(dst, high, low int) instruction {
	if dst > 7 || high > 7 || low > 7 {
		panic("gen: VCVTNE2PS2BF16 of these registers needs prefix bits that are not encoded here")
	}
	const mapOf0F38, zmm = 2, 2
	return instruction{[]byte{0x62, 0xf0 | mapOf0F38, byte(^high&15<<3 | 4 | prefixF2), zmm<<5 | 8, 0x72, direct(dst, low)},
		fmt.Sprintf("VCVTNE2PS2BF16 Z%d, Z%d, Z%d", low, high, dst)}
}

// vex is a three-byte prefix of opcode map 0F38, of which index, base and v are register numbers, and the opcode.
func vex(pp, index, base, reg, v int, opcode byte) []byte {
	const mapOf0F38 = 2
	return []byte{0xc4, byte(^reg>>3&1<<7 | ^index>>3&1<<6 | ^base>>3&1<<5 | mapOf0F38), byte(^v&15<<3 | pp), opcode}
}

// direct is the ModRM byte of two registers.
func direct(reg, rm int) byte { return byte(3<<6 | reg<<3 | rm) }

// tileMemory encodes a move between a tile and memory, which always has an index register: the stride.
func tileMemory(pp, t int, base, index string, offset int) []byte {
	b, x := general(base), general(index)
	if x == 4 {
		panic("gen: the stack pointer cannot be an index")
	}
	code := vex(pp, x, b, t, 0, 0x4b)
	sib := byte(x&7<<3 | b&7)
	switch {
	case offset == 0 && b&7 != 5:
		return append(code, byte(t<<3|4), sib)
	case offset == int(int8(offset)):
		return append(code, byte(1<<6|t<<3|4), sib, byte(offset))
	}
	return append(code, byte(2<<6|t<<3|4), sib, byte(offset), byte(offset>>8), byte(offset>>16), byte(offset>>24))
}

func address(base, index string, offset int) string {
	if offset == 0 {
		return fmt.Sprintf("(%s)(%s*1)", base, index)
	}
	return fmt.Sprintf("%d(%s)(%s*1)", offset, base, index)
}

// general is the number of a general register.
func general(name string) int {
	for i, r := range [...]string{"AX", "CX", "DX", "BX", "SP", "BP", "SI", "DI", "R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15"} {
		if r == name {
			return i
		}
	}
	panic("gen: no register " + name)
}
