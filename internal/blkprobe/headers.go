package blkprobe

import (
	"encoding/binary"

	"github.com/firstlight-os/firstlight/internal/json"
)

// An MDSuperblock is what a member of a Linux RAID says about its array.
type MDSuperblock struct {
	UUID string
	// Name is the one given to mdadm, with the home host and a colon before it.
	// Version 0.90, which is Old, has none.
	Name    string
	Level   int
	Devices int // without spares
	Old     bool
}

// mdMagic begins all superblocks of Linux RAID, see linux/raid/md_p.h.
const mdMagic = 0xa92b4efc

// probeMD: the superblock is at the beginning (version 1.1), 4 KiB behind it
// (1.2) or near the end (1.0, 0.90).
func probeMD(d *device) (Signature, bool) {
	var s Signature
	for _, at := range []int64{0, 4096, ((d.size>>9 - 16) &^ 7) << 9} {
		b := d.bytes(at, 256)
		if b == nil || le.Uint32(b) != mdMagic || le.Uint32(b[4:]) != 1 {
			continue
		}
		s.UUID, s.Label = uuidText(b[16:32]), text(b[32:64])
		s.Magics = append(s.Magics, Range{at, 4})
		if slots := int64(le.Uint32(b[220:])); s.MD == nil && slots <= 0xffff && hasValidMDChecksum(d.bytes(at, 256+2*slots)) {
			s.MD = &MDSuperblock{UUID: s.UUID, Name: s.Label, Level: int(int32(le.Uint32(b[72:]))), Devices: int(le.Uint32(b[92:]))}
		}
	}
	if s.MD == nil {
		at := d.size&^(64<<10-1) - 64<<10
		if s.MD = readOldMD(d.bytes(at, 64)); s.MD != nil {
			s.UUID = s.MD.UUID
			s.Magics = append(s.Magics, Range{at, 4})
		}
	}
	return s, len(s.Magics) > 0
}

// readOldMD reads version 0.90, which is in the byte order of its machine.
func readOldMD(b []byte) *MDSuperblock {
	if b == nil {
		return nil
	}
	var order binary.ByteOrder = le
	if be.Uint32(b) == mdMagic {
		order = be
	}
	if order.Uint32(b) != mdMagic {
		return nil
	}
	uuid := append(append([]byte(nil), b[20:24]...), b[52:64]...)
	return &MDSuperblock{UUID: uuidText(uuid), Old: true, Level: int(int32(order.Uint32(b[28:]))), Devices: int(order.Uint32(b[40:]))}
}

// hasValidMDChecksum compares the checksum: the sum of all words but itself, folded.
func hasValidMDChecksum(b []byte) bool {
	if b == nil {
		return false
	}
	const sumAt = 216
	var sum uint64
	for i := 0; i+4 <= len(b); i += 4 {
		if i != sumAt {
			sum += uint64(le.Uint32(b[i:]))
		}
	}
	if len(b)%4 == 2 {
		sum += uint64(le.Uint16(b[len(b)-2:]))
	}
	return uint32(sum)+uint32(sum>>32) == le.Uint32(b[sumAt:])
}

// A LUKSHeader is what a LUKS device says about itself.
type LUKSHeader struct {
	Version                int
	UUID, Label, Subsystem string
	Flags                  []string // of the activation, that are persistent
}

// probeLUKS reads the first header, of LUKS1 or LUKS2, or if it is gone the
// second one of LUKS2, whose offset depends on the size of the first one (LUKS2
// On-Disk Format, section 2.1).
func probeLUKS(d *device) (Signature, bool) {
	var s Signature
	read := func(at int64, magic string) {
		b := d.bytes(at, 512)
		if b == nil || string(b[:6]) != magic {
			return
		}
		s.Magics = append(s.Magics, Range{at, 6})
		if s.LUKS == nil {
			s.LUKS = readLUKS(d, at, b)
			s.UUID, s.Label = s.LUKS.UUID, s.LUKS.Label
		}
	}
	read(0, "LUKS\xba\xbe")
	for at := int64(0x4000); at <= 0x400000; at *= 2 {
		read(at, "SKUL\xba\xbe")
	}
	return s, s.LUKS != nil
}

// readLUKS reads the header that begins with b.
func readLUKS(d *device, at int64, b []byte) *LUKSHeader {
	const binaryPart = 4096
	h := &LUKSHeader{Version: int(be.Uint16(b[6:])), UUID: text(b[168:208])}
	if h.Version != 2 {
		return h
	}
	h.Label, h.Subsystem = text(b[24:72]), text(b[208:256])
	var metadata struct {
		Config struct {
			Flags []string `json:"flags"`
		} `json:"config"`
	}
	if size := be.Uint64(b[8:]); size > binaryPart && size <= 4<<20 {
		area := text(d.bytes(at+binaryPart, int64(size)-binaryPart))
		// Without flags it is a header that cryptsetup will refuse to use.
		if json.Unmarshal([]byte(area), &metadata) == nil {
			h.Flags = metadata.Config.Flags
		}
	}
	return h
}
