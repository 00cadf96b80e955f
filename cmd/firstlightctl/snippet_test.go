package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
)

// useShortKeys has short keys stand for those of the spec.
func useShortKeys() {
	for _, key := range []string{"a", "b", "c", "d", "x", "é", "日本", "list"} {
		shownKeys()[key] = true
	}
}

// snippetAt is what is shown of a text around the first place of what.
func snippetAt(t *testing.T, text, what string) string {
	t.Helper()
	before, _, ok := strings.Cut(text, what)
	if !ok {
		t.Fatalf("%q is not in the text", what)
	}
	r := &report{inputs: []input{{name: "c", text: []byte(text)}}}
	o := config.Origin{Source: "c", Line: strings.Count(before, "\n") + 1, Column: len(before) - strings.LastIndex(before, "\n")}
	return newLineFinder(r).find(o).snippet(false, config.Error)
}

func TestSnippetMarksTheValue(t *testing.T) {
	for name, tc := range map[string]struct{ text, at, want string }{
		"number":               {"{\"a\": 12}", "12", " 1 | {\"a\": 12}\n   |       ^^\n"},
		"string":               {"{\"a\": \"b c\"}", "\"b c\"", " 1 | {\"a\": \"b c\"}\n   |       ^^^^^\n"},
		"escaped quote":        {`{"a": "b\"c"}`, `"b\"c"`, " 1 | {\"a\": \"b\\\"c\"}\n   |       ^^^^^^\n"},
		"object":               {"{\"a\": {\"b\": 1}}", "{\"b", " 1 | {\"a\": {\"b\": 1}}\n   |       ^\n"},
		"name":                 {"{\"a\": 1}", "\"a", " 1 | {\"a\": 1}\n   |  ^^^\n"},
		"YAML key":             {"a:\n  bcd: 1\n", "bcd", " 2 |   bcd: 1\n   |   ^^^\n"},
		"YAML list item":       {"a:\n  - bc d\n", "bc", " 2 |   - bc d\n   |     ^^^^\n"},
		"YAML comment":         {"a: bc  # why\n", "bc", " 1 | a: bc  # why\n   |    ^^\n"},
		"YAML flow":            {"{a: bc, d: e}\n", "bc", " 1 | {a: bc, d: e}\n   |     ^^\n"},
		"YAML single quotes":   {"a: 'b c'\n", "'b", " 1 | a: 'b c'\n   |    ^^^^^\n"},
		"YAML block":           {"a: |-\n  x\n", "|-", " 1 | a: |-\n   |    ^^\n"},
		"unclosed quote":       {"{\"a\": \"bc", "\"bc", " 1 | {\"a\": \"bc\n   |       ^^^\n"},
		"unclosed escape":      {"{\"a\": \"bc\\", "\"bc", " 1 | {\"a\": \"bc\\\n   |       ^^^^\n"},
		"in the middle":        {"{\"a\": bcd}", "cd", " 1 | {\"a\": bcd}\n   |        ^\n"},
		"carriage returns":     {"{\r\n\"a\": 12\r\n}", "12", " 2 | \"a\": 12\n   |      ^^\n"},
		"tabs":                 {"{\n\t\t\"a\":\t12\n}", "12", " 2 | \t\t\"a\":\t12\n   | \t\t    \t^^\n"},
		"letters of two bytes": {"{\"äöü\": 12}", "12", " 1 | {\"äöü\": 12}\n   |         ^^\n"},
		"wide letters":         {"{\"日本\": \"京都\", \"a\": 1}", "\"京都\"", " 1 | {\"日本\": \"京都\", \"a\": 1}\n   |          ^^^^^^\n"},
		"combining letters":    {"{\"e\u0301\": 12}", "12", " 1 | {\"e\u0301\": 12}\n   |       ^^\n"},
		"escape sequences":     {"a: \x1b[31mx\x00\xff: 12}", "12", " 1 | a: ?[31mx??: 12}\n   |              ^^\n"},
		"two digits":           {strings.Repeat("\n", 9) + "a: b", "b", " 10 | a: b\n    |    ^\n"},
		"an empty line":        {"a:\n\nb", "\nb", " 2 | \n   | ^\n"},
	} {
		compare(t, name, snippetAt(t, tc.text, tc.at), tc.want)
	}
}

func TestSnippetAfterTheLastLineAndOutsideOfTheText(t *testing.T) {
	r := &report{inputs: []input{{name: "c", text: []byte("a\nbc")}}}
	for o, want := range map[config.Origin]string{
		{Source: "c", Line: 2, Column: 3}:  " 2 | bc\n   |   ^\n",
		{Source: "c", Line: 2, Column: 99}: " 2 | bc\n   |   ^\n",
		{Source: "c", Line: 2}:             " 2 | bc\n   | ^^\n",
		{Source: "c", Line: 3, Column: 1}:  "",
		{Source: "c", Line: -1, Column: 1}: "",
		{Source: "c"}:                      "",
		{Source: "d", Line: 1, Column: 1}:  "",
	} {
		compare(t, o.String(), newLineFinder(r).find(o).snippet(false, config.Error), want)
	}
}

