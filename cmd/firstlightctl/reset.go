//go:build linux && !portable

package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/firstlight-os/firstlight/files/clearing"
	"github.com/firstlight-os/firstlight/files/rootfs"
	failure "github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/reset"
	"github.com/firstlight-os/firstlight/internal/system"
)

const resetHelp = `Have the next boot of this machine be a first boot, with another config. From
the root filesystem everything goes that is neither kept nor part of the image;
disks become what the config describes; other filesystems stay unless it wipes
them.

All of it is checked now: the config, the paths, what the disks stage would do
to the root while something is kept, files that would be in the way, how the
boot loader learns of it, and space. If there is anything wrong nothing is
written. What goes and what stays is printed before. Nothing is removed until
the machine boots the next time; until then --cancel takes the reset back, and
another reset replaces it.

CONFIG is an Ignition config in JSON or a Butane config in YAML; - is standard
input. It takes the place of the platform's. If the image has keys it has to be
signed: see "firstlightctl verify". Nothing that it refers to is fetched without
--fetch.

--keep names a file or directory that stays with all that is in it, by its path
without links. It may be repeated. See docs/reset.md for what the image owns.

With --json, "layout", "goes", "stays", "request" and "armed" are about the
reset, and the rest is as in "firstlightctl plan --json".

Exit status:
  0  the reset is pending; with --preview, it is possible
  1  the config was refused, or there are conflicts: nothing was written
  2  wrong usage, or a file that cannot be read or written`

type resetOptions struct {
	planOptions
	config, dir                    string
	keep                           []string
	keepMachineID, preview, cancel bool
}

