// Package storage is the disks stage and the mount stage: it looks at block
// devices, has storage/plan decide, and executes what was decided.
//
// The disks stage, in disks.go:
//
//	choose the disks that the config names by what they are       choose.go
//	wait for the disks of the config, read their tables, see who holds them
//	decide on partitions; locate what everything else is to be on
//	wait for the other devices, look at what they hold
//	decide on arrays, LUKS volumes and filesystems
//	any conflict: stop with all of them; nothing has been written
//	an operation for each node of the graph, after those that it depends on:
//	    choice      make the links to a chosen disk          choose.go
//	    disk        wipe, write the table, tell the kernel   partition.go, mapped.go
//	    array       create, assemble or complete             raid.go
//	    volume      create or open, bind to clevis           luks*.go
//	    filesystem  wipe, make, check, make subvolumes       mkfs.go, subvolume.go
//
// Whether a filesystem must be made is decided before the partition for it
// exists: what will be in a partition is already on the disk, in the sectors
// where the partition will be. Only what is on an array or a volume that has yet
// to be started is looked at, and decided on, by its operation.
//
// Every operation converges: a run that was interrupted at any write is followed
// by one that finds what was done, and does the rest. An array or a volume is
// looked at once more before it is made. See the decisions in storage/plan.
//
// The mount stage (mount.go) mounts the config's filesystems, and the subvolumes of
// a btrfs, below the root, the outer ones first, and labels what is new for SELinux. The umount stage takes
// them away in reverse, and first takes the mark of unfinished volumes away.
//
// To choose a disk is to look at all of them: what they are comes from sysfs and
// udev's records (identity.go), where the running root is from mounts, kernel
// arguments and labels (rootdisk.go). While a plan is made a path such as
// /dev/firstlight/data leads to the chosen disk without a link (Machine.devPath).
// UdevRules (udevrules.go) are for later boots; the files stage writes them.
//
// Words: a node is the kernel's device file, a path is any name of a device in
// the config, a holder is what uses a device. Waiting (wait.go) is by uevents
// and ends when udev has finished with a device.
//
// Disks may be plain files, for tests and on workstations; there is no kernel
// to be told about those. All paths of the machine can be replaced in Machine.
package storage
