package config

import (
	"fmt"
	"strconv"
	"strings"
)

// An Origin is the place in a config that a value came from.
type Origin struct {
	// Source says which config: "user config (fw_cfg opt/com.coreos/config)".
	Source string `json:"source,omitempty"`
	// Line and Column are 1-based and count bytes; 0 if not known.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
	// Path leads from the root of that config to the value: storage.files[2].mode.
	Path string `json:"path,omitempty"`
}

// IsZero tells that nothing is known about where a value came from.
func (o Origin) IsZero() bool { return o == Origin{} }

// String prints an origin for people: user config, line 41, column 9 (storage.filesystems[2]).
func (o Origin) String() string {
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

// An Object is part of every object of the spec and knows where it stood.
type Object struct{ node *node }

// Origin is where the object stood, or, given names and indexes that lead
// there, one of its members. A member that the config does not mention has the
// origin of the nearest object around it.
func (o Object) Origin(path ...any) Origin {
	n := o.node
	for _, step := range path {
		next := n.step(step)
		if next == nil {
			break
		}
		n = next
	}
	return n.origin()
}

// step is the member or item of n that key (a string or an int) names, or nil.
func (n *node) step(key any) *node {
	if n == nil {
		return nil
	}
	switch key := key.(type) {
	case string:
		return n.member(key)
	case int:
		if n.kind == arrayNode && key >= 0 && key < len(n.items) {
			return n.items[key]
		}
	}
	return nil
}

func (n *node) origin() Origin {
	if n == nil {
		return Origin{}
	}
	return Origin{Source: n.source.name(), Line: int(n.line), Column: int(n.column), Path: n.path()}
}

// path is the way from the root of the source to n.
func (n *node) path() string {
	if n.parent == nil {
		return ""
	}
	up := n.parent.path()
	switch {
	case n.parent.kind == arrayNode:
		return up + "[" + strconv.Itoa(int(n.index)) + "]"
	case up == "":
		return n.key
	}
	return up + "." + n.key
}
