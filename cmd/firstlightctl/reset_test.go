//go:build linux && !portable

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/bootloader"
	"github.com/firstlight-os/firstlight/internal/reset"
	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/storage"
)

// A resetLab is an OSTree system in a directory, on a disk that is not there.
type resetLab struct {
	dir     string
	machine resetMachine
}

const labMachineID = "0123456789abcdef0123456789abcdef"

// labSystem are the files of that system. It marks its first boot by boot-file.
var labSystem = map[string]string{
	"sysroot/ostree/deploy/os/deploy/1.0/keep": "",
	"usr/etc/passwd":                "root:x:0:0::/root:/bin/sh\n",
	"usr/etc/group":                 "root:x:0:\n",
	"usr/bin/sh":                    "",
	"etc/passwd":                    "root:x:0:0::/root:/bin/sh\ncore:x:1000:1000::/var/home/core:/bin/sh\n",
	"etc/machine-id":                labMachineID + "\n",
	"etc/.ignition-result.json":     "{}",
	"etc/.provisioning-ledger.json": `{"config": "c", "planned": true, "started": 1, "finished": 2}`,
	"var/home/core/photo.jpg":       strings.Repeat("x", 3000),
	"var/home/core/notes":           "mine",
	"var/lib/app/cache/a":           strings.Repeat("x", 5000),
	"var/lib/app/data/db":           "rows",
	"var/log/journal":               "lines",
	"boot/grub2/grub.cfg":           "set ignition_firstboot=\"ignition.firstboot ${ignition_network_kcmdline}\"\n",
}

const (
	rootUUID = "11111111-2222-3333-4444-555555555555"
	luksUUID = "66666666-7777-8888-9999-aaaaaaaaaaaa"
)

// newResetLab makes it, with other files; those without text are not there.
func newResetLab(t *testing.T, change map[string]string) *resetLab {
	t.Helper()
	l := &resetLab{dir: filepath.Join(t.TempDir(), "root")}
	files := maps.Clone(labSystem)
	maps.Copy(files, change)
	for name, text := range files {
		if text == "-" {
			continue
		}
		testkit.WriteFile(t, filepath.Join(l.dir, name), text)
	}
	testkit.NoError(t, os.Symlink("var/home", filepath.Join(l.dir, "home")))
	if os.Geteuid() == 0 {
		testkit.NoError(t, os.Chown(filepath.Join(l.dir, "var/home/core"), 1000, 1000))
	}
	outside := t.TempDir()
	for name, target := range map[string]string{"dev/block/253:0": "../../devices/virtual/block/dm-0", "dev/block/8:3": "../../devices/pci/vda/vda3"} {
		testkit.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(outside, name)), 0o755))
		testkit.NoError(t, os.Symlink(target, filepath.Join(outside, name)))
	}
	testkit.NoError(t, os.MkdirAll(filepath.Join(outside, "class/block/dm-0/slaves/vda4"), 0o755))
	mounts := "20 1 253:0 / " + l.dir + " rw - xfs /dev/mapper/root rw\n21 20 8:3 / " + l.dir + "/boot rw - ext4 /dev/vda3 rw\n"
	testkit.WriteFile(t, filepath.Join(outside, "mountinfo"), mounts)
	l.machine = resetMachine{
		sys: outside, mounts: filepath.Join(outside, "mountinfo"), line: "root=UUID=" + rootUUID + " ignition.platform.id=metal",
		devices: func() ([]storage.InventoryDevice, error, error) { return labDevices(), nil, nil },
		filesystems: func(map[string]string) []bootloader.Filesystem {
			return []bootloader.Filesystem{{Device: "/dev/vda3", Disk: "vda", Format: "ext4", What: "a boot partition"}}
		},
		free: func(string) (uint64, error) { return 100 << 20, nil },
	}
	return l
}

