package clearing

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/firstboot"
)

const keepHint = "see --keep of firstlightctl reset"

// A problem is why a path cannot stay.
type problem struct {
	why, hint string
	// harmless says that nothing of the path is in danger: there is nothing of it that would go.
	harmless bool
	// link says that the path itself is a link.
	link bool
}

// keep has a path stay, or says why it cannot. What the image has need not be there in each
// version of it.
func (l *looker) keep(name string, reason Reason, hint string) {
	wrong, err := l.check(name)
	switch {
	case err != nil:
		l.failed(fmt.Sprintf("looking at %q, which is to be kept", name), err)
	case wrong == nil, reason == Image && wrong.link:
		l.stays.stay(name, reason)
	case reason == Image && wrong.harmless:
	default:
		l.conflict(wrong.hint+"; "+hint, "the path %q cannot be kept: %s", name, wrong.why)
	}
}

// check says why a path cannot stay, nil if it can.
func (l *looker) check(name string) (*problem, error) {
	top := l.region(name)
	if top == "" {
		top = "/"
	}
	f, is, err := l.open(top)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	dir, at := int(f.Fd()), top
	rest := components(strings.TrimPrefix(name, top))
	for i, c := range rest {
		at = path.Join(at, c)
		sub, err := unix.Openat(dir, c, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if errors.Is(err, unix.ENOENT) {
			return &problem{why: "it does not exist", hint: "leave it out, or name what exists", harmless: true}, nil
		}
		if err != nil {
			return nil, l.pathError("looking at", at, err)
		}
		defer unix.Close(sub)
		there, err := stat(sub, "")
		if err != nil {
			return nil, l.pathError("looking at", at, err)
		}
		if wrong := l.step(name, at, i == len(rest)-1, there, there.mount == is.mount); wrong != nil {
			return wrong, nil
		}
		dir = sub
	}
	return nil, nil
}

// step says why a path cannot stay that leads over a node.
func (l *looker) step(name, at string, last bool, there status, inside bool) *problem {
	switch {
	case !inside:
		return &problem{why: fmt.Sprintf("at %q another filesystem is mounted", at), hint: "leave it out: other filesystems are kept anyway, unless the config wipes them (wipeFilesystem)", harmless: true}
	case there.is(unix.S_IFLNK):
		real, err := l.root.Resolve(name)
		if err != nil {
			real = "another path"
		}
		return &problem{why: fmt.Sprintf("%q is a symbolic link", at), hint: fmt.Sprintf("name what it leads to, %q", real), link: last}
	case !last && !there.is(unix.S_IFDIR):
		return &problem{why: fmt.Sprintf("%q is no directory", at), hint: "leave it out, or name what exists", harmless: true}
	}
	return nil
}

// keepMarks has what tells the next boot that it is a first one stay, if that is on the root,
// so that an interrupted clearing goes on; and the machine's ID, if it is to be the same.
func (l *looker) keepMarks() {
	way, err := firstboot.Of(l.Settings)
	if err != nil {
		l.failed("finding out what says that this is a first boot", err)
		return
	}
	if mark := path.Join(way.Directories[0], way.File); way.InRoot() && mark != machineID { // no ID says so, too
		if st, err := l.root.Lstat(mark); err != nil {
			l.failed("finding out what says that this is a first boot", err)
		} else if st.IsRegular() {
			l.stays.stay(mark, Mark)
		}
	}
	if l.MachineID == "" || l.stays.at(machineID).whole() {
		return
	}
	text, err := l.root.ReadFile(machineID)
	if err != nil {
		l.failed("reading the machine's ID", err)
	}
	if l.writeID = strings.TrimSpace(string(text)) != l.MachineID; !l.writeID {
		l.keep(machineID, MachineID, "see --keep-machine-id of firstlightctl reset")
	}
}

const machineID = "/etc/machine-id"

// keepSkeleton has the directories stay that a root cannot do without until the system has
// booted from it, empty, and the links of its top that lead to /usr.
func (l *looker) keepSkeleton() {
	if l.regions[0] != "/" {
		return
	}
	for _, name := range skeleton {
		st, err := l.root.Lstat("/" + name)
		switch {
		case err != nil:
			l.failed("looking at the root", err)
		case st.IsDir():
			l.stays.grow(name)
		case st.IsLink() && rootfs.Within(path.Join("/", st.Target), "/usr"):
			l.stays.stay("/"+name, Image)
		}
	}
}

// skeleton are the names that file-hierarchy(7) and hier(7) have for the top of a root.
var skeleton = strings.Fields("bin dev etc home lib lib32 lib64 libx32 lost+found media mnt opt proc root run sbin srv sys tmp usr var")
