package providers

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf16"
)

// FAT12, FAT16 and FAT32 with long names (Microsoft's "FAT32 File System
// Specification", version 1.03).
const (
	fatEntry = 32 // bytes of a directory entry

	fatLabel = 0x08
	fatDir   = 0x10
	fatLong  = 0x0f // a piece of a long name

	fatDeleted = 0xe5

	fatLongest = 255 // characters of a name
)

var errChainEnds = damaged("the chain of its clusters ends too early")

type fat struct {
	r       io.ReaderAt
	size    int64
	bits    int   // of an entry in the table: 12, 16 or 32
	table   int64 // where it begins, in bytes
	rootAt  int64 // FAT12, FAT16: where the root directory is
	rootLen int64
	root    uint32 // FAT32: its first cluster
	data    int64  // where cluster 2 begins
	cluster int64  // bytes of one
	count   uint32 // of clusters
	names   []string
}

// openFAT believes in a FAT if the numbers in its boot sector go together:
// it has no magic number of its own.
func openFAT(r io.ReaderAt, size int64) (volume, error) {
	b, err := readAt(r, 0, 512)
	if err != nil {
		return nil, undamaged(err)
	}
	v := &fat{r: r, size: size}
	if !v.layout(b) {
		return nil, nil
	}
	at := 38 // where the extended boot record is
	if v.bits == 32 {
		at = 66
	}
	if b[at] == 0x29 {
		if name := strings.TrimRight(string(b[at+5:at+16]), " \x00"); name != "NO NAME" && name != "" {
			v.names = append(v.names, name)
		}
	}
	// There is another one in the root directory. Programs change either.
	name, err := v.rootLabel()
	if name != "" && !slices.Contains(v.names, name) {
		v.names = append(v.names, name)
	}
	return v, undamaged(err)
}

// layout computes where everything is.
func (v *fat) layout(b []byte) bool {
	le := binary.LittleEndian
	sector, perCluster := int64(le.Uint16(b[11:])), int64(b[13])
	reserved, tables := int64(le.Uint16(b[14:])), int64(b[16])
	media := b[21]
	if bits.OnesCount64(uint64(sector)) != 1 || sector < 512 || sector > 4096 || bits.OnesCount64(uint64(perCluster)) != 1 ||
		reserved == 0 || tables == 0 || tables > 4 || media != 0xf0 && media < 0xf8 {
		return false
	}
	sectors, tableLen := int64(le.Uint16(b[19:])), int64(le.Uint16(b[22:]))
	if sectors == 0 {
		sectors = int64(le.Uint32(b[32:]))
	}
	large := tableLen == 0
	if large {
		tableLen, v.root = int64(le.Uint32(b[36:])), le.Uint32(b[44:])
	}
	v.cluster = sector * perCluster
	v.table = reserved * sector
	v.rootAt = v.table + tables*tableLen*sector
	v.rootLen = (int64(le.Uint16(b[17:]))*fatEntry + sector - 1) / sector * sector
	v.data = v.rootAt + v.rootLen
	clusters := (sectors*sector - v.data) / v.cluster
	v.bits = 32
	if !large {
		v.bits = 16
		if clusters < 4085 { // the specification's own number
			v.bits = 12
		}
	}
	if tableLen == 0 || clusters < 1 || clusters > 1<<28 || clusters*int64(v.bits)/8 > tableLen*sector || !large && v.rootLen == 0 {
		return false
	}
	v.count = uint32(clusters)
	return true
}

func (v *fat) format() string   { return "FAT" }
func (v *fat) labels() []string { return v.names }

func (v *fat) read(path string) ([]byte, error) {
	n, err := find(node{dir: true, at: v.root}, path, func(dir node) ([]node, error) {
		text, err := v.directory(dir)
		return v.nodes(text), err
	})
	if err != nil {
		return nil, err
	}
	return readFile(v.r, n.size, v.size, v.cluster, v.chain(n.at))
}

// chain follows the clusters of a file. A chain that bites its own tail ends
// where more clusters were seen than there are.
func (v *fat) chain(at uint32) func() (int64, error) {
	seen := uint32(0)
	return func() (int64, error) {
		if seen > 0 {
			var err error
			if at, err = v.next(at); err != nil {
				return 0, err
			}
		}
		if seen++; seen > v.count {
			return 0, damaged("the chain of its clusters goes round in a circle")
		}
		if at < 2 || at-2 >= v.count {
			return 0, errChainEnds
		}
		return v.data + int64(at-2)*v.cluster, nil
	}
}

