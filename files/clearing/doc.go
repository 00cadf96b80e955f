// Package clearing removes all from a root but what stays: what was asked to be kept, and what
// belongs to the image.
//
// # Flow
//
//	Look               finds the layout, all conflicts, and how much goes and stays
//	Plan.Operations    remove, make /etc anew, sync, record
//
// Until the last of these operations is done the clearing has to be repeated from Look on after
// an interruption; that gives the same root. So nothing is synced by itself, and nothing has
// a temporary name.
//
// # What belongs to the image
//
// The table layouts says how that is known:
//
//	OSTree deployment    all but /var and /etc (that is, in their mounts); /etc is made anew
//	                     from /usr/etc
//	RESET_KEEP           what the distribution says there; /etc from RESET_ETC
//	own /usr             nothing of the root: it is made by the system when it boots, from a
//	                     /usr that is mounted read-only
//
// In the last two /boot and /efi stay where they are directories of the root, and the directories
// that a root has by convention stay, empty, with links to /usr. Any other root is refused: what
// of it would be missed is not known.
//
// # How nodes are removed
//
// All is done below open directories and by the names of their entries. No link is followed, no
// mount is entered (known by its ID), and a directory that is found again as the parent of
// another one has to be the same, so that who swaps names meanwhile leads nothing out of the
// root. Immutable and append-only attributes are taken away, Btrfs subvolumes are destroyed,
// read-only ones too. A directory that stays because of something in it gets such attributes
// back, unless the clearing is interrupted.
//
// What is made in /etc gets the labels of the root's SELinux policy from setfiles, as in the
// files stage.
//
// What stays is not touched: of a kept node only the number of its names changes (and so its time
// of change), if others of them go. A path is kept by its name: what it leads to by a
// link, or what is mounted there, is not, so that such paths are conflicts.
package clearing
