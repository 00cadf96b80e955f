package storage

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A tableCase is what happens to one disk.
type tableCase struct {
	mib    int64  // size of the disk; 0 is 256
	sector int    // 0 is 512
	before string // script that prepares $disk
	disk   string // members of the disk's entry in the config
	more   string // members of "storage" besides; %[1]s is the disk
	// after is the table that is to come of it, a line for each partition:
	// number, label, start+size in MiB; a type follows if it is not Linux data.
	after string
	// check is a script that must succeed afterwards.
	check string
	// refused are words of the report if the disk is to stay as it is.
	refused []string
}

const (
	// threeParts is a table with three partitions and a gap before the last one.
	threeParts = `sgdisk -n 1:2048:+32M -c 1:one -n 2:0:+32M -c 2:two -n 3:262144:+64M -c 3:three $disk > /dev/null; udevadm settle`
	// hybridMBR has entries for the first two; onlyBackup is what is left when
	// the beginning of the disk is overwritten.
	hybridMBR  = `; sgdisk -h 1:2 $disk > /dev/null; udevadm settle`
	onlyBackup = `dd if=/dev/urandom of=$disk bs=512 count=34 conv=notrunc status=none; udevadm settle`
	// marked writes into each of them what must survive; kept proves it.
	marked = threeParts + `
		for n in 1 2 3; do yes "partition $n" | dd of=${disk}p$n bs=1M count=16 iflag=fullblock status=none; done
		sgdisk -A 2:set:2 -A 2:set:60 $disk > /dev/null; udevadm settle
		sfdisk --json $disk > $dir/before.json`
	kept = `for n in $keep; do cmp -n 16777216 <(yes "partition $n") ${disk}p$n; done`
)

