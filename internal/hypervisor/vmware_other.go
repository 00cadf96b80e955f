//go:build !amd64 && !arm64

package hypervisor

import "errors"

// onVMware is false: VMware has no machines of this architecture.
func onVMware() bool { return false }

// callBackdoor cannot be done on this architecture.
func callBackdoor(*vmwareRegisters) error { return errors.ErrUnsupported }
