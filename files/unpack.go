package files

import (
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/tar"
)

// Limits of archives. Who makes one needs no more; who wants to harm can have no more.
const (
	maxArchiveEntries = 1_000_000
	maxArchiveDepth   = 128  // directories inside each other
	maxArchiveName    = 4095 // bytes of a name or a link's target: PATH_MAX without the NUL
	maxNameComponent  = 255  // bytes: NAME_MAX
)

// An unpackTarget is where the nodes of an archive go. Names are relative and clean; "" is the
// directory itself. A directory is made when something is in it, and Dir says what it is like.
type unpackTarget interface {
	Dir(name string, a rootfs.Attributes) error
	File(name string, a rootfs.Attributes, size int64, from io.Reader) error
	Link(name, target string, a rootfs.Attributes) error
	HardLink(name, target string) error
	Lstat(name string) (*rootfs.Stat, error)
}

// An unpacker reads an archive.
type unpacker struct {
	archive *config.Archive
	owner   rootfs.Owner // nil for what the archive says
	// made are what the config makes itself, by name.
	made map[string]madeByConfig
	to   unpackTarget

	entries int
	// withAttributes is how many have attributes that are not unpacked, and firstWith is
	// one of them.
	withAttributes int
	firstWith      string
}

// A madeByConfig is what the config makes where an archive is unpacked.
type madeByConfig struct {
	// by is what makes it, for people.
	by string
	// isDir is set for a directory, above is set if only something below it is listed,
	// so that it is one, too; own is a file of this program.
	isDir, above, own bool
}

// An archiveError is a fault of an archive, and not of the machine.
type archiveError struct {
	text, hint string
	err        error
}

func (e *archiveError) Error() string { return e.text }
func (e *archiveError) Unwrap() error { return e.err }

func badArchive(hint, format string, args ...any) error {
	return &archiveError{text: fmt.Sprintf(format, args...), hint: hint}
}

// unpack reads all of an archive, to the end of what it is read from, so that checksums have
// been compared.
func (u *unpacker) unpack(from io.Reader) error {
	plain := from
	if u.archive.Format == config.FormatTarGz {
		z, err := gzip.NewReader(from)
		if err != nil {
			return explainArchive(err, "gzip")
		}
		plain = z
	}
	if err := u.readTar(plain); err != nil {
		return err
	}
	for _, r := range []io.Reader{plain, from} {
		if _, err := io.Copy(io.Discard, r); err != nil {
			return explainArchive(err, "gzip")
		}
	}
	return nil
}

func (u *unpacker) readTar(from io.Reader) error {
	counted := &readCounter{from: from}
	t := tar.NewReader(counted)
	for {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil && counted.isGzip {
			return badArchive("set the format to tar.gz", "it is compressed with gzip, which the config does not say")
		}
		if err != nil {
			return explainArchive(err, "tar")
		}
		if u.entries++; u.entries > maxArchiveEntries {
			return badArchive("unpack it in parts", "it has more than %d entries", maxArchiveEntries)
		}
		if err := u.entry(h, t); err != nil {
			return explainArchive(explainEntry(h, err), "tar")
		}
	}
	if counted.n == 0 {
		return badArchive("look at the source: it should be an archive", "it is empty")
	}
	return nil
}

type readCounter struct {
	from   io.Reader
	n      int64
	isGzip bool // it begins like that
}

func (c *readCounter) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	if c.n == 0 && n > 1 {
		c.isGzip = p[0] == 0x1f && p[1] == 0x8b
	}
	c.n += int64(n)
	return n, err
}

// explainEntry says that an entry is not possible after those before it.
func explainEntry(h *tar.Header, err error) error {
	for _, errno := range []error{unix.ENOTDIR, unix.ELOOP, unix.EISDIR} {
		if errors.Is(err, errno) {
			return badArchive("make the archive again", "%q cannot be where something else of the archive is: %v", shortName(h.Name), err)
		}
	}
	if errors.Is(err, unix.EOPNOTSUPP) {
		return &archiveError{err.Error(), "the filesystem has no such attributes: make the archive without them (tar --no-xattrs), or choose another path", err}
	}
	return err
}

