package providers

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

// A volume is a filesystem whose files can be read.
type volume interface {
	// format is what it is called in messages.
	format() string
	// labels are its names. There can be several: an ISO 9660 filesystem has a
	// second one for Joliet, a FAT one in its boot sector.
	labels() []string
	// read gets a file, its path without a leading slash. It wraps
	// fs.ErrNotExist if there is none, and errors.ErrUnsupported if the kernel has
	// to mount it: symbolic links and compressed files on ISO 9660.
	read(path string) ([]byte, error)
}

// probes look at the bytes of a device for a volume, and return nil for none.
// Where two find theirs, both are read: leftovers of one are told from the other
// by their label.
var probes = []func(r io.ReaderAt, size int64) (volume, error){openISO, openUDF, openFAT}

// probe finds the volumes on a device. Path is its node, for the mounting of
// what is not read here.
func probe(r io.ReaderAt, size int64, path string) ([]volume, error) {
	var found []volume
	for _, open := range probes {
		v, err := open(r, size)
		if err != nil {
			return nil, err
		}
		if v == nil {
			continue
		}
		if u, ok := v.(*udf); ok {
			u.device = path
			if len(found) > 0 { // a bridge: both show the same files
				u.bridge, found = found[0], nil
			}
		}
		found = append(found, v)
	}
	return found, nil
}

// errDamaged is wrapped where what is on the device contradicts itself, rather
// than that it could not be read.
var errDamaged = errors.New("the filesystem is damaged")

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errDamaged, fmt.Sprintf(format, args...))
}

// undamaged keeps the errors of the device itself. The others are for who reads
// a file; for who looks what is on the device they mean that it is none of this kind.
func undamaged(err error) error {
	if errors.Is(err, errDamaged) {
		return nil
	}
	return err
}

// readAt reads just so many bytes of a device.
func readAt(r io.ReaderAt, at int64, n int) ([]byte, error) {
	b := make([]byte, n)
	switch got, err := r.ReadAt(b, at); {
	case got == n:
		return b, nil
	case err == nil, errors.Is(err, io.EOF):
		return nil, damaged("the device ends before byte %d", at+int64(n))
	default:
		return nil, err
	}
}

// maxDirectory bounds a directory, in bytes. It is some ten thousand files.
const maxDirectory = 4 << 20

// A node is a file or a directory of a volume.
type node struct {
	name string
	dir  bool
	at   uint32 // in the volume's own units
	size int64
	// odd is set for what only the kernel can read.
	odd bool
}

// find walks from a directory down a path.
func find(at node, path string, list func(node) ([]node, error)) (node, error) {
	for path != "" {
		var part string
		if part, path, _ = strings.Cut(path, "/"); part == "" || part == "." {
			continue
		}
		if !at.dir {
			return node{}, fs.ErrNotExist
		}
		nodes, err := list(at)
		if err != nil {
			return node{}, err
		}
		next, ok := pick(nodes, part)
		switch {
		case !ok:
			return node{}, fs.ErrNotExist
		case next.odd:
			return node{}, fmt.Errorf("%s: %w", next.name, errors.ErrUnsupported)
		}
		at = next
	}
	if at.dir {
		return node{}, fmt.Errorf("it is a directory")
	}
	return at, nil
}

// pick finds a name: as it is, in other letters, or as programs have shortened
// it for DOS and for the plainest ISO 9660.
func pick(nodes []node, name string) (node, bool) {
	for _, n := range nodes {
		if n.name == name {
			return n, true
		}
	}
	for _, form := range []string{name, dosName(name, 30), dosName(name, 8)} {
		for _, n := range nodes {
			if strings.EqualFold(n.name, form) {
				return n, true
			}
		}
	}
	return node{}, false
}

// dosName is what becomes of a name where only letters, digits and underscores
// are allowed, and a certain length.
func dosName(name string, length int) string {
	base, extension := name, ""
	if dot := strings.LastIndexByte(name, '.'); dot > 0 {
		base, extension = name[:dot], name[dot+1:]
	}
	short := plainLetters(base, length)
	if extension != "" {
		short += "." + plainLetters(extension, 3)
	}
	return short
}

func plainLetters(s string, most int) string {
	plain := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, s)
	return plain[:min(len(plain), most)]
}

// readFile reads what lies in pieces of so many bytes. Next says where each
// piece is.
func readFile(r io.ReaderAt, size, limit, piece int64, next func() (int64, error)) ([]byte, error) {
	if size > min(limit, maxConfig) {
		return nil, damaged("%d bytes are too many here", size)
	}
	text := make([]byte, 0, size)
	for int64(len(text)) < size {
		at, err := next()
		if err != nil {
			return nil, err
		}
		b, err := readAt(r, at, int(min(piece, size-int64(len(text)))))
		if err != nil {
			return nil, err
		}
		text = append(text, b...)
	}
	return text, nil
}
