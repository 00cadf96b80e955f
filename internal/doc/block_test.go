package doc

import (
	"strings"
	"testing"
)

func TestOriginInsideOfBlockScalars(t *testing.T) {
	for name, tc := range map[string]struct {
		document string
		line     int // of the indicator
		value    string
		at       string // what is looked for in the value
		wantLine int    // 0 if it cannot be known
		wantAt   int
	}{
		"literal":                    {"a: |\n  [Unit]\n  wrong\n", 1, "[Unit]\nwrong\n", "wrong", 3, 3},
		"inside of a line":           {"a: |\n  [Unit]\n  wrong\n", 1, "[Unit]\nwrong\n", "ong", 3, 5},
		"empty lines":                {"b: 1\na: |\n\n  [Unit]\n\n  \n  wrong\n", 2, "\n[Unit]\n\n\nwrong\n", "wrong", 7, 3},
		"stripped":                   {"a: |-\n    x\n    wrong", 1, "x\nwrong", "wrong", 3, 5},
		"lines that are indented":    {"a: |\n  x\n    wrong\n", 1, "x\n  wrong\n", "wrong", 3, 5},
		"an indentation that is set": {"a: |2\n    x\n  wrong\n", 1, "  x\nwrong\n", "wrong", 3, 3},
		"CRLF":                       {"a: |\r\n  x\r\n  wrong\r\n", 1, "x\nwrong\n", "wrong", 3, 3},
		"folded":                     {"a: >\n  x\n  wrong\n\n  z\n", 1, "x wrong\nz\n", "wrong", 3, 3},
		"folded, after an empty":     {"a: >\n  x\n  y\n\n  wrong\n", 1, "x y\nwrong\n", "wrong", 5, 3},
		"folded, with a deeper one":  {"a: >\n  x\n    y\n  wrong\n", 1, "x\n  y\nwrong\n", "wrong", 4, 3},
		"tabs":                       {"a: |\n  x\n  \twrong\n", 1, "x\n\twrong\n", "wrong", 3, 4},
		"a plain scalar":             {"a: wrong\nb: c\n", 1, "wrong", "wrong", 0, 0},
		"a quoted one":               {"a: \"x\\nwrong\"\n", 1, "x\nwrong", "wrong", 0, 0},
		"an alias":                   {"a: &x |\n  x\n  wrong\nb: *x\n", 4, "x\nwrong\n", "wrong", 0, 0},
	} {
		root := &Node{Kind: Map, Source: &Source{Text: []byte(tc.document)}}
		root.Set("a", &Node{Kind: String, Text: tc.value, Source: root.Source, Line: int32(tc.line), Column: 4, Parent: root, Key: "a"})
		got, ok := ObjectAt(root).OriginInside("a", strings.Index(tc.value, tc.at))
		if got.Line != tc.wantLine || got.Column != tc.wantAt || ok != (tc.wantLine > 0) {
			t.Errorf("%s: got line %d, column %d, %v; want line %d, column %d", name, got.Line, got.Column, ok, tc.wantLine, tc.wantAt)
		}
	}
}

func TestOriginInsideOfNothing(t *testing.T) {
	if at, ok := (Object{}).OriginInside("a", 0); ok {
		t.Errorf("got %v", at)
	}
	n := &Node{Kind: Map}
	n.Set("a", &Node{Kind: String, Text: "x"})
	if at, ok := ObjectAt(n).OriginInside("a", 0); ok {
		t.Errorf("got %v", at)
	}
}
