package json

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
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
func Marshal(v any) ([]byte, error) { return appendValue(nil, reflect.ValueOf(v)) }

// Indent is like Marshal, with a line for each member and two blanks per level.
func Indent(v any) ([]byte, error) {
	text, err := Marshal(v)
	if err != nil {
		return nil, err
	}
	n, err := doc.ReadJSON(text, nil)
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
			b = append(appendString(b, m.Name), ": "...)
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

// membersOfTypes are those of the struct types that were seen.
var membersOfTypes sync.Map

func membersOf(t reflect.Type) []member {
	if known, ok := membersOfTypes.Load(t); ok {
		return known.([]member)
	}
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
	membersOfTypes.Store(t, all)
	return all
}

var (
	rawType    = reflect.TypeFor[Raw]()
	numberType = reflect.TypeFor[Number]()
	timeType   = reflect.TypeFor[time.Time]()
)

func appendString(b []byte, text string) []byte {
	n := doc.Node{Kind: doc.String, Text: text}
	return n.AppendJSON(b)
}

func appendValue(b []byte, v reflect.Value) ([]byte, error) {
	if !v.IsValid() {
		return append(b, "null"...), nil
	}
	switch v.Type() {
	case rawType:
		return appendRaw(b, v.Bytes())
	case numberType:
		return append(b, v.String()...), nil
	case timeType:
		b = v.Interface().(time.Time).AppendFormat(append(b, '"'), time.RFC3339Nano)
		return append(b, '"'), nil
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return appendValue(b, v.Elem())
	case reflect.Struct:
		return appendObject(b, v)
	case reflect.Map:
		return appendMap(b, v)
	case reflect.Slice:
		return appendList(b, v)
	}
	return appendScalar(b, v), nil
}

func appendRaw(b, raw []byte) ([]byte, error) {
	if len(raw) == 0 {
		return append(b, "null"...), nil
	}
	n, err := doc.ReadJSON(raw, nil)
	if err != nil {
		return nil, err
	}
	return n.AppendJSON(b), nil
}

func appendScalar(b []byte, v reflect.Value) []byte {
	switch {
	case v.Kind() == reflect.String:
		return appendString(b, v.String())
	case v.Kind() == reflect.Bool:
		return strconv.AppendBool(b, v.Bool())
	case v.CanInt():
		return strconv.AppendInt(b, v.Int(), 10)
	case v.CanUint():
		return strconv.AppendUint(b, v.Uint(), 10)
	case v.CanFloat():
		return strconv.AppendFloat(b, v.Float(), 'g', -1, 64)
	}
	panic(fmt.Sprintf("json: %v is not supported", v.Type()))
}

func appendObject(b []byte, v reflect.Value) (_ []byte, err error) {
	begin := len(b)
	b = append(b, '{')
	for _, m := range membersOf(v.Type()) {
		if m.omitZero && isZero(v.Field(m.index)) {
			continue
		}
		if b, err = appendMember(b, begin, m.name, v.Field(m.index)); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// appendMember adds one to an object that begins at an index of b.
func appendMember(b []byte, begin int, name string, v reflect.Value) ([]byte, error) {
	if len(b) > begin+1 {
		b = append(b, ',')
	}
	return appendValue(append(appendString(b, name), ':'), v)
}

func isZero(v reflect.Value) bool {
	if v.Kind() == reflect.Map || v.Kind() == reflect.Slice {
		return v.Len() == 0
	}
	return v.IsZero()
}

// appendMap sorts the members by name.
func appendMap(b []byte, v reflect.Value) (_ []byte, err error) {
	if v.IsNil() {
		return append(b, "null"...), nil
	}
	begin := len(b)
	b = append(b, '{')
	for _, key := range sortedKeys(v) {
		if b, err = appendMember(b, begin, key.String(), v.MapIndex(key)); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

func appendList(b []byte, v reflect.Value) (_ []byte, err error) {
	if v.IsNil() {
		return append(b, "null"...), nil
	}
	b = append(b, '[')
	for i := range v.Len() {
		if i > 0 {
			b = append(b, ',')
		}
		begin := len(b)
		if b, err = appendValue(b, v.Index(i)); err != nil {
			return nil, err
		}
		if i == 0 { // the others have about its size
			b = slices.Grow(b, (len(b)-begin+1)*(v.Len()-1))
		}
	}
	return append(b, ']'), nil
}