// labDevices are a disk with a boot filesystem, and the root in a LUKS volume, and another
// one with data.
func labDevices() []storage.InventoryDevice {
	const mib = 2048 // sectors
	holds := func(kind, label, uuid string) []storage.InventorySignature {
		return []storage.InventorySignature{{Type: kind, Label: label, UUID: uuid, LUKS: luksHeader(kind)}}
	}
	boot, root := holds("ext4", "boot", "b"), holds("crypto_LUKS", "", luksUUID)
	data := holds("ext4", "data", "d")
	disk := func(node string, parts ...storage.InventoryPartition) storage.InventoryDevice {
		return storage.InventoryDevice{Node: node, Size: 1024 << 20, Sector: 512, Table: "gpt", GUID: "C12A7328-F81F-11D2-BA4B-00A0C93EC900", First: 2048, Last: 1023*mib - 1, Slots: 128, Partitions: parts}
	}
	part := func(number int, label string, start, size uint64, holds []storage.InventorySignature) storage.InventoryPartition {
		return storage.InventoryPartition{Number: number, Start: start * mib, Size: size * mib, Type: "0FC63DAF-8483-4772-8E79-3D69D8477DE4", GUID: "0FC63DAF-8483-4772-8E79-3D69D847700" + string(rune('0'+number)), Label: label, Holds: holds}
	}
	return []storage.InventoryDevice{
		disk("/dev/vda", part(3, "boot", 1, 100, boot), part(4, "root", 101, 900, root)),
		{Node: "/dev/vda3", Links: []string{"/dev/disk/by-label/boot"}, Size: 100 << 20, Sector: 512, Holds: boot},
		{Node: "/dev/vda4", Links: []string{"/dev/disk/by-partlabel/root"}, Size: 900 << 20, Sector: 512, Holds: root},
		disk("/dev/vdb", part(1, "data", 1, 1000, data)),
		{Node: "/dev/vdb1", Links: []string{"/dev/disk/by-label/data", "/dev/disk/by-partlabel/data"}, Size: 1000 << 20, Sector: 512, Holds: data},
		{Node: "/dev/dm-0", Links: []string{"/dev/mapper/root"}, Size: 884 << 20, Sector: 512, Holds: holds("xfs", "root", rootUUID)},
	}
}

func luksHeader(kind string) *blkprobe.LUKSHeader {
	if kind != "crypto_LUKS" {
		return nil
	}
	return new(blkprobe.LUKSHeader)
}

// tree reads the files and directories of the system.
func (l *resetLab) tree(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	testkit.NoError(t, filepath.WalkDir(l.dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			files[name] = "other"
			return err
		}
		text, err := os.ReadFile(name)
		files[name] = string(text)
		return err
	}))
	return files
}

// run resets the system to a config, and returns what was printed, with {} for its directory.
func (l *resetLab) run(t *testing.T, config string, change func(*resetOptions)) (stdout, stderr string, err error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "new.bu")
	testkit.WriteFile(t, file, config)
	t.Chdir(filepath.Dir(file))
	o := resetOptions{config: "new.bu", dir: l.dir}
	if change != nil {
		change(&o)
	}
	var out, problems bytes.Buffer
	err = runReset(o, l.machine, strings.NewReader(config), &out, &problems)
	short := func(text string) string { return strings.ReplaceAll(text, l.dir, "{}") }
	return short(out.String()), short(problems.String()), err
}

const newConfig = `variant: fcos
version: 1.5.0
passwd:
  users:
    - name: core
      password_hash: $y$j9T$canarycanarycanarycan/$canarycanarycanarycanarycanarycanarycanaryc
storage:
  files:
    - path: /etc/motd
      contents:
        inline: hunter3-canary
  filesystems:
    - device: /dev/disk/by-partlabel/data
      format: ext4
      label: data
      path: /var/data
`

func keeping(names ...string) func(*resetOptions) {
	return func(o *resetOptions) { o.keep = names }
}

