package doc

import (
	"testing"
)

func TestMergingByTags(t *testing.T) {
	for _, c := range []struct{ name, parent, child, want string }{
		{"what the child sets counts", `{"name":"a","level":1}`, `{"level":2}`, `{"name":"a","level":2}`},
		{"in the order of the fields", `{"on":true}`, `{"name":"a"}`, `{"name":"a","on":true}`},
		{"objects member by member", `{"inner":{"deep":{"value":"a"}}}`, `{"inner":{"deep":{}}}`, `{"inner":{"deep":{"value":"a"}}}`},
		{"no key appends", `{"options":["a","b"]}`, `{"options":["a"]}`, `{"options":["a","b","a"]}`},
		{"scalars as keys", `{"tags":["a","b"]}`, `{"tags":["c","a"]}`, `{"tags":["a","b","c"]}`},
		{"a list of the parent alone", `{"tags":["a"]}`, `{}`, `{"tags":["a"]}`},
		{"a list of the child alone", `{}`, `{"tags":["a"]}`, `{"tags":["a"]}`},
		{"items by member", `{"left":[{"path":"/a","mode":1},{"path":"/b"}]}`, `{"left":[{"path":"/c"},{"path":"/a","mode":2}]}`, `{"left":[{"path":"/a","mode":2},{"path":"/b"},{"path":"/c"}]}`},
		{"shared keys", `{"left":[{"path":"/a"},{"path":"/b"}]}`, `{"right":[{"path":"/a"}]}`, `{"left":[{"path":"/b"}],"right":[{"path":"/a"}]}`},
		{"shared keys in both lists", `{"left":[{"path":"/a","mode":1}],"right":[{"path":"/b","mode":2}]}`, `{"left":[{"path":"/b"}],"right":[{"path":"/a"}]}`, `{"left":[{"path":"/b"}],"right":[{"path":"/a"}]}`},
		{"items without their key are of one key", `{"left":[{"mode":1}]}`, `{"left":[{"mode":2}]}`, `{"left":[{"mode":2}]}`},
		{"removal", `{"headers":[{"name":"a","value":"1"},{"name":"b","value":"2"}]}`, `{"headers":[{"name":"a"}]}`, `{"headers":[{"name":"b","value":"2"}]}`},
		{"numbers before labels", `{"parts":[{"number":1,"label":"x","size":1},{"label":"y","size":2}]}`, `{"parts":[{"number":1},{"number":0,"label":"y"},{"label":"x"}]}`,
			`{"parts":[{"number":1,"label":"x","size":1},{"number":0,"label":"y","size":2},{"label":"x"}]}`},
		{"the child says one key twice", `{"left":[{"path":"/a"}]}`, `{"left":[{"path":"/a","mode":1},{"path":"/a","mode":2}]}`, `{"left":[{"path":"/a","mode":2},{"path":"/a","mode":1}]}`},
	} {
		parent, child := read(t, c.parent), read(t, c.child)
		if got := string(Merge(sampleType, parent, child).AppendJSON(nil)); got != c.want {
			t.Errorf("%s: got %s\nwant %s", c.name, got, c.want)
		}
		if string(parent.AppendJSON(nil)) != c.parent || string(child.AppendJSON(nil)) != c.child {
			t.Errorf("%s: merging has changed one side", c.name)
		}
	}
}

func TestMergingWithNothing(t *testing.T) {
	n := read(t, `{"name":"a"}`)
	if Merge(sampleType, n, nil) != n || Merge(sampleType, nil, n) != n || Merge(sampleType, nil, nil) != nil {
		t.Error("an absent object is not neutral")
	}
}

func TestMergedNodesKeepTheirOrigins(t *testing.T) {
	parent, child := read(t, "{\"tags\":[\n\"a\",\"b\"],\"level\":1}"), read(t, "\n{\"tags\":[\"c\"],\n\"inner\":{}}")
	parent.Source.Name, child.Source.Name = "base", "user"
	m := Merge(sampleType, parent, child)
	for _, c := range []struct {
		n    *Node
		want string
	}{
		{m, "user, line 2, column 1"},
		{m.Member("level"), "base, line 2, column 18 (level)"},
		{m.Member("inner"), "user, line 3, column 9 (inner)"},
		{m.Member("tags"), "base, line 1, column 9 (tags)"},
		{m.Member("tags").Items[1], "base, line 2, column 5 (tags[1])"},
		{m.Member("tags").Items[2], "user, line 2, column 10 (tags[0])"},
	} {
		if got := c.n.Origin().String(); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
	if first := m.Members[0]; first.Name != "level" || first.Line != 2 {
		t.Errorf("the first member is %s of line %d", first.Name, first.Line)
	}
}
