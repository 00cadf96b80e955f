package exits

import (
	"bytes"
	"encoding/binary"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// message is what the kernel sends of a task, behind the headers.
func message(s unix.Taskstats, length int) []byte {
	structure := bytes.Clone(unsafe.Slice((*byte)(unsafe.Pointer(&s)), length))
	inner := append(encode(unix.TASKSTATS_TYPE_PID, []byte{1, 0, 0, 0}), encode(unix.TASKSTATS_TYPE_STATS, structure)...)
	return encode(unix.TASKSTATS_TYPE_AGGR_PID, inner)
}

func encode(kind uint16, data []byte) []byte {
	b := binary.NativeEndian.AppendUint16(nil, uint16(attributeHeader+len(data)))
	b = append(binary.NativeEndian.AppendUint16(b, kind), data...)
	return append(b, make([]byte, (4-len(b)%4)%4)...)
}

func mkfs() unix.Taskstats {
	s := unix.Taskstats{Version: 13, Ac_pid: 257, Ac_tgid: 256, Ac_ppid: 250, Ac_tgetime: 2_500_000, Cpu_run_virtual_total: 150_000_000, Hiwater_rss: 5520,
		Nvcsw: 24, Read_char: 134144, Write_char: 5107712, Ac_minflt: 1280, Ac_majflt: 2, Ac_flag: 1}
	for i, c := range "mkfs.btrfs" {
		s.Ac_comm[i] = int8(c)
	}
	return s
}

func TestATaskIsRead(t *testing.T) {
	whole := int(unsafe.Sizeof(unix.Taskstats{}))
	linux61 := int(unsafe.Offsetof(unix.Taskstats{}.Irq_count))
	for _, length := range []int{whole, linux61} {
		both := append(message(mkfs(), length), encode(unix.TASKSTATS_TYPE_AGGR_TGID, []byte{9, 9})...)
		got, err := parse(both)
		want := Task{Thread: 257, Process: 256, Parent: 250, Name: "mkfs.btrfs", Forked: true, Seconds: 2.5, CPU: 0.15, Memory: 5520 << 10, Waits: 24, Read: 134144, Written: 5107712, Faults: 1282}
		if err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("%d bytes: got %+v, error %v", length, got, err)
		}
	}
}

func TestMessagesThatAreNoTasks(t *testing.T) {
	old := mkfs()
	old.Version = 8
	whole := int(unsafe.Sizeof(old))
	for name, tc := range map[string]struct {
		message []byte
		want    string
	}{
		"an old kernel":  {message(old, whole), "version 8; it takes 12"},
		"a short one":    {message(mkfs(), 100), "cut off"},
		"a length of 0":  {[]byte{0, 0, 4, 0}, "cut off"},
		"a length above": {[]byte{9, 0, 4, 0, 1}, "cut off"},
		"the inner one":  {encode(unix.TASKSTATS_TYPE_AGGR_PID, []byte{1, 0, 0, 0}), "cut off"},
	} {
		if got, err := parse(tc.message); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, error %v", name, got, err)
		}
	}
	if got, err := parse(nil); got != nil || err != nil {
		t.Errorf("nothing: got %v, error %v", got, err)
	}
}

func TestTheFamilyOfStatistics(t *testing.T) {
	answer := func(data []byte) []syscall.NetlinkMessage {
		return []syscall.NetlinkMessage{{Header: syscall.NlMsghdr{Type: unix.GENL_ID_CTRL}, Data: append(make([]byte, unix.GENL_HDRLEN), data...)}}
	}
	id, err := parseFamily(answer(append(encode(unix.CTRL_ATTR_FAMILY_NAME, []byte("TASKSTATS\x00")), encode(unix.CTRL_ATTR_FAMILY_ID, []byte{23, 0})...)))
	if id != 23 || err != nil {
		t.Errorf("got %d, error %v", id, err)
	}
	if _, err := parseFamily(answer(nil)); err == nil || !strings.Contains(err.Error(), "CONFIG_TASKSTATS") {
		t.Errorf("a kernel without it: error %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(message(mkfs(), int(unsafe.Sizeof(unix.Taskstats{}))))
	f.Add([]byte{8, 0, 4, 0, 4, 0, 3, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		tasks, err := parse(b)
		if err != nil && tasks != nil {
			t.Errorf("tasks %v and error %v", tasks, err)
		}
	})
}
