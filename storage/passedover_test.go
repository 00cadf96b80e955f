package storage

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/gpt"
)

// Tables that nothing uses, but that can be read.
func TestTablesThatNothingUsesAreNotOverwrittenInSilence(t *testing.T) {
	const (
		backup     = `of the GPT of DIR/a.img only the backup is left, which nothing uses; it lists partitions 1 "one", 3 "three" | storage.disks[0] | ` + wipeHint + `; "recovery" in gdisk makes the GPT from its backup`
		dos        = `DIR/a.img has an MBR partition table; the config asks for GPT partitions | storage.disks[0] | ` + wipeHint
		unusable   = `the GPT of DIR/a.img cannot be used: `
		unusableAt = ` | storage.disks[0] | ` + wipeHint + "; sgdisk --verify shows the damage"
		other      = `DIR/a.img has a partition table of another kind (%); the config asks for GPT partitions | storage.disks[0] | ` + wipeHint
	)
	for _, c := range []struct{ name, script, want string }{
		{"a backup behind zeroes", "table; zero 0 34", backup},
		{"a backup behind garbage", onlyBackup, backup},
		{"a backup behind a damaged header", "table; zero 0 1; word 572 x", backup},
		{"a backup behind damaged entries", "table; zero 0 1; word 1084 x", backup},
		{"a backup in the middle of a disk that has grown", "truncate -s 50M $disk; table; truncate -s 100M $disk; zero 0 1; word 1084 x", backup},
		{"a backup behind an MBR without entries", `table; zero 0 34; word 510 '\x55\xaa'`, backup},
		{"a backup behind a filesystem", "table; mkfs.vfat --mbr=n $disk 90000 > /dev/null", backup},
		{"a DOS table before a backup", "table; zero 0 34; " + dosTable, dos},
		{"a protective MBR alone", "table; zero 1 33; zero $((last - 32)) 33",
			unusable + "primary: there is no GPT header; backup: there is no GPT header" + unusableAt},
		{"a backup alone whose entries are damaged", onlyBackup + "; word $(((last - 32) * 512 + 60)) x",
			unusable + "primary: there is no GPT header; backup: the checksum of the entries is wrong" + unusableAt},
		{"two damaged headers", "table; zero 0 1; word 572 x; word $((last * 512 + 60)) x",
			unusable + "primary: the checksum of the header is wrong; backup: the checksum of the header is wrong" + unusableAt},
		{"a disk label of Sun", `word 508 '\xda\xbe'`, strings.Replace(other, "%", "sun", 1)},
		{"a DOS table with a wrong boot indicator", dosTable + "; word 446 x", strings.Replace(other, "%", "dos, damaged", 1)},
		{"a disk label of SGI", `word 0 '\x0b\xe5\xa9\x41'`, strings.Replace(other, "%", "sgi", 1)},
		{"a disk label of AIX", `word 0 '\xc9\xc2\xd4\xc1'`, strings.Replace(other, "%", "aix", 1)},
		{"a disk label of BSD", `word 512 'WEV\x82'; word 644 'WEV\x82'`, strings.Replace(other, "%", "bsd", 1)},
		{"a partition map of Apple", `word 0 ER; word 512 PM`, strings.Replace(other, "%", "mac", 1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newTestMachine(t)
			prepareDisk(b, b.disk("a.img", 100), c.script)
			b.refused(partitions(`{"number": 2, "sizeMiB": 5}`), c.want)
		})
	}
}

