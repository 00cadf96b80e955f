package rootfs

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// A Stat is what is known about a node.
type Stat struct {
	unix.Stat_t
	Target string // of a symbolic link
	// Future reports whether a program is yet to make the node: a View has it, and
	// its inode, owner and times are not known.
	Future bool
}

func (s *Stat) is(kind uint32) bool { return s.Mode&unix.S_IFMT == kind }

// IsDir reports whether a node is a directory. Nil is none.
func (s *Stat) IsDir() bool { return s != nil && s.is(unix.S_IFDIR) }

// IsRegular reports whether a node is a regular file.
func (s *Stat) IsRegular() bool { return s != nil && s.is(unix.S_IFREG) }

// IsLink reports whether a node is a symbolic link.
func (s *Stat) IsLink() bool { return s != nil && s.is(unix.S_IFLNK) }

// SameNode reports whether two names are hard links to one node.
func (s *Stat) SameNode(o *Stat) bool {
	return s != nil && o != nil && !s.Future && !o.Future && s.Dev == o.Dev && s.Ino == o.Ino
}

// Permissions are the permission bits with setuid, setgid and sticky.
func (s *Stat) Permissions() uint32 { return s.Mode & 0o7777 }

// String describes a node as one would say it after "there is".
func (s *Stat) String() string {
	switch s.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		return fmt.Sprintf("a file of %d bytes", s.Size)
	case unix.S_IFDIR:
		return "a directory"
	case unix.S_IFLNK:
		return "a symbolic link to " + s.Target
	case unix.S_IFBLK, unix.S_IFCHR:
		return "a device"
	case unix.S_IFIFO:
		return "a named pipe"
	case unix.S_IFSOCK:
		return "a socket"
	}
	return "a node of unknown kind"
}

// fstat looks at an open node and, if it is a symbolic link, at its target.
func fstat(fd int) (*Stat, error) {
	st := new(Stat)
	if err := unix.Fstat(fd, &st.Stat_t); err != nil {
		return nil, err
	}
	if st.IsLink() {
		buf := make([]byte, unix.PathMax)
		n, err := unix.Readlinkat(fd, "", buf)
		if err != nil {
			return nil, err
		}
		st.Target = string(buf[:n])
	}
	return st, nil
}

// An Owner is who a node belongs to. Nil leaves an existing node as it is, and a
// new one to the user of this process; the group of a new file or directory is then
// that of a directory around it with the setgid bit, see inode(7).
type Owner struct{ UID, GID *int }

// OwnedBy returns the owner with these ids.
func OwnedBy(uid, gid int) Owner { return Owner{&uid, &gid} }

// WithDefaults returns an owner in which what was nil is one of these.
func (o Owner) WithDefaults(uid, gid int) Owner {
	if o.UID == nil {
		o.UID = &uid
	}
	if o.GID == nil {
		o.GID = &gid
	}
	return o
}

func (o Owner) ids(st *Stat) (uid, gid int) {
	o = o.WithDefaults(int(st.Uid), int(st.Gid))
	return *o.UID, *o.GID
}

func (o Owner) differs(st *Stat) bool {
	uid, gid := o.ids(st)
	return uint32(uid) != st.Uid || uint32(gid) != st.Gid
}