func TestAResetSaysWhatGoesAndWhatStays(t *testing.T) {
	l := newResetLab(t, nil)
	before := l.tree(t)
	out, problems, err := l.run(t, newConfig, func(o *resetOptions) { o.keep, o.preview = []string{"/var/home/", "/var/lib/app/data"}, true })
	testkit.NoError(t, err)
	t.Log(out)
	testkit.Equal(t, "problems", problems, "")
	testkit.Contains(t, "the preview", out, "Reset to new.bu (OSTree deployment).\n",
		"this removes: ", "/etc ", "made anew from /usr/etc", "/var/lib ", "/var/log ",
		"this stays:\n", "/var/home", "/var/lib/app/data", "the machine gets another ID", "/dev/vdb1",
		"This is a preview, and nothing was written.\n")
	testkit.Equal(t, "the system", l.tree(t), before)
	if strings.Contains(out+problems, "canary") {
		t.Errorf("secrets are shown:\n%s", out)
	}
}

func TestAResetIsAskedForAndTakenBack(t *testing.T) {
	l := newResetLab(t, nil)
	before := l.tree(t)
	out, _, err := l.run(t, newConfig, func(o *resetOptions) { o.keep, o.keepMachineID = []string{"/var/home"}, true })
	testkit.NoError(t, err)
	testkit.Contains(t, "output", strings.Join(strings.Fields(out), " "), "the machine keeps its ID",
		"The reset is pending ({}/boot/firstlight/reset.json). It begins when the machine boots", `"firstlightctl reset --cancel"`)
	file := filepath.Join(l.dir, "boot/firstlight/reset.json")
	info, err := os.Stat(file)
	testkit.NoError(t, err)
	testkit.Equal(t, "mode", info.Mode().Perm(), 0o600)
	first, err := reset.Parse([]byte(testkit.ReadFile(t, file)))
	testkit.NoError(t, err)
	testkit.Equal(t, "mark", testkit.ReadFile(t, filepath.Join(l.dir, "boot/ignition.firstboot")), "set ignition_network_kcmdline=\"firstlight.reset="+first.ID+"\"\n")
	want := reset.Request{Version: 1, ID: first.ID, Created: first.Created, Config: newConfig, Name: "new.bu", Keep: []string{"/var/home"}, MachineID: labMachineID, Root: []string{rootUUID, luksUUID}}
	testkit.Equal(t, "request", first, want)
	if age := time.Since(first.Created); age < 0 || age > time.Hour {
		t.Errorf("it was created %v ago", age)
	}

	// Another one takes its place.
	out, _, err = l.run(t, newConfig, nil)
	testkit.NoError(t, err)
	testkit.Contains(t, "output", out, "An earlier reset was pending; this one has taken its place.\n")
	second, err := reset.Parse([]byte(testkit.ReadFile(t, file)))
	testkit.NoError(t, err)
	if second.ID == first.ID || len(second.Keep) > 0 || second.MachineID != "" {
		t.Errorf("got %+v", second)
	}

	var said bytes.Buffer
	testkit.NoError(t, cancelReset(l.dir, &said))
	testkit.Equal(t, "said", said.String(), "The reset to new.bu is taken back: the machine stays as it is.\n")
	testkit.Equal(t, "the system", l.tree(t), before)
	said.Reset()
	testkit.NoError(t, cancelReset(l.dir, &said))
	testkit.Equal(t, "said", said.String(), "No reset is pending.\n")
}

func TestAResetAsJSON(t *testing.T) {
	l := newResetLab(t, nil)
	out, _, err := l.run(t, newConfig, func(o *resetOptions) { o.keep, o.json = []string{"/var/home"}, true })
	testkit.NoError(t, err)
	var got struct {
		Layout, EtcFrom, Request, ID string
		Armed                        bool
		Goes, Stays                  []struct {
			Path         string
			Files, Bytes int64
		}
		Conflicts []any
		Disks     []any
	}
	testkit.NoError(t, json.Unmarshal([]byte(out), &got))
	if !got.Armed || len(got.ID) != 32 || got.Request != "{}/boot/firstlight/reset.json" || got.EtcFrom != "/usr/etc" || len(got.Goes) != 3 || len(got.Disks) != 1 {
		t.Errorf("got %+v", got)
	}
	for _, s := range got.Stays {
		if s.Path == "/var/home" && (s.Files != 2 || s.Bytes != 3004) {
			t.Errorf("got %+v, want 2 files of 3004 bytes", s)
		}
	}
	if strings.Contains(out, "canary") {
		t.Errorf("secrets are shown:\n%s", out)
	}
}

