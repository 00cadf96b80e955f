package clearing

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/report"
)

// A layout is a way in which roots have what belongs to the image apart from all else.
type layout struct {
	name string
	// lacks says why a root does not have this layout, "" if it has.
	lacks func(l *looker) (string, error)
	// regions are the directories that are cleared, and image what stays in them.
	regions, image []string
	// etc is the directory that /etc is made anew from, unless the distribution has another.
	etc string
	// hardLinks says whether files of that which are one node are meant to be.
	hardLinks bool
	// needsEtc says that nothing else makes /etc.
	needsEtc bool
}

// bootDirectories have the kernel and what starts it, where that is no filesystem of its own.
var bootDirectories = []string{"/boot", "/efi"}

// layouts are all that can be cleared. The first counts that a root has.
var layouts = []layout{
	// Nodes of a deployment are shared with all that have the same contents.
	{name: "OSTree deployment", lacks: lacksDeployment, regions: []string{"/var", etc}, etc: "/usr/etc"},
	{name: "system and data apart by RESET_KEEP", lacks: lacksSetting, regions: []string{"/"}, image: bootDirectories, hardLinks: true, needsEtc: true},
	{name: "/usr on a filesystem of its own", lacks: lacksOwnUsr, regions: []string{"/"}, image: bootDirectories, hardLinks: true},
}

const etc = "/etc"

// chooseLayout finds the layout of the root. The error says what was looked for.
func (l *looker) chooseLayout() error {
	var reasons []string
	for i := range layouts {
		layout := &layouts[i]
		why, err := layout.lacks(l)
		if err != nil {
			return &report.Error{Doing: "finding out what of the root belongs to the image", Err: err}
		}
		if why != "" {
			reasons = append(reasons, fmt.Sprintf("it is no %s: %s", layout.name, why))
			continue
		}
		l.layout = layout
		return l.chooseRegions()
	}
	return report.Conflict(config.Origin{}, "provision this machine from a new image, or have the distribution say in RESET_KEEP what belongs to the image",
		"what of the root belongs to the image is not known: %s", strings.Join(reasons, "; "))
}

func lacksDeployment(l *looker) (string, error) {
	for _, name := range []string{deployments, "/usr/etc"} {
		if _, found, err := l.statOf(name); err != nil || !found {
			return "there is no directory " + l.root.HostPath(name), err
		}
	}
	return "", nil
}

func lacksSetting(l *looker) (string, error) {
	if len(l.Settings.Words(distribution.ResetKeep)) == 0 {
		return "it is not set in " + path.Join(distribution.Dir, distribution.File), nil
	}
	return "", nil
}

// lacksOwnUsr is about systems that boot with nothing but a /usr. One that can be written to
// has the rest of the system on the root.
func lacksOwnUsr(l *looker) (string, error) {
	root, _, err := l.statOf("/")
	if err != nil {
		return "", err
	}
	f, usr, err := l.open("/usr")
	if err != nil {
		return err.Error(), nil
	}
	defer f.Close()
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &fs); err != nil {
		return "", err
	}
	host := l.root.HostPath("/usr")
	switch {
	case usr.mount == root.mount:
		return host + " is on the root filesystem", nil
	case fs.Flags&unix.ST_RDONLY == 0:
		return host + " is mounted, but not read-only", nil
	}
	for _, name := range []string{"/bin", "/lib", "/sbin"} {
		if st, err := l.root.Lstat(name); err != nil || st.IsDir() {
			return l.root.HostPath(name) + " is a directory, not a link to /usr", err
		}
	}
	return "", nil
}

// deployments has a directory for each system that was ever deployed, with its /var.
const deployments = "/sysroot/ostree/deploy"

const findingRegions = "finding out what of the root is to be cleared"

