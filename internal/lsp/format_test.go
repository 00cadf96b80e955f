package lsp

import (
	"strings"
	"testing"
)

func TestFormattingChangesOnlyWhatIsDifferent(t *testing.T) {
	for name, c := range map[string]struct{ uri, text, want, before string }{
		"Butane":    {"file:///a.bu", head + "storage:\n    files:\n        -   path: /ä\n# x\n", head + "storage:\n  files:\n    - path: /ä\n# x\n", "    files:\n        -   path: /ä\n"},
		"JSON":      {"file:///a.ign", "{\n  \"ignition\": {\"version\":   \"3.4.0\"}\n}\n", "{\n  \"ignition\": {\n    \"version\": \"3.4.0\"\n  }\n}\n", "  \"ignition\": {\"version\":   \"3.4.0\"}\n"},
		"last line": {"file:///a.bu", head + "storage: {}", head + "storage: {}\n", "storage: {}"},
		"nothing":   {"file:///a.bu", head, head, ""},
	} {
		t.Run(name, func(t *testing.T) {
			client := start(t, Options{})
			client.open(c.uri, c.text)
			var edits []textEdit
			client.request("textDocument/formatting", `{"textDocument": {"uri": "`+c.uri+`"}, "options": {"tabSize": 4}}`, &edits)
			if c.before == "" {
				if edits == nil || len(edits) > 0 {
					t.Errorf("got %+v", edits)
				}
				return
			}
			if got := apply(t, c.text, edits); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			text := newText(c.text, utf16Units)
			if got := text.string[text.offset(edits[0].Range.Start):text.offset(edits[0].Range.End)]; got != c.before {
				t.Errorf("%q is replaced, want %q", got, c.before)
			}
		})
	}
}

func TestFormattingSaysWhyItIsNotPossible(t *testing.T) {
	c := start(t, Options{})
	c.open("file:///a.bu", head+"storage: [\n")
	r := c.ask("textDocument/formatting", `{"textDocument": {"uri": "file:///a.bu"}}`)
	if r.Error == nil || r.Error.Code != codeRequestFailed || !strings.Contains(r.Error.Message, "the config cannot be formatted: a.bu, line 3") {
		t.Errorf("got %+v", r.Error)
	}
}
