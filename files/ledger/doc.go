// Package ledger keeps the record of a first boot on the root that it provisions:
// which config was applied, which of its paths existed before, and what has to be
// put back or removed if the run is interrupted, by a power cut say.
//
// # Flow
//
//	mount stage   RecordDirectories: mount points, before they are created
//	files stage   Read: the last ledger; Next: that of this run
//	  planning    Existed is filled by the first run only; Made and AppendedTo
//	              are asked about nodes of the config that exist
//	  first       Start: the ledger is on the disk before the first change
//	  last        Finish: everything is on the disk; what was for repairing goes
//
// # Which ledger counts
//
// A ledger about another config does not apply, and the run starts an empty one.
// One about the same config that a files stage has written is the earlier
// ledger: what it says about nodes counts, since only the first run has seen them
// untouched. One that only the mount stage has written has the mount points, to
// which this run adds what it finds.
//
// That the root was cleared for a request of a reset is kept through all of these: a run with
// another config must not clear it again.
//
// # What is ours
//
// A node of the config is ours if it exists, did not exist before the first run,
// and was not changed after that run was finished. Of an archive all nodes are ours that were
// not changed since, once a run has begun to put it in place: then there was nothing in its
// way, or it may be replaced anyway. The ledger stays when all is done, since the machine
// is provisioned again if the power fails before its first boot is over.
//
// # What is undone
//
// Users are made, changed and deleted anew after an interruption, so first their
// databases are put back and UndoHomes takes back what became of their homes and
// mailboxes. It does so to the root, and before that to the view on which the run is
// planned: what will be undone counts as undone. What usermod has copied to another
// filesystem cannot be undone once the original is being removed; then users are made
// again without it.
//
// # Limits
//
// Times are those of inodes (the kernel's coarse clock, nanoseconds since 1970).
// On filesystems without inodes (vfat) a change is seen by size and time of
// modification. The file is root's alone, since accounts are in it until the run
// is finished.
//
// The package imports files/rootfs and internal/json.
package ledger
