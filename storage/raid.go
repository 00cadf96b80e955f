package storage

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/storage/plan"
)

// arrayFacts finds out which arrays of the kernel have the members.
func (m *Machine) arrayFacts(a *plan.Array, members []plan.DeviceFacts, inUse mountsAndSwaps) plan.ArrayFacts {
	f := plan.ArrayFacts{Members: members}
	if node, err := resolve(m.devPath(a.Paths[0])); err == nil {
		f.Named = node
	}
	known := map[string]bool{}
	for _, member := range members {
		for _, h := range member.Holders {
			if strings.HasPrefix(h.Kernel, "md") && !known[h.Kernel] {
				known[h.Kernel] = true
				f.Running = append(f.Running, m.runningArray(h.Kernel, inUse))
			}
		}
	}
	return f
}

func (m *Machine) runningArray(kernel string, inUse mountsAndSwaps) plan.RunningArray {
	r := plan.RunningArray{Kernel: kernel}
	// What has no such file is not an array, and has no slaves that are ours.
	state := m.attribute(m.sys("class", "block", kernel), "md/array_state")
	r.Active = state != "" && state != "inactive" && state != "clear"
	_, err := os.Stat(m.creatingFile(kernel))
	r.Creating = err == nil
	dir, err := filepath.EvalSymlinks(m.sys("class", "block", kernel))
	if err != nil {
		return r
	}
	if slaves, err := os.ReadDir(filepath.Join(dir, "slaves")); err == nil {
		for _, s := range slaves {
			r.Members = append(r.Members, s.Name())
		}
	}
	r.Holders = m.allHolders(dir, inUse)
	return r
}

// creatingFile is the file by which mdadm keeps udev away from an array while it
// creates it, see udev's rules 01-md-raid-creating.
func (m *Machine) creatingFile(kernel string) string {
	return filepath.Join(cmp.Or(m.Mdadm, "/run/mdadm"), "creating-"+kernel)
}

// prepareArray carries out the plan for an array. It looks and decides once
// more: what could not be seen before can be now, and udev may have assembled
// the array.
func (m *Machine) prepareArray(ctx context.Context, a *plan.Array) error {
	members, inUse, err := m.lookAgain(ctx, a.Members...)
	if err != nil {
		return err
	}
	facts := m.arrayFacts(a, members, inUse)
	d, errs := plan.DecideArray(a.Config, facts)
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	if a.Content == plan.ContentNew && d.Action != plan.Create {
		return errChanged
	}
	if d.Action == plan.Keep {
		return nil
	}
	for _, node := range d.Stop {
		if err := m.mdadm(ctx, "--stop", node); err != nil {
			return err
		}
	}
	for _, r := range facts.Running {
		if err := os.Remove(m.creatingFile(r.Kernel)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	switch d.Action {
	case plan.Create:
		return m.createArray(ctx, a, members)
	case plan.Start:
		if err := m.mdadm(ctx, append([]string{"--assemble", a.Paths[0], "--homehost", plan.HomeHost}, nodes(members)...)...); err != nil {
			return err
		}
		if err := m.wait(ctx, []requiredDevice{{path: m.devPath(a.Paths[0]), origin: a.Origin()}}); err != nil {
			return err
		}
	}
	return m.addMissingMembers(ctx, a, members)
}

// addMissingMembers adds the devices that the array runs without: those that an
// earlier run had not come to, or that have missed a change.
func (m *Machine) addMissingMembers(ctx context.Context, a *plan.Array, members []plan.DeviceFacts) error {
	at := m.devPath(a.Paths[0])
	array, err := resolve(at)
	if err != nil {
		return err
	}
	for _, f := range m.runningArray(filepath.Base(array), nil).Missing(members) {
		if err := m.mdadm(ctx, "--manage", at, "--add", f.Node); err != nil {
			return err
		}
	}
	return nil
}

func (m *Machine) mdadm(ctx context.Context, args ...string) error {
	_, err := m.Run.Run(ctx, system.Command{Name: "mdadm", Args: args})
	return err
}

func (m *Machine) createArray(ctx context.Context, a *plan.Array, members []plan.DeviceFacts) error {
	for _, f := range members {
		if err := wipeDevice(f.Node, f.Signatures); err != nil {
			return err
		}
	}
	if _, err := m.Run.Run(ctx, createCommand(a.Config, nodes(members))); err != nil {
		return err
	}
	at := m.devPath(a.Paths[0])
	if err := m.wait(ctx, []requiredDevice{{path: at, origin: a.Origin()}}); err != nil {
		return err
	}
	// What the members held before can show through.
	d, err := m.open(at)
	if err != nil {
		return err
	}
	defer d.file.Close()
	if err := wipeDevice(d.node, d.probe()); err != nil {
		return err
	}
	return m.settle(ctx, d.sysfs)
}

func nodes(members []plan.DeviceFacts) []string {
	var all []string
	for _, f := range members {
		all = append(all, f.Node)
	}
	return all
}

// createCommand creates an array.
func createCommand(r *config.Raid, nodes []string) system.Command {
	spares := config.ValueOr(r.Spares, 0)
	args := []string{"--create", r.Name, "--force", "--run", "--homehost", plan.HomeHost, "--level", config.ValueOr(r.Level, ""),
		"--raid-devices", strconv.Itoa(len(nodes) - spares)}
	if spares > 0 {
		args = append(args, "--spare-devices", strconv.Itoa(spares))
	}
	return system.Command{Name: "mdadm", Args: slices.Concat(args, r.Options, nodes)}
}
