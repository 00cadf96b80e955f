package storage

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Scripts that prepare the disk $1 of 100 MiB. Sgdisk writes the table; zero and
// garbage overwrite some sectors of 512 bytes from one on, and word writes a few
// bytes at an offset.
const (
	diskTools = `set -e
		put() { dd of="$disk" bs=512 seek="$1" count="$2" iflag=fullblock conv=notrunc status=none; }
		zero() { put "$1" "$2" < /dev/zero; }
		garbage() { yes 'this is garbage' 2> /dev/null | put "$1" "$2"; }
		word() { printf "$2" | dd of="$disk" bs=1 seek="$1" conv=notrunc status=none; }
		table() { sgdisk -n 1:2M:+10M -c 1:one -n 3:20M:+10M -c 3:three "$@" "$disk" > /dev/null; }
		disk=$1; last=204799
		`
	onlyBackup = "table; garbage 0 34"
	dosTable   = `word 446 '\x80\0\0\0\x83\0\0\0\0\x08\0\0\0\x50\0\0' ; word 462 '\0\0\0\0\x05\0\0\0\0\x60\0\0\0\x50\0\0'; word 510 '\x55\xaa'
		word $((0x6000 * 512 + 446)) '\0\0\0\0\x83\0\0\0\0\x08\0\0\0\x08\0\0'; word $((0x6000 * 512 + 510)) '\x55\xaa'`
)

func prepareDisk(b *testMachine, disk, script string) {
	b.t.Helper()
	b.run("bash", "-c", diskTools+script, "prepare", disk)
}

// tableStates are what a disk can look like that is to be wiped.
var tableStates = []struct {
	name, script string
	sector       int // 0 is 512
}{
	{name: "blank", script: ":"},
	{name: "a GPT", script: "table"},
	{name: "a GPT without partitions", script: "sgdisk -o $disk > /dev/null"},
	{name: "a GPT without an MBR", script: "table; zero 0 1"},
	{name: "a protective MBR alone", script: "table; zero 1 33; zero $((last - 32)) 33"},
	{name: "a hybrid MBR", script: "table -h 1:3"},
	{name: "a hybrid MBR whose GPT is gone", script: "table -h 1:3; garbage 1 33; garbage $((last - 32)) 33"},
	{name: "a DOS table with logical partitions", script: dosTable},
	{name: "a DOS table over a GPT", script: "table; zero 0 1;" + dosTable},
	{name: "a DOS table without partitions", script: `word 510 '\x55\xaa'`},
	{name: "a DOS table that is damaged", script: dosTable + `; word 446 x`},
	{name: "garbage before a backup", script: onlyBackup},
	{name: "zeroes before a backup", script: "table; zero 0 34"},
	{name: "garbage before a backup without partitions", script: "sgdisk -o $disk > /dev/null; garbage 0 34"},
	{name: "garbage before a backup whose header is damaged", script: onlyBackup + "; word $((last * 512 + 60)) x"},
	{name: "a primary header that is damaged", script: "table; word 572 x"},
	{name: "primary entries that are damaged", script: "table; word 1084 x"},
	{name: "a backup header that is damaged", script: "table; word $((last * 512 + 60)) x"},
	{name: "headers that are damaged", script: "table; word 572 x; word $((last * 512 + 60)) x"},
	{name: "headers that are damaged without an MBR", script: "table; zero 0 1; word 572 x; word $((last * 512 + 60)) x"},
	{name: "entries that are damaged", script: "table; word 1084 x; word $(((last - 32) * 512 + 60)) x"},
	{name: "entries without headers", script: "table; zero 0 2; zero $last 1"},
	{name: "entries elsewhere", script: "sgdisk -n 1:20M:+1M -j 64 $disk > /dev/null"},
	{name: "more entries than the last MiB holds", script: "sgdisk -S 8192 $disk > /dev/null; sgdisk -n 8000:20M:+1M $disk > /dev/null; zero 0 2"},
	{name: "copies that differ", script: "table; cp $disk $disk.old; sgdisk -o $disk > /dev/null; dd if=$disk.old of=$disk bs=512 skip=$((last - 32)) seek=$((last - 32)) conv=notrunc status=none"},
	{name: "a disk that has grown", script: "truncate -s 50M $disk; table; truncate -s 100M $disk"},
	{name: "a disk that has grown whose MBR and primary header are damaged", script: "truncate -s 50M $disk; table; truncate -s 100M $disk; zero 0 1; word 572 x"},
	{name: "a disk that has grown whose primary entries are damaged", script: "truncate -s 50M $disk; table; truncate -s 100M $disk; word 1084 x"},
	{name: "an image over a larger table", script: "table; truncate -s 50M $disk.image; sgdisk -n 1:0:+1M $disk.image > /dev/null; dd if=$disk.image of=$disk conv=notrunc status=none"},
	{name: "a disk that has shrunk", script: "truncate -s 150M $disk; table; truncate -s 100M $disk"},
	{name: "a filesystem over a GPT", script: "table; mkfs.ext4 -q -F $disk 90M"},
	{name: "a FAT over a GPT", script: "table; mkfs.vfat --mbr=n $disk 90000 > /dev/null"},
	{name: "a disk label of Sun", script: `word 508 '\xda\xbe'`},
	{name: "a disk label of SGI", script: `word 0 '\x0b\xe5\xa9\x41'`},
	{name: "a disk label of BSD", script: `word 512 'WEV\x82'; word 644 'WEV\x82'`},
	{name: "a partition map of Apple", script: `word 0 ER; word 512 PM`},
	{name: "garbage", script: "garbage 0 64; garbage $((last - 64)) 65"},
	{name: "a GPT for large sectors", sector: 4096, script: `table; zero 0 34; zero $((last - 32)) 33; word 4096 'EFI PART'; word $(((last - 7) * 512)) 'EFI PART'`},
	{name: "a GPT for small sectors on a disk of large ones", sector: 4096, script: "table"},
	{name: "a GPT for small sectors on a disk of large ones that has grown", sector: 4096, script: "truncate -s 50M $disk; table; truncate -s 100M $disk"},
}

