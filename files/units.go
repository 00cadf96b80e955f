package files

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path"

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
			at, doing := path.Join(unitDir, u.Name+".d", d.Name), fmt.Sprintf("writing drop-in %s of unit %s", d.Name, u.Name)
			switch {
			case d.Contents != nil:
				p.planUnitFile(d.Origin("contents"), doing, at, *d.Contents)
			case d.ContentsFrom.Source != nil:
				p.planSecretUnit(d.ContentsFrom, doing, at)
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
		p.changes(u.Origin("mask"), "masking unit "+u.Name, at)
		p.add(u.Origin("mask"), "masking unit "+u.Name, func(context.Context) error {
			return p.root.InParent(at, func(d *rootfs.Dir, base string) error {
				return d.WriteLink(base, maskTarget, rootfs.Options{Replace: true})
			})
		})
	case config.NonZero(u.Contents):
		p.planUnitFile(u.Origin("contents"), "writing unit "+u.Name, at, *u.Contents)
	case u.ContentsFrom.Source != nil:
		p.planSecretUnit(u.ContentsFrom, "writing unit "+u.Name, at)
	case u.Mask != nil:
		p.planUnmask(u, at)
	}
}

// planUnitFile plans to replace whatever exists at a path; a symbolic link, such
// as a mask, is not followed.
func (p *planner) planUnitFile(origin config.Origin, doing, name, contents string) {
	if p.checkNoDirectory(origin, doing, name) {
		p.planWrite(origin, doing, name, []byte(contents), 0o644)
	}
}

// planSecretUnit is planUnitFile for contents that nobody but root should see in the file.
func (p *planner) planSecretUnit(from config.Resource, doing, name string) {
	if origin := from.Origin("source"); p.checkNoDirectory(origin, doing, name) {
		p.planWriteOf(origin, doing, name, func(ctx context.Context) ([]byte, error) { return p.fetchText(ctx, from) }, 0o600)
	}
}

func (p *planner) checkNoDirectory(origin config.Origin, doing, name string) bool {
	at, err := p.resolve(name)
	isDir := err == nil && at.found.IsDir()
	if isDir {
		p.conflict(origin, "remove the directory from the image, or name the unit otherwise", "%s: at %s there is a directory", doing, name)
	}
	return !isDir
}

// planUnmask removes the link of a masked unit, and nothing else.
func (p *planner) planUnmask(u config.Unit, name string) {
	at, err := p.resolve(name)
	if err != nil || at.found == nil || at.found.Target != maskTarget {
		return
	}
	p.checkSealed(u.Origin("mask"), "unmasking unit "+u.Name, path.Dir(name))
	p.changedDirs[path.Dir(name)] = true
	p.add(u.Origin("mask"), "unmasking unit "+u.Name, func(context.Context) error { return p.root.Remove(name) })
}

// planDisable plans to remove the links that enable a unit: those that came with the
// image, and those of the config itself.
func (p *planner) planDisable(e *enablement, u config.Unit) {
	name := e.unitOf(u.Name)
	links, known := e.enabling(name)
	if at := e.vendorDependency(name); at != "" {
		p.Log.Warn(fmt.Sprintf("the unit %s is disabled, but the image starts it by %s (%v); only a mask prevents that", u.Name, at, u.Origin("enabled")))
	}
	if len(links) == 0 && known {
		return
	}
	exists := e.exists(name)
	p.changedDirs[unitDir] = true
	dirs, err := e.dependencyDirs()
	if err != nil {
		p.ioConflict(u.Origin("enabled"), "looking for what enables unit "+u.Name, err)
	}
	for _, dir := range dirs {
		p.ledger.UnitDirs = addOnce(p.ledger.UnitDirs, dir)
	}
	p.add(u.Origin("enabled"), "disabling unit "+u.Name, func(ctx context.Context) error {
		err := exec.ErrNotFound
		if exists { // systemctl does not disable what it does not find
			_, err = p.Run.Run(ctx, system.Command{Name: "systemctl", Args: []string{"--root", p.Root, "disable", name}})
		}
		if !errors.Is(err, exec.ErrNotFound) {
			return err
		}
		for _, at := range links {
			if err := p.root.Remove(at); err != nil {
				return err
			}
		}
		return p.removeEmptied(dirs)
	})
}

// removeEmptied removes those of these directories, in which there were links that enable
// units, in which nothing is left, as systemctl does after the last link.
func (p *planner) removeEmptied(dirs []string) error {
	for _, dir := range dirs {
		found, err := p.root.Lstat(dir)
		if err != nil {
			return err
		}
		if !found.IsDir() {
			continue
		}
		names, err := p.root.ReadDir(dir)
		if err == nil && len(names) == 0 {
			err = p.root.Remove(dir)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
