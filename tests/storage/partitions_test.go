package storage

import (
	"fmt"
	"testing"
)

func TestEmptyDiskIsPartitionedAndFormatted(t *testing.T) {
	disk := newDisk(t, 512)
	b := newBoot(t, fmt.Sprintf(`{"ignition": {"version": "3.5.0"}, "storage": {
		"disks": [{"device": %q, "wipeTable": true, "partitions": [
			{"label": "one", "sizeMiB": 64}, {"label": "two", "sizeMiB": 0}]}],
		"filesystems": [{"device": "/dev/disk/by-partlabel/two", "format": "ext4", "label": "data", "path": "/data"}]}}`, disk))
	b.must("disks")
	table := tableOf(t, disk)
	if len(table.Partitions) != 2 || table.Partitions[0].Size != 64<<11 || table.Partitions[1].Name != "two" {
		t.Errorf("got %+v", table)
	}
	if got := blkid(t, disk+"p2", "LABEL"); got != "data" {
		t.Errorf("the label is %q", got)
	}
	b.must("mount")
	if got := run(t, "findmnt", "--noheadings", "--output", "LABEL", b.root+"/data"); got != "data" {
		t.Errorf("what is mounted is %q", got)
	}
	b.must("umount")
	b.must("disks")
}
