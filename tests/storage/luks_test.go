package storage

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/internal/report"
)

// quick are options that make a key slot in no time. Nothing here is secret.
const quick = `"--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"`

// sesame is a member of a volume with a key.
const sesame = `, "keyFile": {"source": "data:,open%20sesame"}`

// nobody is the URL of a server that does not run.
const nobody = "http://127.0.0.1:1/"

// volumeConfig is a config with a volume called vault. More is further members
// of it, each with a comma before.
func volumeConfig(device, more string) string {
	if !strings.Contains(more, `"options"`) {
		more += `, "options": [` + quick + `]`
	}
	limit := 900 // seconds
	if strings.Contains(more, nobody) {
		limit = 3
	}
	return fmt.Sprintf(`{"ignition": {"version": "3.5.0", "timeouts": {"httpTotal": %d}}, "storage": {"luks": [{"name": "vault", "device": %q%s}]}}`, limit, device, more)
}

// volumeDisk is a disk with room for a header and little more.
func volumeDisk(t testing.TB) string {
	t.Helper()
	return newDisk(t, 20)
}

// A luksDump is what cryptsetup says of a header.
type luksDump struct {
	text string
	JSON struct {
		Keyslots map[string]struct {
			KDF struct{ Type string }
		}
		Tokens map[string]struct{ Type string }
		Config struct{ Flags []string }
	}
}

