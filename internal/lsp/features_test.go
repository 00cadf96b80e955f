package lsp

import (
	"strings"
	"testing"
)

const head = "variant: fcos\nversion: 1.5.0\n"

func TestHoverExplainsAKey(t *testing.T) {
	for name, c := range map[string]struct {
		uri, text string
		want      []string // parts; none if there is nothing to say
		at        string   // the text of the range
	}{
		"key":              {"file:///a.bu", head + "storage:\n  files:\n    - path: /a\n      mo‸de: 0644", []string{"**mode** (integer)", "permissions", "Since 1.0.0"}, "mode"},
		"value":            {"file:///a.bu", head + "storage:\n  filesystems:\n    - format: x‸fs", []string{"**format** (string)", "One of: `ext4`"}, "xfs"},
		"required":         {"file:///a.bu", head + "storage:\n  files:\n    - pa‸th: /a", []string{"**path** (string, required)"}, "path"},
		"object":           {"file:///a.bu", head + "st‸orage:\n", []string{"**storage** (Storage)"}, "storage"},
		"Butane only":      {"file:///a.bu", head + "systemd:\n  units:\n    - contents_local‸: x", []string{"Since 1.5.0"}, "contents_local"},
		"JSON":             {"file:///a.ign", `{"ignition": {"version": "3.4.0"}, "kernelArg‸uments": {}}`, []string{"**kernelArguments** (KernelArguments)", "Since 3.3.0"}, `"kernelArguments"`},
		"broken":           {"file:///a.ign", `{"ignition": {"version": "3.4.0"}, "stor‸age": {"files": [`, []string{"**storage**"}, `"storage"`},
		"unknown key":      {"file:///a.bu", head + "stor‸ag: 1\n", []string{"**key-unknown**"}, "storag"},
		"contents of unit": {"file:///a.bu", head + "systemd:\n  units:\n    - contents: |\n        [Un‸it]\n", nil, ""},
		"list, no config":  {"file:///a.bu", "- ‸a\n", nil, ""},
		"JSON list":        {"file:///a.ign", "[‸1]", []string{"**document-kind**"}, "["},
		"nothing":          {"file:///a.bu", head + "\n‸\n\n", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			client := start(t, Options{})
			p := client.open(c.uri, c.text)
			client.diagnostics(c.uri, 1)
			var got *struct {
				Contents markdown
				Range    Range
			}
			client.request("textDocument/hover", at(c.uri, p), &got)
			if got == nil {
				if c.want != nil {
					t.Error("there is nothing")
				}
				return
			}
			for _, want := range c.want {
				if !strings.Contains(got.Contents.Value, want) {
					t.Errorf("%q is not in %q", want, got.Contents.Value)
				}
			}
			text := newText(strings.Replace(c.text, "‸", "", 1), utf16Units)
			if in := text.string[text.offset(got.Range.Start):text.offset(got.Range.End)]; in != c.at || c.want == nil {
				t.Errorf("it is about %q: %q", in, got.Contents.Value)
			}
		})
	}
}

func TestHoverExplainsProblems(t *testing.T) {
	c := start(t, Options{})
	const uri = "file:///a.bu"
	p := c.open(uri, head+"storage:\n  files:\n    - path: e‸tc/motd\n")
	found := c.diagnostics(uri, 1)
	if len(found) != 1 || found[0].Code != "path-relative" || found[0].CodeDescription == nil || !strings.HasSuffix(found[0].CodeDescription.Href, "docs/rules.md#path-relative") {
		t.Fatalf("got %+v", found)
	}
	var got struct{ Contents markdown }
	c.request("textDocument/hover", at(uri, p), &got)
	for _, want := range []string{"**path** (string, required)", "**path-relative**: "} {
		if !strings.Contains(got.Contents.Value, want) {
			t.Errorf("%q is not in %q", want, got.Contents.Value)
		}
	}
}

