package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/gpt"
)

// A DiskIdentity is what a disk is, whatever it holds. What is not known is empty.
type DiskIdentity struct {
	Serial     string `json:"serial,omitempty"`
	WWN        string `json:"wwn,omitempty"`
	Model      string `json:"model,omitempty"`
	Transport  string `json:"transport,omitempty"`
	Rotational bool   `json:"rotational,omitempty"`
	Removable  bool   `json:"removable,omitempty"`
	// Excluded is why the disk is none that can be chosen: "it is read-only".
	Excluded string `json:"excluded,omitempty"`
	// Root is how it is known that the running root, or what it was started from, is on
	// the disk: "mounted at /sysroot".
	Root string `json:"root,omitempty"`
}

// A Candidate is a disk of the machine that may be chosen by what it is.
type Candidate struct {
	DiskIdentity
	// Paths are its names below /dev/disk/by-path.
	Paths []string
	// Facts are as of a disk of the config.
	Facts *DiskFacts
	// Signatures are those of the whole disk, and Partitions what its table lists.
	Signatures []blkprobe.Signature
	Partitions []HeldPartition
}

// Node is the device.
func (c *Candidate) Node() string { return c.Facts.Node }

// empty reports whether nothing is on the disk. A GPT without partitions is what an
// interrupted run leaves of an empty disk.
func (c *Candidate) empty() bool {
	unused := c.Facts.Kind == gpt.None || c.Facts.Kind == gpt.Intact && len(c.Facts.Table.MBR) == 0
	return unused && len(c.Partitions)+len(c.Signatures)+len(c.Facts.Signatures)+len(c.Facts.Holders) == 0
}

// Has reports whether something on the disk is called so: a filesystem by LABEL or UUID, a
// partition by PARTLABEL or PARTUUID.
func (c *Candidate) Has(tag, name string) bool {
	found := c.Signatures
	for _, p := range c.Partitions {
		if name != "" && (tag == "PARTLABEL" && p.Name == name || tag == "PARTUUID" && strings.EqualFold(p.GUID, name)) {
			return true
		}
		found = slices.Concat(found, p.Signatures)
	}
	for _, s := range found {
		if name != "" && (tag == "LABEL" && slices.Contains(s.Labels(), name) || tag == "UUID" && strings.EqualFold(s.UUID, name)) {
			return true
		}
	}
	return false
}

// holds reports whether a filesystem or a partition on the disk has a label or a UUID.
func (c *Candidate) holds(name string) bool {
	return c.Has("LABEL", name) || c.Has("UUID", name) || c.Has("PARTLABEL", name) || c.Has("PARTUUID", name)
}

// String is what there is to know of the disk in a line, without its path.
func (c *Candidate) String() string {
	all := []string{diskSize(c.Facts.Size)}
	for _, property := range []struct{ name, value string }{{"", c.Transport}, {"model ", c.Model}, {"serial ", c.Serial}, {"wwn ", c.WWN}} {
		if property.value != "" {
			all = append(all, property.name+property.value)
		}
	}
	if len(c.Paths) > 0 {
		all = append(all, "path "+c.Paths[0])
	}
	if c.Rotational {
		all = append(all, "rotational")
	}
	if c.Removable {
		all = append(all, "removable")
	}
	if c.Excluded == "" { // else nobody has looked
		all = append(all, c.contents())
	}
	return strings.Join(all, ", ")
}

// diskSize is a size as it is printed on disks: "512 GB".
func diskSize(bytes uint64) string {
	units := []string{"B", "kB", "MB", "GB", "TB", "PB", "EB"}
	n, unit := float64(bytes), 0
	for n >= 1000 && unit < len(units)-1 {
		n, unit = n/1000, unit+1
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", n), ".0") + " " + units[unit]
}

// contents are what the disk holds.
func (c *Candidate) contents() string {
	if c.empty() {
		return "empty"
	}
	var all []string
	if table := tableNames[c.Facts.Kind]; table != "" {
		all = append(all, table+" table")
	}
	held := func(found []blkprobe.Signature) {
		for _, s := range found {
			all = append(all, s.String())
		}
	}
	held(c.Signatures)
	held(c.Facts.PassedOver)
	for _, p := range c.Partitions {
		if p.Name != "" {
			all = append(all, fmt.Sprintf("partition %q", p.Name))
		}
		held(p.Signatures)
	}
	for _, h := range c.Facts.Holders {
		all = append(all, h.How)
	}
	return "holds " + strings.Join(all, ", ")
}

// compare says, of each property that matters, what is wanted, and what of the disk is
// otherwise. Changing are those of what the disk holds, which a run of ours changes.
func (c *Candidate) compare(m *config.DiskMatch) (wanted, differs, changing []string) {
	for _, p := range []struct {
		name string
		want *string
		have string
		same func(want, have string) bool
	}{
		{"serial", m.Serial, c.Serial, sameText},
		{"wwn", m.WWN, c.WWN, sameWWN},
		{"model", m.Model, c.Model, matches},
		{"transport", m.Transport, c.Transport, sameText},
		{"path", m.Path, strings.Join(c.Paths, "\n"), matches},
		{"size", m.Size, strconv.FormatUint(c.Facts.Size, 10) + " bytes", withinSize},
	} {
		if p.want == nil {
			continue
		}
		wanted = append(wanted, fmt.Sprintf("%s %q", p.name, *p.want))
		switch {
		case p.have == "":
			differs = append(differs, "its "+p.name+" is not known")
		case !p.same(*p.want, p.have):
			differs = append(differs, "its "+p.name+" is "+strings.ReplaceAll(p.have, "\n", " or "))
		}
	}
	for _, p := range []struct {
		name string
		want *bool
		have bool
		list *[]string
	}{
		{"rotational", m.Rotational, c.Rotational, &differs},
		{"removable", m.Removable, c.Removable, &differs},
		{"empty", m.Empty, c.empty(), &changing},
	} {
		if p.want == nil {
			continue
		}
		text := map[bool]string{true: p.name, false: "not " + p.name}
		wanted = append(wanted, text[*p.want])
		if p.have != *p.want {
			*p.list = append(*p.list, "it is "+text[p.have])
		}
	}
	if m.Holds != nil {
		wanted = append(wanted, fmt.Sprintf("holds %q", *m.Holds))
		if !c.holds(*m.Holds) {
			changing = append(changing, fmt.Sprintf("it holds no %q", *m.Holds))
		}
	}
	return wanted, differs, changing
}

func sameText(want, have string) bool { return strings.EqualFold(strings.TrimSpace(want), have) }

// sameWWN compares World Wide Names without what the kernel and udev write before them.
func sameWWN(want, have string) bool {
	number := func(wwn string) string {
		wwn = strings.ToLower(strings.TrimSpace(wwn))
		return strings.TrimPrefix(strings.TrimPrefix(wwn, "naa."), "0x")
	}
	return number(want) == number(have)
}

// withinSize and matches compare with what has been validated.
func withinSize(want, have string) bool {
	r, err := config.ParseSizeRange(want)
	size, sizeErr := strconv.ParseUint(strings.TrimSuffix(have, " bytes"), 10, 64)
	return err == nil && sizeErr == nil && r.Contains(size)
}

// matches reports whether one of some lines is as a pattern describes.
func matches(pattern, lines string) bool {
	for line := range strings.SplitSeq(lines, "\n") {
		if ok, err := config.MatchPattern(pattern, line); ok && err == nil {
			return true
		}
	}
	return false
}
