package hypervisor

// onVMware asks the processor for the hypervisor's name.
func onVMware() bool {
	const hypervisor = 1 << 31 // a hypervisor is there
	if _, _, c, _ := cpuid(1); c&hypervisor == 0 {
		return false
	}
	_, b, c, d := cpuid(0x40000000)
	return b == 0x61774d56 && c == 0x4d566572 && d == 0x65726177 // "VMwareVMware"
}

//go:noescape
func cpuid(leaf uint32) (a, b, c, d uint32)
