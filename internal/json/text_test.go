package json

import (
	std "encoding/json"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	const doc = ` {"a": "x", "n": 3599, "b": {"a": "y", "deep": {"a": [1, {"a": "no"}], "t": "\u00e9\ud83d\ude00\n\/\"\\"}}, "l": [ ], "z": null, "t": true , "a2":"end"} `
	for path, want := range map[string]string{
		"a": "x", "n": "3599", "b a": "y", "b deep t": "é😀\n/\"\\", "b deep a": "", "z": "", "t": "true", "a2": "end",
		"b": "", "none": "", "a a": "", "l": "",
	} {
		if got := Text([]byte(doc), strings.Fields(path)...); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

func TestWhatIsNoJSONHasNoText(t *testing.T) {
	for _, doc := range []string{"", "x", "<html>", "{", `{"a"`, `{"a":`, `{"a" "b"}`, `{"a":"b`, `{"a":"\`, `{"a":"\u12`, `{"a":"\uzzzz"}`, `{,"a":"b"}`,
		strings.Repeat("[", 1<<20), strings.Repeat(`{"x":`, 1<<18)} {
		if got := Text([]byte(doc), "a"); got != "" {
			t.Errorf("%.20q: got %q", doc, got)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add([]byte(`{"access_token":"x","expires_in":"3599"}`), "access_token")
	f.Add([]byte(`{"error":{"code":403,"message":"no \u00e9\ud83d\ude00"}}`), "error")
	f.Add([]byte(`[{"a":1},{"b":[2]}]`), "a")
	f.Fuzz(func(t *testing.T, doc []byte, name string) {
		got := Text(doc, name)
		var reference map[string]any
		// Where the standard library sees a string or a number, we do. It folds
		// names and replaces what is no UTF-8; tokens have neither.
		if std.Unmarshal(doc, &reference) != nil || !utf8.Valid(doc) || strings.Count(string(doc), strconv.Quote(name)) != 1 || strings.Contains(string(doc), `\`) {
			return
		}
		want, ok := reference[name].(string)
		if ok && got != want {
			t.Fatalf("%s: %q is %q, want %q", doc, name, got, want)
		}
	})
}
