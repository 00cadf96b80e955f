package json

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// Raw is a value that is not decoded, like json.RawMessage.
type Raw []byte

// A Number is a number in an interface, as it is written, like json.Number.
type Number string

// Valid reports whether text is JSON.
func Valid(text []byte) bool {
	_, err := doc.ReadJSON(text, nil)
	return err == nil
}

// Marshal prints a value as compact JSON. Fields with omitempty or omitzero are
// skipped if they are empty. It panics on a type that this package does not support.
func Marshal(v any) ([]byte, error) {
	n, err := nodeOf(reflect.ValueOf(v))
	if err != nil {
		return nil, err
	}
	return n.AppendJSON(nil), nil
}

// Indent is like Marshal, with a line for each member and two blanks per level.
func Indent(v any) ([]byte, error) {
	n, err := nodeOf(reflect.ValueOf(v))
	if err != nil {
		return nil, err
	}
	return indent(nil, n, "\n"), nil
}

func indent(b []byte, n *doc.Node, line string) []byte {
	inner := line + "  "
	switch {
	case n.Kind == doc.Map && len(n.Members) > 0:
		b = append(b, '{')
		for i, m := range n.Members {
			b = separate(b, i, inner)
			b = append((&doc.Node{Kind: doc.String, Text: m.Name}).AppendJSON(b), ": "...)
			b = indent(b, m.Value, inner)
		}
		return append(append(b, line...), '}')
	case n.Kind == doc.List && len(n.Items) > 0:
		b = append(b, '[')
		for i, item := range n.Items {
			b = indent(separate(b, i, inner), item, inner)
		}
		return append(append(b, line...), ']')
	}
	return n.AppendJSON(b)
}

func separate(b []byte, i int, line string) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	return append(b, line...)
}

// A member is a struct field with its name in JSON.
type member struct {
	name     string
	index    int
	omitZero bool
}

func membersOf(t reflect.Type) []member {
	var all []member
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == "" {
			name = t.Field(i).Name
		}
		if name != "-" {
			all = append(all, member{name, i, strings.HasPrefix(options, "omit")})
		}
	}
	return all
}

var (
	rawType    = reflect.TypeFor[Raw]()
	numberType = reflect.TypeFor[Number]()
	timeType   = reflect.TypeFor[time.Time]()
)

// nodeOf converts a value to a node.
func nodeOf(v reflect.Value) (*doc.Node, error) {
	if !v.IsValid() {
		return &doc.Node{}, nil
	}
	switch v.Type() {
	case rawType:
		if v.Len() == 0 {
			return &doc.Node{}, nil
		}
		return doc.ReadJSON(v.Bytes(), nil)
	case numberType:
		return &doc.Node{Kind: doc.Number, Text: v.String()}, nil
	case timeType:
		return &doc.Node{Kind: doc.String, Text: v.Interface().(time.Time).Format(time.RFC3339Nano)}, nil
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return nodeOf(v.Elem())
	case reflect.Struct:
		return objectOf(v)
	case reflect.Map:
		return mapOf(v)
	case reflect.Slice:
		return listOf(v)
	}
	return scalarOf(v), nil
}

func scalarOf(v reflect.Value) *doc.Node {
	switch {
	case v.Kind() == reflect.String:
		return &doc.Node{Kind: doc.String, Text: v.String()}
	case v.Kind() == reflect.Bool:
		return &doc.Node{Kind: doc.Bool, Text: strconv.FormatBool(v.Bool())}
	case v.CanInt():
		return &doc.Node{Kind: doc.Number, Text: strconv.FormatInt(v.Int(), 10)}
	case v.CanUint():
		return &doc.Node{Kind: doc.Number, Text: strconv.FormatUint(v.Uint(), 10)}
	case v.CanFloat():
		return &doc.Node{Kind: doc.Number, Text: strconv.FormatFloat(v.Float(), 'g', -1, 64)}
	}
	panic(fmt.Sprintf("json: %v is not supported", v.Type()))
}

func objectOf(v reflect.Value) (*doc.Node, error) {
	n := &doc.Node{Kind: doc.Map}
	for _, m := range membersOf(v.Type()) {
		if m.omitZero && isZero(v.Field(m.index)) {
			continue
		}
		value, err := nodeOf(v.Field(m.index))
		if err != nil {
			return nil, err
		}
		n.Members = append(n.Members, doc.Member{Name: m.name, Value: value})
	}
	return n, nil
}

func isZero(v reflect.Value) bool {
	if v.Kind() == reflect.Map || v.Kind() == reflect.Slice {
		return v.Len() == 0
	}
	return v.IsZero()
}

// mapOf sorts the members by name.
func mapOf(v reflect.Value) (*doc.Node, error) {
	if v.IsNil() {
		return &doc.Node{}, nil
	}
	n := &doc.Node{Kind: doc.Map}
	for _, key := range sortedKeys(v) {
		value, err := nodeOf(v.MapIndex(key))
		if err != nil {
			return nil, err
		}
		n.Members = append(n.Members, doc.Member{Name: key.String(), Value: value})
	}
	return n, nil
}

func listOf(v reflect.Value) (*doc.Node, error) {
	if v.IsNil() {
		return &doc.Node{}, nil
	}
	n := &doc.Node{Kind: doc.List}
	for i := range v.Len() {
		item, err := nodeOf(v.Index(i))
		if err != nil {
			return nil, err
		}
		n.Items = append(n.Items, item)
	}
	return n, nil
}
