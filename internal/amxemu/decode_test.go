package amxemu

import (
	"encoding/hex"
	"strings"
	"testing"
)

// The bytes are those of GNU as 2.40, read back with objdump -d -M intel.
var encodings = []struct {
	bytes, text string
	want        instruction
}{
	{"c4 e2 78 49 00", "ldtilecfg [rax]", instruction{op: opLDTILECFG, length: 5, base: 0, index: regNone}},
	{"c4 e2 78 49 47 40", "ldtilecfg [rdi+0x40]", instruction{op: opLDTILECFG, length: 6, base: 7, index: regNone, disp: 0x40}},
	{"c4 c2 78 49 45 00", "ldtilecfg [r13+0x0]", instruction{op: opLDTILECFG, length: 6, base: 13, index: regNone}},
	{"c4 c2 78 49 04 24", "ldtilecfg [r12]", instruction{op: opLDTILECFG, length: 6, base: 12, index: regNone}},
	{"c4 e2 78 49 05 78 56 34 12", "ldtilecfg [rip+0x12345678]", instruction{op: opLDTILECFG, length: 9, base: regRIP, index: regNone, disp: 0x12345678}},
	{"c4 a2 78 49 84 8b 00 00 00 80", "ldtilecfg [rbx+r9*4-0x80000000]", instruction{op: opLDTILECFG, length: 10, base: 3, index: 9, shift: 2, disp: -0x80000000}},
	{"c4 e2 78 49 04 25 00 10 00 00", "ldtilecfg ds:0x1000", instruction{op: opLDTILECFG, length: 10, base: regNone, index: regNone, disp: 0x1000}},
	{"c4 e2 78 49 c0", "tilerelease", instruction{op: opTILERELEASE, length: 5, base: regNone, index: regNone}},
	{"c4 e2 7b 49 c0", "tilezero tmm0", instruction{op: opTILEZERO, length: 5, base: regNone, index: regNone}},
	{"c4 e2 7b 49 f8", "tilezero tmm7", instruction{op: opTILEZERO, length: 5, base: regNone, index: regNone, dst: 7}},
	{"c4 e2 7b 4b 04 08", "tileloadd tmm0,[rax+rcx*1]", instruction{op: opTILELOADD, length: 6, base: 0, index: 1}},
	{"c4 a2 7b 4b 0c 06", "tileloadd tmm1,[rsi+r8*1]", instruction{op: opTILELOADD, length: 6, base: 6, index: 8, dst: 1}},
	{"c4 82 7b 4b 6c fd 7f", "tileloadd tmm5,[r13+r15*8+0x7f]", instruction{op: opTILELOADD, length: 7, base: 13, index: 15, dst: 5, shift: 3, disp: 0x7f}},
	{"c4 e2 7b 4b b4 55 00 ff ff ff", "tileloadd tmm6,[rbp+rdx*2-0x100]", instruction{op: opTILELOADD, length: 10, base: 5, index: 2, dst: 6, shift: 1, disp: -0x100}},
	{"c4 e2 7b 4b 14 24", "tileloadd tmm2,[rsp]", instruction{op: opTILELOADD, length: 6, base: 4, index: regNone, dst: 2}},
	{"c4 e2 7b 4b 1c 9d 00 01 00 00", "tileloadd tmm3,[rbx*4+0x100]", instruction{op: opTILELOADD, length: 10, base: regNone, index: 3, dst: 3, shift: 2, disp: 0x100}},
	{"c4 82 7b 4b 24 24", "tileloadd tmm4,[r12+r12*1]", instruction{op: opTILELOADD, length: 6, base: 12, index: 12, dst: 4}},
	{"c4 e2 7b 4b 3c 25 00 02 00 00", "tileloadd tmm7,ds:0x200", instruction{op: opTILELOADD, length: 10, base: regNone, index: regNone, dst: 7, disp: 0x200}},
	{"c4 e2 7a 4b 04 17", "tilestored [rdi+rdx*1],tmm0", instruction{op: opTILESTORED, length: 6, base: 7, index: 2}},
	{"c4 82 7a 4b bc 93 00 04 00 00", "tilestored [r11+r10*4+0x400],tmm7", instruction{op: opTILESTORED, length: 10, base: 11, index: 10, dst: 7, shift: 2, disp: 0x400}},
	{"c4 e2 6a 5c c1", "tdpbf16ps tmm0,tmm1,tmm2", instruction{op: opTDPBF16PS, length: 5, base: regNone, index: regNone, src1: 1, src2: 2}},
	{"c4 e2 52 5c fe", "tdpbf16ps tmm7,tmm6,tmm5", instruction{op: opTDPBF16PS, length: 5, base: regNone, index: regNone, dst: 7, src1: 6, src2: 5}},
	{"c4 e2 42 5c dc", "tdpbf16ps tmm3,tmm4,tmm7", instruction{op: opTDPBF16PS, length: 5, base: regNone, index: regNone, dst: 3, src1: 4, src2: 7}},
	{"62 f2 7e 48 72 c0", "vcvtneps2bf16 ymm0,zmm0", instruction{op: opVCVTNEPS2BF16, length: 6, base: regNone, index: regNone}},
	{"62 f2 7e 48 72 ca", "vcvtneps2bf16 ymm1,zmm2", instruction{op: opVCVTNEPS2BF16, length: 6, base: regNone, index: regNone, dst: 1, src1: 2}},
	{"62 82 7e 48 72 cf", "vcvtneps2bf16 ymm17,zmm31", instruction{op: opVCVTNEPS2BF16, length: 6, base: regNone, index: regNone, dst: 17, src1: 31}},
	{"62 32 7e 48 72 cc", "vcvtneps2bf16 ymm9,zmm20", instruction{op: opVCVTNEPS2BF16, length: 6, base: regNone, index: regNone, dst: 9, src1: 20}},
	{"62 42 7e 48 72 f3", "vcvtneps2bf16 ymm30,zmm11", instruction{op: opVCVTNEPS2BF16, length: 6, base: regNone, index: regNone, dst: 30, src1: 11}},
	{"62 f2 77 48 72 c2", "vcvtne2ps2bf16 zmm0,zmm1,zmm2", instruction{op: opVCVTNE2PS2BF16, length: 6, base: regNone, index: regNone, src1: 1, src2: 2}},
	{"62 42 7f 40 72 f8", "vcvtne2ps2bf16 zmm31,zmm16,zmm8", instruction{op: opVCVTNE2PS2BF16, length: 6, base: regNone, index: regNone, dst: 31, src1: 16, src2: 8}},
	{"62 32 37 40 72 e6", "vcvtne2ps2bf16 zmm12,zmm25,zmm22", instruction{op: opVCVTNE2PS2BF16, length: 6, base: regNone, index: regNone, dst: 12, src1: 25, src2: 22}},
}

