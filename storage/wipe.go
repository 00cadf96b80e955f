package storage

import (
	"fmt"
	"os"

	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/system"
)

// wipeRanges are what to overwrite so that nothing takes a device for what it
// was: the places where magic numbers were found, and the first and the last
// MiB. Those hold the superblocks of nearly everything, also of what the table
// of probes does not know, and both copies of a partition table with it. (No
// format would believe in a superblock with only its magic number gone, but a
// recovery tool might, and an old backup of a GPT would be believed.)
func wipeRanges(size int64, found []blkprobe.Signature) []blkprobe.Range {
	ends := min(size, mebibyte)
	ranges := []blkprobe.Range{{Offset: 0, Length: ends}, {Offset: size - ends, Length: ends}}
	for _, s := range found {
		ranges = append(ranges, s.Magics...)
	}
	return ranges
}

// wipe overwrites ranges with zeroes and sees to it that they reach the disk.
func wipe(f *os.File, ranges []blkprobe.Range) error {
	for _, r := range ranges {
		if err := system.Zero(f, r.Offset, r.Length); err != nil {
			return err
		}
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("wiping %s: %w", f.Name(), err)
	}
	return nil
}