// requestOf is a request of that time.
func requestOf(created string) string {
	return `{"version": 1, "id": "` + labMachineID + `", "created": "` + created + `", "config": "{}", "name": "n", "keep": [], "root": ["u"]}`
}

func TestAResetThatHasBegunIsNotTakenBack(t *testing.T) {
	const request = "boot/loader/credentials/firstlight.reset.cred"
	files := map[string]string{"usr/lib/ignition/distribution.conf": "FIRST_BOOT=credential\n", "boot/EFI/Linux/a.efi": "", "run/ignition/firstboot": "", "boot/loader/credentials/ignition.firstboot.cred": "1\n"}
	for created, want := range map[string]string{"2001-01-01T00:00:00Z": "this boot is the reset: it has begun, and cannot be taken back", time.Now().UTC().Format(time.RFC3339): ""} {
		files[request] = requestOf(created)
		l := newResetLab(t, files)
		err := cancelReset(l.dir, io.Discard)
		_, left := os.Stat(filepath.Join(l.dir, request))
		if want == "" {
			testkit.NoError(t, err)
		} else {
			testkit.ErrorContains(t, created, err, want)
		}
		if (left == nil) != (want != "") {
			t.Errorf("%s: the request: %v", created, left)
		}
	}
}

// Whatever is wrong is told at once, and nothing is written.
func TestResetsThatAreRefused(t *testing.T) {
	const wipesRoot = `variant: fcos
version: 1.5.0
storage:
  disks:
    - device: /dev/vda
      wipe_table: true
`
	armed := func(l *resetLab, id, created string) {
		testkit.WriteFile(t, filepath.Join(l.dir, "boot/ignition.firstboot"), "set ignition_network_kcmdline=\"firstlight.reset="+id+"\"\n")
		testkit.WriteFile(t, filepath.Join(l.dir, "boot/firstlight/reset.json"), requestOf(created))
	}
	for name, c := range map[string]struct {
		files  map[string]string
		config string
		with   func(*resetOptions)
		change func(*resetLab)
		want   []string
	}{
		"not provisioned": {files: map[string]string{"etc/.ignition-result.json": "-", "etc/.provisioning-ledger.json": "-"},
			want: []string{"this machine has not been provisioned: there is neither {}/etc/.ignition-result.json nor {}/etc/.provisioning-ledger.json"}},
		"interrupted": {files: map[string]string{"etc/.provisioning-ledger.json": `{"config": "c", "planned": true, "started": 1}`},
			want: []string{"the first boot of this machine was interrupted, and has to end first ({}/etc/.provisioning-ledger.json)"}},
		"initramfs": {files: map[string]string{"etc/initrd-release": "ID=x"}, want: []string{"this is an initramfs ({}/etc/initrd-release)", "--root"}},
		"first boot": {files: map[string]string{"boot/ignition.firstboot": ""},
			want: []string{"the next boot is a first boot already: {}/boot/ignition.firstboot is there", "firstlightctl firstboot disarm"}},
		"the reset itself": {change: func(l *resetLab) {
			armed(l, labMachineID, "2026-11-29T23:00:00Z")
			l.machine.line += " firstlight.reset=" + labMachineID
		}, want: []string{"this boot is a reset that has not ended ({}/boot/firstlight/reset.json)", "ignition-firstboot-end.service"}},
		"the reset itself, of a credential": {files: map[string]string{"usr/lib/ignition/distribution.conf": "FIRST_BOOT=credential\n", "boot/EFI/Linux/a.efi": "",
			"run/ignition/firstboot": "", "boot/loader/credentials/ignition.firstboot.cred": "1\n", "boot/loader/credentials/firstlight.reset.cred": requestOf("2001-01-01T00:00:00Z")},
			want: []string{"this boot is a reset that has not ended ({}/boot/loader/credentials/firstlight.reset.cred)"}},
		"a broken request": {files: map[string]string{"boot/firstlight/reset.json": "{"}, want: []string{"looking for an earlier reset: {}/boot/firstlight/reset.json: the request is not JSON", "reset --cancel removes it"}},
		"GRUB without the snippet": {files: map[string]string{"boot/grub2/grub.cfg": "linux /vmlinuz\n"},
			want: []string{"none of {}/boot/grub2/*.cfg has that variable"}},
		"boot filesystem that the initramfs does not find": {change: func(l *resetLab) {
			l.machine.filesystems = func(map[string]string) []bootloader.Filesystem {
				return []bootloader.Filesystem{{Device: "/dev/vdc1", Format: "vfat", What: "the EFI system partition"}}
			}
		}, want: []string{"the initramfs would not find the request: {}/boot is on /dev/vda3, and filesystems of the boot loader are /dev/vdc1 (the EFI system partition, vfat)", "XBOOTLDR"}},
		"system and data in one tree": {files: map[string]string{"sysroot/ostree/deploy/os/deploy/1.0/keep": "-"},
			want: []string{"what of the root belongs to the image is not known: it is no OSTree deployment", "RESET_KEEP"}},
		"a root without a UUID": {change: func(l *resetLab) {
			l.machine.devices = func() ([]storage.InventoryDevice, error, error) { return nil, nil, nil }
		}, want: []string{"what the root is on is not known: /dev/mapper/root is mounted at {}, and has no UUID"}},
		"no entries": {files: map[string]string{"usr/lib/ignition/distribution.conf": "FIRST_BOOT=root-file\n"},
			want: []string{"the next boot learns of a reset by a kernel argument, and there are no boot loader entries: looked for loader/entries/*.conf in /boot, /efi, /boot/efi"}},
		"no space": {change: func(l *resetLab) { l.machine.free = func(string) (uint64, error) { return 4 << 10, nil } },
			want: []string{"the request needs", "in {}/boot, where 4 KiB are left"}},
		"a path that is not there": {with: keeping("/var/hme"), want: []string{`the path "/var/hme" cannot be kept: it does not exist`}},
		"a path over a link":       {with: keeping("/home/core"), want: []string{`the path "/home/core" cannot be kept: "/home" is a symbolic link`, `"/var/home/core"`}},
		"a path that is relative":  {with: keeping("home"), want: []string{`the path "home" cannot be kept: it is not absolute`}},
		"several paths":            {with: keeping("/var/hme", "/var/lob"), want: []string{`"/var/hme" cannot be kept`, `"/var/lob" cannot be kept`, "2 conflicts"}},
		"a root that is destroyed": {config: wipesRoot, with: keeping("/var/home"),
			want: []string{"would destroy a LUKS volume, which is part of the root, of which /var/home is to be kept", "new.bu:5:"}},
		"a file in the way": {config: strings.Replace(newConfig, "/etc/motd", "/var/home/core/notes", 1), with: keeping("/var/home"),
			want: []string{"/var/home/core/notes", "new.bu:"}},
		"a file of the image in the way": {files: map[string]string{"usr/lib/ignition/base.d/10.ign": `{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/var/home/core/notes", "contents": {"source": "data:,a"}}]}}`}, with: keeping("/var/home"),
			want: []string{"/var/home/core/notes", "base config ({}/usr/lib/ignition/base.d/10.ign)"}},
		"a disk that is not there": {config: strings.Replace(newConfig, "by-partlabel/data", "by-partlabel/dota", 1), want: []string{"/dev/disk/by-partlabel/dota", "new.bu:"}},
		"the ID where none marks the first boot": {files: map[string]string{"usr/lib/ignition/distribution.conf": "FIRST_BOOT=machine-id\n", "boot/loader/entries/a.conf": "options a\n"},
			with: func(o *resetOptions) { o.keepMachineID = true }, want: []string{"the machine cannot keep its ID: this distribution marks a first boot by there being none"}},
		"no ID": {files: map[string]string{"etc/machine-id": "uninitialized\n"}, with: func(o *resetOptions) { o.keepMachineID = true }, want: []string{"the machine cannot keep its ID: {}/etc/machine-id has none"}},
		"not signed": {files: map[string]string{"usr/lib/firstlight/trusted.d/a.pub": "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\n"},
			want: []string{"the config is not signed, as this image wants it ({}/usr/lib/firstlight/trusted.d): it does not begin with a signature, and there is no new.bu.sig"}},
		"translated where it has to be signed": {files: map[string]string{"usr/lib/firstlight/trusted.d/a.pub": "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\n"},
			with: func(o *resetOptions) { o.filesDir = "." }, want: []string{"what --files-dir makes of the config is signed by nobody"}},
		"another hash": {change: func(l *resetLab) { l.machine.line += " ignition.config.hash=sha256-" + strings.Repeat("0", 64) },
			want: []string{"the sha256 of the new.bu is not the one on the kernel command line"}},
		"all at once": {files: map[string]string{"boot/ignition.firstboot": "", "boot/grub2/grub.cfg": ""}, with: keeping("/var/hme"), config: strings.Replace(newConfig, "by-partlabel/data", "by-partlabel/dota", 1),
			want: []string{"none of {}/boot/grub2/*.cfg", `"/var/hme" cannot be kept`, "by-partlabel/dota", "3 conflicts"}},
	} {
		t.Run(name, func(t *testing.T) {
			l := newResetLab(t, c.files)
			if c.change != nil {
				c.change(l)
			}
			text := newConfig
			if c.config != "" {
				text = c.config
			}
			before := l.tree(t)
			out, problems, err := l.run(t, text, c.with)
			if !errors.Is(err, errRefused) {
				t.Errorf("got %v, want that it is refused", err)
			}
			plain := strings.Join(strings.Fields(out), " ")
			for _, want := range append(c.want, "Nothing was written.") {
				if !strings.Contains(plain, strings.Join(strings.Fields(want), " ")) {
					t.Errorf("%q is missing:\n%s%s", want, out, problems)
				}
			}
			if strings.Contains(out+problems, "canary") {
				t.Errorf("secrets are shown:\n%s", out)
			}
			testkit.Equal(t, "the system", l.tree(t), before)
		})
	}
}

