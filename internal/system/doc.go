// Package system is everything that asks the kernel, udev, systemd or a helper
// program for something.
//
// What is there, a topic a file:
//
//	run.go       helper programs: Command, Exec, CommandError
//	hints.go     what to do about a helper program that fails, by exit status
//	wait.go      the one loop that waits: Wait, Reminder
//	file.go      the one atomic write: WriteFile
//	selinux.go   labels of what was created: Labeller
//	block.go     block devices and the kernel's partitions (ioctls), locks
//	device.go    device events (netlink), to wake waits, and udev's records
//	mount.go     mount(2), its options as mount(8) takes them, mountinfo
//	network.go   changes of links, addresses and routes
//	systemd.go   states of units, the boot's ID
//	cmdline.go   the kernel command line
//	version.go   what this program calls itself
//	text.go      what goes to people: printable text, plurals, sizes
//
// A wait is written
//
//	w := system.Wait{What: path, Limit: time.Minute, Wake: system.DeviceEvents("block"), Warn: log.Warn}
//	err := w.Until(ctx, func() (state string, done bool, err error) { ... })
//
// and looks at once, at each event, when it warns, and a last time at the limit; where it
// has no events to listen to, every second.
//
// A Runner runs helper programs; package systemtest has one for tests. A
// CommandError is made for package report: Error is the last line that the
// program printed, Detail its command line and exit status, Hint what to do.
//
// The package imports nothing of this module. Its loggers are functions and
// interfaces, which report.Logger satisfies. On other systems than Linux there is what
// the workstation tool needs: text.go, version.go, wait.go, network.go.
package system
