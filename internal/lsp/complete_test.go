package lsp

import (
	"slices"
	"strings"
	"testing"
)

// The cursor is at ‸. Each item that is wanted is the text that is written.
func TestCompletion(t *testing.T) {
	const head = "variant: fcos\nversion: 1.5.0\n"
	for name, c := range map[string]struct {
		uri, text string
		want      []string // among others, in this order
		not       []string
	}{
		"an empty Butane document":     {"file:///a.bu", "‸", []string{"variant: ", "version: ", "ignition:", "storage:"}, []string{"metadata:"}},
		"variants":                     {"file:///a.bu", "variant: ‸", []string{"fcos", "flatcar", "openshift"}, nil},
		"versions":                     {"file:///a.bu", "variant: flatcar\nversion: ‸", []string{"1.1.0", "1.0.0", "1.2.0-experimental"}, []string{"1.5.0"}},
		"half a key":                   {"file:///a.bu", head + "storage:\n  files:\n    - path: /a\n      mo‸\n", []string{"contents:", "mode: "}, []string{"path: "}},
		"half a key between others":    {"file:///a.bu", head + "storage:\n  files:\n    - path: /a\n      mo‸\n      overwrite: true\n", []string{"mode: "}, []string{"overwrite: "}},
		"the first key of an item":     {"file:///a.bu", head + "storage:\n  files:\n    - ‸\n", []string{"path: "}, []string{"- path: "}},
		"the first key before others":  {"file:///a.bu", head + "storage:\n  files:\n    - pa‸\n      mode: 0644\n", []string{"path: "}, []string{"mode: "}},
		"a list that is to begin":      {"file:///a.bu", head + "storage:\n  files:\n    ‸\n  disks:\n", []string{"- path: "}, nil},
		"an object that is to begin":   {"file:///a.bu", head + "storage:\n  ‸\n", []string{"directories:", "files:", "trees:"}, []string{"storage:"}},
		"a line that is not indented":  {"file:///a.bu", head + "storage:\n  files:\n    - path: /a\n‸\n", []string{"systemd:"}, []string{"storage:", "mode: "}},
		"a key that has a colon":       {"file:///a.bu", head + "storage:\n  files:\n    - pa‸th: /a\n", []string{"path"}, nil},
		"keys of the version only":     {"file:///a.bu", "variant: fcos\nversion: 1.4.0\nsystemd:\n  units:\n    - ‸", []string{"name: "}, []string{"contents_local: "}},
		"keys of the variant":          {"file:///a.bu", "variant: openshift\nversion: 4.14.0\n‸", []string{"metadata:"}, nil},
		"values":                       {"file:///a.bu", head + "storage:\n  filesystems:\n    - format: ‸\n      device: /a", []string{"ext4", "xfs"}, []string{"virtiofs"}},
		"half a value in quotes":       {"file:///a.bu", head + "storage:\n  filesystems:\n    - format: \"x‸", []string{`"xfs"`}, nil},
		"booleans":                     {"file:///a.bu", head + "storage:\n  files:\n    - overwrite: t‸", []string{"true", "false"}, nil},
		"brackets in a block":          {"file:///a.bu", head + "storage: {files: [{path: /a, ‸", []string{"mode: "}, []string{"path: "}},
		"brackets before other lines":  {"file:///a.bu", head + "storage: {fi‸\nsystemd:\n  units: []\n", []string{"files: "}, nil},
		"below a quote without an end": {"file:///a.bu", head + "storage:\n  files:\n    - path: \"/a\n      ‸\n", []string{"mode: "}, nil},
		"devices that are made":        {"file:///a.bu", head + "storage:\n  disks:\n    - partitions:\n        - label: my data\n  raid:\n    - name: md\n      devices: [‸\n  luks:\n    - name: secret\n", []string{`/dev/disk/by-partlabel/my\x20data`, "/dev/md/md", "/dev/mapper/secret"}, nil},
		"properties of disks":          {"file:///a.bu", "variant: firstlight\nversion: 1.0.0\nstorage:\n  disks:\n    - as: a\n      match:\n        serial: S\n        ‸\n", []string{"wwn: ", "model: ", "size: "}, []string{"serial: "}},
		"ways to pick a disk":          {"file:///a.bu", "variant: firstlight\nversion: 1.0.0\nstorage:\n  disks:\n    - pick: ‸\n", []string{"only", "smallest", "largest", "all"}, nil},
		"no extensions in others":      {"file:///a.bu", head + "storage:\n  disks:\n    - device: /a\n      ‸\n", []string{"partitions:"}, []string{"match:", "as: "}},
		"disks that are chosen":        {"file:///a.bu", "variant: firstlight\nversion: 1.0.0\nstorage:\n  disks:\n    - as: data\n    - as: spare\n      pick: all\n  filesystems:\n    - device: ‸\n", []string{"/dev/firstlight/data", "/dev/firstlight/spare1"}, []string{"/dev/firstlight/spare"}},
		"in the contents of a unit":    {"file:///a.bu", head + "systemd:\n  units:\n    - name: a.service\n      contents: |\n        [Unit]\n        ‸\n", nil, []string{"name: ", "enabled: "}},
		"in a comment":                 {"file:///a.bu", head + "storage: # ‸", nil, []string{"files:"}},
		"a mapping on its key's line":  {"file:///a.bu", head + "storage: ‸", nil, []string{"files:", "disks:"}},

		"a JSON document":            {"file:///a.ign", `{‸}`, []string{`"ignition": `, `"storage": `}, nil},
		"JSON's version":             {"file:///a.ign", `{"ignition": {"version": "‸"}}`, []string{`"3.6.0"`, `"3.0.0"`, `"3.7.0-experimental"`}, nil},
		"JSON's extended version":    {"file:///a.ign", `{"ignition": {"version": "‸"}}`, []string{`"3.6.0"`, `"3.6.0+firstlight.1"`}, nil},
		"subvolumes":                 {"file:///a.bu", "variant: firstlight\nversion: 1.0.0\nstorage:\n  filesystems:\n    - device: /a\n      subvolumes:\n        - name: a\n          ‸\n", []string{"path: ", "mount_options:", "nocow: ", "default: ", "with_mount_unit: "}, []string{"name: "}},
		"extensions of JSON":         {"file:///a.ign", `{"ignition": {"version": "3.6.0+firstlight.1"}, "firstlight": {"disks": [{‸}]}}`, []string{`"as": `, `"match": `, `"pick": `}, nil},
		"no extensions in plain":     {"file:///a.ign", `{"ignition": {"version": "3.6.0"}, ‸}`, []string{`"storage": `}, []string{`"firstlight": `}},
		"disks that JSON chooses":    {"file:///a.ign", `{"ignition": {"version": "3.6.0+firstlight.1"}, "firstlight": {"disks": [{"as": "data"}]}, "storage": {"filesystems": [{"device": ‸}]}}`, []string{`"/dev/firstlight/data"`}, nil},
		"JSON that is not closed":    {"file:///a.ign", `{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/a", "mo‸`, []string{`"mode": `}, []string{`"path": `}},
		"half a key of JSON":         {"file:///a.ign", "{\"ignition\": {\"version\": \"3.4.0\"}, \"storage\": {\"files\": [{\"mo‸\n\"path\": \"/a\"}]}}", []string{`"mode": `}, []string{`"path": `}},
		"a key of JSON with a colon": {"file:///a.ign", `{"ignition": {"version": "3.4.0"}, "stor‸": {}}`, []string{`"storage"`}, nil},
		"values of JSON":             {"file:///a.ign", `{"ignition": {"version": "3.4.0"}, "storage": {"raid": [{"level": ‸}]}}`, []string{`"raid1"`, `"1"`}, nil},
		"booleans of JSON":           {"file:///a.ign", `{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"overwrite": ‸}]}}`, []string{`true`}, []string{`"true"`}},
	} {
		t.Run(name, func(t *testing.T) {
			client := start(t, Options{})
			p := client.open(c.uri, c.text)
			var got struct{ Items []completionItem }
			client.request("textDocument/completion", at(c.uri, p), &got)
			var texts []string
			for _, item := range got.Items {
				texts = append(texts, item.TextEdit.NewText)
			}
			last := -1
			for _, want := range c.want {
				if i := slices.Index(texts, want); i <= last {
					t.Errorf("%q is not there, or in another order, in %q", want, texts)
				} else {
					last = i
				}
			}
			for _, not := range c.not {
				if slices.Contains(texts, not) {
					t.Errorf("%q is in %q", not, texts)
				}
			}
		})
	}
}

func TestCompletionReplacesWhatIsTyped(t *testing.T) {
	c := start(t, Options{})
	const uri = "file:///a.bu"
	p := c.open(uri, "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /ä\n      mo‸de: 0644\n")
	var got struct{ Items []completionItem }
	c.request("textDocument/completion", at(uri, p), &got)
	i := slices.IndexFunc(got.Items, func(i completionItem) bool { return i.Label == "mode" })
	if i < 0 {
		t.Fatalf("mode is not in %v", got.Items)
	}
	item := got.Items[i]
	if want := (Range{Position{5, 6}, Position{5, 10}}); item.TextEdit.Range != want || item.Detail != "integer" || item.FilterText != "mode" {
		t.Errorf("got %+v, want the range %v", item, want)
	}
	if item.Documentation == nil || !strings.Contains(item.Documentation.Value, "permissions") || !strings.Contains(item.Documentation.Value, "Since 1.0.0") {
		t.Errorf("the documentation is %+v", item.Documentation)
	}
}
