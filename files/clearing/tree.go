package clearing

import (
	"sort"
	"strings"
)

// A node is a path of the root that stays: as a whole if it has a part, else only as a
// directory of which children stay.
type node struct {
	part     *Part
	children map[string]*node
}

// child is what stays of an entry, nil if nothing does. Of nothing, nothing stays.
func (n *node) child(name string) *node {
	if n == nil {
		return nil
	}
	return n.children[name]
}

// whole reports whether all of it stays.
func (n *node) whole() bool { return n != nil && n.part != nil }

// grow returns an entry, which stays at least as a directory.
func (n *node) grow(name string) *node {
	c := n.children[name]
	if c == nil {
		c = new(node)
		if n.children == nil {
			n.children = map[string]*node{}
		}
		n.children[name] = c
	}
	return c
}

// at returns the node of a path, or one above it that stays as a whole; nil if the path goes.
func (n *node) at(name string) *node {
	for _, c := range components(name) {
		if n = n.child(c); n.whole() {
			break
		}
	}
	return n
}

// stay has a path stay as a whole. What already stays for another reason keeps that, and
// below a path that stays as a whole nothing has to be said.
func (n *node) stay(name string, reason Reason) {
	for _, c := range components(name) {
		if n = n.grow(c); n.whole() {
			return
		}
	}
	n.part = &Part{Path: name, Reason: reason}
}

// parts returns all that stay as a whole, but for those in others.
func (n *node) parts() (all []Part) {
	if n.whole() {
		return []Part{*n.part}
	}
	for _, c := range n.children {
		all = append(all, c.parts()...)
	}
	sortParts(all)
	return all
}

func sortParts(all []Part) {
	sort.Slice(all, func(i, j int) bool { return all[i].Path < all[j].Path })
}

// components are the names that a path is made of; of the root there are none.
func components(name string) []string {
	return strings.FieldsFunc(name, func(r rune) bool { return r == '/' })
}
