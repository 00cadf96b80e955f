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
		// Nothing of it counts until there is an MBR.
		if err := writeCopiesSynced(f, empty, size, syncs); err != nil {
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

// syncs are how often go-diskfs syncs both copies of a table: after the entries of each and
// after its header.
const syncs = 4

// writeCopies writes both copies of a table, and syncs each when it is complete: while one is
// written the other is sound, so that its own parts need no order.
func writeCopies(f backend.WritableFile, t Table, size uint64) error {
	return writeCopiesSynced(f, t, size, syncs/2)
}

// writeCopiesSynced syncs only every so many times that go-diskfs would.
func writeCopiesSynced(f backend.WritableFile, t Table, size uint64, every int) error {
	encoded, err := encode(f, t, size)
	if err != nil {
		return err
	}
	return encoded.Write(&seldomSynced{WritableFile: f, every: every}, int64(size))
}

// A seldomSynced file passes some of the syncs over.
type seldomSynced struct {
	backend.WritableFile
	every, asked int
}

// Sync is found by go-diskfs.
func (f *seldomSynced) Sync() error {
	f.asked++
	if s, ok := f.WritableFile.(interface{ Sync() error }); ok && f.asked%f.every == 0 {
		return s.Sync()
	}
	return nil
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
