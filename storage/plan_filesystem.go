package storage

import (
	"fmt"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/gpt"
	"github.com/firstlight-os/firstlight/internal/report"
)

// A target is a place where something is to be, and what is there.
type deviceFacts struct {
	Device     string // as in the config
	Signatures []blkprobe.Signature
	Member     *blkprobe.MDSuperblock // if it is a member of an array
	LUKS       *blkprobe.LUKSHeader   // if it is a LUKS device
	Holders    []holder
	Kernel     string // the kernel's name of the device, if it is there
}

// An action is what is done to a target.
type action int

const (
	keepFilesystem action = iota
	makeFilesystem        // wipe and make a filesystem
	wipeOnly              // wipe only
)

// wantsFilesystem reports whether the disks stage has anything to do for it.
// Virtiofs is the host's.
func wantsFilesystem(fs *config.Filesystem) bool {
	return fs.Format != nil && *fs.Format != "virtiofs"
}

// decideFilesystem compares a filesystem of the config with what is there.
func decideFilesystem(fs *config.Filesystem, t deviceFacts) (action, error) {
	wipe := config.ValueOr(fs.WipeFilesystem, false)
	none := *fs.Format == "" || *fs.Format == "none"
	decided := makeFilesystem
	switch {
	case none && len(t.Signatures) == 0:
		return keepFilesystem, nil
	case none && wipe:
		decided = wipeOnly
	case none:
		return keepFilesystem, report.Conflict(fs.Origin("device"), "wipeFilesystem: true clears it, and its contents are lost",
			"%s holds %s; the config says that it holds nothing", t.Device, blkprobe.Describe(t.Signatures))
	case wipe || len(t.Signatures) == 0:
	default:
		if differences := compareFilesystem(fs, t.Signatures[0]); len(differences) > 0 {
			return keepFilesystem, refuseFilesystem(fs, t, differences)
		}
		return keepFilesystem, nil
	}
	if len(t.Holders) > 0 {
		return keepFilesystem, report.Conflict(fs.Origin("device"), "a filesystem can be made only on what nothing uses",
			"%s is to be wiped but is %s", t.Device, describeHolders(t.Holders))
	}
	return decided, nil
}

// compareFilesystem says how what was found differs from what is wanted.
func compareFilesystem(fs *config.Filesystem, found blkprobe.Signature) []difference {
	var d []difference
	if found.Type != *fs.Format {
		d = append(d, difference{"format", "format", found.Type, *fs.Format})
		return d // the label and UUID of something else do not matter
	}
	if fs.Label != nil && found.Label != *fs.Label {
		d = append(d, difference{"label", "label", fmt.Sprintf("%q", found.Label), fmt.Sprintf("%q", *fs.Label)})
	}
	if fs.UUID != nil && plainUUID(found.Type, found.UUID) != plainUUID(*fs.Format, *fs.UUID) {
		d = append(d, difference{"uuid", "UUID", found.UUID, *fs.UUID})
	}
	return d
}

// plainUUID makes UUIDs comparable. That of vfat is a serial number, which
// people write with or without the dash.
func plainUUID(format, uuid string) string {
	uuid = strings.ToLower(uuid)
	if format == "vfat" {
		uuid = strings.ReplaceAll(uuid, "-", "")
	}
	return uuid
}

func refuseFilesystem(fs *config.Filesystem, t deviceFacts, differences []difference) error {
	const hint = "wipeFilesystem: true makes it anew, and its contents are lost"
	if differences[0].member == "format" {
		return report.Conflict(fs.Origin("format"), hint, "%s holds %s; the config asks for %s", t.Device, blkprobe.Describe(t.Signatures), *fs.Format)
	}
	var texts []string
	for _, d := range differences {
		texts = append(texts, fmt.Sprintf("its %s is %s, the config asks for %s", d.what, d.got, d.want))
	}
	return report.Conflict(fs.Origin(differences[0].member), hint, "the %s on %s is not what the config describes: %s", *fs.Format, t.Device, strings.Join(texts, "; "))
}

// partitionNames are the paths under which a partition of a disk will be known
// in /dev; the config may use any of them for a filesystem on it.
func (p *diskPlan) partitionNames(e gpt.Partition) []string {
	names := []string{
		partitionPath(p.Facts.Device, e.Number), partitionPath(p.Facts.Node, e.Number),
		fmt.Sprintf("%s-part%d", p.Facts.Device, e.Number), // of /dev/disk/by-id/X and the like
		"/dev/disk/by-partuuid/" + strings.ToLower(e.GUID),
	}
	if name := p.Facts.Mapping; name != "" {
		for _, mapping := range []string{name + fmt.Sprintf("p%d", e.Number), name + fmt.Sprintf("-part%d", e.Number), partitionPath(name, e.Number)} {
			names = append(names, "/dev/mapper/"+mapping, "/dev/disk/by-id/dm-name-"+mapping)
		}
	}
	if e.Name != "" {
		names = append(names, "/dev/disk/by-partlabel/"+udevEncode(e.Name))
	}
	return names
}

// partitionPath is the kernel's rule: a "p" between a digit and the number.
func partitionPath(disk string, number int) string {
	if disk != "" && '0' <= disk[len(disk)-1] && disk[len(disk)-1] <= '9' {
		return fmt.Sprintf("%sp%d", disk, number)
	}
	return fmt.Sprintf("%s%d", disk, number)
}

// udevEncode is how udev writes a label in the name of a link (see the option
// string_escape=... of udev(7) and libblkid's encoding): characters that could
// mean something in a path or a shell become \xNN.
func udevEncode(label string) string {
	var b strings.Builder
	for _, r := range label {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("#+-.:=@_", r), r > 0x7f:
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\x%02x`, r)
		}
	}
	return b.String()
}
