package storage

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/report"
)

// disk is a config with one disk.
func disk(members string) string {
	return `"disks": [{"device": "DIR/a.img", ` + members + `}]`
}

func partitions(parts string) string { return disk(`"partitions": [` + parts + `]`) }

// usual is a table like that of a system's image.
var usual = []string{"-n", "1:2M:+10M", "-c", "1:ESP", "-t", "1:ef00", "-n", "3:20M:+10M", "-c", "3:ROOT", "-n", "9:50M:+20M", "-c", "9:DATA"}

// identified has GUIDs that are known.
var identified = append(slices.Clone(usual), "-u", "3:bbbbbbbb-1111-4111-8111-aaaaaaaaaaaa", "-u", "9:cccccccc-1111-4111-8111-aaaaaaaaaaaa")

const usualList = "1 4096 24575 EF00 ESP\n3 40960 61439 8300 ROOT\n9 102400 143359 8300 DATA"

// Each case starts from a disk of 100 MiB (sectors 2048 to 204766, of which
// aligned up to 202751), which sgdisk has prepared.
var partitionCases = []struct {
	name    string
	prepare []string
	config  string
	plan    string
	// after is what sgdisk -p shows: number, first and last sector, type, name.
	after string
}{
	{"a new table", nil,
		partitions(`{"number": 1, "label": "esp", "startMiB": 1, "sizeMiB": 10, "typeGuid": "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"}, {"number": 4, "label": "data", "sizeMiB": 5}, {"label": "rest"}`),
		`partitioning DIR/a.img (create 1 "esp", create 4 "data", create 2 "rest")`,
		"1 2048 22527 EF00 esp\n2 32768 202751 8300 rest\n4 22528 32767 8300 data"},
	{"numbers left open come last and take the lowest free", nil,
		partitions(`{"label": "first", "sizeMiB": 5}, {"number": 1, "sizeMiB": 10}, {"label": "third", "sizeMiB": 5}`),
		`partitioning DIR/a.img (create 1, create 2 "first", create 3 "third")`,
		"1 2048 22527 8300\n2 22528 32767 8300 first\n3 32768 43007 8300 third"},
	{"an added partition takes the largest free block", usual,
		partitions(`{"number": 2, "label": "new", "sizeMiB": 3}`),
		`partitioning DIR/a.img (create 2 "new")`,
		"1 4096 24575 EF00 ESP\n2 143360 149503 8300 new\n3 40960 61439 8300 ROOT\n9 102400 143359 8300 DATA"},
	{"a start without a size fills the block it is in", usual,
		partitions(`{"number": 2, "startMiB": 31, "sizeMiB": 0}`),
		`partitioning DIR/a.img (create 2)`,
		"1 4096 24575 EF00 ESP\n2 63488 102399 8300\n3 40960 61439 8300 ROOT\n9 102400 143359 8300 DATA"},
	{"what matches is kept, whatever is left unsaid", usual,
		partitions(`{"number": 1, "label": "ESP"}, {"number": 3, "startMiB": 20}, {"number": 9, "sizeMiB": 20, "typeGuid": "0fc63daf-8483-4772-8e79-3d69d8477de4"}, {"number": 5, "shouldExist": false}`),
		"", usualList},
	{"resize fills what is free behind", usual,
		partitions(`{"number": 9, "sizeMiB": 0, "resize": true}`),
		`partitioning DIR/a.img (resize 9 "DATA")`,
		"1 4096 24575 EF00 ESP\n3 40960 61439 8300 ROOT\n9 102400 202751 8300 DATA"},
	{"resize shrinks", usual,
		partitions(`{"number": 9, "sizeMiB": 7, "resize": true}`),
		`partitioning DIR/a.img (resize 9 "DATA")`,
		"1 4096 24575 EF00 ESP\n3 40960 61439 8300 ROOT\n9 102400 116735 8300 DATA"},
	{"a deleted partition makes room for others", usual,
		partitions(`{"number": 9, "shouldExist": false, "wipePartitionEntry": true}, {"number": 4, "label": "big", "sizeMiB": 60, "startMiB": 35}`),
		`partitioning DIR/a.img (delete 9 "DATA", create 4 "big")`,
		"1 4096 24575 EF00 ESP\n3 40960 61439 8300 ROOT\n4 71680 194559 8300 big"},
	{"an open number may be that of a deleted partition", usual,
		partitions(`{"number": 1, "shouldExist": false, "wipePartitionEntry": true}, {"label": "new", "sizeMiB": 10}`),
		`partitioning DIR/a.img (replace 1 "new")`,
		"1 143360 163839 8300 new\n3 40960 61439 8300 ROOT\n9 102400 143359 8300 DATA"},
	{"a wiped entry is made as the config has it", usual,
		partitions(`{"number": 3, "label": "other", "startMiB": 20, "sizeMiB": 10, "wipePartitionEntry": true}`),
		`partitioning DIR/a.img (replace 3 "other")`,
		"1 4096 24575 EF00 ESP\n3 40960 61439 8300 other\n9 102400 143359 8300 DATA"},
	{"a wiped entry without a start goes to the largest block", usual,
		partitions(`{"number": 9, "label": "other", "wipePartitionEntry": true}`),
		`partitioning DIR/a.img (replace 9 "other")`,
		"1 4096 24575 EF00 ESP\n3 40960 61439 8300 ROOT\n9 61440 202751 8300 other"},
	{"wiping an entry that matches does nothing", usual,
		partitions(`{"number": 3, "label": "ROOT", "startMiB": 20, "sizeMiB": 10, "wipePartitionEntry": true}`),
		"", usualList},
	{"an open number matches the partition of the same description", usual,
		partitions(`{"label": "DATA", "sizeMiB": 20}, {"label": "ROOT"}`),
		"", usualList},
	{"an open number does not match what is different", usual,
		partitions(`{"label": "DATA", "sizeMiB": 21}`),
		`partitioning DIR/a.img (create 2 "DATA")`,
		"1 4096 24575 EF00 ESP\n2 143360 186367 8300 DATA\n3 40960 61439 8300 ROOT\n9 102400 143359 8300 DATA"},
	{"a wiped table loses everything", usual,
		disk(`"wipeTable": true, "partitions": [{"number": 2, "label": "all"}]`),
		`wiping and partitioning DIR/a.img (create 2 "all")`, "2 2048 202751 8300 all"},
	{"a table is only wiped", usual, disk(`"wipeTable": true`), "wiping DIR/a.img", ""},
	{"a filled block whose end sgdisk did not align", []string{"-n", "1:0:0"},
		partitions(`{"number": 1, "startMiB": 0, "sizeMiB": 0}`), "", "1 2048 204766 8300"},
	{"less than 1 MiB can be asked for", nil,
		partitions(`{"number": 1, "startMiB": 99}`), `partitioning DIR/a.img (create 1)`, "1 202752 204766 8300"},
	{"a GUID may go from one partition to another", identified,
		partitions(`{"number": 9, "shouldExist": false, "wipePartitionEntry": true}, {"number": 2, "sizeMiB": 1, "guid": "cccccccc-1111-4111-8111-aaaaaaaaaaaa"}`),
		`partitioning DIR/a.img (delete 9 "DATA", create 2)`, "1 4096 24575 EF00 ESP\n2 61440 63487 8300\n3 40960 61439 8300 ROOT"},
	{"labels have any characters", nil,
		partitions(`{"number": 1, "label": "größe/ x", "sizeMiB": 1}, {"number": 128, "sizeMiB": 1}`),
		`partitioning DIR/a.img (create 1 "größe/ x", create 128)`, "1 2048 4095 8300 größe/ x\n128 4096 6143 8300"},
}

