#include "textflag.h"

// func selectFwCfg(key uint16)
TEXT ·selectFwCfg(SB), NOSPLIT, $0-2
	MOVWLZX key+0(FP), AX
	MOVL    $0x510, DX
	OUTW
	RET

// func readFwCfgData(p *byte, n uintptr)
TEXT ·readFwCfgData(SB), NOSPLIT, $0-16
	MOVQ p+0(FP), DI
	MOVQ n+8(FP), CX
	MOVL $0x511, DX
	CLD
	REP
	INSB
	RET