// found is what other programs find of tables and filesystems on a disk.
func (b *testMachine) found(disk string) string {
	b.t.Helper()
	var all []string
	for _, args := range [][]string{{"wipefs", "--no-act", "--noheadings", "--output", "TYPE", disk}, {"blkid", "--probe", "--output", "export", disk}} {
		out, err := exec.Command(args[0], args[1:]...).Output()
		if err != nil && !strings.Contains(err.Error(), "exit status 2") { // blkid has found nothing
			b.t.Fatalf("%q: %v", args, err)
		}
		all = append(all, strings.Fields(strings.ReplaceAll(string(out), disk, ""))...)
	}
	_, list, _ := strings.Cut(b.run("sh", "-c", `sgdisk -p "$1" 2>&1 || true`, "sgdisk", disk), "Name\n")
	return strings.Join(append(all, strings.Fields(list)...), " ")
}

func (b *testMachine) read(disk string) []byte {
	b.t.Helper()
	data, err := os.ReadFile(disk)
	if err != nil {
		b.t.Fatal(err)
	}
	return data
}

// What is wiped is blank at both ends, and other programs find no more than after
// sgdisk --zap-all.
func TestWipeTableLeavesNoTrace(t *testing.T) {
	for _, c := range tableStates {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // sgdisk sleeps for a second after it has written
			b := newTestMachine(t)
			disk, zapped, again := b.disk("a.img", 100), b.path("zapped"), b.path("again")
			b.m.Sector = c.sector
			prepareDisk(b, disk, c.script)
			b.run("cp", disk, zapped)
			b.run("cp", disk, again)
			b.onlyWiped(disk)
			// It gives up at some of the damaged tables, but not when it is tried again.
			b.run("sh", "-c", `sgdisk --zap-all "$1" > /dev/null 2>&1 || sgdisk --zap-all "$1" 2>&1`, "sgdisk", zapped)
			if got, want := b.found(disk), b.found(zapped); got != want {
				t.Errorf("other programs find %q, after sgdisk --zap-all %q", got, want)
			}
			b.run("mv", again, disk)
			b.wipedAndPartitioned(disk, max(c.sector, 512))
		})
	}
}

func wipeTable(partitions string) string {
	return disk(`"wipeTable": true, "partitions": [` + partitions + `]`)
}

func (b *testMachine) onlyWiped(disk string) {
	b.t.Helper()
	b.apply(wipeTable(""))
	b.converges(wipeTable(""))
	data := b.read(disk)
	if i := bytes.Index(data, []byte("EFI PART")); i >= 0 {
		b.t.Errorf("there is a header at byte %d", i)
	}
	blank := make([]byte, 1<<20)
	if !bytes.HasPrefix(data, blank) || !bytes.HasSuffix(data, blank) {
		b.t.Error("one of the ends is not blank")
	}
}

// wipedAndPartitioned checks that besides the new table there is no other.
func (b *testMachine) wipedAndPartitioned(disk string, sector int) {
	b.t.Helper()
	config := wipeTable(`{"number": 2, "label": "new", "sizeMiB": 8}`)
	b.apply(config)
	b.converges(config)
	data := b.read(disk)
	if n := bytes.Count(data, []byte("EFI PART")); n != 2 || string(data[sector:sector+8]) != "EFI PART" || string(data[len(data)-sector:][:8]) != "EFI PART" {
		b.t.Errorf("there are %d headers", n)
	}
	if sector != 512 {
		return // sgdisk takes 512 for the sectors of files
	}
	if got, want := b.sgdiskVerify(disk), "2 2048 18431 8300 new"; got != want {
		b.t.Errorf("got %q, want %q", got, want)
	}
	if got := b.found(disk); !strings.HasPrefix(got, "gpt gpt PMBR ") || strings.Contains(got, "TYPE=ext4") {
		b.t.Errorf("other programs find %s", got)
	}
}

// A plan is for what a wipe does, also in the preview.
func TestAPreviewOfAWipeShowsTheBackup(t *testing.T) {
	b := newTestMachine(t)
	prepareDisk(b, b.disk("a.img", 100), onlyBackup)
	previews, plan, err := b.m.Preview(context.Background(), b.config(wipeTable("")))
	if err != nil || len(plan) != 1 || len(previews) != 1 {
		t.Fatalf("%v, %v, %v", previews, plan, err)
	}
	if got, want := previews[0].Before.Whole.What, `a backup GPT with partitions 1 "one", 3 "three"`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
