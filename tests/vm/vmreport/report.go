// Package vmreport is what a test machine reports about itself. The judges are not
// our own: the kernel, blkid, sfdisk and systemctl.
package vmreport

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// A Machine is all that a test can look at.
type Machine struct {
	// Initramfs is set if the real root was not reached.
	Initramfs bool
	Cmdline   string
	Mounts    map[string]Mount // by mount point
	// Disks are partition tables as sfdisk dumps them, by device.
	Disks map[string]Table
	// Filesystems are what blkid finds on each block device.
	Filesystems map[string]map[string]string
	Files       map[string]File
	// Tree has a digest of the entries of each directory of the root filesystem,
	// if asked for.
	Tree map[string]string
	// Enabled are the enabled units, Active those that are active or have
	// finished well.
	Enabled, Active []string
	// Stages is /run/ignition/report.json, Report is report.txt.
	Stages, Report string
	Journal        string
	// Problems is what went wrong while looking.
	Problems []string
}

// A Mount is a line of /proc/self/mounts.
type Mount struct{ Source, Type, Options string }

// A Table is a partition table.
type Table struct {
	Label, ID  string
	SectorSize int
	Partitions []Partition
}

// A Partition is an entry, in sectors.
type Partition struct {
	Node             string
	Start, Size      int64
	Type, UUID, Name string
}

// A File is a node of the tree.
type File struct {
	Mode     fs.FileMode
	UID, GID uint32
	Inode    uint64
	Device   uint64
	// Text is the contents of a small file, or the target of a link.
	Text string
}

// DigestArgument on the kernel command line asks for Machine.Tree, which takes
// seconds under emulation.
const DigestArgument = "test.digest"

// listed are the directories whose files are reported one by one.
var listed = []string{"/etc", "/home", "/root", "/srv", "/opt", "/var/home", "/var/lib/asked", "/var/lib/data", "/var/log/firstlight", "/var/opt", "/var/roothome"}

// records has the records of first boots.
const records = "/var/log/firstlight/"

// Lasting are the files as every boot leaves them that makes the same machine. Each has
// a record of its own, and one that was cut may have left one, too: all of them are one
// file without a text.
func (m *Machine) Lasting() map[string]File {
	lasting := map[string]File{}
	for name, f := range m.Files {
		if strings.HasPrefix(name, records) {
			name, f.Text = records+"BOOT.json", ""
		}
		lasting[name] = f
	}
	return lasting
}

// Collect reports what there is to see.
func Collect(initramfs bool) *Machine {
	m := &Machine{Initramfs: initramfs, Mounts: map[string]Mount{}, Disks: map[string]Table{}, Filesystems: map[string]map[string]string{}, Files: map[string]File{}}
	m.Cmdline = m.read("/proc/cmdline")
	m.Stages, m.Report = m.read("/run/ignition/report.json"), m.read("/run/ignition/report.txt")
	m.mounts()
	m.Journal = m.output("journalctl", "-b", "-o", "short-monotonic", "--no-pager")
	if initramfs {
		return m
	}
	m.devices()
	for _, dir := range listed {
		m.list(dir)
	}
	if strings.Contains(m.Cmdline, DigestArgument) {
		m.Tree = digests("/")
	}
	// By the files, since asking systemd takes long under emulation. The status
	// is 1 if there is none.
	enabled, _ := exec.Command("systemctl", "--root=/", "list-unit-files", "--state=enabled", "--no-legend", "--plain").Output()
	for line := range strings.Lines(string(enabled)) {
		m.Enabled = append(m.Enabled, strings.Fields(line)[0])
	}
	for line := range strings.Lines(m.output("systemctl", "list-units", "--state=active", "--no-legend", "--plain")) {
		m.Active = append(m.Active, strings.Fields(line)[0])
	}
	return m
}

func (m *Machine) read(name string) string {
	text, err := os.ReadFile(name)
	if err != nil && !os.IsNotExist(err) {
		m.Problems = append(m.Problems, err.Error())
	}
	return string(text)
}

func (m *Machine) output(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		m.Problems = append(m.Problems, fmt.Sprintf("%s %s: %v", name, strings.Join(args, " "), err))
	}
	return string(out)
}

