package firstboot

import (
	"testing"

	"github.com/firstlight-os/firstlight/tests/vm"
)

func TestMachineWithoutAnIDIsProvisionedOnce(t *testing.T) {
	t.Parallel()
	o := machine(t)
	o.Images = vm.WithFiles(t, o.Images, map[string]string{"usr/lib/ignition/distribution.conf": "FIRST_BOOT=machine-id\n"})
	o.Config = `{"ignition": {"version": "3.4.0"}, "storage": {"files": [
		{"path": "/etc/machine-id", "mode": 292, "overwrite": true, "contents": {"source": "data:,0123456789abcdef0123456789abcdef%0A"}},
		{"path": "/etc/done", "contents": {"source": "data:,done"}}]}}`
	o.Arguments = "ignition.platform.id=qemu"
	first := vm.Boot(t, o)
	same(t, "stages", stages(t, first.Stages), []string{"fetch-offline", "kargs", "disks", "mount", "files", "umount"})
	same(t, "file", first.Files["/etc/done"].Text, "done")
	if t.Failed() {
		return
	}
	second := vm.Boot(t, o)
	same(t, "stages of the second boot", second.Stages, "")
}
