//go:build amd64 || arm64

package hypervisor

// callBackdoor lets the hypervisor answer in the registers. Where it is not
// VMware, or does not allow programs to call it, that is an error.
func callBackdoor(r *vmwareRegisters) error {
	return catchFault(func() { callVMware(r) })
}

//go:noescape
func callVMware(r *vmwareRegisters)
