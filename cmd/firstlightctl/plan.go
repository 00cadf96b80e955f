package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/fetch"
	failure "github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/storage"
	"github.com/firstlight-os/firstlight/storage/plan"
)

const planHelp = `Show what the disks stage would do with a config, without changing anything:
each disk before and after, and the operations in between, or all conflicts.

CONFIG is an Ignition config in JSON or a Butane config in YAML; - is standard
input. With --disk an image file stands for a disk, and no device of this
machine is read; images are opened read-only. Their sector size is that of their
partition tables, or 512, or what --sector-size says. Without --disk the devices
of this machine are read, which needs permission. The plan waits for no device.

Each disk is drawn as a bar, as wide as COLUMNS says (80 by default). Free space
is dots; the marks are
  +  created    ~  resized    !  replaced    -  deleted
What would be lost is one line, "this destroys:", in red on a terminal unless
NO_COLOR is set.

With --json, "disks" has each disk "before" and "after", sizes in bytes, and
under "destroys" what would be lost on it, as texts; "operations", "conflicts"
and "warnings" are lists, too. Members may be added.

Exit status:
  0  the plan is possible, or there is nothing to do
  1  the config was refused, or there are conflicts
  2  wrong usage, or a file that cannot be read`

type planOptions struct {
	images []string
	sector int
	json   bool
}

func planCommand() *cobra.Command {
	var o planOptions
	c := &cobra.Command{
		Use:   "plan [flags] CONFIG",
		Short: "Show what would be done to disks, without doing it",
		Long:  planHelp,
		Args: func(_ *cobra.Command, files []string) error {
			if len(files) != 1 {
				return errors.New("plan takes one CONFIG; - is standard input")
			}
			return nil
		},
		RunE: func(c *cobra.Command, files []string) error {
			return runPlan(files[0], o, c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringArrayVar(&o.images, "disk", nil, "image file for a disk, as `NAME=IMAGE`")
	f.IntVar(&o.sector, "sector-size", 0, "sectors of the images have this many `BYTES`")
	f.BoolVar(&o.json, "json", false, "print the same as JSON")
	return c
}

// A planResult is what plan prints.
type planResult struct {
	Disks      []plan.DiskPreview `json:"disks"`
	Operations []operation        `json:"operations"`
	Conflicts  []failure.Problem  `json:"conflicts"`
	// Warnings are what the stage would log as such.
	Warnings []string `json:"warnings"`
}

// An operation is one step of the plan.
type operation struct {
	Name   string        `json:"operation"`
	Origin config.Origin `json:"origin,omitzero"`
}

func runPlan(file string, o planOptions, stdin io.Reader, stdout, stderr io.Writer) error {
	images, err := parseImages(o.images)
	if err != nil {
		return err
	}
	if err := o.checkSector(); err != nil {
		return err
	}
	in, err := readInput(file, stdin)
	if err != nil {
		return fmt.Errorf("reading the config: %w", err)
	}
	cfg, err := planConfig(in, stderr)
	if err != nil {
		return err
	}
	result, err := planOnImages(cfg, images, o.sector)
	if err != nil {
		return err
	}
	if o.json {
		err = encode(stdout, result)
	} else {
		_, err = io.WriteString(stdout, drawing{columns: columns(), color: colorizer(wantsColor(stdout))}.plan(result))
	}
	switch {
	case err != nil:
		return fmt.Errorf("writing the plan: %w", err)
	case len(result.Conflicts) > 0:
		return errRefused
	}
	return nil
}

// checkSector refuses sector sizes that disks do not have.
func (o planOptions) checkSector() error {
	switch {
	case o.sector == 0:
		return nil
	case len(o.images) == 0:
		return errors.New("--sector-size is for images (--disk NAME=IMAGE); devices of this machine report their own")
	case o.sector < 512 || o.sector > 4096 || o.sector&(o.sector-1) != 0:
		return fmt.Errorf("--sector-size %d: disks have sectors of 512, 1024, 2048 or 4096 bytes", o.sector)
	}
	return nil
}

// planConfig reads a config with the configs in its data URLs, and prints their
// problems.
func planConfig(in input, stderr io.Writer) (*config.Config, error) {
	var r report
	m := &merger{report: &r, lines: newLineFinder(&r), client: fetch.New(nil, 0)}
	m.client.Offline = true
	cfg := m.read(in)
	if cfg != nil {
		var err error
		if cfg, err = m.resolve(cfg); err != nil {
			return nil, err
		}
		m.addNew(cfg.Validate())
	}
	for _, note := range m.notFetched {
		fmt.Fprintln(stderr, "note:", note)
	}
	if err := printText(stderr, &r); err != nil {
		return nil, err
	}
	if r.refused() {
		return nil, errRefused
	}
	return cfg, nil
}

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

// planOnImages plans for images if there are any, else for the devices of this
// machine.
func planOnImages(cfg *config.Config, images map[string]string, sector int) (*planResult, error) {
	silent := failure.NewFuncLogger(func(failure.Level, string, map[string]string) {})
	m := &storage.Machine{Log: silent, Sector: sector, Run: system.Exec{Log: silent}}
	if len(images) == 0 {
		return planOnMachine(m, cfg, func(path string) string { return path }), nil
	}
	for _, name := range slices.Sorted(maps.Keys(images)) {
		if !slices.Contains(devicesOf(cfg), name) {
			return nil, fmt.Errorf("--disk %s: the config has no such device; it has %s", name, cmp.Or(strings.Join(devicesOf(cfg), ", "), "none"))
		}
	}
	root, err := newFakeRoot(images)
	if err != nil {
		return nil, fmt.Errorf("preparing a directory for the images: %w", err)
	}
	defer os.RemoveAll(root.dir)
	m.Sys, m.Proc, m.Udev, m.Dev = root.path("sys"), root.path("proc"), root.path("udev"), root.path("dev")
	return planOnMachine(m, cfg.WithDevices(root.rename), root.original), nil
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

// planOnMachine plans, and turns the device names in the result back into those of
// the config.
func planOnMachine(m *storage.Machine, cfg *config.Config, original func(string) string) *planResult {
	result := &planResult{Disks: []plan.DiskPreview{}, Operations: []operation{}, Conflicts: []failure.Problem{}, Warnings: []string{}} // never null in JSON
	m.Absent = func(device string, err error) string {
		hint := "name an image file that stands for it: --disk " + original(device) + "=IMAGE"
		if errors.Is(err, os.ErrPermission) {
			hint = "run it as root, or " + hint
		}
		return hint
	}
	disks, plan, err := m.Preview(context.Background(), cfg)
	for _, d := range disks {
		d.Device, d.Node = original(d.Device), original(d.Node)
		result.Disks = append(result.Disks, d)
	}
	for _, o := range plan {
		result.Operations = append(result.Operations, operation{original(o.Name), o.Origin})
	}
	for _, p := range failure.Explain(err) {
		p.Operation, p.Cause, p.Hint = original(p.Operation), original(p.Cause), original(p.Hint)
		result.Conflicts = append(result.Conflicts, p)
	}
	for _, warning := range m.Log.Warnings() {
		result.Warnings = append(result.Warnings, original(warning))
	}
	return result
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
