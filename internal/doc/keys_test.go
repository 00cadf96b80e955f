package doc

import "testing"

func TestKeysOfTexts(t *testing.T) {
	for text, want := range map[string]bool{
		"a: 1\nkind: x":        true,
		"\"kind\" : x":         true,
		`{"a": 1, "kind":"x"}`: true,
		"{\n  'kind'\n: x}":    true,
		"a: kind: x":           false,
		"  kind: x":            false,
		"mankind: x":           false,
		"kind":                 false,
		"kinds: x":             false,
	} {
		if got := HasKey(text, "kind"); got != want {
			t.Errorf("%q: got %t, want %t", text, got, want)
		}
	}
	var after []string
	for _, rest := range Keys("a:1\nb:2 a :3", "a", " ") {
		after = append(after, rest)
	}
	if len(after) != 2 || after[0] != "1\nb:2 a :3" || after[1] != "3" {
		t.Errorf("got %q", after)
	}
}
