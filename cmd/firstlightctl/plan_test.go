package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/storage"
)

// planFiles are the configs of the tests below; the scripts have their own.
var planFiles = map[string]string{
	"system.ign": diskConfig(`{"number": 1, "label": "ESP", "startMiB": 2, "sizeMiB": 10}, {"number": 3, "label": "ROOT", "startMiB": 20, "sizeMiB": 10},
 {"number": 5, "label": "old", "startMiB": 80, "sizeMiB": 5}, {"number": 9, "label": "DATA", "startMiB": 50, "sizeMiB": 20}`, ""),
	"change.ign": diskConfig(`
{"number": 5, "shouldExist": false, "wipePartitionEntry": true},
{"number": 9, "sizeMiB": 25, "resize": true},
{"number": 3, "label": "other", "startMiB": 20, "sizeMiB": 10, "wipePartitionEntry": true},
{"number": 4, "label": "new", "sizeMiB": 8}`, `, "filesystems": [
{"device": "/dev/nvme0n1p4", "format": "xfs", "label": "data"}]`),
	"wrong.bu": `variant: fcos
version: 1.5.0
storage:
  disks:
    - device: /dev/nvme0n1
      partitions:
        - number: 9
          size_mib: 25
        - number: 4
          label: new
          size_mib: 80
`,
	"absent.ign": `{"ignition": {"version": "3.4.0"}, "storage": {"disks": [{"device": "/dev/firstlight-none"}]}}`,
	"same.ign":   diskConfig(`{"number": 3, "label": "ROOT"}`, ""),
	"none.ign":   `{"ignition": {"version": "3.4.0"}}`,
}

func diskConfig(partitions, more string) string {
	return `{"ignition": {"version": "3.4.0"}, "storage": {"disks": [{"device": "/dev/nvme0n1", "partitions": [` + partitions + `]}]` + more + `}}`
}

// usePlanFiles changes to a new directory with the configs, and an image.
func usePlanFiles(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range planFiles {
		testkit.WriteFile(t, name, text)
	}
	if err := makeImage("a.img", "system.ign"); err != nil {
		t.Fatal(err)
	}
}

// makeImage makes a disk image of 100 MiB with the partitions of a config.
func makeImage(image, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := errors.Join(os.WriteFile(image, nil, 0o644), os.Truncate(image, 100<<20)); err != nil {
		return err
	}
	if image, err = filepath.Abs(image); err != nil {
		return err
	}
	cfg, _, err := config.Parse(text, file)
	if err != nil {
		return err
	}
	m := &storage.Machine{Run: system.Exec{}}
	plan, err := m.PlanDisks(context.Background(), cfg.WithDevices(func(string) string { return image }))
	if err != nil {
		return err
	}
	for _, o := range plan {
		if err := o.Do(context.Background()); err != nil {
			return err
		}
	}
	return nil
}

func TestPlanAsJSON(t *testing.T) {
	usePlanFiles(t)
	lost := map[string]string{"change.ign": `partition 5 "old"; partition 3 "ROOT"`}
	for config, want := range map[string]struct{ status, disks, operations, conflicts, after int }{
		"change.ign": {exitOK, 1, 3, 0, 4}, "wrong.bu": {exitRefused, 1, 0, 2, 0}, "none.ign": {exitOK, 0, 1, 0, 0}, "absent.ign": {exitRefused, 0, 0, 1, 0},
	} {
		args := []string{"plan", "--json", config}
		if want.disks > 0 {
			args = append(args, "--disk", "/dev/nvme0n1=a.img")
		}
		var stdout, stderr bytes.Buffer
		if status := run(args, nil, &stdout, &stderr); status != want.status || stderr.Len() > 0 {
			t.Errorf("%s: exit status %d: %s", config, status, &stderr)
		}
		var got planResult
		if err := json.Unmarshal(stdout.Bytes(), &got); err != nil || strings.Contains(stdout.String(), "null") {
			t.Fatalf("%v in %s", err, &stdout)
		}
		if len(got.Disks) != want.disks || len(got.Operations) != want.operations || len(got.Conflicts) != want.conflicts {
			t.Errorf("%s: %s", config, &stdout)
		}
		if want.disks > 0 && strings.Join(got.Disks[0].Destroys, "; ") != lost[config] {
			t.Errorf("%s destroys %q", config, got.Disks[0].Destroys)
		}
		if want.after > 0 && (got.Disks[0].After == nil || len(got.Disks[0].After.Partitions) != want.after) {
			t.Errorf("%s: %s", config, &stdout)
		}
		if want.conflicts > 0 && (got.Conflicts[0].Hint == "" || got.Conflicts[0].Origin.Line == 0) {
			t.Errorf("%s: %s", config, &stdout)
		}
	}
}

