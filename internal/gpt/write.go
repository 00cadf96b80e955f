package gpt

import (
	"errors"
	"fmt"
	"slices"

	"github.com/diskfs/go-diskfs/backend"
	"github.com/diskfs/go-diskfs/partition/gpt"
)

// Write writes a table to a disk of a size in bytes, and reads it again. The
// order of its writes is in the documentation of the package. The file's Sync
// is called if it has that method.
func Write(f backend.WritableFile, t Table, size uint64) error {
	now := Read(f, size, t.Sector)
	if now.Kind == None {
		empty := t
		empty.Partitions = nil
		if err := writeCopies(f, empty, size); err != nil {
			return err
		}
	}
	if err := writeMBR(f, t, size/t.Sector); err != nil {
		return fmt.Errorf("writing the protective MBR: %w", err)
	}
	if now.Damage != "" {
		if err := writeCopies(f, now.Table, size); err != nil {
			return err
		}
	}
	if err := writeCopies(f, t, size); err != nil {
		return err
	}
	return verify(f, t, size)
}

// writeCopies writes both copies of a table.
func writeCopies(f backend.WritableFile, t Table, size uint64) error {
	encoded, err := encode(f, t, size)
	if err != nil {
		return err
	}
	return encoded.Write(f, int64(size))
}

// encode converts a table to go-diskfs's form. A disk that has a GPT gives the
// fields that cannot be set from here (fault 7).
func encode(f backend.WritableFile, t Table, size uint64) (*gpt.Table, error) {
	s := section{f, size, t.Sector}
	g := &gpt.Table{LogicalSectorSize: int(t.Sector), PhysicalSectorSize: int(t.Sector)}
	if s.read().Kind == Intact {
		var err error
		if g, err = s.decode(s.readCopies()); err != nil {
			return nil, err
		}
		if g.LastDataSector() != t.Last {
			g.Resize(size) // the disk has grown
		}
	}
	g.GUID, g.ProtectiveMBR = t.GUID, false // fault 4
	g.Partitions = nil
	for _, p := range t.Partitions {
		g.Partitions = append(g.Partitions, &gpt.Partition{Index: p.Number, Start: p.Start, End: p.End() - 1,
			Type: gpt.Type(p.Type), GUID: p.GUID, Name: p.Name, Attributes: p.Attributes})
	}
	return g, nil
}

// verify reads what was written.
func verify(f backend.WritableFile, want Table, size uint64) error {
	d := Read(f, size, want.Sector)
	if d.Kind != Intact || d.Damage != "" {
		return fmt.Errorf("reading the new partition table again: it is not intact: %s", d.Damage)
	}
	if !slices.Equal(d.Table.Partitions, want.Partitions) || !slices.Equal(d.Table.MBR, want.MBR) {
		return errors.New("reading the new partition table again: it is not what was written")
	}
	return nil
}
