package bootloader

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"unicode/utf16"
)

// A device is one of a machine that consists of files.
type device struct {
	name   string
	number int    // of a partition of the device before
	mkfs   string // program and arguments, "" for none
	// of the partition in the table
	parttype, guid string
}

// machineOf makes a machine with these devices, by the programs that make real ones.
func machineOf(t *testing.T, devices ...device) Machine {
	t.Helper()
	root := t.TempDir()
	for _, dir := range []string{"dev/disk/by-label", "sys/class/block", "sys/devices", "sys/firmware/efi/efivars"} {
		must(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	disk := ""
	for _, d := range devices {
		node := filepath.Join(root, "dev", d.name)
		must(t, os.WriteFile(node, nil, 0o600))
		must(t, os.Truncate(node, 64<<20))
		if d.mkfs != "" {
			out, err := exec.Command("sh", "-c", d.mkfs+" "+node).CombinedOutput()
			if err != nil {
				t.Fatalf("%s: %v\n%s", d.mkfs, err, out)
			}
		}
		dir := filepath.Join(root, "sys/devices", d.name)
		if d.number == 0 {
			disk = d.name
		} else {
			dir = filepath.Join(root, "sys/devices", disk, d.name)
			args := []string{"-n", fmt.Sprintf("%d:+0:+8M", d.number), "-t", fmt.Sprintf("%d:%s", d.number, d.parttype), "-u", fmt.Sprintf("%d:%s", d.number, d.guid), filepath.Join(root, "dev", disk)}
			if out, err := exec.Command("sgdisk", args...).CombinedOutput(); err != nil {
				t.Fatalf("sgdisk: %v\n%s", err, out)
			}
		}
		must(t, os.MkdirAll(dir, 0o755))
		if d.number > 0 {
			must(t, os.WriteFile(filepath.Join(dir, "partition"), fmt.Appendln(nil, d.number), 0o600))
		}
		must(t, os.Symlink(dir, filepath.Join(root, "sys/class/block", d.name)))
	}
	return Machine{Root: root}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// started has the boot loader tell which partition it was started from.
func (m Machine) started(t *testing.T, guid string) Machine {
	text := []byte{6, 0, 0, 0}
	for _, u := range utf16.Encode([]rune(guid + "\x00")) {
		text = binary.LittleEndian.AppendUint16(text, u)
	}
	must(t, os.WriteFile(m.Root+loaderPartition, text, 0o600))
	return m
}

const (
	guid1   = "11111111-2222-4333-8444-555555555555"
	guid2   = "11111111-2222-4333-8444-666666666666"
	guid3   = "11111111-2222-4333-8444-777777777777"
	linux   = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
	mkESP   = "mkfs.vfat -n ESP"
	mkBoot  = "mkfs.ext4 -q -L boot"
	mkOther = "mkfs.ext4 -q -L other"
)

func TestFilesystemsThatABootLoaderReads(t *testing.T) {
	esp := []device{
		{name: "vda"},
		{"vda1", 1, mkESP, typeESP, guid1},
		{"vda2", 2, mkOther, typeXBOOTLDR, guid2},
		{"vda3", 3, mkOther, linux, guid3},
	}
	second := []device{{name: "vdb"}, {"vdb1", 1, mkESP, typeESP, "99999999-2222-4333-8444-555555555555"}}
	for name, c := range map[string]struct {
		devices []device
		loader  string
		want    []string
	}{
		"ESP and boot partition": {esp, "", []string{"vda1 the EFI system partition vfat", "vda2 a boot partition ext4"}},
		"of two disks all":       {append(esp[:2:2], second...), "", []string{"vda1 the EFI system partition vfat", "vdb1 the EFI system partition vfat"}},
		"of two disks the one that was started": {append(esp[:2:2], second...), "99999999-2222-4333-8444-555555555555",
			[]string{"vdb1 the EFI system partition vfat"}},
		"a loader of a disk that is not there": {esp[:2], guid3, []string{"vda1 the EFI system partition vfat"}},
		"labelled boot, without a table":       {[]device{{name: "sda", mkfs: mkBoot}, {name: "sdb", mkfs: mkOther}}, "", []string{`sda labelled "boot" ext4`}},
		"labelled boot, in a partition":        {[]device{{name: "sda"}, {"sda4", 4, mkBoot, linux, guid1}}, "", []string{`sda4 labelled "boot" ext4`}},
		"an ESP without a filesystem":          {[]device{{name: "vda"}, {"vda1", 1, "", typeESP, guid1}}, "", nil},
		"nothing":                              {nil, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			m := machineOf(t, c.devices...)
			if c.loader != "" {
				m = m.started(t, c.loader)
			}
			var got []string
			for _, f := range m.Filesystems() {
				got = append(got, filepath.Base(f.Device)+" "+f.What+" "+f.Format)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestNothingIsWaitedForWhereAllIsThere(t *testing.T) {
	esp := []device{{name: "vda"}, {"vda1", 1, mkESP, typeESP, guid1}, {"vda2", 2, mkOther, typeXBOOTLDR, guid2}}
	started := func(m Machine) Machine { return m.started(t, guid1) }
	for name, c := range map[string]struct {
		devices []device
		change  func(m Machine) Machine
		want    bool
	}{
		"the loader tells its partition": {esp, started, true},
		"it tells none":                  {esp, func(m Machine) Machine { return m }, false},
		"its disk is not there":          {nil, started, false},
		"a partition is not there yet": {esp, func(m Machine) Machine {
			must(t, os.Remove(m.Root+"/sys/class/block/vda2"))
			return started(m)
		}, false},
		"the root is not there yet": {esp, func(m Machine) Machine {
			m.RootArgument = "LABEL=root"
			return started(m)
		}, false},
		"the root is there": {esp, func(m Machine) Machine {
			m.RootArgument = "/dev/vda2"
			return started(m)
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			m := c.change(machineOf(t, c.devices...))
			if got := m.allThere(m.Filesystems()); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestTheRootFilesystemIsThatOfTheKernelArgument(t *testing.T) {
	m := machineOf(t, device{name: "sda", mkfs: mkOther})
	must(t, os.Symlink("../../sda", filepath.Join(m.Root, "dev/disk/by-label/other")))
	for argument, want := range map[string]int{"/dev/sda": 1, "LABEL=other": 1, "LABEL=none": 0, "UUID=x": 0, "": 0} {
		m.RootArgument = argument
		if got := m.Filesystems(); len(got) != want {
			t.Errorf("root=%s: got %v, want %d", argument, got, want)
		}
	}
}

func TestTwoDisksWithEntriesAreTooMany(t *testing.T) {
	a, b := Filesystem{Device: "/dev/vda1", Disk: "vda", What: "the EFI system partition", Format: "vfat"}, Filesystem{Device: "/dev/vdb1", Disk: "vdb", What: "a boot partition", Format: "ext4"}
	if err := onOneDisk([]Filesystem{a, a}); err != nil {
		t.Errorf("two on one disk: got %v", err)
	}
	const want = "several disks have boot loader entries, and the boot loader does not say which it was started from: " +
		"/dev/vda1 (the EFI system partition, vfat), /dev/vdb1 (a boot partition, ext4)"
	if err := onOneDisk([]Filesystem{a, b}); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
