package doc

import (
	"fmt"
	"strings"
	"testing"
)

func fillWith(text string) string {
	return FillPlaceholders(text, []string{"param", "fact"}, func(p Placeholder) string {
		if p.Fault != "" {
			return "(" + text[p.Start:p.End] + ")"
		}
		return "<" + p.Kind + " " + p.Name + ">"
	})
}

func TestPlaceholdersAreFilledIn(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "",
		"a":                             "a",
		"${param:a}":                    "<param a>",
		"x${param:a}y${fact:b-c_1}z":    "x<param a>y<fact b-c_1>z",
		"${param:a}${param:b}":          "<param a><param b>",
		"$${param:a}":                   "${param:a}",
		"$$${param:a}":                  "$<param a>",
		"$$$${param:a}":                 "$${param:a}",
		"${param:a}$${param:a}":         "<param a>${param:a}",
		"${param:a}$":                   "<param a>$",
		"$$":                            "$$",
		"$${HOME}":                      "$${HOME}",
		"${HOME:-/root} ${x:0:3} ${#x}": "${HOME:-/root} ${x:0:3} ${#x}",
		"${other:name}":                 "${other:name}",
		"$param:a} {param:a} $ {param:": "$param:a} {param:a} $ {param:",
		"${param}":                      "${param}",
		"${parameter:a}":                "${parameter:a}",
		"${${param:a}}":                 "${<param a>}",
		"${x${param:a}}":                "${x<param a>}",

		"${params:a} b":       "(${params:a}) b",
		"${Fact:a}":           "(${Fact:a})",
		"$${params:a}":        "${params:a}",
		"${param:}":           "(${param:)}",
		"${param:":            "(${param:)",
		"${param:a":           "(${param:a)",
		"${param: a}":         "(${param:) a}",
		"${param:1}":          "(${param:1)}",
		"${param:-x}":         "(${param:-x)}",
		"${param:ä}":          "(${param:)ä}",
		"${param:${param:a}}": "(${param:)<param a>}",
	} {
		if got := fillWith(text); got != want {
			t.Errorf("%s becomes %s, want %s", text, got, want)
		}
	}
}

func TestPlaceholderSaysWhatIsWrongWithIt(t *testing.T) {
	for text, want := range map[string]string{
		"x ${facts:region}": `the kind is "fact": write "${fact:region}"; for the text itself double the dollar`,
		"x ${fact:region":   `behind "${fact:" should be a name of letters, digits, "-" and "_", which begins with a letter, and "}"; for the text itself double the dollar`,
	} {
		FillPlaceholders(text, []string{"fact"}, func(p Placeholder) string {
			if p.Fault != want || p.Start != 2 {
				t.Errorf("%s: got %q at %d, want %q at 2", text, p.Fault, p.Start, want)
			}
			return ""
		})
	}
}

func TestOnlyWantedKindsArePlaceholders(t *testing.T) {
	got := FillPlaceholders("${param:a} $${param:a} ${fact:a} $${fact:a}", []string{"fact"}, func(p Placeholder) string { return p.Name })
	if want := "${param:a} $${param:a} a ${fact:a}"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if HasPlaceholders("${param:a} $${param:a}", []string{"fact"}) || !HasPlaceholders("$${fact:a}", []string{"fact"}) {
		t.Error("HasPlaceholders is not about the kinds that are asked for")
	}
}

func TestMapTextsChangesOnlyWhatIsDifferent(t *testing.T) {
	root, err := ReadJSON([]byte(`{"a": ["x", {"b": "old"}], "c": {"d": "y"}, "e": 1}`), &Source{})
	if err != nil {
		t.Fatal(err)
	}
	before := string(root.AppendJSON(nil))
	same := MapTexts(root, func(n *Node) string { return n.Text })
	if same != root {
		t.Error("a tree without changes was copied")
	}
	got := MapTexts(root, func(n *Node) string { return strings.Replace(n.Text, "old", "new", 1) })
	if want := `{"a":["x",{"b":"new"}],"c":{"d":"y"},"e":1}`; string(got.AppendJSON(nil)) != want {
		t.Errorf("got %s, want %s", got.AppendJSON(nil), want)
	}
	if got.Member("c") != root.Member("c") || string(root.AppendJSON(nil)) != before {
		t.Error("nodes that stay as they are were copied, or the tree was changed")
	}
	if b := got.Member("a").Items[1].Member("b"); b.Path() != "a[1].b" {
		t.Errorf("the path of the changed value is %s", b.Path())
	}
}

func TestOriginInsideOfABlockScalar(t *testing.T) {
	text := "a: |\n  one\n  two ${fact:x}\nb: c ${fact:x}\n"
	source := &Source{Name: "doc", Text: []byte(text)}
	block := &Node{Kind: String, Text: "one\ntwo ${fact:x}\n", Source: source, Line: 1, Column: 4}
	plain := &Node{Kind: String, Text: "c ${fact:x}", Source: source, Line: 4, Column: 4}
	for _, test := range []struct {
		n    *Node
		want string
	}{{block, "3:7"}, {plain, "4:4"}} {
		at := test.n.OriginIn(test.n.Text, strings.Index(test.n.Text, "$"))
		if got := fmt.Sprintf("%d:%d", at.Line, at.Column); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

func FuzzPlaceholders(f *testing.F) {
	for _, seed := range []string{"", "${param:a}", "$${fact:b}", "$$${param:a}b", "${params:", "${HOME:-x}", "${param:${fact:a}}", "$$$$${Fact:a}}"} {
		f.Add(seed)
	}
	kinds := []string{"param", "fact"}
	f.Fuzz(func(t *testing.T, text string) {
		none := func(p Placeholder) string {
			t.Errorf("%q: a placeholder is left of what was escaped: %+v", text, p)
			return ""
		}
		if got := FillPlaceholders(EscapePlaceholders(text, kinds), kinds, none); got != text {
			t.Errorf("escaping and filling in makes %q of %q", got, text)
		}
		end := 0
		filled := FillPlaceholders(text, kinds, func(p Placeholder) string {
			if p.Start < end || p.End <= p.Start || p.End > len(text) {
				t.Fatalf("%q: placeholder %+v is behind %d", text, p, end)
			}
			if p.Fault == "" && text[p.Start:p.End] != "${"+p.Kind+":"+p.Name+"}" {
				t.Errorf("%q: placeholder %+v is not what is there", text, p)
			}
			end = p.End
			return "${param:never-again}"
		})
		if end == 0 && !strings.Contains(text, "$$") && filled != text {
			t.Errorf("%q without placeholders becomes %q", text, filled)
		}
	})
}