func TestOnlyDevicesAreLookedForOnTheTable(t *testing.T) {
	root, err := newFakeRoot(map[string]string{"/dev/disk/by-id/x": "/a.img"})
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(root.dir)
	if image, err := os.Readlink(root.path("/dev/disk/by-id/x")); err != nil || image != "/a.img" {
		t.Errorf("%s, %v", image, err)
	}
	for path, moved := range map[string]bool{"/dev/vda": true, "/dev/disk/by-id/x-part3": true, "/dev/disk/by-label/x": true, "/dev/disk/by-partlabel/x": false,
		"/dev/md/x": false, "/dev/mapper/x": false, "tag": false} {
		got := root.rename(path)
		if (got == root.dir+path) != moved || root.original("a "+got) != "a "+path {
			t.Errorf("%s is %s, of which the original is %q", path, got, root.original("a "+got))
		}
	}
}

// sectorOf plans, and returns the size of the sectors and where partition 1 begins.
func sectorOf(t *testing.T, args string) (sector, start uint64) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if status := run(strings.Fields("plan --json "+args), nil, &stdout, &stderr); status != exitOK {
		t.Fatalf("%s: exit status %d: %s%s", args, status, &stdout, &stderr)
	}
	var got planResult
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	return got.Disks[0].Sector, got.Disks[0].After.Partitions[0].Start
}

func TestSectorSizes(t *testing.T) {
	usePlanFiles(t)
	testkit.WriteFile(t, "one.ign", diskConfig(`{"number": 1, "label": "one", "sizeMiB": 5}`, ""))
	testkit.WriteFile(t, "b.img", "")
	if err := os.Truncate("b.img", 100<<20); err != nil {
		t.Fatal(err)
	}
	const on = " --disk /dev/nvme0n1=b.img one.ign"
	for _, c := range []struct {
		args string
		want uint64
	}{{on, 512}, {"--sector-size 4096" + on, 4096}, {"--sector-size 1024" + on, 1024}} {
		if sector, start := sectorOf(t, c.args); sector != c.want || start != 1<<20 {
			t.Errorf("%s: sectors of %d bytes, partition 1 at %d", c.args, sector, start)
		}
	}
	cfg, _, err := config.Parse([]byte(planFiles["system.ign"]), "")
	if err != nil {
		t.Fatal(err)
	}
	image, err := filepath.Abs("b.img")
	if err != nil {
		t.Fatal(err)
	}
	m := &storage.Machine{Run: system.Exec{}, Sector: 4096}
	plan, err := m.PlanDisks(context.Background(), cfg.WithDevices(func(string) string { return image }))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range plan {
		if err := o.Do(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	// Now its table tells, also if only the copy at the end is left.
	const same = "--disk /dev/nvme0n1=b.img same.ign"
	if sector, start := sectorOf(t, same); sector != 4096 || start != 2<<20 {
		t.Errorf("sectors of %d bytes, partition 1 at %d", sector, start)
	}
	f, err := os.OpenFile("b.img", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(make([]byte, 4096), 4096); err != nil {
		t.Fatal(err)
	}
	if sector, start := sectorOf(t, same); sector != 4096 || start != 2<<20 {
		t.Errorf("with a damaged table: sectors of %d bytes, partition 1 at %d", sector, start)
	}
}

func TestPlansShowNoSecrets(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("IGNITION_KERNEL_CMDLINE_PATH", os.DevNull)
	testkit.WriteFile(t, "all.bu", `variant: fcos
version: 1.6.0
ignition:
  proxy: {http_proxy: "http://user:SECRET@proxy"}
  config:
    merge: [{source: "https://user:SECRET@example.com/c.ign?token=SECRET", http_headers: [{name: Authorization, value: SECRET}]}]
passwd:
  users:
    - {name: core, password_hash: "$6$SECRET$SECRET", ssh_authorized_keys: ["ssh-ed25519 SECRET"]}
  groups:
    - {name: g, password_hash: SECRET}
storage:
  luks:
    - {name: l, device: /dev/firstlight-none, key_file: {inline: SECRET}}
    - {name: m, device: /dev/firstlight-none2, key_file: {source: "https://example.com/key?SECRET"}}
  files:
    - {path: /a, contents: {inline: SECRET}}
    - {path: /b, contents: {source: "s3://bucket/b?versionId=SECRET"}, append: [{source: "data:,SECRET"}]}
systemd:
  units:
    - {name: a.service, contents: "SECRET"}
`)
	testkit.WriteFile(t, "record.json", `{"version": 1, "stages": []}`)
	for _, args := range []string{"plan all.bu", "plan --json all.bu", "plan --root . --diff record.json all.bu"} {
		var out bytes.Buffer
		run(strings.Fields(args), nil, &out, &out)
		if strings.Contains(out.String(), "SECRET") || !strings.Contains(out.String(), "/dev/firstlight-none") {
			t.Errorf("%s:\n%s", args, &out)
		}
	}
}
