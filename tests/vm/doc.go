// Package vm boots machines for tests: a small Debian image, an initramfs made
// by dracut with our module as "make install" leaves it, and QEMU.
//
// Everything that the machines are made of is built inside one Debian tree by
// chroot, so that the host needs QEMU and debootstrap only, and is kept in a
// cache, keyed by what it was built from. A machine reports on a virtio serial
// port what it has become; its console is for people, and for tests of what
// people see.
//
// A Lab is another kind of machine: it boots nothing of ours, but runs one
// program, its Job, with a real kernel, disks, udev and helper programs. The tests
// of a package run inside it if its TestMain calls RunInLab, which spreads them
// over machines. A lab is User-mode Linux, which is several times as fast as
// emulation, unless the job needs hardware or systemd: then it is QEMU.
//
// No machine has a time limit that a busy host could reach: they end by what
// happens in them, and what hangs all the same ends after an hour or two.
package vm
