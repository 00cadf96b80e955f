// Package files provisions the tree below a root: users and groups, files,
// directories and links, units of systemd, the crypttab, the result file and the
// SELinux labels.
//
// # Flow
//
//	look   the ledger of earlier runs, the users and groups, what they leave of the
//	       tree (homes.go), each path of the config
//	plan   an operation for each change, or all the conflicts at once (plan.go)
//	run    the operations one after another; each change whole or not at all
//
// The plan, in the order in which it runs:
//
//	clean up after a run that was interrupted            ledger.go, saved_accounts.go
//	record in the ledger what exists                     ledger.go
//	start the downloads                                  prefetch.go
//	users that go, groups, other users, SSH keys         users.go, sshkeys.go
//	files and links that are to be absent                absent.go
//	archives, after the directories that they are        archive.go, unpack.go
//	  unpacked into
//	directories, files, links (parents first, in the     entries.go, directory.go,
//	  order of the config), then hard links              file.go, link.go
//	drop-ins, units, masks, presets                      units.go, presets.go
//	keys of LUKS volumes, crypttab                       crypttab.go
//	files of the platform, what leads nowhere            output.go, notes.go
//	sync, result file                                    sync.go, result.go
//	SELinux labels, end of the ledger                    labels.go, ledger.go
//
// # Words
//
//	entry          a directory, file or link of the config
//	resolved path  where an entry's path leads to in the tree as it will be when an
//	               interrupted run is undone, and users and groups are done
//	made earlier   what exists was created by an earlier run with this config, and
//	               counts as not existing (see files/ledger)
//	mayReplace     overwrite is set, or it was made earlier
//
// # Archives
//
// An archive is unpacked by an unpacker, while it comes, into a rootfs.StagedTree, which
// is put in its place as a whole. One that stands in the config is read when it is planned,
// too, by an archiveListing, so that what is in its way is a conflict. What the config makes
// itself is left out of it.
//
// # Convergence
//
// If power fails, the next run with the same config ends in the same tree. Nodes
// are written under a temporary name and renamed, the ledger tells ours from those
// of others, and accounts are restored and made again. Without overwrite the nodes
// of others are conflicts, as the spec wants. What is in an archive is not known when it is
// planned: the ledger has, before its first node is in place, that there was nothing in
// its way.
//
// # Limits
//
// All paths are resolved inside of the root (files/rootfs); programs that change
// it (shadow-utils, systemctl, setfiles) get it as an argument, and nothing of
// the root is executed. Contents are the Fetcher's: this package verifies nothing, and
// decompresses only archives. Of this module it imports config, files/ledger, files/rootfs,
// internal/fetch (Redact), internal/json, internal/report, internal/system and
// internal/tar.
package files
