package qemu

import (
	"os"
	"path/filepath"
)

// The names of what a demo has in its directory, and the kernel arguments that lead to its
// root.
const (
	DemoKernel    = "kernel"
	DemoInitramfs = "initramfs"
	DemoRoot      = "root"
	DemoArguments = "root=LABEL=root rw net.ifnames=0"
)

// DemoDir is where "make demo" of a checkout leaves the machine that it has booted, for
// others to boot: in the user's cache.
func DemoDir() (string, error) {
	cache, err := os.UserCacheDir()
	return filepath.Join(cache, "firstlight", "demo"), err
}
