// Package firstboot boots real machines and compares what they have become with
// what their configs describe.
package firstboot

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/tests/vm/vmreport"
)

// A comparison collects the differences between a config and a machine, each
// named by the path of the value in the config.
type comparison struct {
	cfg         *config.Config
	m           *vmreport.Machine
	differences []string
}

// Compare lists all that the machine is not, in the order of the config.
func Compare(cfg *config.Config, m *vmreport.Machine) []string {
	c := &comparison{cfg: cfg, m: m}
	c.disks()
	c.filesystems()
	c.nodes()
	c.accounts()
	c.units()
	return c.differences
}

// expect records a difference unless got is want.
func expect[T comparable](c *comparison, o config.Origin, got, want T) {
	if got != want {
		c.differences = append(c.differences, fmt.Sprintf("%s: want %v, got %v", o.Path, want, got))
	}
}

// device is the kernel's name of a device of the config.
func (c *comparison) device(name string) string {
	if label, ok := strings.CutPrefix(name, "/dev/disk/by-partlabel/"); ok {
		for _, t := range c.m.Disks {
			for _, p := range t.Partitions {
				if p.Name == label {
					return p.Node
				}
			}
		}
	}
	if strings.HasPrefix(name, "/dev/md/") {
		for node := range c.m.Filesystems {
			if strings.HasPrefix(node, "/dev/md") {
				return node // machines have one array at most
			}
		}
	}
	return strings.Replace(name, "/dev/disk/by-id/virtio-disk1", "/dev/vdb", 1)
}

func (c *comparison) disks() {
	const sectors = 2048 // in a MiB
	for _, d := range c.cfg.Storage.Disks {
		device := c.device(d.Device)
		table := c.m.Disks[device]
		expect(c, d.Origin("partitions"), len(table.Partitions), len(d.Partitions))
		for _, p := range d.Partitions {
			i := slices.IndexFunc(table.Partitions, func(s vmreport.Partition) bool { return s.Node == fmt.Sprint(device, p.Number) })
			if i < 0 {
				expect(c, p.Origin(), "no such partition", "a partition")
				continue
			}
			s := table.Partitions[i]
			expect(c, p.Origin("label"), s.Name, config.ValueOr(p.Label, ""))
			expect(c, p.Origin("guid"), s.UUID, strings.ToUpper(config.ValueOr(p.GUID, s.UUID)))
			expect(c, p.Origin("typeGuid"), s.Type, strings.ToUpper(config.ValueOr(p.TypeGUID, "0FC63DAF-8483-4772-8E79-3D69D8477DE4")))
			expect(c, p.Origin("startMiB"), s.Start%sectors, 0)
			if config.NonZero(p.StartMiB) {
				expect(c, p.Origin("startMiB"), s.Start, int64(*p.StartMiB)*sectors)
			}
			if config.NonZero(p.SizeMiB) {
				expect(c, p.Origin("sizeMiB"), s.Size, int64(*p.SizeMiB)*sectors)
			} else {
				expect(c, p.Origin("sizeMiB"), s.Size > 50*sectors, true)
			}
		}
	}
}

func (c *comparison) filesystems() {
	for _, f := range c.cfg.Storage.Filesystems {
		device := c.device(f.Device)
		got := c.m.Filesystems[device]
		expect(c, f.Origin("format"), got["TYPE"], config.ValueOr(f.Format, ""))
		if f.Label != nil {
			expect(c, f.Origin("label"), got["LABEL"], *f.Label)
		}
		if f.UUID != nil {
			expect(c, f.Origin("uuid"), got["UUID"], *f.UUID)
		}
		if f.Path != nil {
			expect(c, f.Origin("path"), c.m.Mounts[*f.Path].Source, device)
		}
		for _, o := range f.MountOptions {
			expect(c, f.Origin("mountOptions"), strings.Contains(c.m.Mounts[*f.Path].Options, o), true)
		}
	}
}

func (c *comparison) nodes() {
	for _, d := range c.cfg.Storage.Directories {
		f := c.m.Files[d.Path]
		expect(c, d.Origin("mode"), f.Mode, fs.ModeDir|fs.FileMode(config.ValueOr(d.Mode, 0o755)))
		c.owner(f, d.User, d.Group)
	}
	for _, want := range c.cfg.Storage.Files {
		f, ok := c.m.Files[want.Path]
		expect(c, want.Origin("path"), ok, true)
		expect(c, want.Origin("mode"), f.Mode, fs.FileMode(config.ValueOr(want.Mode, 0o644)))
		c.owner(f, want.User, want.Group)
		text := ""
		for _, r := range append([]config.Resource{want.Contents}, want.Append...) {
			text += contents(r)
		}
		if want.Contents.Source == nil {
			// Something of the image stands before it.
			expect(c, want.Origin("append"), strings.HasSuffix(f.Text, text) && len(f.Text) > len(text), true)
		} else {
			expect(c, want.Origin("contents"), f.Text, text)
		}
	}
	for _, l := range c.cfg.Storage.Links {
		f, target := c.m.Files[l.Path], config.ValueOr(l.Target, "")
		if config.ValueOr(l.Hard, false) {
			expect(c, l.Origin("target"), f.Inode, c.m.Files[target].Inode)
			continue
		}
		expect(c, l.Origin("target"), f.Text, target)
		expect(c, l.Origin("path"), f.Mode.Type(), fs.ModeSymlink)
	}
}