func TestAConfigThatIsRefusedDoesNotHideTheRest(t *testing.T) {
	l := newResetLab(t, nil)
	out, problems, err := l.run(t, "variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: motd}]}\n", keeping("/var/hme"))
	if !errors.Is(err, errRefused) {
		t.Errorf("got %v", err)
	}
	testkit.Contains(t, "problems", problems, "new.bu:3:")
	testkit.Contains(t, "output", out, `"/var/hme" cannot be kept`, "The config was refused, and nothing was written.\n")
}

func TestABaseConfigThatIsBroken(t *testing.T) {
	l := newResetLab(t, map[string]string{"usr/lib/ignition/base.d/10.ign": "{"})
	_, _, err := l.run(t, newConfig, nil)
	testkit.ErrorContains(t, "a broken base config", err, "the base config ("+l.dir+"/usr/lib/ignition/base.d/10.ign) of the image is broken")
}

func TestAConfigIsTranslatedIfThatNeedsThisMachine(t *testing.T) {
	l := newResetLab(t, nil)
	testkit.WriteFile(t, filepath.Join(t.TempDir(), "x"), "")
	_, problems, err := l.run(t, "variant: firstlight\nversion: 1.0.0\nparams: {name: {type: string}}\nstorage:\n  files:\n    - path: /etc/hostname\n      contents: {inline: \"${param:name}\"}\n",
		func(o *resetOptions) { o.set = []string{"name=web1"} })
	if err != nil {
		t.Fatal(err, problems)
	}
	r, err := reset.Parse([]byte(testkit.ReadFile(t, filepath.Join(l.dir, "boot/firstlight/reset.json"))))
	testkit.NoError(t, err)
	testkit.Contains(t, "config", r.Config, `"ignition"`, "data:,web1")
	testkit.Equal(t, "name", r.Name, "new.bu, translated")
}