// explainArchive says what is wrong with the form of an archive. Other errors stay.
func explainArchive(err error, format string) error {
	const again = "make the archive again, or correct its format; a hash (verification) shows whether it has come whole"
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), format == "gzip" && err == io.EOF:
		return &archiveError{"it ends too early", again, err}
	case errors.Is(err, gzip.ErrHeader):
		return &archiveError{"it is not compressed with gzip", "set the format to tar, if it is not compressed", err}
	case errors.Is(err, gzip.ErrChecksum):
		return &archiveError{"the checksum of gzip is wrong", again, err}
	case errors.Is(err, tar.ErrForm):
		return &archiveError{"it is not an archive of tar, or damaged", again, err}
	}
	return err
}

// entry unpacks one entry.
func (u *unpacker) entry(h *tar.Header, contents io.Reader) error {
	isDir := h.Kind == tar.Directory
	name, skip, err := u.name(h.Name, isDir)
	if err != nil || skip {
		return err
	}
	a, err := u.attributesOf(h, isDir)
	if err != nil {
		return err
	}
	if skip, err := u.checkMade(name, isDir); err != nil || skip {
		return err
	}
	if a.Extended, err = u.extended(h); err != nil {
		return err
	}
	switch h.Kind {
	case tar.Directory:
		return u.to.Dir(name, a)
	case tar.File:
		return u.to.File(name, a, h.Size, contents)
	case tar.Link:
		if err := checkTarget(h); err != nil {
			return err
		}
		return u.to.Link(name, h.Target, a)
	case tar.HardLink:
		return u.hardLink(name, h)
	case tar.CharDev, tar.BlockDev, tar.Pipe:
		return badArchive("leave it out of the archive", "%q is %s; of an archive files, directories and links are unpacked", h.Name, kindOfEntry(h))
	}
	return badArchive("make the archive again, as ustar or pax", "%q is of the unknown kind %q", h.Name, h.Kind)
}

func kindOfEntry(h *tar.Header) string {
	if h.Kind == tar.Pipe {
		return "a named pipe"
	}
	return "a device"
}

// hardLink makes another name of a file that has come before.
func (u *unpacker) hardLink(name string, h *tar.Header) error {
	const hint = "make the archive again, with the file that it is a link to"
	target, skip, err := u.name(h.Target, false)
	if err != nil {
		return err
	}
	if skip || target == name {
		return badArchive(hint, "%q is a hard link to %q, which is not unpacked", h.Name, h.Target)
	}
	switch found, err := u.to.Lstat(target); {
	case err != nil:
		return err
	case found == nil:
		return badArchive(hint, "%q is a hard link to %q, which has not come before it in the archive, or is left out", h.Name, h.Target)
	case found.IsDir():
		return badArchive(hint, "%q is a hard link to %q, which is a directory", h.Name, h.Target)
	}
	return u.to.HardLink(name, target)
}

func checkTarget(h *tar.Header) error {
	switch {
	case h.Target == "":
		return badArchive("make the archive again", "%q is a symbolic link that leads nowhere", h.Name)
	case len(h.Target) > maxArchiveName:
		return badArchive("make the archive again", "%q is a symbolic link with a target of %d bytes; at most %d are possible", h.Name, len(h.Target), maxArchiveName)
	case strings.Contains(h.Target, "\x00"):
		return badArchive("make the archive again", "%q is a symbolic link with a NUL in its target", h.Name)
	}
	return nil
}

