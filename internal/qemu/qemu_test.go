package qemu

import (
	"bufio"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

func TestCommandLine(t *testing.T) {
	const always = "-machine q35 -smp 1 -m 512 -nodefaults -no-user-config -display none -serial stdio" +
		" -object rng-random,id=rng,filename=/dev/urandom -device virtio-rng-pci,rng=rng"
	const network = " -netdev user,id=net -device virtio-net-pci,netdev=net"
	for name, tc := range map[string]struct {
		machine Machine
		want    string
	}{
		"nothing":    {Machine{}, network},
		"no network": {Machine{Isolated: true}, ""},
		"processors": {Machine{Isolated: true, Processors: 1}, ""},
		"a network":  {Machine{Network: "net=169.254.0.0/16"}, " -netdev user,id=net,net=169.254.0.0/16 -device virtio-net-pci,netdev=net"},
		"a kernel": {Machine{Isolated: true, Once: true, Kernel: "/k,1", Initrd: "/i,1", Arguments: "console=ttyS0"},
			" -no-reboot -kernel /k,1 -append console=ttyS0 -initrd /i,,1"},
		"UEFI": {Machine{Isolated: true, Firmware: &Firmware{"/code", "/vars,"}},
			" -drive if=pflash,unit=0,format=raw,readonly=on,file=/code -drive if=pflash,unit=1,format=raw,file=/vars,,"},
		"drives": {Machine{Isolated: true, Drives: []Drive{
			{BusVirtio, "/root", "qcow2", "root", "unsafe"}, {BusNVMe, "/a,b", "raw", "x", "none"}, {BusSCSI, "/c", "raw", "", "unsafe"}, {BusSCSI, "/d", "raw", "d", "unsafe"}}},
			" -drive if=none,id=drive0,format=qcow2,cache=unsafe,discard=unmap,file=/root -device virtio-blk-pci,drive=drive0,serial=root" +
				" -drive if=none,id=drive1,format=raw,cache=none,discard=unmap,file=/a,,b -device nvme,drive=drive1,serial=x" +
				" -device virtio-scsi-pci,id=scsi -drive if=none,id=drive2,format=raw,cache=unsafe,discard=unmap,file=/c -device scsi-hd,bus=scsi.0,drive=drive2" +
				" -drive if=none,id=drive3,format=raw,cache=unsafe,discard=unmap,file=/d -device scsi-hd,bus=scsi.0,drive=drive3,serial=d"},
		"ports": {Machine{Isolated: true, Ports: []Port{{"report", "file,path=/r"}, {"b", "socket,path=/s"}}},
			" -device virtio-serial-pci -chardev file,path=/r,id=port0 -device virtserialport,chardev=port0,name=report" +
				" -chardev socket,path=/s,id=port1 -device virtserialport,chardev=port1,name=b"},
		"fw_cfg":  {Machine{Isolated: true, Blobs: []Blob{{"opt/x", "/c,"}}}, " -fw_cfg name=opt/x,file=/c,,"},
		"monitor": {Machine{Isolated: true, Monitor: "/m"}, " -qmp unix:/m,server=on,wait=off"},
	} {
		t.Run(name, func(t *testing.T) {
			tc.machine.Memory = 512
			if got := strings.Join(tc.machine.CommandLine(), " "); got != always+tc.want {
				t.Errorf("got  %s\nwant %s", got, always+tc.want)
			}
		})
	}
}

func TestParseDisk(t *testing.T) {
	for text, want := range map[string]Disk{
		"2G":                         {BusVirtio, 2048, ""},
		"1M":                         {BusVirtio, 1, ""},
		"16T":                        {BusVirtio, 16 << 20, ""},
		"scsi:512M":                  {BusSCSI, 512, ""},
		"nvme:10G:serial=abc":        {BusNVMe, 10240, "abc"},
		"1G:serial=A-b_c.1234567890": {BusVirtio, 1024, "A-b_c.1234567890"},
	} {
		if got, err := ParseDisk(text); err != nil || got != want {
			t.Errorf("%s: got %+v %v, want %+v", text, got, err, want)
		}
	}
	const form = "is no disk; give [BUS:]SIZE[:serial=TEXT]"
	for text, want := range map[string]string{
		"":                                form,
		"2":                               form,
		"2g":                              form,
		"-1G":                             form,
		"2G:":                             form,
		"2G:x":                            form,
		":2G":                             form,
		"2G\n":                            form,
		"0M":                              "has to be of 1M to 16T",
		"17T":                             "has to be of 1M to 16T",
		"99999999999999999999G":           "has to be of 1M to 16T",
		"1G:serial=a,file=/etc/passwd":    form,
		"ide:1G":                          `has the bus "ide"; there are virtio, scsi and nvme`,
		"1G:serial=123456789012345678901": "has a serial number of 21 characters; there may be 20",
	} {
		if _, err := ParseDisk(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

func TestDisksAreMadeOnce(t *testing.T) {
	dir := t.TempDir()
	drive, err := Disk{BusNVMe, 3, ""}.Create(dir, "disk1")
	testkit.NoError(t, err)
	testkit.Equal(t, "drive", drive, Drive{BusNVMe, filepath.Join(dir, "disk1"), "raw", "disk1", "unsafe"})
	info, err := os.Stat(drive.File)
	testkit.NoError(t, err)
	testkit.Equal(t, "size", info.Size(), int64(3<<20))
	if _, err := (Disk{BusNVMe, 3, ""}).Create(dir, "disk1"); err == nil {
		t.Error("a file was overwritten")
	}
}

// script writes a program.
func script(t *testing.T, dir, name, text string) {
	t.Helper()
	testkit.WriteFile(t, filepath.Join(dir, name), "#!/bin/sh\n"+text+"\n")
	testkit.NoError(t, os.Chmod(filepath.Join(dir, name), 0o755))
}

func TestOverlayNamesTheFormatOfItsImage(t *testing.T) {
	dir := t.TempDir()
	script(t, dir, "qemu-img", `case $1 in info) echo '{"format": "vmdk"}' ;; create) echo "$@" >> calls ;; esac`)
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Chdir(dir)
	testkit.WriteFile(t, "a:b", "")
	drive, err := Overlay("a:b", dir, "root")
	testkit.NoError(t, err)
	testkit.Equal(t, "drive", drive, Drive{BusVirtio, dir + "/root.qcow2", "qcow2", "root", "unsafe"})
	testkit.Equal(t, "calls", testkit.ReadFile(t, "calls"), "create -q -f qcow2 -F vmdk -b "+dir+"/a:b "+dir+"/root.qcow2\n")
}

func TestImageToolSaysWhyItFails(t *testing.T) {
	dir := t.TempDir()
	script(t, dir, "qemu-img", "echo 'qemu-img: it is locked' >&2; exit 1")
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	image := filepath.Join(dir, "image")
	testkit.WriteFile(t, image, "")
	if _, err := Overlay(image, dir, "root"); err == nil || err.Error() != "qemu-img: it is locked" {
		t.Errorf("got %v", err)
	}
	if _, err := Overlay(filepath.Join(dir, "none"), dir, "root"); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("got %v", err)
	}
}

func TestBootSectorDecidesOnTheFirmware(t *testing.T) {
	if _, err := exec.LookPath(imageTool); err != nil {
		t.Fatalf("%v; tests/prepare installs it", err)
	}
	for name, tc := range map[string]struct {
		sector []byte
		want   bool
	}{
		"GRUB for a BIOS":      {bootSector, false},
		"only a table":         {append(make([]byte, 440), "id..table"...), true},
		"shorter than a table": {make([]byte, 100), true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "disk")
			testkit.NoError(t, os.WriteFile(file, slices.Concat(tc.sector, make([]byte, 4096)), 0o600))
			got, err := NeedsUEFI(Drive{File: file, Format: "raw"}, dir)
			if err != nil || got != tc.want {
				t.Errorf("got %v %v, want %v", got, err, tc.want)
			}
		})
	}
}

func TestMissingProgramsSayWhatToInstall(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	for _, program := range []string{"qemu-system-x86_64", "qemu-img"} {
		if err := Missing(); err == nil || !strings.HasPrefix(err.Error(), program+" is not installed: it is in qemu-system-x86 and qemu-utils of Debian") {
			t.Errorf("got %v", err)
		}
		script(t, dir, program, "")
	}
	testkit.NoError(t, Missing())
}

func TestUEFIGetsVariablesOfItsOwn(t *testing.T) {
	root, dir := t.TempDir(), t.TempDir()
	if _, err := findUEFI(root, dir); err == nil || !strings.Contains(err.Error(), "ovmf of Debian") {
		t.Errorf("got %v", err)
	}
	testkit.WriteFile(t, root+"/usr/share/edk2/ovmf/OVMF_VARS.fd", "variables")
	if _, err := findUEFI(root, dir); err == nil {
		t.Error("variables without code are taken for a firmware")
	}
	testkit.WriteFile(t, root+"/usr/share/edk2/ovmf/OVMF_CODE.fd", "code")
	f, err := findUEFI(root, dir)
	testkit.NoError(t, err)
	testkit.Equal(t, "firmware", *f, Firmware{root + "/usr/share/edk2/ovmf/OVMF_CODE.fd", dir + "/uefi-variables"})
	testkit.Equal(t, "variables", testkit.ReadFile(t, f.Variables), "variables")
}

// The probe is a machine that ends with a status of its own; under emulation it always
// does, so that the boot sector is known to work.
func TestProbeBootsUnderEmulation(t *testing.T) {
	testkit.Equal(t, "boots", bootsSector("tcg", "qemu64", 0), true)
	testkit.Equal(t, "an accelerator that does not exist", bootsSector("none", "qemu64", 0), false)
	testkit.Equal(t, "a kernel that does not exist", bootsKernel("tcg", "qemu64", "/missing/vmlinuz", kernelPatience), false)
}

func TestPowerButton(t *testing.T) {
	for name, tc := range map[string]struct{ answers, want string }{
		"pressed":  {"{\"QMP\": {}}\n{\"return\": {}}\n{\"event\": \"RTC_CHANGE\"}\n{\"return\": {}}\n", ""},
		"refused":  {"{\"QMP\": {}}\n{\"return\": {}}\n{\"error\": {\"desc\": \"it is off\"}}\n", "system_powerdown: QEMU says: it is off"},
		"silence":  {"", "the monitor of QEMU does not greet"},
		"gone":     {"{\"QMP\": {}}\n", "qmp_capabilities: the monitor of QEMU does not answer"},
		"nonsense": {"{\"QMP\": {}}\nx\n", "qmp_capabilities: invalid character"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, err := os.MkdirTemp("/tmp", "") // for the path of a socket
			testkit.NoError(t, err)
			defer os.RemoveAll(dir)
			l, err := net.Listen("unix", dir+"/monitor")
			testkit.NoError(t, err)
			defer l.Close()
			go func() {
				c, err := l.Accept()
				if err != nil {
					return
				}
				io.WriteString(c, tc.answers)
				c.(*net.UnixConn).CloseWrite()
				io.Copy(io.Discard, c)
				c.Close()
			}()
			err = PressPowerButton(t.Context(), dir+"/monitor")
			if tc.want == "" {
				testkit.NoError(t, err)
			} else {
				testkit.ErrorContains(t, "error", err, tc.want)
			}
		})
	}
	if err := PressPowerButton(t.Context(), "/none"); err == nil {
		t.Error("there is no monitor")
	}
}

