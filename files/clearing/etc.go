package clearing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/system"
)

// makeEtc copies the image's directory to /etc, in which only what stays is left.
func (p *Plan) makeEtc(ctx context.Context) error {
	from, _, err := p.look.open(p.EtcFrom)
	if err != nil {
		return err
	}
	defer from.Close()
	defer p.look.root.Forget()
	d, err := p.look.root.MakeDirs(etc, 0o755)
	if err != nil {
		return err
	}
	defer d.Close()
	to, _, err := d.OpenFile(".", unix.S_IFDIR)
	if err != nil {
		return err
	}
	defer to.Close()
	c := &copier{ctx: ctx, step: p.step, hardLinks: p.look.hardLinks, first: map[identity]string{}}
	stays := p.look.stays.at(etc)
	if !stays.hasKept() {
		c.made = []string{etc}
	}
	err = c.directory(from, to, stays, "")
	p.made = c.made
	return err
}

// A copier copies a tree of the image into a directory, in which nodes may be that stay.
type copier struct {
	ctx       context.Context
	step      func() error
	hardLinks bool
	// top is the directory that is copied to, and first has by node where in it that was
	// copied first.
	top   *os.File
	first map[identity]string
	// made are the paths of what was copied as a whole.
	made []string
}

// directory copies what is in a directory. What stays is not touched; a directory of which
// only something stays keeps its owner and mode.
func (c *copier) directory(from, to *os.File, stays *node, at string) error {
	if c.top == nil {
		c.top = to
	}
	names, err := from.Readdirnames(-1)
	if err != nil {
		return err
	}
	slices.Sort(names)
	for _, name := range names {
		if c.ctx.Err() != nil {
			return context.Cause(c.ctx)
		}
		s := stays.child(name)
		if s.whole() {
			continue
		}
		if c.step != nil {
			if err := c.step(); err != nil {
				return err
			}
		}
		if err := c.entry(from, to, name, s, path.Join(at, name)); err != nil {
			return fmt.Errorf("copying %s: %w", system.PrintableLine(path.Join(from.Name(), name)), err)
		}
		if s == nil && stays.hasKept() {
			c.made = append(c.made, path.Join(etc, at, name))
		}
	}
	if stays.hasKept() {
		return nil
	}
	return finish(int(from.Fd()), int(to.Fd()))
}

// hasKept reports whether a directory is one around something that stays.
func (n *node) hasKept() bool { return n != nil && len(n.children) > 0 }

func (c *copier) entry(from, to *os.File, name string, stays *node, at string) error {
	var st unix.Stat_t
	if err := unix.Fstatat(int(from.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return err
	}
	kind := st.Mode & unix.S_IFMT
	switch {
	case kind == unix.S_IFDIR:
		return c.subdirectory(from, to, name, stays, at)
	case stays != nil:
		return nil // something is kept in a directory of that name
	}
	is := identity{inode: st.Ino, major: unix.Major(st.Dev), minor: unix.Minor(st.Dev)}
	if first, copied := c.first[is]; copied {
		return unix.Linkat(int(c.top.Fd()), first, int(to.Fd()), name, 0)
	}
	if c.hardLinks && st.Nlink > 1 {
		c.first[is] = at
	}
	switch kind {
	case unix.S_IFREG:
		return copyFile(from, to, name)
	case unix.S_IFLNK:
		target, err := readlink(int(from.Fd()), name)
		if err != nil {
			return err
		}
		if err := unix.Symlinkat(target, int(to.Fd()), name); err != nil {
			return err
		}
	default:
		if err := unix.Mknodat(int(to.Fd()), name, st.Mode, int(st.Rdev)); err != nil {
			return err
		}
	}
	return finishEntry(int(from.Fd()), int(to.Fd()), name, &st)
}

func readlink(dir int, name string) (string, error) {
	buffer := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(dir, name, buffer)
	return string(buffer[:max(n, 0)]), err
}

func (c *copier) subdirectory(from, to *os.File, name string, stays *node, at string) error {
	if err := unix.Mkdirat(int(to.Fd()), name, 0o700); err != nil && (stays == nil || !errors.Is(err, unix.EEXIST)) {
		return err
	}
	source, err := openSub(from, name)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := openSub(to, name)
	if err != nil {
		return err
	}
	defer target.Close()
	return c.directory(source, target, stays, at)
}

func openSub(dir *os.File, name string) (*os.File, error) {
	fd, err := openDir(int(dir.Fd()), name)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), path.Join(dir.Name(), name)), nil
}

