#include "textflag.h"

// Reading a debug register stands for the instruction "in" of a PC: the upper
// half of R7 says so, the lower one that 32 bits are read.
//
// func callVMware(r *vmwareRegisters)
TEXT ·callVMware(SB), NOSPLIT, $0-8
	MOVD r+0(FP), R8
	MOVWU 0(R8), R0
	MOVWU 4(R8), R1
	MOVWU 8(R8), R2
	MOVWU 12(R8), R3
	MOVWU 16(R8), R4
	MOVWU 20(R8), R5
	MOVD $0, R6
	MOVD $0x860000000E, R7
	WORD $0xD533011F // mrs xzr, mdccsr_el0
	MOVW R0, 0(R8)
	MOVW R1, 4(R8)
	MOVW R2, 8(R8)
	MOVW R3, 12(R8)
	MOVW R4, 16(R8)
	MOVW R5, 20(R8)
	RET
