#include "textflag.h"

// The assembler of Go has no mnemonics for AMX and AVX512_BF16. The bytes are those of GNU as 2.40.

// func Dot(cfg, c, a, b *byte, sc, sa, sb int)
TEXT ·Dot(SB), NOSPLIT, $0-56
	MOVQ cfg+0(FP), AX
	MOVQ c+8(FP), DI
	MOVQ a+16(FP), SI
	MOVQ b+24(FP), BX
	MOVQ sc+32(FP), DX
	MOVQ sa+40(FP), R8
	MOVQ sb+48(FP), R9
	BYTE $0xc4; BYTE $0xe2; BYTE $0x78; BYTE $0x49; BYTE $0x00              // ldtilecfg [rax]
	BYTE $0xc4; BYTE $0xe2; BYTE $0x7b; BYTE $0x4b; BYTE $0x04; BYTE $0x17  // tileloadd tmm0, [rdi+rdx*1]
	BYTE $0xc4; BYTE $0xa2; BYTE $0x7b; BYTE $0x4b; BYTE $0x0c; BYTE $0x06  // tileloadd tmm1, [rsi+r8*1]
	BYTE $0x90                                                              // nop: the emulator must come back
	BYTE $0xc4; BYTE $0xa2; BYTE $0x7b; BYTE $0x4b; BYTE $0x14; BYTE $0x0b  // tileloadd tmm2, [rbx+r9*1]
	BYTE $0x90                                                              // nop
	BYTE $0xc4; BYTE $0xe2; BYTE $0x6a; BYTE $0x5c; BYTE $0xc1              // tdpbf16ps tmm0, tmm1, tmm2
	BYTE $0xc4; BYTE $0xe2; BYTE $0x7a; BYTE $0x4b; BYTE $0x04; BYTE $0x17  // tilestored [rdi+rdx*1], tmm0
	BYTE $0xc4; BYTE $0xe2; BYTE $0x78; BYTE $0x49; BYTE $0xc0              // tilerelease
	RET

// func DotZero(cfg, c, a, b *byte, sc, sa, sb int)
TEXT ·DotZero(SB), NOSPLIT, $0-56
	MOVQ cfg+0(FP), DI
	MOVQ c+8(FP), R11
	MOVQ a+16(FP), R13
	MOVQ b+24(FP), BX
	MOVQ sc+32(FP), R10
	MOVQ sa+40(FP), R15
	MOVQ sb+48(FP), DX
	SUBQ $0x40, DI
	SHRQ $2, R10                                                                         // strides are multiples of 8
	SUBQ $0x400, R11
	SHRQ $3, R15
	SUBQ $0x7f, R13
	SHRQ $1, DX
	ADDQ $0x100, BX
	BYTE $0xc4; BYTE $0xe2; BYTE $0x78; BYTE $0x49; BYTE $0x47; BYTE $0x40               // ldtilecfg [rdi+0x40]
	BYTE $0xc4; BYTE $0xe2; BYTE $0x7b; BYTE $0x49; BYTE $0xf8                           // tilezero tmm7
	BYTE $0xc4; BYTE $0x82; BYTE $0x7b; BYTE $0x4b; BYTE $0x74; BYTE $0xfd; BYTE $0x7f   // tileloadd tmm6, [r13+r15*8+0x7f]
	BYTE $0xc4; BYTE $0xe2; BYTE $0x7b; BYTE $0x4b; BYTE $0xac; BYTE $0x53; LONG $0xffffff00 // tileloadd tmm5, [rbx+rdx*2-0x100]
	BYTE $0xc4; BYTE $0xe2; BYTE $0x52; BYTE $0x5c; BYTE $0xfe                           // tdpbf16ps tmm7, tmm6, tmm5
	BYTE $0xc4; BYTE $0x82; BYTE $0x7a; BYTE $0x4b; BYTE $0xbc; BYTE $0x93; LONG $0x400  // tilestored [r11+r10*4+0x400], tmm7
	BYTE $0xc4; BYTE $0xe2; BYTE $0x78; BYTE $0x49; BYTE $0xc0                           // tilerelease
	RET

// func DotUnconfigured()
TEXT ·DotUnconfigured(SB), NOSPLIT, $0-0
	BYTE $0xc4; BYTE $0xe2; BYTE $0x6a; BYTE $0x5c; BYTE $0xc1 // tdpbf16ps tmm0, tmm1, tmm2
	RET

// func Undefined()
TEXT ·Undefined(SB), NOSPLIT, $0-0
	UD2
	RET

// func Convert(dst *[64]byte, lo *[64]byte)
TEXT ·Convert(SB), NOSPLIT, $0-16
	MOVQ      dst+0(FP), DI
	MOVQ      lo+8(FP), SI
	VMOVDQU64 (SI), Z31
	VPTERNLOGD $0xff, Z17, Z17, Z17                                       // all ones: the upper half must become zero
	VPTERNLOGD $0xff, Z30, Z30, Z30
	VPTERNLOGD $0xff, Z9, Z9, Z9
	BYTE      $0x62; BYTE $0x82; BYTE $0x7e; BYTE $0x48; BYTE $0x72; BYTE $0xcf // vcvtneps2bf16 ymm17, zmm31
	VMOVDQA64 Z31, Z20
	BYTE      $0x62; BYTE $0x32; BYTE $0x7e; BYTE $0x48; BYTE $0x72; BYTE $0xcc // vcvtneps2bf16 ymm9, zmm20
	VMOVDQA64 Z31, Z11
	BYTE      $0x62; BYTE $0x42; BYTE $0x7e; BYTE $0x48; BYTE $0x72; BYTE $0xf3 // vcvtneps2bf16 ymm30, zmm11
	VPTERNLOGD $0xfe, Z9, Z30, Z17                                        // or of the three, which agree
	VMOVDQU64 Z17, (DI)
	VZEROUPPER
	RET

// func Convert2(dst, lo, hi *[64]byte)
TEXT ·Convert2(SB), NOSPLIT, $0-24
	MOVQ      dst+0(FP), DI
	MOVQ      lo+8(FP), SI
	MOVQ      hi+16(FP), DX
	VMOVDQU64 (SI), Z22
	VMOVDQU64 (DX), Z25
	BYTE      $0x62; BYTE $0x32; BYTE $0x37; BYTE $0x40; BYTE $0x72; BYTE $0xe6 // vcvtne2ps2bf16 zmm12, zmm25, zmm22
	VMOVDQU64 Z12, (DI)
	VZEROUPPER
	RET
