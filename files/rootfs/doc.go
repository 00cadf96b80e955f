// Package rootfs reads and changes a directory tree that will be the "/" of
// another system, without ever leaving it.
//
// A path means here what it will mean to that system: "/" and absolute symbolic
// links lead to the root that was opened, and ".." of the root is the root. A
// tree from an image or from an earlier owner may hold any links, and os.Root
// does not serve, since it refuses absolute ones.
//
// # How a path is resolved
//
//	OpenDir             openat2(root, name, RESOLVE_IN_ROOT), and where the kernel
//	                    has none, or a sandbox forbids it, a walk: openat(O_NOFOLLOW)
//	                    component by component, reading the links itself
//	Resolve, View       always the walk, since parts of the path may not exist yet
//
// A View answers the same questions about the root as it will be after programs have
// removed, moved or made subtrees. It only walks.
//
// Both agree (FuzzResolve). The kernel's is there for speed: 6,300 nodes take 2.5 s
// with it and 4.1 s without.
//
// The walk holds the last directories open that it has passed, so that ".." leads to
// where it came from and cannot be moved outside. Both follow at most 40 links.
//
// A root that KeepDirs was called for opens a path once: thousands of nodes in some
// directories then cost as many paths as there are directories. They are forgotten when
// this root removes, moves or replaces something that a path may lead over, and when Forget
// is called, after a program has changed the tree. What a new file in such a directory is
// like, its owner and mode, is looked at once as well.
//
// # How a node is changed
//
// All changes are made to entries of a directory that is held open (Dir), whose
// methods never follow a link in the last component.
//
//	temp file: create ".firstlight-" and a random suffix (0600), write, chown, chmod
//	commit:    renameat2(temp, name, RENAME_NOREPLACE), or rename if it may replace
//
// A PendingFile is a temp file for contents that take long to come. It is closed
// between the writes, and found again by its name and inode.
//
// A StagedTree is a directory with a temporary name, for names that come from elsewhere: no
// link in it is ever followed. It is renamed as a whole, or what is new in it is, after
// all of it was compared with what is there.
//
// So nobody reads a node before it is complete, has its owner and its mode, and
// after a power cut there is the old node or the new one. Only a directory in the
// way is removed first, since no rename replaces one that is not empty. Temp files
// that a power cut leaves behind are found by IsTempName. Durability is the
// caller's choice: Options.Sync for one file, SyncFilesystem for all.
//
// # What somebody who writes to the tree meanwhile can do
//
// She can swap directories for links, or make nodes and links of her own: then
// an operation fails or happens at another path inside of the root, never
// outside. A node that has come into being since the caller looked is not
// replaced unless that was allowed. Who can move a directory of the tree out of it can
// have a node written there as well, as long as the directory is kept open. Not covered:
// bind mounts below the root are entered (they belong to the tree), but never removed.
//
// The package imports nothing of this module.
package rootfs
