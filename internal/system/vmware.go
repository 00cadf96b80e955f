package system

// VMwareRegisters are those that a call of VMware's "backdoor" uses, by the
// names that they have on a PC.
type VMwareRegisters struct{ AX, BX, CX, DX, SI, DI uint32 }
