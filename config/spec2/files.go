package spec2

import (
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/dataurl"
	"github.com/firstlight-os/firstlight/internal/doc"
)

// placeNodes gives directories, files and links their paths in the system.
func (t *translator) placeNodes() {
	for _, d := range items(t.root, "storage", "directories") {
		t.place(d)
		t.ownDirectory(d)
	}
	t.placeFiles()
	for _, l := range items(t.root, "storage", "links") {
		prefix := t.place(l)
		// Hard links lead from the root of their filesystem, wherever they are.
		if target := l.Member("target"); target != nil && text(l, "hard") == "true" {
			target.Text = path.Join("/", prefix, target.Text)
		}
	}
	t.hidden()
}

// place replaces the filesystem of a node by the path of it, which it returns.
func (t *translator) place(n *doc.Node) string {
	filesystem, at := n.Member("filesystem"), n.Member("path")
	n.Remove("filesystem")
	if at != nil && path.IsAbs(at.Text) {
		at.Text = path.Clean(at.Text)
	}
	if filesystem == nil {
		t.error(config.RuleSpec2Incomplete, n, "it does not say on which filesystem this is; spec 2 refuses that, too: the root filesystem is \"root\"")
		return ""
	}
	p := t.filesystems[filesystem.Text]
	switch {
	case p == nil && filesystem.Text == "root":
		p = &place{}
	case p == nil:
		t.error(config.RuleSpec2Filesystem, filesystem, "there is no filesystem %q in this config; the root filesystem is \"root\"", filesystem.Text)
		return ""
	case p.unknown != "":
		t.error(config.RuleSpec2Filesystem, filesystem, "nothing can be written to filesystem %q of line %d: %s", filesystem.Text, p.entry.Line, p.unknown)
		return ""
	case p.byPath:
		p.mount.Set("path", scalar(p.entry, doc.String, p.path))
	}
	if at != nil && path.IsAbs(at.Text) {
		at.Text = path.Join("/", p.path, at.Text)
		if p.path == "" {
			t.onRoot = append(t.onRoot, at)
		}
	}
	return p.path
}

// hidden warns about nodes of the root filesystem below a path where another one
// is mounted: spec 2 wrote them where nobody sees them.
func (t *translator) hidden() {
	for _, p := range t.places {
		if p.byPath && p.mount.Member("path") != nil {
			for _, at := range t.onRoot {
				if strings.HasPrefix(at.Text, p.path+"/") {
					t.warn(config.RuleSpec2Hidden, at, "spec 2 writes this to the root filesystem, below %s; spec 3 to the filesystem that is mounted there", p.path)
				}
			}
		}
	}
}

// ownDirectory: directories of spec 2 are root's with mode 0 if nothing else is said, also
// if they exist, and so are missing parents.
func (t *translator) ownDirectory(d *doc.Node) {
	given := d.Member("mode") != nil && d.Member("mode").Text != defaultDirectoryMode
	for _, owner := range []string{"user", "group"} {
		o := d.Member(owner)
		if o == nil || len(o.Members) == 0 {
			o = object(d)
			o.Set("id", scalar(d, doc.Number, "0"))
			d.Set(owner, o)
		} else if text(o, "id") != "0" {
			given = true
		}
	}
	t.defaultMode(d, "0755")
	if parent := path.Dir(text(d, "path")); given && path.Dir(parent) != "/" && !t.listsDirectory(parent) {
		t.warn(config.RuleSpec2Parent, d, "if %s does not exist, spec 2 makes it with the same mode and owner, spec 3 with mode 0755 for root; list it, too, if that matters", parent)
	}
}

// defaultDirectoryMode is that of spec 3: 0755.
const defaultDirectoryMode = "493"

// defaultMode writes down what spec 2 does without a mode.
func (t *translator) defaultMode(n *doc.Node, spec3 string) {
	if n.Member("mode") == nil {
		t.warn(config.RuleSpec2Mode, n, "it has no mode, for which spec 2 takes 0, and spec 3 would take %s; it becomes 0, so that only root can read it", spec3)
		n.Set("mode", scalar(n, doc.Number, "0"))
	}
}

