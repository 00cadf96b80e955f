package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
	failure "github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/storage"
	"github.com/firstlight-os/firstlight/storage/plan"
)

// machineOf is a machine whose disks are images, by the kernel's names.
func machineOf(t *testing.T, images map[string]string) *storage.Machine {
	t.Helper()
	dir := t.TempDir()
	testkit.NoError(t, os.MkdirAll(filepath.Join(dir, "sys/class/block"), 0o755))
	for name, image := range images {
		testkit.WriteFile(t, filepath.Join(dir, "sys/class/block", name, "size"), "2048\n")
		path, err := filepath.Abs(image)
		testkit.NoError(t, err)
		testkit.NoError(t, errors.Join(os.MkdirAll(filepath.Join(dir, "dev/disk/by-id"), 0o755), os.Symlink(path, filepath.Join(dir, "dev", name)),
			os.Symlink("../../"+name, filepath.Join(dir, "dev/disk/by-id/serial-"+name))))
	}
	return &storage.Machine{Sys: filepath.Join(dir, "sys"), Dev: filepath.Join(dir, "dev"), Log: quietLogger(), Run: system.Exec{}}
}

// writeFacts gathers the facts of a machine into a file.
func writeFacts(t *testing.T, file string, m *storage.Machine) *machineFacts {
	t.Helper()
	root := t.TempDir()
	testkit.WriteFile(t, filepath.Join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\ncore:x:1000:1000:secret:/var/home/core:/bin/sh\n+nis\n")
	testkit.WriteFile(t, filepath.Join(root, "etc/group"), "root:x:0:\nwheel:secret:10:core\n")
	facts, leftOut, err := gatherFacts(m, root)
	testkit.NoError(t, errors.Join(leftOut, err))
	text, err := json.MarshalIndent(facts, "", "  ")
	testkit.NoError(t, err)
	testkit.WriteFile(t, file, string(text))
	if strings.Contains(string(text), "secret") {
		t.Errorf("there is a secret in\n%s", text)
	}
	return facts
}

// The plan with facts is the one with the disks themselves.
func TestAPlanWithFactsIsThatOfTheMachine(t *testing.T) {
	usePlanFiles(t)
	for image, args := range map[string][]string{"ext4.img": {"mkfs.ext4", "-q", "-L", "old"}, "xfs.img": {"mkfs.xfs", "-q"}} {
		testkit.NoError(t, errors.Join(os.WriteFile(image, nil, 0o644), os.Truncate(image, 400<<20)))
		if out, err := exec.Command(args[0], append(args[1:], image)...).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	testkit.NoError(t, errors.Join(os.WriteFile("blank.img", nil, 0o644), os.Truncate("blank.img", 10<<20)))
	images := map[string]string{"nvme0n1": "a.img", "vdb": "ext4.img", "vdc": "xfs.img", "vdd": "blank.img"}
	t.Setenv("IGNITION_KERNEL_CMDLINE_PATH", os.DevNull)
	writeFacts(t, "box.json", machineOf(t, images))
	whole := func(device, more string) string {
		return `{"ignition": {"version": "3.4.0"}, "storage": {"filesystems": [{"device": "` + device + `"` + more + `}]}}`
	}
	table := func(device string) string {
		return `{"ignition": {"version": "3.4.0"}, "storage": {"disks": [{"device": "` + device + `", "wipeTable": WIPE, "partitions": [{"label": "new", "sizeMiB": 5}]}]}}`
	}
	configs := map[string]string{"ext4": whole("/dev/vdb", `, "format": "ext4", "label": "old"`), "other": whole("/dev/vdb", `, "format": "xfs"`),
		"wiped": whole("/dev/vdc", `, "format": "ext4", "wipeFilesystem": true`), "link": whole("/dev/disk/by-id/serial-vdd", `, "format": "ext4"`),
		"raid": `{"ignition": {"version": "3.4.0"}, "storage": {"raid": [{"name": "r", "level": "raid1", "devices": ["/dev/vdb", "/dev/vdd"]}]}}`,
		"luks": `{"ignition": {"version": "3.4.0"}, "storage": {"luks": [{"name": "l", "device": "/dev/vdd"}], "filesystems": [{"device": "/dev/mapper/l", "format": "xfs"}]}}`}
	for _, wipe := range []string{"true", "false"} {
		for _, name := range []string{"nvme0n1", "vdb", "vdd"} {
			configs[name+wipe] = strings.Replace(table("/dev/"+name), "WIPE", wipe, 1)
		}
	}
	for name, text := range planFiles {
		if name != "absent.ign" {
			configs[name] = text
		}
	}
	for name, text := range configs {
		testkit.WriteFile(t, "config", text)
		cfg, _, err := butane.ParseAny([]byte(text), name)
		testkit.NoError(t, err)
		args := []string{"config"}
		for _, device := range devicesOf(cfg) {
			image := images[strings.TrimPrefix(filepath.Base(device), "serial-")]
			if isDevice(device) && image != "" {
				args = append(args, "--disk", device+"="+image)
			}
		}
		want, got := anyPlan(t, args...), anyPlan(t, "--facts", "box.json", "config")
		if fmt.Sprint(got.Operations, withoutHints(got.Conflicts)) != fmt.Sprint(want.Operations, withoutHints(want.Conflicts)) || shownDisks(got) != shownDisks(want) {
			t.Errorf("%s: with facts\n%v\n%v\n%s\nwithout\n%v\n%v\n%s", name, got.Operations, got.Conflicts, shownDisks(got), want.Operations, want.Conflicts, shownDisks(want))
		}
	}
}

func TestPlansSayWhichDiskIsChosen(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("IGNITION_KERNEL_CMDLINE_PATH", os.DevNull)
	images := map[string]string{"vda": "a.img", "vdb": "b.img"}
	for i, image := range []string{"a.img", "b.img"} {
		testkit.NoError(t, errors.Join(os.WriteFile(image, nil, 0o644), os.Truncate(image, int64(i+1)*10<<20)))
	}
	m := machineOf(t, images)
	testkit.WriteFile(t, filepath.Join(m.Sys, "class/block/vdb/serial"), "V-2\n")
	facts := writeFacts(t, "box.json", m)
	testkit.Equal(t, "what is known of a disk", *facts.Devices[1].Disk, plan.DiskIdentity{Serial: "V-2", Transport: "virtio"})
	const config = `{variant: firstlight, version: 1.0.0, storage: {disks: [{as: data, match: {MATCH}, pick: largest, partitions: [{number: 1, label: data}]}]}}`
	testkit.WriteFile(t, "chosen.bu", strings.Replace(config, "MATCH", "transport: virtio, empty: true", 1))
	got := planned(t, 0, "--facts", "box.json", "chosen.bu")
	testkit.Equal(t, "operation", got.Operations[0].Name, `disk "data" is /dev/vdb (21 MB, virtio, serial V-2, empty): largest of 2 that match`)
	testkit.Equal(t, "node", got.Disks[0].Node, "/dev/vdb")
	testkit.WriteFile(t, "none.bu", strings.Replace(config, "MATCH", "transport: nvme", 1))
	got = planned(t, exitRefused, "--facts", "box.json", "none.bu")
	testkit.Contains(t, "conflict", got.Conflicts[0].Cause, `no disk of this machine matches disk "data"`, "/dev/vda (10.5 MB, virtio, empty): its transport is virtio", "/dev/vdb")
	// Images stand for what would be chosen.
	got = planned(t, 0, "--disk", "/dev/firstlight/data=a.img", "none.bu")
	testkit.Equal(t, "operation", got.Operations[0].Name, `partitioning /dev/firstlight/data (create 1 "data")`)
	testkit.Contains(t, "not judged", strings.Join(got.NotJudged, "\n"), "which disks of a machine")
}

// anyPlan is a plan or its conflicts.
func anyPlan(t *testing.T, args ...string) planResult {
	t.Helper()
	var stdout, stderr strings.Builder
	if status := run(append([]string{"plan", "--json"}, args...), nil, &stdout, &stderr); status > exitRefused || stderr.Len() > 0 {
		t.Fatalf("%q: exit status %d: %s", args, status, &stderr)
	}
	var result planResult
	testkit.NoError(t, json.Unmarshal([]byte(stdout.String()), &result))
	return result
}

func withoutHints(all []failure.Problem) []string {
	var causes []string
	for _, p := range all {
		causes = append(causes, p.Cause)
	}
	return causes
}

// shownDisks are the disks of a plan without their nodes.
func shownDisks(r planResult) string {
	for i := range r.Disks {
		r.Disks[i].Node = ""
	}
	text, _ := json.Marshal(r.Disks)
	return string(text)
}

func TestUsersOfTheFactsAreThoseOfThePlan(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("IGNITION_KERNEL_CMDLINE_PATH", os.DevNull)
	writeFacts(t, "box.json", machineOf(t, nil))
	testkit.WriteFile(t, "users.ign", `{"ignition": {"version": "3.4.0"}, "passwd": {"users": [{"name": "core", "groups": ["wheel"]}, {"name": "new", "groups": ["docker"]}]}}`)
	got := planned(t, exitRefused, "--facts", "box.json", "users.ign")
	if len(got.Conflicts) != 1 || !strings.Contains(got.Conflicts[0].Cause, `"docker"`) {
		t.Errorf("conflicts: %v", got.Conflicts)
	}
	testkit.WriteFile(t, "users.ign", `{"ignition": {"version": "3.4.0"}, "passwd": {"users": [{"name": "core", "groups": ["wheel"]}]}}`)
	got = planned(t, exitOK, "--facts", "box.json", "users.ign")
	testkit.Contains(t, "operations", fmt.Sprint(got.Operations), `changing user "core"`)
	testkit.Contains(t, "what is not judged", fmt.Sprint(got.NotJudged), "which files the machine has", "/home/NAME was planned for")
}

func TestKernelArgumentsOfFacts(t *testing.T) {
	shown, platform := shownArguments("BOOT_IMAGE=/vmlinuz quiet root=UUID=1 ignition.config.url=https://u:secret@h/ ignition.platform.id=qemu nosmt")
	testkit.Equal(t, "shown", strings.Join(shown, " "), "BOOT_IMAGE= quiet root= ignition.config.url= ignition.platform.id=qemu nosmt")
	testkit.Equal(t, "platform", platform, "qemu")
	for _, c := range []struct{ exist, not, want string }{
		{"quiet nosmt", "rhgb", "no"}, {"nosmt rhgb", "", "yes"}, {"", "quiet", "yes"}, {"root=UUID=1", "", "unknown"}, {"", "root=x", "unknown"}, {"console=ttyS0", "", "yes"}, {"", "console=ttyS0", "no"},
	} {
		a := plannedArguments{ShouldExist: strings.Fields(c.exist), ShouldNotExist: strings.Fields(c.not), Reboot: "unknown"}
		a.compareWithFacts(shown)
		testkit.Equal(t, fmt.Sprint(c), a.Reboot, c.want)
	}
}

func TestADeviceThatTheFactsDoNotHave(t *testing.T) {
	usePlanFiles(t)
	t.Setenv("IGNITION_KERNEL_CMDLINE_PATH", os.DevNull)
	writeFacts(t, "box.json", machineOf(t, map[string]string{"vda": "a.img"}))
	got := planned(t, exitRefused, "--facts", "box.json", "absent.ign").Conflicts
	if len(got) != 1 || got[0].Cause != "/dev/firstlight-none is none of the devices that were found: /dev/vda" || got[0].Hint == "" || got[0].Origin.Line == 0 {
		t.Errorf("%+v", got)
	}
}

func TestDevicesThatCannotBeLookedAtAreLeftOut(t *testing.T) {
	usePlanFiles(t)
	m := machineOf(t, map[string]string{"vda": "a.img", "sr0": "nowhere"})
	facts, leftOut, err := gatherFacts(m, t.TempDir())
	testkit.NoError(t, err)
	testkit.ErrorContains(t, "left out", leftOut, "looking at /dev/sr0: ", "no such file")
	if len(facts.Devices) != 1 || facts.Devices[0].Node != "/dev/vda" || len(facts.Devices[0].Links) != 1 || len(facts.Devices[0].Partitions) != 4 {
		t.Errorf("%+v", facts.Devices)
	}
}

func TestFactsThatCannotBe(t *testing.T) {
	device := func(text string) string { return `{"version": 1, "devices": [{` + text + `}]}` }
	for text, want := range map[string]string{
		``:                           "EOF",
		`[]`:                         "cannot unmarshal",
		`{}`:                         "version 0; this program reads version 1",
		`{"version": 2}`:             "version 2",
		device(`"node": "vda"`):      `the node "vda" is not the path of a device`,
		device(`"node": "/dev/vda"`): "sectors of 0 bytes",
		device(`"node": "/dev/vda", "sector": 512, "size": 513`):                                                             "not a number of sectors",
		device(`"node": "/dev/vda", "sector": 512, "size": 1024, "table": "apple"`):                                          `a partition table "apple"`,
		device(`"node": "/dev/vda", "sector": 512, "size": 1024, "table": "gpt", "slots": 128, "first": 1, "last": 2`):       "a GPT of 128 entries",
		device(`"node": "/dev/vda", "sector": 512, "size": 1024, "table": "dos", "partitions": [{"number": 1, "start": 2}]`): "a partition 1 of 0 sectors",
		device(`"node": "/dev/vda", "sector": 512, "size": 1024, "table": "dos", "hybrid": [{"Number": 5}]`):                 "an entry 5 in its MBR",
		`{"version": 1, "users": [{"name": "a:b"}]}`:                                                                         `"a:b" is no name of a user`,
		`{"version": 1, "groups": [{"name": ""}]}`:                                                                           `"" is no name of a group`,
		`{"version": 1}` + strings.Repeat(" ", maxFacts):                                                                     "of which at most",
	} {
		_, err := parseFacts([]byte(text))
		testkit.ErrorContains(t, text[:min(len(text), 100)], err, want)
	}
	t.Chdir(t.TempDir())
	testkit.WriteFile(t, "none.ign", planFiles["none.ign"])
	var stderr strings.Builder
	if status := run([]string{"plan", "--facts", "nowhere", "none.ign"}, nil, &stderr, &stderr); status != exitError || !strings.Contains(stderr.String(), "reading the facts: open nowhere") {
		t.Errorf("%d: %s", status, &stderr)
	}
}

func TestAccountsAreReadFromAllDatabases(t *testing.T) {
	users, groups, err := readAccounts(fstest.MapFS{
		"etc/passwd":     {Data: []byte("a:x:1:2::/:\nbroken\n#c:x:1:2::/:\nd:x:99999999999:2::/:\ne:x:1:x::/:\n")},
		"usr/lib/passwd": {Data: []byte("b:x:3:4::/:\n")}, "usr/lib/group": {Data: []byte("g:x:5:a,b\n")},
	})
	testkit.NoError(t, err)
	testkit.Equal(t, "accounts", fmt.Sprint(users, groups), "[{a 1 2} {b 3 4}] [{g 5}]")
}

// Facts are from outside: whatever they say, a plan with them ends.
func FuzzFacts(f *testing.F) {
	f.Add([]byte(`{"version": 1, "devices": [{"node": "/dev/nvme0n1", "size": 104857600, "sector": 512, "table": "gpt", "guid": "A", "first": 34, "last": 204766, "slots": 128,
"partitions": [{"number": 3, "start": 40960, "size": 20480, "type": "0FC63DAF-8483-4772-8E79-3D69D8477DE4", "guid": "B", "label": "ROOT", "holds": [{"type": "ext4", "label": "root"}]}]}]}`))
	f.Add([]byte(`{"version": 1, "devices": [{"node": "/dev/nvme0n1", "size": 104857600, "sector": 512, "blank": true, "holds": [{"type": "crypto_LUKS", "luks": {"Version": 2}}]}], "users": [{"name": "a"}]}`))
	f.Add([]byte(`{"version": 1, "devices": [{"node": "/dev/nvme0n1", "size": 1048576, "sector": 4096, "table": "dos", "partitions": [{"number": 1, "start": 2, "size": 2}], "hybrid": [{"Number": 1, "Start": 1, "Size": 3}]}]}`))
	var configs []*config.Config
	for _, name := range []string{"change.ign", "same.ign", "system.ign"} {
		cfg, _, err := config.Parse([]byte(planFiles[name]), name)
		if err != nil {
			f.Fatal(err)
		}
		configs = append(configs, cfg)
	}
	f.Fuzz(func(_ *testing.T, text []byte) {
		facts, err := parseFacts(text)
		if err != nil {
			return
		}
		facts.databases()
		m := &storage.Machine{Log: quietLogger()}
		for _, cfg := range configs {
			_, _, _ = m.PreviewInventory(context.Background(), cfg, facts.Devices)
		}
	})
}

// What a config can ask for and no platform has to be asked is among the facts of a
// machine; what is given by hand counts more.
func TestFactsOfAMachineAreThoseOfItsConfig(t *testing.T) {
	known := &machineFacts{Facts: ownFacts("metal")}
	testkit.Equal(t, "platform", known.Facts["platform"], "metal")
	testkit.Equal(t, "architecture", known.Facts["architecture"], runtime.GOARCH)
	if _, asked := known.Facts["region"]; asked {
		t.Error("a platform was asked")
	}
	given, err := parseGivenFacts([]string{"platform=aws", "region=x"})
	testkit.NoError(t, err)
	given.add(known)
	for name, want := range map[string]string{"platform": "aws", "region": "x", "architecture": runtime.GOARCH} {
		got, err := given.get(name)
		testkit.NoError(t, err)
		testkit.Equal(t, name, got, want)
	}
	_, err = given.get("zone")
	testkit.Equal(t, "error", fmt.Sprint(err), "it is not known here")
}
