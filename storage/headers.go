package storage

import (
	"encoding/binary"

	"github.com/firstlight-os/firstlight/internal/json"
)

// A superblock is what a member of an array says about the array.
type superblock struct {
	UUID string
	// Name is what mdadm was told, with the home host and a colon before it.
	// Version 0.90, which is Old, has none.
	Name    string
	Level   int
	Devices int // without spares
	Old     bool
}

// mdMagic begins all superblocks of Linux RAID, see linux/raid/md_p.h.
const mdMagic = 0xa92b4efc

// readSuperblock finds the superblock of a member of a Linux RAID; nil if there
// is no sound one.
func readSuperblock(v *view) *superblock {
	for _, at := range superblockPlaces(v.size) {
		b := v.bytes(at, 256)
		if b == nil || le.Uint32(b) != mdMagic || le.Uint32(b[4:]) != 1 {
			continue
		}
		if slots := int64(le.Uint32(b[220:])); slots > 0xffff || !soundSuperblock(v.bytes(at, 256+2*slots)) {
			continue
		}
		return &superblock{UUID: uuidText(b[16:32]), Name: text(b[32:64]), Level: int(int32(le.Uint32(b[72:]))), Devices: int(le.Uint32(b[92:]))}
	}
	b := v.bytes(oldSuperblockPlace(v.size), 64)
	if b == nil {
		return nil
	}
	var order binary.ByteOrder = le // version 0.90 is in the order of its machine
	if be.Uint32(b) == mdMagic {
		order = be
	}
	if order.Uint32(b) != mdMagic {
		return nil
	}
	uuid := append(append([]byte(nil), b[20:24]...), b[52:64]...)
	return &superblock{UUID: uuidText(uuid), Old: true, Level: int(int32(order.Uint32(b[28:]))), Devices: int(order.Uint32(b[40:]))}
}

// superblockPlaces are those of the versions 1.1, 1.2 and 1.0.
func superblockPlaces(size int64) []int64 {
	return []int64{0, 4096, ((size>>9 - 16) &^ 7) << 9}
}

// oldSuperblockPlace is that of version 0.90.
func oldSuperblockPlace(size int64) int64 { return size&^(64<<10-1) - 64<<10 }

// soundSuperblock checks the checksum: the sum of all words but itself, folded.
func soundSuperblock(b []byte) bool {
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

// A luksHeader is what a LUKS device says about itself.
type luksHeader struct {
	Version                int
	UUID, Label, Subsystem string
	Flags                  []string // of the activation, that are persistent
}

// readLUKS reads the first LUKS header, or the second one if the first is gone
// (LUKS2 On-Disk Format, section 2.1); nil if there is none.
func readLUKS(v *view) *luksHeader {
	if h := readLUKSAt(v, 0, "LUKS\xba\xbe"); h != nil {
		return h
	}
	for at := int64(0x4000); at <= 0x400000; at *= 2 {
		if h := readLUKSAt(v, at, "SKUL\xba\xbe"); h != nil {
			return h
		}
	}
	return nil
}

func readLUKSAt(v *view, at int64, magic string) *luksHeader {
	const binaryPart = 4096
	b := v.bytes(at, 512)
	if b == nil || string(b[:6]) != magic {
		return nil
	}
	h := &luksHeader{Version: int(be.Uint16(b[6:])), UUID: text(b[168:208])}
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
		area := text(v.bytes(at+binaryPart, int64(size)-binaryPart))
		// Without flags it is a header that cryptsetup will refuse to use.
		if json.Unmarshal([]byte(area), &metadata) == nil {
			h.Flags = metadata.Config.Flags
		}
	}
	return h
}