func TestSignedConfigsOfResets(t *testing.T) {
	dir := t.TempDir()
	tool := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("ssh-keygen", args...).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	key := filepath.Join(dir, "key")
	tool("-q", "-t", "ed25519", "-N", "", "-f", key)
	keys := map[string]string{"usr/lib/firstlight/trusted.d/a.pub": testkit.ReadFile(t, key+".pub")}
	sign := func(*resetOptions) { tool("-q", "-Y", "sign", "-n", "firstlight", "-f", key, "new.bu") }
	for name, c := range map[string]struct {
		files map[string]string
		with  func(*resetOptions)
		want  string // "" is that it is not refused
	}{
		"beside": {keys, sign, ""},
		"before": {keys, func(o *resetOptions) {
			sign(o)
			testkit.WriteFile(t, "new.bu", testkit.ReadFile(t, "new.bu.sig")+newConfig)
			testkit.NoError(t, os.Remove("new.bu.sig"))
		}, ""},
		"changed": {keys, func(o *resetOptions) {
			sign(o)
			testkit.WriteFile(t, "new.bu", newConfig+"\n")
		}, "the signature of the config does not count: the signature is not one of these bytes"},
		"without keys": {nil, sign, "the config begins with a signature, and there are no keys in this system to verify it with"},
	} {
		l := newResetLab(t, c.files)
		out, problems, err := l.run(t, newConfig, c.with)
		if c.want != "" {
			testkit.Contains(t, name, strings.Join(strings.Fields(out), " "), c.want)
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v\n%s%s", name, err, out, problems)
		}
		r, err := reset.Parse([]byte(testkit.ReadFile(t, filepath.Join(l.dir, "boot/firstlight/reset.json"))))
		testkit.NoError(t, err)
		if !strings.HasPrefix(r.Config, "-----BEGIN SSH SIGNATURE-----") || !strings.HasSuffix(r.Config, "-----END SSH SIGNATURE-----\n"+newConfig) {
			t.Errorf("%s: the config is %q", name, r.Config)
		}
	}
}