func TestDefinition(t *testing.T) {
	const devices = head + `storage:
  disks:
    - device: /dev/vda
      partitions:
        - label: my data
        - guid: 0FC63DAF-8483-4772-8E79-3D69D8477DE4
  raid:
    - name: md-data
      level: raid1
      devices: [/dev/vdb, /dev/vdc]
  luks:
    - name: secret
      device: /dev/md/md-data
  filesystems:
    - device: DEVICE‸
      format: xfs
`
	const units = head + `systemd:
  units:
    - name: a.service
      contents: |
        [Unit]
        After=b.service x.target
    - name: b.service
      contents: |
        [Service]
    - name: c.service
      enabled: true
`
	const chosen = "variant: firstlight\nversion: 1.0.0\nstorage:\n  disks:\n    - as: data\n    - as: spare\n      pick: all\n  filesystems:\n"
	mark := func(text, at string) string {
		if !strings.Contains(text, at) {
			t.Fatalf("%q is not in the text", at)
		}
		return strings.Replace(text, at, at[:1]+"‸"+at[1:], 1)
	}
	device := func(path string) string { return strings.Replace(devices, "DEVICE", path, 1) }
	for name, c := range map[string]struct {
		uri, text string
		want      string // the line, without white space, or the URI of another file
	}{
		"partition by label":        {"file:///d/a.bu", device(`/dev/disk/by-partlabel/my\x20data`), "- label: my data"},
		"partition by GUID":         {"file:///d/a.bu", device(`/dev/disk/by-partuuid/0fc63daf-8483-4772-8e79-3d69d8477de4`), "- guid: 0FC63DAF-8483-4772-8E79-3D69D8477DE4"},
		"array":                     {"file:///d/a.bu", device("/dev/md/md-data"), "- name: md-data"},
		"LUKS volume":               {"file:///d/a.bu", device("/dev/mapper/secret"), "- name: secret"},
		"LUKS volume by id":         {"file:///d/a.bu", device("/dev/disk/by-id/dm-name-secret"), "- name: secret"},
		"chosen disk":               {"file:///d/a.bu", chosen + "    - device: /dev/firstlight/da‸ta\n", "- as: data"},
		"one of all chosen disks":   {"file:///d/a.bu", chosen + "    - device: /dev/firstlight/spare‸12\n", "- as: spare"},
		"all chosen disks":          {"file:///d/a.bu", chosen + "    - device: /dev/firstlight/data‸1\n", ""},
		"chosen disk of JSON":       {"file:///d/a.ign", "{\"ignition\": {\"version\": \"3.6.0+firstlight.1\"}, \"firstlight\": {\"disks\": [\n{\"as\": \"data\"}]},\n\"storage\": {\"filesystems\": [{\"device\": \"/dev/firstlight/da‸ta\"}]}}", `{"as": "data"}]},`},
		"device that is not made":   {"file:///d/a.bu", device("/dev/mapper/other"), ""},
		"unit's name":               {"file:///d/a.bu", mark(units, "a.service"), "contents: |"},
		"unit in a unit":            {"file:///d/a.bu", strings.Replace(units, "After=b.ser", "After=b.ser‸", 1), "contents: |"},
		"unit that is not there":    {"file:///d/a.bu", mark(units, "x.target"), ""},
		"unit without contents":     {"file:///d/a.bu", mark(units, "c.service"), ""},
		"unit in JSON":              {"file:///d/a.ign", "{\"ignition\": {\"version\": \"3.4.0\"}, \"systemd\": {\"units\": [{\"name\": \"a.service\", \"contents\": \"[Unit]\\nWants=b.s‸ervice\\n\"},\n{\"name\": \"b.service\",\n\"contents\": \"\"}]}}", `"contents": ""}]}}`},
		"local file":                {"file:///d/a.bu", head + "storage:\n  files:\n    - path: /a\n      contents:\n        local: sub/x‸ y\n", "file:///d/sub/x%20y"},
		"unit's local file":         {"file:///d/a.bu", head + "systemd:\n  units:\n    - name: a.service\n      contents_local: a‸.service\n", "file:///d/a.service"},
		"keys' local file":          {"file:///d/a.bu", head + "passwd:\n  users:\n    - name: core\n      ssh_authorized_keys_local: [k‸ey]\n", "file:///d/key"},
		"local file outside":        {"file:///d/a.bu", head + "systemd:\n  units:\n    - name: a.service\n      contents_local: ../../a‸.service\n", ""},
		"local file of no file":     {"untitled:a.bu", head + "systemd:\n  units:\n    - name: a.service\n      contents_local: a‸.service\n", ""},
		"user":                      {"file:///d/a.bu", head + "passwd:\n  users:\n    - name: me\nstorage:\n  files:\n    - path: /a\n      user:\n        name: m‸e\n", "- name: me"},
		"anchor":                    {"file:///d/a.bu", head + "storage:\n  files:\n    - &one\n      path: /a\n    - *o‸ne\n", "- &one"},
		"device in a mount unit":    {"file:///d/a.bu", strings.Replace(device("/dev/x"), "‸", "", 1) + "systemd:\n  units:\n    - name: a.mount\n      contents: |\n        [Mount]\n        What=/dev/mapper/sec‸ret\n", "- name: secret"},
		"text that is broken below": {"file:///d/a.bu", device("/dev/md/md-data") + "  [{\n", "- name: md-data"},
	} {
		t.Run(name, func(t *testing.T) {
			client := start(t, Options{})
			p := client.open(c.uri, c.text)
			var got []location
			client.request("textDocument/definition", at(c.uri, p), &got)
			place := ""
			for _, l := range got {
				text := newText(strings.Replace(c.text, "‸", "", 1), utf16Units)
				place = strings.TrimSpace(string(text.Line(l.Range.Start.Line + 1)))
				if l.URI != c.uri {
					place = l.URI
				}
			}
			if place != c.want || len(got) > 1 {
				t.Errorf("got %q in %v, want %q", place, got, c.want)
			}
		})
	}
}