var tableCases = map[string]tableCase{
	"an empty disk gets a table": {
		disk:  `"partitions": [{"label": "a", "sizeMiB": 10}, {"label": "b", "sizeMiB": 20, "typeGuid": "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"}, {"label": "rest"}]`,
		after: "1 a 1+10\n2 b 11+20 C12A7328-F81F-11D2-BA4B-00A0C93EC93B\n3 rest 31+224",
	},
	"numbers, starts and sizes as given": {
		disk:  `"partitions": [{"number": 7, "label": "seven", "startMiB": 100, "sizeMiB": 8, "guid": "8A7A84A0-8387-40F6-AB9E-A8B9A5A60D23"}, {"number": 2, "label": "two", "startMiB": 5, "sizeMiB": 1}]`,
		after: "2 two 5+1\n7 seven 100+8",
		check: `[ $(blkid -p -o value -s PART_ENTRY_UUID ${disk}p7) = 8a7a84a0-8387-40f6-ab9e-a8b9a5a60d23 ]`,
	},
	"labels in any language": {
		disk:  `"partitions": [{"label": "Größe in €", "sizeMiB": 10}]`,
		after: "1 Größe in € 1+10",
	},
	"sectors of 4096 bytes": {
		sector: 4096,
		disk:   `"partitions": [{"label": "a", "sizeMiB": 10}, {"label": "b"}]`,
		more:   `, "filesystems": [{"device": "/dev/disk/by-partlabel/b", "format": "ext4", "label": "data"}]`,
		after:  "1 a 1+10\n2 b 11+244",
		check:  `e2fsck -fn ${disk}p2; [ $(blkid -p -o value -s LABEL ${disk}p2) = data ]`,
	},
	"one beside others, in the largest gap": {
		before: marked,
		disk:   `"partitions": [{"label": "new", "sizeMiB": 20}]`,
		after:  "1 one 1+32\n2 two 33+32\n3 three 128+64\n4 new 192+20",
		check:  `keep="1 2 3"; ` + kept + `; sgdisk -i 2 $disk | grep -q 'Attribute flags: 1000000000000004'`,
	},
	"the same again": {
		before: marked,
		disk:   `"partitions": [{"number": 1, "label": "one", "startMiB": 1, "sizeMiB": 32}, {"number": 3, "label": "three"}, {"label": "two", "sizeMiB": 32}]`,
		after:  "1 one 1+32\n2 two 33+32\n3 three 128+64",
		check:  `keep="1 2 3"; ` + kept + `; sfdisk --json $disk | cmp - $dir/before.json`,
	},
	"deleted": {
		before: marked,
		disk:   `"partitions": [{"number": 2, "shouldExist": false, "wipePartitionEntry": true}]`,
		after:  "1 one 1+32\n3 three 128+64",
		check:  `keep="1 3"; ` + kept + `; [ ! -e ${disk}p2 ]`,
	},
	"not deleted without permission": {
		before:  marked,
		disk:    `"partitions": [{"number": 2, "shouldExist": false}]`,
		refused: []string{`partition 2 "two"`, "the config says that it should not", "wipePartitionEntry: true deletes it", "storage.disks[0].partitions[0].shouldExist"},
	},
	"grown into the gap": {
		before: marked,
		disk:   `"partitions": [{"number": 2, "label": "two", "sizeMiB": 60, "resize": true}]`,
		after:  "1 one 1+32\n2 two 33+60\n3 three 128+64",
		check:  `keep="1 2 3"; ` + kept + `; [ $(blockdev --getsize64 ${disk}p2) = $((60 << 20)) ]`,
	},
	"grown to the rest": {
		before: marked,
		disk:   `"partitions": [{"number": 3, "label": "three", "sizeMiB": 0, "resize": true}]`,
		after:  "1 one 1+32\n2 two 33+32\n3 three 128+127",
		check:  `keep="1 2 3"; ` + kept,
	},
	"shrunk": {
		before: marked,
		disk:   `"partitions": [{"number": 3, "sizeMiB": 20, "resize": true}]`,
		after:  "1 one 1+32\n2 two 33+32\n3 three 128+20",
		check:  `keep="1 2 3"; ` + kept + `; [ $(blockdev --getsize64 ${disk}p3) = $((20 << 20)) ]`,
	},
	"not resized without permission": {
		before:  marked,
		disk:    `"partitions": [{"number": 2, "label": "two", "sizeMiB": 60}]`,
		refused: []string{`partition 2 "two"`, "its size is 32 MiB, the config asks for 60 MiB", "resize: true changes only its size", "sizeMiB"},
	},
	"replaced": {
		before: marked,
		disk:   `"partitions": [{"number": 2, "label": "other", "sizeMiB": 40, "wipePartitionEntry": true}]`,
		after:  "1 one 1+32\n2 other 33+40\n3 three 128+64",
		check:  `keep="1 3"; ` + kept,
	},
	"not replaced without permission": {
		before:  marked,
		disk:    `"partitions": [{"number": 2, "label": "other", "typeGuid": "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F"}]`,
		refused: []string{`its label is "two", the config asks for "other"`, "its type is 0FC63DAF", "wipePartitionEntry: true replaces it"},
	},
	"no room": {
		before:  marked,
		disk:    `"partitions": [{"label": "big", "sizeMiB": 200}]`,
		refused: []string{`"big"`, "200 MiB", "the largest free block has 63 MiB"},
	},
	"in the way of another": {
		before:  marked,
		disk:    `"partitions": [{"number": 4, "label": "four", "startMiB": 40, "sizeMiB": 10}]`,
		refused: []string{`where partition 2 "two" is`},
	},
	"two of the same number are one too many": {
		disk:    `"partitions": [{"number": 200, "label": "far"}]`,
		refused: []string{"partition number 200", "1 to 128"},
	},
	"a table with more than 128 entries": {
		before: `sgdisk -S 256 $disk > /dev/null; sgdisk -n 200:0:+8M -c 200:far $disk > /dev/null; udevadm settle`,
		disk:   `"partitions": [{"number": 201, "label": "farther", "sizeMiB": 8}]`,
		after:  "200 far 1+8\n201 farther 9+8",
	},
	"everything wiped": {
		before: marked,
		disk:   `"wipeTable": true`,
		check:  `[ -z "$(wipefs $disk)" ]; [ ! -e ${disk}p1 ]`,
	},
	"everything wiped and made anew": {
		before: marked,
		disk:   `"wipeTable": true, "partitions": [{"label": "only"}]`,
		after:  "1 only 1+254",
	},
	"a table of the MBR stays": {
		before:  `echo '2048,65536,83' | sfdisk --quiet --label dos $disk; udevadm settle`,
		disk:    `"partitions": [{"label": "a"}]`,
		refused: []string{"has an MBR partition table; the config asks for GPT partitions", "wipeTable: true replaces it"},
	},
	"a table of the MBR is wiped": {
		before: `echo '2048,65536,83' | sfdisk --quiet --label dos $disk; udevadm settle`,
		disk:   `"wipeTable": true, "partitions": [{"label": "a"}]`,
		after:  "1 a 1+254",
	},
	"a hybrid table keeps its MBR": {
		before: marked + hybridMBR + `; dd if=$disk of=$dir/mbr bs=512 count=1 status=none`,
		disk:   `"partitions": [{"label": "a", "sizeMiB": 8}, {"number": 3, "sizeMiB": 0, "resize": true}]`,
		after:  "1 one 1+32\n2 two 33+32\n3 three 128+127\n4 a 65+8",
		check:  `cmp -n 512 $dir/mbr $disk; keep="1 2 3"; ` + kept,
	},
	"a hybrid table loses the entry of a partition that changes": {
		before: marked + hybridMBR,
		disk:   `"partitions": [{"number": 1, "shouldExist": false, "wipePartitionEntry": true}]`,
		after:  "2 two 33+32\n3 three 128+64",
		check:  `sgdisk -p -O $disk | sed '1,/^MBR partitions/d' | grep -c 0x | grep -qx 2; keep="2 3"; ` + kept,
	},
	"a hybrid table without entries becomes protective": {
		before: marked + hybridMBR,
		disk:   `"partitions": [{"number": 1, "shouldExist": false, "wipePartitionEntry": true}, {"number": 2, "label": "other", "sizeMiB": 8, "wipePartitionEntry": true}]`,
		after:  "2 other 1+8\n3 three 128+64",
		check:  `sgdisk -p -O $disk | sed '1,/^MBR partitions/d' | grep -c 0x | grep -qx 1; keep="3"; ` + kept,
	},
	"a backup behind garbage is wiped": {
		before: threeParts + `; ` + onlyBackup,
		disk:   `"wipeTable": true`,
		check:  `[ -z "$(wipefs $disk)" ]; sgdisk -p $disk | grep -q 'Creating new GPT'; ! sgdisk -p $disk | grep -q three`,
	},
	"a backup behind garbage stays": {
		before:  threeParts + `; ` + onlyBackup,
		disk:    `"partitions": [{"label": "a", "sizeMiB": 8}]`,
		refused: []string{"only the backup is left", `1 "one", 2 "two", 3 "three"`, "wipeTable: true replaces it"},
	},
	"a backup in the middle is wiped": {
		before: threeParts + `; file=$(losetup -nO BACK-FILE $disk); truncate -s 384M $file; losetup -c $disk; udevadm settle`,
		disk:   `"wipeTable": true, "partitions": [{"label": "all"}]`,
		after:  "1 all 1+382",
		check:  `[ -z "$(dd if=$disk bs=512 skip=$(((256 << 11) - 33)) count=33 status=none | tr -d '\0')" ]`,
	},
	"garbage where the table was": {
		before:  threeParts + `; dd if=/dev/urandom of=$disk bs=512 seek=1 count=1 conv=notrunc status=none; dd if=/dev/urandom of=$disk bs=512 seek=$(($(blockdev --getsz $disk) - 1)) count=1 conv=notrunc status=none; udevadm settle`,
		disk:    `"partitions": [{"label": "a", "sizeMiB": 8}]`,
		refused: []string{"GPT", "wipeTable: true replaces it"},
	},
	"the first header is damaged": {
		before: marked + `; dd if=/dev/urandom of=$disk bs=512 seek=1 count=1 conv=notrunc status=none; udevadm settle`,
		disk:   `"partitions": [{"label": "new", "sizeMiB": 8}]`,
		after:  "1 one 1+32\n2 two 33+32\n3 three 128+64\n4 new 192+8",
		check:  `keep="1 2 3"; ` + kept,
	},
	"the last header is damaged": {
		before: marked + `; dd if=/dev/urandom of=$disk bs=512 seek=$(($(blockdev --getsz $disk) - 1)) count=1 conv=notrunc status=none; udevadm settle`,
		disk:   `"partitions": [{"label": "new", "sizeMiB": 8}]`,
		after:  "1 one 1+32\n2 two 33+32\n3 three 128+64\n4 new 192+8",
		check:  `keep="1 2 3"; ` + kept,
	},
	"a disk that has grown": {
		before: marked + `; file=$(losetup -nO BACK-FILE $disk); truncate -s 384M $file; losetup -c $disk; udevadm settle`,
		disk:   `"partitions": [{"number": 3, "sizeMiB": 0, "resize": true}]`,
		after:  "1 one 1+32\n2 two 33+32\n3 three 128+255",
		check:  `keep="1 2 3"; ` + kept,
	},
	"a filesystem on the whole disk stays": {
		before:  `mkfs.ext4 -q -L precious $disk`,
		disk:    `"partitions": [{"label": "a", "sizeMiB": 8}]`,
		refused: []string{"has no partition table but holds ext4", "precious", "wipeTable: true replaces it"},
	},
	"beside a mounted partition": {
		// The kernel must not write to the filesystem while it is compared: without lazy
		// initialization, times of access or anything that is not synced.
		before: marked + `; mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 ${disk}p1; mkdir -p $dir/mnt; mount -o noatime ${disk}p1 $dir/mnt; echo kept > $dir/mnt/file; sync -f $dir/mnt/file`,
		disk:   `"partitions": [{"label": "new", "sizeMiB": 8}, {"number": 2, "shouldExist": false, "wipePartitionEntry": true}]`,
		after:  "1 one 1+32\n2 new 33+8\n3 three 128+64", // it takes the free number
		check:  `[ "$(cat $dir/mnt/file)" = kept ]; keep="3"; ` + kept + `; umount $dir/mnt`,
	},
	"a mounted partition": {
		before:  threeParts + `; mkfs.ext4 -q ${disk}p1; mkdir -p $dir/mnt; mount -r ${disk}p1 $dir/mnt`,
		disk:    `"partitions": [{"number": 1, "shouldExist": false, "wipePartitionEntry": true}]`,
		refused: []string{`partition 1 "one"`, "mounted at", "only when nothing uses it"},
	},
	"a partition that is swapped to": {
		before:  threeParts + `; mkswap -q ${disk}p1; swapon ${disk}p1`,
		disk:    `"partitions": [{"number": 1, "sizeMiB": 8, "resize": true}]`,
		refused: []string{`partition 1 "one"`, "swapped to"},
	},
	"a partition with a mapping": {
		before:  threeParts + `; echo "0 2048 linear ${disk}p1 0" | dmsetup create held`,
		disk:    `"wipeTable": true`,
		refused: []string{"is to be wiped but is in use", "partition 1 is part of dm-", "held"},
	},
	"a protected disk": {
		before:  `blockdev --setro $disk`,
		disk:    `"partitions": [{"label": "a", "sizeMiB": 8}]`,
		refused: []string{"are to be changed but the disk is read-only (write-protected)"},
	},
	"too small a disk": {
		mib:     1,
		disk:    `"partitions": [{"label": "a", "sizeMiB": 8}]`,
		refused: []string{`"a"`, "8 MiB", "no space is free"},
	},
}