func TestPartitions(t *testing.T) {
	for _, c := range partitionCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // sgdisk sleeps for a second after it has written
			b := newTestMachine(t)
			disk := b.disk("a.img", 100)
			if c.prepare != nil {
				b.run("sgdisk", append(c.prepare, disk)...)
			}
			if got := b.apply(c.config); got != c.plan {
				t.Errorf("the plan\n got %s\nwant %s", got, c.plan)
			}
			b.converges(c.config)
			if c.after == "" {
				return
			}
			if got := b.sgdiskVerify(disk); got != c.after {
				t.Errorf("the disk has\n%s\nwant\n%s", got, c.after)
			}
		})
	}
}

const (
	wipeHint   = "wipeTable: true replaces it, with everything on the disk"
	entryHint  = "wipePartitionEntry: true replaces it, and its contents are lost"
	roomHint   = "ask for less, or make room: wipeTable, or shouldExist: false with wipePartitionEntry: true for what is in the way"
	guidHint   = "set another GUID for each partition, or remove it to have one generated"
	resizeHint = "resize: true changes only its size; " + entryHint
)

var refusedPartitions = []struct {
	name    string
	prepare []string
	config  string
	want    []string
}{
	{"everything that differs, at once", usual,
		partitions(`{"number": 1, "label": "x", "typeGuid": "0fc63daf-8483-4772-8e79-3d69d8477de4"}, {"number": 3, "sizeMiB": 12}, {"number": 9, "shouldExist": false}, {"number": 200, "sizeMiB": 1}`), []string{
			`partition 1 "ESP" on DIR/a.img is not what the config describes: its label is "ESP", the config asks for "x"; its type is C12A7328-F81F-11D2-BA4B-00A0C93EC93B, the config asks for 0FC63DAF-8483-4772-8E79-3D69D8477DE4 | storage.disks[0].partitions[0] | ` + entryHint,
			`partition 3 "ROOT" on DIR/a.img is not what the config describes: its size is 10 MiB, the config asks for 12 MiB | storage.disks[0].partitions[1].sizeMiB | ` + resizeHint,
			`partition 9 "DATA" on DIR/a.img exists (20 MiB at 50 MiB); the config says that it should not | storage.disks[0].partitions[2].shouldExist | wipePartitionEntry: true deletes it`,
			`partition number 200: the table of DIR/a.img has room for the numbers 1 to 128 | storage.disks[0].partitions[3].number | use a smaller number; wipeTable: true makes a table for 128`}},
	{"no room", usual,
		partitions(`{"number": 2, "label": "new", "sizeMiB": 200}, {"number": 4, "startMiB": 55, "sizeMiB": 1}, {"number": 5, "startMiB": 99, "sizeMiB": 10}, {"number": 6, "startMiB": 200}`), []string{
			`partition 2 "new" on DIR/a.img needs 200 MiB but the largest free block has 29 MiB | storage.disks[0].partitions[0].sizeMiB | ` + roomHint,
			`partition 4 on DIR/a.img needs 1 MiB at 55 MiB, where partition 9 "DATA" is (20 MiB at 50 MiB); the largest free block has 29 MiB | storage.disks[0].partitions[1].sizeMiB | ` + roomHint,
			`partition 5 on DIR/a.img needs 10 MiB at 99 MiB; partitions can lie from 0.0166 MiB (17408 bytes) to 99.9838 MiB (104840704 bytes) on this disk, and the largest free block has 29 MiB | storage.disks[0].partitions[2].sizeMiB | ` + roomHint,
			`partition 6 on DIR/a.img needs some space at 200 MiB; partitions can lie from 0.0166 MiB (17408 bytes) to 99.9838 MiB (104840704 bytes) on this disk, and the largest free block has 29 MiB | storage.disks[0].partitions[3].startMiB | ` + roomHint}},
	{"a full disk", []string{"-n", "1:0:0"}, partitions(`{"number": 2}`), []string{
		`partition 2 on DIR/a.img needs some space but no space is free | storage.disks[0].partitions[0].startMiB | ` + roomHint}},
	{"a disk of which another partition takes all", nil, partitions(`{"label": "a"}, {"label": "b", "startMiB": 0, "sizeMiB": 0}`), []string{
		`partition 2 "b" on DIR/a.img needs some space but not even 1 MiB is free | storage.disks[0].partitions[1].sizeMiB | ` + roomHint}},
	{"a GUID twice", nil, partitions(`{"number": 1, "label": "a", "sizeMiB": 1, "guid": "aaaaaaaa-1111-4111-8111-aaaaaaaaaaaa"}, {"number": 2, "sizeMiB": 1, "guid": "AAAAAAAA-1111-4111-8111-AAAAAAAAAAAA"}`), []string{
		`partitions 1 "a" and 2 on DIR/a.img would both have the GUID AAAAAAAA-1111-4111-8111-AAAAAAAAAAAA | storage.disks[0].partitions[1].guid | ` + guidHint}},
	{"the GUIDs of partitions that stay", identified,
		partitions(`{"number": 2, "sizeMiB": 1, "guid": "bbbbbbbb-1111-4111-8111-aaaaaaaaaaaa"}, {"number": 4, "sizeMiB": 1, "guid": "cccccccc-1111-4111-8111-aaaaaaaaaaaa"}, {"number": 9, "label": "DATA"}`), []string{
			`partition 2 on DIR/a.img would have the GUID BBBBBBBB-1111-4111-8111-AAAAAAAAAAAA, which partition 3 "ROOT" has | storage.disks[0].partitions[0].guid | ` + guidHint,
			`partition 4 on DIR/a.img would have the GUID CCCCCCCC-1111-4111-8111-AAAAAAAAAAAA, which partition 9 "DATA" has | storage.disks[0].partitions[1].guid | ` + guidHint}},
	{"resize of what also has another label", usual, partitions(`{"number": 9, "sizeMiB": 25, "label": "x", "resize": true}`), []string{
		`partition 9 "DATA" on DIR/a.img is not what the config describes: its size is 20 MiB, the config asks for 25 MiB; its label is "DATA", the config asks for "x" | storage.disks[0].partitions[0] | ` + entryHint}},
	{"an MBR disk", []string{"-n", "1:0:+1M", "--gpttombr=1"}, partitions(`{"number": 2}`), []string{
		`DIR/a.img has an MBR partition table; the config asks for GPT partitions | storage.disks[0] | ` + wipeHint}},
}

