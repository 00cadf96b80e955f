//go:build amd64 || arm64

package system

import (
	"fmt"
	"runtime/debug"
)

// CallVMware lets the hypervisor answer in the registers. Where it is not
// VMware, or does not allow programs to call it, that is an error.
func CallVMware(r *VMwareRegisters) error {
	return catchFault(func() { callVMware(r) })
}

//go:noescape
func callVMware(r *VMwareRegisters)

// catchFault runs instructions that the hypervisor may make a fault.
func catchFault(f func()) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("the hypervisor does not allow this to programs: %v", fault)
		}
	}()
	f()
	return nil
}
