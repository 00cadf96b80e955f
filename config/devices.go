package config

import "github.com/firstlight-os/firstlight/internal/doc"

// WithDevices is c with other paths for the devices of disks, arrays, LUKS
// volumes and filesystems: each becomes what rename makes of it. Everything
// keeps its origin.
func (c *Config) WithDevices(rename func(path string) string) *Config {
	if c.Node().Member("storage") == nil {
		return c
	}
	return fromTree(copyPath(c.Node(), []string{"storage"}, func(storage *doc.Node) {
		for list, member := range map[string]string{"disks": "device", "filesystems": "device", "luks": "device", "raid": "devices"} {
			if n := storage.Member(list); n != nil {
				storage.Set(list, copyItems(n, func(item *doc.Node) *doc.Node {
					return renamed(item, member, rename)
				}))
			}
		}
	}))
}

// copyItems is a list with its items changed.
func copyItems(list *doc.Node, change func(*doc.Node) *doc.Node) *doc.Node {
	out := *list
	out.Items = make([]*doc.Node, len(list.Items))
	for i, item := range list.Items {
		out.Items[i] = change(item)
	}
	return &out
}

// renamed is an object with another path, or other paths, in a member.
func renamed(object *doc.Node, member string, rename func(string) string) *doc.Node {
	value := object.Member(member)
	if value == nil {
		return object
	}
	text := func(n *doc.Node) *doc.Node {
		out := *n
		out.Text = rename(n.Text)
		return &out
	}
	if value.Kind == doc.List {
		value = copyItems(value, text)
	} else {
		value = text(value)
	}
	return copyPath(object, nil, func(o *doc.Node) { o.Set(member, value) })
}
