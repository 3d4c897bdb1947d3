#include "textflag.h"

// func dotAVX512(c, a, b *tile, rows, pairs int)
//
// Z0 and Z1 sum the products of even and odd elements of one row; bfloat16 becomes float32 by a shift or a mask.
TEXT ·dotAVX512(SB), NOSPLIT, $8-40
	MOVQ    c+0(FP), DI
	MOVQ    a+8(FP), SI
	MOVQ    b+16(FP), BX
	MOVQ    rows+24(FP), R8
	MOVQ    pairs+32(FP), R9
	STMXCSR saved-8(SP)
	MOVL    $0x9fc0, now-4(SP)     // FTZ, DAZ, to nearest even, no exceptions
	LDMXCSR now-4(SP)
	MOVL    $0xffff0000, AX
	VPBROADCASTD AX, Z31
row:
	VPXORD  Z0, Z0, Z0
	VPXORD  Z1, Z1, Z1
	MOVQ    SI, R10
	MOVQ    BX, R11
	MOVQ    R9, CX
pair:
	VPBROADCASTD (R10), Z2
	VMOVDQU32 (R11), Z3
	VPSLLD  $16, Z2, Z4
	VPSLLD  $16, Z3, Z5
	VPANDD  Z31, Z2, Z6
	VPANDD  Z31, Z3, Z7
	VFMADD231PS Z5, Z4, Z0
	VFMADD231PS Z7, Z6, Z1
	ADDQ    $4, R10
	ADDQ    $64, R11
	DECQ    CX
	JNZ     pair
	VADDPS  Z1, Z0, Z0
	VMOVUPS (DI), Z2
	VADDPS  Z0, Z2, Z0
	VMOVUPS Z0, (DI)
	ADDQ    $64, SI
	ADDQ    $64, DI
	DECQ    R8
	JNZ     row
	LDMXCSR saved-8(SP)
	VZEROUPPER
	RET
