package butane

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/doc"
)

// known maps the paths in the config to their nodes. There is one namespace for
// files, directories and links.
type known map[string]knownNode

type knownNode struct {
	list string
	node *doc.Node
}

func (t *translation) knownNodes() known {
	k := known{}
	for _, list := range []string{"directories", "files", "links"} {
		for _, n := range items(t.root.Member("storage"), list) {
			k[text(n, "path")] = knownNode{list, n}
		}
	}
	return k
}

// add makes a new node in a list of the storage section.
func (t *translation) addNode(k known, list string, n *doc.Node) {
	add(in(t.root, "storage"), list, n)
	k[text(n, "path")] = knownNode{list, n}
}

// A treeCopy is one of the local trees.
type treeCopy struct {
	*translation
	known
	at   *doc.Node // the item in the document
	from string    // at the desk
	to   string    // on the machine
}

// trees copies what is in local trees. Nodes of the document that say nothing
// of the contents get them, all others are in the way.
func (t *translation) trees() {
	k := t.knownNodes()
	for _, n := range items(t.source.Member("storage"), "trees") {
		if t.FilesDir == "" {
			t.noFilesDir(n.Origin())
			return
		}
		from, ok := t.localPath(n, text(n, "local"))
		if !ok {
			continue
		}
		c := treeCopy{t, k, n, from, "/"}
		if p := text(n, "path"); p != "" {
			c.to = p
		}
		c.copy()
	}
}

func (c *treeCopy) copy() {
	info, err := os.Stat(c.from)
	switch {
	case err != nil:
		c.error(c.at.Origin(), "%v", err)
		return
	case !info.IsDir():
		c.error(c.at.Origin(), "%s is not a directory", c.from)
		return
	}
	err = filepath.WalkDir(c.from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		inside, err := filepath.Rel(c.from, name)
		if err != nil {
			return err
		}
		return c.entry(name, path.Join(c.to, inside), entry)
	})
	if err != nil {
		c.error(c.at.Origin(), "%v", err)
	}
}

// entry copies one entry of the tree, from the name to the path.
func (c *treeCopy) entry(name, path string, entry fs.DirEntry) error {
	switch entry.Type() {
	case fs.ModeDir:
		c.directory(path)
	case fs.ModeSymlink:
		target, err := os.Readlink(name)
		if err != nil {
			return err
		}
		if n := c.node("links", path, "target"); n != nil {
			n.Set("target", maker{c.at}.value(target))
		}
	case 0:
		return c.file(name, path, entry)
	default:
		c.error(c.at.Origin(), "%s is neither a file, nor a directory, nor a symbolic link; it cannot be copied", name)
	}
	return nil
}

// directory makes a directory only if there is something to say of it.
func (c *treeCopy) directory(path string) {
	mode := c.at.Member("dirMode")
	if mode == nil && !hasMembers(c.at.Member("user")) && !hasMembers(c.at.Member("group")) {
		return
	}
	if before, ok := c.known[path]; ok {
		c.inTheWay(path, before)
		return
	}
	if mode == nil {
		mode = maker{c.at}.value(0o755)
	}
	c.addNode(c.known, "directories", c.owned(maker{c.at}.object("path", path, "mode", mode)))
}

func hasMembers(n *doc.Node) bool { return n != nil && len(n.Members) > 0 }

func (c *treeCopy) file(name, path string, entry fs.DirEntry) error {
	contents, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	info, err := entry.Info()
	if err != nil {
		return err
	}
	n := c.node("files", path, "contents", "source")
	if n == nil {
		return nil
	}
	if n.Member("mode") == nil {
		mode := maker{c.at}.value(0o644)
		if info.Mode()&0o111 != 0 {
			mode = maker{c.at}.value(0o755)
		}
		if given := c.at.Member("fileMode"); given != nil {
			mode = given
		}
		n.Set("mode", mode)
	}
	c.encode(in(n, "contents"), c.at, contents)
	return nil
}

// node is the node of a path, as yet without what the way leads to; nil if
// something is there already.
func (c *treeCopy) node(list, path string, way ...string) *doc.Node {
	before, ok := c.known[path]
	if !ok {
		n := c.owned(maker{c.at}.object("path", path))
		c.addNode(c.known, list, n)
		return n
	}
	contents := before.node
	for _, step := range way {
		contents = contents.Member(step)
	}
	if before.list != list || contents != nil && contents.Text != "" {
		c.inTheWay(path, before)
		return nil
	}
	return before.node
}

func (c *treeCopy) inTheWay(path string, before knownNode) {
	c.error(c.at.Origin(), "the tree has %q, which is already in the config: %s", path, place(before.node.Origin()))
}

// place is a short form of an origin within the same document.
func place(o config.Origin) string {
	o.Source = ""
	return o.String()
}

func (c *treeCopy) owned(n *doc.Node) *doc.Node {
	for _, who := range []string{"user", "group"} {
		if owner := c.at.Member(who); hasMembers(owner) {
			n.Set(who, owner)
		}
	}
	return n
}
