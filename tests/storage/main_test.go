// Package storage has the blackbox tests of the stages disks, mount and umount:
// the agent's program, a real kernel, real disks and real helper programs. What
// it leaves is checked by other tools than our own.
//
// All of it runs inside machines, which TestMain boots. A test may do there what
// it likes with its disks; it must leave no device behind for the next one, which
// the helpers in lab_test.go see to.
package storage

import (
	"os"
	"slices"
	"testing"

	"github.com/firstlight-os/firstlight/tests/vm"
)

// Several machines run at the same time, as each uses one processor for most of the
// time. The one for tests that need a TPM is emulated by QEMU.
func TestMain(m *testing.M) {
	os.Exit(vm.RunInLab(m,
		vm.TestGroup{Prepare: prepare},
		vm.TestGroup{Prepare: prepare, Tests: "^TestTables$"},
		vm.TestGroup{Prepare: prepare, Tests: "^Test(Volume|Tang|PinOf|WhatClevis|WhatCryptsetup|ForeignVolumes|WipeVolume|FilesystemsInVolumes)"},
		vm.TestGroup{Prepare: prepare, Tests: "^Test(Array|WhatMembers|TheSameMember|WhatMdadm|AMember)"},
		vm.TestGroup{Prepare: withDisks, Tests: "^TestChosenDisks"},
		vm.TestGroup{Prepare: withTPM, Tests: "^(TestThresholdOfTwo|TestNoTPM|TestKeysAreForRootAlone|TestConfigsAreMeasuredIntoTheKernelsTPM)$"}))
}

// prepare adds what the tests need besides the agent.
func prepare(_ *vm.Lab, job *vm.Job, _ string) error {
	job.Files = map[string]string{"ignition-luks.conf": "../../dracut/30ignition/ignition-luks.conf"}
	return nil
}

// withDisks adds two disks. A loop device is none that would be chosen.
func withDisks(lab *vm.Lab, job *vm.Job, dir string) error {
	for name, mib := range map[string]int64{"one": 480, "two": 512} {
		disk, err := vm.NewDisk(dir, name, mib)
		if err != nil {
			return err
		}
		job.Disks = append(job.Disks, disk)
	}
	slices.Sort(job.Disks)
	return prepare(lab, job, dir)
}

func withTPM(lab *vm.Lab, job *vm.Job, dir string) error {
	job.TPM = true
	return prepare(lab, job, dir)
}