// header is the value of a heading of the dump.
func (d luksDump) header(name string) string {
	for line := range strings.Lines(d.text) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func dumpOf(t testing.TB, device string) luksDump {
	t.Helper()
	run(t, "cryptsetup", "isLuks", "--type", "luks2", device)
	d := luksDump{text: run(t, "cryptsetup", "luksDump", device)}
	if err := json.Unmarshal([]byte(run(t, "cryptsetup", "luksDump", "--dump-json-metadata", device)), &d.JSON); err != nil {
		t.Fatal(err)
	}
	return d
}

// mark is the subsystem of the header: that of a volume which is not complete.
func (d luksDump) mark() string {
	if s := d.header("Subsystem"); s != "(no subsystem)" {
		return s
	}
	return ""
}

// attached looks at what is written to the root about the volume: the line in
// crypttab, and the key, which must open the device.
func (b *boot) attached(device, options string) {
	b.t.Helper()
	modes := map[string]string{"crypttab": "600 0:0", "luks": "700 0:0", "luks/vault": "600 0:0"}
	for name, want := range modes {
		if got := run(b.t, "stat", "--format=%a %u:%g", filepath.Join(b.root, "etc", name)); got != want {
			b.t.Errorf("/etc/%s has %s instead of %s", name, got, want)
		}
	}
	want := fmt.Sprintf("vault UUID=%s /etc/luks/vault %s\n", run(b.t, "cryptsetup", "luksUUID", device), options)
	if got, err := os.ReadFile(b.root + "/etc/crypttab"); err != nil || string(got) != want {
		b.t.Errorf("crypttab is %q (%v) instead of %q", got, err, want)
	}
	run(b.t, "cryptsetup", "open", "--test-passphrase", "--key-file", b.root+"/etc/luks/vault", device)
	b.must("umount")
	if got := dumpOf(b.t, device).mark(); got != "" {
		b.t.Errorf("the volume is still marked as %s", got)
	}
}

func TestVolumesAreMadeAndAttached(t *testing.T) {
	const id = "4a1f0b1e-93c4-44f2-9a8e-6b7f0d3b8a55"
	for _, c := range []struct {
		name, more string
		header     map[string]string
		status     string // a word in the status of the mapping
	}{
		{"key of the config", sesame, map[string]string{"Label": "(no label)", "Flags": "(no flags)"}, "aes-xts-plain64"},
		{"generated key", "", map[string]string{"Version": "2"}, "aes-xts-plain64"},
		{"generated key and label", `, "label": "other"`, map[string]string{"Label": "other"}, ""},
		{"label and UUID", sesame + `, "label": "a label", "uuid": "` + id + `"`, map[string]string{"Label": "a label", "UUID": id}, ""},
		{"discard", sesame + `, "discard": true`, map[string]string{"Flags": "allow-discards"}, "discards"},
		{"open options", sesame + `, "openOptions": ["--perf-no_read_workqueue"]`, map[string]string{"Flags": "no-read-workqueue"}, "no_read_workqueue"},
		{"options", sesame + `, "options": ["--cipher", "aes-cbc-essiv:sha256", "--key-size", "256", "--sector-size=4096", ` + quick + `]`,
			map[string]string{"Cipher": "aes-cbc-essiv:sha256"}, "sector size:  4096"},
		{"options of cryptsetup's own", sesame + `, "options": []`, map[string]string{"PBKDF": "argon2id"}, ""},
		{"a subsystem of the config", `, "options": ["--subsystem=mine", ` + quick + `]`, map[string]string{"Subsystem": "mine"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			disk := volumeDisk(t)
			b := newBoot(t, volumeConfig(disk, c.more))
			b.must("disks")
			d := dumpOf(t, disk)
			for name, want := range c.header {
				if got := d.header(name); got != want {
					t.Errorf("%s is %q instead of %q:\n%s", name, got, want, d.text)
				}
			}
			if len(d.JSON.Keyslots) != 1 || len(d.JSON.Tokens) != 0 {
				t.Errorf("there are other slots and tokens than one slot:\n%s", d.text)
			}
			if got := run(t, "cryptsetup", "status", "vault"); !strings.Contains(got, c.status) || !strings.Contains(got, disk) {
				t.Errorf("the mapping is\n%s", got)
			}
			if c.header["Subsystem"] != "" {
				return
			}
			if marked := d.mark() != ""; marked == strings.Contains(c.more, "keyFile") {
				t.Errorf("the subsystem is %q", d.mark())
			}
			b.must("files")
			b.attached(disk, "luks,x-initrd.attach")
			for name, want := range c.header {
				if got := dumpOf(t, disk).header(name); got != want {
					t.Errorf("when it is complete, %s is %q instead of %q", name, got, want)
				}
			}
		})
	}
}

func TestVolumeIsReusedWithItsKey(t *testing.T) {
	for _, c := range []struct {
		name, more string
		anew       bool
	}{
		{"as it was asked for", sesame, false},
		{"with label, UUID in other case and discard", sesame + `, "label": "l", "uuid": "4A1F0B1E-93C4-44F2-9A8E-6B7F0D3B8A55", "discard": true`, false},
		{"wipeVolume", sesame + `, "wipeVolume": true`, true},
		{"wipeVolume with a generated key", `, "wipeVolume": true`, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			disk := volumeDisk(t)
			config := volumeConfig(disk, c.more)
			newBoot(t, config).must("disks")
			uuid := dumpOf(t, disk).header("UUID")
			run(t, "dd", "if=/dev/urandom", "of=/dev/mapper/vault", "bs=1M", "count=1", "conv=fsync", "status=none")
			contents := start(t, "/dev/mapper/vault")
			root := t.TempDir()
			for _, again := range []string{"open", "closed"} {
				if again == "closed" {
					tearDown(t, disk)
				}
				b := newBoot(t, config)
				b.root = root // which has what the run before has written
				b.must("disks")
				if anew := start(t, "/dev/mapper/vault") != contents; anew != c.anew {
					t.Errorf("%s: contents changed: %v", again, anew)
				}
				if anew := dumpOf(t, disk).header("UUID") != uuid; anew != c.anew {
					t.Errorf("%s: UUID changed: %v", again, anew)
				}
				b.must("files")
				b.attached(disk, "luks,x-initrd.attach")
			}
		})
	}
}

// format makes a volume with label and key that is not ours.
const format = "echo -n 'open sesame' | cryptsetup luksFormat --batch-mode --type luks2 --label old --pbkdf pbkdf2 --pbkdf-force-iterations 1000 $DISK -; "