// next reads an entry of the table.
func (v *fat) next(at uint32) (uint32, error) {
	bit := int64(at) * int64(v.bits)
	b, err := readAt(v.r, v.table+bit/8, (v.bits+7)/8)
	if err != nil {
		return 0, err
	}
	switch v.bits {
	case 32:
		return binary.LittleEndian.Uint32(b) & 0x0fffffff, nil // the highest bits are reserved
	case 16:
		return uint32(binary.LittleEndian.Uint16(b)), nil
	}
	return uint32(binary.LittleEndian.Uint16(b)) >> (bit % 8) & 0xfff, nil
}

// directory reads one, to the last of its clusters.
func (v *fat) directory(dir node) ([]byte, error) {
	if v.bits != 32 && dir.at == 0 {
		return readFile(v.r, v.rootLen, v.size, v.rootLen, func() (int64, error) { return v.rootAt, nil })
	}
	if dir.at == 0 {
		dir.at = v.root
	}
	var text []byte
	for next := v.chain(dir.at); len(text) < maxDirectory; {
		at, err := next()
		if err == errChainEnds && len(text) > 0 {
			return text, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading a directory: %w", err)
		}
		piece, err := readAt(v.r, at, int(v.cluster))
		if err != nil {
			return nil, fmt.Errorf("reading a directory: %w", err)
		}
		if end := fatEnd(piece); end >= 0 {
			return append(text, piece[:end]...), nil
		}
		text = append(text, piece...)
	}
	return text, nil
}

// fatEnd is where a directory says that nothing follows, or -1.
func fatEnd(text []byte) int {
	for at := 0; at+fatEntry <= len(text); at += fatEntry {
		if text[at] == 0 {
			return at
		}
	}
	return -1
}

func (v *fat) rootLabel() (string, error) {
	text, err := v.directory(node{dir: true, at: v.root})
	if err != nil {
		return "", err
	}
	for ; len(text) >= fatEntry && text[0] != 0; text = text[fatEntry:] {
		if text[0] != fatDeleted && text[11] != fatLong && text[11]&(fatLabel|fatDir) == fatLabel {
			return strings.TrimRight(string(text[:11]), " \x00"), nil
		}
	}
	return "", nil
}

// nodes takes a directory apart. A long name comes in pieces before its entry,
// the last piece first.
func (v *fat) nodes(text []byte) []node {
	var nodes []node
	var long []uint16
	var sum byte
	for ; len(text) >= fatEntry && text[0] != 0; text = text[fatEntry:] {
		e := text[:fatEntry]
		switch {
		case e[0] != fatDeleted && e[11]&0x3f == fatLong:
			if e[0]&0x40 != 0 || len(long) > fatLongest {
				long = nil
			}
			long, sum = append(longPiece(e), long...), e[13]
			continue
		case e[0] == fatDeleted, e[11]&fatLabel != 0:
		default:
			n := v.node(e)
			if len(long) > 0 && sum == shortSum(e) {
				n.name = string(utf16.Decode(long))
			}
			nodes = append(nodes, n)
		}
		long = nil
	}
	return nodes
}

// shortSum ties a long name to its entry: programs that know of short names only
// leave the long ones of others behind.
func shortSum(e []byte) (sum byte) {
	for _, c := range e[:11] {
		sum = bits.RotateLeft8(sum, -1) + c
	}
	return sum
}

// longPiece is the 13 characters that such an entry has room for.
func longPiece(e []byte) []uint16 {
	var units []uint16
	for _, span := range [][2]int{{1, 11}, {14, 26}, {28, 32}} {
		for i := span[0]; i < span[1]; i += 2 {
			u := binary.LittleEndian.Uint16(e[i:])
			if u == 0 {
				return units
			}
			units = append(units, u)
		}
	}
	return units
}

func (v *fat) node(e []byte) node {
	le := binary.LittleEndian
	n := node{dir: e[11]&fatDir != 0, at: uint32(le.Uint16(e[26:])), size: int64(le.Uint32(e[28:]))}
	if v.bits == 32 { // the others keep something else there
		n.at |= uint32(le.Uint16(e[20:])) << 16
	}
	n.name = strings.TrimRight(string(e[:8]), " ")
	if extension := strings.TrimRight(string(e[8:11]), " "); extension != "" {
		n.name += "." + extension
	}
	return n
}
