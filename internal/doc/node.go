package doc

import "slices"

// A Node is one value of a config with its position. Configs are read, merged and
// translated as trees of nodes, and made into a Config at the end: that is how
// a merged value still knows its own line.
type Node struct {
	// Text is a scalar's value: a string without quotes and escapes, or the
	// literal text of a number or boolean.
	Text    string
	Members []Member // of a Map
	Items   []*Node  // of a List

	Source       *Source
	Line, Column int32 // 1-based, in bytes; 0 if not known
	Parent       *Node // in the document that the node was read from
	Key          string
	Index        int32
	Kind         Kind // last, as there it needs no padding: there are very many nodes
}

// A Member is a name and a value in a Map. The position is that of the name.
type Member struct {
	Name         string
	Line, Column int32
	Value        *Node
}

// A Kind is that of JSON.
type Kind uint8

// The kinds of nodes.
const (
	Null Kind = iota
	Bool
	Number
	String
	List
	Map
)

func (k Kind) String() string {
	return [...]string{"null", "a boolean", "a number", "a string", "a list", "an object"}[k]
}

// A Source is one document.
type Source struct {
	// Name says which: "user config (fw_cfg opt/com.coreos/config)".
	Name string
	// Snake reports whether its keys are in Butane's snake_case.
	Snake bool
	// Text is the document itself if it is YAML, for positions inside of values.
	Text []byte
}

// Member returns the value of a name; of equal names the last counts. It is nil
// if there is none, and if n is nil.
func (n *Node) Member(name string) *Node {
	if n == nil {
		return nil
	}
	for i := len(n.Members) - 1; i >= 0; i-- {
		if n.Members[i].Name == name {
			return n.Members[i].Value
		}
	}
	return nil
}

// Set replaces or adds a member.
func (n *Node) Set(name string, value *Node) {
	for i := range n.Members {
		if n.Members[i].Name == name {
			n.Members[i].Value = value
			return
		}
	}
	n.Members = append(n.Members, Member{Name: name, Value: value, Line: value.Line, Column: value.Column})
}

// Remove removes a member, and reports whether it existed.
func (n *Node) Remove(name string) bool {
	if n == nil {
		return false
	}
	before := len(n.Members)
	n.Members = slices.DeleteFunc(n.Members, func(m Member) bool { return m.Name == name })
	return len(n.Members) < before
}

// Count is how many values a tree has.
func (n *Node) Count() int {
	count := 1
	for _, m := range n.Members {
		count += m.Value.Count()
	}
	for _, item := range n.Items {
		count += item.Count()
	}
	return count
}

// Clone copies a node with everything below it. Origins stay.
func (n *Node) Clone() *Node {
	out := *n
	out.Members = slices.Clone(n.Members)
	for i, m := range n.Members {
		out.Members[i].Value = m.Value.Clone()
	}
	out.Items = slices.Clone(n.Items)
	for i, item := range n.Items {
		out.Items[i] = item.Clone()
	}
	return &out
}
