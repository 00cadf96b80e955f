package doc

import (
	"fmt"
	"testing"
)

func TestFit(t *testing.T) {
	for _, c := range []struct{ name, text, want, newer string }{
		{"all fits", `{"name":"a","inner":{"deep":{}},"left":[{"path":"/a"}]}`, `{"name":"a","inner":{"deep":{}},"left":[{"path":"/a"}]}`, ""},
		{"a newer member", `{"name":"a","note":"b","on":true}`, `{"name":"a","on":true}`, "[note 3.2.0]"},
		{"in an object of a list", `{"name":"a","merge":[{},{"hash":"x"}],"data":{"hash":"x"}}`, `{"name":"a","merge":[{},{}],"data":{"hash":"x"}}`, "[hash 3.1.0]"},
		{"the only one", `{"note":"b"}`, `{}`, "[note 3.2.0]"},
	} {
		n := read(t, c.text)
		newer := ""
		got := Fit(sampleType, n, V3_0, func(m Member, _ *Field, since Version) { newer += fmt.Sprintf("[%s %s]", m.Name, since) })
		if text := string(got.AppendJSON(nil)); text != c.want || newer != c.newer {
			t.Errorf("%s: %s, newer %s", c.name, text, newer)
		}
		if text := string(n.AppendJSON(nil)); text != c.text {
			t.Errorf("%s: the tree is %s now", c.name, text)
		}
		if (got == n) != (c.text == c.want) {
			t.Errorf("%s: a new tree is %t", c.name, got != n)
		}
	}
}

func TestWhatSaysNothing(t *testing.T) {
	for text, want := range map[string]bool{
		`{}`: true, `[]`: true, `{"a":{},"b":[]}`: true, `{"a":{"b":0}}`: false, `[{}]`: false, `""`: false, `false`: false,
	} {
		if got := SaysNothing(read(t, text)); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
}
