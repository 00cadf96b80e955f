package schemas

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
	"github.com/firstlight-os/firstlight/internal/check"
	"github.com/firstlight-os/firstlight/internal/schema"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

const corpus = "../../config/butane/testdata/corpus/"

func TestMain(m *testing.M) {
	if !isInstalled() {
		if out, err := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "npm ci: %v\n%s", err, out)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// isInstalled reports whether npm has installed what package-lock.json has.
func isInstalled() bool {
	wanted, err := os.Stat("package-lock.json")
	installed, missing := os.Stat("node_modules/.package-lock.json") // the last thing that npm writes
	return err == nil && missing == nil && !installed.ModTime().Before(wanted.ModTime())
}

// A document is one that the editor opens.
type document struct {
	name, text string
	schema     string // the name of its schema: "fcos-1.5.0"
}

func newDocument(name string, text []byte) document {
	d := document{name: name, text: string(text)}
	r := check.Text(text, name, butane.Options{})
	d.schema = strings.Trim(r.Variant+"-"+strings.TrimPrefix(r.Version, "0"), "-")
	return d
}

// edit starts the server with our schemas in the settings, each for the documents of
// its own version, as docs/editors.md says.
func edit(t *testing.T, documents []document) (*client, func(document) string) {
	dir := t.TempDir()
	schemas := object{}
	write := func(name string, text []byte, err error) {
		t.Helper()
		testkit.NoError(t, err)
		testkit.WriteFile(t, filepath.Join(dir, name+".json"), string(text))
		schemas[uri(filepath.Join(dir, name+".json"))] = name + "/*"
	}
	for _, d := range butane.Dialects() {
		text, err := schema.Butane(d)
		write(d.Variant+"-"+d.Version, text, err)
	}
	for _, v := range config.Versions() {
		text, err := schema.Ignition(v)
		write(v.String(), text, err)
	}
	path := func(d document) string { return filepath.Join(dir, d.schema, d.name) }
	var names []string
	for _, d := range documents {
		if schemas[uri(filepath.Join(dir, d.schema+".json"))] == nil {
			t.Fatalf("%s: there is no schema %q", d.name, d.schema)
		}
		names = append(names, path(d))
	}
	settings := object{
		"validate": true, "completion": true, "hover": true, "yamlVersion": "1.1",
		"schemas": schemas, "schemaStore": object{"enable": false},
	}
	return start(t, settings, names), path
}

// oddities are what the schema refuses in documents that Butane accepts, some of them
// with a warning. An editor is right to underline these.
var oddities = map[string][]string{
	// Keys that this version does not have.
	"h71-unused-keys.bu": {
		"12:7 Property mount is not allowed.",
		"16:7 Property discard is not allowed.",
		"20:7 Property ssh_authorized_keys_local is not allowed.",
		"21:1 Property grub is not allowed.",
		"8:9 Property encoding is not allowed.",
	},
	// It came to the spec later.
	"h51-openshift-raw.raw.bu": {"12:1 Property kernel_arguments is not allowed."},
	// The version is written 01.5.0.
	"h95-yaml-scalar-coercion.bu": {"2:10 Value must be \"1.5.0\"."},
	// 0o600 is text in YAML 1.1.
	"h81-mode-warnings.bu": {"7:32 Incorrect type. Expected one of integer, null."},
}

func TestValidDocumentsHaveNoDiagnostics(t *testing.T) {
	var documents []document
	names, err := filepath.Glob(corpus + "*.ign")
	testkit.NoError(t, err)
	for _, ign := range names {
		for _, name := range []string{strings.TrimSuffix(ign, ".ign") + ".bu", ign} {
			text, err := os.ReadFile(name)
			testkit.NoError(t, err)
			if name == ign && text[0] != '{' {
				continue // a MachineConfig
			}
			documents = append(documents, newDocument(filepath.Base(name), text))
		}
	}
	if len(documents) < 120 {
		t.Fatalf("the corpus has only %d documents", len(documents))
	}
	editor, path := edit(t, documents)
	for _, d := range documents {
		editor.open(path(d), d.text)
	}
	for _, d := range documents {
		var got []string
		for _, said := range editor.diagnostics(path(d)) {
			got = append(got, said.String())
		}
		slices.Sort(got)
		if want := oddities[d.name]; !slices.Equal(got, want) {
			t.Errorf("%s, %s:\n%q, want\n%q", d.name, d.schema, got, want)
		}
	}
}

const header = "variant: fcos\nversion: 1.6.0\n"

// Each of these documents has one mistake.
var mistakes = []struct{ name, text, want string }{
	{"a key with a typing error", header + "storage:\n  files:\n    - path: /a\n      mod: 0644\n", "6:7 Property mod is not allowed."},
	{"a mode in quotes", header + "storage:\n  files:\n    - path: /a\n      mode: \"0644\"\n", "6:13 Incorrect type. Expected one of integer, null."},
	{"a mode of too many digits", header + "storage:\n  directories:\n    - path: /a\n      mode: 0100644\n", "6:13 Value is above the maximum of 7777."},
	{"a relative path", header + "storage:\n  links:\n    - path: a\n      target: /b\n", "5:13 String does not match the pattern"},
	{"no path", header + "storage:\n  files:\n    - mode: 0644\n", "5:7 Missing property \"path\"."},
	{"a mapping instead of a list", header + "storage:\n  files:\n    path: /a\n", "5:5 Incorrect type."},
	{"an unknown filesystem", header + "storage:\n  filesystems:\n    - device: /dev/sdb\n      format: zfs\n", "6:15 Value is not accepted. Valid values:"},
	{"a word instead of a boolean", header + "storage:\n  files:\n    - path: /a\n      overwrite: always\n", "6:18 Incorrect type."},
	{"a unit without its type", header + "systemd:\n  units:\n    - name: web\n", "5:13 String does not match the pattern"},
	{"an unknown RAID level", header + "storage:\n  raid:\n    - name: a\n      level: raid7\n      devices: [/dev/sdb]\n", "6:14 Value is not accepted. Valid values:"},
	{"a key of a later version", strings.Replace(header, "1.6", "1.0", 1) + "kernel_arguments:\n  should_exist: [quiet]\n", "3:1 Property kernel_arguments is not allowed."},
	{"a number that is a string", "{\"ignition\": {\"version\": \"3.4.0\"},\n \"passwd\": {\"users\": [{\"name\": \"core\", \"uid\": \"1000\"}]}}", "2:47 Incorrect type. Expected one of integer, null."},
}

func TestMistakesAreUnderlined(t *testing.T) {
	var documents []document
	for i, m := range mistakes {
		documents = append(documents, newDocument(fmt.Sprint(i), []byte(m.text)))
	}
	editor, path := edit(t, documents)
	for i, m := range mistakes {
		editor.open(path(documents[i]), m.text)
		got := editor.diagnostics(path(documents[i]))
		if len(got) != 1 || !strings.HasPrefix(got[0].String(), m.want) {
			t.Errorf("%s: got %s, want %s", m.name, got, m.want)
		}
	}
}

// What is offered where the cursor is, which the text <> marks.
var offers = []struct {
	text string
	want []string
	not  string
}{
	{header + "sto<>\n", []string{"storage"}, "luks"},
	{header + "storage:\n  <>\n", []string{"files", "luks", "trees"}, "systemd"},
	{header + "storage:\n  files:\n    - path: /a\n      <>\n", []string{"mode", "contents", "overwrite"}, "path"},
	{header + "storage:\n  filesystems:\n    - device: /dev/sdb\n      format: <>\n", []string{"ext4", "xfs"}, "zfs"},
	{header + "boot_device:\n  <>\n", []string{"layout", "luks", "mirror"}, "files"},
	{strings.Replace(header, "1.6", "1.0", 1) + "<>\n", []string{"storage"}, "kernel_arguments"},
}

func TestKeysAndValuesAreOffered(t *testing.T) {
	var documents []document
	for i, o := range offers {
		documents = append(documents, newDocument(fmt.Sprint(i), []byte(strings.Replace(o.text, "<>", "", 1))))
	}
	editor, path := edit(t, documents)
	for i, o := range offers {
		editor.open(path(documents[i]), documents[i].text)
		before, _, _ := strings.Cut(o.text, "<>")
		at := position{Line: strings.Count(before, "\n"), Character: len(before) - strings.LastIndex(before, "\n") - 1}
		got := editor.complete(path(documents[i]), at)
		for _, want := range o.want {
			if !slices.Contains(got, want) {
				t.Errorf("%q: %q is not offered, only %q", o.text, want, got)
			}
		}
		if slices.Contains(got, o.not) {
			t.Errorf("%q: %q is offered", o.text, o.not)
		}
	}
}

func TestKeysAreExplained(t *testing.T) {
	d := newDocument("a.bu", []byte(header+"storage:\n  files:\n    - path: /a\n      overwrite: true\n"))
	editor, path := edit(t, []document{d})
	editor.open(path(d), d.text)
	const want = "Overwrite replaces what is at the path"
	if got := editor.hover(path(d), position{Line: 5, Character: 8}); !strings.Contains(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// As docs/editors.md says, a comment names the schema, too.
func TestACommentNamesTheSchema(t *testing.T) {
	dir := t.TempDir()
	dialects := butane.Dialects()
	i := slices.IndexFunc(dialects, func(d butane.Dialect) bool { return d.String() == "fcos 1.6.0" })
	text, err := schema.Butane(dialects[i])
	testkit.NoError(t, err)
	testkit.WriteFile(t, filepath.Join(dir, "butane.schema.json"), string(text))
	name := filepath.Join(dir, "a.bu")
	editor := start(t, object{"validate": true, "schemaStore": object{"enable": false}}, []string{name})
	editor.open(name, "# yaml-language-server: $schema=butane.schema.json\n"+header+"storage: 1\n")
	if got := editor.diagnostics(name); len(got) != 1 || got[0].Range.Start.Line != 3 {
		t.Errorf("got %s", got)
	}
}
