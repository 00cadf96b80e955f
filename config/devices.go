package config

import "github.com/firstlight-os/firstlight/config/internal/tree"

// WithDevices is c with other paths for the devices of disks, arrays, LUKS
// volumes and filesystems: each becomes what rename makes of it. Everything
// keeps its origin.
func (c *Config) WithDevices(rename func(path string) string) *Config {
	if c.Node().Member("storage") == nil {
		return c
	}
	return fromTree(copyWay(c.Node(), []string{"storage"}, func(storage *tree.Node) {
		for list, member := range map[string]string{"disks": "device", "filesystems": "device", "luks": "device", "raid": "devices"} {
			if n := storage.Member(list); n != nil {
				storage.Set(list, copyItems(n, func(item *tree.Node) *tree.Node {
					return renamed(item, member, rename)
				}))
			}
		}
	}))
}

// copyItems is a list with its items changed.
func copyItems(list *tree.Node, change func(*tree.Node) *tree.Node) *tree.Node {
	out := *list
	out.Items = make([]*tree.Node, len(list.Items))
	for i, item := range list.Items {
		out.Items[i] = change(item)
	}
	return &out
}

// renamed is an object with another path, or other paths, in a member.
func renamed(object *tree.Node, member string, rename func(string) string) *tree.Node {
	value := object.Member(member)
	if value == nil {
		return object
	}
	text := func(n *tree.Node) *tree.Node {
		out := *n
		out.Text = rename(n.Text)
		return &out
	}
	if value.Kind == tree.List {
		value = copyItems(value, text)
	} else {
		value = text(value)
	}
	return copyWay(object, nil, func(o *tree.Node) { o.Set(member, value) })
}
