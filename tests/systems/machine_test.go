//go:build soak

package systems

import (
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/vm"
)

// machine is one of a variant, with an empty second disk.
func machine(t *testing.T, variant string) vm.Options {
	t.Helper()
	img, err := vm.BuildVariant(variant)
	testkit.NoError(t, err)
	dir := t.TempDir()
	root, err := vm.NewRoot(img, dir)
	testkit.NoError(t, err)
	disk, err := vm.NewDisk(dir, "disk1", 512)
	testkit.NoError(t, err)
	return vm.Options{Images: img, Root: root, Disks: []string{disk}}
}
