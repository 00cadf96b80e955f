package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/storage"
)

// Configs of the plan tests. The first two have made the images.
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
	"wipe.ign":    strings.Replace(diskConfig("", ""), `"partitions"`, `"wipeTable": true, "partitions"`, 1),
	"same.ign":    diskConfig(`{"number": 3, "label": "ROOT"}`, ""),
	"two.ign":     `{"ignition": {"version": "3.4.0"}, "storage": {"disks": [{"device": "/dev/nvme0n1"}, {"device": "/dev/vdb"}]}}`,
	"remote.ign":  `{"ignition": {"version": "3.4.0", "config": {"merge": [{"source": "https://example.com/c.ign"}, {"source": "data:,%7B%22ignition%22%3A%7B%22version%22%3A%223.4.0%22%7D%2C%22storage%22%3A%7B%22disks%22%3A%5B%7B%22device%22%3A%22%2Fdev%2Fnvme0n1%22%2C%22partitions%22%3A%5B%7B%22number%22%3A3%7D%5D%7D%5D%7D%7D"}]}}}`,
	"refused.ign": `{"ignition": {"version": "3.4.0"}, "storage": {"disks": [{"device": "vda"}]}}`,
	"absent.ign":  `{"ignition": {"version": "3.4.0"}, "storage": {"disks": [{"device": "/dev/firstlight-none"}]}}`,
	"file.ign":    `{"ignition": {"version": "3.4.0"}, "storage": {"disks": [{"device": "/dev/null/x"}]}}`,
	"none.ign":    `{"ignition": {"version": "3.4.0"}}`,
	"parts.ign": `{"ignition": {"version": "3.4.0"}, "storage": {"disks": [{"device": "/dev/nvme0n1"}], "filesystems": [
{"device": "/dev/nvme0n1p3", "format": "xfs"}, {"device": "/dev/disk/by-partlabel/LOGS", "format": "xfs"}, {"device": "/dev/vdb", "format": "xfs"}]}}`,
	"stuck.ign": diskConfig(`{"number": 3, "sizeMiB": 1}, {"number": 4, "label": "LOGS", "sizeMiB": 500}`, `, "filesystems": [
{"device": "/dev/disk/by-partlabel/LOGS", "format": "xfs"}]`),
}

func diskConfig(partitions, more string) string {
	return `{"ignition": {"version": "3.4.0"}, "storage": {"disks": [{"device": "/dev/nvme0n1", "partitions": [` + partitions + `]}]` + more + `}}`
}

