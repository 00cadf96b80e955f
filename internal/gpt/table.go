package gpt

import (
	"fmt"
	"slices"
	"strings"
)

// A Partition is one used entry of a table.
type Partition struct {
	Number      int    // from 1 on
	Start, Size uint64 // in sectors
	Type, GUID  string // upper case
	Name        string
	Attributes  uint64
}

// End is the first sector after the partition.
func (p Partition) End() uint64 { return p.Start + p.Size }

// Title is the number and the name of a partition, for a message.
func (p Partition) Title() string {
	if p.Name == "" {
		return fmt.Sprint(p.Number)
	}
	return fmt.Sprintf("%d %q", p.Number, p.Name)
}

// Without returns the partitions that have not the same sectors as another one.
func Without(all, others []Partition) []Partition {
	return slices.DeleteFunc(slices.Clone(all), func(p Partition) bool {
		return slices.ContainsFunc(others, func(q Partition) bool { return p.Start == q.Start && p.Size == q.Size })
	})
}

// Titles lists partitions for a message.
func Titles(all []Partition) string {
	var titles []string
	for _, p := range all {
		titles = append(titles, p.Title())
	}
	return strings.Join(titles, ", ")
}

// A Table is the contents of a partition table.
type Table struct {
	GUID        string
	Sector      uint64 // size of a logical sector in bytes
	First, Last uint64 // usable sectors
	Slots       int    // how many entries there is room for
	Partitions  []Partition
	// MBR are the entries of a hybrid MBR that stand for partitions beside the
	// GPT; or, on a disk without a GPT, those of its DOS partition table.
	MBR []MBREntry
}

// New returns an empty table of the usual form for a disk of a size in bytes:
// 128 entries of 128 bytes.
func New(size, sector uint64, guid string) Table {
	const slots, entrySize = 128, 128
	array, sectors := slots*entrySize/sector, size/sector
	t := Table{GUID: guid, Sector: sector, First: 2 + array, Slots: slots}
	if sectors > t.First+array+1 { // else there is room for nothing
		t.Last = sectors - array - 2
	}
	return t
}

// Find returns the partition with a number.
func (t Table) Find(number int) (Partition, bool) {
	i := slices.IndexFunc(t.Partitions, func(p Partition) bool { return p.Number == number })
	if i < 0 {
		return Partition{}, false
	}
	return t.Partitions[i], true
}

// overlap reports partitions that lie on each other: nothing good can be
// planned around them.
func (t Table) overlap() error {
	for i, a := range t.Partitions {
		for _, b := range t.Partitions[i+1:] {
			if a.Start < b.End() && b.Start < a.End() {
				return fmt.Errorf("partitions %s and %s overlap", a.Title(), b.Title())
			}
		}
	}
	return nil
}
