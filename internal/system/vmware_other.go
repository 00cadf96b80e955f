//go:build !amd64 && !arm64

package system

import "errors"

// OnVMware is false: VMware has no machines of this architecture.
func OnVMware() bool { return false }

// CallVMware cannot be done on this architecture.
func CallVMware(*VMwareRegisters) error { return errors.ErrUnsupported }