func TestVolumesThatCannotBeMade(t *testing.T) {
	withoutAssembly(t)
	for _, c := range []struct {
		name, script, more string
		want               []string
	}{
		{"a filesystem", "mkfs.ext4 -q $DISK", sesame, []string{"$DISK holds ext4; the config asks for a LUKS volume", "wipeVolume: true makes it anew, and its contents are lost", "storage.luks[0].device"}},
		{"a partition table", "sgdisk --new=1:0:0 $DISK", sesame, []string{"$DISK holds", "the config asks for a LUKS volume"}},
		{"a member of an array", "mdadm --create /dev/md/one --force --run --homehost any --level raid1 --raid-devices 1 $DISK; mdadm --stop /dev/md/one", sesame,
			[]string{"$DISK holds linux_raid_member"}},
		{"LUKS of version 1", "echo -n 'open sesame' | cryptsetup luksFormat --batch-mode --type luks1 --pbkdf-force-iterations 1000 $DISK -", sesame, []string{"$DISK holds a volume of LUKS version 1; only those of version 2 can be kept"}},
		{"it is mounted", "mkfs.ext4 -q $DISK; mkdir -p /run/at; mount -o ro $DISK /run/at", `, "wipeVolume": true`, []string{"$DISK is to hold the LUKS volume \"vault\" but is mounted at /run/at"}},
		{"the name is taken", "dmsetup create vault --table '0 2048 error'; udevadm settle", sesame, []string{"/dev/mapper/vault is there already, and not on $DISK", "cryptsetup close"}},
		{"the volume is in use", format + "echo -n 'open sesame' | cryptsetup open --key-file - $DISK vault; mkfs.ext4 -q /dev/mapper/vault; mkdir -p /run/at; mount -o ro /dev/mapper/vault /run/at", sesame + `, "wipeVolume": true`,
			[]string{"the LUKS volume \"vault\" on $DISK is to be made anew but is mounted at /run/at", "stop using it before"}},
		{"it is open under another name", format + "echo -n 'open sesame' | cryptsetup open --key-file - $DISK other", sesame, []string{"$DISK is to hold the LUKS volume \"vault\" but is part of dm-", "(other)"}},
		{"the key is empty", "true", `, "keyFile": {"source": "data:,"}`, []string{"the key is empty", "remove keyFile to have one generated", "storage.luks[0].keyFile.source"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			disk := volumeDisk(t)
			t.Cleanup(func() { try("dmsetup", "remove", "vault") })
			shell(t, strings.ReplaceAll(c.script, "$DISK", disk))
			for i, w := range c.want {
				c.want[i] = strings.ReplaceAll(w, "$DISK", disk)
			}
			newBoot(t, volumeConfig(disk, c.more)).refuses("disks", []string{disk}, c.want...)
		})
	}
}

func TestForeignVolumesAreNotTouched(t *testing.T) {
	disk := volumeDisk(t)
	shell(t, strings.ReplaceAll(format, "$DISK", disk))
	for _, c := range []struct {
		name, more string
		want       []string
	}{
		{"the key is another", `, "keyFile": {"source": "data:,wrong"}`, []string{"the key of the config does not open the volume that is there", "wipeVolume: true", "storage.luks[0].keyFile"}},
		{"no key", "", []string{"the LUKS volume that is on " + disk + " cannot be kept: the config gives no key to open it with", "wipeVolume: true"}},
		{"another label", sesame + `, "label": "new"`, []string{`its label is "old", the config asks for "new"`, "storage.luks[0].label"}},
		{"another UUID", sesame + `, "uuid": "4a1f0b1e-93c4-44f2-9a8e-6b7f0d3b8a55"`, []string{"its UUID is", "the config asks for 4a1f0b1e-93c4-44f2-9a8e-6b7f0d3b8a55"}},
		{"discards", sesame + `, "discard": true`, []string{"it does not pass discards on, the config asks for that"}},
		{"two differences", `, "label": "new"`, []string{"the config gives no key to open it with", `its label is "old"`}},
		{"clevis", sesame + `, "clevis": {"custom": {"pin": "sss", "config": "{}"}}`, []string{"whether clevis unlocks it as the config says cannot be known", "wipeVolume: true"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			newBoot(t, volumeConfig(disk, c.more)).refuses("disks", []string{disk}, c.want...)
		})
	}
	newBoot(t, volumeConfig(disk, sesame+`, "label": "old"`)).must("disks")
}

