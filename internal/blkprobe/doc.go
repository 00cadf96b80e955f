// Package blkprobe finds out what a block device holds, by the magic numbers
// that formats put at fixed offsets: filesystems, swap, members of arrays and
// of volume groups, encrypted volumes. It replaces blkid in the
// initramfs.
//
// [Probe] runs one short function for each format of a table and returns a
// [Signature] for each that is there:
//
//	for each format, what is built upon first (libblkid's order):
//	    read its superblock; if the magic number is there and the numbers
//	    beside it make sense: type, label, UUID, where the magic numbers are
//
// A device can have several, since mkfs of one format often leaves the
// superblock of another alone. The first one counts, as for libblkid; the
// others matter to who wipes the device.
//
// Adding a format is one line in the table and one function, with a case in
// the table of TestProbeFindsMagicNumbers.
//
// It reads only, sees a reader and a size rather than a device, and believes
// nothing that it reads: sizes are bounded, and FuzzProbe holds that. It does
// not read partition tables (internal/gpt does).
package blkprobe
