package clearing

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/system"
)

// An identity is what tells a directory from all others, and in which mount it is.
type identity struct {
	inode, mount uint64
	major, minor uint32
}

// A status is what statx says about a node.
type status struct {
	identity
	mode       uint16
	size       int64
	attributes uint64
}

func (s status) is(kind uint16) bool { return s.mode&unix.S_IFMT == kind }

// on reports whether two nodes are on the same device.
func (s status) on(o status) bool { return s.major == o.major && s.minor == o.minor }

// sealed reports whether the node cannot be removed or changed, by its attributes.
func (s status) sealed() bool {
	return s.attributes&(unix.STATX_ATTR_IMMUTABLE|unix.STATX_ATTR_APPEND) != 0
}

// stat looks at an entry of an open directory, at that itself if the name is empty. Nothing
// is followed or mounted.
func stat(dir int, name string) (status, error) {
	flags := unix.AT_SYMLINK_NOFOLLOW | unix.AT_NO_AUTOMOUNT
	if name == "" {
		flags |= unix.AT_EMPTY_PATH
	}
	var x unix.Statx_t
	if err := unix.Statx(dir, name, flags, unix.STATX_BASIC_STATS|unix.STATX_MNT_ID, &x); err != nil {
		return status{}, err
	}
	s := status{identity{x.Ino, x.Mnt_id, x.Dev_major, x.Dev_minor}, x.Mode, int64(x.Size), x.Attributes}
	if x.Mask&unix.STATX_MNT_ID != 0 {
		return s, nil
	}
	var err error
	s.mount, err = mountOf(dir, name) // before Linux 5.8
	return s, err
}

// mountOf finds out in which mount a node is, as all kernels tell.
func mountOf(dir int, name string) (uint64, error) {
	if name != "" {
		fd, err := unix.Openat(dir, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			return 0, err
		}
		defer unix.Close(fd)
		dir = fd
	}
	text, err := system.ReadFile("/proc/self/fdinfo/"+strconv.Itoa(dir), system.KernelText)
	if err != nil {
		return 0, fmt.Errorf("finding out what is mounted: %w", err)
	}
	_, rest, found := strings.Cut(string(text), "mnt_id:")
	line, _, _ := strings.Cut(strings.TrimSpace(rest), "\n")
	id, err := strconv.ParseUint(line, 10, 64)
	if !found || err != nil {
		return 0, errors.New("finding out what is mounted: the kernel does not tell")
	}
	return id, nil
}

// openDir opens a directory to read it, without a trace if that is allowed. It follows no
// link.
func openDir(dir int, name string) (int, error) {
	const flags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := unix.Openat(dir, name, flags|unix.O_NOATIME, 0)
	if errors.Is(err, unix.EPERM) { // it is another user's, and we are not root
		fd, err = unix.Openat(dir, name, flags, 0)
	}
	return fd, err
}

// An entry is one of a directory.
type entry struct {
	name string
	kind byte // DT_DIR and so on; DT_UNKNOWN is possible
}

const (
	// batch is how much of a directory is asked for at once, in bytes. The kernel may give less,
	// as when a signal comes.
	batch = 128 << 10
	// maxEntries is how many entries are known before any of them is removed: a directory that
	// has more is read again from its beginning.
	maxEntries = 8192
)

// readEntries reads entries of an open directory, and reports whether that was its end. The
// buffer and the entries are for all calls.
func readEntries(fd int, buffer []byte, entries []entry) (read []entry, end bool, err error) {
	for len(entries) < maxEntries {
		n, err := unix.Getdents(fd, buffer)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n == 0 {
			return entries, err == nil, err
		}
		if entries, err = parseEntries(buffer[:n], entries); err != nil {
			return entries, false, err
		}
	}
	return entries, false, nil
}

// parseEntries adds the entries that the kernel has written to a buffer.
func parseEntries(rest []byte, entries []entry) ([]entry, error) {
	// struct linux_dirent64: inode (8 bytes), position (8), length (2), kind (1), name.
	const lengthAt, kindAt, nameAt = 16, 18, 19
	for len(rest) > nameAt {
		length := int(binary.NativeEndian.Uint16(rest[lengthAt:]))
		if length <= nameAt || length > len(rest) {
			return nil, unix.EIO
		}
		name, _, _ := bytes.Cut(rest[nameAt:length], []byte{0})
		if s := string(name); s != "." && s != ".." {
			entries = append(entries, entry{s, rest[kindAt]})
		}
		rest = rest[length:]
	}
	return entries, nil
}
