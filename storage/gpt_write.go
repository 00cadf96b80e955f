package storage

import (
	"fmt"
	"reflect"

	"github.com/diskfs/go-diskfs/backend"
	"github.com/diskfs/go-diskfs/partition/gpt"
)

// writeTable writes a table and reads it again. What is on the disk is kept in
// one piece at any moment: go-diskfs writes the backup and syncs it, then the
// primary copy, in both cases first the entries and then the header, whose
// checksum makes them count. A reader that finds the primary copy damaged takes
// the backup. The protective MBR comes first, since without it a backup alone
// does not count.
func writeTable(f backend.WritableFile, t table, size uint64) error {
	g, err := toDiskfs(f, t, size)
	if err != nil {
		return err
	}
	if err := writeProtectiveMBR(f, size/t.Sector); err != nil {
		return fmt.Errorf("writing the protective MBR: %w", err)
	}
	if err := g.Write(f, int64(size)); err != nil {
		return err
	}
	return verifyTable(f, t, size)
}

// toDiskfs makes a table for go-diskfs: the one that is there, for its form
// that only its own header tells, or a new one, with our entries.
func toDiskfs(f backend.WritableFile, t table, size uint64) (*gpt.Table, error) {
	v := &view{r: f, size: int64(size)}
	d := diskFacts{Size: size, Sector: t.Sector}
	readTable(v, &d)
	g := &gpt.Table{LogicalSectorSize: int(t.Sector), PhysicalSectorSize: int(t.Sector)}
	if d.Contents == gptTable {
		var err error
		if g, err = readEntries(v, readCopies(v, t.Sector), t.Sector); err != nil {
			return nil, err
		}
		if g.LastDataSector() != t.Last {
			g.Resize(size) // the disk has grown
		}
	}
	g.GUID, g.ProtectiveMBR = t.GUID, false // the MBR is written by us
	g.Partitions = nil
	for _, e := range t.Entries {
		g.Partitions = append(g.Partitions, &gpt.Partition{Index: e.Number, Start: e.Start, End: e.end() - 1,
			Type: gpt.Type(e.Type), GUID: e.GUID, Name: e.Name, Attributes: e.Attributes})
	}
	return g, nil
}

// verifyTable reads what was written.
func verifyTable(f backend.WritableFile, want table, size uint64) error {
	d := diskFacts{Size: size, Sector: want.Sector}
	readTable(&view{r: f, size: int64(size)}, &d)
	if d.Contents != gptTable || d.Damage != "" {
		return fmt.Errorf("reading the new partition table again: it is not intact: %s", d.Damage)
	}
	if len(d.Table.Entries)+len(want.Entries) > 0 && !reflect.DeepEqual(d.Table.Entries, want.Entries) {
		return fmt.Errorf("reading the new partition table again: it is not what was written")
	}
	return nil
}
