//go:build amd64 || arm64

package system

import (
	"fmt"
	"runtime/debug"
)

// CallVMware lets the hypervisor answer in the registers. Where it is not
// VMware, or does not allow programs to call it, the processor faults.
func CallVMware(r *VMwareRegisters) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("the hypervisor does not take calls of programs: %v", fault)
		}
	}()
	callVMware(r)
	return nil
}

//go:noescape
func callVMware(r *VMwareRegisters)