// contents is a resource that needs no network, fetched.
func contents(r config.Resource) string {
	client := fetch.New(nil, 10*time.Minute)
	client.Offline = true
	var b bytes.Buffer
	if err := client.Fetch(context.Background(), r, &b); err != nil {
		return err.Error()
	}
	return b.String()
}

func (c *comparison) owner(f vmreport.File, user, group config.Owner) {
	id := func(o config.Owner, database string) uint32 {
		if name := config.ValueOr(o.Name, ""); name != "" {
			return c.lookUp(database, name)
		}
		return uint32(config.ValueOr(o.ID, 0))
	}
	expect(c, user.Origin(), f.UID, id(user, "/etc/passwd"))
	expect(c, group.Origin(), f.GID, id(group, "/etc/group"))
}

// entry is a line of passwd, group or shadow, in fields.
func (c *comparison) entry(database, name string) []string {
	for line := range strings.Lines(c.m.Files[database].Text) {
		if f := strings.Split(strings.TrimSpace(line), ":"); f[0] == name {
			return f
		}
	}
	return make([]string, 9)
}

func (c *comparison) lookUp(database, name string) uint32 {
	var id uint32
	if _, err := fmt.Sscan(c.entry(database, name)[2], &id); err != nil {
		return 1<<32 - 1
	}
	return id
}

func (c *comparison) accounts() {
	for _, g := range c.cfg.Passwd.Groups {
		expect(c, g.Origin("gid"), c.entry("/etc/group", g.Name)[2], fmt.Sprint(config.ValueOr(g.GID, 0)))
	}
	for _, u := range c.cfg.Passwd.Users {
		e := c.entry("/etc/passwd", u.Name)
		if u.UID != nil {
			expect(c, u.Origin("uid"), e[2], fmt.Sprint(*u.UID))
		}
		expect(c, u.Origin("gecos"), e[4], config.ValueOr(u.Gecos, e[4]))
		expect(c, u.Origin("homeDir"), e[5], config.ValueOr(u.HomeDir, e[5]))
		expect(c, u.Origin("shell"), e[6], config.ValueOr(u.Shell, e[6]))
		if u.PasswordHash != nil {
			expect(c, u.Origin("passwordHash"), c.entry("/etc/shadow", u.Name)[1], *u.PasswordHash)
		}
		for _, g := range u.Groups {
			expect(c, u.Origin("groups"), slices.Contains(strings.Split(c.entry("/etc/group", g)[3], ","), u.Name), true)
		}
		c.keys(u, e[5])
	}
}

func (c *comparison) keys(u config.User, home string) {
	if len(u.SSHAuthorizedKeys) == 0 {
		return
	}
	file := c.m.Files[path.Join(home, ".ssh/authorized_keys.d/ignition")]
	uid := c.lookUp("/etc/passwd", u.Name)
	expect(c, u.Origin("sshAuthorizedKeys"), file.Text, strings.Join(u.SSHAuthorizedKeys, "\n")+"\n")
	expect(c, u.Origin("sshAuthorizedKeys"), file.Mode, 0o600)
	expect(c, u.Origin("sshAuthorizedKeys"), file.UID, uid)
	for _, dir := range []string{".ssh", ".ssh/authorized_keys.d"} {
		d := c.m.Files[path.Join(home, dir)]
		expect(c, u.Origin("sshAuthorizedKeys"), d.Mode, fs.ModeDir|0o700)
		expect(c, u.Origin("sshAuthorizedKeys"), d.UID, uid)
	}
}

func (c *comparison) units() {
	const dir = "/etc/systemd/system/"
	for _, u := range c.cfg.Systemd.Units {
		if u.Contents != nil {
			expect(c, u.Origin("contents"), c.m.Files[dir+u.Name].Text, *u.Contents)
		}
		for _, d := range u.Dropins {
			expect(c, d.Origin("contents"), c.m.Files[dir+u.Name+".d/"+d.Name].Text, config.ValueOr(d.Contents, ""))
		}
		if u.Mask != nil {
			expect(c, u.Origin("mask"), c.m.Files[dir+u.Name].Text == "/dev/null", *u.Mask)
		}
		if u.Enabled != nil {
			expect(c, u.Origin("enabled"), slices.Contains(c.m.Enabled, u.Name), *u.Enabled)
		}
		if config.ValueOr(u.Enabled, false) {
			expect(c, u.Origin(), slices.Contains(c.m.Active, u.Name), true)
		}
	}
}
