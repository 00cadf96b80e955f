package spec2

import (
	"path"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/doc"
)

// sectorsPerMiB: sectors of spec 2 have 512 bytes, whatever those of the disk have.
const sectorsPerMiB = 1 << 20 / 512

// partitions: spec 3 counts in MiB only, and each needs a number or a label of its
// own.
func (t *translator) partitions(disk *doc.Node) {
	all := items(disk, "partitions")
	used := map[string]bool{}
	for _, p := range all {
		t.sectors(p, "start", "startMiB")
		t.sectors(p, "size", "sizeMiB")
		if text(p, "label") == "" && t.version < doc.V2_3 {
			p.Remove("label")
		}
		used[text(p, "number")] = true
	}
	for _, p := range all {
		switch {
		case p.Member("number") != nil || text(p, "label") != "":
		case text(disk, "wipeTable") == "true":
			p.Set("number", scalar(p, doc.Number, nextFree(used)))
		case used["no label"]:
			t.error(config.RulePartitionUnidentified, p, "in spec 3 only one partition of a disk can have neither number nor label; give it one, or set wipeTable")
		default:
			p.Set("label", scalar(p, doc.String, ""))
			used["no label"] = true
		}
	}
}

// nextFree returns the number that a partition without one gets on an empty disk.
func nextFree(used map[string]bool) string {
	number := 1
	for used[strconv.Itoa(number)] {
		number++
	}
	used[strconv.Itoa(number)] = true
	return strconv.Itoa(number)
}

func (t *translator) sectors(p *doc.Node, sectors, mib string) {
	n := p.Member(sectors)
	switch {
	case n == nil && t.version < doc.V2_3:
		// Until then there was no "unset", which spec 3 takes for "as it is".
		p.Set(mib, scalar(p, doc.Number, "0"))
		return
	case n == nil:
		return
	case p.Member(mib) != nil:
		t.error(config.RuleSpec2Conflict, n, "%s and %s are both given; spec 2 refuses that, too: remove one", sectors, mib)
		return
	}
	count, _ := strconv.ParseInt(n.Text, 10, 64) // it was normalized
	if count%sectorsPerMiB != 0 {
		t.error(config.RuleSpec2Sectors, n, "%d sectors of 512 bytes are not a whole number of MiB, and spec 3 has no smaller unit; write a multiple of %d", count, sectorsPerMiB)
	}
	n.Text = strconv.FormatInt(count/sectorsPerMiB, 10)
	rename(p, sectors, mib)
}

// A place is where a filesystem that spec 2 names is in the system.
type place struct {
	entry *doc.Node // of the document
	mount *doc.Node // its mount object, which becomes the entry of spec 3; may be nil
	path  string    // "" is the root
	// unknown says why there is no path; it is reported if something is on it.
	unknown string
	// byPath: spec 3 has to mount it at path while files are written.
	byPath bool
}

// sysroot is where spec 2 finds the root of the system.
const sysroot = "/sysroot"

// Places that systems have for filesystems without a mount unit in the config.
var knownPlaces = map[string]string{
	"/dev/disk/by-label/ROOT": "",
	"/dev/disk/by-label/OEM":  "/oem",
}

// placeFilesystems makes the entries of spec 3, which are the mount objects of
// spec 2, and finds out where files on them belong.
func (t *translator) placeFilesystems() {
	t.filesystems = map[string]*place{}
	l := t.root.Member("storage").Member("filesystems")
	if l == nil {
		return
	}
	var entries []*doc.Node
	units := t.mountUnits()
	for _, entry := range l.Items {
		p := &place{entry: entry, mount: entry.Member("mount")}
		at := entry.Member("path")
		switch {
		case p.mount == nil && at == nil:
			t.error(config.RuleSpec2Incomplete, entry, "this filesystem has neither mount nor path; spec 2 refuses that, too")
			continue
		case p.mount != nil && at != nil:
			t.error(config.RuleSpec2Conflict, at, "path and mount are both given; spec 2 refuses that, too: remove one")
			continue
		case p.mount == nil:
			p.pathOf(path.Clean(at.Text))
		default:
			t.makeFilesystem(p.mount)
			p.find(text(entry, "name"), units)
			entries = append(entries, p.mount)
		}
		t.filesystems[text(entry, "name")] = p
		t.places = append(t.places, p)
	}
	l.Items = entries
}

// pathOf places a filesystem that is mounted before.
func (p *place) pathOf(mounted string) {
	inside, ok := strings.CutPrefix(mounted+"/", sysroot+"/")
	if !ok {
		p.unknown = "it is mounted at " + mounted + ", outside of the new system, where spec 3 writes nothing"
		return
	}
	p.path = strings.TrimSuffix("/"+inside, "/")
}

// find places a filesystem by its name, its device or its mount unit.
func (p *place) find(name string, units []mountUnit) {
	device := text(p.mount, "device")
	known, ok := knownPlaces[device]
	switch {
	case name == "root":
		return
	case ok:
		p.path, p.byPath = known, known != ""
		return
	}
	sources := []string{device}
	for _, tag := range []string{"label", "uuid"} {
		if value := text(p.mount, tag); value != "" {
			sources = append(sources, "/dev/disk/by-"+tag+"/"+value, strings.ToUpper(tag)+"="+value)
		}
	}
	for _, u := range units {
		for _, s := range sources {
			if u.what == s {
				p.path = strings.TrimSuffix(path.Clean(u.where), "/")
				p.byPath = p.path != ""
				return
			}
		}
	}
	p.unknown = "spec 3 needs the path where the system has it, and no mount unit of this config has What=" + device
}

// makeFilesystem: create of 2.0.0 became wipeFilesystem and options in 2.1.0.
func (t *translator) makeFilesystem(m *doc.Node) {
	create := m.Member("create")
	if create == nil {
		return
	}
	m.Remove("create")
	for _, newer := range []string{"wipeFilesystem", "options"} {
		if given := m.Member(newer); given != nil && (given.Kind != doc.List || len(given.Items) > 0) {
			t.error(config.RuleSpec2Conflict, given, "%s and create are both given; spec 2 refuses that, too: remove create", newer)
		}
	}
	if force := create.Member("force"); force != nil {
		m.Set("wipeFilesystem", force)
	} else {
		t.warn(config.RuleSpec2Force, create, "without force, spec 2 fails if there is any filesystem; spec 3 keeps one of the same format, label and UUID")
	}
	if options := create.Member("options"); options != nil {
		m.Set("options", options)
	}
}

type mountUnit struct{ what, where string }

// mountUnits reads the mount units of the document. It need not understand them:
// what it does not find is asked for.
func (t *translator) mountUnits() (units []mountUnit) {
	for _, u := range items(t.root, "systemd", "units") {
		if !strings.HasSuffix(text(u, "name"), ".mount") {
			continue
		}
		var m mountUnit
		for line := range strings.Lines(text(u, "contents")) {
			key, value, _ := strings.Cut(line, "=")
			switch strings.TrimSpace(key) {
			case "What":
				m.what = strings.Trim(strings.TrimSpace(value), `"'`)
			case "Where":
				m.where = strings.Trim(strings.TrimSpace(value), `"'`)
			}
		}
		if path.IsAbs(m.where) {
			units = append(units, m)
		}
	}
	return units
}

// text is the text of a member, "" if there is none.
func text(n *doc.Node, member string) string {
	if m := n.Member(member); m != nil {
		return m.Text
	}
	return ""
}
