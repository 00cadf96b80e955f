package blkprobe

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
)

// Little- and big-endian, as the formats are.
var (
	le = binary.LittleEndian
	be = binary.BigEndian
)

// probeExt: the superblock at 1 KiB, Documentation/filesystems/ext4/super.rst.
func probeExt(d *device) (Signature, bool) {
	b := d.bytes(1024, 1024)
	if b == nil || le.Uint16(b[0x38:]) != 0xef53 {
		return Signature{}, false
	}
	const (
		hasJournal = 0x4                           // compatible
		journalDev = 0x8                           // incompatible
		ext2Or3    = 0x2 | 0x4 | 0x10 | journalDev // filetype, recover, meta_bg
		ext2Or3ROs = 0x1 | 0x2 | 0x4               // sparse_super, large_file, btree_dir
	)
	s := Signature{Type: "ext4", UUID: uuidText(b[0x68:0x78]), Label: text(b[0x78:0x88]), Magics: []Range{{1024 + 0x38, 2}}}
	compatible, incompatible, readOnly := le.Uint32(b[0x5c:]), le.Uint32(b[0x60:]), le.Uint32(b[0x64:])
	switch {
	case incompatible&journalDev != 0:
		s.Type = "jbd"
	case incompatible&^ext2Or3 != 0 || readOnly&^ext2Or3ROs != 0:
	case compatible&hasJournal != 0:
		s.Type = "ext3"
	default:
		s.Type = "ext2"
	}
	return s, true
}

// probeXFS: the superblock at 0, struct xfs_dsb. While mkfs.xfs is at work, and for
// ever if it was killed, sb_inprogress is set.
func probeXFS(d *device) (Signature, bool) {
	const inProgress = 126
	b := d.bytes(0, 512)
	if b == nil || string(b[:4]) != "XFSB" || b[inProgress] != 0 {
		return Signature{}, false
	}
	return Signature{UUID: uuidText(b[32:48]), Label: text(b[108:120]), Magics: []Range{{0, 4}}}, true
}

// probeBtrfs: the superblock at 64 KiB and its copies, which a recovery tool
// would find, at 64 MiB and 256 GiB.
func probeBtrfs(d *device) (Signature, bool) {
	const superblock, magic = 64 << 10, "_BHRfS_M"
	b := d.bytes(superblock, 0x32b)
	if b == nil || string(b[0x40:0x48]) != magic {
		return Signature{}, false
	}
	s := Signature{UUID: uuidText(b[0x20:0x30]), Label: text(b[0x12b : 0x12b+256])}
	for _, at := range []int64{superblock, 64 << 20, 256 << 30} {
		if d.magic(at+0x40, magic) {
			s.Magics = append(s.Magics, Range{at + 0x40, int64(len(magic))})
		}
	}
	return s, true
}

// UnfinishedMark says of what bears it that making it was begun and not completed: the
// subsystem of a LUKS volume, or UnfinishedFAT.
const UnfinishedMark = "firstlight-unfinished"

// UnfinishedFAT is where the mark stands on a device, of some bytes, while a FAT is made
// on it. Other programs write what a filesystem is known by at last; mkfs.fat writes it
// at first, so that one that was killed leaves a FAT with tables full of what was there.
func UnfinishedFAT(size int64) Range { return Range{size - 512, 512} }

// probeFAT: the boot sector, Microsoft's FAT specification.
func probeFAT(d *device) (Signature, bool) {
	b := d.bytes(0, 512)
	if !IsFATBootSector(b) || d.magic(UnfinishedFAT(d.size).Offset, UnfinishedMark) {
		return Signature{}, false
	}
	s := Signature{Type: "vfat", Magics: []Range{{0, 512}}}
	serial, label := b[39:43], b[43:54]
	if le.Uint16(b[22:]) == 0 { // FAT32
		serial, label = b[67:71], b[71:82]
	}
	s.UUID = fmt.Sprintf("%02X%02X-%02X%02X", serial[3], serial[2], serial[1], serial[0])
	names := []string{fatRootLabel(d, b), strings.TrimRight(text(label), " ")} // the first one counts
	names = slices.DeleteFunc(names, func(name string) bool { return name == "" || name == "NO NAME" })
	if names = slices.Compact(names); len(names) > 0 {
		s.Label, s.OtherLabels = names[0], names[1:]
	}
	return s, true
}

