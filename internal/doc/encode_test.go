package doc

import (
	"reflect"
	"testing"
)

const sampleText = `{"name":"a","level":0,"on":false,"sizeMiB":5,"note":"","tags":["x","y","z"],"options":[],"inner":{"deep":{}},` +
	`"parts":[{"number":1,"label":"l"},{"number":2}],"left":[{"path":"/a","mode":1}],"data":{"hash":"h"}}`

func pointer[T any](v T) *T { return &v }

func encode(s *sample) *Node { return Encode(reflect.ValueOf(s).Elem()) }

func TestEncodingWhatHasNotChangedReturnsTheSameTree(t *testing.T) {
	s := filled(t, sampleText)
	if encode(s) != NodeOf(s.Object) {
		t.Errorf("got another tree: %s", encode(s).AppendJSON(nil))
	}
	if n := testing.AllocsPerRun(10, func() { encode(s) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestEncodingWhatHasChanged(t *testing.T) {
	for _, c := range []struct {
		name, text, want string
		change           func(*sample)
	}{
		{"a scalar", `{"name":"a","level":1}`, `{"name":"b","level":1}`, func(s *sample) { s.Name = "b" }},
		{"a pointer", `{"sizeMiB":5}`, `{"sizeMiB":6}`, func(s *sample) { s.SizeMiB = pointer(6) }},
		{"what a pointer points to", `{"given":true}`, `{"given":false}`, func(s *sample) { *s.Given = false }},
		{"a pointer is unset", `{"name":"a","sizeMiB":5}`, `{"name":"a"}`, func(s *sample) { s.SizeMiB = nil }},
		{"a scalar becomes zero", `{"level":5}`, `{}`, func(s *sample) { s.Level = 0 }},
		{"a pointer to zero", `{}`, `{"sizeMiB":0,"note":"","given":false}`, func(s *sample) { s.SizeMiB, s.Note, s.Given = pointer(0), pointer(""), pointer(false) }},
		{"a list is unset", `{"tags":["a"]}`, `{}`, func(s *sample) { s.Tags = nil }},
		{"a list becomes empty", `{"tags":["a"]}`, `{"tags":[]}`, func(s *sample) { s.Tags = []string{} }},
		{"the first item is removed", `{"tags":["a","b"]}`, `{"tags":["b"]}`, func(s *sample) { s.Tags = s.Tags[1:] }},
		{"the last item is removed", `{"tags":["a","b"]}`, `{"tags":["a"]}`, func(s *sample) { s.Tags = s.Tags[:1] }},
		{"an item is added", `{"tags":["a"]}`, `{"tags":["a","b"]}`, func(s *sample) { s.Tags = append(s.Tags, "b") }},
		{"a list is added", `{}`, `{"tags":["a"]}`, func(s *sample) { s.Tags = []string{"a"} }},
		{"an absent object is filled in", `{}`, `{"inner":{"deep":{"value":"v"}}}`, func(s *sample) { s.Inner.Deep.Value = pointer("v") }},
		{"an object is unset", `{"name":"a","inner":{"deep":{"value":"v"}}}`, `{"name":"a"}`, func(s *sample) { s.Inner = inner{} }},
		{"an object loses its members", `{"inner":{"deep":{"value":"v"}}}`, `{"inner":{"deep":{}}}`, func(s *sample) { s.Inner.Deep.Value = nil }},
		{"an object is replaced", `{"data":{"hash":"h"}}`, `{"data":{"hash":"i"}}`, func(s *sample) { s.Data = resource{Hash: pointer("i")} }},
		{"an object in a list is added", `{"left":[{"path":"/a"}]}`, `{"left":[{"path":"/a"},{},{"path":"/b"}]}`, func(s *sample) { s.Left = append(s.Left, entry{}, entry{Path: "/b"}) }},
		{"objects change their order", `{"left":[{"path":"/a"},{"path":"/b"}]}`, `{"left":[{"path":"/b"},{"path":"/a"}]}`, func(s *sample) { s.Left[0], s.Left[1] = s.Left[1], s.Left[0] }},
		{"an object goes to another list", `{"left":[{"path":"/a"}]}`, `{"right":[{"path":"/a"}]}`, func(s *sample) { s.Left, s.Right = nil, s.Left }},
		{"a negative number", `{}`, `{"level":-5}`, func(s *sample) { s.Level = -5 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := filled(t, c.text)
			before := NodeOf(s.Object)
			c.change(s)
			if got := string(encode(s).AppendJSON(nil)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if got := string(before.AppendJSON(nil)); got != c.text {
				t.Errorf("the tree itself has become %s", got)
			}
		})
	}
}

func TestEncodingALiteral(t *testing.T) {
	s := &sample{Name: "a", Tags: []string{"", "x"}, Parts: []part{{Number: 1}, {}}, Inner: inner{Deep: deep{Value: pointer("v")}}}
	const want = `{"name":"a","tags":["","x"],"inner":{"deep":{"value":"v"}},"parts":[{"number":1},{}]}`
	if got := string(encode(s).AppendJSON(nil)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := string(encode(new(sample)).AppendJSON(nil)); got != "{}" {
		t.Errorf("nothing is %s", got)
	}
	if got := encode(s).Member("parts").Items[0].Member("number").Path(); got != "parts[0].number" {
		t.Errorf("the path is %s", got)
	}
}

func TestOriginsAfterAChange(t *testing.T) {
	s := filled(t, "{\"name\":\"a\",\n\"tags\":[\"x\",\n\"y\"],\n\"left\":[{\"path\":\"/a\"},\n{\"path\":\"/b\"}]}")
	s.Name, s.Tags = "b", s.Tags[1:]
	s.Left = append(s.Left[1:], entry{Path: "/c"})
	s.Left[0].Mode = pointer(5)
	s.Inner.Deep.Value = pointer("v")
	n := encode(s)
	left := n.Member("left")
	for _, c := range []struct {
		what string
		n    *Node
		want string
	}{
		{"what was replaced", n.Member("name"), "test, line 1, column 9 (name)"},
		{"an item after one that was removed", n.Member("tags").Items[0], "test, line 3, column 1 (tags[1])"},
		{"an object after one that was removed", left.Items[0], "test, line 5, column 1 (left[1])"},
		{"a member of it", left.Items[0].Member("path"), "test, line 5, column 9 (left[1].path)"},
		{"a member that was added", left.Items[0].Member("mode"), "test, line 5, column 1 (left[1].mode)"},
		{"an object that was added", left.Items[1], "test, line 4, column 8 (left[1])"},
		{"in an object that was absent", n.Member("inner").Member("deep").Member("value"), "test, line 1, column 1 (inner.deep.value)"},
	} {
		if got := c.n.Origin().String(); got != c.want {
			t.Errorf("%s: got %s, want %s", c.what, got, c.want)
		}
	}
}

func TestAddedMembersOfButaneAreInSnakeCase(t *testing.T) {
	root := read(t, `{}`)
	root.Source.Snake = true
	s := new(sample)
	Decode(reflect.ValueOf(s).Elem(), root)
	s.SizeMiB = pointer(1)
	if got := encode(s).Member("sizeMiB").Path(); got != "size_mib" {
		t.Error(got)
	}
}
