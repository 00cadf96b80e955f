//go:build linux && !portable

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/firstlight-os/firstlight/internal/qemu"
)

// useDemo has the machine be the one of "make demo".
func (o *tryOptions) useDemo() error {
	if o.image+o.kernel+o.initrd+o.root != "" {
		return errors.New("--demo has a kernel, an initramfs and a root: it goes without --image, --kernel, --initrd and --root")
	}
	dir, err := qemu.DemoDir()
	if err != nil {
		return fmt.Errorf("looking for the demo: %w", err)
	}
	for name, file := range map[string]*string{qemu.DemoKernel: &o.kernel, qemu.DemoInitramfs: &o.initrd, qemu.DemoRoot: &o.root} {
		*file = filepath.Join(dir, name)
		if _, err := os.Stat(*file); err != nil {
			return fmt.Errorf(`there is no demo in %s: "make demo" in a checkout of Firstlight builds one`, dir)
		}
	}
	o.arguments = strings.TrimSpace(qemu.DemoArguments + " " + o.arguments)
	return nil
}
