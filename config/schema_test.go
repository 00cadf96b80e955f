package config

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// A jsonSchema is as much of a JSON schema as those in testdata use.
type jsonSchema struct {
	Ref        string                 `json:"$ref"`
	Type       any                    `json:"type"`
	Properties map[string]*jsonSchema `json:"properties"`
	Items      *jsonSchema            `json:"items"`
	AllOf      []*jsonSchema          `json:"allOf"`
	Defs       map[string]*jsonSchema `json:"definitions"`
}

func readSchema(t *testing.T, v Version) *jsonSchema {
	t.Helper()
	name := "testdata/schema/ignition-v" + strings.ReplaceAll(strings.TrimSuffix(strings.Replace(v.String(), ".0-experimental", "_experimental", 1), ".0"), ".", "_") + ".json"
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	s := new(jsonSchema)
	if err := json.Unmarshal(text, s); err != nil {
		t.Fatal(err)
	}
	return s
}

// resolve follows references, and gathers the properties of all parts.
func (s *jsonSchema) resolve(t *testing.T, root *jsonSchema) *jsonSchema {
	t.Helper()
	for s.Ref != "" {
		at := root
		for step := range strings.SplitSeq(strings.TrimPrefix(s.Ref, "#/"), "/") {
			switch {
			case step == "definitions":
				continue
			case at.Defs[step] == nil:
				t.Fatalf("there is no %s in the schema", s.Ref)
			}
			at = at.Defs[step]
		}
		s = at
	}
	out := &jsonSchema{Type: s.Type, Items: s.Items, Properties: map[string]*jsonSchema{}}
	for name, p := range s.Properties {
		out.Properties[name] = p
	}
	for _, part := range s.AllOf {
		for name, p := range part.resolve(t, root).Properties {
			out.Properties[name] = p
		}
		out.Type = "object"
	}
	return out
}

// types lists the JSON types that a value may have.
func (s *jsonSchema) types() []string {
	switch value := s.Type.(type) {
	case string:
		return []string{value}
	case []any:
		var names []string
		for _, v := range value {
			names = append(names, v.(string))
		}
		return names
	}
	return nil
}

var schemaTypes = map[doc.Kind]string{doc.Map: "object", doc.List: "array", doc.String: "string", doc.Bool: "boolean", doc.Number: "integer"}

// A schemaWalk compares our types with the schema of one version.
type schemaWalk struct {
	t       *testing.T
	version Version
	root    *jsonSchema
	count   int
	found   []string
}

func (w *schemaWalk) differ(format string, args ...any) {
	w.found = append(w.found, fmt.Sprintf(format, args...))
}

func (w *schemaWalk) object(s *jsonSchema, typ reflect.Type, at *doc.Node) {
	s = s.resolve(w.t, w.root)
	fields := doc.FieldsOf(typ)
	for name := range s.Properties {
		known := slices.ContainsFunc(fields, func(f doc.Field) bool { return f.Name == name && f.SinceIn(at) <= w.version && !f.Extension })
		if !known {
			w.differ("%s: %s.%s is in the schema, but not in our types", w.version, at.Path(), name)
		}
	}
	for i := range fields {
		f := &fields[i]
		p := s.Properties[f.Name]
		switch {
		case f.SinceIn(at) > w.version || f.Extension:
		case p == nil:
			w.differ("%s: %s.%s is in our types, but not in the schema", w.version, at.Path(), f.Name)
		default:
			w.value(p, typ, f, &doc.Node{Kind: doc.KindOf(f.Type), Parent: at, Key: f.Name})
		}
	}
}

func (w *schemaWalk) value(s *jsonSchema, around reflect.Type, f *doc.Field, at *doc.Node) {
	w.count++
	s = s.resolve(w.t, w.root)
	if !slices.Contains(s.types(), schemaTypes[at.Kind]) {
		w.differ("%s: %s is %v in the schema, %s in our types", w.version, at.Path(), s.types(), schemaTypes[at.Kind])
		return
	}
	pointer := around.Field(f.Index).Type.Kind() == reflect.Pointer
	if nullable := slices.Contains(s.types(), "null"); nullable && !pointer && at.Kind != doc.Map {
		w.differ("%s: %s can be null in the schema, but not in our types", w.version, at.Path())
	} else if !nullable && pointer && w.version == Newest {
		w.differ("%s: %s can be unset in our types, but not in the schema", w.version, at.Path())
	}
	switch at.Kind {
	case doc.Map:
		w.object(s, f.Type, at)
	case doc.List:
		item := &doc.Node{Kind: doc.KindOf(f.Type.Elem()), Parent: at}
		if of := s.Items.resolve(w.t, w.root); !slices.Contains(of.types(), schemaTypes[item.Kind]) {
			w.differ("%s: the items of %s are %v in the schema", w.version, at.Path(), of.types())
		} else if item.Kind == doc.Map {
			w.object(of, f.Type.Elem(), item)
		}
	}
}

// differences compares our types with a schema.
func differences(t *testing.T, v Version, root *jsonSchema) (found []string, count int) {
	w := &schemaWalk{t: t, version: v, root: root}
	w.object(root, configType, &doc.Node{Kind: doc.Map})
	return w.found, w.count
}

// The schemas are those of the reference, in testdata/schema.
func TestTypesConformToTheSchemas(t *testing.T) {
	for _, v := range Versions() {
		found, count := differences(t, v, readSchema(t, v))
		if len(found) > 0 {
			t.Errorf("compared with the schemas of the reference in testdata/schema:\n%s", strings.Join(found, "\n"))
		}
		if count < 100 {
			t.Errorf("%s: only %d properties were compared", v, count)
		}
	}
}

func TestTheSchemaWalkFindsDifferences(t *testing.T) {
	root := readSchema(t, V3_6)
	root.Properties["more"] = &jsonSchema{Type: "string"}
	delete(root.Properties, "systemd")
	root.Properties["passwd"] = &jsonSchema{Type: "array"}
	found, _ := differences(t, V3_6, root)
	for _, words := range []string{".more is in the schema", ".systemd is in our types", "passwd is [array] in the schema"} {
		if !strings.Contains(strings.Join(found, "\n"), words) {
			t.Errorf("%q is missing in: %q", words, found)
		}
	}
}
