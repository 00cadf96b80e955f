package storage

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/storage/plan"
)

// prepareFilesystem carries out the plan for a filesystem. If it could not be
// looked at before, it decides now.
func (m *Machine) prepareFilesystem(ctx context.Context, f *plan.Filesystem) error {
	node, action, existing := "", f.Action, f.Target.Facts.Signatures
	if f.Deferred() {
		found, _, err := m.lookAgain(ctx, f.Target)
		if err != nil {
			return err
		}
		if action, err = plan.DecideFilesystem(f.Config, found[0]); err != nil {
			return err
		}
		node, existing = found[0].Node, found[0].Signatures
	} else {
		var err error
		if node, err = m.nodeOf(f.Target); err != nil {
			return err
		}
		if err := m.wait(ctx, []requiredDevice{{path: node, origin: f.Target.Origin}}); err != nil {
			return err
		}
	}
	if action != plan.Keep {
		if err := m.makeFilesystem(ctx, f.Config, action, node, existing); err != nil {
			return err
		}
	}
	return m.makeSubvolumes(ctx, f.Config, node)
}

// makeFilesystem wipes a device, makes the filesystem and checks it.
func (m *Machine) makeFilesystem(ctx context.Context, fs *config.Filesystem, action plan.Action, node string, existing []blkprobe.Signature) error {
	if err := wipeDevice(node, existing); err != nil {
		return err
	}
	if action == plan.Create {
		if err := m.mkfs(ctx, fs, node); err != nil {
			return err
		}
	}
	d, err := m.open(node)
	if err != nil {
		return err
	}
	defer d.file.Close()
	if found := d.probe(); action == plan.Create && !plan.MatchesFilesystem(fs, found) {
		return fmt.Errorf("looking at what was made: it is %q instead of %s as the config describes it", blkprobe.Describe(found), *fs.Format)
	}
	return m.settle(ctx, d.sysfs)
}

// mkfs makes the filesystem on a device that was wiped. That a FAT is complete cannot be
// seen, so it is marked as unfinished until all of it is on the disk.
func (m *Machine) mkfs(ctx context.Context, fs *config.Filesystem, node string) error {
	command, known := mkfsCommand(fs, node)
	if !known {
		return fmt.Errorf("no program is known that makes %q", *fs.Format)
	}
	isFAT := *fs.Format == "vfat"
	if isFAT {
		if err := writeUnfinished(node, blkprobe.UnfinishedMark); err != nil {
			return err
		}
	}
	if _, err := m.Run.Run(ctx, command); err != nil {
		return err
	}
	if isFAT {
		return writeUnfinished(node, "")
	}
	return nil
}

// writeUnfinished writes the mark of an unfinished FAT, or zeroes, once all that was
// written before is on the disk.
func writeUnfinished(node, mark string) error {
	return exclusively(node, func(f *os.File, size int64) error {
		at := blkprobe.UnfinishedFAT(size)
		b := make([]byte, at.Length)
		copy(b, mark)
		if err := f.Sync(); err != nil {
			return err
		}
		if _, err := f.WriteAt(b, at.Offset); err != nil {
			return err
		}
		return f.Sync()
	})
}

// formats are the filesystems that can be made, by their programs.
var formats = map[string]struct {
	program string
	force   []string // do not ask
	uuid    func(uuid string) []string
	label   string // option for it
}{
	"btrfs": {"mkfs.btrfs", []string{"--force"}, option("-U"), "-L"},
	"ext4":  {"mkfs.ext4", []string{"-F"}, option("-U"), "-L"},
	"swap":  {"mkswap", []string{"-f"}, option("-U"), "-L"},
	"vfat":  {"mkfs.fat", nil, option("-i"), "-n"},
	"xfs":   {"mkfs.xfs", []string{"-f"}, func(uuid string) []string { return []string{"-m", "uuid=" + uuid} }, "-L"},
}

func option(name string) func(string) []string {
	return func(value string) []string { return []string{name, value} }
}

// mkfsCommand is the command that makes a filesystem. The config's own options
// come first, as in the reference.
func mkfsCommand(fs *config.Filesystem, node string) (system.Command, bool) {
	f, known := formats[*fs.Format]
	args := append(slices.Clone(fs.Options), f.force...)
	if fs.UUID != nil {
		args = append(args, f.uuid(plan.NormalizeUUID(*fs.Format, *fs.UUID))...)
	}
	if fs.Label != nil {
		args = append(args, f.label, *fs.Label)
	}
	return system.Command{Name: f.program, Args: append(args, node)}, known
}