// With the primary copy in order the backup does not count, but what it lists is named.
func TestABackupThatDiffersIsNamedAndReplaced(t *testing.T) {
	const differ = "table; cp $disk $disk.old; sgdisk -o $disk > /dev/null; dd if=$disk.old of=$disk bs=512 skip=$((last - 32)) seek=$((last - 32)) conv=notrunc status=none; rm $disk.old"
	b := newTestMachine(t)
	disk := b.disk("a.img", 100)
	prepareDisk(b, disk, differ)
	if got, want := b.apply(partitions(`{"number": 2, "sizeMiB": 5}`)), "partitioning DIR/a.img (create 2)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	const want = `lists partitions that its first copy does not: 1 "one", 3 "three"; the first copy counts, and the backup is written anew`
	if log := b.log.String(); !strings.Contains(log, want) {
		t.Errorf("%q is not in the log:\n%s", want, log)
	}
	if got, want := b.sgdiskVerify(disk), "2 2048 12287 8300"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The reference makes filesystems on such disks without a word.
func TestAFilesystemOverABackupIsMadeWithAWarning(t *testing.T) {
	const filesystem = `"filesystems": [{"device": "DIR/a.img", "format": "ext4"}]`
	const warning = `a.img holds a backup GPT with partitions 1 "one", 3 "three", which is overwritten`
	for config, want := range map[string]bool{
		filesystem: true,
		`"disks": [{"device": "DIR/a.img"}], ` + filesystem:                    true,
		`"disks": [{"device": "DIR/a.img", "wipeTable": true}], ` + filesystem: false,
	} {
		b := newTestMachine(t)
		disk := b.disk("a.img", 100)
		prepareDisk(b, disk, onlyBackup+"; garbage 0 64")
		b.apply(config)
		if log := b.log.String(); strings.Contains(log, warning) != want {
			t.Errorf("%s: the log is\n%s", config, log)
		}
		if got := b.run("wipefs", "--no-act", "--noheadings", "--output", "TYPE", disk); got != "ext4\n" || bytes.Contains(b.read(disk), []byte("EFI PART")) {
			t.Errorf("%s: the disk holds %q", config, got)
		}
		b.converges(config)
	}
}

// Tables without partitions keep nobody from anything.
func TestTablesWithoutPartitionsAreReplaced(t *testing.T) {
	for name, script := range map[string]string{
		"a backup": "sgdisk -o $disk > /dev/null; zero 0 34",
		"an MBR":   `word 510 '\x55\xaa'`,
	} {
		b := newTestMachine(t)
		prepareDisk(b, b.disk("a.img", 100), script)
		b.apply(partitions(`{"number": 2, "sizeMiB": 5}`))
		if got, want := b.sgdiskVerify(b.path("a.img")), "2 2048 12287 8300"; got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// The disk has the partitions "usual" and an MBR with entries for two of them.
func TestHybridMBRsLoseWhatChanges(t *testing.T) {
	for _, c := range []struct {
		name, hybrid, config string
		kept                 []int // sectors where the entries that stay start
		warnings             []string
	}{
		{"nothing asked for", "1:3", `{"number": 1}`, []int{4096, 40960}, nil},
		{"a partition is added", "1:3", `{"number": 2, "sizeMiB": 2}`, []int{4096, 40960}, nil},
		{"another partition is deleted", "1:3", `{"number": 9, "shouldExist": false, "wipePartitionEntry": true}`, []int{4096, 40960}, nil},
		{"another partition grows", "1:3", `{"number": 9, "sizeMiB": 0, "resize": true}`, []int{4096, 40960}, nil},
		{"one is deleted", "1:3", `{"number": 1, "shouldExist": false, "wipePartitionEntry": true}`, []int{40960},
			[]string{"entry 2 of the hybrid MBR of DIR/a.img (10 MiB at 2 MiB) is taken out: it would not agree with the GPT any more (delete 1 \"ESP\")"}},
		{"one is made anew at the same place", "1:3", `{"number": 3, "label": "other", "startMiB": 20, "sizeMiB": 10, "wipePartitionEntry": true}`, []int{4096},
			[]string{"entry 3 of the hybrid MBR of DIR/a.img (10 MiB at 20 MiB) is taken out: it would not agree with the GPT any more (replace 3 \"other\")"}},
		{"one grows", "1:3", `{"number": 3, "sizeMiB": 0, "resize": true}`, []int{4096},
			[]string{"entry 3 of the hybrid MBR of DIR/a.img (10 MiB at 20 MiB) is taken out: it would not agree with the GPT any more (resize 3 \"ROOT\")"}},
		{"the protective entry is last", "1:3:EE", `{"number": 1, "shouldExist": false, "wipePartitionEntry": true}`, []int{40960},
			[]string{"entry 1 of the hybrid MBR of DIR/a.img (10 MiB at 2 MiB) is taken out: it would not agree with the GPT any more (delete 1 \"ESP\")"}},
		{"none is left", "1", `{"number": 1, "label": "x", "startMiB": 2, "sizeMiB": 10, "wipePartitionEntry": true}`, nil,
			[]string{"entry 2 of the hybrid MBR of DIR/a.img (10 MiB at 2 MiB) is taken out: it would not agree with the GPT any more (replace 1 \"x\")"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newTestMachine(t)
			disk := b.disk("a.img", 100)
			b.run("sgdisk", append(append([]string(nil), usual...), disk)...)
			b.run("sgdisk", "-h", c.hybrid, disk)
			before := b.read(disk)[:512]
			if _, _, err := b.m.Preview(context.Background(), b.config(partitions(c.config))); err != nil {
				t.Fatal(err)
			}
			preview := b.log.String()
			b.log.Reset()
			b.apply(partitions(c.config))
			b.converges(partitions(c.config))
			for _, log := range []string{preview, b.log.String()} {
				log = strings.ReplaceAll(log, b.dir, "DIR")
				if n := strings.Count(log, "hybrid"); n != len(c.warnings) {
					t.Errorf("%d warnings, want %d:\n%s", n, len(c.warnings), log)
				}
				for _, w := range c.warnings {
					if !strings.Contains(log, w) {
						t.Errorf("%s is not in the log:\n%s", w, log)
					}
				}
			}
			b.hybridHas(disk, before, c.kept)
		})
	}
}

// hybridHas checks which entries of a hybrid MBR are left, and that they are as
// they were.
func (b *testMachine) hybridHas(disk string, before []byte, starts []int) {
	b.t.Helper()
	b.sgdiskVerify(disk)
	data := b.read(disk)
	table := gpt.Read(bytes.NewReader(data), uint64(len(data)), 512).Table
	var got []int
	for _, e := range table.MBR {
		got = append(got, int(e.Start))
		if at := 446 + 16*(e.Number-1); !bytes.Equal(data[at:at+16], before[at:at+16]) {
			b.t.Errorf("entry %d has changed", e.Number)
		}
	}
	if len(got) != len(starts) {
		b.t.Fatalf("entries at %v, want %v", got, starts)
	}
	for i := range got {
		if got[i] != starts[i] {
			b.t.Errorf("entries at %v, want %v", got, starts)
		}
	}
	if kind := b.run("sgdisk", "-p", "-O", disk); len(starts) == 0 && (data[450] != 0xee || !bytes.Equal(data[462:510], make([]byte, 48))) {
		b.t.Errorf("the MBR is not a protective one:\n%s", kind)
	}
}

// An entry where a new partition will be stands for what was there before.
func TestAHybridEntryThatIsOutOfDateIsTakenOut(t *testing.T) {
	b := newTestMachine(t)
	disk := b.disk("a.img", 100)
	b.run("sgdisk", append(append([]string(nil), usual...), disk)...)
	b.run("sgdisk", "-h", "1:3", disk)
	mbr := b.read(disk)[:512]
	b.run("sgdisk", "-d", "3", disk)
	f, err := os.OpenFile(disk, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(mbr, 0); err != nil {
		t.Fatal(err)
	}
	b.apply(partitions(`{"number": 4, "startMiB": 25, "sizeMiB": 2}`))
	b.hybridHas(disk, mbr, []int{4096})
}
