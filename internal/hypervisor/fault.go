//go:build amd64 || arm64

package hypervisor

import (
	"fmt"
	"runtime/debug"
)

// catchFault runs instructions that the hypervisor may make a fault.
func catchFault(f func()) (err error) {
	before := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(before)
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("the hypervisor does not allow this to programs: %v", fault)
		}
	}()
	f()
	return nil
}
