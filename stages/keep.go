package stages

import (
	"context"
	"errors"
	"io"
	"path"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

const (
	// recordDir has the records of first boots in the new system, a file for each.
	recordDir = "/var/log/firstlight"
	// keptRecords is how many are kept; there is more than one where first boots fail.
	keptRecords = 5
)

// keepRecord keeps the record in the new system, if that has a directory already. That of
// a boot that has failed earlier goes to the boot filesystem, if somebody has mounted that
// to write to it. A machine is none the worse without the record.
func (p *process) keepRecord(r bootRecord, existing string) {
	if p.planOnly {
		return
	}
	name, err := writeRecord(p.Root, existing, recordDir, r)
	if name != "" && err == nil {
		err = p.labelRecord(name)
	}
	boot := filepath.Join(p.Root, "boot")
	if name == "" && err == nil && r.Outcome == report.Failed && isWritable(boot, p.Root) {
		_, err = writeRecord(boot, "/", "/firstlight", r)
	}
	if err != nil {
		p.log.Warn("keeping the record of this boot: " + err.Error())
	}
}

// isWritable reports whether a directory is on another filesystem than the root, and that
// can be written. A link may lead out of the root.
func isWritable(dir, root string) bool {
	var a, b unix.Stat_t
	var fs unix.Statfs_t
	return unix.Lstat(dir, &a) == nil && unix.Stat(root, &b) == nil && a.Dev != b.Dev && unix.Statfs(dir, &fs) == nil && fs.Flags&unix.ST_RDONLY == 0
}

// writeRecord writes a record to a directory below a root, and returns its path there, or
// "" if there is no directory that has to exist.
func writeRecord(at, existing, dir string, r bootRecord) (name string, err error) {
	if existing == "" {
		return "", nil
	}
	root, err := rootfs.Open(at)
	if err != nil {
		return "", ignoreMissing(err)
	}
	defer root.Close()
	d, err := root.OpenDir(existing)
	if err != nil {
		return "", ignoreMissing(err)
	}
	d.Close()
	if d, err = root.MakeDirs(dir, 0o700); err != nil {
		return "", err
	}
	defer d.Close()
	name = path.Join(dir, r.Boot+".json")
	return name, errors.Join(replaceRecord(d, path.Base(name), r), dropOldRecords(root, dir))
}

const labelAttribute = "security.selinux"

// replaceRecord writes a record. That of an earlier stage hands its label on.
func replaceRecord(d *rootfs.Dir, name string, r bootRecord) error {
	t, err := d.CreateTemp(name)
	if err != nil {
		return err
	}
	var label [256]byte // a longer one is made anew
	if size, err := unix.Lgetxattr(d.HostPath(name), labelAttribute, label[:]); err == nil {
		_ = unix.Fsetxattr(int(t.Fd()), labelAttribute, label[:size], 0) // else it is labelled below
	}
	// After a failure the next thing may be the switch.
	o := rootfs.Options{Mode: 0o600, Replace: true, Sync: r.Outcome == report.Failed}
	return t.Commit(d, name, o, func(w io.Writer) error {
		_, err := w.Write(r.text)
		return err
	})
}

// labelRecord labels a record, and the directories that were created for it.
func (p *process) labelRecord(name string) error {
	if !p.settings.Is(distribution.SELinuxRelabel, "yes") {
		return nil
	}
	root, err := rootfs.Open(p.Root)
	if err != nil {
		return err
	}
	defer root.Close()
	l := system.Labeller{Root: p.Root, Tree: root, Run: p.run, Warn: p.log.Warn}
	policy, err := l.Policy()
	if err != nil || policy == "" {
		return err
	}
	at, err := root.Resolve(name)
	if err != nil {
		return err
	}
	labelled := func(name string) bool {
		_, err := unix.Lgetxattr(root.HostPath(name), labelAttribute, nil)
		return err != unix.ENODATA // or the filesystem has no labels
	}
	unlabelled := ""
	image := labelled("/")
	for ; at != "/"; at = path.Dir(at) {
		if !labelled(at) {
			unlabelled = at
		}
		if !image {
			break // nobody has labelled it: its directories are not ours
		}
	}
	if unlabelled == "" {
		return nil
	}
	return l.Label(context.Background(), policy, []string{root.HostPath(unlabelled)})
}

// dropOldRecords removes the records beyond those that are kept, and what power cuts have
// left.
func dropOldRecords(root *rootfs.Root, dir string) error {
	if err := root.RemoveMatching(dir, rootfs.IsTempName); err != nil {
		return err
	}
	names, err := root.ReadDir(dir)
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return len(name) != len("0123456789abcdef0123456789abcdef.json") }) // those are somebody's own
	for ; len(names) > keptRecords; names = names[1:] {
		// The oldest one comes to the front.
		var oldest int64
		for i, name := range names {
			st, err := root.Lstat(path.Join(dir, name))
			if err != nil || st == nil {
				return err
			}
			if at := st.Mtim.Nano(); i == 0 || at < oldest {
				oldest = at
				names[0], names[i] = names[i], names[0]
			}
		}
		if err := root.Remove(path.Join(dir, names[0])); err != nil {
			return err
		}
	}
	return nil
}
