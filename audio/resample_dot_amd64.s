#include "textflag.h"

// func dotRows(y, x, kernel []float32, advance []int32, taps, phase, at int)
//
// DI y, CX outputs left, SI x under the row, BX row, R8 end of kernel, R9 advance of the phase, R10 bytes of a row,
// R11 bytes of it in whole groups of 8 taps, AX byte in the row. X0 sums taps 0-3 of 8, X1 taps 4-7.
TEXT ·dotRows(SB), NOSPLIT, $0-120
	MOVQ y_base+0(FP), DI
	MOVQ y_len+8(FP), CX
	TESTQ CX, CX
	JZ   done
	MOVQ x_base+24(FP), SI
	MOVQ at+112(FP), AX
	LEAQ (SI)(AX*4), SI
	MOVQ taps+96(FP), R10
	SHLQ $2, R10
	MOVQ R10, R11
	ANDQ $~31, R11
	MOVQ advance_len+80(FP), R8
	IMULQ R10, R8
	MOVQ kernel_base+48(FP), R12
	ADDQ R12, R8
	MOVQ phase+104(FP), AX
	MOVQ advance_base+72(FP), R13
	LEAQ (R13)(AX*4), R9
	IMULQ R10, AX
	LEAQ (R12)(AX*1), BX

output:
	XORPS X0, X0
	XORPS X1, X1
	XORQ  AX, AX
	JMP   test

eight:
	MOVUPS (BX)(AX*1), X2
	MOVUPS (SI)(AX*1), X3
	MOVUPS 16(BX)(AX*1), X4
	MOVUPS 16(SI)(AX*1), X5
	MULPS  X3, X2
	MULPS  X5, X4
	ADDPS  X2, X0
	ADDPS  X4, X1
	ADDQ   $32, AX

test:
	CMPQ AX, R11
	JNE  eight
	CMPQ AX, R10
	JE   reduce
	MOVUPS (BX)(AX*1), X2
	MOVUPS (SI)(AX*1), X3
	MULPS  X3, X2
	ADDPS  X2, X0

reduce:
	ADDPS   X1, X0      // 0+4, 1+5, 2+6, 3+7
	MOVHLPS X0, X1      // 2 and 3 over 0 and 1
	ADDPS   X1, X0
	MOVAPS  X0, X1
	SHUFPS  $1, X1, X1
	ADDSS   X1, X0
	MOVSS   X0, (DI)

	ADDQ    $4, DI
	MOVLQSX (R9), AX
	LEAQ    (SI)(AX*4), SI
	ADDQ    $4, R9
	ADDQ    R10, BX
	CMPQ    BX, R8
	JNE     next
	MOVQ    R12, BX     // the first phase again
	MOVQ    R13, R9

next:
	DECQ CX
	JNZ  output

done:
	RET
