//go:build linux

package system

import (
	"fmt"
	"strings"
	"syscall"
)

// What people can do when a helper program fails, by the program and its exit
// status. The statuses are those of the programs' manual pages. A caller that
// knows more about its own call gives a hint of its own, which counts.

// A helper is a program that is run somewhere in this module. The tables are slices,
// as maps are built by code at every start.
type helper struct {
	name   string
	pkg    string // the package that has it; Debian's after a comma if it differs
	status []statusHint
	other  string // for any other failure
}

type statusHint struct {
	status int
	hint   string
}

const (
	accountHint = "the log has all that it printed; check the entry of passwd in the config against the account files of the image"
	deviceHint  = "the log has all that it printed; check that nothing uses the device and that it is large enough, and the options in the config"
	tpmHint     = "check that the Tang servers can be reached, or that the machine has a TPM 2.0 that is enabled"
	adapterHint = "check that the crypto adapter is assigned to this machine and online (lszcrypt)"
	zvmHint     = "check that the virtual reader 000c is defined in this guest, and its state on z/VM (QUERY RDR)"
)

var (
	userStatus = []statusHint{
		{1, "the file /etc/passwd of the image cannot be changed: check that its filesystem is writable and has space"},
		{2, "the program does not know one of the options: the image has another version of shadow-utils"},
		{3, "check the values of this user in the config: names, IDs, shell, home directory"},
		{4, "the UID is in use: choose another one in the config"},
		{6, "a group does not exist: add it to passwd.groups, or remove it from the user"},
		{8, "the user runs processes: stop them before"},
		{9, "the name is in use by another user or group of the image: choose another one"},
		{10, "the file /etc/group of the image cannot be changed: check that its filesystem is writable and has space"},
		{12, "the home directory cannot be created, moved or removed: check the directory above it in the image"},
	}
	groupStatus = []statusHint{
		{2, "the program does not know one of the options: the image has another version of shadow-utils"},
		{3, "check the values of this group in the config: its name and its ID"},
		{4, "the GID is in use: choose another one in the config"},
		{6, "the group does not exist in the image"},
		{8, "it is the primary group of a user: remove or change that user before"},
		{9, "the name is in use: choose another one in the config"},
		{10, "the file /etc/group of the image cannot be changed: check that its filesystem is writable and has space"},
	}
	cryptsetupStatus = []statusHint{
		{1, "check the options of the volume in the config; the log has all that it printed"},
		{2, "the key does not open the volume: check keyFile, or how the volume was bound"},
		{3, "there is too little memory for the key derivation: give the machine more, or set --pbkdf-memory and --pbkdf-force-iterations in the options"},
		{4, "check the device in the config: it is not a LUKS device, or does not exist"},
		{5, "the device is in use, or a mapping of that name exists: see dmsetup ls and /sys/class/block/*/holders"},
	}
)

var helpers = []helper{
	{"chccwdev", "s390utils-base, s390-tools", nil, zvmHint},
	{"chgpasswd", "shadow-utils, passwd", nil, accountHint},
	{"chpasswd", "shadow-utils, passwd", nil, accountHint},
	{"cio_ignore", "s390utils-base, s390-tools", nil, zvmHint},
	{"clevis", "clevis-luks", nil, tpmHint},
	{"cryptsetup", "cryptsetup, cryptsetup-bin", cryptsetupStatus, deviceHint},
	{"dmsetup", "device-mapper, dmsetup", nil, "see dmsetup table and dmsetup info -c for what uses the mapping"},
	{"groupadd", "shadow-utils, passwd", groupStatus, accountHint},
	{"groupdel", "shadow-utils, passwd", groupStatus, accountHint},
	{"groupmod", "shadow-utils, passwd", groupStatus, accountHint},
	{"ignition-kargs-helper", "of the distribution", nil, "it is a script of the distribution; the log has all that it printed"},
	{"is-live-image", "of the distribution", nil, "it is a script of the distribution; the log has all that it printed"},
	{"mdadm", "mdadm", nil, "the log has all that it printed; see /proc/mdstat and /sys/class/block/*/holders for what uses the members, and check that they are large enough"},
	{"mkfs.btrfs", "btrfs-progs", nil, deviceHint},
	{"mkfs.ext4", "e2fsprogs", nil, deviceHint},
	{"mkfs.fat", "dosfstools", nil, deviceHint},
	{"mkfs.xfs", "xfsprogs", nil, deviceHint},
	{"mkswap", "util-linux", nil, deviceHint},
	{"modprobe", "kmod", nil, "check that the initramfs has the kernel module (dracut --add-drivers)"},
	{"mount", "util-linux, mount", []statusHint{
		{1, "check the mount options; mounting needs root"}, {32, "the kernel refused the mount; its log (dmesg) says why"}}, "the kernel log (dmesg) may say more"},
	{"setfiles", "policycoreutils", nil, "check the SELinux policy of the image: /etc/selinux/config and its file_contexts"},
	{"systemctl", "systemd", []statusHint{
		{4, "the unit does not exist in the image: check its name in the config"}}, "check the unit in the config, and that the image has systemd"},
	{"systemd-creds", "systemd", nil, "check that the credential was encrypted on this machine, or for its TPM, and under this name; the initramfs needs the driver of the TPM and the libraries of tpm2-tss"},
	{"udevadm", "systemd-udev, udev", nil, "udev does not answer or is still at work: see its part of the log"},
	{"useradd", "shadow-utils, passwd", userStatus, accountHint},
	{"userdel", "shadow-utils, passwd", userStatus, accountHint},
	{"usermod", "shadow-utils, passwd", userStatus, accountHint},
	{"vmur", "s390utils-base, s390-tools", nil, zvmHint},
	{"zkey", "s390utils-core, s390-tools", nil, adapterHint},
	{"zkey-cryptsetup", "s390utils-core, s390-tools", nil, adapterHint},
}

// findHelper returns the row of a program, an empty one for a program that is not in
// the table.
func findHelper(program string) helper {
	for _, h := range helpers {
		if h.name == program {
			return h
		}
	}
	return helper{}
}

// hint returns what to do about a failure, "" for a program that is not in the
// table.
func (h helper) hint(err error) string {
	switch status, signal := exitStatus(err); {
	case h.pkg == "":
		return ""
	case isMissing(err):
		return fmt.Sprintf("rebuild the initramfs where the program is installed (package %s), or with dracut --install %s",
			strings.ReplaceAll(h.pkg, ", ", "; on Debian "), h.name)
	case signal == syscall.SIGKILL:
		return "the kernel may have killed it for want of memory: see its log (dmesg), and give the machine more"
	case signal != 0:
		return "this is a bug of the program, or its file in the initramfs is damaged"
	default:
		for _, s := range h.status {
			if s.status == status {
				return s.hint
			}
		}
		return h.other
	}
}