func (m *Machine) mounts() {
	for s := bufio.NewScanner(strings.NewReader(m.read("/proc/self/mounts"))); s.Scan(); {
		if f := strings.Fields(s.Text()); len(f) >= 4 {
			m.Mounts[f[1]] = Mount{f[0], f[2], f[3]}
		}
	}
}

func (m *Machine) devices() {
	disks, _ := filepath.Glob("/sys/block/vd*")
	ubd, _ := filepath.Glob("/sys/block/ubd*") // of User-mode Linux
	disks = append(disks, ubd...)
	arrays, _ := filepath.Glob("/sys/block/md*")
	for _, array := range arrays {
		m.probe("/dev/" + filepath.Base(array))
	}
	for _, disk := range disks {
		device := "/dev/" + filepath.Base(disk)
		m.probe(device)
		parts, _ := filepath.Glob(disk + "/" + filepath.Base(disk) + "*")
		for _, p := range parts {
			m.probe("/dev/" + filepath.Base(p))
		}
		if m.Filesystems[device]["PTTYPE"] == "" {
			continue
		}
		var dump struct{ PartitionTable Table }
		if err := json.Unmarshal([]byte(m.output("sfdisk", "-J", device)), &dump); err != nil {
			m.Problems = append(m.Problems, err.Error())
		}
		m.Disks[device] = dump.PartitionTable
	}
}

// probe asks blkid for the values that it finds on a device.
func (m *Machine) probe(device string) {
	out, err := exec.Command("blkid", "-p", "-o", "export", device).Output()
	if err != nil && len(out) == 0 {
		// Exit status 2 is a device without anything on it.
		return
	}
	values := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			values[name] = strings.ReplaceAll(value, `\ `, " ")
		}
	}
	m.Filesystems[device] = values
}

func (m *Machine) list(dir string) {
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		stat := info.Sys().(*syscall.Stat_t)
		f := File{Mode: info.Mode(), UID: stat.Uid, GID: stat.Gid, Inode: stat.Ino, Device: stat.Dev}
		switch {
		case d.Type()&fs.ModeSymlink != 0:
			f.Text, _ = os.Readlink(path)
		case d.Type().IsRegular() && info.Size() <= 64<<10:
			f.Text = m.read(path)
		}
		m.Files[path] = f
		return nil
	})
}

// volatile files change at every boot, whoever boots.
var volatile = []string{"/var/log", "/var/lib/systemd", "/var/tmp", "/tmp", "/etc/machine-id", "/var/lib/dbus", "/etc/.updated", "/var/.updated", "/lost+found"}

// digests cover names, types, modes, owners, sizes and times of what is in each
// directory of one filesystem.
func digests(root string) map[string]string {
	sums := map[string]hash.Hash{}
	rootInfo, err := os.Stat(root)
	if err != nil {
		return nil
	}
	device := rootInfo.Sys().(*syscall.Stat_t).Dev
	filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || slices.Contains(volatile, path) {
			return skip(d)
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		stat := info.Sys().(*syscall.Stat_t)
		if stat.Dev != device {
			return skip(d)
		}
		dir := filepath.Dir(path)
		if sums[dir] == nil {
			sums[dir] = sha256.New()
		}
		fmt.Fprintln(sums[dir], entry(path, info, stat))
		return nil
	})
	tree := map[string]string{}
	for dir, sum := range sums {
		tree[dir] = hex.EncodeToString(sum.Sum(nil)[:8])
	}
	return tree
}

// entry is a node in words. The size and the times of directories are the
// filesystem's business.
func entry(path string, info fs.FileInfo, stat *syscall.Stat_t) string {
	text := fmt.Sprintf("%s %v %d %d", path, info.Mode(), stat.Uid, stat.Gid)
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		target, _ := os.Readlink(path)
		text += " " + target
	case info.Mode().IsRegular():
		text += fmt.Sprintf(" %d %d", info.Size(), info.ModTime().UnixNano())
	}
	return text
}

func skip(d fs.DirEntry) error {
	if d.IsDir() {
		return fs.SkipDir
	}
	return nil
}
