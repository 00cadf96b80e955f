package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/system"
)

const (
	// unitDir is where the administrator's units are, and so the config's.
	unitDir = "/etc/systemd/system"
	// maskTarget is what the link of a masked unit leads to.
	maskTarget = "/dev/null"
)

// systemd plans units, drop-ins and masks, then presets.
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
		p.needsLabel(at)
		p.add(u.Origin("mask"), "masking unit "+u.Name, func(_ context.Context, r *root) error {
			d, err := r.makeDirs(path.Dir(at))
			if err != nil {
				return err
			}
			defer d.close()
			return d.writeLink(path.Base(at), maskTarget, ownership{-1, -1}, true)
		})
	case config.NonZero(u.Contents):
		p.planUnitFile(u.Origin("contents"), "writing unit "+u.Name, at, *u.Contents)
	case u.Mask != nil:
		p.planUnmask(u, at)
	}
}

// planUnitFile replaces whatever is at a path; a symbolic link, such as a mask, is
// not followed.
func (p *planner) planUnitFile(origin config.Origin, doing, at, contents string) {
	p.needsLabel(at)
	p.written = append(p.written, path.Dir(at))
	if place, err := p.resolve(at); err == nil && place.found != nil && place.found.is(unix.S_IFDIR) {
		p.conflict(origin, "remove the directory from the image, or name the unit otherwise", "%s: at %s there is a directory", doing, at)
		return
	}
	p.add(origin, doing, func(_ context.Context, r *root) error { return r.writeText(at, contents) })
}

// writeText makes or replaces a file: 0644, and root's.
func (r *root) writeText(at, contents string) error {
	d, err := r.makeDirs(path.Dir(at))
	if err != nil {
		return err
	}
	defer d.close()
	return d.writeFile(path.Base(at), ownership{-1, -1}, 0o644, true, func(f *os.File) error {
		_, err := f.WriteString(contents)
		return err
	})
}

// rewriteText is writeText for a file of which the text holds the old one.
func (r *root) rewriteText(at, contents string) error {
	d, err := r.makeDirs(path.Dir(at))
	if err != nil {
		return err
	}
	defer d.close()
	return d.rewriteFile(path.Base(at), ownership{-1, -1}, 0o644, func(f *os.File) error {
		_, err := f.WriteString(contents)
		return err
	})
}

// unmask removes the link of a masked unit, and nothing else.
func (p *planner) planUnmask(u config.Unit, at string) {
	place, err := p.resolve(at)
	if err != nil || place.found == nil || place.found.target != maskTarget {
		return
	}
	p.written = append(p.written, path.Dir(at))
	p.add(u.Origin("mask"), "unmasking unit "+u.Name, func(_ context.Context, r *root) error {
		d, base, err := r.parent(at)
		if err != nil {
			return err
		}
		defer d.close()
		return d.remove(base)
	})
}

// disable plans to remove the links that enable a unit, of which there are
// those that came with the image. A unit that the system does not know has none.
func (p *planner) planDisable(u config.Unit) {
	links, err := p.root.enablementLinks(u.Name)
	if err != nil {
		p.ioConflict(u.Origin("enabled"), "looking for what enables unit "+u.Name, err)
	}
	if len(links) == 0 {
		return
	}
	p.written = append(p.written, unitDir)
	p.add(u.Origin("enabled"), "disabling unit "+u.Name, func(ctx context.Context, r *root) error {
		_, err := p.Run.Run(ctx, system.Command{Name: "systemctl", Args: []string{"--root", p.Root, "disable", u.Name}})
		if !errors.Is(err, exec.ErrNotFound) {
			return err
		}
		for _, at := range links {
			if err := r.remove(at); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *root) remove(at string) error {
	d, base, err := r.parent(at)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer d.close()
	return d.remove(base)
}

// enablement finds the symbolic links that enable a unit: those in the .wants
// and similar directories of other units, and its aliases. A template is
// enabled by those of its instances.
func (r *root) enablementLinks(unit string) ([]string, error) {
	names, err := r.list(unitDir)
	if err != nil {
		return nil, err
	}
	var links []string
	consider := func(at string, enables func(name, target string) bool) error {
		st, err := r.lstat(at)
		if st != nil && st.is(unix.S_IFLNK) && enables(path.Base(at), path.Base(st.target)) {
			links = append(links, at)
		}
		return err
	}
	for _, name := range names {
		at := path.Join(unitDir, name)
		if slices.Contains([]string{".wants", ".requires", ".upholds"}, path.Ext(name)) {
			inside, err := r.list(at)
			if err != nil {
				return nil, err
			}
			for _, n := range inside {
				if err := consider(path.Join(at, n), func(name, _ string) bool { return isUnitOrInstance(name, unit) }); err != nil {
					return nil, err
				}
			}
			continue
		}
		if err := consider(at, func(name, target string) bool { return name != target && target == unit }); err != nil {
			return nil, err
		}
	}
	return links, nil
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
