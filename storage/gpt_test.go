package storage

import (
	"os"
	"testing"
)

func TestDamageIsSeenAndRepaired(t *testing.T) {
	const last = 100<<20 - 512
	for _, c := range []struct {
		name   string
		at     int64
		length int
		plan   string
	}{
		{"primary header", 512, 512, `repairing the partition table of DIR/a.img (the primary copy is damaged: there is no GPT header)`},
		{"primary checksum", 512 + 60, 1, `repairing the partition table of DIR/a.img (the primary copy is damaged: the checksum of the header is wrong)`},
		{"primary entries", 1024 + 60, 1, `repairing the partition table of DIR/a.img (the primary copy is damaged: the checksum of the entries is wrong)`},
		{"backup header", last, 512, `repairing the partition table of DIR/a.img (the backup copy is damaged: there is no GPT header)`},
		{"protective MBR", 0, 512, `repairing the partition table of DIR/a.img (the protective MBR is missing)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newTestMachine(t)
			disk := b.disk("a.img", 100)
			b.run("sgdisk", append(append([]string(nil), usual...), disk)...)
			overwrite(t, disk, c.at, c.length)
			config := partitions(`{"number": 3, "label": "ROOT"}`)
			if got := b.apply(config); got != c.plan {
				t.Errorf("the plan\n got %s\nwant %s", got, c.plan)
			}
			b.converges(config)
			if got := b.sgdiskVerify(disk); got != usualList {
				t.Errorf("got\n%s", got)
			}
		})
	}
}

func overwrite(t *testing.T, path string, at int64, length int) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, length)
	if length == 1 {
		if _, err := f.ReadAt(b, at); err != nil {
			t.Fatal(err)
		}
		b[0] ^= 0xff
	}
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

func TestABackupInTheMiddleRepairsADiskThatHasGrown(t *testing.T) {
	b := newTestMachine(t)
	disk := b.disk("a.img", 100)
	prepareDisk(b, disk, "truncate -s 50M $disk; table; truncate -s 100M $disk; word 1084 x")
	config := partitions(`{"number": 2, "startMiB": 60, "sizeMiB": 5}`)
	b.apply(config)
	b.converges(config)
	if got, want := b.sgdiskVerify(disk), "1 4096 24575 8300 one\n2 122880 133119 8300\n3 40960 61439 8300 three"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestATableOfWhichBothCopiesAreDamagedIsRefused(t *testing.T) {
	b := newTestMachine(t)
	disk := b.disk("a.img", 100)
	b.run("sgdisk", append(append([]string(nil), usual...), disk)...)
	overwrite(t, disk, 512, 512)
	overwrite(t, disk, 100<<20-512+60, 1)
	b.refused(partitions(`{"number": 3}`), `the GPT of DIR/a.img cannot be used: primary: there is no GPT header; backup: the checksum of the header is wrong | storage.disks[0] | `+wipeHint+"; sgdisk --verify shows the damage")
}

func TestTablesOfUnusualForm(t *testing.T) {
	t.Run("more entries", func(t *testing.T) {
		b := newTestMachine(t)
		disk := b.disk("a.img", 100)
		b.run("sgdisk", "-S", "256", disk)
		b.run("sgdisk", "-n", "200:0:+1M", disk)
		b.apply(partitions(`{"number": 201, "sizeMiB": 1}`))
		if got, want := b.sgdiskVerify(disk), "200 2048 4095 8300\n201 4096 6143 8300"; got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
	t.Run("entries elsewhere", func(t *testing.T) {
		b := newTestMachine(t)
		b.run("sgdisk", "-n", "1:20M:+1M", "-j", "64", b.disk("a.img", 100))
		b.converges(partitions(`{"number": 1}`))
		b.refused(partitions(`{"number": 2}`), "the GPT of DIR/a.img cannot be changed: its entries begin in sector 64 instead of 2 | storage.disks[0] | "+wipeHint)
	})
}
