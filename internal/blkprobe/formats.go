package blkprobe

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Little- and big-endian, as the formats are.
var (
	le = binary.LittleEndian
	be = binary.BigEndian
)

// probeExt: the superblock at 1 KiB, Documentation/filesystems/ext4/super.rst.
func probeExt(d device) (Signature, bool) {
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

// probeXFS: the superblock at 0, struct xfs_dsb.
func probeXFS(d device) (Signature, bool) {
	b := d.bytes(0, 512)
	if b == nil || string(b[:4]) != "XFSB" {
		return Signature{}, false
	}
	return Signature{UUID: uuidText(b[32:48]), Label: text(b[108:120]), Magics: []Range{{0, 4}}}, true
}

// probeBtrfs: the superblock at 64 KiB and its copies, which a recovery tool
// would find, at 64 MiB and 256 GiB.
func probeBtrfs(d device) (Signature, bool) {
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

// probeFAT: the boot sector, Microsoft's FAT specification.
func probeFAT(d device) (Signature, bool) {
	b := d.bytes(0, 512)
	if !IsFATBootSector(b) {
		return Signature{}, false
	}
	s := Signature{Type: "vfat", Magics: []Range{{0, 512}}}
	serial, label := b[39:43], b[43:54]
	if le.Uint16(b[22:]) == 0 { // FAT32
		serial, label = b[67:71], b[71:82]
	}
	s.UUID = fmt.Sprintf("%02X%02X-%02X%02X", serial[3], serial[2], serial[1], serial[0])
	s.Label = fatLabel(d, b, label)
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

// fatLabel is the volume's entry in the root directory, which counts, or else
// what the boot sector says.
func fatLabel(d device, b, boot []byte) string {
	sector := int64(le.Uint16(b[11:]))
	reserved, fats := int64(le.Uint16(b[14:])), int64(b[16])
	tables, entries := int64(le.Uint16(b[22:])), int64(le.Uint16(b[17:]))
	start := (reserved + fats*tables) * sector
	if tables == 0 { // FAT32: the root directory is a chain; its first cluster
		tables, entries = int64(le.Uint32(b[36:])), int64(b[13])*sector/32
		start = (reserved+fats*tables)*sector + (int64(le.Uint32(b[44:]))-2)*int64(b[13])*sector
	}
	const volume, longName = 0x08, 0x0f
	for i := range min(entries, 4096) {
		e := d.bytes(start+32*i, 32)
		if e == nil || e[0] == 0 {
			break
		}
		if e[0] != 0xe5 && e[11]&longName != longName && e[11]&volume != 0 {
			return strings.TrimRight(text(e[:11]), " ")
		}
	}
	if l := strings.TrimRight(text(boot), " "); l != "NO NAME" {
		return l
	}
	return ""
}

// probeSwap: the magic ends the first page, whose size is the machine's.
func probeSwap(d device) (Signature, bool) {
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
func probeLVM(d device) (Signature, bool) {
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
func probeZFS(d device) (Signature, bool) {
	const label, ring, step, magic, enough = 256 << 10, 128 << 10, 1 << 10, 0x00bab10c, 4
	end := d.size &^ (label - 1)
	var s Signature
	for _, start := range []int64{0, label, end - 2*label, end - label} {
		if start < 0 {
			continue
		}
		b := d.bytes(start+ring, ring)
		for at := 0; at+8 <= len(b); at += step {
			if le.Uint64(b[at:]) == magic || be.Uint64(b[at:]) == magic {
				s.Magics = append(s.Magics, Range{start + ring + int64(at), 8})
			}
		}
	}
	return s, len(s.Magics) >= enough
}

// probeISO: a volume descriptor of ISO 9660 (ECMA-119) in sector 16 of 2 KiB.
func probeISO(d device) (Signature, bool) {
	const first = 16 * 2048
	if !d.magic(first+1, "CD001") {
		return Signature{}, false
	}
	b := d.bytes(first, 2048)
	if b == nil {
		return Signature{}, false
	}
	s := Signature{Label: strings.TrimRight(text(b[40:72]), " "), Magics: []Range{{first + 1, 5}}}
	if d := string(b[813:829]); strings.Trim(d, "0123456789") == "" { // when it was made
		s.UUID = fmt.Sprintf("%s-%s-%s-%s-%s-%s-%s", d[:4], d[4:6], d[6:8], d[8:10], d[10:12], d[12:14], d[14:])
	}
	return s, true
}

// probeSquash: the superblock at 0; squashfs has neither label nor UUID.
func probeSquash(d device) (Signature, bool) {
	b := d.bytes(0, 96)
	if b == nil || string(b[:4]) != "hsqs" || le.Uint16(b[28:]) != 4 {
		return Signature{}, false
	}
	return Signature{Magics: []Range{{0, 4}}}, true
}

// probeEROFS: the superblock at 1 KiB, struct erofs_super_block.
func probeEROFS(d device) (Signature, bool) {
	b := d.bytes(1024, 128)
	if b == nil || le.Uint32(b) != 0xe0f5e1e2 {
		return Signature{}, false
	}
	return Signature{UUID: uuidText(b[48:64]), Label: text(b[64:80]), Magics: []Range{{1024, 4}}}, true
}
