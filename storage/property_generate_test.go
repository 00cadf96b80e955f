package storage

import (
	"fmt"
	"math/rand"
	"strings"
)

// Sizes of random disks are small, so that partitions are often in each
// other's way.
const (
	leastMiB, mostMiB = 8, 40
	linuxData         = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
	efiSystem         = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
)

var (
	testTypes = []string{linuxData, linuxData, efiSystem, "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F"}
	testNames = []string{"", "root", "data", "boot", "größe x", "naïve 😀 name", strings.Repeat("n", 36)}
)

// guidOf is a GUID that is known by its first digits.
func guidOf(n int) string { return fmt.Sprintf("%08X-1111-4222-8333-444444444444", n) }

func generate(r *rand.Rand) randomCase {
	c := randomCase{disk: generateDisk(r), wipe: r.Intn(8) == 0}
	again := r.Intn(8) == 0
	for {
		c.specs = generateSpecs(r, c.disk)
		if _, err := c.config("/dev/x"); err != nil {
			continue // it breaks a rule that has its own tests
		}
		if again {
			c.disk, c.wipe = made(r, c), r.Intn(2) == 0
		}
		return c
	}
}

// made is the disk of a case when the config was carried out on a blank one,
// perhaps not quite.
func made(r *rand.Rand, c randomCase) testDisk {
	e := expect(testDisk{Sector: c.disk.Sector, Sectors: c.disk.Sectors, Blank: true}, false, c.specs)
	if e.refused != "" || e.disk.Blank || len(c.specs) == 0 {
		return c.disk
	}
	e.disk.GUID = guidOf(0xd15c)
	for i := range e.disk.Entries {
		if p := &e.disk.Entries[i]; p.GUID == "" {
			p.GUID = guidOf(i + 1)
		}
	}
	switch r.Intn(4) {
	case 0:
		e.disk.Damage = []string{"primary", "backup", "mbr"}[r.Intn(3)]
	case 1:
		p := &e.disk.Entries[r.Intn(len(e.disk.Entries))]
		p.Attributes++
	case 2:
		e.disk.Entries[0].GUID = guidOf(0xbad)
	}
	return e.disk
}

func generateDisk(r *rand.Rand) testDisk {
	d := testDisk{Sector: 512, Slots: 128, GUID: guidOf(0xd15c)}
	if r.Intn(4) == 0 {
		d.Sector = 4096
	}
	mib := uint64(leastMiB + r.Intn(mostMiB-leastMiB))
	d.Sectors = mib<<20/d.Sector + uint64(r.Intn(2)*r.Intn(100))
	if r.Intn(8) == 0 {
		d.Blank, d.GUID, d.Slots = true, "", 0
		return d
	}
	if r.Intn(8) == 0 {
		d.Slots = []int{32, 64, 256}[r.Intn(3)]
	}
	d.First = 2 + d.arraySectors()
	switch r.Intn(6) {
	case 0:
		d.First = max(d.First, 1<<20/d.Sector)
	case 1:
		d.First += uint64(r.Intn(100))
	}
	if r.Intn(8) == 0 {
		d.Damage = []string{"primary", "backup", "mbr"}[r.Intn(3)]
	}
	end := d.last()
	if r.Intn(8) == 0 {
		d.GrownFrom = d.Sectors - uint64(r.Intn(4<<20))/d.Sector - 1
		end -= d.Sectors - d.GrownFrom
	}
	d.Entries = generateEntries(r, d, end)
	return d
}

// generateEntries puts some partitions on a disk, with and without gaps, mostly
// aligned, in any order of numbers.
func generateEntries(r *rand.Rand, d testDisk, last uint64) []testEntry {
	var entries []testEntry
	mib := 1 << 20 / d.Sector
	numbers := r.Perm(min(d.Slots, 8))
	if r.Intn(4) == 0 {
		numbers[0] = d.Slots - 1
	}
	at := d.First
	for i := range r.Intn(6) {
		if r.Intn(5) > 0 {
			at = (at + mib - 1) / mib * mib
		}
		at += uint64(r.Intn(3)*r.Intn(4)) * mib
		size := uint64(1+r.Intn(8)) * mib
		if r.Intn(6) == 0 {
			size += uint64(r.Intn(int(mib)))
		}
		if r.Intn(8) == 0 && at <= last {
			size = last - at + 1 // as of a program that does not align ends
		}
		if at+size > last+1 || at < d.First {
			break
		}
		e := testEntry{Number: numbers[i] + 1, Start: at, Size: size, Type: testTypes[r.Intn(len(testTypes))], GUID: guidOf(i + 1), Name: testNames[r.Intn(len(testNames))]}
		if r.Intn(3) == 0 {
			e.Attributes = 1<<uint(r.Intn(3)) | uint64(r.Intn(1<<16))<<48
		}
		entries = append(entries, e)
		at += size
	}
	// By number, as they are in a table.
	for i := range entries {
		for j := i; j > 0 && entries[j].Number < entries[j-1].Number; j-- {
			entries[j], entries[j-1] = entries[j-1], entries[j]
		}
	}
	return entries
}

