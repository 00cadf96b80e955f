package storage

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// agent is the program under test.
const agent = "/share/firstlight"

// run runs a program that must succeed, and returns what it prints.
func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := try(name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

// try runs a program and returns what it prints.
func try(name string, args ...string) (string, error) {
	out, err := exec.Command(name, args...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// shell runs a script that must succeed.
func shell(t testing.TB, script string) string {
	t.Helper()
	return run(t, "bash", "-euc", script)
}

// newDisk attaches an empty disk of a size in MiB, with sectors of 512 bytes or of
// what is given, and returns its device. It is detached when the test is over,
// with all that was built on it.
func newDisk(t testing.TB, mib int64, sector ...int) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, mib<<20); err != nil {
		t.Fatal(err)
	}
	return attach(t, file, sector...)
}

// attach makes a file a disk.
func attach(t testing.TB, file string, sector ...int) string {
	t.Helper()
	args := []string{"--find", "--show", "--partscan"}
	if len(sector) > 0 {
		args = append(args, fmt.Sprintf("--sector-size=%d", sector[0]))
	}
	dev := run(t, "losetup", append(args, file)...)
	t.Cleanup(func() { detach(t, dev) })
	return dev
}

// detach frees a disk of all that is built on it. Udev may assemble an array again
// from the members of the one that was just stopped; when that one is stopped
// its disks are gone.
func detach(t testing.TB, dev string) {
	t.Helper()
	for range 300 {
		tearDown(t, dev)
		try("blockdev", "--setrw", dev) // or the next disk of this name is protected
		try("losetup", "--detach", dev)
		if _, err := try("losetup", dev); err != nil {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	t.Errorf("%s is still in use:\n%s", dev, run(t, "lsblk", dev))
}

// tearDown unmounts and stops whatever holds a device, the outermost first.
func tearDown(t testing.TB, dev string) {
	t.Helper()
	text, _ := try("lsblk", "--noheadings", "--list", "--paths", "--output", "NAME,TYPE", dev)
	lines := strings.Split(text, "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		fields := strings.Fields(lines[i])
		if len(fields) < 2 {
			continue
		}
		for {
			if _, err := try("umount", "--lazy", fields[0]); err != nil {
				break
			}
		}
		try("swapoff", fields[0])
		switch kind := fields[1]; {
		case kind == "crypt" || kind == "dm":
			try("dmsetup", "remove", "--force", fields[0])
		case strings.HasPrefix(kind, "raid") || kind == "linear" || kind == "md":
			try("mdadm", "--stop", fields[0])
		}
	}
}

// A boot is a first boot of this machine: a config, and a /run of its own.
type boot struct {
	t    testing.TB
	dir  string
	root string // where the agent is told that the root is
	env  []string
}

// newBoot starts a first boot with a config in JSON or YAML.
func newBoot(t testing.TB, config string) *boot {
	t.Helper()
	b := &boot{t: t, dir: t.TempDir(), root: t.TempDir()}
	if err := os.WriteFile(b.path("config.ign"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	b.env = append(os.Environ(), "IGNITION_CONFIG_FILE="+b.path("config.ign"))
	b.must("fetch-offline")
	return b
}

// limited has the agent wait for devices for three seconds.
func (b *boot) limited() *boot {
	b.t.Helper()
	if err := os.WriteFile(b.path("cmdline"), []byte("firstlight.device_timeout=3\n"), 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.env = append(b.env, "IGNITION_KERNEL_CMDLINE_PATH="+b.path("cmdline"))
	return b
}

func (b *boot) path(name string) string { return filepath.Join(b.dir, name) }

// command is the agent at a stage.
func (b *boot) command(stage string) *exec.Cmd {
	cmd := exec.Command(agent, "--platform=file", "--log-to-stdout", "--stage="+stage, "--root="+b.root,
		"--config-cache="+b.path("ignition.json"), "--state-file="+b.path("state/state"), "--neednet="+b.path("neednet"))
	cmd.Env = b.env
	return cmd
}

// An outcome is how a stage has ended.
type outcome struct {
	log string // all that it logs
	box string // the failure report, with line breaks and frame undone; "" if it succeeded
	err error
}

// stage runs a stage.
func (b *boot) stage(name string) outcome {
	b.t.Helper()
	os.Remove(b.path("state/report.txt"))
	out, err := b.command(name).CombinedOutput()
	o := outcome{log: string(out), err: err}
	if box, rerr := os.ReadFile(b.path("state/report.txt")); rerr == nil {
		o.box = strings.Join(strings.Fields(strings.NewReplacer("|", " ").Replace(string(box))), " ")
	}
	if (err == nil) != (o.box == "") {
		b.t.Fatalf("stage %s ended with %v, its report is %q", name, err, o.box)
	}
	return o
}

// must runs a stage that has to succeed, and returns its log.
func (b *boot) must(stage string) string {
	b.t.Helper()
	o := b.stage(stage)
	if o.err != nil {
		b.t.Fatalf("stage %s: %v\n%s", stage, o.err, o.log)
	}
	return o.log
}

// refuses runs a stage that has to fail with a report that contains all that is
// wanted, and must not change any of the disks.
func (b *boot) refuses(stage string, disks []string, want ...string) {
	b.t.Helper()
	before := make([]uint64, len(disks))
	for i, disk := range disks {
		before[i] = digest(b.t, disk)
	}
	o := b.stage(stage)
	if o.err == nil {
		b.t.Fatalf("stage %s has succeeded; its log:\n%s", stage, o.log)
	}
	// A word may be broken where the frame ends.
	squeeze := func(s string) string { return strings.ReplaceAll(s, " ", "") }
	for _, w := range want {
		if !strings.Contains(squeeze(o.box), squeeze(w)) {
			b.t.Errorf("%q is not in the report:\n%s", w, o.box)
		}
	}
	for i, disk := range disks {
		if digest(b.t, disk) != before[i] {
			b.t.Errorf("%s was changed by a stage that refuses", disk)
		}
	}
}

// digest is over all bytes of a disk, as they are on it. Blocks of zeros do not
// count, so that what was never written need not be read.
func digest(t testing.TB, disk string) uint64 {
	t.Helper()
	run(t, "blockdev", "--flushbufs", disk)
	f, err := os.Open(run(t, "losetup", "--noheadings", "--output", "BACK-FILE", disk))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	table := crc64.MakeTable(crc64.ECMA)
	var sum uint64
	block, zero := make([]byte, 4096), make([]byte, 4096)
	for at := int64(0); ; at += int64(len(block)) {
		if at, err = unix.Seek(int(f.Fd()), at, unix.SEEK_DATA); errors.Is(err, unix.ENXIO) {
			return sum
		} else if err != nil {
			t.Fatal(err)
		}
		at -= at % int64(len(block))
		n, err := f.ReadAt(block, at)
		if err != nil && err != io.EOF {
			t.Fatal(err)
		}
		if !bytes.Equal(block[:n], zero[:n]) {
			sum = crc64.Update(sum, table, binary.LittleEndian.AppendUint64(nil, uint64(at)))
			sum = crc64.Update(sum, table, block[:n])
		}
	}
}

// A partition as sfdisk sees it; start and size are in sectors.
type partition struct {
	Node  string
	Start uint64
	Size  uint64
	Type  string
	UUID  string
	Name  string
	Attrs string
}

// A table as sfdisk sees it.
type table struct {
	Label      string
	ID         string
	FirstLBA   uint64
	LastLBA    uint64
	SectorSize int
	Partitions []partition
}

// tableOf reads the partition table of a disk by sfdisk, after sgdisk has found
// no problem with it. Sgdisk opens the disk for writing, whereupon udev has the
// kernel read the table again: for a moment the partitions are gone.
func tableOf(t testing.TB, disk string) table {
	t.Helper()
	if out := run(t, "sgdisk", "--verify", disk); !strings.Contains(out, "No problems found") {
		t.Errorf("sgdisk --verify %s:\n%s", disk, out)
	}
	run(t, "udevadm", "settle")
	var answer struct{ PartitionTable table }
	dec := json.NewDecoder(bytes.NewReader([]byte(run(t, "sfdisk", "--json", disk))))
	if err := dec.Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return answer.PartitionTable
}

// blkid asks blkid, past its cache, for a value of a device; "" if there is none.
func blkid(t testing.TB, device, tag string) string {
	t.Helper()
	out, _ := try("blkid", "--probe", "--output", "value", "--match-tag", tag, device)
	return out
}
