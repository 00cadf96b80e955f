package lsp

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
)

// A location is a place in a document or file.
type location struct {
	URI   string `json:"uri"`
	Range Range  `json:"range"`
}

// definition finds where what is named at a position comes from.
func (s *server) definition(p *positionParams) (any, error) {
	d := s.config(p.Document)
	if d == nil {
		return nil, nil
	}
	offset := d.offset(p.Position)
	if name, _ := d.paramAt(offset); name != "" {
		return s.paramDefinition(d, name), nil
	}
	v, _ := d.find(offset)
	if v == nil || v.kind != scalar {
		return nil, nil
	}
	if file := s.localFile(d, v); file != "" {
		return []location{{URI: uriOf(file)}}, nil
	}
	var all []location
	for _, target := range d.targets(v, offset) {
		all = append(all, location{d.uri, d.rangeOf(target)})
	}
	return all, nil
}

// localKeys are those of Butane whose values are files below the files directory.
var localKeys = []string{"local", "contents_local", "ssh_authorized_keys_local", "include"}

// localFile is the file that a value names, or "".
func (s *server) localFile(d *document, v *value) string {
	path := v.path()
	dir := s.filesDir(d)
	if len(path) == 0 || dir == "" || !d.isButane() || !slices.Contains(localKeys, path[len(path)-1]) || !filepath.IsLocal(filepath.FromSlash(v.text)) {
		return ""
	}
	return filepath.Join(dir, filepath.FromSlash(v.text))
}

// targets are the places that a value, or the word of it at an offset, names.
func (d *document) targets(v *value, offset int) []span {
	path := strings.Join(v.path(), ".")
	switch {
	case slices.Contains(contentNames, path):
		return contentsOf(v.parent)
	case strings.HasSuffix(path, ".user.name"):
		return d.named(v.text, "passwd", "users", "name")
	case strings.HasSuffix(path, ".group.name"):
		return d.named(v.text, "passwd", "groups", "name")
	case v.style == '*':
		return d.anchor(v.text[1:])
	case strings.HasPrefix(v.text, "/dev/"):
		return d.device(v.text)
	case strings.HasSuffix(path, "contents"):
		word := d.wordAt(offset)
		if device, ok := strings.CutPrefix(word, "/dev/"); ok {
			return d.device("/dev/" + device)
		}
		return d.unit(word)
	}
	return nil
}

// contentNames are the names of what has contents.
var contentNames = []string{"systemd.units.name", "systemd.units.dropins.name", "systemd.quadlets.name", "systemd.quadlets.dropins.name"}

// contentsOf is where the contents of a unit begin, behind the mark of a block.
func contentsOf(unit *value) []span {
	for _, key := range []string{"contents", "contents_local"} {
		if c := unit.get(key); c != nil && c.kind == scalar {
			return []span{{c.keySpan.start, c.keySpan.end}}
		}
	}
	return nil
}

// unit is where a unit that the config has is defined: its contents, or its name.
func (d *document) unit(name string) []span {
	if !slices.Contains(config.UnitTypes(), filepath.Ext(name)) {
		return nil
	}
	for _, u := range children(d.root.get("systemd", "units")) {
		if n := u.get("name"); n != nil && n.text == name {
			if contents := contentsOf(u); contents != nil {
				return contents
			}
			return []span{n.span}
		}
	}
	return nil
}

func children(v *value) []*value {
	if v == nil {
		return nil
	}
	return v.children
}

// named finds the items of a list by a member.
func (d *document) named(name, object, list, member string) []span {
	var all []span
	for _, item := range children(d.root.get(object, list)) {
		if n := item.get(member); n != nil && n.text == name {
			all = append(all, n.span)
		}
	}
	return all
}

// devices are the paths of devices that a config makes: what follows the prefix is the
// member of an item of the list. Completion offers one path of each.
var devices = []struct {
	prefix, list, member string
	offered              bool
}{
	{config.ChosenPrefix, "disks", "as", true},
	{"/dev/disk/by-partlabel/", "partitions", "label", true},
	{"/dev/disk/by-partuuid/", "partitions", "guid", false},
	{"/dev/md/", "raid", "name", true},
	{"/dev/mapper/", "luks", "name", true},
	{"/dev/disk/by-id/dm-name-", "luks", "name", false},
	{"/dev/disk/by-label/", "filesystems", "label", false},
	{"/dev/disk/by-uuid/", "filesystems", "uuid", false},
	{"/dev/disk/by-uuid/", "luks", "uuid", false},
}

// device is what makes a device. Udev writes some characters of names as \xNN.
func (d *document) device(path string) []span {
	var all []span
	for _, kind := range devices {
		name, ok := strings.CutPrefix(path, kind.prefix)
		for _, item := range itemsOf(d.root, kind.list) {
			n := item.get(kind.member)
			if ok && n != nil && (strings.EqualFold(n.text, unescape.Replace(name)) || isNumbered(item) && n.text == strings.TrimRight(name, "0123456789")) {
				all = append(all, n.span)
			}
		}
	}
	return all
}

// isNumbered reports whether an entry is all disks that match.
func isNumbered(disk *value) bool { return disk.textOf("pick") == config.PickAll }

// itemsOf are the items of one list of storage, with those of extensions, or the partitions
// of all disks.
func itemsOf(root *value, list string) []*value {
	if list != "partitions" {
		return slices.Concat(children(root.get("storage", list)), children(root.get("firstlight", list)))
	}
	var all []*value
	for _, disk := range children(root.get("storage", "disks")) {
		all = append(all, children(disk.get("partitions"))...)
	}
	return all
}

// madeDevices are the paths by which others refer to the devices that a config makes.
func madeDevices(root *value) []string {
	var all []string
	for _, kind := range devices {
		for _, item := range itemsOf(root, kind.list) {
			if name := item.textOf(kind.member); name != "" && kind.offered {
				if isNumbered(item) {
					name += "1"
				}
				all = append(all, kind.prefix+escape.Replace(name))
			}
		}
	}
	return all
}

var (
	unescape = strings.NewReplacer(`\x20`, " ", `\x2f`, "/", `\x5c`, `\`)
	escape   = strings.NewReplacer(" ", `\x20`, "/", `\x2f`, `\`, `\x5c`)
)

// anchor is where an alias of YAML leads.
func (d *document) anchor(name string) []span {
	found := regexp.MustCompile(`(^|\s)&` + regexp.QuoteMeta(name) + `(\s|$)`).FindStringIndex(d.string)
	if found == nil {
		return nil
	}
	at := found[0] + strings.IndexByte(d.string[found[0]:found[1]], '&')
	return []span{{at, at + 1 + len(name)}}
}

// wordAt is the word of a unit's contents at an offset.
func (d *document) wordAt(offset int) string {
	isPart := func(i int) bool {
		return i >= 0 && i < len(d.string) && !strings.ContainsRune(" \t\r\n=,;\"'", rune(d.string[i]))
	}
	start, end := offset, offset
	for isPart(start - 1) {
		start--
	}
	for isPart(end) {
		end++
	}
	word := d.string[start:end]
	// In JSON a line ends with \n.
	if i := strings.LastIndex(word[:offset-start], `\n`); i >= 0 {
		word = word[i+2:]
	}
	word, _, _ = strings.Cut(word, `\n`)
	return word
}
