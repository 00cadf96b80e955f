// Package reset has the request for a reset of the machine: that its next boot is a first
// boot again, with which config, and what of the root filesystem stays.
//
// "firstlightctl reset" of the running system writes it, the initramfs of the next boot
// reads it, and the system that has booted from that removes it. It is in one of two places:
//
//	the file File on the filesystem that the boot loader reads; the kernel argument
//	firstlight.reset=ID tells the next boot that it is there
//	CredentialFile on the EFI system partition, if that is how the distribution marks first
//	boots: systemd-stub passes it to the initramfs
//
// The request has a config and so may have secrets: it is never logged.
//
// It is JSON. Parse is strict, since what is passed over in silence may be a path that
// somebody wants to keep: unknown and repeated members, and other versions, are errors.
package reset