func TestWhatCryptsetupSaysIsReported(t *testing.T) {
	for _, c := range []struct {
		name, more string
		mib        int64
		want       []string
	}{
		{"an unknown cipher", sesame + `, "options": ["--cipher", "rot-13"]`, 24, []string{`making LUKS volume "vault" on /dev/loop`, "cryptsetup luksFormat", "rot-13", "storage.luks[0]"}},
		{"a small device", sesame, 8, []string{"cryptsetup luksOpen", "beyond real size of device"}},
		{"an unknown option at opening", sesame + `, "openOptions": ["--nonsense"]`, 24, []string{"cryptsetup luksOpen", "--nonsense", "unknown option"}},
		{"the key is out of reach", `, "keyFile": {"source": "` + nobody + `key"}`, 24, []string{"http://127.0.0.1:1/key", "connection refused", "storage.luks[0].keyFile"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBoot(t, volumeConfig(newDisk(t, c.mib), c.more))
			b.refuses("disks", nil, c.want...)
			text, err := os.ReadFile(b.path("state/report.json"))
			if err != nil || strings.Contains(string(text), "sesame") {
				t.Errorf("the key is in the report, %v:\n%s", err, text)
			}
		})
	}
}

func TestWipeVolumeTakesWhatIsThere(t *testing.T) {
	for name, script := range map[string]string{"filesystem": "mkfs.ext4 -q $DISK", "foreign volume": format, "partition table": "sgdisk --new=1:0:0 $DISK",
		"LUKS of version 1": "echo -n 'open sesame' | cryptsetup luksFormat --batch-mode --type luks1 --pbkdf-force-iterations 1000 $DISK -"} {
		t.Run(name, func(t *testing.T) {
			disk := volumeDisk(t)
			shell(t, strings.ReplaceAll(script, "$DISK", disk))
			newBoot(t, volumeConfig(disk, `, "wipeVolume": true, "label": "new"`)).must("disks")
			if got := dumpOf(t, disk).header("Label"); got != "new" {
				t.Errorf("the label is %q", got)
			}
			if got := blkid(t, disk, "TYPE"); got != "crypto_LUKS" {
				t.Errorf("blkid finds %q", got)
			}
		})
	}
}

// What an interrupted run leaves of a volume whose key it has generated: nobody
// can open it any more, and it is made again.
func TestVolumesOfInterruptedRunsConverge(t *testing.T) {
	for _, c := range []struct{ name, more, script string }{
		{"the key is lost", "", "cryptsetup close vault"},
		{"the key is lost and the volume open", "", "true"},
		{"the first header is lost", "", "cryptsetup close vault; dd if=/dev/zero of=$DISK bs=4096 count=4 conv=fsync,notrunc status=none"},
		{"the second header is lost", "", "cryptsetup close vault; dd if=/dev/zero of=$DISK bs=4096 seek=4 count=4 conv=fsync,notrunc status=none"},
		{"of the first header a sector is written", "", "cryptsetup close vault; dd if=/dev/zero of=$DISK bs=512 seek=1 count=63 conv=fsync,notrunc status=none"},
		{"the key is known but the mark is left", sesame, "cryptsetup config $DISK --subsystem firstlight-unfinished; cryptsetup close vault"},
		{"no slot has a key", sesame, "cryptsetup config $DISK --subsystem firstlight-unfinished; cryptsetup close vault; cryptsetup luksErase --batch-mode $DISK"},
	} {
		t.Run(c.name, func(t *testing.T) {
			disk := volumeDisk(t)
			config := volumeConfig(disk, c.more)
			newBoot(t, config).must("disks")
			uuid := dumpOf(t, disk).header("UUID")
			shell(t, strings.ReplaceAll(c.script, "$DISK", disk))
			b := newBoot(t, config)
			if o := b.stage("disks"); o.err != nil {
				t.Fatalf("%v\n%s", o.err, o.box)
			}
			if dumpOf(t, disk).header("UUID") == uuid {
				t.Error("it is the same volume")
			}
			b.must("files")
			b.attached(disk, "luks,x-initrd.attach")
		})
	}
}