func TestResetsOfOtherBootLoaders(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		file  string
	}{
		"entries": {map[string]string{"usr/lib/ignition/distribution.conf": "FIRST_BOOT=root-file\n", "boot/loader/entries/a.conf": "options quiet\n"}, "boot/firstlight/reset.json"},
		"stub":    {map[string]string{"usr/lib/ignition/distribution.conf": "FIRST_BOOT=credential\n", "boot/EFI/Linux/a.efi": ""}, "boot/loader/credentials/firstlight.reset.cred"},
	} {
		l := newResetLab(t, c.files)
		before := l.tree(t)
		out, problems, err := l.run(t, newConfig, keeping("/var/home"))
		if err != nil {
			t.Errorf("%s: %v\n%s%s", name, err, out, problems)
			continue
		}
		r, err := reset.Parse([]byte(testkit.ReadFile(t, filepath.Join(l.dir, c.file))))
		testkit.NoError(t, err)
		if name == "entries" {
			testkit.Equal(t, name, testkit.ReadFile(t, filepath.Join(l.dir, "boot/loader/entries/a.conf")), "options quiet firstlight.reset="+r.ID+"\n")
		}
		testkit.NoError(t, cancelReset(l.dir, io.Discard))
		after := l.tree(t)
		delete(after, filepath.Join(l.dir, "boot/loader/credentials"))
		delete(after, filepath.Join(l.dir, "boot/loader"))
		delete(before, filepath.Join(l.dir, "boot/loader"))
		testkit.Equal(t, name, after, before)
	}
	large := newResetLab(t, map[string]string{"usr/lib/ignition/distribution.conf": "FIRST_BOOT=credential\n", "boot/EFI/Linux/a.efi": ""})
	out, _, err := large.run(t, newConfig+"# "+strings.Repeat("x", reset.MaxCredential)+"\n", nil)
	if !errors.Is(err, errRefused) {
		t.Errorf("got %v", err)
	}
	testkit.Contains(t, "too large", strings.Join(strings.Fields(out), " "), "the request would have 10", "bytes, and at most 1048576 are read at boot")
}

