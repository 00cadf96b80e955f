package doc

import (
	"reflect"
	"slices"
	"testing"
)

type extendedFile struct {
	Object
	Path string         `json:"path"`
	When extendedFilter `json:"when" spec:"extension"`
}

type extendedFilter struct {
	Object
	Host *string  `json:"host"`
	Tags []string `json:"tags" spec:"extension"`
}

type extendedSample struct {
	Object
	Name  string `json:"name"`
	Inner struct {
		Object
		Files []extendedFile `json:"files" spec:"key=path"`
	} `json:"inner"`
	Own extendedFilter `json:"own" spec:"extension"`
}

func TestExtensionsAtAnyDepth(t *testing.T) {
	sample := reflect.TypeFor[extendedSample]()
	for _, c := range []struct {
		text, want string // without those that say nothing
		found      []string
	}{
		{`{"name":"a","inner":{"files":[{"path":"/a"}]}}`, `{"name":"a","inner":{"files":[{"path":"/a"}]}}`, nil},
		{`{"own":{},"inner":{"files":[{"path":"/a","when":{}},{"path":"/b"}]}}`, `{"inner":{"files":[{"path":"/a"},{"path":"/b"}]}}`, nil},
		{`{"own":{"tags":[]}}`, `{}`, nil},
		{`{"own":{"tags":["x"]},"inner":{"files":[{"path":"/a"},{"path":"/b","when":{"host":"h"}}]}}`,
			`{"own":{"tags":["x"]},"inner":{"files":[{"path":"/a"},{"path":"/b","when":{"host":"h"}}]}}`, []string{"inner.files[1].when", "own"}},
	} {
		n := read(t, c.text)
		got := WithoutIdleExtensions(sample, n)
		if text := string(got.AppendJSON(nil)); text != c.want || (got == n) != (c.text == c.want) {
			t.Errorf("%s: got %s, want %s; a new tree is %t", c.text, text, c.want, got != n)
		}
		var found []string
		EachExtension(sample, got, func(name string, value *Node) {
			if value.Key != name {
				t.Errorf("%s has the name %s", value.Path(), name)
			}
			found = append(found, value.Path())
		})
		if !slices.Equal(found, c.found) {
			t.Errorf("%s: found %v, want %v", c.text, found, c.found)
		}
	}
}