// Volumes below an array and one above.
func TestVolumesAndArraysInBothOrders(t *testing.T) {
	disks := newMembers(t, 2, 64)
	config := fmt.Sprintf(`{"ignition": {"version": "3.5.0"}, "storage": {
		"luks": [
			{"name": "top", "device": "/dev/md/between" %[3]s, "options": [%[4]s]},
			{"name": "left", "device": %[1]q %[3]s, "options": [%[4]s]},
			{"name": "right", "device": %[2]q %[3]s, "options": [%[4]s]}],
		"raid": [{"name": "between", "level": "raid1", "devices": ["/dev/mapper/left", "/dev/disk/by-id/dm-name-right"], "options": ["--assume-clean"]}],
		"filesystems": [{"device": "/dev/disk/by-id/dm-name-top", "format": "ext4", "label": "top", "path": "/data"}]}}`, disks[0], disks[1], sesame, quick)
	b := newBoot(t, config)
	b.must("disks")
	b.must("mount")
	shell(t, "echo kept > "+b.root+"/data/file")
	b.must("umount")
	has(t, "/dev/md/between", map[string]string{"Active Devices": "2", "Raid Level": "raid1"})
	if got := blkid(t, "/dev/mapper/top", "LABEL"); got != "top" {
		t.Errorf("the label is %q", got)
	}
	shell(t, "cryptsetup close top; mdadm --stop /dev/md/between; cryptsetup close left; cryptsetup close right")
	b = newBoot(t, config)
	b.must("disks")
	b.must("mount")
	if got := run(t, "cat", b.root+"/data/file"); got != "kept" {
		t.Errorf("the file says %q", got)
	}
	b.must("umount")
}

func TestFilesystemsInVolumes(t *testing.T) {
	for _, device := range []string{"/dev/mapper/vault", "/dev/disk/by-id/dm-name-vault"} {
		t.Run(device, func(t *testing.T) {
			config := strings.Replace(volumeConfig(newDisk(t, 64), sesame), `]}}`,
				fmt.Sprintf(`], "filesystems": [{"device": %q, "format": "ext4", "label": "inside", "path": "/inside"}]}}`, device), 1)
			b := newBoot(t, config)
			b.must("disks")
			b.must("mount")
			if got := run(t, "findmnt", "--noheadings", "--output", "LABEL", b.root+"/inside"); got != "inside" {
				t.Errorf("what is mounted is %q", got)
			}
			b.must("umount")
		})
	}
}

// operations are those of a stage, from its report.
func (b *boot) operations(stage string) []report.Outcome {
	b.t.Helper()
	text, err := os.ReadFile(b.path("state/report.json"))
	if err != nil {
		b.t.Fatal(err)
	}
	var all []report.Outcome
	for line := range strings.Lines(string(text)) {
		var s report.Stage
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			b.t.Fatal(err)
		}
		if s.Stage == stage {
			all = append(all, s.Operations...)
		}
	}
	return all
}

func TestVolumesAreMadeInParallel(t *testing.T) {
	one, two := volumeDisk(t), volumeDisk(t)
	b := newBoot(t, fmt.Sprintf(`{"ignition": {"version": "3.5.0"}, "storage": {"luks": [
		{"name": "one", "device": %[1]q, "options": [%[3]s]}, {"name": "two", "device": %[2]q, "options": [%[3]s]}]}}`, one, two, quick))
	b.must("disks")
	ops := b.operations("disks")
	if len(ops) != 2 {
		t.Fatalf("the operations are %+v", ops)
	}
	end := func(o report.Outcome) time.Time {
		return o.Started.Add(time.Duration(o.Seconds * float64(time.Second)))
	}
	if !ops[0].Started.Before(end(ops[1])) || !ops[1].Started.Before(end(ops[0])) {
		t.Errorf("one came after the other: %+v", ops)
	}
}

