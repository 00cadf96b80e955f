package files

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/system"
)

const (
	// unitDir is where the administrator's units are, and so the config's.
	unitDir = "/etc/systemd/system"
	// maskTarget is what the link of a masked unit leads to.
	maskTarget = "/dev/null"
)

// planUnits plans units, drop-ins and masks, then presets.
func (p *planner) planUnits() {
	for _, u := range p.cfg.Systemd.Units {
		for _, d := range u.Dropins {
			if d.Contents != nil {
				at := path.Join(unitDir, u.Name+".d", d.Name)
				p.planUnitFile(d.Origin("contents"), fmt.Sprintf("writing drop-in %s of unit %s", d.Name, u.Name), at, *d.Contents)
			}
		}
		p.planUnit(u)
	}
	p.planPresets()
}

func (p *planner) planUnit(u config.Unit) {
	at := path.Join(unitDir, u.Name)
	switch {
	case config.NonZero(u.Mask):
		// A mask counts more than contents.
		p.changes(at)
		p.add(u.Origin("mask"), "masking unit "+u.Name, func(context.Context) error {
			return p.root.InParent(at, func(d *rootfs.Dir, base string) error {
				return d.WriteLink(base, maskTarget, rootfs.Options{Replace: true})
			})
		})
	case config.NonZero(u.Contents):
		p.planUnitFile(u.Origin("contents"), "writing unit "+u.Name, at, *u.Contents)
	case u.Mask != nil:
		p.planUnmask(u, at)
	}
}

// planUnitFile plans to replace whatever exists at a path; a symbolic link, such
// as a mask, is not followed.
func (p *planner) planUnitFile(origin config.Origin, doing, name, contents string) {
	if at, err := p.resolve(name); err == nil && at.found.IsDir() {
		p.conflict(origin, "remove the directory from the image, or name the unit otherwise", "%s: at %s there is a directory", doing, name)
		return
	}
	p.planWrite(origin, doing, name, []byte(contents), 0o644)
}

// planUnmask removes the link of a masked unit, and nothing else.
func (p *planner) planUnmask(u config.Unit, name string) {
	at, err := p.resolve(name)
	if err != nil || at.found == nil || at.found.Target != maskTarget {
		return
	}
	p.changedDirs = append(p.changedDirs, path.Dir(name))
	p.add(u.Origin("mask"), "unmasking unit "+u.Name, func(context.Context) error { return p.root.Remove(name) })
}

// planDisable plans to remove the links that enable a unit, of which there are
// those that came with the image. A unit that the system does not know has none.
func (p *planner) planDisable(u config.Unit) {
	links, err := enablementLinks(p.root, u.Name)
	if err != nil {
		p.ioConflict(u.Origin("enabled"), "looking for what enables unit "+u.Name, err)
	}
	if len(links) == 0 {
		return
	}
	p.changedDirs = append(p.changedDirs, unitDir)
	p.add(u.Origin("enabled"), "disabling unit "+u.Name, func(ctx context.Context) error {
		_, err := p.Run.Run(ctx, system.Command{Name: "systemctl", Args: []string{"--root", p.Root, "disable", u.Name}})
		if !errors.Is(err, exec.ErrNotFound) {
			return err
		}
		for _, at := range links {
			if err := p.root.Remove(at); err != nil {
				return err
			}
		}
		return nil
	})
}

// enablementLinks finds the symbolic links that enable a unit: its aliases, and
// those in the .wants and similar directories of other units. A template is
// enabled by those of its instances.
func enablementLinks(r *rootfs.Root, unit string) ([]string, error) {
	links, err := linksIn(r, unitDir, func(name, target string) bool { return name != target && target == unit })
	if err != nil {
		return nil, err
	}
	names, err := r.ReadDir(unitDir)
	for _, name := range names {
		if !slices.Contains([]string{".wants", ".requires", ".upholds"}, path.Ext(name)) {
			continue
		}
		more, err := linksIn(r, path.Join(unitDir, name), func(name, _ string) bool { return isUnitOrInstance(name, unit) })
		if err != nil {
			return nil, err
		}
		links = append(links, more...)
	}
	return links, err
}

// linksIn finds the symbolic links in a directory that match, by their names and
// those of their targets.
func linksIn(r *rootfs.Root, dir string, match func(name, target string) bool) ([]string, error) {
	names, err := r.ReadDir(dir)
	var links []string
	for _, name := range names {
		st, err := r.Lstat(path.Join(dir, name))
		if err != nil {
			return nil, err
		}
		if st.IsLink() && match(name, path.Base(st.Target)) {
			links = append(links, path.Join(dir, name))
		}
	}
	return links, err
}

// isUnitOrInstance reports whether name is a unit or an instance of it.
func isUnitOrInstance(name, unit string) bool {
	if name == unit {
		return true
	}
	template, instance := splitInstance(name)
	return instance != "" && template == unit
}

// splitInstance takes foo@bar.service apart: foo@.service and bar. The instance
// is empty for a template and for any other unit.
func splitInstance(name string) (template, instance string) {
	before, after, ok := strings.Cut(name, "@")
	ext := path.Ext(after)
	if !ok {
		return name, ""
	}
	return before + "@" + ext, strings.TrimSuffix(after, ext)
}