func TestTables(t *testing.T) {
	for name, tc := range tableCases {
		t.Run(name, func(t *testing.T) {
			if tc.mib == 0 {
				tc.mib = 256
			}
			if tc.sector == 0 {
				tc.sector = 512
			}
			disk, dir := newDisk(t, tc.mib, tc.sector), t.TempDir()
			prefix := fmt.Sprintf("disk=%s; dir=%s; ", disk, dir)
			shell(t, prefix+tc.before)
			t.Cleanup(func() { try("umount", filepath.Join(dir, "mnt")) })
			more := tc.more
			if strings.Contains(more, "%[1]s") {
				more = fmt.Sprintf(more, disk)
			}
			config := fmt.Sprintf(`{"ignition": {"version": "3.5.0"}, "storage": {"disks": [{"device": %q, %s}]%s}}`, disk, tc.disk, more)
			if tc.refused != nil {
				newBoot(t, config).refuses("disks", []string{disk}, append(tc.refused, disk)...)
				return
			}
			newBoot(t, config).must("disks")
			if tc.after != "" {
				if got := describe(t, disk); got != tc.after {
					t.Errorf("the table is\n%s\nit should be\n%s", got, tc.after)
				}
			}
			kernelAgrees(t, disk)
			before := digest(t, disk)
			newBoot(t, config).must("disks")
			if digest(t, disk) != before {
				t.Error("a second run has changed the disk")
			}
			if tc.check != "" {
				shell(t, prefix+tc.check)
			}
		})
	}
}

