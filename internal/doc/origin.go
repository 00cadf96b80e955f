package doc

import (
	"fmt"
	"strconv"
	"strings"
)

// An Origin is where in a config a value came from.
type Origin struct {
	// Source says which config: "user config (fw_cfg opt/com.coreos/config)".
	Source string `json:"source,omitempty"`
	// Line is 1-based; 0 if not known.
	Line int `json:"line,omitempty"`
	// Column is 1-based and counts bytes; 0 if not known.
	Column int `json:"column,omitempty"`
	// Path leads from the root of that config to the value: storage.files[2].mode.
	Path string `json:"path,omitempty"`
	// Butane reports whether the config is in that language: its keys are in
	// snake_case.
	Butane bool `json:"-"`
}

// String is the name; a nil Source has none.
func (s *Source) String() string {
	if s == nil {
		return ""
	}
	return s.Name
}

// Key returns a key of the spec, or a path of keys, as it is written in the
// language of the config: wipeTable is wipe_table in Butane.
func (o Origin) Key(name string) string {
	if o.Butane {
		return Snake(name)
	}
	return name
}

// IsZero reports whether nothing is known about where a value came from.
func (o Origin) IsZero() bool { return o == Origin{} }

// String prints an origin for people: user config, line 41, column 9 (storage.filesystems[2]).
// Of a value that was not read from anything there is only the path.
func (o Origin) String() string {
	if o.Source == "" && o.Line == 0 {
		return o.Path
	}
	var b strings.Builder
	b.WriteString(o.Source)
	if o.Line > 0 {
		fmt.Fprintf(&b, ", line %d, column %d", o.Line, o.Column)
	}
	if o.Path != "" {
		fmt.Fprintf(&b, " (%s)", o.Path)
	}
	return strings.TrimPrefix(b.String(), ", ")
}

// An Object is part of every object of the spec and knows its origin.
type Object struct {
	node *Node
	// The config does not mention it; the node is that of what is around it.
	absent bool
}

// ObjectAt returns an Object with the origin of n.
func ObjectAt(n *Node) Object { return Object{node: n} }

// NodeOf returns what an object was decoded from. It is no method, as objects are part of
// the API of package config.
func NodeOf(o Object) *Node { return o.node }

// IsPresent reports whether the config mentions the object.
func (o Object) IsPresent() bool { return o.node != nil && !o.absent }

// Origin is where the object came from, or, given names and indexes that lead
// there, one of its members. A member that the config does not mention has its
// own path, and the line and column of the nearest object around it.
func (o Object) Origin(path ...any) Origin {
	n := o.node
	if n == nil {
		return Origin{}
	}
	for i, step := range path {
		next := n.step(step)
		if next == nil {
			at := n.Origin()
			if n.Source != nil && !o.absent {
				at.Path = n.pathTo(path[i:])
			}
			return at
		}
		n = next
	}
	return n.Origin()
}

// Key is Origin.Key, in the language of the config that the object came from.
func (o Object) Key(name string) string {
	if o.node == nil || o.node.Source == nil {
		return name
	}
	return Origin{Butane: o.node.Source.Snake}.Key(name)
}

// pathTo is the path of a member that does not exist.
func (n *Node) pathTo(steps []any) string {
	path := n.Path()
	for _, step := range steps {
		switch step := step.(type) {
		case int:
			path += "[" + strconv.Itoa(step) + "]"
		case string:
			path = strings.TrimPrefix(path+"."+ObjectAt(n).Key(step), ".")
		}
	}
	return path
}

// step is the member or item of n that key (a string or an int) names, or nil.
func (n *Node) step(key any) *Node {
	if n == nil {
		return nil
	}
	switch key := key.(type) {
	case string:
		return n.Member(key)
	case int:
		if n.Kind == List && key >= 0 && key < len(n.Items) {
			return n.Items[key]
		}
	}
	return nil
}

// Origin is where n came from.
func (n *Node) Origin() Origin {
	if n == nil {
		return Origin{}
	}
	return Origin{Source: n.Source.String(), Line: int(n.Line), Column: int(n.Column), Path: n.Path(), Butane: n.Source != nil && n.Source.Snake}
}

// Path is the path from the root of the source to n.
func (n *Node) Path() string {
	if n.Parent == nil {
		return ""
	}
	up := n.Parent.Path()
	switch {
	case n.Parent.Kind == List:
		return up + "[" + strconv.Itoa(int(n.Index)) + "]"
	case up == "":
		return n.Key
	}
	return up + "." + n.Key
}