func resetCommand() *cobra.Command {
	var o resetOptions
	c := &cobra.Command{
		Use:   "reset --config CONFIG [--keep PATH]... [flags]",
		Short: "Provision this machine anew, and keep chosen paths",
		Long:  resetHelp,
		Example: "  firstlightctl reset --config new.bu --keep /var/home --preview\n" +
			"  firstlightctl reset --config new.bu --keep /var/home && systemctl reboot\n" +
			"  firstlightctl reset --cancel",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			if o.cancel {
				return cancelReset(o.dir, c.OutOrStdout())
			}
			return runReset(o, thisMachine(), c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringVar(&o.config, "config", "", "the new `CONFIG` of the machine")
	f.StringArrayVar(&o.keep, "keep", nil, "`PATH` on the root that stays; may be repeated")
	f.BoolVar(&o.keepMachineID, "keep-machine-id", false, "the machine keeps its ID (machine-id(5))")
	f.BoolVar(&o.preview, "preview", false, "show what would be done, and write nothing")
	f.BoolVar(&o.cancel, "cancel", false, "take a reset back that has not begun")
	o.addFlags(f)
	f.StringArrayVar(&o.factValues, "fact", nil, "what \"${fact:NAME}\" stands for: `NAME=VALUE`")
	f.BoolVar(&o.fetch, "fetch", false, "fetch configs, ask servers for the rest")
	f.StringVar(&o.dir, "root", "/", "the `DIR` where the system is mounted")
	f.BoolVar(&o.json, "json", false, "print the same as JSON")
	return c
}

// check refuses flags that do not go together.
func (o *resetOptions) check() error {
	asks := o.config != "" || len(o.keep) > 0 || o.keepMachineID || o.preview
	switch {
	case o.cancel && asks:
		return errors.New("--cancel takes a reset back, and goes with no other flag but --root")
	case !o.cancel && o.config == "":
		return errors.New("reset takes a config: --config CONFIG; - is standard input")
	}
	return nil
}

// A resetResult is what reset prints.
type resetResult struct {
	// Config is what the config is called.
	Config string `json:"config"`
	// Layout is what kind of root it is, EtcFrom where /etc comes from, if it is made anew.
	Layout  string          `json:"layout"`
	EtcFrom string          `json:"etcFrom,omitempty"`
	Goes    []clearing.Part `json:"goes"`
	Stays   []clearing.Part `json:"stays"`
	// MachineID reports whether the machine keeps its ID.
	MachineID bool `json:"keepsMachineID"`
	// Replaces is the ID of the reset that this one takes the place of.
	Replaces string `json:"replacesRequest,omitempty"`
	// Request is the file with the request, or that would have it; ID is that of one that
	// was written.
	Request string `json:"request"`
	ID      string `json:"id,omitempty"`
	Armed   bool   `json:"armed"`
	*planResult
}

// A resetting is one reset in the making.
type resetting struct {
	resetOptions
	resetMachine
	root     *rootfs.Root
	planning *planning
	system   *resetSystem
	plan     *clearing.Plan
	request  reset.Request
	result   *resetResult
}

func runReset(o resetOptions, m resetMachine, stdin io.Reader, stdout, stderr io.Writer) error {
	for i, name := range o.keep {
		if filepath.IsAbs(name) {
			o.keep[i] = filepath.Clean(name)
		}
	}
	told, err := parseGivenFacts(o.factValues)
	if err != nil {
		return err
	}
	in, err := readInput(o.config, stdin)
	if err != nil {
		return fmt.Errorf("reading the config: %w", err)
	}
	// Mount points are absolute and without links.
	if o.dir, err = filepath.Abs(o.dir); err == nil {
		o.dir, err = filepath.EvalSymlinks(o.dir)
	}
	var root *rootfs.Root
	if err == nil {
		root, err = rootfs.Open(o.dir)
	}
	if err != nil {
		return fmt.Errorf("opening the root: %w", err)
	}
	defer root.Close()
	r := &resetting{resetOptions: o, resetMachine: m, root: root, planning: newPlanning(o.planOptions, nil)}
	r.planning.told = told
	r.result = &resetResult{Config: in.name, Goes: []clearing.Part{}, Stays: []clearing.Part{}, planResult: r.planning.result}
	refused, err := r.look(in, stderr)
	if err != nil {
		return err
	}
	conflicts := len(r.result.Conflicts) > 0
	if !o.json {
		if _, err := io.WriteString(stdout, r.drawing(stdout).reset(r.result)); err != nil {
			return fmt.Errorf("writing what would be done: %w", err)
		}
	}
	if !refused && !conflicts && !o.preview {
		if err := r.system.way.ArmReset(root, r.request); err != nil {
			return fmt.Errorf("asking for the reset: %w", err)
		}
		r.result.ID, r.result.Armed = r.request.ID, true
	}
	if o.json {
		err = encode(stdout, r.result)
	} else {
		_, err = io.WriteString(stdout, r.drawing(stdout).resetEnd(r.result, refused, o.preview))
	}
	switch {
	case err != nil:
		return fmt.Errorf("writing what was done: %w", err)
	case refused || conflicts:
		return errRefused
	}
	return nil
}

func (r *resetting) drawing(stdout io.Writer) drawing {
	return drawing{columns: columns(stdout), color: colorizer(wantsColor(stdout))}
}

// look finds out what the reset will do, and all that is wrong with it: conflicts are in the
// result. The config may be refused, which has been printed.
func (r *resetting) look(in input, stderr io.Writer) (refused bool, err error) {
	if r.system, err = r.lookAtSystem(); err != nil {
		return false, err
	}
	devices, leftOut, err := r.devices()
	if err != nil {
		return false, err
	}
	for _, err := range failure.Leaves(leftOut) {
		fmt.Fprintln(stderr, "note:", printable(err.Error())+"; it is left out")
	}
	r.request = reset.Request{ID: reset.NewID(), Created: time.Now().UTC().Truncate(time.Second), Keep: r.keep}
	r.conflict(r.checkState())
	r.conflict(r.checkLoader())
	r.conflict(r.checkMachineID())
	r.conflict(r.lookAtRoot(stderr))
	r.conflict(r.findDevices(devices))
	cfg, err := r.readConfig(in, stderr)
	switch {
	case errors.Is(err, errRefused):
		return true, nil
	case err != nil:
		return false, err
	}
	r.conflict(r.checkTrust(in))
	r.conflict(r.checkRequest())
	return false, r.planConfig(cfg, devices)
}

// conflict adds what is wrong to the result.
func (r *resetting) conflict(err error) { r.planning.add("", nil, err) }

// cancelReset takes back a reset that has not begun.
func cancelReset(dir string, stdout io.Writer) error {
	root, err := rootfs.Open(dir)
	if err != nil {
		return fmt.Errorf("opening the root: %w", err)
	}
	defer root.Close()
	way, err := wayOf(root, dir)
	if err != nil {
		return err
	}
	at, err := way.Place(root)
	if err != nil {
		return fmt.Errorf("looking for a reset: %w", err)
	}
	if !root.Exists(at.File) {
		_, err = fmt.Fprintln(stdout, "No reset is pending.")
		return err
	}
	text := "The request, which could not be read, is removed.\n"
	if pending, err := way.Pending(root); err == nil {
		line, err := system.CommandLine()
		if err != nil {
			return err
		}
		if hasBegun(root, pending, line) {
			return errors.New("this boot is the reset: it has begun, and cannot be taken back")
		}
		text = fmt.Sprintf("The reset to %s is taken back: the machine stays as it is.\n", printable(pending.Name))
	}
	if err := way.Cancel(root); err != nil {
		return fmt.Errorf("taking the reset back: %w", err)
	}
	_, err = io.WriteString(stdout, text)
	return err
}
