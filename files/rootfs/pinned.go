package rootfs

import (
	"errors"
	"path"

	"golang.org/x/sys/unix"
)

// A Pin is why a node cannot be removed or replaced.
type Pin struct {
	Path string // of the node
	Why  string // "a filesystem is mounted there"
	Hint string
}

// PinAt returns why the node at a path cannot be removed, and with below the first
// reason among all that is in it, too. Nil is none, also where nothing is.
func (r *Root) PinAt(name string, below bool) (*Pin, error) {
	d, base, err := r.openParent(name)
	if err != nil {
		return nil, ignoreMissing(err)
	}
	defer d.Close()
	return d.pinAt(base, below)
}

// PinAt is Root.PinAt for what will be at a path, as it is now.
func (v *View) PinAt(name string, below bool) (*Pin, error) {
	p := v.place(name)
	if p.path == "" {
		return nil, nil
	}
	return v.root.PinAt(p.path, below)
}

func (d *Dir) pinAt(name string, below bool) (*Pin, error) {
	fd, err := unix.Openat(d.fd, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil, nil
	}
	if err != nil {
		return nil, d.pathError("looking at", name, err)
	}
	node := &Dir{root: d.root, path: path.Join(d.path, name), fd: fd}
	defer node.Close()
	st, err := fstat(fd)
	if err != nil {
		return nil, d.pathError("looking at", name, err)
	}
	pin, err := node.pin(d)
	if err != nil || pin != nil || !below || !st.IsDir() {
		return pin, err
	}
	names, err := node.readNames()
	for _, n := range names {
		pin, err = node.pinAt(n, true)
		if err != nil || pin != nil {
			break
		}
	}
	return pin, err
}

// pin returns why a node, which is an entry of parent, cannot be removed.
func (d *Dir) pin(parent *Dir) (*Pin, error) {
	if mounted, err := d.isMountPoint(parent); err != nil {
		return nil, d.pathError("looking at", ".", err)
	} else if mounted {
		return &Pin{d.path, "a filesystem is mounted there", "choose another path: what is mounted is not removed"}, nil
	}
	return d.seal()
}

// SealAt returns why nothing can be made or replaced in a directory, nil if all can.
func (r *Root) SealAt(name string) (*Pin, error) {
	d, err := r.OpenDir(name)
	if err != nil {
		return nil, ignoreMissing(err)
	}
	defer d.Close()
	return d.seal()
}

// seal returns the attribute of a node that keeps it, and what is in it, as it is.
func (d *Dir) seal() (*Pin, error) {
	var x unix.Statx_t
	// Kernels without statx (before 4.11) do not say.
	err := unix.Statx(d.fd, "", unix.AT_EMPTY_PATH, unix.STATX_BASIC_STATS, &x)
	if err != nil && !errors.Is(err, unix.ENOSYS) {
		return nil, d.pathError("looking at", ".", err)
	}
	why := ""
	switch {
	case x.Attributes&unix.STATX_ATTR_IMMUTABLE != 0:
		why = "it is immutable"
	case x.Attributes&unix.STATX_ATTR_APPEND != 0:
		why = "it can only be appended to"
	default:
		return nil, nil
	}
	return &Pin{d.path, why, unpinHint}, nil
}

const unpinHint = "take this attribute away when the image is built, see chattr(1), or choose another path"
