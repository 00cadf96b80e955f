package storage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// PlanMount plans to mount the config's filesystems below the root, each after
// those that it lies in. What is mounted already is left.
func (m *Machine) PlanMount(_ context.Context, cfg *config.Config) (report.Plan, error) {
	mounts, points, err := m.lookAtMounts(cfg)
	if err != nil {
		return nil, err
	}
	m.toMake = m.missingDirectories(mounts)
	var plan report.Plan
	var planned []config.Mount // by the operations of plan
	for _, mt := range mounts {
		if there, _ := m.mounted(mt, points); there {
			continue
		}
		op := &report.Operation{Name: fmt.Sprintf("mounting %s at %s", source(mt), mt.Path), Origin: mt.Origin(),
			Do: func(ctx context.Context) error { return m.mount(ctx, mt) }}
		for i, before := range planned {
			// What a subvolume holds is labelled before another one in it is.
			if within(mt.Path, before.Path) || mt.Filesystem == before.Filesystem {
				op.After = append(op.After, plan[i])
			}
		}
		plan, planned = append(plan, op), append(planned, mt)
	}
	return plan, nil
}

// PlanUmount plans to take away what PlanMount's operations have mounted, and
// nothing else, the innermost first.
func (m *Machine) PlanUmount(_ context.Context, cfg *config.Config) (report.Plan, error) {
	mounts, points, err := m.lookAtMounts(cfg)
	if err != nil {
		return nil, err
	}
	slices.Reverse(mounts)
	var plan report.Plan
	for _, mt := range mounts {
		switch ours, hidden := m.mounted(mt, points); {
		case hidden != "":
			m.Log.Warn(fmt.Sprintf("leaving %s at %s: %s is mounted over it", source(mt), mt.Path, hidden))
			continue
		case !ours:
			continue
		}
		op := &report.Operation{Name: "unmounting " + mt.Path, Origin: mt.Origin(),
			Do: func(context.Context) error { return system.Unmount(m.mountPoint(mt)) }}
		if len(plan) > 0 {
			op.After = append(op.After, plan[len(plan)-1])
		}
		plan = append(plan, op)
	}
	return plan, nil
}

// source is what is mounted, for people.
func source(mt config.Mount) string {
	if mt.Subvolume != nil {
		return fmt.Sprintf("subvolume %s of %s", mt.Subvolume.Name, mt.Filesystem.Device)
	}
	return mt.Filesystem.Device
}

// lookAtMounts are the filesystems to mount, and what is mounted if there are any.
func (m *Machine) lookAtMounts(cfg *config.Config) ([]config.Mount, []system.MountPoint, error) {
	mounts := mountOrder(cfg)
	if len(mounts) == 0 {
		return nil, nil, nil
	}
	points, err := system.MountPoints(m.proc("self/mountinfo"))
	return mounts, points, err
}

// mountOrder are the filesystems to mount, by depth and then as in the config.
func mountOrder(cfg *config.Config) []config.Mount {
	var all []config.Mount
	for i := range cfg.Storage.Filesystems {
		fs := &cfg.Storage.Filesystems[i]
		if f := config.ValueOr(fs.Format, ""); f != "" && f != "swap" && f != "none" {
			all = append(all, fs.Mounts()...)
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return depth(all[i].Path) < depth(all[j].Path) })
	return all
}

func depth(p string) int {
	p = path.Clean("/" + p)
	if p == "/" {
		return 0
	}
	return strings.Count(p, "/")
}

// within reports whether a path is below another, or the same.
func within(p, outer string) bool {
	p, outer = path.Clean("/"+p), path.Clean("/"+outer)
	return outer == "/" || p == outer || strings.HasPrefix(p, outer+"/")
}

// mountPoint is the mount point as the kernel calls it: links on the way to the
// root are resolved.
func (m *Machine) mountPoint(mt config.Mount) string {
	root := filepath.Join("/", m.Root)
	if real, err := resolve(root); err == nil {
		root = real
	}
	return filepath.Join(root, mt.Path)
}

// mounted reports whether what the config wants at a mount point is mounted
// there, and if so what is mounted over it.
func (m *Machine) mounted(mt config.Mount, points []system.MountPoint) (there bool, hidden string) {
	at := m.mountPoint(mt)
	for _, p := range points {
		switch {
		case p.Target != at:
		case (p.Type == *mt.Filesystem.Format || m.reuses(mt.Filesystem)) && isMountOf(mt, p):
			there, hidden = true, ""
		case there:
			hidden = p.Source
		}
	}
	return there && hidden == "", hidden
}

// isMountOf reports whether a mount is of the config's device, and of its subvolume. The
// kernel shows the device by the name that it was mounted by, whose link in /dev may be gone.
func isMountOf(mt config.Mount, p system.MountPoint) bool {
	device := mt.Filesystem.Device
	switch {
	case mt.Subvolume != nil && p.Root != "/"+mt.Subvolume.Name:
		return false
	case p.Source == device:
		return true
	}
	want, ok := deviceNumber(device)
	have, _ := deviceNumber(p.Source)
	return ok && (want == have || want == number(fmt.Sprintf("%d:%d", p.Major, p.Minor)))
}

