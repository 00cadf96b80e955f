// Package initramfs makes the overlay: an archive with the agent that follows an
// initramfs, in whose files it replaces the agent.
//
// An initramfs is a sequence of cpio archives in the format newc, each as it is or
// compressed, with zeros between them (Documentation/driver-api/early-userspace/
// buffer-format.rst of the kernel). The kernel unpacks one after the other, so that
// a file of a later archive takes the place of an earlier one.
package initramfs
