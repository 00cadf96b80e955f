// Package exits reads what Linux tells of each task that ends, by its interface taskstats
// (Documentation/accounting/taskstats.rst of the kernel): what it was, how long it took, and
// what it has used. It works alike for all programs, which need not know of it.
package exits

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Task is a thread that has ended.
type Task struct {
	Thread, Process, Parent int
	// Name is that of its program, at most 15 bytes.
	Name string
	// Ended is the time of the machine, in seconds since it was started.
	Ended float64
	// Forked tasks have run no program of their own.
	Forked bool
	// Seconds are how long the process has lived, CPU what this thread has worked.
	Seconds, CPU float64
	// Memory is the highest number of bytes that the process had at a time.
	Memory int64
	// Waits are how often it has gone to sleep, Read and Written what it has by
	// system calls, in bytes, Faults the pages that it has touched for the first time.
	Waits, Read, Written, Faults int64
}

// attribute is what messages are made of: type and data.
type attribute struct {
	kind uint16
	data []byte
}

const attributeHeader = 4

var errCut = errors.New("the message is cut off")

// attributes takes attributes apart.
func attributes(b []byte) (all []attribute, err error) {
	for len(b) >= attributeHeader {
		size := int(binary.NativeEndian.Uint16(b))
		if size < attributeHeader || size > len(b) {
			return nil, errCut
		}
		all = append(all, attribute{binary.NativeEndian.Uint16(b[2:]), b[attributeHeader:size]})
		b = b[min((size+3)&^3, len(b)):]
	}
	return all, nil
}

// oldest is the version of the statistics that first has all that is needed: Linux 5.19.
const oldest = 12

// parse reads the tasks of a message, behind its headers.
func parse(message []byte) (tasks []Task, err error) {
	outer, err := attributes(message)
	if err != nil {
		return nil, err
	}
	for _, o := range outer {
		if o.kind != unix.TASKSTATS_TYPE_AGGR_PID {
			continue // that of a whole process has neither its memory nor its name
		}
		inner, err := attributes(o.data)
		if err != nil {
			return nil, err
		}
		for _, a := range inner {
			if a.kind != unix.TASKSTATS_TYPE_STATS {
				continue
			}
			task, err := parseStatistics(a.data)
			if err != nil {
				return nil, err
			}
			tasks = append(tasks, task)
		}
	}
	return tasks, nil
}

// parseStatistics reads the structure of the kernel, of which newer kernels have more.
func parseStatistics(b []byte) (Task, error) {
	var s unix.Taskstats
	if len(b) < int(unsafe.Offsetof(s.Wpcopy_count)) {
		return Task{}, errCut
	}
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&s)), unsafe.Sizeof(s)), b)
	if s.Version < oldest {
		return Task{}, fmt.Errorf("the kernel has statistics of version %d; it takes %d, of Linux 5.19", s.Version, oldest)
	}
	name := make([]byte, 0, len(s.Ac_comm))
	for _, c := range s.Ac_comm {
		name = append(name, byte(c))
	}
	name, _, _ = bytes.Cut(name, []byte{0})
	const forked = 1 // AFORK of <linux/acct.h>
	return Task{
		Thread: int(s.Ac_pid), Process: int(s.Ac_tgid), Parent: int(s.Ac_ppid), Name: string(name), Forked: s.Ac_flag&forked != 0,
		Seconds: float64(s.Ac_tgetime) / 1e6, CPU: float64(s.Cpu_run_virtual_total) / 1e9, Memory: int64(s.Hiwater_rss) << 10,
		Waits: int64(s.Nvcsw), Read: int64(s.Read_char), Written: int64(s.Write_char), Faults: int64(s.Ac_minflt + s.Ac_majflt),
	}, nil
}