func copyFile(from, to *os.File, name string) error {
	fd, err := unix.Openat(int(from.Fd()), name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	source := os.NewFile(uintptr(fd), name)
	defer source.Close()
	fd, err = unix.Openat(int(to.Fd()), name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	target := os.NewFile(uintptr(fd), name)
	defer target.Close()
	if _, err := io.Copy(target, source); err != nil {
		return err
	}
	if err := finish(int(source.Fd()), fd); err != nil {
		return err
	}
	return target.Close()
}

// finish gives an open file or directory the owner, the mode, the extended attributes and the
// times of another one.
func finish(from, to int) error {
	var st unix.Stat_t
	if err := unix.Fstat(from, &st); err != nil {
		return err
	}
	if err := unix.Fchown(to, int(st.Uid), int(st.Gid)); err != nil {
		return err
	}
	if err := unix.Fchmod(to, st.Mode&0o7777); err != nil {
		return err
	}
	if err := copyAttributes(processPath(from, ""), processPath(to, "")); err != nil {
		return err
	}
	return unix.UtimesNanoAt(unix.AT_FDCWD, processPath(to, ""), []unix.Timespec{st.Mtim, st.Mtim}, 0)
}

// finishEntry is finish for what cannot be opened.
func finishEntry(from, to int, name string, st *unix.Stat_t) error {
	if err := unix.Fchownat(to, name, int(st.Uid), int(st.Gid), unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFLNK {
		if err := unix.Fchmodat(to, name, st.Mode&0o7777, 0); err != nil {
			return err
		}
	}
	if err := copyAttributes(processPath(from, name), processPath(to, name)); err != nil {
		return err
	}
	return unix.UtimesNanoAt(to, name, []unix.Timespec{st.Mtim, st.Mtim}, unix.AT_SYMLINK_NOFOLLOW)
}

// processPath is a path of an open node, or of an entry of an open directory, that does not
// depend on where that is.
func processPath(fd int, name string) string {
	return path.Join("/proc/self/fd", strconv.Itoa(fd), name)
}

// copyAttributes copies extended attributes, with SELinux labels, capabilities and access
// control lists. Links are followed only where the path is that of an open node.
func copyAttributes(from, to string) error {
	list, get, set := unix.Llistxattr, unix.Lgetxattr, unix.Lsetxattr
	if path.Dir(from) == "/proc/self/fd" {
		list, get, set = unix.Listxattr, unix.Getxattr, unix.Setxattr
	}
	n, err := list(from, nil)
	if errors.Is(err, unix.ENOTSUP) || err == nil && n == 0 {
		return nil
	}
	names := make([]byte, maxAttribute)
	if err == nil {
		n, err = list(from, names)
	}
	if err != nil {
		return fmt.Errorf("listing extended attributes: %w", err)
	}
	if n == 0 {
		return nil // it has gone
	}
	value := make([]byte, maxAttribute)
	for _, name := range strings.Split(string(names[:n-1]), "\x00") { // the last one ends, too
		n, err := get(from, name, value)
		if errors.Is(err, unix.ENODATA) {
			continue // a label that only the kernel has
		}
		if err == nil {
			err = set(to, name, value[:n], 0)
		}
		if err != nil {
			return fmt.Errorf("copying the extended attribute %s: %w", name, err)
		}
	}
	return nil
}

// maxAttribute is the kernel's limit for the names and for a value, in bytes.
const maxAttribute = 64 << 10

// label gives what was made the labels that the policy of the root has for it: those of the
// image's directory are for where that is. What is kept has its own.
func (p *Plan) label(ctx context.Context) error {
	root := p.look.root
	l := system.Labeller{Root: root.HostPath("/"), Tree: root, Run: p.look.Run, Warn: p.look.Log.Warn}
	policy, err := l.Policy()
	if err != nil || policy == "" || len(p.made) == 0 {
		return err
	}
	paths := make([]string, len(p.made))
	for i, name := range p.made {
		paths[i] = root.HostPath(name)
	}
	return l.Label(ctx, policy, paths)
}

// writeMachineID writes the ID that the machine keeps.
func (p *Plan) writeMachineID(context.Context) error {
	p.made = append(p.made, machineID)
	return p.look.root.WriteFile(machineID, []byte(strings.TrimSpace(p.look.MachineID)+"\n"), rootfs.Options{Owner: rootfs.OwnedBy(0, 0), Mode: 0o444, Replace: true})
}

// sync writes back the filesystems of what was cleared.
func (p *Plan) sync(context.Context) error {
	done := map[uint64]bool{}
	for _, region := range append([]string{etc}, p.look.regions...) {
		if err := p.look.root.SyncFilesystem(region, done); err != nil {
			return err
		}
	}
	return nil
}
