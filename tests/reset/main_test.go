// Package reset has the tests of a reset that keeps chosen paths, on real filesystems: a
// machine of which /usr is a mount of its own is reset, and loses its power while it is.
package reset

import (
	"os"
	"testing"

	"github.com/firstlight-os/firstlight/tests/vm"
)

func TestMain(m *testing.M) {
	os.Exit(vm.RunInLab(m, vm.TestGroup{}, vm.TestGroup{Prepare: withTPM, Tests: "^TestVolumeOfTheTPM"}))
}

// withTPM has QEMU run the tests, which has a TPM.
func withTPM(_ *vm.Lab, job *vm.Job, _ string) error {
	job.TPM = true
	job.Files = map[string]string{"ignition-luks.conf": "../../dracut/30ignition/ignition-luks.conf"}
	return nil
}
