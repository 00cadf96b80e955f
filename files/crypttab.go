package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

const (
	// crypttabFile says how volumes are unlocked at boot, see crypttab(5).
	crypttabFile  = "/etc/crypttab"
	defaultKeyDir = "/etc/luks"
	zkeyDir       = "/etc/zkey/repository"
)

// planCrypttab plans what the new system needs to unlock the config's LUKS volumes:
// their keys and a line for each.
func (p *planner) planCrypttab() {
	for _, l := range p.cfg.Storage.Luks {
		if !l.HasClevis() {
			p.planSecret(l.Origin(), p.KeyDir, l.Name, p.Keys, l.KeyFile)
		}
		if config.ValueOr(l.Cex.Enabled, false) {
			for _, suffix := range []string{".info", ".skey"} {
				p.planSecret(l.Cex.Origin(), zkeyDir, "ignition-luks-"+l.Name+suffix, p.VolumeKeys, config.Resource{})
			}
		}
	}
	if len(p.cfg.Storage.Luks) == 0 {
		return
	}
	origin, doing := p.cfg.Storage.Origin("luks"), fmt.Sprintf("writing %s to %s", system.Plural(len(p.cfg.Storage.Luks), "LUKS volume"), crypttabFile)
	f := lineFile{name: crypttabFile, mode: 0o600}
	p.lookAtLines(&f)
	p.changes(origin, doing, crypttabFile)
	p.add(origin, doing, func(ctx context.Context) error { return p.writeCrypttab(ctx, f) }, "cryptsetup")
}

// planSecret plans a file that only root may read, in a directory of that kind.
// One of an interrupted run is replaced. What is a secret of the config is read again, as
// the disks stage leaves nothing of it.
func (p *planner) planSecret(origin config.Origin, dir, name string, sources map[string]string, given config.Resource) {
	at := path.Join(dir, name)
	source, known := sources[name]
	if !known {
		p.conflicts = append(p.conflicts, &report.Error{Doing: "looking for what belongs to " + at, Origin: origin,
			Err: errors.New("the disks stage has not left it"), Hint: "boot again: the disks stage has to run in the same boot, before the files stage"})
		return
	}
	from := config.Resource{Source: &source}
	if config.IsSecret(source) {
		from = given
	}
	p.changes(origin, "writing "+at, at)
	p.add(origin, "writing "+at, func(ctx context.Context) error {
		d, err := p.root.MakeDirs(dir, 0o700)
		if err != nil {
			return err
		}
		defer d.Close()
		return d.WriteFrom(name, rootfs.Options{Mode: 0o600, Replace: true}, func(w io.Writer) error {
			return p.Fetch.Fetch(ctx, from, w)
		})
	})
}

// writeCrypttab puts a line for each volume into the file. A line of ours from
// an interrupted run is replaced; the volume may have another UUID by now.
func (p *planner) writeCrypttab(ctx context.Context, f lineFile) error {
	var added []string
	for _, l := range p.cfg.Storage.Luks {
		uuid, err := p.Run.Run(ctx, system.Command{Name: "cryptsetup", Args: []string{"luksUUID", config.ValueOr(l.Device, "")}})
		if err != nil {
			return &report.Error{Err: fmt.Errorf("reading the UUID of the LUKS volume %q: %w", l.Name, err), Origin: l.Origin("device")}
		}
		added = append(added, p.crypttabLine(l, strings.TrimSpace(string(uuid))))
	}
	return p.rewriteLines(f, func(lines []string) []string {
		for _, line := range added {
			lines = append(slices.DeleteFunc(lines, func(other string) bool { return isSameVolume(other, line) }), line)
		}
		return lines
	})
}

// crypttabLine has its options in the order of the reference.
func (p *planner) crypttabLine(l config.Luks, uuid string) string {
	key, options := path.Join(p.KeyDir, l.Name), "luks,"
	if l.HasClevis() {
		key = "none"
	}
	if len(l.Clevis.Tang) > 0 || config.ValueOr(l.Clevis.Custom.NeedsNetwork, false) {
		options += "_netdev,"
	}
	return fmt.Sprintf("%s UUID=%s %s %sx-initrd.attach", l.Name, uuid, key, options)
}

// isSameVolume reports whether two lines differ in the UUID at most. What else
// differs, somebody else wrote.
func isSameVolume(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	return len(x) == 4 && len(y) == 4 && x[0] == y[0] && strings.HasPrefix(x[1], "UUID=") && x[2] == y[2] && x[3] == y[3]
}