// IsFATBootSector reports whether the first 512 bytes of a device are those of a
// FAT. It has no magic number worth the name, so that its numbers must make
// sense too.
func IsFATBootSector(b []byte) bool {
	if b == nil || b[510] != 0x55 || b[511] != 0xaa || string(b[3:8]) == "NTFS " || string(b[3:8]) == "EXFAT" {
		return false
	}
	sector, cluster, fats, media := le.Uint16(b[11:]), b[13], b[16], b[21]
	if sector < 512 || sector > 4096 || sector&(sector-1) != 0 || cluster == 0 || cluster&(cluster-1) != 0 ||
		fats == 0 || fats > 2 || media != 0xf0 && media < 0xf8 || le.Uint16(b[14:]) == 0 {
		return false
	}
	return le.Uint16(b[22:]) != 0 || le.Uint32(b[36:]) != 0 // FAT32 has the size of its tables elsewhere
}

// fatRootLabel is the volume's entry in the root directory.
func fatRootLabel(d *device, b []byte) string {
	sector, perCluster := int64(le.Uint16(b[11:])), int64(b[13])
	table, fats := int64(le.Uint16(b[14:]))*sector, int64(b[16])
	if sectors := int64(le.Uint16(b[22:])); sectors != 0 {
		label, _ := fatLabelIn(d, table+fats*sectors*sector, int64(le.Uint16(b[17:])))
		return label
	}
	// FAT32: the root directory is a chain of clusters.
	data := table + fats*int64(le.Uint32(b[36:]))*sector
	cluster := int64(le.Uint32(b[44:]))
	for range 100 {
		label, end := fatLabelIn(d, data+(cluster-2)*perCluster*sector, perCluster*sector/32)
		next := d.bytes(table+4*cluster, 4)
		if end || next == nil {
			return label
		}
		cluster = int64(le.Uint32(next) & 0x0fffffff)
	}
	return ""
}

// fatLabelIn searches entries of a directory. End reports that nothing follows.
func fatLabelIn(d *device, at, entries int64) (label string, end bool) {
	const volume, longName, deleted = 0x08, 0x0f, 0xe5
	for i := range min(entries, 4096) {
		e := d.bytes(at+32*i, 32)
		if e == nil || e[0] == 0 {
			return "", true
		}
		if e[0] != deleted && e[11]&longName != longName && e[11]&volume != 0 {
			return strings.TrimRight(text(e[:11]), " "), true
		}
	}
	return "", false
}

// probeSwap: the magic ends the first page, whose size is the machine's.
func probeSwap(d *device) (Signature, bool) {
	for page := int64(4 << 10); page <= 64<<10; page *= 2 {
		for _, magic := range []string{"SWAPSPACE2", "SWAP-SPACE"} {
			if !d.magic(page-10, magic) {
				continue
			}
			s := Signature{Magics: []Range{{page - 10, 10}}}
			if b := d.bytes(1024, 44); b != nil && magic == "SWAPSPACE2" {
				s.UUID, s.Label = uuidText(b[12:28]), text(b[28:44])
			}
			return s, true
		}
	}
	return Signature{}, false
}

// probeLVM: the label is in one of the first four sectors of 512 bytes.
func probeLVM(d *device) (Signature, bool) {
	for sector := range int64(4) {
		b := d.bytes(sector*512, 512)
		if b == nil || string(b[:8]) != "LABELONE" || string(b[24:32]) != "LVM2 001" {
			continue
		}
		s := Signature{Magics: []Range{{sector * 512, 8}}}
		if at := le.Uint32(b[20:]); at <= 512-32 {
			u := strings.ToValidUTF8(string(b[at:at+32]), "?")
			if len(u) == 32 {
				s.UUID = strings.Join([]string{u[:6], u[6:10], u[10:14], u[14:18], u[18:22], u[22:26], u[26:]}, "-")
			}
		}
		return s, true
	}
	return Signature{}, false
}

// probeZFS: four labels of 256 KiB, two at each end, in each a ring of
// uberblocks. A few stale ones are what other formats leave over, so that, as
// for libblkid, several must be there.
func probeZFS(d *device) (Signature, bool) {
	const label, ring, step, magic, enough = 256 << 10, 128 << 10, 1 << 10, 0x00bab10c, 4
	end := d.size &^ (label - 1)
	var s Signature
	for _, start := range []int64{0, label, end - 2*label, end - label} {
		if start < 0 || start > d.size-label {
			continue
		}
		for at := start + ring; at < start+label; at += windowSize {
			b := d.window(at)
			if b == nil {
				b = d.bytes(at, windowSize) // has the error
			}
			for i := 0; i+8 <= len(b); i += step {
				if le.Uint64(b[i:]) == magic || be.Uint64(b[i:]) == magic {
					s.Magics = append(s.Magics, Range{at + int64(i), 8})
				}
			}
		}
	}
	return s, len(s.Magics) >= enough
}

