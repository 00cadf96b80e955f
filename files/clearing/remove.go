package clearing

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/system"
)

// clear removes all that does not stay.
func (p *Plan) clear(ctx context.Context) error {
	r := &remover{step: p.step}
	all := p.Removed()
	defer p.look.progress("clearing the root", func() string {
		return fmt.Sprintf("%d of %s are gone", r.removed.Load(), system.Plural(int(all.Files), "file"))
	})()
	defer p.look.root.Forget()
	for _, region := range p.look.regions {
		if err := walkRegion(ctx, p.look, region, nil, r, false); err != nil {
			return err
		}
	}
	return nil
}

// A remover is the visitor that removes.
type remover struct {
	removed atomic.Int64
	// step is called before each change, nil if there is nothing to call.
	step func() error
}

func (r *remover) before() error {
	if r.step == nil {
		return nil
	}
	return r.step()
}

// again: a directory that was read on after entries of it were removed may have others.
func (r *remover) again(f *frame) bool {
	again := f.removed > 0 && f.parts > 1
	f.removed, f.parts = 0, 0
	return again
}

func (r *remover) leaf(w *walker, f *frame, name string, stays *node) (isDir bool, err error) {
	if stays.whole() {
		return false, nil
	}
	if stays != nil {
		is, err := stat(f.fd, name)
		if err == nil && !is.is(unix.S_IFDIR) {
			err = changed("it was a directory")
		}
		if err != nil {
			return false, w.pathError("clearing", name, err)
		}
		return true, nil
	}
	if err := r.before(); err != nil {
		return false, err
	}
	err = unix.Unlinkat(f.fd, name, 0)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		isDir, err = unsealEntry(f.fd, name, err)
	}
	switch {
	case err == nil && !isDir:
		f.removed++
		r.removed.Add(1)
	case errors.Is(err, unix.EISDIR):
		return true, nil
	case errors.Is(err, unix.ENOENT):
	case err != nil:
		return false, w.pathError("removing", name, err)
	}
	return isDir, nil
}

// unsealEntry removes a file that its attributes protect, or reports that it is a directory.
// The error is the one that there was, if that is not the reason.
func unsealEntry(dir int, name string, was error) (isDir bool, err error) {
	is, err := stat(dir, name)
	if err != nil || is.is(unix.S_IFDIR) {
		return err == nil, err
	}
	if !is.sealed() || !is.is(unix.S_IFREG) { // nothing else has such attributes
		return false, was
	}
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return false, err
	}
	defer unix.Close(fd)
	restore, err := unseal(fd)
	if err != nil {
		return false, err
	}
	if err := unix.Unlinkat(dir, name, 0); err != nil || restore == nil {
		return false, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Nlink == 0 {
		return false, err
	}
	return false, restore(fd) // another name of it may be kept
}

// sealFlags are the attributes "i" and "a" of chattr(1), as FS_IOC_SETFLAGS has them.
const sealFlags = 0x10 | 0x20

// unseal takes from an open node what keeps it from being changed, and returns what puts that
// back.
func unseal(fd int) (restore func(fd int) error, err error) {
	flags, err := unix.IoctlGetUint32(fd, unix.FS_IOC_GETFLAGS)
	if err != nil || flags&sealFlags == 0 {
		return nil, err
	}
	set := func(fd int, flags uint32) error {
		return unix.IoctlSetPointerInt(fd, unix.FS_IOC_SETFLAGS, int(flags))
	}
	return func(fd int) error { return set(fd, flags) }, set(fd, flags&^sealFlags)
}

func (r *remover) enter(w *walker, f, sub *frame) (inside bool, err error) {
	if sub.stays.whole() {
		return false, nil
	}
	if f != nil && sub.is.mount != w.mount {
		return false, w.pathError("clearing", sub.name, changed("nothing was mounted there"))
	}
	if f != nil && system.IsSubvolume(sub.is.inode) && !sub.is.on(f.is) {
		if inside, err = r.enterSubvolume(f, sub); err != nil || !inside {
			return false, w.subError(f, sub, "clearing subvolume", err)
		}
	}
	if !sub.is.sealed() {
		return true, nil
	}
	restore, err := unseal(sub.fd)
	if restore != nil && sub.stays != nil {
		sub.restore = append(sub.restore, restore)
	}
	return true, w.subError(f, sub, "taking the attributes i and a (chattr) from", err)
}

// enterSubvolume destroys a subvolume as a whole. If that is not possible, as there are others in
// it or something of it stays, it makes it writable, to be cleared as a directory is.
func (r *remover) enterSubvolume(f, sub *frame) (inside bool, err error) {
	if err := r.before(); err != nil {
		return false, err
	}
	if sub.stays == nil && system.DestroySubvolume(f.fd, sub.name) == nil {
		f.removed++
		return false, nil
	}
	was, err := system.SetSubvolumeReadOnly(sub.fd, false)
	if was && err == nil && sub.stays != nil {
		sub.restore = append(sub.restore, func(fd int) error {
			_, err := system.SetSubvolumeReadOnly(fd, true)
			return err
		})
	}
	return err == nil, err
}

func (r *remover) leave(w *walker, f, sub *frame) error {
	for _, restore := range sub.restore {
		if err := restore(sub.fd); err != nil {
			return w.subError(f, sub, "giving back the attributes of", err)
		}
	}
	if f == nil || sub.stays != nil {
		return nil
	}
	if err := r.before(); err != nil {
		return err
	}
	err := unix.Unlinkat(f.fd, sub.name, unix.AT_REMOVEDIR)
	switch {
	case errors.Is(err, unix.ENOTDIR): // somebody has put something else in its place
		_, err = r.leaf(w, f, sub.name, nil)
		return err
	case errors.Is(err, unix.ENOENT):
		err = nil
	case errors.Is(err, unix.ENOTEMPTY), errors.Is(err, unix.EEXIST):
		err = changed("all in it was removed")
	case err != nil && system.IsSubvolume(sub.is.inode): // before Linux 4.18
		if system.DestroySubvolume(f.fd, sub.name) == nil {
			err = nil
		}
	}
	f.removed++
	return w.subError(f, sub, "removing directory", err)
}

// changed is the error of a node that is not as the plan has it.
func changed(was string) error {
	return fmt.Errorf("%s before: something else uses the root meanwhile", was)
}