// foreign are instructions that look much like ours.
var foreign = []struct{ bytes, text string }{
	{"c4 e2 79 4b 04 08", "tileloaddt1 tmm0,[rax+rcx*1]"},
	{"c4 e2 79 49 00", "sttilecfg [rax]"},
	{"c4 e2 6b 5e c1", "tdpbssd tmm0,tmm1,tmm2"},
	{"62 f2 7e 28 72 c1", "vcvtneps2bf16 xmm0,ymm1"},
	{"62 f2 7e 08 72 c1", "vcvtneps2bf16 xmm0,xmm1"},
	{"62 f2 7e 48 72 00", "vcvtneps2bf16 ymm0,ZMMWORD PTR [rax]"},
	{"62 f2 7e 49 72 c1", "vcvtneps2bf16 ymm0{k1},zmm1"},
	{"62 f2 7e c9 72 c1", "vcvtneps2bf16 ymm0{k1}{z},zmm1"},
	{"62 f2 77 28 72 c2", "vcvtne2ps2bf16 ymm0,ymm1,ymm2"},
	{"62 f2 77 48 72 00", "vcvtne2ps2bf16 zmm0,zmm1,ZMMWORD PTR [rax]"},
	{"62 f2 76 48 52 c2", "vdpbf16ps zmm0,zmm1,zmm2"},
	{"67 c4 e2 7b 4b 04 08", "tileloadd tmm0,[eax+ecx*1]"},
	{"64 c4 e2 7b 4b 04 08", "tileloadd tmm0,fs:[rax+rcx*1]"},
	{"64 c4 e2 78 49 00", "ldtilecfg fs:[rax]"},
	{"0f 0b", "ud2"},
	{"c4 e2 f8 49 00", "ldtilecfg [rax] with W1"},
	{"c4 e2 7c 49 00", "ldtilecfg [rax] with L1"},
	{"c4 e2 70 49 00", "ldtilecfg [rax] with vvvv"},
	{"c4 e2 78 49 08", "ldtilecfg [rax] with another reg"},
	{"c4 e1 78 49 00", "ldtilecfg [rax] in map 0F"},
	{"c4 e2 7b 4b 01", "tileloadd without SIB"},
	{"c4 62 7b 4b 04 08", "tileloadd tmm8"},
	{"c4 e2 7b 49 c1", "tilezero with rm 1"},
	{"c4 c2 6a 5c c1", "tdpbf16ps with tmm9 as first source"},
	{"c4 e2 2a 5c c1", "tdpbf16ps with tmm10 as second source"},
	{"62 fa 7e 48 72 c0", "vcvtneps2bf16 with a reserved bit"},
	{"62 f2 7e 58 72 c0", "vcvtneps2bf16 with rounding control"},
	{"62 f2 fe 48 72 c0", "vcvtneps2bf16 with W1"},
	{"62 f2 76 48 72 c0", "vcvtneps2bf16 with vvvv"},
	{"90 90 90 90 90 90", "nop"},
}

