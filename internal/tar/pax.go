package tar

import (
	"bytes"
	"io"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A parser reads fields, and notes whether one of them is none.
type parser struct{ failed bool }

// octal reads a number in octal digits, with blanks and NULs around it; none is 0.
func (p *parser) octal(field []byte) int64 {
	text := cut(bytes.Trim(field, " \x00"))
	if text == "" {
		return 0
	}
	n, err := strconv.ParseUint(text, 8, 63)
	p.failed = p.failed || err != nil
	return int64(n)
}

// number reads one in octal digits or, where the first bit is set, in binary.
func (p *parser) number(field []byte) int64 {
	const binary, negative = 0x80, 0x40
	if field[0]&binary == 0 {
		return p.octal(field)
	}
	invert := byte(0)
	if field[0]&negative != 0 {
		invert = 0xff
	}
	n := uint64(0)
	for i, c := range field {
		c ^= invert
		if i == 0 {
			c &^= binary
		}
		p.failed = p.failed || bits.LeadingZeros64(n) < 8
		n = n<<8 | uint64(c)
	}
	if n>>63 != 0 {
		p.failed = true
	}
	if invert != 0 {
		return ^int64(n)
	}
	return int64(n)
}

func (p *parser) decimal(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	p.failed = p.failed || err != nil
	return n
}

// readRecords reads the records of a header of pax: "LENGTH KEY=VALUE\n". The parts of a
// sparse file are in records of one name, in order.
func readRecords(text []byte) (records map[string]string, sparse []string, err error) {
	records = map[string]string{}
	for len(text) > 0 {
		digits, _, found := bytes.Cut(text, []byte(" "))
		n, err := strconv.ParseUint(string(digits), 10, 32)
		if !found || err != nil || n > uint64(len(text)) || int(n) <= len(digits)+1 || text[n-1] != '\n' {
			return nil, nil, ErrForm
		}
		key, value, found := strings.Cut(string(text[len(digits)+1:n-1]), "=")
		text = text[n:]
		isName := key == "path" || key == "linkpath"
		switch {
		case !found, key == "", strings.Contains(key, "\x00"), isName && strings.Contains(value, "\x00"):
			return nil, nil, ErrForm
		case key == "GNU.sparse.offset", key == "GNU.sparse.numbytes":
			if offsetNext := len(sparse)%2 == 0; offsetNext != (key == "GNU.sparse.offset") {
				return nil, nil, ErrForm
			}
			sparse = append(sparse, value)
		default:
			records[key] = value
		}
	}
	return records, sparse, nil
}

// complete adds to an entry what came before it, and finds the parts of a sparse file.
func (r *Reader) complete(h *Header, records map[string]string, sparse []string, name, target string) error {
	p := parser{}
	size := h.Size
	for key, value := range records {
		if value == "" { // the field of the header counts
			continue
		}
		switch key {
		case "path":
			h.Name = value
		case "linkpath":
			h.Target = value
		case "size":
			size = p.decimal(value)
		case "uid":
			h.UID = p.decimal(value)
		case "gid":
			h.GID = p.decimal(value)
		case "mtime":
			h.Modified = p.time(value)
		default:
			h.addAttribute(key, value)
		}
	}
	if h.Extended != nil { // libarchive writes both forms
		h.Others = slices.DeleteFunc(h.Others, isLibarchive)
	}
	if p.failed || size < 0 {
		return ErrForm
	}
	if name != "" {
		h.Name = name
	}
	if target != "" {
		h.Target = target
	}
	switch {
	case h.Kind == oldFile && strings.HasSuffix(h.Name, "/"):
		h.Kind = Directory
	case h.Kind == oldFile, h.Kind == contiguous:
		h.Kind = File
	}
	h.Size = size
	r.contains(h)
	if h.Kind == sparseFile {
		return r.oldSparse(h)
	}
	return r.paxSparse(h, records, sparse)
}

// addAttribute adds what a record may have of attributes. GNU tar has the two characters of
// names that mean something in a record, or here, by their codes.
func (h *Header) addAttribute(key, value string) {
	switch name, isExtended := strings.CutPrefix(key, "SCHILY.xattr."); {
	case isExtended:
		if h.Extended == nil {
			h.Extended = map[string]string{}
		}
		h.Extended[attributeNames.Replace(name)] = value
	case strings.HasPrefix(key, "SCHILY.acl."), isLibarchive(key):
		h.Others = append(h.Others, key)
	}
}

var attributeNames = strings.NewReplacer("%3D", "=", "%25", "%")

func isLibarchive(key string) bool { return strings.HasPrefix(key, "LIBARCHIVE.xattr.") }

// time reads seconds since 1970, with a fraction.
func (p *parser) time(text string) time.Time {
	const digits = 9 // of nanoseconds
	seconds, fraction, _ := strings.Cut(text, ".")
	if strings.Trim(fraction, "0123456789") != "" {
		p.failed = true
	}
	nanoseconds := p.decimal((fraction + "000000000")[:digits])
	if strings.HasPrefix(seconds, "-") {
		nanoseconds = -nanoseconds
	}
	return time.Unix(p.decimal(seconds), nanoseconds)
}

// oldSparse reads the parts of a sparse file as GNU tar had them first: in the header, and
// in blocks after it.
func (r *Reader) oldSparse(h *Header) error {
	p := parser{}
	h.Kind = File
	size := p.number(r.block[483:495])
	fields, more := r.block[386:482], r.block[482] > 0
	var all []fragment
	for read := 0; ; read += blockSize {
		for ; len(fields) >= 24 && fields[0] != 0; fields = fields[24:] {
			all = append(all, fragment{p.number(fields[:12]), p.number(fields[12:24])})
		}
		if !more {
			break
		}
		if read > maxMeta {
			return ErrForm
		}
		if _, err := io.ReadFull(r.from, r.block[:]); err != nil {
			return cutOff(err)
		}
		fields, more = r.block[:504], r.block[504] > 0
	}
	if p.failed {
		return ErrForm
	}
	return r.setSparse(h, size, all)
}

// paxSparse reads them as the versions 0.0, 0.1 and 1.0 of the format have them in pax.
func (r *Reader) paxSparse(h *Header, records map[string]string, pairs []string) error {
	p := parser{}
	version := records["GNU.sparse.major"] + "." + records["GNU.sparse.minor"]
	switch {
	case h.Kind != File:
		return nil
	case version == "1.0":
		var err error
		if pairs, err = r.sparseLines(); err != nil {
			return err
		}
	case records["GNU.sparse.map"] != "":
		pairs = strings.Split(records["GNU.sparse.map"], ",")
	case len(pairs) == 0:
		return nil
	}
	if name := records["GNU.sparse.name"]; name != "" {
		h.Name = name
	}
	text := records["GNU.sparse.realsize"]
	if text == "" {
		text = records["GNU.sparse.size"]
	}
	size := h.Size
	if text != "" {
		size = p.decimal(text)
	}
	if len(pairs)%2 != 0 {
		return ErrForm
	}
	all := make([]fragment, len(pairs)/2)
	for i := range all {
		all[i] = fragment{p.decimal(pairs[2*i]), p.decimal(pairs[2*i+1])}
	}
	if p.failed {
		return ErrForm
	}
	return r.setSparse(h, size, all)
}

// sparseLines reads numbers, each in a line, that are before the contents: how many parts
// there are, and where and how large each is.
func (r *Reader) sparseLines() (lines []string, err error) {
	p := parser{}
	want := int64(1)
	line := []byte{}
	for read := int64(0); want > 0; {
		if read += blockSize; read > maxMeta || r.left < blockSize {
			return nil, ErrForm
		}
		if _, err := io.ReadFull(r.from, r.block[:]); err != nil {
			return nil, cutOff(err)
		}
		r.left -= blockSize
		for _, c := range r.block {
			if want == 0 {
				break
			}
			if c != '\n' {
				line = append(line, c)
				continue
			}
			lines, line, want = append(lines, string(line)), line[:0], want-1
			if len(lines) == 1 {
				if want = p.decimal(lines[0]); p.failed || want < 0 || want > maxMeta {
					return nil, ErrForm
				}
				want *= 2
			}
		}
	}
	return lines[1:], nil
}

// setSparse has Read return a sparse file.
func (r *Reader) setSparse(h *Header, size int64, all []fragment) error {
	end, sum := int64(0), int64(0)
	for _, f := range all {
		if f.size < 0 || f.offset < end || f.offset > size-f.size {
			return ErrForm
		}
		end, sum = f.offset+f.size, sum+f.size
	}
	if size < 0 || sum > r.left {
		return ErrForm
	}
	h.Size, r.size = size, size
	// Empty ones would end a read, and the last one is where the file ends.
	r.fragments = []fragment{}
	for _, f := range all {
		if f.size > 0 {
			r.fragments = append(r.fragments, f)
		}
	}
	r.fragments = append(r.fragments, fragment{size, 0})
	return nil
}