func TestPartitionsThatAreRefused(t *testing.T) {
	for _, c := range refusedPartitions {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // sgdisk sleeps for a second after it has written
			b := newTestMachine(t)
			b.run("sgdisk", append(c.prepare, b.disk("a.img", 100))...)
			b.refused(c.config, c.want...)
		})
	}
}

func TestAFilesystemOnTheWholeDiskIsNotOverwrittenByATable(t *testing.T) {
	b := newTestMachine(t)
	b.run("mkfs.ext4", "-q", "-L", "precious", b.disk("a.img", 100))
	b.refused(partitions(`{"number": 1}`), `DIR/a.img has no partition table but holds ext4 (label "precious") | storage.disks[0] | `+wipeHint)
	b.apply(disk(`"wipeTable": true, "partitions": [{"number": 1}]`))
	b.sgdiskVerify(b.path("a.img"))
	if out := b.run("wipefs", b.path("a.img")); strings.Contains(out, "ext4") {
		t.Errorf("ext4 is still there:\n%s", out)
	}
}

func TestWipingMakesAnMBRDiskAGPTDisk(t *testing.T) {
	b := newTestMachine(t)
	b.run("sgdisk", "-n", "1:0:+1M", "--gpttombr=1", b.disk("a.img", 100))
	config := disk(`"wipeTable": true, "partitions": [{"number": 1, "label": "a", "guid": "aaaaaaaa-1111-4111-8111-aaaaaaaaaaaa"}]`)
	b.apply(config)
	b.converges(config)
	b.sgdiskVerify(b.path("a.img"))
	if out := b.run("sgdisk", "-i", "1", b.path("a.img")); !strings.Contains(out, "unique GUID: AAAAAAAA-1111-4111-8111-AAAAAAAAAAAA") {
		t.Errorf("the GUID is not the config's:\n%s", out)
	}
}

