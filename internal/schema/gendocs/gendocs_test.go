package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The command is run in internal/schema, its tests are in a directory below.
const configDirectory = "../../../config"

func TestGeneratedFilesAreUpToDate(t *testing.T) {
	for output, path := range map[string]string{
		"descriptions.json": "../descriptions.json",
		"fields.md":         "../../../docs/fields.md",
	} {
		want, err := outputs[output](configDirectory)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s is not what the types and their comments say; run: go generate ./internal/schema", output)
		}
	}
}

func TestRunWritesTheFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "descriptions.json")
	if err := run([]string{name}, configDirectory); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), `"File.mode": `) {
		t.Errorf("the mode of files is not in %s", text)
	}
}

func TestRunRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		args   []string
		config string
		words  string
	}{
		{"no file", nil, configDirectory, "name one file to write"},
		{"two files", []string{"fields.md", "descriptions.json"}, configDirectory, "name one file to write"},
		{"another file", []string{"other.md"}, configDirectory, "descriptions.json or fields.md"},
		{"no types", []string{"descriptions.json"}, t.TempDir(), "types.go: no such file"},
		{"no directory to write to", []string{filepath.Join(t.TempDir(), "no", "fields.md")}, configDirectory, "no such file"},
	} {
		if err := run(c.args, c.config); err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: the error is %v, it should have %q", c.name, err, c.words)
		}
	}
}

// writeTypes makes a directory of package config.
func writeTypes(t *testing.T, types, sugar string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "butane"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"types.go": "package config\n" + types, "butane/schema.go": "package butane\n" + sugar} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestDescriptionsAreTheComments(t *testing.T) {
	dir := writeTypes(t, `
// A Disk of
// the machine.
//
// Programmers see more.
type Disk struct {
	Object
	// WipeTable is an alternative to Label <1>, with a GUID.
	WipeTable *bool `+"`json:\"wipeTable\" spec:\"since=3.1.0\"`"+`
	Label *string `+"`json:\"label\"`"+`
	// GUID after all. See WipeTable.
	GUID *string `+"`json:\"guid\"`"+`
}

// Other is no object.
type Other struct {
	WipeTable bool
}

type Number int
`, `
// diskSugar adds.
type diskSugar struct {
	tree.Object
	// Local file.
	Local *string `+"`json:\"local\"`"+`
}
`)
	text, err := descriptions(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]string
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"Disk":           "A Disk of the machine.",
		"Disk.wipeTable": "wipeTable is an alternative to Label <1>, with a GUID.",
		"Disk.label":     "",
		"Disk.guid":      "GUID after all. See wipeTable.",
		"sugar.local":    "Local file.",
	}
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s is %q, expected %q", name, got[name], want[name])
		}
	}
	if len(got) != len(want) {
		t.Errorf("there is more than expected: %q", got)
	}
}

func TestDescriptionsHaveOneMeaning(t *testing.T) {
	member := func(typ, comment string) string {
		return "type " + typ + " struct {\n\ttree.Object\n\t// " + comment + "\n\tLocal *string `json:\"local\"`\n}\n"
	}
	if _, err := descriptions(writeTypes(t, "", member("aSugar", "Same.")+member("bSugar", "Same."))); err != nil {
		t.Errorf("the same comment twice: %v", err)
	}
	_, err := descriptions(writeTypes(t, "", member("aSugar", "One.")+member("bSugar", "Another.")))
	if err == nil || !strings.Contains(err.Error(), "sugar.local has two meanings") {
		t.Errorf("two comments: the error is %v", err)
	}
}

func TestFieldsSayWhatIsKnown(t *testing.T) {
	text, err := outputs["fields.md"](configDirectory)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"a version of Butane":        "| 3.4.0 | 1.5.0 | 1.1.0 | 1.1.0 | 1.0.0 | 4.14.0,",
		"paths":                      "- `storage.luks[].keyFile`, in Butane `storage.luks[].key_file`\n",
		"a path of Butane":           "- `boot_device.luks` in Butane\n",
		"both names":                 "| `wipeTable` | `wipe_table` | boolean | 3.0.0 |  | wipeTable makes",
		"a member of a later spec":   "| `mountOptions` | `mount_options` | list of strings | 3.1.0 |",
		"a required member":          "| `path` | `path` | string | 3.0.0 | yes |",
		"one of two":                 "| `number` | `number` | integer | 3.0.0 | one of these |",
		"no name in Butane":          "| `version` |  | string | 3.0.0 | yes |",
		"sugar of all variants":      "|  | `local` | string | fcos 1.1.0 |  |",
		"sugar of three variants":    "|  | `boot_device` | [BootDevice](#bootdevice) | fcos 1.3.0, openshift 4.8.0, firstlight 1.0.0 |",
		"sugar of one variant":       "|  | `labels` | strings by name | openshift 4.8.0 | yes |",
		"words":                      "One of: `ext4`, `btrfs`,",
		"a link to a list's objects": "| list of [Partition](#partition) |",
		"the meaning of an object":   "| `contents` | `contents` | [Resource](#resource) | 3.0.0 |  | Contents of the file.",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s: there is no %q", name, want)
		}
	}
	if strings.Contains(string(text), "## Reference\n") {
		t.Error("the oldest version's form of a resource has a section of its own")
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "|") && strings.HasSuffix(line, "|  |\n") && !strings.HasPrefix(line, "| 3.") {
			t.Errorf("there is no meaning in %s", line)
		}
	}
}