// chooseRegions leaves out what is on a filesystem of its own: that is not the root's.
func (l *looker) chooseRegions() error {
	if l.layout.regions[0] == "/" {
		l.regions = l.layout.regions
		return nil
	}
	var errs []error
	look := func(name string) (status, bool) {
		is, found, err := l.statOf(name)
		errs = append(errs, err)
		return is, found
	}
	root, _ := look("/")
	disk, _ := look("/sysroot")
	for _, r := range l.layout.regions {
		is, found := look(r)
		ours := is.on(disk)
		if r == "/var" && (ours || is.mount == root.mount || !found) {
			if err := l.checkVar(is); err != nil {
				return err
			}
		}
		switch {
		case found && ours:
			l.regions = append(l.regions, r)
		case found:
			l.stays.stay(r, Mounted)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return &report.Error{Doing: findingRegions, Err: err}
	}
	if len(l.regions) == 0 {
		return report.Conflict(config.Origin{}, "see firstlightctl plan for what the config does to these filesystems", "nothing of the root can be cleared: %s are on filesystems of their own",
			strings.Join(l.layout.regions, " and "))
	}
	return nil
}

// checkVar checks that /var is that of a deployed system, if they have any. A deployment has
// an empty one itself, on which that is mounted.
func (l *looker) checkVar(is status) error {
	names, err := l.root.ReadDir(deployments)
	if err != nil {
		return &report.Error{Doing: findingRegions, Err: err}
	}
	var others []string
	for _, name := range names {
		name = path.Join(deployments, name, "var")
		deployed, found, err := l.statOf(name)
		if err != nil {
			return &report.Error{Doing: findingRegions, Err: err}
		}
		if found && deployed.inode == is.inode && deployed.on(is) {
			return nil
		}
		if found {
			others = append(others, l.root.HostPath(name))
		}
	}
	if len(others) == 0 {
		return nil
	}
	return report.Conflict(config.Origin{}, "mount it before the mount stage, as ignition-ostree-mount-var.service of Fedora CoreOS does", "%s is not that of the deployment, which is in %s",
		l.root.HostPath("/var"), strings.Join(others, " or "))
}

// checkEtc finds out where /etc comes from.
func (l *looker) checkEtc() {
	from := l.layout.etc
	l.hardLinks = l.layout.hardLinks
	if named := l.Settings.Value(distribution.ResetEtc); named != "" {
		from, l.hardLinks = named, true
	}
	is, found, err := l.statOf(etc)
	top, _, topErr := l.statOf(l.regions[0])
	region := l.region(etc)
	switch {
	case err != nil || topErr != nil:
		l.failed("looking at /etc", errors.Join(err, topErr))
	case region == "" || l.stays.at(etc).whole():
		return // it is kept, or made by the system
	case region == "/" && found && is.mount != top.mount:
		l.checkMountedEtc()
		return
	case from != "":
		l.checkEtcSource(from)
	case l.layout.needsEtc:
		l.conflict("this is for those who make the image: set RESET_ETC, or add /etc to RESET_KEEP", "nothing says where /etc comes from: the distribution sets RESET_KEEP without it")
	}
}

// checkMountedEtc is about an overlay: what was written to /etc is elsewhere on the root, and
// is not to go while it is mounted.
func (l *looker) checkMountedEtc() {
	f, _, err := l.open(etc)
	if err != nil {
		l.failed("looking at /etc", err)
		return
	}
	defer f.Close()
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &fs); err != nil {
		l.failed("looking at /etc", err)
	} else if fs.Type == unix.OVERLAYFS_SUPER_MAGIC {
		l.conflict("provision this machine from a new image", "%s is an overlay that is mounted already: what is below it cannot be cleared", l.root.HostPath(etc))
	}
}

// checkEtcSource checks that a directory is there, and will be when the root is cleared.
func (l *looker) checkEtcSource(from string) {
	hint := "this is for those who make the image: see RESET_ETC in " + distribution.File
	at, err := l.root.Resolve(from)
	if err != nil {
		l.failed("looking for what /etc is made from", err)
		return
	}
	is, found, err := l.statOf(at)
	if err != nil {
		l.failed("looking for what /etc is made from", err)
		return
	}
	if !found {
		l.conflict(hint, "there is no directory %s, from which /etc is to be made anew", l.root.HostPath(from))
		return
	}
	if region := l.region(at); region != "" && !l.stays.at(at).whole() {
		if top, _, err := l.statOf(region); err == nil && top.mount == is.mount {
			l.conflict(hint, "%s, from which /etc is to be made anew, goes itself", l.root.HostPath(from))
			return
		}
	}
	l.etcFrom = from
}
