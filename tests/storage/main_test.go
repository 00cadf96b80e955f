// Package storage has the blackbox tests of the stages disks, mount and umount:
// the agent's program, a real kernel, real disks and real helper programs. What
// it leaves is judged by other tools than our own.
//
// All of it runs inside a machine, which TestMain boots. A test may do there what
// it likes with its disks; it must leave no device behind for the next one, which
// the helpers in lab_test.go see to.
package storage

import (
	"os"
	"testing"

	"github.com/firstlight-os/firstlight/tests/vm"
)

func TestMain(m *testing.M) { os.Exit(vm.RunInLab(m, nil)) }
