package butane

import (
	"path"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/doc"
)

// Where Podman's generator looks; see podman-systemd.unit(5).
const (
	quadletDirectory     = "/etc/containers/systemd"
	userQuadletDirectory = "/etc/containers/systemd/users"
)

// quadletTemplate returns the template of an instance NAME@INSTANCE.TYPE.
func quadletTemplate(name string) (template string, isInstance bool) {
	i, dot := strings.IndexByte(name, '@'), strings.LastIndexByte(name, '.')
	if i < 0 || dot <= i+1 {
		return "", false
	}
	return name[:i+1] + name[dot:], true
}

// quadletsIn returns the directory of a quadlet.
func quadletsIn(q *doc.Node) string {
	if isTrue(q, "rootful") {
		return quadletDirectory
	}
	return userQuadletDirectory
}

// quadlets turns quadlets into files, and instances of templates into links.
func (t *translation) quadlets() {
	k := t.indexNodes()
	for _, q := range items(t.document.Member("systemd"), "quadlets") {
		if name := text(q, "name"); !isFileName(name) || !slices.Contains(quadletTypes, path.Ext(name)) {
			continue
		}
		m := nodeBuilder{q}
		file := path.Join(quadletsIn(q), text(q, "name"))
		if template, ok := quadletTemplate(text(q, "name")); ok {
			t.quadletNode(k, q, "links", m.object("path", file, "target", template))
		} else {
			t.quadletFile(k, q, file)
		}
		for _, d := range items(q, "dropins") {
			if isFileName(text(d, "name")) {
				t.quadletFile(k, d, path.Join(file+".d", text(d, "name")))
			}
		}
	}
}

func (t *translation) quadletFile(k nodesByPath, n *doc.Node, name string) {
	m := nodeBuilder{n}
	resource := m.object()
	if local := n.Member("contentsLocal"); local != nil && local.Text != "" {
		contents, _ := t.local(local)
		t.encode(resource, local, contents)
	} else {
		from := n
		if c := n.Member("contents"); c != nil {
			from = c
		}
		t.encodeText(resource, from, text(n, "contents"))
	}
	t.quadletNode(k, n, "files", m.object("path", name, "contents", resource, "mode", 0o644))
}

func (t *translation) quadletNode(k nodesByPath, at *doc.Node, list string, n *doc.Node) {
	if before, ok := k[text(n, "path")]; ok {
		t.error(config.RuleDuplicatePath, at.Origin(), "the quadlet's file %q is already in the config: %s", text(n, "path"), shortPosition(before.node.Origin()))
		return
	}
	t.addNode(k, list, withCondition(n, at))
}
