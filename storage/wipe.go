package storage

import (
	"fmt"
	"os"

	"github.com/firstlight-os/firstlight/internal/system"
)

// wipeRanges are what to overwrite so that nothing takes a device for what it
// was: the places where magic numbers were found, and the first and the last
// MiB. Those hold the superblocks of nearly everything, also of what the table
// of probes does not know, and both copies of a partition table with it. (No
// format would believe in a superblock with only its magic number gone, but a
// recovery tool might, and an old backup of a GPT would be believed.)
func wipeRanges(size int64, found []signature) []extent {
	ends := min(size, mebibyte)
	ranges := []extent{{0, ends}, {size - ends, ends}}
	for _, s := range found {
		ranges = append(ranges, s.Places...)
	}
	return ranges
}

// wipe overwrites ranges with zeroes and sees to it that they reach the disk.
func wipe(f *os.File, ranges []extent) error {
	for _, r := range ranges {
		if err := system.Zero(f, r.offset, r.length); err != nil {
			return err
		}
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("wiping %s: %w", f.Name(), err)
	}
	return nil
}