// Descriptors of ISO 9660 (ECMA-119) and of UDF (ECMA-167) are in sectors of 2 KiB
// from the same one on. So many of them are looked at.
const (
	discSector    = 2048
	discFirst     = 16 * discSector
	mostOfADisc   = 64
	isoPrimary    = 1
	isoJoliet     = 2
	isoTerminator = 255
)

// probeISO: the names are in the primary descriptor and in that of Joliet.
func probeISO(d *device) (Signature, bool) {
	var s Signature
	for at := int64(discFirst); at < discFirst+mostOfADisc*discSector; at += discSector {
		b := d.bytes(at, discSector)
		if b == nil || string(b[1:6]) != "CD001" || b[0] == isoTerminator {
			break
		}
		s.Magics = append(s.Magics, Range{at + 1, 5})
		switch {
		case b[0] == isoPrimary && s.Label == "":
			s.Label = strings.TrimRight(text(b[40:72]), " ")
			if made := string(b[813:829]); strings.Trim(made, "0123456789") == "" {
				s.UUID = fmt.Sprintf("%s-%s-%s-%s-%s-%s-%s", made[:4], made[4:6], made[6:8], made[8:10], made[10:12], made[12:14], made[14:])
			}
		case b[0] == isoJoliet && string(b[88:90]) == "%/":
			if name := strings.TrimRight(fromUCS2(b[40:72]), " \x00"); name != s.Label {
				s.OtherLabels = append(s.OtherLabels, name)
			}
		}
	}
	return s, len(s.Magics) > 0
}

// probeUDF: the volume recognition sequence names the format; the label is that
// of the logical volume, to which an anchor leads.
func probeUDF(d *device) (Signature, bool) {
	for at := int64(discFirst); at < discFirst+mostOfADisc*discSector; at += discSector {
		b := d.bytes(at+1, 5)
		if b == nil {
			break
		}
		switch string(b) {
		case "NSR02", "NSR03":
			return Signature{Label: udfLabel(d), Magics: []Range{{at + 1, 5}}}, true
		case "BEA01", "CD001", "BOOT2", "CDW02":
		default:
			return Signature{}, false
		}
	}
	return Signature{}, false
}

func udfLabel(d *device) string {
	const anchorBlock, tagAnchor, tagLogical, tagEnd = 256, 2, 6, 8
	for _, block := range []int64{2048, 512, 1024, 4096} {
		anchor := udfDescriptor(d, anchorBlock, block)
		if anchor == nil || le.Uint16(anchor) != tagAnchor {
			continue
		}
		first := int64(le.Uint32(anchor[20:]))
		for at := first; at < first+mostOfADisc; at++ {
			b := udfDescriptor(d, at, block)
			switch {
			case b == nil || le.Uint16(b) == tagEnd:
				return ""
			case le.Uint16(b) == tagLogical:
				return udfString(b[84:212])
			}
		}
	}
	return ""
}

// udfDescriptor is nil if what is in a block does not say that it belongs there.
func udfDescriptor(d *device, at, block int64) []byte {
	if b := d.bytes(at*block, 512); b != nil && int64(le.Uint32(b[12:])) == at {
		return b
	}
	return nil
}

// udfString is a field of characters of one byte or two, as its first byte says.
// The last byte is how much of the field is in use.
func udfString(field []byte) string {
	used := min(int(field[len(field)-1]), len(field)-1)
	switch b := field[1:max(used, 1)]; field[0] {
	case 8:
		runes := make([]rune, len(b))
		for i, c := range b {
			runes[i] = rune(c)
		}
		return string(runes)
	case 16:
		return fromUCS2(b)
	}
	return ""
}

// fromUCS2 decodes big-endian text.
func fromUCS2(b []byte) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = be.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units))
}

// probeSquash: the superblock at 0; squashfs has neither label nor UUID.
func probeSquash(d *device) (Signature, bool) {
	b := d.bytes(0, 96)
	if b == nil || string(b[:4]) != "hsqs" || le.Uint16(b[28:]) != 4 {
		return Signature{}, false
	}
	return Signature{Magics: []Range{{0, 4}}}, true
}

// probeEROFS: the superblock at 1 KiB, struct erofs_super_block.
func probeEROFS(d *device) (Signature, bool) {
	b := d.bytes(1024, 128)
	if b == nil || le.Uint32(b) != 0xe0f5e1e2 {
		return Signature{}, false
	}
	return Signature{UUID: uuidText(b[48:64]), Label: text(b[64:80]), Magics: []Range{{1024, 4}}}, true
}