func TestEntriesThatTheConfigDoesNotNameStayAsTheyAre(t *testing.T) {
	b := newTestMachine(t)
	disk := b.disk("a.img", 100)
	b.run("sgdisk", append(append([]string(nil), usual...), "-A", "3:set:63", "-u", "3:bbbbbbbb-1111-4111-8111-aaaaaaaaaaaa", "-U", "cccccccc-1111-4111-8111-aaaaaaaaaaaa", disk)...)
	before := b.run("sgdisk", "-i", "3", disk)
	b.apply(partitions(`{"number": 2, "label": "new"}`))
	if after := b.run("sgdisk", "-i", "3", disk); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
	if out := b.run("sgdisk", "-p", disk); !strings.Contains(out, "CCCCCCCC-1111-4111-8111-AAAAAAAAAAAA") {
		t.Errorf("the disk's GUID has changed:\n%s", out)
	}
}

func TestADiskThatHasGrownIsUsedToItsEnd(t *testing.T) {
	b := newTestMachine(t)
	disk := b.disk("a.img", 100)
	b.run("sgdisk", append(usual, disk)...)
	if err := os.Truncate(disk, 300<<20); err != nil {
		t.Fatal(err)
	}
	// As long as nothing is asked for, nothing is written.
	b.converges(partitions(`{"number": 9, "label": "DATA"}`))
	config := partitions(`{"number": 9, "sizeMiB": 0, "resize": true}`)
	b.apply(config)
	b.converges(config)
	if got, want := b.sgdiskVerify(disk), "1 4096 24575 EF00 ESP\n3 40960 61439 8300 ROOT\n9 102400 612351 8300 DATA"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestADiskThatChangesAfterPlanningIsLeftAlone(t *testing.T) {
	b := newTestMachine(t)
	disk := b.disk("a.img", 100)
	plan, err := b.plan(partitions(`{"number": 1}`))
	if err != nil {
		t.Fatal(err)
	}
	b.run("sgdisk", "-n", "5:0:+1M", disk)
	before := b.written()
	err = (&report.Runner{Log: b.m.Log}).Run(context.Background(), plan)
	if err == nil || !strings.Contains(err.Error(), "it is not as it was when it was looked at") {
		t.Errorf("got %v", err)
	}
	if b.written() != before {
		t.Error("it was written to")
	}
}

func TestTheSameDiskTwiceIsRefused(t *testing.T) {
	b := newTestMachine(t)
	if err := os.Symlink(b.disk("a.img", 10), b.path("link")); err != nil {
		t.Fatal(err)
	}
	b.refused(`"disks": [{"device": "DIR/a.img"}, {"device": "DIR/link"}]`,
		"DIR/a.img and DIR/link are the same disk, DIR/a.img | storage.disks[1].device | put all partitions of a disk into one entry of storage.disks")
}