func TestStatisticsAreThoseAtTheEndOfAMachine(t *testing.T) {
	ours, theirs := net.Pipe()
	go func() {
		defer theirs.Close()
		commands := bufio.NewScanner(theirs)
		for _, answers := range []string{`{"QMP": {}}`, `{"return": {}}
{"event": "RESUME"}
{"event": "SHUTDOWN", "data": {"guest": true}}`, `{"event": "STOP", "data": {"x": 1}}
{"return": [{"device": "root", "stats": {"rd_bytes": 1, "wr_bytes": 4096, "rd_operations": 2, "wr_operations": 3, "flush_operations": 5}}, {"device": "disk1", "stats": {}}]}`} {
			if _, err := io.WriteString(theirs, answers+"\n"); err != nil || !commands.Scan() {
				return
			}
		}
	}()
	m, err := NewMonitor(ours)
	testkit.NoError(t, err)
	defer m.Close()
	for _, name := range []string{"RESUME", "SHUTDOWN"} {
		event, err := m.Next()
		testkit.NoError(t, err)
		testkit.Equal(t, "event", event.Name, name)
	}
	got, err := m.BlockStatistics()
	testkit.NoError(t, err)
	testkit.Equal(t, "root", got["root"], BlockStatistic{1, 4096, 2, 3, 5})
	testkit.Equal(t, "disks", len(got), 2)
	event, err := m.Next()
	testkit.NoError(t, err)
	testkit.Equal(t, "an event that came before the answer", event.Name+string(event.Data), `STOP{"x": 1}`)
	theirs.Close()
	if _, err := m.Next(); err == nil {
		t.Error("QEMU is gone, and there is no error")
	}
}

func TestForward(t *testing.T) {
	testkit.Equal(t, "options", Forward("10.0.2.100", 80, "/a,b", "try", "x"), "guestfwd=tcp:10.0.2.100:80-cmd:/a,,b try x")
}