func unhex(t testing.TB, s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDecode(t *testing.T) {
	for _, c := range encodings {
		code := unhex(t, c.bytes)
		got, ok := decode(append(code, 0xc4, 0xe2, 0x7b, 0x4b, 0x04, 0x08, 0x90)) // bytes behind do not matter
		if !ok || got != c.want {
			t.Errorf("%s (%s) decodes to %+v (%v), want %+v", c.bytes, c.text, got, ok, c.want)
		}
		for n := range code {
			if in, ok := decode(code[:n]); ok {
				t.Errorf("the first %d bytes of %s (%s) decode to %+v, want nothing", n, c.bytes, c.text, in)
			}
		}
	}
	for _, c := range foreign {
		if in, ok := decode(append(unhex(t, c.bytes), make([]byte, maxLength)...)); ok {
			t.Errorf("%s (%s) decodes to %+v, want nothing", c.bytes, c.text, in)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, c := range encodings {
		f.Add(unhex(f, c.bytes))
	}
	for _, c := range foreign {
		f.Add(unhex(f, c.bytes))
	}
	f.Fuzz(func(t *testing.T, code []byte) {
		in, ok := decode(code)
		if !ok {
			if in != (instruction{}) {
				t.Fatalf("% x is not ours and decodes to %+v", code, in)
			}
			return
		}
		if in.op == opNone || in.op >= numOps || in.length < 5 || in.length > maxLength || int(in.length) > len(code) {
			t.Fatalf("% x decodes to %+v", code, in)
		}
		if in.base < regNone || in.base > regRIP || in.index < regNone || in.index >= regRIP || in.index == 4 || in.shift > 3 {
			t.Fatalf("% x has the memory operand of %+v", code, in)
		}
		tiles := in.op < opVCVTNEPS2BF16
		if limit := uint8(32); in.dst >= limit || in.src1 >= limit || in.src2 >= limit || tiles && max(in.dst, in.src1, in.src2) >= numTiles {
			t.Fatalf("% x has the registers of %+v", code, in)
		}
		if again, _ := decode(code[:in.length]); again != in {
			t.Fatalf("% x decodes to %+v, its first %d bytes to %+v", code, in, in.length, again)
		}
	})
}
