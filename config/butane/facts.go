package butane

import (
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/dataurl"
	"github.com/firstlight-os/firstlight/internal/doc"
)

// factKinds are the placeholders that stay in the config, for the machine.
var factKinds = []string{"fact"}

// hasFacts reports whether there are such placeholders.
func (t *translation) hasFacts() bool {
	return t.Variant == firstlight && isTrue(t.document, "facts")
}

// facts moves what allows facts to where the spec has it.
func (t *translation) facts() {
	if m := t.document.Member("facts"); m != nil && t.Variant == firstlight {
		ensureObject(t.result, firstlight).Set("facts", m)
	}
}

// encodeText is encode for a text of the document. Placeholders for facts stay in the data
// URL, which is neither base64 nor compressed then.
func (t *translation) encodeText(n, from *doc.Node, text string) {
	if !t.hasFacts() || !doc.HasPlaceholders(text, factKinds) {
		t.encode(n, from, []byte(text))
		return
	}
	const mark, escaped = "\x00", "%00"
	var placeholders []string
	filled := doc.FillPlaceholders(text, factKinds, func(p doc.Placeholder) string {
		placeholders = append(placeholders, text[p.Start:p.End])
		return mark
	})
	switch {
	case len(placeholders) == 0: // all of them are escaped
		t.encode(n, from, []byte(filled))
		return
	case strings.Contains(text, mark):
		t.error(config.RuleFactPlace, from.Origin(), "a fact cannot be put into contents with a NUL character")
	}
	parts := strings.Split(dataurl.Escape([]byte(filled)), escaped)
	source := parts[0]
	for i, part := range parts[1:] {
		source += placeholders[min(i, len(placeholders)-1)] + part
	}
	if n.Member("compression") == nil {
		n.Set("compression", nodeBuilder{from}.value(""))
	}
	n.Set("source", nodeBuilder{from}.value(source))
}

// literal is the text of a local file as it has to be in the config to mean itself: what
// looks like a placeholder in a file is none.
func (t *translation) literal(text []byte) string {
	if t.hasFacts() {
		return doc.EscapePlaceholders(string(text), factKinds)
	}
	return string(text)
}

// checkMountUnitFacts refuses facts in what the names of mount units follow from.
func (t *translation) checkMountUnitFacts(n *doc.Node) {
	for _, u := range mountUnitsOf(n) {
		for _, m := range []*doc.Node{n.Member("device"), u.mounted().Member("path")} {
			if m != nil && t.hasFacts() && doc.HasPlaceholders(m.Text, factKinds) {
				t.error(config.RuleFactPlace, m.Origin(), "with_mount_unit makes a unit whose name follows from the %s, which is known only when a machine boots; write an entry for each machine, with \"when\"", m.Key)
			}
		}
	}
}

// withCondition gives a node that is made from an entry the condition of that.
func withCondition(made, entry *doc.Node) *doc.Node {
	if when := entry.Member("when"); when != nil {
		made.Set("when", when)
	}
	return made
}
