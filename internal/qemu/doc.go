// Package qemu starts virtual machines by QEMU: its command line, the acceleration that
// works here, disks that leave their images as they are, and the firmware.
//
// It is for workstations: "firstlightctl try" and the tests use it. It needs
// qemu-system-x86_64 and qemu-img, and no root. Nothing that it starts outlives this
// process.
//
// The package imports nothing of ours.
package qemu