func (m *Machine) mount(ctx context.Context, mt config.Mount) error {
	fs := mt.Filesystem
	if *fs.Format != "virtiofs" {
		device, err := m.openWhenReady(ctx, requiredDevice{path: fs.Device, origin: fs.Origin("device")})
		if err != nil {
			return err
		}
		defer device.Close()
		if m.reuses(fs) {
			if size, err := system.DeviceSize(device); err == nil {
				m.reuseFormat(fs, probe(device, int64(size)))
			}
		}
	}
	made, err := m.makeMountPoint(mt)
	if err == nil && made != "" {
		err = m.label(ctx, made)
	}
	if err == nil {
		err = system.Mount(fs.Device, m.mountPoint(mt), *fs.Format, mt.Options)
	}
	if err != nil {
		return err
	}
	return m.labelNew(ctx, mt)
}

// openAttempts is how often a device may vanish between being ready and open.
const openAttempts = 10

// openWhenReady waits for a device and opens it. When the disks stage has ended,
// udev makes the kernel read the tables of the disks that were written to, for
// which their partitions vanish for a moment, but for those that are open.
func (m *Machine) openWhenReady(ctx context.Context, d requiredDevice) (*os.File, error) {
	var last error
	for range openAttempts {
		if err := m.wait(ctx, []requiredDevice{d}); err != nil {
			return nil, err
		}
		f, err := os.OpenFile(d.path, os.O_RDONLY|unix.O_NONBLOCK, 0)
		if err == nil {
			return f, nil
		}
		last = err
	}
	return nil, &report.Error{Origin: d.origin, Err: last, Hint: "the device comes and goes; see the kernel log (dmesg)"}
}

// makeMountPoint makes the directories that lead to a mount point and returns
// the outermost one that is new, if any. Links on the way are refused: they
// could lead out of the root, or to where another filesystem is mounted later.
func (m *Machine) makeMountPoint(mt config.Mount) (outermost string, err error) {
	at := filepath.Join("/", m.Root)
	inConfig := "/"
	names := strings.Split(strings.Trim(path.Clean("/"+mt.Path), "/"), "/")
	for i := range len(names) + 1 {
		made, err := m.ensureDirectory(at, inConfig)
		if err != nil {
			return "", &report.Error{Origin: mt.Origin("path"), Err: fmt.Errorf("making the mount point: %w", err),
				Hint: "name the directory that the link leads to, or another path"}
		}
		if made && outermost == "" {
			outermost = at
		}
		if i < len(names) {
			at, inConfig = filepath.Join(at, names[i]), path.Join(inConfig, names[i])
		}
	}
	return outermost, nil
}

// ensureDirectory makes one directory and notes it for the files stage, which
// gives the directories of a user's home their owner.
func (m *Machine) ensureDirectory(at, inConfig string) (made bool, err error) {
	// Two filesystems may have parents in common.
	m.mu.Lock()
	defer m.mu.Unlock()
	info, err := os.Lstat(at)
	switch {
	case err == nil && info.IsDir():
		return false, nil
	case err == nil && info.Mode()&os.ModeSymlink != 0:
		return false, fmt.Errorf("%s is a symbolic link", at)
	case err == nil:
		return false, fmt.Errorf("%s is not a directory", at)
	case !errors.Is(err, os.ErrNotExist):
		return false, err
	}
	if err := m.recordDirectory(inConfig); err != nil {
		return false, err
	}
	if err := os.Mkdir(at, 0o755); err != nil {
		return false, err
	}
	// The umask does not count.
	if err := os.Chmod(at, 0o755); err != nil {
		return false, err
	}
	m.RecordedDirectories = append(m.RecordedDirectories, inConfig)
	return true, nil
}

// recordDirectory records a directory before it is made. With the first of those that were
// missing when the mounts were planned all of them are: a record is synced.
func (m *Machine) recordDirectory(inConfig string) error {
	points := []string{inConfig}
	switch {
	case m.RecordDirectories == nil || slices.Contains(m.recorded, inConfig):
		return nil
	case slices.Contains(m.toMake, inConfig):
		points = m.toMake
	}
	m.recorded = append(m.recorded, points...)
	return m.RecordDirectories(points)
}

// missingDirectories are those that lead to mount points and are not there yet. What another
// mount will have is not known.
func (m *Machine) missingDirectories(mounts []config.Mount) (missing []string) {
	root := filepath.Join("/", m.Root)
	for i, mt := range mounts {
		if slices.ContainsFunc(mounts[:i], func(outer config.Mount) bool { return within(mt.Path, outer.Path) }) {
			continue
		}
		for dir := path.Clean("/" + mt.Path); dir != "/" && !slices.Contains(missing, dir); dir = path.Dir(dir) {
			if _, err := os.Lstat(filepath.Join(root, dir)); errors.Is(err, os.ErrNotExist) {
				missing = append(missing, dir)
			}
		}
	}
	slices.Sort(missing) // the outermost first
	return missing
}
