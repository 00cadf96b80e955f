//go:build linux

package system

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"
)

// AvailableMemory returns how much memory this process and others can still have, in
// bytes, and what says so: the kernel (MemAvailable, proc(5)), or a control group that
// this process is in (memory.max, cgroups(7)) if that leaves less.
func AvailableMemory() (available int64, source string, err error) {
	return availableMemory("/")
}

// availableMemory is AvailableMemory with proc and sys below a directory.
func availableMemory(top string) (available int64, source string, err error) {
	const meminfo, member = "/proc/meminfo", "MemAvailable"
	available, ok := numberAfter(path.Join(top, meminfo), member+":")
	if !ok {
		return 0, "", fmt.Errorf("there is no %s in %s", member, meminfo)
	}
	available, source = available<<10, member+" of "+meminfo
	membership, err := ReadFile(path.Join(top, "/proc/self/cgroup"), KernelText)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) { // the kernel has none
			err = nil
		}
		return available, source, err
	}
	for line := range strings.Lines(string(membership)) {
		group, ok := strings.CutPrefix(strings.TrimSpace(line), "0::")
		for ok && path.IsAbs(group) {
			dir := path.Join(top, "/sys/fs/cgroup", group)
			if left, limited := groupLeaves(dir); limited && left < available {
				available, source = left, "memory.max of the control group "+group
			}
			if group == "/" {
				break
			}
			group = path.Dir(group)
		}
	}
	return available, source, nil
}

// groupLeaves returns what a control group can still have; it is not limited if it has
// no limit or there is no such group. What it caches of files can be dropped.
func groupLeaves(dir string) (left int64, limited bool) {
	most, limited := numberAfter(path.Join(dir, "memory.max"), "")
	used, ok := numberAfter(path.Join(dir, "memory.current"), "")
	if !limited || !ok {
		return 0, false
	}
	cached, _ := numberAfter(path.Join(dir, "memory.stat"), "inactive_file ")
	return max(most-used+cached, 0), true
}

// numberAfter returns the first number of the line of a file that begins so.
func numberAfter(name, begin string) (number int64, ok bool) {
	text, err := ReadFile(name, KernelText)
	if err != nil {
		return 0, false
	}
	for line := range bytes.Lines(text) {
		if rest, found := bytes.CutPrefix(line, []byte(begin)); found {
			digits, _, _ := strings.Cut(strings.TrimSpace(string(rest)), " ")
			number, err = strconv.ParseInt(digits, 10, 64)
			return number, err == nil
		}
	}
	return 0, false
}