func TestLocalFilesAreWhereTheClientSays(t *testing.T) {
	c := newClient(t, Options{FilesDir: "/elsewhere"})
	c.request("initialize", `{"rootUri": "file:///work/space", "initializationOptions": {"filesDir": "files"}, "capabilities": {}}`, nil)
	const uri = "file:///work/space/configs/a.bu"
	p := c.open(uri, head+"systemd:\n  units:\n    - name: a.service\n      contents_local: a‸.service\n")
	var got []location
	if c.request("textDocument/definition", at(uri, p), &got); len(got) != 1 || got[0].URI != "file:///work/space/files/a.service" {
		t.Errorf("got %v", got)
	}
}

func TestSymbols(t *testing.T) {
	c := start(t, Options{})
	const uri = "file:///a.bu"
	c.open(uri, head+"storage:\n  files:\n    - mode: 0644\n      path: /a\n    - path: /b\nsystemd:\n  units:\n    - name: a.service\n      dropins:\n        - name: b.conf\n")
	var got []symbol
	c.request("textDocument/documentSymbol", `{"textDocument": {"uri": "`+uri+`"}}`, &got)
	var names func([]symbol) string
	names = func(all []symbol) string {
		var list []string
		for _, s := range all {
			if s.Range.Start.Line > s.SelectionRange.Start.Line || s.Range.End.Line < s.SelectionRange.End.Line {
				t.Errorf("%s is selected at %v, outside of %v", s.Name, s.SelectionRange, s.Range)
			}
			list = append(list, s.Name+names(s.Children))
		}
		if list == nil {
			return ""
		}
		return "(" + strings.Join(list, " ") + ")"
	}
	if want := "(storage(files(/a /b)) systemd(units(a.service(dropins(b.conf)))))"; names(got) != want {
		t.Errorf("got  %s\nwant %s", names(got), want)
	}
}
