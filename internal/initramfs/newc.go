package initramfs

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

const (
	newcMagic      = "070701"
	newcCheckMagic = "070702" // the same with checksums
	// newcFields is how many numbers of 8 hexadecimal digits follow the magic.
	newcFields = 13
	newcHeader = len(newcMagic) + 8*newcFields
	// alignment is that of headers and contents, in bytes.
	alignment = 4
	trailer   = "TRAILER!!!"
)

// The numbers of a header, in their order.
const (
	fieldInode = iota
	fieldMode
	fieldUID
	fieldGID
	fieldLinks
	fieldTime
	fieldSize
	fieldMajor
	fieldMinor
	fieldDeviceMajor
	fieldDeviceMinor
	fieldNameSize
	fieldCheck
)

// An Entry is a node of an archive.
type Entry struct {
	// Name has no slash at its beginning.
	Name string
	// Inode is only a number: nodes with the same one are hard links if Links is
	// more than 1.
	Inode, Links uint32
	// Mode is that of stat(2), with the type.
	Mode uint32
	// Data is the contents of a file or the target of a link.
	Data []byte
}

// appendEntry appends an entry that is owned by root and has no time. The offset of
// archive in the image must be a multiple of the alignment.
func appendEntry(archive []byte, e Entry) []byte {
	var fields [newcFields]uint32
	fields[fieldInode], fields[fieldMode], fields[fieldLinks] = e.Inode, e.Mode, e.Links
	fields[fieldSize], fields[fieldNameSize] = uint32(len(e.Data)), uint32(len(e.Name)+1)
	archive = append(archive, newcMagic...)
	for _, f := range fields {
		archive = fmt.Appendf(archive, "%08x", f)
	}
	archive = pad(append(append(archive, e.Name...), 0))
	return pad(append(archive, e.Data...))
}

// appendTrailer ends an archive.
func appendTrailer(archive []byte) []byte {
	return appendEntry(archive, Entry{Name: trailer, Links: 1})
}

// pad appends zeros up to the alignment.
func pad(b []byte) []byte { return append(b, make([]byte, aligned(len(b))-len(b))...) }

func aligned(n int) int { return (n + alignment - 1) / alignment * alignment }

// ReadArchive returns the entries of an uncompressed archive at the start of image,
// and what follows it.
func ReadArchive(image []byte) (entries []Entry, rest []byte, err error) {
	for offset := 0; ; {
		e, size, err := readEntry(image[offset:])
		if err != nil {
			return nil, nil, fmt.Errorf("reading the cpio archive at byte %d: %w", offset, err)
		}
		offset += size
		if e.Name == trailer {
			return entries, image[offset:], nil
		}
		entries = append(entries, e)
	}
}

// readEntry also returns how many bytes the entry takes.
func readEntry(b []byte) (e Entry, size int, err error) {
	if len(b) < newcHeader || !bytes.HasPrefix(b, []byte(newcMagic)) {
		return e, 0, errors.New("there is no header of the format newc")
	}
	var fields [newcFields]uint32
	for i := range fields {
		digits := string(b[len(newcMagic)+8*i:][:8])
		n, err := strconv.ParseUint(digits, 16, 32)
		if err != nil {
			return e, 0, fmt.Errorf("field %d of the header is no number: %q", i, digits)
		}
		fields[i] = uint32(n)
	}
	nameEnd := int64(newcHeader) + int64(fields[fieldNameSize])
	start := (nameEnd + alignment - 1) / alignment * alignment
	end := start + int64(fields[fieldSize])
	if fields[fieldNameSize] == 0 || end > int64(len(b)) {
		return e, 0, errors.New("the archive is cut off")
	}
	e = Entry{Name: string(bytes.TrimRight(b[newcHeader:nameEnd], "\x00")), Inode: fields[fieldInode], Links: fields[fieldLinks], Mode: fields[fieldMode], Data: b[start:end]}
	return e, min(aligned(int(end)), len(b)), nil
}
