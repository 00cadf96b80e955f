// Package firstboot knows how a machine tells its first boot from all others.
//
// It is a file that is there, or, for the machine ID, not yet there, or a line of one. Which one is the
// distribution's choice (FIRST_BOOT in distribution.conf), since it depends on the boot
// loader:
//
//	boot-file     GRUB looks for it, and starts the kernel with ignition.firstboot
//	credential    systemd-stub passes it to the initramfs
//	efi-variable  the firmware keeps it
//	loader-entry  the boot loader's entries start the kernel with ignition.firstboot
//	root-file     on the root filesystem, which the initramfs looks at
//	machine-id    systemd's own: the root has no machine ID yet
//
// Arm makes the next boot the first one, Disarm ends that. Each is the creation, the
// removal or, of an entry, the replacement of one file, synced, so that a power cut leaves
// one state or the other.
//
// ArmReset makes it one that takes a request (package internal/reset) instead of the
// platform's config: it writes the request, what tells the boot of it, and the mark, in this
// order, and Disarm removes them in the opposite one. What tells the boot is the kernel
// argument firstlight.reset=ID, in the mark itself if GRUB takes arguments from it, in the
// boot loader's entries otherwise; with systemd-stub it is the request itself.
//
// The generator in the initramfs decides by the first four (what it asks for is in the
// table of Ways, as is the shell's test), and leaves the others to
// ignition-firstboot.service, since there is no root filesystem yet.
package firstboot
