package vm

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// User-mode Linux is a kernel that runs as a process of the host. Its program and
// modules come with Debian's package user-mode-linux.
const (
	uml        = "linux.uml"
	umlModules = "/usr/lib/uml/modules"
)

// labVariable set to "qemu" has each job run in QEMU.
const labVariable = "FIRSTLIGHT_LAB_MACHINE"

// umlRuns reports whether a job runs in User-mode Linux.
func umlRuns(job Job) bool {
	if job.TPM || job.Systemd || len(job.Discs) > 0 || len(job.Devices) > 0 || os.Getenv(labVariable) == "qemu" {
		return false
	}
	_, err := exec.LookPath(uml)
	return err == nil
}

// umlArguments keeps what the machine writes to its root, and its own files, in
// dir.
func (l *Lab) umlArguments(job Job, dir, share string) []string {
	args := []string{uml, fmt.Sprintf("mem=%dM", job.Memory), "uml_dir=" + dir, "umid=lab", "root=/dev/ubda", "rw", "init=/usr/libexec/lab-init",
		"console=tty0", "con0=null,fd:2", "con=null", "ssl0=null,fd:1", "ssl=null", "panic=-1", "quiet", "loglevel=3", labArguments, "lab.modules=" + umlModules,
		fmt.Sprintf("ubd0=%s,%s,lab", filepath.Join(dir, "root"), l.Root), "ubd1r=" + share + ",,share"}
	for i, disk := range job.Disks {
		args = append(args, fmt.Sprintf("ubd%d=%s,,disk%d", i+2, disk, i+1))
	}
	return args
}
