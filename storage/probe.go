package storage

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// Probing finds out what a device holds by the magic numbers that formats put
// at fixed places. The names of the types are libblkid's, since that is what
// configs and people use.

// A signature is one thing that a device seems to hold.
type signature struct {
	Type, Label, UUID string
	// Places are the magic numbers found, so that they can be wiped.
	Places []extent
}

func (s signature) String() string {
	if s.Label == "" {
		return s.Type
	}
	return fmt.Sprintf("%s (label %q)", s.Type, s.Label)
}

// describeSignatures names what was found, for a message.
func describeSignatures(all []signature) string {
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = s.String()
	}
	if len(names) > 1 {
		return "signatures of several things: " + strings.Join(names, ", ")
	}
	return strings.Join(names, "")
}

// probes are the formats in libblkid's order: what is built upon (arrays,
// volumes) before filesystems, so that an array's member is not taken for the
// filesystem that its first bytes show. The first one that is found counts.
var probes = []struct {
	name  string
	probe func(v *view) (signature, bool)
}{
	{"linux_raid_member", probeRAID},
	{"LVM2_member", probeLVM},
	{"crypto_LUKS", probeLUKS},
	{"vfat", probeFAT},
	{"swap", probeSwap},
	{"xfs", probeXFS},
	{"ext4", probeExt}, // or ext2, ext3
	{"iso9660", probeISO},
	{"zfs_member", probeZFS},
	{"squashfs", probeSquash},
	{"btrfs", probeBtrfs},
	{"erofs", probeEROFS},
}

// probe finds everything that a partition or a disk seems to hold.
func probe(v *view) []signature {
	var found []signature
	for _, p := range probes {
		if s, ok := p.probe(v); ok {
			if s.Type == "" {
				s.Type = p.name
			}
			found = append(found, s)
		}
	}
	return found
}

// probeTable finds a partition table as libblkid would name it; for whole
// disks on which a filesystem is wanted.
func probeTable(v *view, sector uint64) (signature, bool) {
	d := diskFacts{Size: uint64(v.size), Sector: sector}
	readTable(v, &d)
	switch d.Contents {
	case dosTable:
		return signature{Type: "dos partition table", Places: []extent{{0, 512}}}, true
	case gptTable, brokenGPT:
		return signature{Type: "gpt partition table", Places: []extent{{0, int64(2 * sector)}, {v.size - int64(sector), int64(sector)}}}, true
	}
	return signature{}, false
}

// magic tells whether text stands at an offset.
func (v *view) magic(offset int64, text string) bool {
	b := v.bytes(offset, int64(len(text)))
	return b != nil && string(b) == text
}

// uuidText is a UUID as people write it; empty if it is all zeroes.
func uuidText(b []byte) string {
	h := hex.EncodeToString(b)
	if strings.Trim(h, "0") == "" {
		return ""
	}
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// text is a name that ends at the first zero byte.
func text(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\x00")
	return strings.ToValidUTF8(s, "?")
}
