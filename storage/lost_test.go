package storage

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/storage/plan"
)

// putMBR writes an MBR with two primary partitions of 10 MiB, at 1 and at 11 MiB, and
// a logical one of 10 MiB at 23 MiB.
func (b *testMachine) putMBR(name string) {
	b.t.Helper()
	f, err := os.OpenFile(b.path(name), os.O_RDWR, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	defer f.Close()
	put := func(sector int64, entries ...[3]uint32) {
		record := make([]byte, 66)
		record[64], record[65] = 0x55, 0xaa
		for i, e := range entries {
			record[16*i+4] = byte(e[0])
			le.PutUint32(record[16*i+8:], e[1])
			le.PutUint32(record[16*i+12:], e[2])
		}
		if _, err := f.WriteAt(record, sector*512+446); err != nil {
			b.t.Fatal(err)
		}
	}
	const mib = 2048 // sectors
	put(0, [3]uint32{0x83, mib, 10 * mib}, [3]uint32{0x8e, 11 * mib, 10 * mib}, [3]uint32{0x0f, 22 * mib, 20 * mib})
	put(22*mib, [3]uint32{0x83, mib, 10 * mib})
}

// place makes ext4 with a label in some MiB of a disk.
func (b *testMachine) place(disk, label string, at, mib int64) {
	b.t.Helper()
	b.run("mkfs.ext4", "-q", "-L", label, b.disk("fs", mib))
	b.run("dd", "if="+b.path("fs"), "of="+b.path(disk), "bs=1M", "seek="+strconv.FormatInt(at, 10), "conv=notrunc,sparse")
}

// destroys plans, and returns what would be lost.
func (b *testMachine) destroys(storage string) string {
	b.t.Helper()
	previews, _, err := b.m.Preview(context.Background(), b.config(storage))
	if err != nil {
		b.t.Fatal(err)
	}
	var all []string
	for _, p := range previews {
		if p.Destroys == nil {
			b.t.Error("destroys is null in JSON")
		}
		all = append(all, p.Destroys...)
	}
	return strings.ReplaceAll(strings.Join(all, ", "), b.dir, "DIR")
}

func TestWhatAPlanDestroysIsNamed(t *testing.T) {
	mbr := func(b *testMachine) {
		b.disk("a.img", 64)
		b.putMBR("a.img")
		b.place("a.img", "precious", 1, 10)
		b.place("a.img", "logical", 23, 10)
	}
	gpt := func(b *testMachine) {
		b.disk("a.img", 64)
		b.apply(partitions(`{"number": 1, "label": "one", "startMiB": 1, "sizeMiB": 10}, {"number": 2, "label": "two", "startMiB": 20, "sizeMiB": 20}`))
		b.place("a.img", "first", 1, 10)
		b.place("a.img", "second", 20, 20)
	}
	whole := func(command ...string) func(b *testMachine) {
		return func(b *testMachine) { b.run(command[0], append(command[1:], b.disk("a.img", 64))...) }
	}
	const wipeTable, wipeFilesystem = `"wipeTable": true`, `"filesystems": [{"device": "DIR/a.img", "format": "xfs", "wipeFilesystem": true}]`
	for name, c := range map[string]struct {
		before        func(b *testMachine)
		storage, want string
	}{
		"an MBR":                    {mbr, disk(wipeTable), `an MBR table with 3 partitions, ext4 "precious", ext4 "logical"`},
		"an MBR that is replaced":   {mbr, disk(wipeTable + `, "partitions": [{"number": 1}]`), `an MBR table with 3 partitions, ext4 "precious", ext4 "logical"`},
		"an MBR under a filesystem": {mbr, wipeFilesystem, `an MBR table with 3 partitions, ext4 "precious", ext4 "logical"`},
		"an MBR, kept":              {mbr, disk(`"wipeTable": false`), ""},
		"a GPT":                     {gpt, disk(wipeTable), `a GPT with 2 partitions, ext4 "first", ext4 "second"`},
		"a GPT under a filesystem":  {gpt, wipeFilesystem, `a GPT with 2 partitions, ext4 "first", ext4 "second"`},
		"a GPT whose contents stay": {gpt, disk(wipeTable+`, "partitions": [{"number": 1, "label": "new", "sizeMiB": 30}]`) + `, "filesystems": [{"device": "/dev/disk/by-partlabel/new", "format": "ext4"}]`, `a GPT with 2 partitions, ext4 "second"`},
		"a GPT that cannot be used": {func(b *testMachine) {
			gpt(b)
			overwrite(b.t, b.path("a.img"), 520, 8)
			overwrite(b.t, b.path("a.img"), 64<<20-504, 8)
		}, disk(wipeTable), "a GPT that cannot be used"},
		"a GPT of which only the backup is left": {func(b *testMachine) { gpt(b); overwrite(b.t, b.path("a.img"), 0, 34*512) }, disk(wipeTable), `the backup of a GPT with 2 partitions, ext4 "first", ext4 "second"`},
		"a partition that is deleted":            {gpt, partitions(`{"number": 1, "shouldExist": false, "wipePartitionEntry": true}`), `partition 1 "one", ext4 "first"`},
		"a partition that is replaced":           {gpt, partitions(`{"number": 2, "label": "x", "startMiB": 30, "wipePartitionEntry": true}`), `partition 2 "two", ext4 "second"`},
		"a partition that shrinks":               {gpt, partitions(`{"number": 2, "sizeMiB": 5, "resize": true}`), `the end of partition 2 "two" with ext4 "second"`},
		"a partition that grows":                 {gpt, partitions(`{"number": 2, "sizeMiB": 25, "resize": true}`), ""},
		"a filesystem in a partition":            {gpt, disk(`"wipeTable": false`) + `, "filesystems": [{"device": "/dev/disk/by-partlabel/one", "format": "xfs", "wipeFilesystem": true}]`, `ext4 "first"`},
		"a replaced one, made anew": {gpt, partitions(`{"number": 1, "label": "x", "startMiB": 1, "sizeMiB": 10, "wipePartitionEntry": true}`) +
			`, "filesystems": [{"device": "/dev/disk/by-partlabel/x", "format": "xfs", "wipeFilesystem": true}]`, `partition 1 "one", ext4 "first"`},
		"a volume in a partition": {gpt, disk(`"wipeTable": false`) + `, "luks": [{"name": "x", "device": "/dev/disk/by-partlabel/two", "wipeVolume": true}]`, `ext4 "second"`},
		"members of an array":     {gpt, disk(`"wipeTable": false`) + `, "raid": [{"name": "x", "level": "raid1", "devices": ["/dev/disk/by-partlabel/one", "/dev/disk/by-partlabel/two"]}]`, `ext4 "first", ext4 "second"`},
		"whole ext4":              {whole("mkfs.ext4", "-q", "-L", "x"), disk(wipeTable), `ext4 "x"`},
		"whole swap":              {whole("mkswap", "-L", "s"), disk(wipeTable + `, "partitions": [{"number": 1}]`), `swap "s"`},
		"none":                    {whole("mkswap", "-L", "s"), `"filesystems": [{"device": "DIR/a.img", "format": "none", "wipeFilesystem": true}]`, `swap "s"`},
		"a volume":                {func(b *testMachine) { b.luksFormat("--label", "old") }, luks(`"wipeVolume": true`), `a LUKS volume "old"`},
		"a volume under a table":  {func(b *testMachine) { b.luksFormat("--label", "old") }, disk(wipeTable), `a LUKS volume "old"`},
		"a member of another":     {func(b *testMachine) { b.member("a.img", oneUUID, "any:old", 1, 2, 0) }, disk(wipeTable), `a member of a RAID "any:old"`},
		"what is in a kept volume": {func(b *testMachine) { b.luksFormat("--label", "old", "--type", "luks2") },
			luks(givenKey) + `, "filesystems": [{"device": "/dev/mapper/secret", "format": "ext4", "wipeFilesystem": true}]`, `whatever the LUKS volume "secret" holds`},
		"nothing": {func(b *testMachine) { b.disk("a.img", 64) }, disk(wipeTable + `, "partitions": [{"number": 1}]`), ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newTestMachine(t)
			c.before(b)
			if got := b.destroys(c.storage); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// What a machine keeps must not be destroyed, however deep it is in the devices.
func TestPlansThatDestroyWhatIsKeptAreRefused(t *testing.T) {
	const root, other = "11111111-2222-4333-8444-555555555555", "11111111-2222-4333-8444-666666666666"
	gpt := func(b *testMachine) {
		b.disk("a.img", 64)
		b.apply(partitions(`{"number": 1, "label": "one", "startMiB": 1, "sizeMiB": 10}, {"number": 2, "label": "two", "startMiB": 20, "sizeMiB": 20}`))
		b.place("a.img", "first", 1, 10)
		b.place("a.img", "root", 20, 20)
		b.run("tune2fs", "-U", root, b.path("a.img")+"?offset="+strconv.Itoa(20<<20))
	}
	volume := func(b *testMachine) { b.luksFormat("--label", "old", "--type", "luks2", "--uuid", root) }
	for name, c := range map[string]struct {
		before        func(b *testMachine)
		storage, want string // "" is that nothing is refused
	}{
		"another partition is deleted":  {gpt, partitions(`{"number": 1, "shouldExist": false, "wipePartitionEntry": true}`), ""},
		"another partition is made":     {gpt, disk(`"wipeTable": false`) + `, "filesystems": [{"device": "/dev/disk/by-partlabel/one", "format": "xfs", "wipeFilesystem": true}]`, ""},
		"the root is used":              {gpt, disk(`"wipeTable": false`) + `, "filesystems": [{"device": "/dev/disk/by-partlabel/two", "format": "ext4"}]`, ""},
		"the table is made anew around": {gpt, disk(`"wipeTable": true, "partitions": [{"number": 1, "label": "new", "startMiB": 20, "sizeMiB": 20}]`) + `, "filesystems": [{"device": "/dev/disk/by-partlabel/new", "format": "ext4"}]`, ""},
		"a wiped table":                 {gpt, disk(`"wipeTable": true`), `wiping DIR/a.img would destroy ext4 "root", which is part of the root`},
		"a deleted partition": {gpt, partitions(`{"number": 2, "shouldExist": false, "wipePartitionEntry": true}`),
			`partitioning DIR/a.img (delete 2 "two") would destroy ext4 "root", which is part of the root`},
		"a shrunken partition": {gpt, partitions(`{"number": 2, "sizeMiB": 5, "resize": true}`),
			`partitioning DIR/a.img (resize 2 "two") would destroy the end of partition 2 "two" with ext4 "root", which is part of the root`},
		"a filesystem": {gpt, disk(`"wipeTable": false`) + `, "filesystems": [{"device": "/dev/disk/by-partlabel/two", "format": "xfs", "wipeFilesystem": true}]`,
			`would destroy ext4 "root", which is part of the root`},
		"a volume": {volume, luks(`"wipeVolume": true`), `would destroy a LUKS volume "old", which is part of the root`},
		"in a volume that is closed": {volume, luks(givenKey) + `, "filesystems": [{"device": "/dev/mapper/secret", "format": "ext4", "wipeFilesystem": true}]`,
			`would destroy whatever the LUKS volume "secret" holds, which is part of the root`},
		"a volume that is kept": {volume, luks(givenKey), ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newTestMachine(t)
			c.before(b)
			b.m.Kept, b.m.KeptFor = []string{other, strings.ToUpper(root)}, "the root"
			_, err := b.m.PlanDisks(context.Background(), b.config(c.storage))
			if c.want == "" {
				testkit.NoError(t, err)
				return
			}
			testkit.ErrorContains(t, "plan", err, strings.ReplaceAll(c.want, "DIR", b.dir))
			var refused *report.Error
			if !errors.As(err, &refused) || refused.Hint != "take that out of the config, or keep nothing" {
				t.Errorf("the hint is missing: %#v", err)
			}
			b.m.Kept = []string{other}
			_, err = b.m.PlanDisks(context.Background(), b.config(c.storage))
			testkit.NoError(t, err)
		})
	}
}

func TestAnMBRIsShownWithItsPartitions(t *testing.T) {
	b := newTestMachine(t)
	b.disk("a.img", 64)
	b.putMBR("a.img")
	b.place("a.img", "precious", 1, 10)
	for storage, state := range map[string]plan.ChangeKind{disk(`"wipeTable": true`): plan.Deleted, disk(`"wipeTable": false`): plan.Kept} {
		previews, _, err := b.m.Preview(context.Background(), b.config(storage))
		if err != nil {
			t.Fatal(err)
		}
		want := strings.ReplaceAll(`table "dos"
1 "" 1+10 STATE {What:ext4 (label "precious") New:false Wiped:false}
2 "" 11+10 STATE {What: New:false Wiped:false}
5 "" 23+10 STATE {What: New:false Wiped:false}`, "STATE", string(state))
		if got := lines(previews[0].Before); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", storage, got, want)
		}
		if got := lines(*previews[0].After); (got == want) != (state == plan.Kept) {
			t.Errorf("%s: after it %s", storage, got)
		}
	}
}
