// Package plan decides what the disks stage does. It holds the device graph of
// a config and does no I/O: facts go in, decisions and conflicts come out, which
// package storage executes and firstlightctl shows.
//
// The nodes of a [Graph] are what operations change: a [Disk] with the changes
// of its partitions, an [Array], a LUKS [Volume], a [Filesystem]. A node names
// the devices that it is on by targets; a [Target] is on a partition of a disk
// of the graph, on a stacked device (an array or a volume) or on a device
// outside of it. From that follows what depends on what.
//
//	Choose         the disks that the config names by what they are (choose.go,
//	               candidate.go), out of all disks of the machine
//	New            nodes and targets of the config, with the facts about its disks
//	DecideDisks    for each partition of the config: its number, what exists there,
//	               start and size; kept, created, resized, replaced or deleted
//	Locate         what each target's path will mean when the disks are as decided;
//	               stacked devices in the order of their dependencies
//	Target.Look    (the caller waits for the devices before)
//	DecideContents arrays, volumes, filesystems: keep what is as the config
//	               describes it, make what is new or to be wiped, refuse the rest
//
// A partition has three shapes: the config's with its number (partitionSpec),
// the one that exists (gpt.Partition), and the [Change] between them.
//
// What a stacked device holds is its [ContentState]. If it has to be started
// first, what is on it is deferred: its operation looks, and calls DecideArray,
// DecideVolume or DecideFilesystem again.
//
// The rules of what is refused protect data: nothing that exists is changed
// unless it is ours from an interrupted run or the config says so
// (wipeTable, wipePartitionEntry, resize, wipeFilesystem, wipeVolume), and
// nothing that has a [Holder]. All conflicts are found, not only the first.
//
// Limits: it imports nothing that can do I/O, which a test holds. What it asks
// for while it decides is in the interface [Facts].
package plan