// name is the name of an entry in the directory into which it is unpacked. What strip leaves
// out is skipped.
func (u *unpacker) name(raw string, isDir bool) (name string, skip bool, err error) {
	const hint = "make the archive again, with names below one directory: tar -C DIRECTORY -c ."
	switch {
	case raw == "":
		return "", false, badArchive(hint, "an entry has no name")
	case raw[0] == '/':
		return "", false, badArchive(hint, "the name %q is absolute", shortName(raw))
	case len(raw) > maxArchiveName:
		return "", false, badArchive(hint, "the name %q is %d bytes long, at most %d are possible", shortName(raw), len(raw), maxArchiveName)
	case strings.ContainsFunc(raw, func(c rune) bool { return c < ' ' || c == 0x7f }):
		return "", false, badArchive(hint, "there is a control character in the name %q", shortName(raw))
	}
	parts := slices.DeleteFunc(strings.Split(raw, "/"), func(part string) bool { return part == "" || part == "." })
	for _, part := range parts {
		switch {
		case part == "..":
			return "", false, badArchive(hint, "the name %q leads out of a directory, with ..", shortName(raw))
		case len(part) > maxNameComponent:
			return "", false, badArchive(hint, "the name %q is %d bytes long, at most %d are possible", shortName(part), len(part), maxNameComponent)
		case rootfs.IsTempName(part):
			return "", false, badArchive(hint, "the name %q is like those of this program's temporary files", shortName(raw))
		}
	}
	if len(parts) > maxArchiveDepth {
		return "", false, badArchive(hint, "the name %q is %d directories deep, at most %d are possible", shortName(raw), len(parts), maxArchiveDepth)
	}
	strip := config.ValueOr(u.archive.Strip, 0)
	switch {
	case strip > 0 && len(parts) <= strip && !(isDir && len(parts) == strip):
		return "", true, nil
	case len(parts) == strip && !isDir:
		return "", false, badArchive(hint, "the name %q is that of the directory itself, and it is none", shortName(raw))
	}
	return strings.Join(parts[min(strip, len(parts)):], "/"), false, nil
}

func shortName(name string) string {
	const longest = 80 // bytes, one line of a console
	if len(name) > longest {
		return strings.ToValidUTF8(name[:longest], "") + "..."
	}
	return name
}

// attributesOf are the owner, the mode and the time of an entry.
func (u *unpacker) attributesOf(h *tar.Header, isDir bool) (rootfs.Attributes, error) {
	const sticky, setgid, special, permissions = 0o1000, 0o2000, 0o6000, 0o777
	a := rootfs.Attributes{Owner: u.owner, Mode: uint32(h.Mode) & permissions, Modified: h.Modified}
	for _, id := range []struct {
		what   string
		number int64
		owner  **int
	}{{"user", h.UID, &a.Owner.UID}, {"group", h.GID, &a.Owner.GID}} {
		switch {
		case *id.owner != nil: // the config says
		case id.number < 0 || id.number >= math.MaxUint32: // which means nobody, see chown(2)
			return a, badArchive("set "+id.what+" of the archive in the config", "%q belongs to %s %d, which there cannot be", h.Name, id.what, id.number)
		default:
			number := int(id.number)
			*id.owner = &number
		}
	}
	switch bits := uint32(h.Mode); {
	case isDir:
		a.Mode |= bits & (sticky | setgid)
	case bits&special == 0 || h.Kind == tar.Link || h.Kind == tar.HardLink:
	case config.NonZero(u.archive.AllowSetuid):
		a.Mode |= bits & special
	default:
		return a, badArchive("set "+u.archive.Key("allowSetuid")+" if it may run with the rights of its owner", "%q has the setuid or setgid bit (mode %04o)", h.Name, bits&0o7777)
	}
	return a, nil
}

