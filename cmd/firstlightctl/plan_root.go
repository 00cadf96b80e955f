//go:build linux && !portable

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/bootloader"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/stages"
	"github.com/firstlight-os/firstlight/storage"
)

// plannedArguments are the kernel arguments that the config wants.
type plannedArguments struct {
	ShouldExist    []string `json:"shouldExist"`
	ShouldNotExist []string `json:"shouldNotExist"`
	// Reboot is yes, no or unknown.
	Reboot string `json:"reboot"`
	// Unmet is what of the kernel command line is to be changed, for people.
	Unmet string `json:"unmet,omitempty"`
}

// planKernelArguments plans the kargs stage. The kernel command line is that of this
// machine if the plan is for it.
func (p *planning) planKernelArguments(cfg *config.Config) error {
	k := cfg.KernelArguments
	if len(k.ShouldExist)+len(k.ShouldNotExist) == 0 {
		return nil
	}
	a := &plannedArguments{append([]string{}, k.ShouldExist...), append([]string{}, k.ShouldNotExist...), "unknown", ""}
	p.result.KernelArguments = a
	p.result.Operations = append(p.result.Operations, operation{"kargs", stages.KargsOperation, k.Origin()})
	switch {
	case p.known != nil:
		a.compareWithFacts(p.known.KernelArguments)
		return nil
	case len(p.images) > 0 || p.root != "":
		return nil
	}
	line, err := system.CommandLine()
	if err != nil {
		return err
	}
	a.compare(line)
	return nil
}

func (a *plannedArguments) compare(line string) {
	a.Reboot = "no"
	if a.Unmet = (bootloader.Arguments{Exist: a.ShouldExist, NotExist: a.ShouldNotExist}).Unmet(line); a.Unmet != "" {
		a.Reboot = "yes"
	}
}

// kernelArguments says what becomes of the kernel command line.
func (d drawing) kernelArguments(a *plannedArguments) string {
	if a == nil {
		return ""
	}
	text := "they are as the config wants them, so the machine does not reboot"
	switch a.Reboot {
	case "yes":
		text = a.Unmet + ", so the machine reboots, and its first boot begins again"
	case "unknown":
		var wants []string
		for _, w := range a.ShouldExist {
			wants = append(wants, "+"+w)
		}
		for _, w := range a.ShouldNotExist {
			wants = append(wants, "-"+w)
		}
		text = strings.Join(wants, " ") + "; if they are not so already the machine reboots, and its first boot begins again"
	}
	return d.wrap("kernel arguments: ", text) + "\n"
}

// A plannedUnit is a unit of systemd that starts otherwise than before.
type plannedUnit struct {
	Name string `json:"name"`
	// Change is enabled, disabled, masked or unmasked.
	Change string `json:"change"`
}

func (p *planning) planUnits(cfg *config.Config) {
	for _, u := range cfg.Systemd.Units {
		add := func(set *bool, yes, no string) {
			switch {
			case set == nil:
			case *set:
				p.result.Units = append(p.result.Units, plannedUnit{u.Name, yes})
			default:
				p.result.Units = append(p.result.Units, plannedUnit{u.Name, no})
			}
		}
		add(u.Enabled, "enabled", "disabled")
		add(u.Mask, "masked", "unmasked")
	}
}

// units is a line for each change.
func (d drawing) units(all []plannedUnit) string {
	names := map[string][]string{}
	for _, u := range all {
		names[u.Change] = append(names[u.Change], u.Name)
	}
	text := ""
	for _, change := range []string{"enabled", "disabled", "masked", "unmasked"} {
		if len(names[change]) > 0 {
			text += d.wrap("units "+change+": ", strings.Join(names[change], ", "))
		}
	}
	return text
}

// planRoot plans the stages mount and files: for the root that was named, or for one
// with little in it.
func (p *planning) planRoot(m *storage.Machine, cfg *config.Config) error {
	if p.root == "" {
		root, err := newAssumedRoot(cfg, p.known)
		if err != nil {
			return fmt.Errorf("preparing an empty root: %w", err)
		}
		defer os.RemoveAll(root.dir)
		p.noteAssumptions(cfg, root)
		p.planAssumedRoot(m, cfg, root.dir)
		return nil
	}
	var err error
	if m.Root, err = filepath.Abs(p.root); err != nil {
		return err
	}
	if info, err := os.Stat(m.Root); err != nil {
		return fmt.Errorf("reading the root: %w", err)
	} else if !info.IsDir() {
		return fmt.Errorf("--root %s: this is not a directory", p.root)
	}
	p.planStages(m, cfg)
	p.noteMounts(cfg)
	return p.planReplaced(m.Root, cfg)
}

// planAssumedRoot plans these stages for a root with little in it.
func (p *planning) planAssumedRoot(m *storage.Machine, cfg *config.Config, dir string) {
	m.Root, m.Log = dir, quietLogger() // what it would warn of is not so
	earlier := p.original
	p.original = func(text string) string { return earlier(strings.ReplaceAll(text, dir, "the root")) }
	p.planStages(m, cfg)
}

func (p *planning) planStages(m *storage.Machine, cfg *config.Config) {
	plans, err := stages.PlanRoot(context.Background(), m, cfg)
	for _, s := range plans {
		p.add(s.Stage, s.Plan, nil)
	}
	p.add("", nil, err)
}