func generateSpecs(r *rand.Rand, d testDisk) []testSpec {
	var specs []testSpec
	for i := range max(r.Intn(5), r.Intn(2)) {
		if len(d.Entries) > 0 && r.Intn(3) > 0 {
			specs = append(specs, generateKnown(r, d, d.Entries[r.Intn(len(d.Entries))], i))
		} else {
			specs = append(specs, generateNew(r, i))
		}
	}
	return specs
}

func maybe[T any](r *rand.Rand, percent int, v T) *T {
	if r.Intn(100) < percent {
		return &v
	}
	return nil
}

// generateKnown is a spec for a partition that exists: that it be as it is,
// or a bit different, or not at all.
func generateKnown(r *rand.Rand, d testDisk, e testEntry, i int) testSpec {
	mib := 1 << 20 / d.Sector
	w := testSpec{Number: &e.Number, WipeEntry: maybe(r, 35, r.Intn(5) > 0)}
	if r.Intn(5) == 0 {
		w.ShouldExist = maybe(r, 100, false)
		return w
	}
	w.Resize = maybe(r, 30, r.Intn(5) > 0)
	w.StartMiB = maybe(r, 40, int(e.Start/mib))
	w.SizeMiB = maybe(r, 40, int(e.Size/mib))
	if len(e.Name) <= 36 {
		w.Label = maybe(r, 40, e.Name)
	}
	w.GUID = maybe(r, 20, strings.ToLower(e.GUID))
	w.TypeGUID = maybe(r, 20, e.Type)
	if r.Intn(6) == 0 && w.Label != nil {
		w.Number = nil
	}
	if r.Intn(2) == 0 {
		return w
	}
	switch r.Intn(8) {
	case 0, 1:
		w.SizeMiB = maybe(r, 100, 0)
	case 2, 3:
		w.SizeMiB = maybe(r, 100, 1+r.Intn(12))
	case 4:
		w.StartMiB = maybe(r, 100, r.Intn(12))
	case 5:
		w.Label = maybe(r, 100, fmt.Sprint("other", i))
	case 6:
		w.TypeGUID = maybe(r, 100, testTypes[r.Intn(len(testTypes))])
	case 7:
		w.GUID = maybe(r, 100, guidOf(0xabc0+i))
	}
	return w
}

// generateNew is a spec for any number or none.
func generateNew(r *rand.Rand, i int) testSpec {
	number := r.Intn(10)
	if r.Intn(30) == 0 {
		number = []int{-1, 32, 65, 128, 129, 256, 1000}[r.Intn(7)]
	}
	w := testSpec{Number: maybe(r, 80, number), Label: maybe(r, 60, fmt.Sprint("new", i)), WipeEntry: maybe(r, 15, r.Intn(3) > 0), Resize: maybe(r, 10, true)}
	if number > 0 && w.Number != nil && r.Intn(10) == 0 {
		return testSpec{Number: w.Number, ShouldExist: maybe(r, 100, false), WipeEntry: w.WipeEntry}
	}
	if value(w.Number) == 0 && w.Label == nil {
		w.Label = maybe(r, 100, testNames[r.Intn(len(testNames)-2)])
	}
	w.StartMiB = maybe(r, 30, r.Intn(20))
	w.SizeMiB = maybe(r, 70, r.Intn(10))
	if r.Intn(60) == 0 {
		w.SizeMiB = maybe(r, 100, -1-r.Intn(2)*1000)
	}
	w.GUID = maybe(r, 20, []string{"", guidOf(0xcafe00 + i)}[r.Intn(2)])
	w.TypeGUID = maybe(r, 20, []string{"", strings.ToLower(efiSystem)}[r.Intn(2)])
	return w
}
