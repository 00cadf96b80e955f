package storage

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/storage/plan"
)

// canMakeSubvolumes is an error for each filesystem with subvolumes if the kernel cannot make
// any, before anything is written. A workstation is not asked.
func (m *Machine) canMakeSubvolumes(s *config.Storage) error {
	var errs []error
	for i := range s.Filesystems {
		fs := &s.Filesystems[i]
		if len(fs.Subvolumes) == 0 || m.Absent != nil {
			continue
		}
		if err := system.CheckBtrfs(); err != nil {
			errs = append(errs, &report.Error{Doing: "preparing for the subvolumes of " + fs.Device, Origin: fs.Origin("subvolumes"), Err: err})
		}
	}
	return errors.Join(errs...)
}

// Subvolumes implements plan.Facts. A partition that is only planned, or will be changed,
// cannot be mounted yet, and files never.
func (in *inspection) Subvolumes(f *plan.Filesystem) (_ map[string]plan.SubvolumeNode, err error) {
	t := f.Target
	if in.m.Absent != nil || t.Disk != nil && !t.Disk.Idle() || system.CheckBtrfs() != nil {
		return nil, nil
	}
	node, err := in.m.nodeOf(t)
	if err != nil {
		return nil, err
	}
	if _, isDevice := deviceNumber(node); !isDevice {
		return nil, nil
	}
	b, err := system.OpenBtrfs(node, false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	return lookAtSubvolumes(b, f.Config)
}

func lookAtSubvolumes(b *system.Btrfs, fs *config.Filesystem) (map[string]plan.SubvolumeNode, error) {
	found := map[string]plan.SubvolumeNode{}
	for _, path := range plan.SubvolumePaths(fs) {
		if parent := filepath.Dir(path); parent != "." && !found[parent].Directory {
			continue
		}
		node, err := b.Look(path)
		if err != nil {
			return nil, err
		}
		found[path] = plan.SubvolumeNode(node)
	}
	return found, nil
}

// makeSubvolumes makes those of a filesystem that is on a device. What there is it sees anew:
// the filesystem may have been made a moment ago.
func (m *Machine) makeSubvolumes(ctx context.Context, fs *config.Filesystem, node string) (err error) {
	if len(fs.Subvolumes) == 0 {
		return nil
	}
	device, err := m.openWhenReady(ctx, requiredDevice{path: node, origin: fs.Origin("device")})
	if err != nil {
		return err
	}
	defer device.Close()
	b, err := system.OpenBtrfs(node, true)
	if err != nil {
		return &report.Error{Doing: "mounting it for its subvolumes", Err: err}
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	found, err := lookAtSubvolumes(b, fs)
	if err != nil {
		return err
	}
	changes, errs := plan.DecideSubvolumes(fs, found)
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	for _, c := range changes {
		if err := makeSubvolume(b, c); err != nil {
			return &report.Error{Doing: fmt.Sprintf("preparing the subvolume %q", c.Config.Name), Origin: c.Config.Origin(), Err: err}
		}
	}
	return nil
}

func makeSubvolume(b *system.Btrfs, c plan.SubvolumeChange) error {
	for _, step := range []struct {
		wanted bool
		do     func(name string) error
	}{{c.Create, b.CreateSubvolume}, {c.NoCOW, b.SetNoCOW}, {c.Default, b.SetDefault}} {
		if !step.wanted {
			continue
		}
		if err := step.do(c.Config.Name); err != nil {
			return err
		}
	}
	return nil
}
