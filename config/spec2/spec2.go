package spec2

import (
	"reflect"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/doc"
)

// target is the version that documents are rewritten to: the first that has all
// that the last one of spec 2 has.
const target = doc.V3_1

var documentType = reflect.TypeFor[document]()

// Parse translates a config of spec 2 and parses the result as config.Parse does:
// by the rules of spec 3, of which it has version 3.1.0. Problems and origins are
// those of the given text.
func Parse(text []byte, name string) (*config.Config, config.Problems, error) {
	if len(text) == 0 {
		return nil, nil, &config.ParseError{Kind: config.ErrEmpty}
	}
	root, err := doc.ReadJSON(text, &doc.Source{Name: name})
	if err != nil {
		refusal := config.SyntaxError(err)
		return nil, refusal.Problems, refusal
	}
	version, refusal := versionOf(root)
	if refusal != nil {
		return nil, refusal.Problems, refusal
	}
	t := &translator{version: version, root: root}
	t.problems = config.Normalize(root, documentType, version)
	if t.problems.HasErrors() {
		// What has the wrong type was dropped, and would be found missing.
		return nil, t.problems, &config.ParseError{Kind: config.ErrInvalid, Problems: t.problems}
	}
	t.translate()
	cfg, problems, err := config.FromTree(root)
	problems = append(t.problems, problems...)
	if err != nil || problems.HasErrors() {
		return nil, problems, &config.ParseError{Kind: config.ErrInvalid, Problems: problems}
	}
	return cfg, problems, nil
}

// versionOf returns the version of a document, which has to be one of spec 2.
func versionOf(root *doc.Node) (doc.Version, *config.ParseError) {
	at, normal, refusal := config.VersionText(root)
	if refusal != nil {
		return 0, refusal
	}
	var names []string
	for _, known := range doc.Spec2() {
		if normal == known.String() {
			return known, nil
		}
		names = append(names, known.String())
	}
	return 0, &config.ParseError{Kind: config.ErrUnknownVersion, Problems: config.Problems{config.NewProblem(config.RuleVersionUnknown, config.Error, at.Origin(),
		"version %q of the spec cannot be translated; of spec 2 the versions are %s", at.Text, strings.Join(names, ", "))}}
}

// A translator rewrites one document.
type translator struct {
	version     doc.Version
	root        *doc.Node
	problems    config.Problems
	filesystems map[string]*place // by name; of equal names the last counts
	places      []*place
	onRoot      []*doc.Node // paths on the root filesystem
}

func (t *translator) translate() {
	dropZeros(t.root, documentType)
	ignition := t.root.Member("ignition")
	ignition.Member("version").Text = target.String()
	rename(ignition.Member("config"), "append", "merge")
	for _, d := range items(t.root, "storage", "disks") {
		t.partitions(d)
	}
	t.placeFilesystems()
	t.placeNodes()
	t.networkUnits()
	for _, u := range items(t.root, "systemd", "units") {
		enableUnit(u)
	}
	for _, u := range items(t.root, "passwd", "users") {
		t.account(u)
	}
}

// enableUnit: a unit is enabled if either of the two members says so.
func enableUnit(u *doc.Node) {
	if enable := u.Member("enable"); enable != nil {
		u.Set("enabled", enable)
		u.Remove("enable")
	}
}

// account: what is in create became members of the user.
func (t *translator) account(u *doc.Node) {
	create := u.Member("create")
	if create == nil {
		return
	}
	u.Remove("create")
	for _, m := range create.Members {
		if given := u.Member(m.Name); given != nil {
			t.error(config.RuleSpec2Conflict, given, "%s is given here and in create; spec 2 refuses both, too: remove one", m.Name)
			continue
		}
		u.Set(m.Name, m.Value)
	}
}

// dropZeros removes zero values that mean the same as no value: spec 3 makes a
// difference for all scalars, spec 2 for few.
func dropZeros(n *doc.Node, t reflect.Type) {
	for _, f := range doc.FieldsOf(t) {
		value := n.Member(f.Name)
		switch {
		case value == nil:
		case f.IsObject():
			dropZeros(value, f.Type)
		case f.IsList() && f.Item.IsObject():
			for _, item := range value.Items {
				dropZeros(item, f.Item.Type)
			}
		case !f.IsList() && t.Field(f.Index).Type.Kind() != reflect.Pointer && (value.Text == "" || value.Text == "0" || value.Text == "false"):
			n.Remove(f.Name)
		}
	}
}

// items returns the items of the list that a path leads to.
func items(n *doc.Node, path ...string) []*doc.Node {
	for _, name := range path {
		n = n.Member(name)
	}
	if n == nil {
		return nil
	}
	return n.Items
}

// rename gives a member the name that it has in spec 3. Its path stays.
func rename(n *doc.Node, from, to string) {
	if n == nil {
		return
	}
	for i := range n.Members {
		if n.Members[i].Name == from {
			n.Members[i].Name = to
		}
	}
}

// scalar, list and object make nodes with the origin of one of the document.
func scalar(at *doc.Node, kind doc.Kind, text string) *doc.Node {
	n := *at
	n.Kind, n.Text, n.Members, n.Items = kind, text, nil, nil
	return &n
}

func list(at *doc.Node, items ...*doc.Node) *doc.Node {
	n := scalar(at, doc.List, "")
	n.Items = items
	return n
}

func object(at *doc.Node) *doc.Node { return scalar(at, doc.Map, "") }

func (t *translator) error(r config.Rule, at *doc.Node, format string, args ...any) {
	t.problems.Add(config.NewProblem(r, config.Error, at.Origin(), format, args...))
}

func (t *translator) warn(r config.Rule, at *doc.Node, format string, args ...any) {
	t.problems.Add(config.NewProblem(r, config.Warning, at.Origin(), format, args...))
}
