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
	outcome "github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/storage"
)

const planHelp = `Show what the disks stage would do with a config, and touch nothing: each disk
before and after, and the operations in between, or all that is in the way.

CONFIG is an Ignition config in JSON or a Butane config in YAML; - is standard
input. With --disk an image file stands for a disk, and no device of this
machine is looked at; images are opened for reading only. Their sectors have as
many bytes as their partition tables say, or 512, or what --sector-size says.
Without --disk it is the devices of this machine, which takes the right to read
them. Nothing is waited for.

Each disk is drawn as a bar, as wide as COLUMNS says (80 by default). Free space
is dots; the marks are
  +  created    ~  resized    !  replaced    -  deleted

Exit status:
  0  the plan is possible, or there is nothing to do
  1  the config was refused, or does not fit the disks
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
		Short: "Show what would be done to disks, and touch nothing",
		Long:  planHelp,
		Args: func(_ *cobra.Command, files []string) error {
			if len(files) != 1 {
				return errors.New("plan takes one CONFIG; - is standard input")
			}
			return nil
		},
		RunE: func(c *cobra.Command, files []string) error {
			return plan(files[0], o, c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringArrayVar(&o.images, "disk", nil, "image file for a disk, as `NAME=IMAGE`")
	f.IntVar(&o.sector, "sector-size", 0, "sectors of the images have this many `BYTES`")
	f.BoolVar(&o.json, "json", false, "print the same as JSON")
	return c
}

// A planned is what there is to show.
type planned struct {
	Disks      []storage.DiskPreview `json:"disks"`
	Operations []operation           `json:"operations"`
	Conflicts  []outcome.Problem     `json:"conflicts"`
}

// An operation is one step of the plan.
type operation struct {
	Name   string        `json:"operation"`
	Origin config.Origin `json:"origin,omitzero"`
}

func plan(file string, o planOptions, stdin io.Reader, stdout, stderr io.Writer) error {
	images, err := imagesNamed(o.images)
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
	result, err := planWith(cfg, images, o.sector)
	if err != nil {
		return err
	}
	if o.json {
		err = encode(stdout, result)
	} else {
		_, err = io.WriteString(stdout, drawing{columns: columns(), paint: painter(colourful(stdout))}.plan(result))
	}
	switch {
	case err != nil:
		return fmt.Errorf("writing the plan: %w", err)
	case len(result.Conflicts) > 0:
		return errRefused
	}
	return nil
}

// checkSector refuses sizes that disks do not have.
func (o planOptions) checkSector() error {
	switch {
	case o.sector == 0:
		return nil
	case len(o.images) == 0:
		return errors.New("--sector-size is about images (--disk NAME=IMAGE); devices of this machine say it themselves")
	case o.sector < 512 || o.sector > 4096 || o.sector&(o.sector-1) != 0:
		return fmt.Errorf("--sector-size %d: disks have sectors of 512, 1024, 2048 or 4096 bytes", o.sector)
	}
	return nil
}

// planConfig reads a config, with what it refers to in data URLs, and says what
// is wrong with it.
func planConfig(in input, stderr io.Writer) (*config.Config, error) {
	var r report
	m := &merger{report: &r, lines: newLineFinder(&r), data: fetch.New(nil, 0)}
	m.data.Offline = true
	cfg := m.read(in)
	if cfg != nil {
		cfg = m.follow(cfg)
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

// imagesNamed reads NAME=IMAGE arguments.
func imagesNamed(arguments []string) (map[string]string, error) {
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
			return nil, fmt.Errorf("--disk %s: %s is not a file; to plan for the devices of this machine leave --disk out", argument, image)
		}
		if images[name], err = filepath.Abs(image); err != nil {
			return nil, err
		}
	}
	return images, nil
}

// planWith plans on images if there are any, else on the machine's devices.
func planWith(cfg *config.Config, images map[string]string, sector int) (*planned, error) {
	m := &storage.Machine{Log: nil, Sector: sector}
	m.Run = system.Exec{Log: m.Log}
	if len(images) == 0 {
		return planOn(m, cfg, func(path string) string { return path }), nil
	}
	for _, name := range slices.Sorted(maps.Keys(images)) {
		if !slices.Contains(devicesOf(cfg), name) {
			return nil, fmt.Errorf("--disk %s: the config has no such device; it has %s", name, cmp.Or(strings.Join(devicesOf(cfg), ", "), "none"))
		}
	}
	desk, err := newTable(images)
	if err != nil {
		return nil, fmt.Errorf("making a place for the images: %w", err)
	}
	defer os.RemoveAll(desk.root)
	m.Sys, m.Proc, m.Udev, m.Dev = desk.path("sys"), desk.path("proc"), desk.path("udev"), desk.path("dev")
	return planOn(m, cfg.WithDevices(desk.rename), desk.original), nil
}

// devicesOf are the devices that the config names.
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

// planOn plans, and turns the names in what comes out back into the config's.
func planOn(m *storage.Machine, cfg *config.Config, original func(string) string) *planned {
	result := &planned{Disks: []storage.DiskPreview{}, Operations: []operation{}, Conflicts: []outcome.Problem{}} // never null in JSON
	m.Absent = func(device string, err error) string {
		hint := "name an image file that stands for it: --disk " + original(device) + "=IMAGE"
		if errors.Is(err, os.ErrPermission) {
			hint = "run it as root, or " + hint
		}
		return hint
	}
	pictures, plan, err := m.Preview(context.Background(), cfg)
	for _, d := range pictures {
		d.Device, d.Node = original(d.Device), original(d.Node)
		result.Disks = append(result.Disks, d)
	}
	for _, o := range plan {
		result.Operations = append(result.Operations, operation{original(o.Name), o.Origin})
	}
	for _, p := range outcome.Explain(err) {
		p.Operation, p.Cause, p.Hint = original(p.Operation), original(p.Cause), original(p.Hint)
		result.Conflicts = append(result.Conflicts, p)
	}
	return result
}

// A table is a directory with a machine of which there is only what the planner
// looks at. The images are there by the names in the config, so that partitions
// are called what they would be called.
type table struct{ root string }

func newTable(images map[string]string) (t *table, err error) {
	t = &table{}
	if t.root, err = os.MkdirTemp("", "firstlightctl-"); err != nil {
		return nil, err
	}
	errs := []error{os.MkdirAll(t.path("sys/class/block"), 0o700), os.MkdirAll(t.path("proc/self"), 0o700),
		os.WriteFile(t.path("proc/self/mountinfo"), nil, 0o600)}
	for name, image := range images {
		errs = append(errs, os.MkdirAll(filepath.Dir(t.path(name)), 0o700), os.Symlink(image, t.path(name)))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, errors.Join(err, os.RemoveAll(t.root))
	}
	return t, nil
}

func (t *table) path(name string) string { return filepath.Join(t.root, name) }

// planNames are how names begin that the plan itself gives, to partitions,
// arrays and volumes. The planner looks for those that it does not give on the
// table.
var planNames = []string{"/dev/disk/by-partlabel/", "/dev/disk/by-partuuid/", "/dev/md/", "/dev/disk/by-id/md-", "/dev/mapper/", "/dev/disk/by-id/dm-"}

// rename is the path on the table.
func (t *table) rename(path string) string {
	if isDevice(path) {
		return t.path(path)
	}
	return path
}

// isDevice tells devices from what the plan makes, and from tags of virtiofs.
func isDevice(path string) bool {
	return filepath.IsAbs(path) && !slices.ContainsFunc(planNames, func(begin string) bool { return strings.HasPrefix(path, begin) })
}

// original is a text in which the names are the config's again.
func (t *table) original(text string) string { return strings.ReplaceAll(text, t.root, "") }