// describe prints a table as tableCase.after has it.
func describe(t testing.TB, disk string) string {
	t.Helper()
	const linux = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
	table := tableOf(t, disk)
	var lines []string
	for _, p := range table.Partitions {
		sector := uint64(table.SectorSize)
		line := fmt.Sprintf("%s %s %s+%s", strings.TrimPrefix(p.Node, disk+"p"), p.Name, mebibytes(p.Start*sector), mebibytes(p.Size*sector))
		if p.Type != linux {
			line += " " + p.Type
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func mebibytes(bytes uint64) string {
	if bytes%(1<<20) == 0 {
		return strconv.FormatUint(bytes>>20, 10)
	}
	return fmt.Sprintf("(%d bytes)", bytes)
}

// kernelAgrees compares what the kernel knows of a disk's partitions with the table.
func kernelAgrees(t testing.TB, disk string) {
	t.Helper()
	var onDisk []string
	if _, err := try("sfdisk", "--json", disk); err == nil {
		table := tableOf(t, disk)
		for _, p := range table.Partitions {
			units := uint64(table.SectorSize / 512) // the kernel's are of 512 bytes
			onDisk = append(onDisk, fmt.Sprintf("%s %d %d", strings.TrimPrefix(p.Node, disk+"p"), p.Start*units, p.Size*units))
		}
	}
	var known []string
	name := filepath.Base(disk)
	for n := 1; n <= 256; n++ {
		dir := fmt.Sprintf("/sys/class/block/%sp%d", name, n)
		start, err := os.ReadFile(dir + "/start")
		if err != nil {
			continue
		}
		size, err := os.ReadFile(dir + "/size")
		if err != nil {
			t.Fatal(err)
		}
		known = append(known, fmt.Sprintf("%d %s %s", n, strings.TrimSpace(string(start)), strings.TrimSpace(string(size))))
	}
	if got, want := strings.Join(known, "\n"), strings.Join(onDisk, "\n"); got != want {
		t.Errorf("the kernel knows the partitions\n%s\nof the table\n%s", got, want)
	}
}