func TestSnippetOfALongLineIsCut(t *testing.T) {
	long := strings.Repeat("x", 30)
	list := `{"list": [` + strings.Repeat(`"`+long+`", `, 20) + `"here", ` + strings.Repeat(`"`+long+`", `, 20) + `1]}`
	compare(t, "in the middle", snippetAt(t, list, `"here"`),
		" 1 | …xxx\", \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\", \"here\", \"xxxxxxx…\n"+
			"   |                                          ^^^^^^\n")
	compare(t, "at the start", snippetAt(t, list, `"list"`),
		" 1 | {\"list\": [\"xxxxxx…\n   |  ^^^^^^\n")
	compare(t, "a long value", snippetAt(t, `{"a": "`+strings.Repeat("ä", 200)+`", "b": 1}`, `"ä`),
		" 1 | {\"a\": \""+strings.Repeat("ä", 49)+"…, \"b\": 1}\n   |       "+strings.Repeat("^", 51)+"\n")
	whole := `{"a": "` + strings.Repeat("x", 91) + `"}`
	compare(t, "one that just fits", snippetAt(t, whole, `"a"`), " 1 | "+whole+"\n   |  ^^^\n")
}

func TestSnippetOfAHugeLineIsQuick(t *testing.T) {
	data := strings.Repeat("QUJD", 11<<20)
	text := []byte(`{"a": "data:;base64,` + data + `", "b": 12, "c": "data:;base64,` + data + `"}`)
	at := bytes.Index(text, []byte("12")) + 1
	r := &report{inputs: []input{{name: "c", text: text}}}
	for range 100 {
		r.problems = append(r.problems, config.Problem{Severity: config.Error, Origin: config.Origin{Source: "c", Line: 1, Column: at}, Message: "m"})
	}
	// It takes a tenth of a second; looking through the line for each of the
	// problems takes minutes.
	var out strings.Builder
	if err := printText(&out, r); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), " 1 | …***\", \"b\": 12, \"c\": \"da…\n") || out.Len() > 20000 {
		t.Errorf("%.300s", out.String())
	}
}

func TestColumnsCountCharacters(t *testing.T) {
	text := []byte("{\"é\": 1, \"日本\": 2, \"c\": 3}")
	lines := newLineFinder(&report{inputs: []input{{name: "c", text: text}}})
	// There and back: the finder counts on from where it was.
	for _, value := range []string{"3", "1", "2", "3", "2", "1"} {
		at := bytes.Index(text, []byte(value))
		want := len([]rune(string(text[:at]))) + 1
		if got := lines.find(config.Origin{Source: "c", Line: 1, Column: at + 1}).column; got != want {
			t.Errorf("%s: column %d, want %d", value, got, want)
		}
	}
	if got := lines.find(config.Origin{Source: "elsewhere", Line: 1, Column: 7}).column; got != 7 {
		t.Errorf("column %d of an unknown text, want 7", got)
	}
}

func TestColoursOnTerminalsOnly(t *testing.T) {
	terminal, err := os.OpenFile("/dev/null", os.O_WRONLY, 0) // a character device will do
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	regular, err := os.Create(t.TempDir() + "/log")
	if err != nil {
		t.Fatal(err)
	}
	defer regular.Close()

	t.Setenv("NO_COLOR", "") // puts back what there was
	os.Unsetenv("NO_COLOR")
	if !wantsColor(terminal) || wantsColor(regular) || wantsColor(&bytes.Buffer{}) {
		t.Errorf("terminal %v, file %v, pipe %v", wantsColor(terminal), wantsColor(regular), wantsColor(&bytes.Buffer{}))
	}
	os.Setenv("NO_COLOR", "")
	if wantsColor(terminal) {
		t.Error("NO_COLOR has no effect")
	}
}

// The mark is under the first character, so that the line is put together of two parts.
func TestSnippetIsNoCommandWhereItIsPutTogether(t *testing.T) {
	for text, want := range map[string]string{"##vso[task.x]a": " 1 | #?vso[task.x]a\n   | ^\n", "##[error]a": " 1 | #?[error]a\n   | ^\n"} {
		compare(t, text, snippetAt(t, text, text), want)
	}
}

func TestSnippetInColours(t *testing.T) {
	r := &report{inputs: []input{{name: "c", text: []byte("a: b")}}}
	l := newLineFinder(r).find(config.Origin{Source: "c", Line: 1, Column: 4})
	compare(t, "error", l.snippet(true, config.Error), " \x1b[1;34m1\x1b[0m \x1b[1;34m|\x1b[0m a: b\n   \x1b[1;34m|\x1b[0m    \x1b[1;31m^\x1b[0m\n")
	compare(t, "warning", l.snippet(true, config.Warning), " \x1b[1;34m1\x1b[0m \x1b[1;34m|\x1b[0m a: b\n   \x1b[1;34m|\x1b[0m    \x1b[1;33m^\x1b[0m\n")
}
