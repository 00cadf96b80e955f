// Package stages is the order of provisioning: which stages there are, what one
// leaves to the next, and what is reported when one fails.
//
// systemd (or, without it, one process for all) runs the stages in the order of
// the table in stages.go, each as a process of its own:
//
//	fetch-offline  gets the config if that needs no network, else requests it
//	fetch          gets the config, if fetch-offline could not
//	kargs          changes the kernel arguments, which may reboot the machine
//	disks          partitions, arrays, LUKS volumes, filesystems
//	mount          mounts the filesystems below the sysroot
//	files          users, files, units, the result file
//	umount         unmounts, and cleans up once the machine is provisioned
//	finish         only cleans up, where the distribution unmounts by itself
//
// Run does the same for each of them:
//
//	prepare  read the kernel command line and the state of earlier stages
//	         merge the base config of the image and the user config, which
//	         the fetch stages fetch and the others take from the cache: the files
//	         stage all of it, the others what is not about files
//	look     gather what the machine has     \
//	plan     compute operations, or conflicts | the stage's own function
//	run      run the operations              /
//	report   save the state; on a failure show it on the consoles
//	         add the stage to the record of this boot (record.go), and keep that
//	         in the new system (keep.go)
//
// Fetching the user config (fetch.go) follows the references to other configs
// (config.Resolver), configuring the HTTP client with what each of them has
// for it, and caches the result (cache.go). The state file (state.go) has the reference's
// keys and some of ours.
//
// Apply (apply.go) is ignition-apply: the files stage alone, for the tree of a
// container image that is being built.
//
// The package may import everything but the commands. It makes no changes to
// the machine itself: these are in packages storage and files.
package stages
