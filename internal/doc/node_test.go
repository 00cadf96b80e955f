package doc

import "testing"

func TestMembers(t *testing.T) {
	n := read(t, `{"a":1,"b":2,"a":3}`)
	if n.Member("a").Text != "3" || n.Member("c") != nil || (*Node)(nil).Member("a") != nil {
		t.Error("Member finds something else")
	}
	n.Set("b", &Node{Kind: Number, Text: "4"})
	n.Set("c", &Node{Kind: Number, Text: "5", Line: 7, Column: 8})
	if got := string(n.AppendJSON(nil)); got != `{"a":1,"b":4,"a":3,"c":5}` {
		t.Errorf("after Set: %s", got)
	}
	if m := n.Members[3]; m.Line != 7 || m.Column != 8 {
		t.Errorf("the new member is at line %d, column %d", m.Line, m.Column)
	}
	if !n.Remove("a") || n.Remove("x") || (*Node)(nil).Remove("a") {
		t.Error("Remove reports something else than it does")
	}
	if got := string(n.AppendJSON(nil)); got != `{"b":4,"c":5}` {
		t.Errorf("after Remove: %s", got)
	}
}

// The lists of nodes are parts of larger ones.
func TestAddingMembersChangesNoOtherNode(t *testing.T) {
	root := read(t, `{"a":{"x":1},"b":{"y":2}}`)
	root.Member("a").Set("z", &Node{Kind: Null})
	if got := string(root.AppendJSON(nil)); got != `{"a":{"x":1,"z":null},"b":{"y":2}}` {
		t.Error(got)
	}
}

func TestKindsHaveNames(t *testing.T) {
	for kind, want := range map[Kind]string{Null: "null", Bool: "a boolean", Number: "a number", String: "a string", List: "a list", Map: "an object"} {
		if kind.String() != want {
			t.Errorf("%d is %s", kind, kind)
		}
	}
}
