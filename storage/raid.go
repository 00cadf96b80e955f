package storage

import (
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
)

// lookAtArray finds out which arrays of the kernel have the members.
func (m *Machine) lookAtArray(p *arrayPlan, members []deviceFacts, busy map[number][]string) arrayFacts {
	f := arrayFacts{Members: members}
	if node, err := resolve(m.devPath(p.paths[0])); err == nil {
		f.Named = node
	}
	known := map[string]bool{}
	for _, t := range members {
		for _, u := range t.Holders {
			if strings.HasPrefix(u.Kernel, "md") && !known[u.Kernel] {
				known[u.Kernel] = true
				f.Running = append(f.Running, m.runningArray(u.Kernel, busy))
			}
		}
	}
	return f
}

func (m *Machine) runningArray(kernel string, busy map[number][]string) runningArray {
	r := runningArray{Kernel: kernel}
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
	r.Holders = m.holders(dir, busy)
	for _, part := range m.partitions(dir) {
		r.Holders = append(r.Holders, m.holders(part.sysfs, busy)...)
	}
	return r
}

// creatingFile is the file by which mdadm keeps udev away from an array while it
// makes it, see udev's rules 01-md-raid-creating.
func (m *Machine) creatingFile(kernel string) string {
	return filepath.Join(or(m.Mdadm, "/run/mdadm"), "creating-"+kernel)
}

func (p *arrayPlan) decide(m *Machine, busy map[number][]string) []error {
	d, errs := decideArray(p.Raid, m.lookAtArray(p, p.facts(), busy))
	if len(errs) > 0 {
		return errs
	}
	if d.Warning != "" {
		m.Log.Warn(d.Warning)
	}
	p.action = d.Action
	p.state = map[arrayAction]contentState{keepArray: contentExisting, completeArray: contentDeferred, assembleArray: contentDeferred, createArray: contentNew}[d.Action]
	return nil
}

func (p *arrayPlan) do(ctx context.Context, m *Machine) error { return m.ensureArray(ctx, p) }

// ensureArray carries out the plan for an array. It looks and decides once more: what
// could not be seen before can be now, and udev may have assembled the array.
func (m *Machine) ensureArray(ctx context.Context, p *arrayPlan) error {
	nodes, members, busy, err := m.lookAgain(ctx, p.sites)
	if err != nil {
		return err
	}
	facts := m.lookAtArray(p, members, busy)
	d, errs := decideArray(p.Raid, facts)
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	if p.state == contentNew && d.Action != createArray {
		return errChanged
	}
	if d.Action == keepArray {
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
	case createArray:
		return m.createArray(ctx, p, nodes, members)
	case assembleArray:
		if err := m.mdadm(ctx, append([]string{"--assemble", p.paths[0], "--homehost", homehost}, nodes...)...); err != nil {
			return err
		}
		if err := m.wait(ctx, []requiredDevice{{path: m.devPath(p.paths[0]), origin: p.origin}}); err != nil {
			return err
		}
	}
	return m.addMissingMembers(ctx, p, nodes, members)
}

// addMissingMembers adds the devices that the array runs without: those that an
// earlier run had not come to, or that have missed a change.
func (m *Machine) addMissingMembers(ctx context.Context, p *arrayPlan, nodes []string, members []deviceFacts) error {
	at := m.devPath(p.paths[0])
	array, err := resolve(at)
	if err != nil {
		return err
	}
	lacks := m.runningArray(filepath.Base(array), nil).missing(members)
	for i, t := range members {
		if slices.ContainsFunc(lacks, func(l deviceFacts) bool { return l.Kernel == t.Kernel }) {
			if err := m.mdadm(ctx, "--manage", at, "--add", nodes[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *Machine) mdadm(ctx context.Context, args ...string) error {
	_, err := m.Run.Run(ctx, system.Command{Name: "mdadm", Args: args})
	return err
}

func (m *Machine) createArray(ctx context.Context, p *arrayPlan, nodes []string, members []deviceFacts) error {
	for i, node := range nodes {
		if err := wipeDevice(node, members[i].Signatures); err != nil {
			return err
		}
	}
	if _, err := m.Run.Run(ctx, createCommand(p.Raid, nodes)); err != nil {
		return err
	}
	at := m.devPath(p.paths[0])
	if err := m.wait(ctx, []requiredDevice{{path: at, origin: p.origin}}); err != nil {
		return err
	}
	// What the members held before can show through.
	d, err := m.open(at)
	if err != nil {
		return err
	}
	defer d.file.Close()
	if err := wipeDevice(d.node, d.view().probe()); err != nil {
		return err
	}
	if d.sysfs == "" {
		return nil
	}
	return m.settle(ctx, d.sysfs)
}

// createCommand makes an array.
func createCommand(r *config.Raid, nodes []string) system.Command {
	spares := config.ValueOr(r.Spares, 0)
	args := []string{"--create", r.Name, "--force", "--run", "--homehost", homehost, "--level", config.ValueOr(r.Level, ""),
		"--raid-devices", strconv.Itoa(len(nodes) - spares)}
	if spares > 0 {
		args = append(args, "--spare-devices", strconv.Itoa(spares))
	}
	return system.Command{Name: "mdadm", Args: slices.Concat(args, r.Options, nodes)}
}

// lookAgain looks at devices when what makes them has run.
func (m *Machine) lookAgain(ctx context.Context, sites []*target) (nodes []string, found []deviceFacts, busy map[number][]string, err error) {
	if busy, err = m.mountsAndSwaps(); err != nil {
		return nil, nil, nil, err
	}
	for _, s := range sites {
		node, err := m.targetNode(s)
		if err != nil {
			return nil, nil, nil, err
		}
		if err := m.wait(ctx, []requiredDevice{{path: node, origin: s.origin}}); err != nil {
			return nil, nil, nil, err
		}
		t, err := m.examine(node, busy)
		if err != nil {
			return nil, nil, nil, err
		}
		t.Device = s.Device
		nodes, found = append(nodes, node), append(found, t)
	}
	return nodes, found, busy, nil
}
