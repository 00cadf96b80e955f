//go:build !linux

package system

import (
	"errors"
	"os"
)

// networkChanges fails, so that waits for the network of a workstation just sleep.
func networkChanges() (*os.File, error) { return nil, errors.ErrUnsupported }
