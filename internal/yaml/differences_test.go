package yaml

import (
	"strings"
	"testing"
)

// Each difference from yaml.v3 that the comment of the package has. A tree is that of both
// without what is not written here; "refused" is an error.
func TestDifferences(t *testing.T) {
	const refused = "refused"
	for name, c := range map[string]struct{ text, ours, theirs string }{
		"UTF-16":                        {"\xff\xfea\x00:\x00 \x00b\x00", refused, `"a" "b"`},
		"text behind a document":        {"{a: b}\n\"c\"\n", refused, refused},
		"a second document is not read": {"a: b\n---\n\t}", `"a" "b"`, refused},
		"an empty line with a tab":      {"a: [b]\n\t\nc: d", `"a" "3" "b" "c" "d"`, refused},
		"a comment after a tab":         {"a: [b]\n\t# c\nd:", `"a" "3" "b" "d" ""`, refused},
		"tab in an empty line of text":  {"a: b\n\t\nc: d", `"a" "b" "c" "d"`, refused},
		"a line separator":              {"a: b\u2028c: d", refused, `"a" "b" "c" "d"`},
		"a paragraph separator":         {"a: |\n  b\u2029  c\n", "\"a\" \"b\\u2029  c\\n\"", "\"a\" \"b\\u2029c\\n\""},
		"a byte order mark inside":      {"a: b \ufeff\nc: d", "\"a\" \"b \\ufeff\" \"c\" \"d\"", "\"a\" \"b \\ufeff\" \"c\" \"d\""},
		"two byte order marks":          {"\ufeff\ufeffa: b", "\"\\ufeffa\" \"b\"", `"a" "b"`},
		"YAML 1.2":                      {"%YAML 1.2\n---\na: b", `"a" "b"`, refused},
		"two signs":                     {"a: 0b-1\nb: -0o+7", `"a" "0b-1" "b" "-0o+7"`, `"a" "0b-1 -1 true" "b" "-0o+7"`},
		"no key after ?":                {"[?]", refused, refused},
		"an explicit key in a key":      {"[? a]: b", `"3" "2" "a" "" "b"`, refused},
		"deep in both styles":           {strings.Repeat("- ", 6_000) + strings.Repeat("[", 6_000) + strings.Repeat("]", 6_000), refused, strings.TrimSuffix(strings.Repeat(`"3" `, 11_999), " ")},
	} {
		ours, _, err := ourTree(c.text)
		if got := contents(ours); err != nil && c.ours != refused || err == nil && got != c.ours {
			t.Errorf("%s: ours is %.200s, %v", name, got, err)
		}
		theirs, err := theirTree(c.text)
		if got := contents(theirs); err != nil && c.theirs != refused || err == nil && got != c.theirs {
			t.Errorf("%s: theirs is %.200s, %v", name, got, err)
		}
	}
}

// contents are the values of a tree behind its root.
func contents(tree string) string {
	var values []string
	for line := range strings.Lines(tree) {
		_, value, _ := strings.Cut(line, `"`)
		values = append(values, `"`+strings.TrimSpace(value))
	}
	if len(values) == 0 {
		return ""
	}
	return strings.Join(values[1:], " ")
}

func TestDatesAreStrings(t *testing.T) {
	document, err := Read([]byte("2001-01-01"))
	if err != nil || document.Root.ShortTag() != "!!str" {
		t.Errorf("got %v, %v", document, err)
	}
}
