package doc

import "testing"

func TestOrigins(t *testing.T) {
	s := filled(t, "{\"name\":\"a\",\n\"left\":[{\"path\":\"/a\"}]}")
	for _, c := range []struct {
		what string
		got  Origin
		want string
	}{
		{"the root", s.Origin(), "test, line 1, column 1"},
		{"a member", s.Origin("name"), "test, line 1, column 9 (name)"},
		{"an item", s.Origin("left", 0), "test, line 2, column 9 (left[0])"},
		{"a member of an item", s.Origin("left", 0, "path"), "test, line 2, column 17 (left[0].path)"},
		{"the same from nearer", s.Left[0].Origin("path"), "test, line 2, column 17 (left[0].path)"},
		{"an absent member", s.Left[0].Origin("mode"), "test, line 2, column 9 (left[0].mode)"},
		{"an absent item", s.Origin("left", 1), "test, line 2, column 8 (left[1])"},
		{"a negative index", s.Origin("left", -1), "test, line 2, column 8 (left[-1])"},
		{"far in what is absent", s.Origin("inner", "deep", "value"), "test, line 1, column 1 (inner.deep.value)"},
		{"a member of an absent object", s.Inner.Origin("deep"), "test, line 1, column 1"},
		{"an index of an object", s.Origin(0), "test, line 1, column 1 ([0])"},
		{"a step of another type", s.Origin(1.5), "test, line 1, column 1"},
		{"an object from nowhere", Object{}.Origin("x"), ""},
		{"what was filled in by hand", Origin{Path: "left[0].path"}, "left[0].path"},
		{"a node of which nothing is known", ObjectAt(&Node{}).Origin("x"), ""},
	} {
		if got := c.got.String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
		if (c.want == "") != c.got.IsZero() {
			t.Errorf("%s: IsZero is %v", c.what, c.got.IsZero())
		}
	}
}

func TestAbsentMembersOfButaneAreInSnakeCase(t *testing.T) {
	n := &Node{Kind: Map, Source: &Source{Name: "b", Snake: true}, Line: 1, Column: 1}
	if got := ObjectAt(n).Origin("storage", 0, "sizeMiB").Path; got != "storage[0].size_mib" {
		t.Error(got)
	}
}

func TestPathsOfNilNodes(t *testing.T) {
	var n *Node
	if !n.Origin().IsZero() || n.step("a") != nil || (*Source)(nil).String() != "" {
		t.Error("nothing has an origin")
	}
}

func TestKeysAreInTheLanguageOfTheConfig(t *testing.T) {
	const name = "ignition.timeouts.httpTotal"
	butane := &Source{Name: "b", Snake: true}
	for _, c := range []struct{ got, want string }{
		{Origin{}.Key(name), name},
		{Origin{Butane: true}.Key(name), "ignition.timeouts.http_total"},
		{Object{}.Key(name), name},
		{ObjectAt(&Node{}).Key(name), name},
		{ObjectAt(&Node{Source: new(Source)}).Key(name), name},
		{ObjectAt(&Node{Source: butane}).Key("startMiB"), "start_mib"},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
}
