package amxemu

import "encoding/binary"

// op is an instruction that the emulator executes.
type op uint8

const (
	opNone op = iota
	opLDTILECFG
	opTILERELEASE
	opTILEZERO
	opTILELOADD
	opTILESTORED
	opTDPBF16PS
	opVCVTNEPS2BF16
	opVCVTNE2PS2BF16
	numOps
)

var mnemonics = [numOps]string{"", "LDTILECFG", "TILERELEASE", "TILEZERO", "TILELOADD", "TILESTORED", "TDPBF16PS",
	"VCVTNEPS2BF16", "VCVTNE2PS2BF16"}

func (o op) String() string { return mnemonics[o] }

// Registers of a memory operand are numbered as in the encoding, RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8 ... R15.
const (
	regNone = -1
	regRIP  = 16 // address of the next instruction
)

// maxLength is the longest instruction of x86, in bytes.
const maxLength = 15

// instruction is a decoded instruction: registers by number, and the address base + index<<shift + disp.
type instruction struct {
	op              op
	length          uint8 // bytes
	dst, src1, src2 uint8 // tmm or zmm; the tile of TILESTORED is dst, and src2 is unused by operations with one source
	base, index     int8
	shift           uint8
	disp            int32
}

// decode reads the instruction at the start of code, in 64-bit mode. It reports false for all but those that the emulator
// executes, for encodings that the SDM makes #UD, and for code that ends before the instruction does.
func decode(code []byte) (instruction, bool) {
	if len(code) > maxLength {
		code = code[:maxLength]
	}
	if len(code) < 5 {
		return instruction{}, false
	}
	switch code[0] {
	case 0xc4:
		return decodeVEX(code)
	case 0x62:
		return decodeEVEX(code)
	}
	return instruction{}, false
}

// decodeVEX reads C4, R̅X̅B̅mmmmm, Wv̅v̅v̅v̅Lpp, opcode, ModRM, and SIB and displacement where ModRM asks for them.
func decodeVEX(code []byte) (instruction, bool) {
	r, x, b := ^code[1]>>7&1, ^code[1]>>6&1, ^code[1]>>5&1
	vvvv, pp, opcode := ^code[2]>>3&15, code[2]&3, code[3]
	mod, reg, rm := code[4]>>6, code[4]>>3&7, code[4]&7
	if code[1]&0x1f != 2 || code[2]&0x84 != 0 || r != 0 { // map 0F38, W0, L0; there is no tmm8
		return instruction{}, false
	}
	in := instruction{length: 5, dst: reg, base: regNone, index: regNone}
	if opcode == 0x5c && pp == 2 && mod == 3 && b == 0 && vvvv < 8 {
		in.op, in.src1, in.src2 = opTDPBF16PS, rm, vvvv
		return in, true
	}
	if vvvv != 0 {
		return instruction{}, false
	}
	switch {
	case opcode == 0x49 && pp == 0 && code[4] == 0xc0:
		in.op = opTILERELEASE
		return in, true
	case opcode == 0x49 && pp == 3 && mod == 3 && rm == 0:
		in.op = opTILEZERO
		return in, true
	case opcode == 0x49 && pp == 0 && mod != 3 && reg == 0:
		in.op = opLDTILECFG
	case opcode == 0x4b && pp == 3 && mod != 3 && rm == 4:
		in.op = opTILELOADD
	case opcode == 0x4b && pp == 2 && mod != 3 && rm == 4:
		in.op = opTILESTORED
	default:
		return instruction{}, false
	}
	if !in.memory(code[5:], mod, rm, x, b) {
		return instruction{}, false
	}
	return in, true
}

// memory reads the operand that mod and rm describe from rest, the bytes behind ModRM, and adds its length.
func (in *instruction) memory(rest []byte, mod, rm, x, b uint8) bool {
	in.base = int8(rm | b<<3)
	dispBytes := [3]int{0, 1, 4}[mod]
	switch {
	case rm == 4:
		if len(rest) == 0 {
			return false
		}
		sib := rest[0]
		rest = rest[1:]
		in.length++
		in.base, in.shift = int8(sib&7|b<<3), sib>>6
		if index := int8(sib>>3&7 | x<<3); index != 4 { // RSP is no index
			in.index = index
		}
		if mod == 0 && sib&7 == 5 {
			in.base, dispBytes = regNone, 4
		}
	case rm == 5 && mod == 0:
		in.base, dispBytes = regRIP, 4
	}
	if len(rest) < dispBytes {
		return false
	}
	switch dispBytes {
	case 1:
		in.disp = int32(int8(rest[0]))
	case 4:
		in.disp = int32(binary.LittleEndian.Uint32(rest))
	}
	in.length += uint8(dispBytes)
	return true
}

// decodeEVEX reads 62, R̅X̅B̅R̅'0mmm, Wv̅v̅v̅v̅1pp, zL'LbV̅'aaa, opcode, ModRM of an instruction on whole zmm registers.
func decodeEVEX(code []byte) (instruction, bool) {
	if len(code) < 6 {
		return instruction{}, false
	}
	p0, p1, p2, modrm := code[1], code[2], code[3], code[5]
	// Map 0F38, W0, VL 512, no mask, no broadcast; a register operand.
	if p0&0x0f != 2 || p1&0x84 != 4 || p2&0xf7 != 0x40 || code[4] != 0x72 || modrm>>6 != 3 {
		return instruction{}, false
	}
	in := instruction{length: 6, base: regNone, index: regNone}
	in.dst = modrm>>3&7 | ^p0>>7&1<<3 | ^p0>>4&1<<4
	rm := modrm&7 | ^p0>>5&1<<3 | ^p0>>6&1<<4
	vvvv := ^p1>>3&15 | ^p2>>3&1<<4
	switch {
	case p1&3 == 2 && vvvv == 0:
		in.op, in.src1 = opVCVTNEPS2BF16, rm
	case p1&3 == 3:
		in.op, in.src1, in.src2 = opVCVTNE2PS2BF16, vvvv, rm
	default:
		return instruction{}, false
	}
	return in, true
}