// checkMade reports whether the config makes what has a name itself, so that it is left out.
func (u *unpacker) checkMade(name string, isDir bool) (skip bool, err error) {
	const hint = "leave it out of the archive, or choose another path in the config"
	if len(u.made) == 0 {
		return false, nil
	}
	for above := path.Dir(name); above != "."; above = path.Dir(above) {
		if m, ok := u.made[above]; ok && !m.isDir && !m.above {
			return false, badArchive(hint, "%q is below %s, which is no directory", name, m.by)
		}
	}
	switch m, ok := u.made[name]; {
	case !ok, m.above && isDir:
		return false, nil
	case m.own:
		return false, badArchive(hint, "%q is %s", name, m.by)
	case m.above:
		return false, badArchive(hint, "%q is no directory in the archive, but %s is below it", name, m.by)
	case m.isDir && !isDir:
		return false, badArchive(hint, "%q is no directory in the archive, but %s is one", name, m.by)
	case !m.isDir && isDir:
		return false, badArchive(hint, "%q is a directory in the archive, but %s is none", name, m.by)
	}
	if isDir {
		return true, u.to.Dir(name, u.others())
	}
	return true, nil
}

// others are the attributes of directories that an archive does not list.
func (u *unpacker) others() rootfs.Attributes {
	return rootfs.Attributes{Owner: u.owner, Mode: 0o755}
}

// capability is the attribute with the rights that a file has when it is run.
const capability = "security.capability"

// extended are the extended attributes of an entry that are unpacked: those that people
// give files and directories, and capabilities of files. Labels of SELinux are those of the
// policy; others, and ACLs, are noted.
func (u *unpacker) extended(h *tar.Header) ([]rootfs.Extended, error) {
	var all []rootfs.Extended
	left := len(h.Others) > 0
	for _, name := range slices.Sorted(maps.Keys(h.Extended)) {
		value := h.Extended[name]
		isUsers := strings.HasPrefix(name, "user.")
		switch {
		case isUsers && (h.Kind == tar.File || h.Kind == tar.Directory), name == capability && h.Kind == tar.File:
			if err := u.checkExtended(h, name, value); err != nil {
				return nil, err
			}
			all = append(all, rootfs.Extended{Name: name, Value: value})
		case name != "security.selinux":
			left = true
		}
	}
	if left {
		u.withAttributes++
		u.firstWith = cmp.Or(u.firstWith, h.Name)
	}
	return all, nil
}

// Limits of extended attributes: XATTR_NAME_MAX and XATTR_SIZE_MAX, in bytes.
const (
	maxAttributeName = 255
	maxAttribute     = 64 << 10
)

// checkExtended refuses an attribute that the kernel would not take, and rights that the
// config does not allow.
func (u *unpacker) checkExtended(h *tar.Header, name, value string) error {
	isControl := func(c rune) bool { return c < ' ' || c == 0x7f }
	switch {
	case len(name) > maxAttributeName, name == "user.", strings.ContainsFunc(name, isControl), len(value) > maxAttribute, name == capability && !isCapability(value):
		return badArchive("make the archive again, or without them: tar --no-xattrs", "%q has the extended attribute %q of %d bytes, which Linux cannot have", h.Name, shortName(name), len(value))
	case name == capability && !config.NonZero(u.archive.AllowSetuid):
		return badArchive("set "+u.archive.Key("allowSetuid")+" if it may run with these rights", "%q has capabilities (%s)", h.Name, capability)
	}
	return nil
}

// isCapability reports whether a value is a vfs_cap_data of the revisions 2 or 3, which has
// the number of a namespace's root besides.
func isCapability(value string) bool {
	const effective, size2, size3 = 1, 20, 24
	switch {
	case len(value) == size2 && value[3] == 2, len(value) == size3 && value[3] == 3:
		return value[0]&^effective == 0 && value[1] == 0 && value[2] == 0
	}
	return false
}

// warning is what a person may want to know of what was unpacked, "" for nothing.
func (u *unpacker) warning() string {
	if u.withAttributes == 0 {
		return ""
	}
	return fmt.Sprintf("the archive has ACLs, or extended attributes of the system, of %s, such as %q, which are not unpacked", system.Plural(u.withAttributes, "node"), u.firstWith)
}
