package tar

import (
	"bytes"
	"errors"
	"io"
	"time"
)

// ErrForm means that something is not an archive of tar, or a damaged one.
var ErrForm = errors.New("this is not an archive of tar")

// Kinds of entries.
const (
	File      = '0'
	HardLink  = '1'
	Link      = '2'
	CharDev   = '3'
	BlockDev  = '4'
	Directory = '5'
	Pipe      = '6'
)

// Kinds that are read as one of these, or are about the entry that follows.
const (
	oldFile    = 0
	contiguous = '7'
	sparseFile = 'S'
	paxHeader  = 'x'
	paxGlobal  = 'g'
	longName   = 'L'
	longTarget = 'K'
)

// A Header is an entry without its contents.
type Header struct {
	Name string
	// Kind is one of the constants, or what the archive has.
	Kind byte
	// Target is what a link leads to.
	Target   string
	Size     int64 // of a file, in bytes
	Mode     int64
	UID, GID int64
	Modified time.Time
	// Extended are the extended attributes, by name.
	Extended map[string]string
	// Others has the names of ACLs, and of attributes in the form of libarchive alone, as
	// pax has them.
	Others []string
}

const (
	blockSize = 512
	// maxMeta bounds what is about an entry and comes before it, in bytes.
	maxMeta = 1 << 20
)

// A Reader reads the entries of an archive, and as an io.Reader the contents of the entry
// that Next has returned.
type Reader struct {
	from    io.Reader
	block   [blockSize]byte
	left    int64 // of the entry's bytes in the archive
	padding int64 // after them
	// What the entry has, in place of the archive's bytes.
	size, at  int64
	fragments []fragment
}

// A fragment is a part of a sparse file that is not all zeros.
type fragment struct{ offset, size int64 }

// NewReader returns a reader of an archive.
func NewReader(from io.Reader) *Reader { return &Reader{from: from} }

// Next passes over what is left of an entry and returns the next one. The error is io.EOF
// at the end.
func (r *Reader) Next() (*Header, error) {
	var records map[string]string
	var sparse []string
	name, target := "", ""
	for {
		if err := r.skip(); err != nil {
			return nil, err
		}
		if err := r.readBlock(); err != nil {
			return nil, err
		}
		h, err := r.header()
		if err != nil {
			return nil, err
		}
		switch h.Kind {
		case paxHeader, longName, longTarget:
		case paxGlobal: // it is about nothing that is read here
			continue
		default:
			return h, r.complete(h, records, sparse, name, target)
		}
		text, err := r.meta(h.Size)
		if err != nil {
			return nil, err
		}
		switch h.Kind {
		case longName:
			name = cut(text)
		case longTarget:
			target = cut(text)
		default:
			if records, sparse, err = readRecords(text); err != nil {
				return nil, err
			}
		}
	}
}

// skip goes to the next header.
func (r *Reader) skip() error {
	n := r.left + r.padding
	r.left, r.padding = 0, 0
	if _, err := io.CopyN(io.Discard, r.from, n); err != nil {
		return cutOff(err)
	}
	return nil
}

// cutOff is an error in the middle of something.
func cutOff(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readBlock reads a header. Two blocks of zeros are the end, and so is the end of what it is
// read from.
func (r *Reader) readBlock() error {
	for zeros := 0; ; zeros++ {
		_, err := io.ReadFull(r.from, r.block[:])
		switch isZero := bytes.Count(r.block[:], []byte{0}) == blockSize; {
		case err != nil:
			return err
		case !isZero && zeros > 0:
			return ErrForm
		case !isZero:
			return nil
		case zeros == 1:
			return io.EOF
		}
	}
}

// header reads the fields of a block.
func (r *Reader) header() (*Header, error) {
	b := &r.block
	p := parser{}
	unsigned, signed := int64(0), int64(0)
	for i, c := range b {
		if 148 <= i && i < 156 { // the sum itself counts as blanks
			c = ' '
		}
		unsigned, signed = unsigned+int64(c), signed+int64(int8(c))
	}
	if sum := p.octal(b[148:156]); p.failed || sum != unsigned && sum != signed {
		return nil, ErrForm
	}
	h := &Header{Name: cut(b[:100]), Kind: b[156], Target: cut(b[157:257]), Mode: p.number(b[100:108]), UID: p.number(b[108:116]), GID: p.number(b[116:124]),
		Size: p.number(b[124:136]), Modified: time.Unix(p.number(b[136:148]), 0)}
	if string(b[257:263]) == "ustar\x00" {
		prefix := b[345:500]
		if string(b[508:512]) == "tar\x00" { // star has times behind it
			prefix = b[345:476]
		}
		if prefix[0] != 0 {
			h.Name = cut(prefix) + "/" + h.Name
		}
	}
	if p.failed || h.Size < 0 {
		return nil, ErrForm
	}
	r.contains(h)
	return h, nil
}

// contains notes how much of the archive follows for an entry.
func (r *Reader) contains(h *Header) {
	switch h.Kind {
	case HardLink, Link, CharDev, BlockDev, Directory, Pipe:
		h.Size = 0
	}
	r.left, r.padding = h.Size, -h.Size&(blockSize-1)
	r.size, r.at, r.fragments = h.Size, 0, nil
}

// meta reads the contents of an entry about another one.
func (r *Reader) meta(size int64) ([]byte, error) {
	if size > maxMeta {
		return nil, ErrForm
	}
	text := make([]byte, size)
	_, err := io.ReadFull(r.from, text)
	r.left = 0
	return text, cutOff(err)
}

// cut is a text up to its first NUL.
func cut(text []byte) string {
	if i := bytes.IndexByte(text, 0); i >= 0 {
		text = text[:i]
	}
	return string(text)
}

// Read reads the contents of an entry.
func (r *Reader) Read(p []byte) (int, error) {
	if r.at >= r.size {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), r.size-r.at)]
	if r.fragments == nil {
		return r.readPart(p)
	}
	f := r.fragments[0] // there is always one to come
	if r.at < f.offset {
		p = p[:min(int64(len(p)), f.offset-r.at)]
		clear(p)
		r.at += int64(len(p))
		return len(p), nil
	}
	p = p[:min(int64(len(p)), f.offset+f.size-r.at)]
	n, err := r.readPart(p)
	if r.at == f.offset+f.size {
		r.fragments = r.fragments[1:]
	}
	return n, err
}

// readPart reads bytes that are in the archive.
func (r *Reader) readPart(p []byte) (int, error) {
	p = p[:min(int64(len(p)), r.left)]
	if len(p) == 0 {
		return 0, ErrForm // the file is larger than what there is of it
	}
	n, err := r.from.Read(p)
	r.left, r.at = r.left-int64(n), r.at+int64(n)
	if n > 0 {
		return n, nil // an error comes again
	}
	return 0, cutOff(err)
}