func (t *translator) listsDirectory(name string) bool {
	for _, d := range items(t.root, "storage", "directories") {
		if path.Clean(text(d, "path")) == name {
			return true
		}
	}
	return false
}

// placeFiles: files of spec 2 replace what is at their path, or are appended to it.
func (t *translator) placeFiles() {
	l := t.root.Member("storage").Member("files")
	if l == nil {
		return
	}
	first := map[string]*doc.Node{} // by path
	kept := l.Items[:0]
	for _, f := range l.Items {
		t.place(f)
		earlier := first[text(f, "path")]
		if t.translateFile(f) && earlier != nil {
			appendTo(earlier, f)
			continue
		}
		first[text(f, "path")] = f
		kept = append(kept, f)
	}
	l.Items = kept
}

// translateFile rewrites one file, and reports whether it is appended.
func (t *translator) translateFile(f *doc.Node) bool {
	contents := f.Member("contents")
	if contents == nil {
		contents = object(f)
		f.Set("contents", contents)
	}
	if contents.Member("source") == nil {
		contents.Set("source", scalar(contents, doc.String, ""))
	}
	overwrite := f.Member("overwrite")
	switch appended := f.Remove("append"); {
	case appended && overwrite == nil:
		f.Remove("contents")
		f.Set("append", list(contents, contents))
		return true
	case appended && overwrite.Text == "true":
		t.error(config.RuleSpec2Conflict, overwrite, "overwrite and append are both true; spec 2 refuses that, too: remove one")
	case overwrite == nil:
		f.Set("overwrite", scalar(f, doc.Bool, "true"))
	}
	t.defaultMode(f, "0644")
	return false
}

// appendTo adds to a file what a later item of the same path appends to it.
func appendTo(f, later *doc.Node) {
	for _, m := range later.Members {
		if l := f.Member(m.Name); m.Name == "append" && l != nil {
			l.Items = append(l.Items, m.Value.Items...)
			continue
		}
		f.Set(m.Name, m.Value)
	}
}

// networkUnits makes files of the units of systemd-networkd.
func (t *translator) networkUnits() {
	for _, u := range items(t.root, "networkd", "units") {
		const dir = "/etc/systemd/network"
		t.networkUnit(u, dir, ".network", ".netdev", ".link")
		for _, d := range items(u, "dropins") {
			t.networkUnit(d, dir+"/"+text(u, "name")+".d", ".conf")
		}
	}
	t.root.Remove("networkd")
}

// networkUnit makes a file of a unit or a drop-in. Empty ones are not written.
func (t *translator) networkUnit(u *doc.Node, dir string, extensions ...string) {
	name, contents := u.Member("name"), u.Member("contents")
	if name == nil {
		t.error(config.RuleNameMissing, u, "the name is missing; it ends in %s", strings.Join(extensions, ", "))
		return
	}
	switch {
	case !slices.Contains(extensions, path.Ext(name.Text)):
		t.error(config.RuleSpec2NetworkdName, name, "the name %q does not end in %s", name.Text, strings.Join(extensions, ", "))
	case strings.ContainsFunc(name.Text, func(c rune) bool { return c == '/' || unicode.IsControl(c) }):
		t.error(config.RuleSpec2NetworkdName, name, "the name %q is not that of a file: it has a slash or a control character", name.Text)
	case contents != nil:
		f := object(u)
		f.Set("path", scalar(name, doc.String, dir+"/"+name.Text))
		f.Set("mode", scalar(u, doc.Number, "420")) // 0644
		f.Set("overwrite", scalar(u, doc.Bool, "true"))
		f.Set("contents", object(contents))
		f.Member("contents").Set("source", scalar(contents, doc.String, dataurl.Escape([]byte(contents.Text))))
		t.addFile(f)
	}
}

func (t *translator) addFile(f *doc.Node) {
	storage := t.root.Member("storage")
	if storage == nil {
		storage = object(t.root)
		t.root.Set("storage", storage)
	}
	files := storage.Member("files")
	if files == nil {
		files = list(storage)
		storage.Set("files", files)
	}
	files.Items = append(files.Items, f)
}
