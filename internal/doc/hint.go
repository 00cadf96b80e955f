package doc

import (
	"cmp"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
)

// A KeyFinder looks for what was meant by a key that an object does not have.
type KeyFinder struct {
	// Root is the type of a whole document.
	Root reflect.Type
	// Keys yields the keys that objects of a type have in the document's language and
	// version, and the types of their values.
	Keys func(object reflect.Type) iter.Seq2[string, reflect.Type]
}

// Hint says what may be meant by a key of n, which is an object of a type: the right
// spelling, the object that the key belongs to, or what has taken its place. It is ""
// if nothing is like it, and else the second half of a sentence.
func (f *KeyFinder) Hint(n *Node, object reflect.Type, key string) string {
	at := pathWithoutIndexes(n)
	if name := f.nearest(object, key, 0); name != "" {
		return fmt.Sprintf("; did you mean %q?", name)
	}
	if text := formerKey(n, at, key); text != "" {
		return text
	}
	places := f.places(object, key, at)
	if len(places) == 0 {
		places = f.places(f.Root, key, "")
	}
	if 0 < len(places) && len(places) <= 2 {
		return fmt.Sprintf("; it belongs under %s", strings.Join(places, " or "))
	}
	if name := f.nearest(object, key, len(key)/3); name != "" {
		return fmt.Sprintf("; did you mean %q?", name)
	}
	return ""
}

// nearest returns the key of an object that is most like another one: that has at
// most so many letters added, left out or replaced, or two neighbours exchanged.
func (f *KeyFinder) nearest(object reflect.Type, key string, most int) string {
	const farthest = 2
	best, least := "", min(most, farthest)+1
	for name := range f.Keys(object) {
		if d := Distance(name, key); d < least {
			best, least = name, d
		}
	}
	return best
}

// places returns the paths of objects that have a key: of the object at a path, and
// those in it.
func (f *KeyFinder) places(object reflect.Type, key, at string) []string {
	var all []string
	for name, value := range f.Keys(object) {
		for value.Kind() == reflect.Slice || value.Kind() == reflect.Pointer {
			value = value.Elem()
		}
		if name == key {
			all = append(all, cmp.Or(at, "the top level"))
		}
		if value.Kind() == reflect.Struct {
			all = append(all, f.places(value, key, strings.TrimPrefix(at+"."+name, "."))...)
		}
	}
	return all
}

// plainKey drops what differs between ways to write one key: case, - and _.
func plainKey(key string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '-' || c == '_':
			return -1
		case 'A' <= c && c <= 'Z':
			return c + 'a' - 'A'
		}
		return c
	}, key)
}

// Distance is how many letters of a have to be added, left out, replaced or exchanged
// with the next one to get b; more than a few are not counted, and case, - and _ not at
// all.
func Distance(a, b string) int {
	a, b = plainKey(a), plainKey(b)
	const many = 3
	if len(a) > 64 || max(len(a), len(b))-min(len(a), len(b)) >= many {
		return many
	}
	var before, row, next []int // of a table with a row for each letter of a
	for j := range len(b) + 1 {
		row = append(row, j)
	}
	for i := range len(a) {
		next = append(next[:0:0], i+1)
		for j := range len(b) {
			d := row[j]
			if a[i] != b[j] {
				d = 1 + min(d, row[j+1], next[j])
			}
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				d = min(d, before[j-1]+1)
			}
			next = append(next, d)
		}
		before, row = row, next
	}
	return min(row[len(b)], many)
}

// pathWithoutIndexes is a path like storage.files.contents.
func pathWithoutIndexes(n *Node) string {
	var keys []string
	for ; n != nil && n.Parent != nil; n = n.Parent {
		if n.Parent.Kind != List {
			keys = append(keys, n.Key)
		}
	}
	slices.Reverse(keys)
	return strings.Join(keys, ".")
}