// planDesk has the configs, and an image of 100 MiB.
func usePlanFiles(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	t.Setenv("COLUMNS", "")
	for name, text := range planFiles {
		writeFile(t, name, text)
	}
	writeFile(t, "a.img", "")
	if err := os.Truncate("a.img", 100<<20); err != nil {
		t.Fatal(err)
	}
	image, err := filepath.Abs("a.img")
	if err != nil {
		t.Fatal(err)
	}
	cfg, _, err := config.Parse([]byte(planFiles["system.ign"]), "")
	if err != nil {
		t.Fatal(err)
	}
	m := &storage.Machine{Run: system.Exec{}}
	plan, err := m.PlanDisks(context.Background(), cfg.WithDevices(func(string) string { return image }))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range plan {
		if err := o.Do(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
}

// here takes the directory, which differs, out of what was printed.
func hideDirectory(t *testing.T, text string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(text, dir, "HERE")
}

// HERE is the working directory.
var planCases = map[string]cliCase{
	"nothing to do": {args: "plan --disk /dev/nvme0n1=a.img same.ign",
		stdout: `/dev/nvme0n1, 100 MiB (HERE/a.img)
  now    ..[1 ESP]......[3 ROO]..............[9 DATA      ].......[5 ]..........
   #  label   start    size        holds
   1  ESP     2 MiB  10 MiB  kept  nothing known
   3  ROOT   20 MiB  10 MiB  kept  nothing known
   5  old    80 MiB   5 MiB  kept  nothing known
   9  DATA   50 MiB  20 MiB  kept  nothing known

Nothing to do: the disks are as the config describes them.
`},
	"one change of each sort": {args: "plan --disk /dev/nvme0n1=a.img change.ign",
		stdout: `/dev/nvme0n1, 100 MiB (HERE/a.img)
  before ..[1 ESP]......[!3 RO]..............[~9 DATA     ].......[-5]..........
  after  ..[1 ESP]......[!3 ot]..............[~9 DATA        ][+4 n]............
    #  label   start              size            holds
    1  ESP     2 MiB            10 MiB  kept      nothing known
  ! 3  other  20 MiB            10 MiB  replaced  nothing known
  + 4  new    75 MiB             8 MiB  created   xfs (label "data"), made new
  - 5  old    80 MiB             5 MiB  deleted   nothing known
  ~ 9  DATA   50 MiB  20 MiB -> 25 MiB  resized   nothing known

2 operations:
  1. partitioning /dev/nvme0n1 (delete 5 "old", replace 3 "other", resize 9
     "DATA", create 4 "new")
     at: change.ign:1:58 (storage.disks[0])
  2. making xfs "data" on /dev/nvme0n1p4
     at: change.ign:6:1 (storage.filesystems[0])
`},
	"conflicts, in the words of Butane": {args: "plan --disk /dev/nvme0n1=a.img wrong.bu", status: exitRefused,
		stdout: `/dev/nvme0n1, 100 MiB (HERE/a.img)
  now    ..[1 ESP]......[3 ROO]..............[9 DATA      ].......[5 ]..........
   #  label   start    size  holds
   1  ESP     2 MiB  10 MiB  nothing known
   3  ROOT   20 MiB  10 MiB  nothing known
   5  old    80 MiB   5 MiB  nothing known
   9  DATA   50 MiB  20 MiB  nothing known

2 conflicts, so nothing would be done:
  1. partition 9 "DATA" on /dev/nvme0n1 is not what the config describes: its
     size is 20 MiB, the config asks for 25 MiB
     hint: resize: true changes only its size; wipe_partition_entry: true
           replaces it, and its contents are lost
     at: wrong.bu:8:21 (storage.disks[0].partitions[0].size_mib)
  2. partition 4 "new" on /dev/nvme0n1 needs 80 MiB but the largest free block
     has 20 MiB
     hint: ask for less, or make room: wipe_table, or should_exist: false with
           wipe_partition_entry: true for what is in the way
     at: wrong.bu:11:21 (storage.disks[0].partitions[1].size_mib)
`},
	"a wiped table": {args: "plan --disk /dev/nvme0n1=a.img wipe.ign",
		stdout: `/dev/nvme0n1, 100 MiB (HERE/a.img)
  before ..[-1 ES]......[-3 RO]..............[-9 DATA     ].......[-5]..........
  after  .......................................................................
    #  label   start    size           holds
  - 1  ESP     2 MiB  10 MiB  deleted  nothing known
  - 3  ROOT   20 MiB  10 MiB  deleted  nothing known
  - 5  old    80 MiB   5 MiB  deleted  nothing known
  - 9  DATA   50 MiB  20 MiB  deleted  nothing known

1 operation:
  1. wiping /dev/nvme0n1
     at: wipe.ign:1:58 (storage.disks[0])
`},
	"a disk without an image": {args: "plan --disk /dev/nvme0n1=a.img two.ign", status: exitRefused,
		stdout: `1 conflict, so nothing would be done:
  1. there is no /dev/vdb here
     hint: name an image file that stands for it: --disk /dev/vdb=IMAGE
     at: two.ign:1:97 (storage.disks[1].device)
`},
	"what the config refers to": {args: "plan --disk /dev/nvme0n1=a.img remote.ign",
		stdout: `/dev/nvme0n1, 100 MiB (HERE/a.img)
  now    ..[1 ESP]......[3 ROO]..............[9 DATA      ].......[5 ]..........
   #  label   start    size        holds
   1  ESP     2 MiB  10 MiB  kept  nothing known
   3  ROOT   20 MiB  10 MiB  kept  nothing known
   5  old    80 MiB   5 MiB  kept  nothing known
   9  DATA   50 MiB  20 MiB  kept  nothing known

Nothing to do: the disks are as the config describes them.
`,
		stderr: "note: remote.ign:1:67: https://example.com/c.ign is not fetched, so its contents are missing here\n"},
	"a refused config": {args: "plan --disk /dev/nvme0n1=a.img refused.ign", status: exitRefused,
		stderr: `refused.ign:1:69: error: the path "vda" is not absolute; it should start with a slash (storage.disks[0].device)
 1 | {"ignition": {"version": "3.4.0"}, "storage": {"disks": [{"device": "vda"}]}}
   |                                                                     ^^^^^
1 error in refused.ign
`},
	"a config without disks": {args: "plan none.ign",
		stdout: "Nothing to do: the disks are as the config describes them.\n"},
	"a disk that this machine does not have": {args: "plan absent.ign", status: exitRefused,
		stdout: `1 conflict, so nothing would be done:
  1. there is no /dev/firstlight-none here
     hint: name an image file that stands for it: --disk
           /dev/firstlight-none=IMAGE
     at: absent.ign:1:69 (storage.disks[0].device)
`},
	"devices without an image": {args: "plan --disk /dev/nvme0n1=a.img parts.ign", status: exitRefused,
		stdout: `/dev/nvme0n1, 100 MiB (HERE/a.img)
  now    ..[1 ESP]......[3 ROO]..............[9 DATA      ].......[5 ]..........
   #  label   start    size  holds
   1  ESP     2 MiB  10 MiB  nothing known
   3  ROOT   20 MiB  10 MiB  nothing known
   5  old    80 MiB   5 MiB  nothing known
   9  DATA   50 MiB  20 MiB  nothing known

2 conflicts, so nothing would be done:
  1. there is no /dev/disk/by-partlabel/LOGS here
     hint: name an image file that stands for it: --disk
           /dev/disk/by-partlabel/LOGS=IMAGE
     at: parts.ign:2:59 (storage.filesystems[1].device)
  2. there is no /dev/vdb here
     hint: name an image file that stands for it: --disk /dev/vdb=IMAGE
     at: parts.ign:2:119 (storage.filesystems[2].device)
`},
	"a partition that was refused is not looked for": {args: "plan --disk /dev/nvme0n1=a.img stuck.ign", status: exitRefused,
		stdout: `/dev/nvme0n1, 100 MiB (HERE/a.img)
  now    ..[1 ESP]......[3 ROO]..............[9 DATA      ].......[5 ]..........
   #  label   start    size  holds
   1  ESP     2 MiB  10 MiB  nothing known
   3  ROOT   20 MiB  10 MiB  nothing known
   5  old    80 MiB   5 MiB  nothing known
   9  DATA   50 MiB  20 MiB  nothing known

2 conflicts, so nothing would be done:
  1. partition 3 "ROOT" on /dev/nvme0n1 is not what the config describes: its
     size is 10 MiB, the config asks for 1 MiB
     hint: resize: true changes only its size; wipePartitionEntry: true replaces
           it, and its contents are lost
     at: stuck.ign:1:125 (storage.disks[0].partitions[0].sizeMiB)
  2. partition 4 "LOGS" on /dev/nvme0n1 needs 500 MiB but the largest free block
     has 20 MiB
     hint: ask for less, or make room: wipeTable, or shouldExist: false with
           wipePartitionEntry: true for what is in the way
     at: stuck.ign:1:171 (storage.disks[0].partitions[1].sizeMiB)
`},
	"a sector size without images": {args: "plan --sector-size 4096 none.ign", status: exitError,
		stderr: "firstlightctl: --sector-size is for images (--disk NAME=IMAGE); devices of this machine report their own\n"},
	"a sector size that no disk has": {args: "plan --sector-size 4000 --disk /dev/nvme0n1=a.img same.ign", status: exitError,
		stderr: "firstlightctl: --sector-size 4000: disks have sectors of 512, 1024, 2048 or 4096 bytes\n"},
	"a disk that is none": {args: "plan file.ign", status: exitRefused,
		stdout: `1 conflict, so nothing would be done:
  1. open /dev/null/x: not a directory
     hint: name an image file that stands for it: --disk /dev/null/x=IMAGE
     at: file.ign:1:69 (storage.disks[0].device)
`},
	"no config":   {args: "plan", status: exitError, stderr: "firstlightctl: plan takes one CONFIG; - is standard input\n"},
	"two configs": {args: "plan a b", status: exitError, stderr: "firstlightctl: plan takes one CONFIG; - is standard input\n"},
	"a config that is not there": {args: "plan nowhere.ign", status: exitError,
		stderr: "firstlightctl: reading the config: open nowhere.ign: no such file or directory\n"},
	"a name without an image": {args: "plan --disk /dev/nvme0n1 same.ign", status: exitError,
		stderr: "firstlightctl: --disk /dev/nvme0n1: it should be NAME=IMAGE, such as /dev/vda=disk.raw\n"},
	"a name that is no path": {args: "plan --disk nvme0n1=a.img same.ign", status: exitError,
		stderr: "firstlightctl: --disk nvme0n1=a.img: \"nvme0n1\" is not a path as configs have it; it should be like /dev/vda\n"},
	"a name twice": {args: "plan --disk /dev/nvme0n1=a.img --disk /dev/nvme0n1=a.img same.ign", status: exitError, stderr: "firstlightctl: --disk: /dev/nvme0n1 is given twice\n"},
	"an image that is not there": {args: "plan --disk /dev/nvme0n1=nowhere same.ign", status: exitError,
		stderr: "firstlightctl: reading the image of /dev/nvme0n1: stat nowhere: no such file or directory\n"},
	"an image that is a directory": {args: "plan --disk /dev/nvme0n1=. same.ign", status: exitError,
		stderr: "firstlightctl: --disk /dev/nvme0n1=.: . is not a file; to plan for the devices of this machine, remove --disk\n"},
	"a name that the config does not have": {args: "plan --disk /dev/vdx=a.img same.ign", status: exitError,
		stderr: "firstlightctl: --disk /dev/vdx: the config has no such device; it has /dev/nvme0n1\n"},
	"a name for a config without any": {args: "plan --disk /dev/vdx=a.img none.ign", status: exitError,
		stderr: "firstlightctl: --disk /dev/vdx: the config has no such device; it has none\n"},
	"a flag that does not exist": {args: "plan --bad none.ign", status: exitError,
		stderr: "firstlightctl: unknown flag: --bad; see firstlightctl plan --help\n"},
}

func TestPlan(t *testing.T) {
	for name, s := range planCases {
		t.Run(name, func(t *testing.T) {
			usePlanFiles(t)
			before := touched(t)
			t.Setenv("TMPDIR", t.TempDir())
			var stdout, stderr bytes.Buffer
			if status := run(strings.Fields(s.args), nil, &stdout, &stderr); status != s.status {
				t.Errorf("exit status %d, want %d", status, s.status)
			}
			compare(t, "stdout", hideDirectory(t, stdout.String()), s.stdout)
			compare(t, "stderr", hideDirectory(t, stderr.String()), s.stderr)
			if after := touched(t); after != before {
				t.Errorf("files have changed: %s, before %s", after, before)
			}
			if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// touched tells when the files here were last written to.
func touched(t *testing.T) string {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		text += fmt.Sprintln(e.Name(), info.ModTime(), info.Mode())
	}
	return text
}

func TestPlanAsJSON(t *testing.T) {
	usePlanFiles(t)
	for config, want := range map[string]struct{ status, disks, operations, conflicts, after int }{
		"change.ign": {exitOK, 1, 2, 0, 4}, "wrong.bu": {exitRefused, 1, 0, 2, 0}, "none.ign": {exitOK, 0, 0, 0, 0}, "absent.ign": {exitRefused, 0, 0, 1, 0},
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
		if want.after > 0 && (got.Disks[0].After == nil || len(got.Disks[0].After.Partitions) != want.after) {
			t.Errorf("%s: %s", config, &stdout)
		}
		if want.conflicts > 0 && (got.Conflicts[0].Hint == "" || got.Conflicts[0].Origin.Line == 0) {
			t.Errorf("%s: %s", config, &stdout)
		}
	}
}

func TestPlanReadsStandardInput(t *testing.T) {
	usePlanFiles(t)
	var stdout, stderr bytes.Buffer
	in := strings.NewReader(planFiles["same.ign"])
	if status := run([]string{"plan", "--disk", "/dev/nvme0n1=a.img", "-"}, in, &stdout, &stderr); status != exitOK || !strings.Contains(stdout.String(), "Nothing to do") {
		t.Errorf("exit status %d: %s%s", status, &stdout, &stderr)
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

func TestAFilesystemOnAWholeImage(t *testing.T) {
	usePlanFiles(t)
	writeFile(t, "fs.ign", `{"ignition": {"version": "3.4.0"}, "storage": {"filesystems": [{"device": "/dev/vdb", "format": "ext4", "label": "x"}]}}`)
	if err := os.WriteFile("b.img", make([]byte, 1<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if status := run([]string{"plan", "fs.ign", "--disk", "/dev/vdb=b.img"}, nil, &stdout, &stderr); status != exitOK {
		t.Errorf("exit status %d: %s", status, &stderr)
	}
	compare(t, "stdout", hideDirectory(t, stdout.String()), `/dev/vdb, 1 MiB (HERE/b.img)
  before .......................................................................
  after  [ext4 (label "x")                                                     ]
  holds nothing known; then ext4 (label "x"), made new

1 operation:
  1. making ext4 "x" on /dev/vdb
     at: fs.ign:1:64 (storage.filesystems[0])
`)
}

func TestAnImageOfAPartitionByItsLabel(t *testing.T) {
	usePlanFiles(t)
	for _, name := range []string{"b.img", "c.img"} {
		if err := os.WriteFile(name, make([]byte, 1<<20), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var stdout, stderr bytes.Buffer
	if status := run(strings.Fields("plan --disk /dev/nvme0n1=a.img --disk /dev/vdb=b.img --disk /dev/disk/by-partlabel/LOGS=c.img parts.ign"), nil, &stdout, &stderr); status != exitOK {
		t.Fatalf("exit status %d: %s%s", status, &stdout, &stderr)
	}
	for _, want := range []string{"making xfs on /dev/disk/by-partlabel/LOGS\n", "/dev/disk/by-partlabel/LOGS, 1 MiB (HERE/c.img)", "making xfs on /dev/vdb\n"} {
		if !strings.Contains(hideDirectory(t, stdout.String()), want) {
			t.Errorf("%q is not in\n%s", want, &stdout)
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
	writeFile(t, "one.ign", diskConfig(`{"number": 1, "label": "one", "sizeMiB": 5}`, ""))
	writeFile(t, "b.img", "")
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
