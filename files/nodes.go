package files

import (
	"cmp"
	"context"
	"io"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/config"
)

// planNode adds the operation of an entry, which works in the entry's directory.
// That is made if it does not exist: 0755, and root's.
func (p *planner) planNode(e *entry, name string, do func(ctx context.Context, d *dir, base string, own ownership) error) {
	p.needsLabel(e.name)
	p.written = append(p.written, path.Dir(e.path))
	at, user, group := e.path, e.user, e.group
	p.add(e.origin(), name+" "+e.name, func(ctx context.Context, r *root) error {
		own, err := p.ownership(r, user, group)
		if err != nil {
			return err
		}
		if at == "/" {
			d, base, err := r.parent("/")
			if err != nil {
				return err
			}
			defer d.close()
			return do(ctx, d, base, own)
		}
		d, err := r.makeDirs(path.Dir(at))
		if err != nil {
			return err
		}
		defer d.close()
		return do(ctx, d, path.Base(at), own)
	})
}

// changesOwner reports whether an entry says anything about its owner.
func (e *entry) changesOwner() bool {
	return e.user.ID != nil || config.NonZero(e.user.Name) || e.group.ID != nil || config.NonZero(e.group.Name)
}

func (p *planner) planDirectory(e *entry, d config.Directory) {
	doing := "creating directory"
	switch {
	case e.found == nil:
	case e.overwrite:
		doing = "replacing directory"
	case !e.found.is(unix.S_IFDIR):
		p.conflictExisting(e, "it should be a directory")
		return
	case d.Mode == nil && !e.changesOwner():
		p.needsLabel(e.name)
		return
	default:
		doing = "setting owner and mode of directory"
	}
	p.planNode(e, doing, func(_ context.Context, in *dir, base string, own ownership) error {
		found, err := in.lstat(base)
		if err != nil {
			return err
		}
		// It may have come into being as the home of a new user.
		if found != nil && found.is(unix.S_IFDIR) && !e.overwrite {
			return in.setOwnerMode(base, own, mode(d.Mode, found.Mode&0o7777))
		}
		return in.writeDir(base, own, mode(d.Mode, 0o755), e.overwrite)
	})
}

// mode is the one that the config gives, or another.
func mode(wanted *int, otherwise uint32) uint32 {
	if wanted == nil {
		return otherwise
	}
	return uint32(*wanted) & 0o7777
}

// file plans a file. One without contents is created empty, or kept if it
// exists; fragments are appended in both cases.
func (p *planner) planFile(e *entry, f config.File) {
	keep := f.Contents.Source == nil && !e.overwrite
	if e.found != nil && keep && p.earlier.appended(e.name, e.found) {
		f.Append = nil
	}
	doing := "writing file"
	switch {
	case e.found == nil, e.overwrite:
	case !keep:
		p.conflictExisting(e, "the config gives it contents")
		return
	case !e.found.is(unix.S_IFREG):
		p.conflictExisting(e, "it should be a regular file")
		return
	case len(f.Append) > 0:
		doing = "appending to file"
	case f.Mode == nil && !e.changesOwner():
		p.needsLabel(e.name)
		return
	default:
		doing = "setting owner and mode of file"
	}
	e.replaced = e.found == nil || !keep || len(f.Append) > 0
	beside := path.Dir(cmp.Or(e.missing, e.path))
	p.prefetch.add(e.name, beside, append([]config.Resource{f.Contents}, f.Append...)...)
	p.planNode(e, doing, func(ctx context.Context, in *dir, base string, own ownership) error {
		if keep && !e.madeEarlier {
			found, err := in.lstat(base)
			if err != nil {
				return err
			}
			if found != nil {
				return p.keepFile(ctx, in, base, own, f)
			}
		}
		return p.newFile(ctx, in, base, own, e.mayReplace(), f)
	})
}

// newFile writes a file with all its contents. What was fetched ahead for it
// alone becomes the file itself.
func (p *planner) newFile(ctx context.Context, in *dir, base string, own ownership, replace bool, f config.File) error {
	ready, err := p.prefetch.wait(ctx, f.Contents)
	if err != nil {
		return err
	}
	b, rest := (*tempFile)(nil), append([]config.Resource{f.Contents}, f.Append...)
	if ready != nil {
		b, err = ready.takeTemp()
	}
	if b != nil {
		rest = f.Append
	} else if err == nil {
		b, err = in.createTemp(base)
	}
	if err != nil {
		return err
	}
	return in.finish(b, base, own, mode(f.Mode, 0o644), replace, func(w *os.File) error { return p.fetchAll(ctx, w, rest) })
}

// keepFile sets the owner and the mode of an existing file and appends to it.
// Appending makes a new file of the old contents and the fragments, which then
// takes the old one's name: a power cut leaves the one or the other. Other hard
// links to the file keep the old contents, and extended attributes other than
// the SELinux label are not taken over.
func (p *planner) keepFile(ctx context.Context, in *dir, base string, own ownership, f config.File) error {
	old, found, err := in.open(base, unix.S_IFREG)
	if err != nil {
		return err
	}
	defer old.Close()
	bits := mode(f.Mode, found.Mode&0o7777)
	if len(f.Append) == 0 {
		return setOwnerMode(old, own, bits)
	}
	return in.rewriteFile(base, own.withDefaults(found), bits, func(w *os.File) error {
		if _, err := io.Copy(w, old); err != nil {
			return err
		}
		return p.fetchAll(ctx, w, f.Append)
	})
}

// withDefaults is an ownership in which nothing is open.
func (o ownership) withDefaults(st *stat) ownership {
	if o.uid < 0 {
		o.uid = int(st.Uid)
	}
	if o.gid < 0 {
		o.gid = int(st.Gid)
	}
	return o
}

// fetch writes resources one after another. One without a source is empty.
func (p *planner) fetchAll(ctx context.Context, w io.Writer, resources []config.Resource) error {
	for _, r := range resources {
		if !config.NonZero(r.Source) {
			continue
		}
		ready, err := p.prefetch.wait(ctx, r)
		switch {
		case err != nil:
		case ready != nil:
			err = ready.copyTo(w)
		default:
			err = p.Fetch.Fetch(ctx, r, w)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
