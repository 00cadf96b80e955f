package files

import (
	"cmp"
	"context"
	"io"
	"path"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/rootfs"
)

// A fileNode without contents is created empty, or kept if it exists; fragments are
// appended in both cases.
type fileNode struct {
	*config.File
	keep      bool // what exists
	fragments []config.Resource
}

func (f *fileNode) plan(p *planner, e *entry) string {
	f.keep = f.Contents.Source == nil && !e.overwrite
	if e.found != nil && f.keep && p.earlier.AppendedTo(e.name, e.found) {
		f.fragments = nil
	}
	doing := "writing file"
	switch {
	case e.found == nil, e.overwrite:
	case !f.keep:
		p.conflictExisting(e, "the config gives it contents")
		return ""
	case !e.found.IsRegular():
		p.conflictExisting(e, "it should be a regular file")
		return ""
	case len(f.fragments) > 0:
		doing = "appending to file"
	case e.found.Future: // it may not be there after all
	case f.Mode != nil || e.setsOwner():
		doing = "setting owner and mode of file"
	default:
		return ""
	}
	e.replaced = e.found == nil || !f.keep || len(f.fragments) > 0
	if !slices.ContainsFunc(f.resources(), isRemote) {
		return doing
	}
	dir, err := p.tree.Unchanged(path.Dir(cmp.Or(e.missing, e.path)))
	if err != nil {
		p.ioConflict(e.origin(), "looking at "+e.name, err)
		return ""
	}
	p.prefetch.add(e.name, dir, f.resources()...)
	return doing
}

func (f *fileNode) resources() []config.Resource {
	return append([]config.Resource{f.Contents}, f.fragments...)
}

func (f *fileNode) create(ctx context.Context, p *planner, e *entry, d *rootfs.Dir, base string, owner rootfs.Owner) error {
	if f.keep && !e.madeEarlier {
		found, err := d.Lstat(base)
		if err != nil {
			return err
		}
		if found != nil {
			return f.change(ctx, p, d, base, owner)
		}
	}
	temp, rest, err := f.openTemp(ctx, p, d, base)
	if err != nil {
		return err
	}
	options := rootfs.Options{Owner: owner, Mode: modeOr(f.Mode, 0o644), Replace: e.mayReplace()}
	return temp.Commit(d, base, options, func(w io.Writer) error { return p.prefetch.writeAll(ctx, w, rest) })
}

// openTemp returns the temp file that becomes the file, and what is still to be
// written to it. A download that is for this file alone is that temp file.
func (f *fileNode) openTemp(ctx context.Context, p *planner, d *rootfs.Dir, base string) (*rootfs.TempFile, []config.Resource, error) {
	contents, err := p.prefetch.wait(ctx, f.Contents)
	if err != nil {
		return nil, nil, err
	}
	if contents != nil && contents.uses == 1 {
		temp, err := contents.takeTemp()
		return temp, f.fragments, err
	}
	temp, err := d.CreateTemp(base)
	return temp, f.resources(), err
}

// change sets the owner and the mode of an existing file and appends to it.
// Appending makes a new file of the old contents and the fragments, which then
// takes the old one's name: a power cut leaves the one or the other. Other hard
// links to the file keep the old contents, and extended attributes other than
// the SELinux label are not taken over.
func (f *fileNode) change(ctx context.Context, p *planner, d *rootfs.Dir, base string, owner rootfs.Owner) error {
	old, found, err := d.OpenFile(base, unix.S_IFREG)
	if err != nil {
		return err
	}
	defer old.Close()
	mode := modeOr(f.Mode, found.Permissions())
	if len(f.fragments) == 0 {
		return rootfs.SetOwnerMode(old, owner, mode)
	}
	options := rootfs.Options{Owner: owner.WithDefaults(int(found.Uid), int(found.Gid)), Mode: mode, Replace: true, Sync: true}
	return d.WriteFrom(base, options, func(w io.Writer) error {
		if _, err := io.Copy(w, old); err != nil {
			return err
		}
		return p.prefetch.writeAll(ctx, w, f.fragments)
	})
}
