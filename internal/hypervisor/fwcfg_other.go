//go:build !amd64

package hypervisor

import "errors"

// ReadFwCfg is for PCs: others have no ports that programs may use.
func ReadFwCfg(uint16, []byte) error { return errors.ErrUnsupported }
