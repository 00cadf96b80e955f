// Package reset has the tests of a reset that keeps chosen paths, on real filesystems: a
// machine of which /usr is a mount of its own is reset, and loses its power while it is.
package reset

import (
	"os"
	"testing"

	"github.com/firstlight-os/firstlight/tests/vm"
)

func TestMain(m *testing.M) { os.Exit(vm.RunInLab(m, vm.TestGroup{})) }
