package report

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// ThisMachine describes the machine that this runs on. What the kernel does not say is
// not known.
func ThisMachine() Machine {
	m := Machine{Architecture: runtime.GOARCH, Processors: runtime.NumCPU()}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		m.Kernel = unix.ByteSliceToString(name.Release[:])
	}
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		m.Memory = uint64(info.Totalram) * uint64(info.Unit)
	}
	return m
}
