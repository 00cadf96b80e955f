package lsp

import (
	"fmt"
	"strings"
	"testing"
)

// dump writes an outline in one line: {key:scalar other:{...} list:[...] half}.
func dump(v *value) string {
	var inner []string
	for _, c := range v.children {
		text := dump(c)
		if v.kind == mapping {
			name := c.key
			if c.colon {
				name += ":"
			}
			text = name + text
		}
		inner = append(inner, text)
	}
	switch v.kind {
	case mapping:
		return "{" + strings.Join(inner, " ") + "}"
	case list:
		return "[" + strings.Join(inner, " ") + "]"
	case scalar:
		return strings.ReplaceAll(v.text, "\n", "/")
	default:
		return ""
	}
}

func lines(all ...string) string { return strings.Join(all, "\n") + "\n" }

func TestOutline(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"nothing": {"", ""},
		"block style": {lines("variant: fcos # x", "storage:", "  files:", "    - path: /a", "      mode: 0644", "    - path: '/b''c'"),
			"{variant:fcos storage:{files:[{path:/a mode:0644} {path:/b'c}]}}"},
		"list at the column of its key": {lines("storage:", "  files:", "  - path: /a", "    mode: 1", "  - path: /b", "  disks:", "  - device: /c"),
			"{storage:{files:[{path:/a mode:1} {path:/b}] disks:[{device:/c}]}}"},
		"keys below a dash":   {lines("a:", "  -", "    b: 1", "    c: 2", "  -", "    b: 3"), "{a:[{b:1 c:2} {b:3}]}"},
		"lists in lists":      {lines("a:", "  - - b", "    - c", "  - d"), "{a:[[b c] d]}"},
		"block scalar":        {lines("a: |", "  x: 1", "", "    - y", "b: >-", "   z", "c: 1"), "{a:x: 1//- y/ b:z/ c:1}"},
		"item that is text":   {lines("a:", "  - |", "    x: 1", "  - y"), "{a:[x: 1/ y]}"},
		"text on more lines":  {lines("a: b", "  c", "d: e"), "{a:b d:e}"},
		"anchors and tags":    {lines("a: &x", "  b: !!str 1", "c: *x", "d:", "  <<: *x", "e:", "  - &y f: 1"), "{a:{b:1} c:*x d:{<<:*x} e:[{f:1}]}"},
		"comments":            {lines("# a", "b: # c", "  # d: e", "  f: 1 # g"), "{b:{f:1}}"},
		"document markers":    {lines("---", "a: 1", "...", "b: 2"), "{a:1}"},
		"Windows' line ends":  {"a: 1\r\nb:\r\n  - c\r\n", "{a:1 b:[c]}"},
		"colons in values":    {lines("a: http://x:80/ y", "\"b:c\": d"), "{a:http://x:80/ y b:c:d}"},
		"brackets in a block": {lines("a: {b: 1, c: [d, 'e, f']}", "g:", "  [h,", "   i]", "j: {k: l", "  }"), "{a:{b:1 c:[d e, f]} g:[h i] j:{k:l}}"},
		"JSON":                {`{"a": {"b": [1, "x\"y", {"c": true}]}, "d": "e: f"}`, `{a:{b:[1 x"y {c:true}]} d:e: f}`},

		"a key without a colon":             {lines("storage:", "  files:", "    - path: /a", "      mo"), "{storage:{files:[{path:/a mo}]}}"},
		"its first key without a colon":     {lines("storage:", "  fi", "  disks:"), "{storage:{fi disks:}}"},
		"an item that is half a key":        {lines("files:", "  - pa", "    mode: 1", "  - "), "{files:[{pa mode:1} ]}"},
		"half a key before its list":        {lines("storage:", "  fi", "    - path: /a", "  di", "  - device: /b"), "{storage:{fi[{path:/a}] di[{device:/b}]}}"},
		"half a key before its mapping":     {lines("files:", "  - pa: 1", "    conte", "      inline: x", "  - us", "      name: y"), "{files:[{pa:1 conte{inline:x}} {us{name:y}}]}"},
		"too much indentation":              {lines("variant: fcos", "  version: 1.5.0", "    storage:", "a: 1"), "{variant:fcos version:1.5.0 storage: a:1}"},
		"a value below its key":             {lines("storage:", "  fi"), "{storage:fi}"},
		"a quote without an end":            {lines("a: 'b", "c: \"d", "e: f"), "{a:b c:d e:f}"},
		"a bracket without an end":          {lines("a: {b: 1, c", "d: [e,", "f: g"), "{a:{b:1 c} d:[e] f:g}"},
		"too little indentation":            {lines("a:", "    b: 1", "  c: 2"), "{a:{b:1 c:2}}"},
		"tabs":                              {lines("a:", "\tb: 1"), "{a:{b:1}}"},
		"JSON without an end":               {`{"a": {"b": [{"c": 1, "d`, "{a:{b:[{c:1 d}]}}"},
		"JSON with half a key":              {lines(`{"a": {"b`, `  "c": 1}, "d": 2}`), "{a:{b c:1} d:2}"},
		"JSON without a value":              {`{"a": , "b": }`, "{a: b:}"},
		"JSON with a bracket of wrong kind": {`{"a": [1, 2}, "b": 3}`, "{a:[1 2]}"},
		"only closing brackets":             {"]}", "{]}}"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := dump(outline(c.text)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestOutlineKnowsWhereThingsAre(t *testing.T) {
	for _, text := range []string{
		lines("a:", "  - 'b': \"ä c\" # x", "    d: |", "      e", "f: [g, {h: i}]"),
		`{"a": [{"b": "ä c", "d": 1}], "f": ["g", {"h": "i"}]}`,
	} {
		root := outline(text)
		var got []string
		root.all(func(v *value) bool {
			if v.keySpan.end > 0 {
				got = append(got, text[v.keySpan.start:v.keySpan.end])
			}
			if v.kind == scalar {
				got = append(got, text[v.span.start:v.span.end])
			}
			return true
		})
		want := `[a 'b' "ä c" d |
      e f g h i]`
		if strings.HasPrefix(text, "{") {
			want = `["a" "b" "ä c" "d" 1 "f" "g" "h" "i"]`
		}
		if fmt.Sprint(got) != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}

func TestOutlineOfHostileTextsHasAnEnd(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("[", 100_000), strings.Repeat("{\"a\":", 100_000), strings.Repeat("- ", 10_000),
		"a: " + strings.Repeat("[{", 50_000), strings.Repeat("a:\n", 10_000), strings.Repeat("'", 9999),
	} {
		root := outline(text)
		root.all(func(v *value) bool {
			if v.span.end > len(text) || v.span.start > v.span.end {
				t.Fatalf("%.20q: %+v", text, v.span)
			}
			return true
		})
	}
}

func FuzzOutline(f *testing.F) {
	f.Add("a:\n  - b: {c: [d, \"e\"]}\n    f: |\n      g\n")
	f.Add("{\"a\": [1, {\"b\": \"c\"}]}")
	f.Add("- 'a\n  b")
	f.Fuzz(func(t *testing.T, text string) {
		outline(text).all(func(v *value) bool {
			for _, s := range []span{v.span, v.keySpan, v.extent()} {
				if s.start < 0 || s.end < s.start || s.end > len(text) {
					t.Fatalf("%+v is at %+v of %d bytes", v, s, len(text))
				}
			}
			return true
		})
	})
}
