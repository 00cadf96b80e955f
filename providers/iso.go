package providers

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
)

// ISO 9660 (ECMA-119), with the long names of Rock Ridge (IEEE P1282, on SUSP
// P1281) and of Joliet. Numbers are there in both byte orders; the little one
// comes first.
const (
	isoSector      = 2048
	isoDescriptors = 16 // the sector at which volume descriptors begin
	isoMost        = 64 // of them are looked at

	isoPrimary   = 1
	isoSecondary = 2
	isoEnd       = 255

	isoFlagDir  = 0x02
	isoFlagMore = 0x80 // the file goes on in another extent
)

type iso struct {
	r        io.ReaderAt
	size     int64
	names    []string
	primary  isoTree
	joliet   isoTree
	long     bool // the primary tree has Rock Ridge names
	suspSkip int
}

// An isoTree is one of the two directory trees over the same files.
type isoTree struct {
	block int64 // size, 0 if there is no such tree
	root  node
	wide  bool // names are UCS-2
}

func openISO(r io.ReaderAt, size int64) (volume, error) {
	v := &iso{r: r, size: size}
	for i := range int64(isoMost) {
		d, err := readAt(r, (isoDescriptors+i)*isoSector, isoSector)
		if err != nil {
			return nil, undamaged(err)
		}
		if string(d[1:6]) != "CD001" || d[0] == isoEnd {
			break
		}
		v.describe(d)
	}
	if v.primary.block == 0 {
		return nil, nil
	}
	return v, v.detectRockRidge()
}

// describe takes what a volume descriptor says.
func (v *iso) describe(d []byte) {
	tree := isoTree{block: int64(binary.LittleEndian.Uint16(d[128:])), root: isoRecord(d[156:190]).node()}
	tree.root.dir = true
	if tree.block != 512 && tree.block != 1024 && tree.block != isoSector {
		return
	}
	switch {
	case d[0] == isoPrimary && v.primary.block == 0:
		v.primary = tree
		v.names = append(v.names, strings.TrimRight(string(d[40:72]), " \x00"))
	case d[0] == isoSecondary && d[88] == '%' && d[89] == '/' && strings.IndexByte("@CE", d[90]) >= 0: // the levels of UCS-2
		tree.wide = true
		v.joliet = tree
		v.names = append(v.names, strings.TrimRight(fromUCS2(d[40:72]), " \x00"))
	}
}

func fromUCS2(b []byte) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = binary.BigEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units))
}

func (v *iso) format() string   { return "ISO 9660" }
func (v *iso) labels() []string { return v.names }

func (v *iso) read(path string) ([]byte, error) {
	tree := v.primary
	if !v.long && v.joliet.block != 0 {
		tree = v.joliet
	}
	n, err := find(tree.root, path, func(dir node) ([]node, error) { return v.list(tree, dir) })
	if err != nil {
		return nil, err
	}
	return v.extent(tree, n, v.size)
}

// extent reads a file or a directory, which lie in one piece.
func (v *iso) extent(tree isoTree, n node, limit int64) ([]byte, error) {
	return readFile(v.r, n.size, min(limit, v.size), max(n.size, 1), func() (int64, error) { return int64(n.at) * tree.block, nil })
}

// list reads a directory.
func (v *iso) list(tree isoTree, dir node) ([]node, error) {
	text, err := v.extent(tree, dir, maxDirectory)
	if err != nil {
		return nil, fmt.Errorf("reading a directory: %w", err)
	}
	var nodes []node
	for _, record := range isoRecords(text, int(tree.block)) {
		n := record.node()
		switch name := record.name(); {
		case len(name) == 1 && name[0] <= 1: // the directory itself and its parent
			continue
		case tree.wide:
			n.name = plainName(fromUCS2(name))
		default:
			n.name = plainName(string(name))
		}
		if v.long && !tree.wide {
			v.rockRidge(record.systemUse(v.suspSkip), &n)
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

// plainName drops the version of a file and the dot of a missing extension.
func plainName(name string) string {
	name, _, _ = strings.Cut(name, ";")
	return strings.TrimSuffix(name, ".")
}

// An isoRecord is an entry of a directory, of at least 34 bytes.
type isoRecord []byte

// isoRecords takes a directory apart. Records do not cross blocks.
func isoRecords(text []byte, block int) (records []isoRecord) {
	for at := 0; at < len(text); {
		length := int(text[at])
		if length == 0 {
			at += block - at%block
			continue
		}
		if length < 34 || at+length > len(text) {
			break
		}
		records = append(records, text[at:at+length])
		at += length
	}
	return records
}

func (r isoRecord) node() node {
	attributes := uint32(r[1]) // blocks before the data, of extended attributes
	return node{
		dir:  r[25]&isoFlagDir != 0,
		at:   binary.LittleEndian.Uint32(r[2:]) + attributes,
		size: int64(binary.LittleEndian.Uint32(r[10:])),
		odd:  r[25]&isoFlagMore != 0 || r[26] != 0, // in several extents, or interleaved
	}
}

func (r isoRecord) name() []byte {
	return r[33:min(33+int(r[32]), len(r))]
}

// systemUse is what follows the name, where Rock Ridge keeps its own.
func (r isoRecord) systemUse(skip int) []byte {
	length := int(r[32])
	at := 33 + length + (length+1)%2 + skip // padded to an even offset
	return r[min(at, len(r)):]
}

// detectRockRidge looks whether the root's own record begins with SUSP's SP,
// which also says how many bytes to skip in all others.
func (v *iso) detectRockRidge() error {
	text, err := v.extent(v.primary, v.primary.root, maxDirectory)
	if err != nil {
		return undamaged(err)
	}
	if records := isoRecords(text, int(v.primary.block)); len(records) > 0 { // the first one is "."
		use := records[0].systemUse(0)
		if len(use) >= 7 && string(use[:2]) == "SP" && use[4] == 0xbe && use[5] == 0xef {
			v.long, v.suspSkip = true, int(use[6])
		}
	}
	return nil
}

// rockRidge takes the long name, if there is one. Entries may go on elsewhere;
// of such continuations there are no more than a few.
func (v *iso) rockRidge(use []byte, n *node) {
	var name []byte
	const continuations = 8
	for range continuations {
		next := susp(use, func(kind string, entry []byte) {
			switch kind {
			case "NM":
				if len(entry) > 1 && entry[0]&6 == 0 { // not "." nor ".."
					name = append(name, entry[1:]...)
				}
			case "SL", "CL", "ZF": // symbolic link, moved directory, compressed file
				n.odd = true
			}
		})
		if len(next) < 24 {
			break
		}
		at := int64(binary.LittleEndian.Uint32(next))*v.primary.block + int64(binary.LittleEndian.Uint32(next[8:]))
		var err error
		if use, err = readAt(v.r, at, int(min(binary.LittleEndian.Uint32(next[16:]), isoSector))); err != nil {
			break
		}
	}
	if len(name) > 0 {
		n.name = string(name)
	}
}

// susp goes through the entries of a system use area, and returns where it goes on.
func susp(use []byte, each func(kind string, entry []byte)) (next []byte) {
	for len(use) >= 4 && int(use[2]) >= 4 && int(use[2]) <= len(use) {
		kind, entry := string(use[:2]), use[4:use[2]]
		switch kind {
		case "ST":
			return next
		case "CE":
			next = entry
		}
		each(kind, entry)
		use = use[use[2]:]
	}
	return next
}
