package butane

import (
	"reflect"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/doc"
)

// A document with facts and one without can be merged at boot, as each has become that of the
// machine before. When they are merged here, the whole has facts: what looks like a placeholder
// in a document without them is escaped, and entries with conditions stay apart.

// keepTexts has the texts of documents without facts stay as they are.
func keepTexts(documents []*translation) {
	any := false
	for _, t := range documents {
		any = any || t.allowsFacts()
	}
	for _, t := range documents {
		t.escapesFacts = any && !t.allowsFacts()
	}
}

func (t *translation) allowsFacts() bool {
	if t.decoder != nil {
		return t.hasFacts()
	}
	root, err := doc.ReadJSON(t.json.Text, &doc.Source{})
	return err == nil && isTrue(root.Member(firstlight), "facts")
}

func escapeFacts(root *doc.Node) *doc.Node {
	return doc.MapTexts(root, func(n *doc.Node) string { return doc.EscapePlaceholders(n.Text, factKinds) })
}

// parseJSON is config.Parse of an included document.
func (t *translation) parseJSON() (*config.Config, config.Problems, error) {
	root, err := doc.ReadJSON(t.json.Text, &doc.Source{Name: t.json.Name})
	if err != nil || !t.escapesFacts {
		return config.Parse(t.json.Text, t.json.Name)
	}
	return config.FromTree(escapeFacts(root))
}

// lostConditions are the entries of a child that are merged with those of a parent although
// one of the two has a condition: it would be that of the other one, too.
func lostConditions(parent, child *config.Config) (problems config.Problems) {
	m := &conditionFinder{func(parent, child *doc.Node) {
		problems.Add(config.NewProblem(config.RuleIncludeCondition, config.Error, child.Origin(),
			"this is merged with an entry of another document (%s), and one of the two has a condition, which is known only when a machine boots; write both into one document, or merge the documents with ignition.config.merge", parent.Origin()))
	}}
	m.object(doc.FieldsOf(reflect.TypeFor[config.Config]()), doc.NodeOf(parent.Object), doc.NodeOf(child.Object))
	return problems
}

type conditionFinder struct{ found func(parent, child *doc.Node) }

func (m *conditionFinder) object(fields []doc.Field, parent, child *doc.Node) {
	switch {
	case parent == nil || child == nil:
		return
	case parent.Member("when") != nil || child.Member("when") != nil:
		m.found(parent, child)
		return
	}
	shared := map[string][]*doc.Node{} // of all lists whose keys are one namespace
	for i := range fields {
		if f := &fields[i]; f.Shared {
			addKeys(shared, f, parent.Member(f.Name))
		}
	}
	for i := range fields {
		f := &fields[i]
		above, below := parent.Member(f.Name), child.Member(f.Name)
		switch {
		case f.IsObject():
			m.object(f.Fields, above, below)
		case f.Shared:
			m.list(f, shared, below)
		case f.IsList() && f.Item.IsObject() && f.Key != "":
			own := map[string][]*doc.Node{}
			addKeys(own, f, above)
			m.list(f, own, below)
		}
	}
}

func addKeys(items map[string][]*doc.Node, f *doc.Field, list *doc.Node) {
	if list == nil {
		return
	}
	for _, item := range list.Items {
		if key, _ := f.KeyOf(item); key != "" {
			items[key] = append(items[key], item)
		}
	}
}

func (m *conditionFinder) list(f *doc.Field, parents map[string][]*doc.Node, child *doc.Node) {
	if child == nil {
		return
	}
	for _, item := range child.Items {
		key, _ := f.KeyOf(item)
		for _, parent := range parents[key] {
			m.object(f.Item.Fields, parent, item)
		}
	}
}
