package json

import (
	"fmt"
	"reflect"
	"sort"
	"strconv"
	"time"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// Unmarshal decodes text into the value that v points to. Unknown members are
// skipped, and null leaves a value unchanged.
func Unmarshal(text []byte, v any) error {
	n, err := doc.ReadJSON(text, nil)
	if err != nil {
		return err
	}
	return read(reflect.ValueOf(v).Elem(), n, "the document")
}

// read sets v from a node. Messages call the value what.
func read(v reflect.Value, n *doc.Node, what string) error {
	switch {
	case v.Type() == rawType:
		v.SetBytes(n.AppendJSON(nil))
		return nil
	case n.Kind == doc.Null:
		return nil
	case v.Type() == timeType:
		return readTime(v, n, what)
	}
	switch v.Kind() {
	case reflect.Interface:
		v.Set(reflect.ValueOf(anyOf(n)))
		return nil
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return read(v.Elem(), n, what)
	case reflect.Struct:
		return readObject(v, n, what)
	case reflect.Map:
		return readMap(v, n, what)
	case reflect.Slice:
		return readList(v, n, what)
	}
	return readScalar(v, n, what)
}

func mismatch(n *doc.Node, what, want string) error {
	return fmt.Errorf("%s is %v and not %s", what, n.Kind, want)
}

// readTime reads what is written as RFC 3339 has it.
func readTime(v reflect.Value, n *doc.Node, what string) error {
	t, err := time.Parse(time.RFC3339Nano, n.Text)
	if err != nil || n.Kind != doc.String {
		return fmt.Errorf("%s is not a time such as 2006-01-02T15:04:05Z (RFC 3339)", what)
	}
	v.Set(reflect.ValueOf(t))
	return nil
}

func readObject(v reflect.Value, n *doc.Node, what string) error {
	if n.Kind != doc.Map {
		return mismatch(n, what, "an object")
	}
	for _, m := range membersOf(v.Type()) {
		if value := n.Member(m.name); value != nil {
			if err := read(v.Field(m.index), value, m.name); err != nil {
				return err
			}
		}
	}
	return nil
}

func readMap(v reflect.Value, n *doc.Node, what string) error {
	if n.Kind != doc.Map {
		return mismatch(n, what, "an object")
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, m := range n.Members {
		value := reflect.New(v.Type().Elem()).Elem()
		if err := read(value, m.Value, m.Name); err != nil {
			return err
		}
		v.SetMapIndex(reflect.ValueOf(m.Name), value)
	}
	return nil
}

func readList(v reflect.Value, n *doc.Node, what string) error {
	if n.Kind != doc.List {
		return mismatch(n, what, "a list")
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Items), len(n.Items)))
	for i, item := range n.Items {
		if err := read(v.Index(i), item, fmt.Sprintf("%s[%d]", what, i)); err != nil {
			return err
		}
	}
	return nil
}

func readScalar(v reflect.Value, n *doc.Node, what string) error {
	if want := doc.KindOf(v.Type()); n.Kind != want {
		return mismatch(n, what, want.String())
	}
	var err error
	switch {
	case v.Kind() == reflect.String:
		v.SetString(n.Text)
	case v.Kind() == reflect.Bool:
		v.SetBool(n.Text == "true")
	case v.CanInt():
		var i int64
		if i, err = strconv.ParseInt(n.Text, 10, v.Type().Bits()); err == nil {
			v.SetInt(i)
		}
	case v.CanUint():
		var u uint64
		if u, err = strconv.ParseUint(n.Text, 10, v.Type().Bits()); err == nil {
			v.SetUint(u)
		}
	case v.CanFloat():
		var f float64
		if f, err = strconv.ParseFloat(n.Text, 64); err == nil {
			v.SetFloat(f)
		}
	default:
		panic(fmt.Sprintf("json: %v is not supported", v.Type()))
	}
	if err != nil {
		return fmt.Errorf("%s: the number %s is out of range or not of its type", what, n.Text)
	}
	return nil
}

// anyOf converts a node to a value for an interface.
func anyOf(n *doc.Node) any {
	switch n.Kind {
	case doc.Map:
		m := map[string]any{}
		for _, member := range n.Members {
			m[member.Name] = anyOf(member.Value)
		}
		return m
	case doc.List:
		list := []any{}
		for _, item := range n.Items {
			list = append(list, anyOf(item))
		}
		return list
	case doc.String:
		return n.Text
	case doc.Bool:
		return n.Text == "true"
	case doc.Number:
		return Number(n.Text)
	}
	return nil
}

func sortedKeys(v reflect.Value) []reflect.Value {
	keys := v.MapKeys()
	sort.SliceStable(keys, func(i, j int) bool { return keys[i].String() < keys[j].String() })
	return keys
}
