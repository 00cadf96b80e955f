package lsp

import (
	"io"
	"strings"
	"testing"
)

// apply applies the edits of an action to a text.
func apply(t *testing.T, s string, edits []textEdit) string {
	t.Helper()
	if len(edits) != 1 {
		t.Fatalf("there are %d edits", len(edits))
	}
	text := newText(s, utf16Units)
	return s[:text.offset(edits[0].Range.Start)] + edits[0].NewText + s[text.offset(edits[0].Range.End):]
}

type editOf struct {
	DocumentChanges []struct {
		TextDocument struct {
			URI     string
			Version int
		}
		Edits []textEdit
	}
}

// Each fix makes of its problem no problem: the text is checked again.
func TestQuickFixes(t *testing.T) {
	const spec = `{"ignition": {"version": "3.3.0"}, `
	for name, c := range map[string]struct{ uri, text, from, to string }{
		"nearest key":               {"a.bu", head + "storage:\n  files:\n    - path: /a\n      moed: 0644\n", "moed", "mode"},
		"nearest key of JSON":       {"a.ign", spec + `"storage": {"flies": []}}`, `"flies"`, `"files"`},
		"case of a key of JSON":     {"a.ign", spec + `"storage": {"Files": []}}`, `"Files"`, `"files"`},
		"slash":                     {"a.bu", head + "storage:\n  files:\n    - path: etc/ä\n", "etc/ä", "/etc/ä"},
		"slash in quotes":           {"a.bu", head + "storage:\n  files:\n    - path: 'etc/it''s'\n", "'etc/it''s'", "'/etc/it''s'"},
		"simplest form":             {"a.ign", spec + `"storage": {"files": [{"path": "/a//b\""}]}}`, `"/a//b\""`, `"/a/b\""`},
		"octal mode":                {"a.bu", head + "storage:\n  files:\n    - path: /a\n      mode: 644\n", "644", "0644"},
		"octal mode of JSON":        {"a.ign", spec + `"storage": {"files": [{"path": "/a", "mode": 0644}]}}`, "0644", "420"},
		"mode in decimal digits":    {"a.ign", spec + `"storage": {"files": [{"path": "/a", "mode": 755}]}}`, "755", "493"},
		"partition's label":         {"a.bu", head + "storage:\n  disks:\n    - device: /dev/vda\n      partitions:\n        - label: mydata\n  filesystems:\n    - device: /dev/disk/by-partlabel/mydta\n      format: xfs\n", "/dev/disk/by-partlabel/mydta", "/dev/disk/by-partlabel/mydata"},
		"version that has a key":    {"a.bu", "variant: fcos\nversion: 1.3.0\nkernel_arguments:\n  should_exist: [a]\n", "1.3.0", "1.4.0"},
		"JSON's version with a key": {"a.ign", `{"ignition": {"version": "3.1.0"}, "kernelArguments": {"shouldExist": ["a"]}}`, `"3.1.0"`, `"3.3.0"`},
		"format of a filesystem":    {"a.bu", head + "storage:\n  filesystems:\n    - device: /dev/vda\n      format: 'extt4'\n", "'extt4'", "'ext4'"},
		"variant":                   {"a.bu", "variant: focs\nversion: 1.5.0\n", "focs", "fcos"},
		"level of an array":         {"a.ign", spec + `"storage": {"raid": [{"name": "a", "level": "rait1", "devices": ["/dev/vda"]}]}}`, `"rait1"`, `"raid1"`},
		"version that is final":     {"a.bu", "variant: fcos\nversion: 1.5.0-experimental\n", "1.5.0-experimental", "1.5.0"},
		"version that is not final": {"a.bu", "variant: flatcar\nversion: 1.2.0\n", "1.2.0", "1.2.0-experimental"},
	} {
		t.Run(name, func(t *testing.T) {
			client := start(t, Options{})
			uri := "file:///" + c.uri
			client.open(uri, c.text)
			problems := client.diagnostics(uri, 1)
			if len(problems) == 0 {
				t.Fatal("there is no problem")
			}
			params := codeActionParams{Document: textDocument{uri}, Range: problems[0].Range}
			var actions []struct {
				Title       string
				Kind        string
				Diagnostics []diagnostic
				Edit        editOf
			}
			client.request("textDocument/codeAction", string(encode(params)), &actions)
			if len(actions) != 1 || actions[0].Kind != quickFix || len(actions[0].Diagnostics) != 1 {
				t.Fatalf("got %+v for %+v", actions, problems)
			}
			change := actions[0].Edit.DocumentChanges[0]
			if change.TextDocument.Version != 1 || change.TextDocument.URI != uri {
				t.Errorf("the edit is for %+v", change.TextDocument)
			}
			got, want := apply(t, c.text, change.Edits), strings.Replace(c.text, c.from, c.to, 1)
			if got != want {
				t.Fatalf("got\n%s\nwant\n%s", got, want)
			}
			client.notify("textDocument/didChange", `{"textDocument": {"uri": "`+uri+`", "version": 2}, "contentChanges": [{"text": `+string(encode(got))+`}]}`)
			for _, p := range client.diagnostics(uri, 2) {
				if p.Message == problems[0].Message {
					t.Errorf("there is still %q", p.Message)
				}
			}
		})
	}
}

func TestQuickFixesOfOtherKindsAreNotOffered(t *testing.T) {
	c := start(t, Options{})
	const uri = "file:///a.bu"
	c.open(uri, head+"storage:\n  fils: []\n")
	c.diagnostics(uri, 1)
	for only, want := range map[string]int{`["quickfix"]`: 1, `["refactor"]`: 0, `[]`: 0, `null`: 1, `["quickfix.x"]`: 0} {
		var got []codeAction
		c.request("textDocument/codeAction", `{"textDocument": {"uri": "`+uri+`"}, "range": {"start": {"line": 3, "character": 3}, "end": {"line": 3, "character": 3}}, "context": {"only": `+only+`}}`, &got)
		if len(got) != want {
			t.Errorf("only %s: %+v", only, got)
		}
	}
}

// An editor may ask for fixes of a text that it has just sent.
func TestQuickFixesAreThoseOfTheNewestText(t *testing.T) {
	s := newServer(io.Discard, Options{})
	const uri = "file:///a.bu"
	s.setDocument(uri, "", 1, head+"storage:\n  fils: []\n")
	got, err := s.codeAction(&codeActionParams{Document: textDocument{uri}, Range: Range{Position{3, 3}, Position{3, 3}}})
	if actions, ok := got.([]codeAction); err != nil || !ok || len(actions) != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
}