// planReplaced lists what overwrite takes away from a root.
func (p *planning) planReplaced(dir string, cfg *config.Config) error {
	root, err := rootfs.Open(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	look := func(name string, overwrite *bool) {
		if !config.NonZero(overwrite) {
			return
		}
		at, err := root.Resolve(name)
		if err != nil {
			return // this is a conflict
		}
		if found, err := root.Lstat(at); err == nil && found != nil {
			p.result.Replaces = append(p.result.Replaces, fmt.Sprintf("%s (%v)", name, found))
		}
	}
	for _, d := range cfg.Storage.Directories {
		look(d.Path, d.Overwrite)
	}
	for _, f := range cfg.Storage.Files {
		look(f.Path, f.Overwrite)
	}
	for _, l := range cfg.Storage.Links {
		look(l.Path, l.Overwrite)
	}
	return nil
}

// noteAssumptions says what is not known of the root that nobody named.
func (p *planning) noteAssumptions(cfg *config.Config, root *assumedRoot) {
	pw, s := cfg.Passwd, cfg.Storage
	if len(pw.Users)+len(pw.Groups)+len(s.Files)+len(s.Directories)+len(s.Links)+len(s.Absent)+len(s.Archives)+len(cfg.Systemd.Units) == 0 {
		return
	}
	text := "what the image has already, as an empty root was planned for; --root DIR names its root filesystem"
	if p.known != nil {
		text = "which files the machine has; --root DIR names its root filesystem"
	}
	if len(root.assumed) > 0 {
		text += "; it was taken for granted that it has " + strings.Join(root.assumed, ", ")
	}
	p.notJudged("%s", text)
}

// noteMounts says what is not known of files below mount points.
func (p *planning) noteMounts(cfg *config.Config) {
	var points []string
	for i := range cfg.Storage.Filesystems {
		for _, m := range cfg.Storage.Filesystems[i].Mounts() {
			if m.Path != "/" {
				points = append(points, m.Path)
			}
		}
	}
	if len(points) > 0 {
		p.notJudged("what the filesystems hold that the config mounts at %s: what the root has there was planned for", strings.Join(points, ", "))
	}
}

// An assumedRoot is a directory that has the users and groups which a config needs and
// does not make.
type assumedRoot struct {
	dir string
	// assumed are these users and groups, for people.
	assumed []string
}

// firstAssumedID is above the numbers that people choose.
const firstAssumedID = 1 << 30

// newAssumedRoot takes the users and groups from the facts, if there are any.
func newAssumedRoot(cfg *config.Config, known *machineFacts) (*assumedRoot, error) {
	r := &assumedRoot{}
	var err error
	if r.dir, err = os.MkdirTemp("", "firstlightctl-"); err != nil {
		return nil, err
	}
	passwd, group := "root:x:0:0::/root:/bin/sh\n", "root:x:0:\n"
	if known != nil {
		passwd, group = known.databases()
	} else {
		users, groups := assumedAccounts(cfg)
		for i, name := range users {
			passwd += fmt.Sprintf("%s:x:%d:%[2]d::/nonexistent:/bin/sh\n", name, firstAssumedID+i)
			r.assumed = append(r.assumed, "user "+name)
		}
		for i, name := range groups {
			group += fmt.Sprintf("%s:x:%d:\n", name, firstAssumedID+i)
			r.assumed = append(r.assumed, "group "+name)
		}
	}
	etc := filepath.Join(r.dir, "etc")
	err = errors.Join(os.Mkdir(etc, 0o700), os.WriteFile(filepath.Join(etc, "passwd"), []byte(passwd), 0o600), os.WriteFile(filepath.Join(etc, "group"), []byte(group), 0o600))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(r.dir))
	}
	return r, nil
}

// assumedAccounts are the users and groups that a config names and does not make.
func assumedAccounts(cfg *config.Config) (users, groups []string) {
	userSet, groupSet := map[string]bool{}, map[string]bool{}
	owners := func(user, group config.Owner) {
		if user.ID == nil {
			userSet[config.ValueOr(user.Name, "")] = true
		}
		if group.ID == nil {
			groupSet[config.ValueOr(group.Name, "")] = true
		}
	}
	for _, f := range cfg.Storage.Files {
		owners(f.User, f.Group)
	}
	for _, d := range cfg.Storage.Directories {
		owners(d.User, d.Group)
	}
	for _, a := range cfg.Storage.Archives {
		owners(a.User, a.Group)
	}
	for _, l := range cfg.Storage.Links {
		owners(l.User, l.Group)
	}
	for _, u := range cfg.Passwd.Users {
		groupSet[config.ValueOr(u.PrimaryGroup, "")] = true
		for _, list := range u.Groups {
			for name := range strings.SplitSeq(list, ",") {
				groupSet[name] = true
			}
		}
	}
	for _, u := range cfg.Passwd.Users {
		delete(userSet, u.Name)
		delete(groupSet, u.Name)
	}
	for _, g := range cfg.Passwd.Groups {
		delete(groupSet, g.Name)
	}
	for _, set := range []map[string]bool{userSet, groupSet} {
		delete(set, "")
		delete(set, "root")
		maps.DeleteFunc(set, func(name string, _ bool) bool {
			return strings.ContainsAny(name, ":\n") || strings.Trim(name, "0123456789") == ""
		})
	}
	return slices.Sorted(maps.Keys(userSet)), slices.Sorted(maps.Keys(groupSet))
}
