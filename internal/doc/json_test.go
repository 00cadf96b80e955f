package doc

import (
	"strings"
	"testing"
)

// read is a text that must be read.
func read(t *testing.T, text string) *Node {
	t.Helper()
	n, err := ReadJSON([]byte(text), &Source{Name: "test"})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return n
}

func TestNodesKnowTheirPlaces(t *testing.T) {
	root := read(t, "{\"a\": [1,\n  \"é\", {\"b\" :\r\n\ttrue}],\n\n \"c\":null}")
	list := root.Member("a")
	b := list.Items[2].Member("b")
	for _, c := range []struct {
		what         string
		n            *Node
		kind         Kind
		line, column int32
		path         string
	}{
		{"root", root, Map, 1, 1, ""},
		{"list", list, List, 1, 7, "a"},
		{"number", list.Items[0], Number, 1, 8, "a[0]"},
		{"string", list.Items[1], String, 2, 3, "a[1]"},
		{"columns are bytes", list.Items[2], Map, 2, 9, "a[2]"},
		{"boolean", b, Bool, 3, 2, "a[2].b"},
		{"null", root.Member("c"), Null, 5, 6, "c"},
	} {
		if c.n.Kind != c.kind || c.n.Line != c.line || c.n.Column != c.column || c.n.Path() != c.path {
			t.Errorf("%s: %s at %s", c.what, c.n.Kind, c.n.Origin())
		}
	}
	if m := list.Items[2].Members[0]; m.Line != 2 || m.Column != 10 || m.Name != "b" {
		t.Errorf("the name is %q at line %d, column %d", m.Name, m.Line, m.Column)
	}
}

func TestAllMembersAreKept(t *testing.T) {
	root := read(t, `{"a":1,"b":2,"a":3}`)
	if len(root.Members) != 3 || root.Member("a").Text != "3" || root.Members[0].Value.Text != "1" {
		t.Errorf("%+v", root.Members)
	}
}

func TestScalars(t *testing.T) {
	for text, want := range map[string]string{
		`"a"`:                                "a",
		`""`:                                 "",
		`"a\tb\u0041\/\\"`:                   "a\tbA/\\",
		`"\"é\ud83d\ude00"`:                  "\"é😀",
		`"\ude00\ud83d\ud83d"`:               "\ufffd\ufffd\ufffd",
		"\"\xff\\n\xc3\"":                    "\ufffd\n\ufffd",
		`-12.50e+3`:                          "-12.50e+3",
		`false`:                              "false",
		`"` + strings.Repeat(`é\n`, 9) + `"`: strings.Repeat("é\n", 9),
	} {
		if got := read(t, text).Text; got != want {
			t.Errorf("%s is %q, want %q", text, got, want)
		}
	}
}

func TestSyntaxErrorsSayWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "line 1, column 1: this is not valid JSON: the text ends too early"},
		{`{"a`, "column 4: this is not valid JSON: the text ends too early, a bracket, brace or quote is not closed"},
		{`["\u12`, "column 7: this is not valid JSON: the text ends too early"},
		{`{"a":1} {}`, "column 9: this is not valid JSON: there is more after the end of the config"},
		{"{\"a\":\n x}", "line 2, column 2: this is not valid JSON: invalid character 'x', a value is expected here"},
		{`{a:1}`, "column 2: this is not valid JSON: invalid character 'a', a name in quotes is expected here"},
		{`{"a" 1}`, "column 6: this is not valid JSON: invalid character '1', a colon is expected here"},
		{`{"a":1 "b":2}`, `column 8: this is not valid JSON: invalid character '"', a comma or '}' is expected here`},
		{`[1 2]`, "column 4: this is not valid JSON: invalid character '2', a comma or ']' is expected here"},
		{"[1,\n]", "line 1, column 3: this is not valid JSON: invalid character ',' before ']'"},
		{"[1,}", "column 3: this is not valid JSON: invalid character ',' before '}'"},
		{`[0644]`, "column 3: this is not valid JSON: a number cannot start with 0; a mode that is octal 0644 is written 420"},
		{`[1.]`, "column 4: this is not valid JSON: invalid character ']', a digit is expected here"},
		{`[-]`, "column 3: this is not valid JSON: invalid character ']', a digit is expected here"},
		{`[1e+]`, "column 5: this is not valid JSON: invalid character ']', a digit is expected here"},
		{`[tru]`, "column 5: this is not valid JSON: invalid character ']', true is expected here"},
		{`["\q"]`, `column 3: this is not valid JSON: invalid escape "\\q" in a string, a plain backslash is written \\`},
		{`["\u12é"]`, `column 3: this is not valid JSON: invalid escape "\\u12é" in a string`},
		{"[\"a\n\"]", `column 4: this is not valid JSON: invalid character '\n' in a string, it should be written as an escape like \n or \u001f`},
		{"\ufeff{}", `column 1: this is not valid JSON: invalid character '\ufeff', a value is expected here`},
		{strings.Repeat("[", 10_001), "column 10001: this is not valid JSON: objects and lists are more than 10000 deep inside each other"},
	} {
		_, err := ReadJSON([]byte(c.text), &Source{Name: "user config"})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "user config, line ") {
			t.Errorf("%.50q: %v\nwant %s", c.text, err, c.want)
		}
	}
}

func TestLargeStringsTakeNoMemoryOfTheirOwn(t *testing.T) {
	text := []byte(`{"x": "` + strings.Repeat("x", 1<<20) + `"}`)
	result := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if _, err := ReadJSON(text, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	if n := result.AllocedBytesPerOp(); n > 100<<10 {
		t.Errorf("reading a string of a MiB takes %d bytes", n)
	}
}

func TestPrinting(t *testing.T) {
	for _, text := range []string{`{}`, `[]`, `null`, `{"a":[1,"b",true,null,{"c":{}}],"d":-1.5e3}`, `"\"\\\u0000\n é😀"`} {
		if got := string(read(t, text).AppendJSON([]byte("x "))); got != "x "+text {
			t.Errorf("%s is printed as %s", text, got)
		}
	}
	n := &Node{Kind: String, Text: "a\xff"}
	if got := string(n.AppendJSON(nil)); got != "\"a\ufffd\"" {
		t.Errorf("no UTF-8 is printed as %s", got)
	}
}