// The session in the documentation is what the lab prints for the config there.
func TestTheSessionInTheDocumentation(t *testing.T) {
	const document = "../../docs/reset.md"
	path, err := filepath.Abs(document)
	testkit.NoError(t, err)
	text := testkit.ReadFile(t, path)
	const begin, command, end = "    # cat new.bu\n", "    # firstlightctl reset --config new.bu --keep /var/home --keep /var/lib/app/data\n", "\n\n`this stays:`"
	before, rest, ok := strings.Cut(text, begin)
	cfg, rest, ok2 := strings.Cut(rest, command)
	printed, after, ok3 := strings.Cut(rest, end)
	if !ok || !ok2 || !ok3 {
		t.Fatalf("%s has no such session", document)
	}
	l := newResetLab(t, nil)
	out, problems, err := l.run(t, strings.ReplaceAll("\n"+cfg, "\n    ", "\n")[1:], keeping("/var/home", "/var/lib/app/data"))
	if err != nil {
		t.Fatal(err, problems, out)
	}
	// A path that is shorter than it was here is on the same line.
	lines := func(text string) string {
		return strings.Join(strings.Fields(strings.NewReplacer("{}/", "/", "{}", "/").Replace(text)), " ")
	}
	if os.Getenv("UPDATE_DOCS") != "" {
		shown := regexp.MustCompile(`from \{\}\s+what\s+does`).ReplaceAllString(out, "from / what does")
		at := strings.Index(shown, "The reset is pending")
		shown = shown[:at] + drawing{columns: 80}.wrap("", strings.Join(strings.Fields(strings.ReplaceAll(shown[at:], "{}", "")), " "))
		shown = strings.TrimRight(strings.ReplaceAll("\n"+shown, "\n", "\n    ")[1:], " \n")
		for strings.Contains(shown, "\n    \n") {
			shown = strings.ReplaceAll(shown, "\n    \n", "\n\n")
		}
		testkit.WriteFile(t, path, before+begin+cfg+command+shown+end+after)
		return
	}
	testkit.Equal(t, "the session", lines(printed), lines(out))
}

// A volume of which the config has the key is opened and used again. Of one that clevis is to
// open nobody knows whether it is the one that the config describes.
func TestVolumesThatAreThere(t *testing.T) {
	l := newResetLab(t, nil)
	l.machine.devices = func() ([]storage.InventoryDevice, error, error) {
		all := labDevices()
		all[3].Partitions[0].Holds = []storage.InventorySignature{{Type: "crypto_LUKS", Label: "data", UUID: "d", LUKS: &blkprobe.LUKSHeader{Version: 2, Label: "data"}}}
		all[4].Holds = all[3].Partitions[0].Holds
		return all, nil, nil
	}
	const config = `variant: fcos
version: 1.5.0
storage:
  luks:
    - name: data
      label: data
      device: /dev/disk/by-partlabel/data
      KEY
  filesystems:
    - device: /dev/mapper/data
      format: xfs
      path: /var/data
`
	for key, c := range map[string]struct {
		refused bool
		want    string
	}{
		"key_file: {inline: canary}":                          {false, "holds crypto_LUKS (label \"data\")\n"},
		"clevis: {tpm2: true}":                                {true, "whether clevis unlocks it as the config says cannot be known"},
		"key_file: {inline: canary}\n      wipe_volume: true": {false, "this destroys: a LUKS volume \"data\""},
	} {
		out, problems, err := l.run(t, strings.Replace(config, "KEY", key, 1), func(o *resetOptions) { o.keep, o.preview = []string{"/var/home"}, true })
		if (err != nil) != c.refused {
			t.Error(key, err, problems)
		}
		if !strings.Contains(strings.Join(strings.Fields(out), " "), strings.Join(strings.Fields(c.want), " ")) || strings.Contains(out, "canary") {
			t.Errorf("%s: got\n%s", key, out)
		}
	}
}