// spy collects what any user can read while something runs, by places: files
// where a key may pass, and the command lines of all processes.
func spy(t testing.TB, during func(), dirs ...string) map[string]string {
	t.Helper()
	seen := map[string]string{}
	read := func(name string) {
		if text, err := os.ReadFile(name); err == nil && !strings.Contains(seen[name], string(text)) {
			seen[name] += string(text)
		}
	}
	look := func(name string, e os.DirEntry, err error) error {
		switch {
		case err == nil && name == "/run/udev":
			return filepath.SkipDir
		case err != nil || !e.Type().IsRegular():
			return nil // it came and went
		}
		if info, err := e.Info(); err == nil && info.Mode()&0o004 != 0 {
			read(name)
		}
		return nil
	}
	done := make(chan bool)
	go func() { during(); close(done) }()
	for rounds := 1; ; rounds++ {
		for _, dir := range dirs {
			filepath.WalkDir(dir, look)
		}
		commands, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, name := range commands {
			read(name)
		}
		select {
		case <-done:
			t.Logf("looked %d times, at %d files and processes", rounds, len(seen))
			return seen
		case <-time.After(time.Millisecond): // a TPM has to answer its driver in time meanwhile
		}
	}
}

func TestKeysAreForRootAlone(t *testing.T) {
	for name, more := range map[string]string{
		"of the config": sesame,
		"generated":     "",
		"for clevis":    sesame + `, "clevis": {"tpm2": true}`,
	} {
		t.Run(name, func(t *testing.T) {
			asInInitramfs(t)
			disk := volumeDisk(t)
			b := newBoot(t, volumeConfig(disk, more))
			canary := b.path("canary")
			shell(t, "echo canary > "+canary+"; chmod 644 "+canary)
			var disks, files outcome
			var state []byte
			seen := spy(t, func() {
				disks = b.stage("disks")
				state, _ = os.ReadFile(b.path("state/state"))
				files = b.stage("files")
			}, "/run", "/dev/shm", "/var/tmp", b.dir, b.root)
			if seen[canary] == "" || !strings.Contains(fmt.Sprint(seen), "luksFormat") {
				t.Error("what all can read was not seen")
			}
			if disks.err != nil || files.err != nil {
				t.Fatalf("%v, %v\n%s%s", disks.err, files.err, disks.box, files.box)
			}
			keys := []string{"open sesame", "open%20sesame", "b3BlbiBzZXNhbWU"} // the last is in base64
			var left struct{ LuksPersistKeyFiles map[string]string }
			if err := json.Unmarshal(state, &left); err != nil {
				t.Fatal(err)
			}
			if key := strings.TrimPrefix(left.LuksPersistKeyFiles["vault"], "data:;base64,"); key != "" {
				raw, err := base64.StdEncoding.DecodeString(key)
				if err != nil {
					t.Fatal(err)
				}
				keys = append(keys, key[:min(len(key), 60)], string(raw[:min(len(raw), 60)]))
			}
			seen["the logs"] = disks.log + files.log
			for place, text := range seen {
				for _, key := range keys {
					if strings.Contains(text, key) {
						t.Errorf("%.12s... of the key can be read in %s", key, place)
					}
				}
			}
			if got := run(t, "stat", "--format=%a", b.path("state/state")); got != "600" {
				t.Errorf("the state has mode %s", got)
			}
			if name != "for clevis" {
				return
			}
			if got := run(t, "cat", b.root+"/etc/crypttab"); !strings.HasSuffix(got, " none "+localAttach) {
				t.Errorf("crypttab is %q", got)
			}
			if !unlocks(t, disk) {
				t.Error("the TPM does not unlock it")
			}
		})
	}
}
