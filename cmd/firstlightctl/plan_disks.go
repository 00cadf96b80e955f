//go:build linux && !portable

package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/storage"
)

// parseImages parses NAME=IMAGE arguments.
func parseImages(arguments []string) (map[string]string, error) {
	images := map[string]string{}
	for _, argument := range arguments {
		name, image, ok := strings.Cut(argument, "=")
		switch _, twice := images[name]; {
		case !ok || image == "":
			return nil, fmt.Errorf("--disk %s: it should be NAME=IMAGE, such as /dev/vda=disk.raw", argument)
		case !filepath.IsAbs(name):
			return nil, fmt.Errorf("--disk %s: %q is not a path as configs have it; it should be like /dev/vda", argument, name)
		case twice:
			return nil, fmt.Errorf("--disk: %s is given twice", name)
		}
		info, err := os.Stat(image)
		switch {
		case err != nil:
			return nil, fmt.Errorf("reading the image of %s: %w", name, err)
		case !info.Mode().IsRegular():
			return nil, fmt.Errorf("--disk %s: %s is not a file; to plan for the devices of this machine, remove --disk", argument, image)
		}
		if images[name], err = filepath.Abs(image); err != nil {
			return nil, err
		}
	}
	return images, nil
}

// useImages has a machine read the images instead of its devices, and gives the config
// their names. Done removes what that takes.
func (p *planning) useImages(m *storage.Machine, cfg **config.Config) (done func(), err error) {
	for _, name := range slices.Sorted(maps.Keys(p.images)) {
		if !slices.Contains(devicesOf(*cfg), name) {
			return nil, fmt.Errorf("--disk %s: the config has no such device; it has %s", name, cmp.Or(strings.Join(devicesOf(*cfg), ", "), "none"))
		}
	}
	root, err := newFakeRoot(p.images)
	if err != nil {
		return nil, fmt.Errorf("preparing a directory for the images: %w", err)
	}
	m.Sys, m.Proc, m.Udev, m.Dev = root.path("sys"), root.path("proc"), root.path("udev"), root.path("dev")
	p.original = root.original
	*cfg = (*cfg).WithDevices(root.rename)
	if len((*cfg).Firstlight.Disks) > 0 {
		p.notJudged("which disks of a machine are those that the config looks for by what they are; facts of the machine would tell (--facts)")
		(*cfg).Firstlight.Disks = nil // images stand for them
	}
	return func() { os.RemoveAll(root.dir) }, nil
}

// devicesOf returns the devices that the config names.
func devicesOf(cfg *config.Config) []string {
	var names []string
	cfg.WithDevices(func(path string) string {
		if filepath.IsAbs(path) && !slices.Contains(names, path) {
			names = append(names, path)
		}
		return path
	})
	return slices.Sorted(slices.Values(names))
}

// A fakeRoot is a directory with the parts of /sys, /proc and /dev that the
// planner reads. The images are in it under the device names of the config, so
// that partitions get the names that they would have.
type fakeRoot struct{ dir string }

func newFakeRoot(images map[string]string) (t *fakeRoot, err error) {
	t = &fakeRoot{}
	if t.dir, err = os.MkdirTemp("", "firstlightctl-"); err != nil {
		return nil, err
	}
	errs := []error{os.MkdirAll(t.path("sys/class/block"), 0o700), os.MkdirAll(t.path("proc/self"), 0o700),
		os.WriteFile(t.path("proc/self/mountinfo"), nil, 0o600)}
	for name, image := range images {
		errs = append(errs, os.MkdirAll(filepath.Dir(t.path(name)), 0o700), os.Symlink(image, t.path(name)))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, errors.Join(err, os.RemoveAll(t.dir))
	}
	return t, nil
}

func (t *fakeRoot) path(name string) string { return filepath.Join(t.dir, name) }

// planNames are the prefixes of device names that a plan creates for partitions,
// arrays and volumes. The planner looks for others in the fake root.
var planNames = []string{"/dev/disk/by-partlabel/", "/dev/disk/by-partuuid/", "/dev/md/", "/dev/disk/by-id/md-", "/dev/mapper/", "/dev/disk/by-id/dm-"}

// rename returns the path in the fake root.
func (t *fakeRoot) rename(path string) string {
	if isDevice(path) {
		return t.path(path)
	}
	return path
}

// isDevice reports whether path is a device that exists before the plan, rather
// than one that it creates or a virtiofs tag.
func isDevice(path string) bool {
	return filepath.IsAbs(path) && !slices.ContainsFunc(planNames, func(begin string) bool { return strings.HasPrefix(path, begin) })
}

// original turns the names in a text back into those of the config.
func (t *fakeRoot) original(text string) string { return strings.ReplaceAll(text, t.dir, "") }
