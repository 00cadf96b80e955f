//go:build !linux

package fetch

import "errors"

// wantRefusals does nothing: other kernels have no such option.
func wantRefusals(uintptr) {}

// openFiles is not asked for on workstations, which have enough.
func openFiles() (uint64, error) { return 0, errors.ErrUnsupported }

// networkState is not asked for on workstations.
func networkState() string { return "" }
