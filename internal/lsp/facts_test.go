package lsp

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/firstlight-os/firstlight/config"
)

func TestFactsAreCompleted(t *testing.T) {
	const files = "storage:\n  files:\n    - path: "
	var all, open []string
	for _, name := range config.FactNames() {
		all, open = append(all, name+"}"), append(open, name)
	}
	for name, c := range map[string]struct {
		file, text string
		want       []string // nil if there are others than facts
	}{
		"behind the colon":   {"a.bu", firstlightHead + "facts: true\n" + files + "/${fact:‸\n", all},
		"half a name":        {"a.bu", firstlightHead + "facts: true\n" + files + "/${fact:host‸}\n", open},
		"in JSON":            {"a.ign", `{"ignition": {"version": "3.6.0+firstlight.1"}, "firstlight": {"facts": true}, "storage": {"files": [{"path": "/${fact:‸"}]}}`, all},
		"escaped":            {"a.bu", firstlightHead + "facts: true\n" + files + "/$${fact:‸\n", nil},
		"not allowed":        {"a.bu", firstlightHead + files + "/${fact:‸\n", nil},
		"in another variant": {"a.bu", "variant: fcos\nversion: 1.7.0\nfacts: true\n" + files + "/${fact:‸\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			client := start(t, Options{})
			uri := uriOf(filepath.Join(t.TempDir(), c.file))
			p := client.open(uri, c.text)
			var got struct{ Items []completionItem }
			client.request("textDocument/completion", at(uri, p), &got)
			var texts []string
			for _, item := range got.Items {
				texts = append(texts, item.TextEdit.NewText)
			}
			if c.want == nil && slices.Equal(texts, all) || c.want != nil && !slices.Equal(texts, c.want) {
				t.Errorf("got %q, want %q", texts, c.want)
			}
			if c.want != nil && got.Items[0].Documentation.Value == "" {
				t.Error("nothing explains the fact")
			}
		})
	}
}
