package butane

import (
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/doc"
)

// nodesByPath maps the paths in the config to their nodes. Files, directories and
// links share one namespace.
type nodesByPath map[string]pathNode

type pathNode struct {
	list string
	node *doc.Node
}

func (t *translation) indexNodes() nodesByPath {
	k := nodesByPath{}
	for _, list := range []string{"directories", "files", "links"} {
		for _, n := range items(t.result.Member("storage"), list) {
			k[text(n, "path")] = pathNode{list, n}
		}
	}
	return k
}

// addNode appends a node to a list of the storage section.
func (t *translation) addNode(k nodesByPath, list string, n *doc.Node) {
	appendItem(ensureObject(t.result, "storage"), list, n)
	k[text(n, "path")] = pathNode{list, n}
}

// A treeCopy copies one local tree.
type treeCopy struct {
	*translation
	nodesByPath
	at   *doc.Node // the item in the document
	from string    // in Files
	to   string    // on the machine
	// empty reports whether nothing has been copied.
	empty bool
}

// trees copies local trees. A node of the document without contents gets them from
// the tree; any other node at the same path is a conflict.
func (t *translation) trees() {
	trees := items(t.document.Member("storage"), "trees")
	switch {
	case len(trees) == 0:
	case t.Files == nil:
		t.noFilesDir(trees[0].Origin())
	default:
		t.workstation.copyTrees(t)
	}
}

func (t *translation) copyTrees() {
	k := t.indexNodes()
	for _, n := range items(t.document.Member("storage"), "trees") {
		from, ok := t.localPath(n, text(n, "local"))
		if !ok {
			continue
		}
		c := treeCopy{t, k, n, from, "/", true}
		if p := text(n, "path"); p != "" {
			c.to = p
		}
		c.copy()
	}
}

func (c *treeCopy) copy() {
	local := text(c.at, "local")
	info, err := fs.Stat(c.Files, c.from)
	switch {
	case err != nil:
		c.localError(c.at, local, err)
		return
	case !info.IsDir():
		c.error(config.RuleLocalKind, c.at.Origin(), "%s in %s is a file, not a directory; storage.files copies files", shown(local), c.filesPlace())
		return
	}
	problems := len(c.problems)
	copyEntry := func(name string, entry fs.DirEntry, err error) error {
		inside := strings.TrimPrefix(name, c.from)
		if c.from == "." {
			inside = name
		}
		if err == nil {
			err = c.entry(name, path.Join(c.to, inside), entry)
		}
		if err != nil {
			c.localError(c.at, path.Join(local, inside), err)
		}
		return nil // what cannot be read was reported, and the walk goes on
	}
	if info, err := fs.Lstat(c.Files, c.from); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		_ = copyEntry(c.from, fs.FileInfoToDirEntry(info), nil)
	} else {
		_ = fs.WalkDir(c.Files, c.from, copyEntry)
	}
	if c.empty && len(c.problems) == problems {
		c.warn(config.RuleTreeEmpty, c.at.Origin(), "there are no files in %s of %s, so nothing is copied", shown(local), c.filesPlace())
	}
}

// entry copies one entry of the tree, from the name to the path.
func (c *treeCopy) entry(name, path string, entry fs.DirEntry) error {
	switch entry.Type() {
	case fs.ModeDir:
		c.directory(path)
	case fs.ModeSymlink:
		target, err := fs.ReadLink(c.Files, name)
		if err != nil {
			return err
		}
		if n := c.target("links", path, "target"); n != nil {
			n.Set("target", nodeBuilder{c.at}.value(filepath.ToSlash(target)))
		}
	case 0:
		return c.file(name, path, entry)
	default:
		c.error(config.RuleLocalKind, c.at.Origin(), "%s is neither a file, nor a directory, nor a symbolic link; it cannot be copied", name)
	}
	return nil
}

// directory adds a directory only if the tree sets its mode or owner.
func (c *treeCopy) directory(path string) {
	mode := c.at.Member("dirMode")
	if mode == nil && !hasMembers(c.at.Member("user")) && !hasMembers(c.at.Member("group")) {
		return
	}
	c.empty = false
	if before, ok := c.nodesByPath[path]; ok {
		c.conflict(path, before)
		return
	}
	if mode == nil {
		mode = nodeBuilder{c.at}.value(0o755)
	}
	c.addNode(c.nodesByPath, "directories", c.owned(nodeBuilder{c.at}.object("path", path, "mode", mode)))
}

func hasMembers(n *doc.Node) bool { return n != nil && len(n.Members) > 0 }

func (c *treeCopy) file(name, path string, entry fs.DirEntry) error {
	contents, err := fs.ReadFile(c.Files, name)
	if err != nil {
		return err
	}
	info, err := entry.Info()
	if err != nil {
		return err
	}
	n := c.target("files", path, "contents", "source")
	if n == nil {
		return nil
	}
	if n.Member("mode") == nil {
		mode := nodeBuilder{c.at}.value(0o644)
		if info.Mode()&0o111 != 0 {
			mode = nodeBuilder{c.at}.value(0o755)
		}
		if given := c.at.Member("fileMode"); given != nil {
			mode = given
		}
		n.Set("mode", mode)
	}
	c.encode(ensureObject(n, "contents"), c.at, contents)
	return nil
}

// target returns the node at a path, whose value at member must not be set yet. It
// returns nil after reporting a conflict.
func (c *treeCopy) target(list, path string, member ...string) *doc.Node {
	c.empty = false
	before, ok := c.nodesByPath[path]
	if !ok {
		n := c.owned(nodeBuilder{c.at}.object("path", path))
		c.addNode(c.nodesByPath, list, n)
		return n
	}
	contents := before.node
	for _, step := range member {
		contents = contents.Member(step)
	}
	if before.list != list || contents != nil && contents.Text != "" {
		c.conflict(path, before)
		return nil
	}
	return before.node
}

func (c *treeCopy) conflict(path string, before pathNode) {
	c.error(config.RuleDuplicatePath, c.at.Origin(), "the tree has %q, which is already in the config: %s", path, shortPosition(before.node.Origin()))
}

// shortPosition formats an origin within the same document.
func shortPosition(o config.Origin) string {
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
