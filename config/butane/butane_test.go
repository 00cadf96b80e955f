package butane

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
)

// A rule is a row of a table: what a document is told.
type rule struct {
	name string
	// dialects is like "fcos 1.5.0", or several of that, separated by commas.
	dialects string
	// text is a document without variant and version.
	text string
	// want has "E PATH WORDS" or "W PATH WORDS" for each problem, in any order.
	// The words are a part of the message.
	want []string
}

func testRules(t *testing.T, o Options, rules []rule) {
	t.Helper()
	for _, r := range rules {
		for dialect := range strings.SplitSeq(r.dialects, ",") {
			t.Run(r.name+" in "+dialect, func(t *testing.T) {
				_, problems, err := Translate(document(dialect, r.text), "test", o)
				if err != nil && !problems.HasErrors() {
					t.Fatal(err)
				}
				checkProblems(t, problems, r.want)
			})
		}
	}
}

func checkProblems(t *testing.T, problems config.Problems, want []string) {
	t.Helper()
	rest := append(config.Problems(nil), problems...)
	for _, w := range want {
		severity, w, _ := strings.Cut(w, " ")
		path, words, _ := strings.Cut(w, " ")
		found := false
		for i, p := range rest {
			if strings.ToUpper(p.Severity.String()[:1]) == severity && (p.Origin.Path == path || path == "." && p.Origin.Path == "") && strings.Contains(p.Message, words) {
				rest = append(rest[:i], rest[i+1:]...)
				found = true
				break
			}
		}
		if !found {
			t.Errorf("missing %q in\n%s", w, problems)
		}
	}
	for _, p := range rest {
		t.Errorf("unexpected %s", p)
	}
}

// document is a text of a dialect such as "fcos 1.5.0".
func document(dialect, text string) []byte {
	variant, version, _ := strings.Cut(strings.TrimSpace(dialect), " ")
	more := ""
	if variant == openshift && !strings.Contains(text, "metadata:") {
		more = "metadata: {name: n, labels: {machineconfiguration.openshift.io/role: worker}}\n"
	}
	return []byte("variant: " + variant + "\nversion: " + version + "\n" + more + text)
}

// translated is the result of a document that has no problems.
func translated(t *testing.T, dialect, text string, o Options) map[string]any {
	t.Helper()
	result, problems, err := Translate(document(dialect, text), "test", o)
	if err != nil || len(problems) > 0 {
		t.Fatalf("%v\n%s", err, problems)
	}
	var value map[string]any
	if err := json.Unmarshal(result.JSON, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// dig is a value inside of others; its way is like storage.files.0.mode.
func dig(value any, way string) any {
	for step := range strings.SplitSeq(way, ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[step]
		case []any:
			i := int(step[0] - '0')
			if i >= len(v) {
				return nil
			}
			value = v[i]
		default:
			return nil
		}
	}
	return value
}

func TestDocumentsThatAreNotButane(t *testing.T) {
	const all = "fcos, flatcar, r4e, fiot, openshift"
	for name, c := range map[string]struct{ text, want string }{
		"comments only":            {"# nothing\n", "test, line 1, column 1: the text has nothing in it"},
		"a list":                   {"- a\n", "test, line 1, column 1: a Butane config is a mapping, with keys such as variant, version and storage; this is a list"},
		"a word":                   {"hello\n", "this is a string"},
		"no variant":               {"version: 1.5.0\n", "test, line 1, column 1: there is no variant; it should be one of " + all},
		"empty variant":            {"variant: ''\nversion: 1.5.0\n", "there is no variant"},
		"variant is null":          {"variant: ~\nversion: 1.5.0\n", "there is no variant"},
		"variant is a list":        {"variant: [fcos]\nversion: 1.5.0\n", "test, line 1, column 10: variant is a list, a string is expected"},
		"unknown variant":          {"variant: debian\nversion: 1.5.0\n", `test, line 1, column 10: the variant "debian" is unknown; it should be one of ` + all},
		"variant in capitals":      {"variant: FCOS\nversion: 1.5.0\n", `the variant "FCOS" is unknown`},
		"removed variant":          {"variant: rhcos\nversion: 0.1.0\n", "the variant rhcos was removed; use the variant openshift"},
		"no version":               {"variant: fcos\n", `there is no version; it should say which version of the variant fcos this is, such as "1.7.0"`},
		"version of two numbers":   {"variant: fcos\nversion: 1.5\n", `test, line 2, column 10: "1.5" is not a version; it should have three numbers, like "1.7.0"`},
		"unknown version":          {"variant: fiot\nversion: 9.0.0\n", "test, line 2, column 10: there is no version 9.0.0 of the variant fiot; there are 1.0.0, 1.1.0-experimental; a newer version of this program may know it"},
		"version between others":   {"variant: fiot\nversion: 1.0.5\n", "there is no version 1.0.5 of the variant fiot; there are 1.0.0, 1.1.0-experimental"},
		"stable with suffix":       {"variant: fcos\nversion: 1.7.0-experimental\n", `1.8.0-experimental; 1.7.0 is final, so leave out "-experimental"`},
		"experimental without":     {"variant: fcos\nversion: 1.8.0\n", `1.8.0-experimental; 1.8.0 is not final yet, so add "-experimental"`},
		"key twice":                {"variant: fcos\nversion: 1.5.0\nstorage: {}\n\"storage\": {}\n", `test, line 4, column 1: "storage" was given before at line 3; remove one of the two`},
		"key twice, deep inside":   {"variant: fcos\nversion: 1.5.0\nx:\n- y: {a: 1, a: 2}\n", `line 4, column 13: "a" was given before at line 4`},
		"bad indentation":          {"variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /a\n     mode: 1\n", "test, line 6, column 6: this is not valid YAML: this is indented by 5, but should be by 6, as in line 5, or by 4, as in line 5"},
		"unknown anchor":           {"variant: *x\n", "test, line 1, column 10: this is not valid YAML: there is no anchor &x before the alias *x"},
		"unclosed brace":           {"variant: fcos\nversion: 1.5.0\nstorage: {\n\n\n", "test, line 3, column 10: this is not valid YAML: the { that opens here is not closed"},
		"colon in text":            {"variant: fcos\nversion: 1.5.0\nx: a: b\ny: z\n", "test, line 3, column 5: this is not valid YAML: a key cannot stand here, behind another one; text with a colon"},
		"unclosed quote":           {"variant: fcos\nversion: '1.5.0\nstorage: {}\n", "test, line 2, column 10: this is not valid YAML: the quote ' that opens here is not closed"},
		"tab":                      {"variant: fcos\n\tversion: 1\n", "test, line 2, column 1: this is not valid YAML: a tab cannot indent; use spaces"},
		"list instead of mapping":  {"variant: fcos\nversion: 1.5.0\nstorage: []\n", "test, line 3, column 10 (storage): this is a list, but a mapping is expected"},
		"mapping instead of list":  {"variant: fcos\nversion: 1.5.0\nstorage: {files: {}}\n", "line 3, column 18 (storage.files): this is a mapping, but a list is expected"},
		"mapping instead of text":  {"variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: {}}]}\n", "(storage.files[0].path): this is a mapping, but a string is expected"},
		"string instead of number": {"variant: fcos\nversion: 1.5.0\nstorage: {files: [{mode: \"0644\"}]}\n", "(storage.files[0].mode): this is a string, but a whole number that fits 64 bits is expected"},
		"string instead of bool":   {"variant: fcos\nversion: 1.5.0\nstorage: {files: [{overwrite: \"true\"}]}\n", "(storage.files[0].overwrite): this is a string, but true or false is expected"},
		"number instead of bool":   {"variant: fcos\nversion: 1.5.0\nstorage: {files: [{overwrite: 1}]}\n", "this is a number, but true or false is expected"},
		"number too large":         {"variant: fcos\nversion: 1.5.0\nstorage: {files: [{mode: 9223372036854775808}]}\n", "this is a number, but a whole number that fits 64 bits"},
		"number below the range":   {"variant: fcos\nversion: 1.5.0\nstorage: {files: [{mode: -9223372036854775809}]}\n", "this is a number, but a whole number that fits 64 bits"},
		"exponent too large":       {"variant: fcos\nversion: 1.5.0\nstorage: {files: [{mode: 1e19}]}\n", "this is a number, but a whole number that fits 64 bits"},
		"fraction":                 {"variant: fcos\nversion: 1.5.0\nstorage: {disks: [{partitions: [{size_mib: 0.5}]}]}\n", "test, line 3, column 44 (storage.disks[0].partitions[0].size_mib): this is a number with a fraction, but a whole number that fits 64 bits is expected"},
		"fraction of an exponent":  {"variant: fcos\nversion: 1.5.0\nstorage: {files: [{mode: 15e-1}]}\n", "this is a number with a fraction, but a whole number"},
		"no base64":                {"variant: fcos\nversion: 1.5.0\npasswd: {users: [{name: !!binary \"%\"}]}\n", "(passwd.users[0].name): this is not valid base64, but a string is expected"},
		"key that is a list":       {"variant: fcos\nversion: 1.5.0\nstorage: {? [a] : b}\n", "test, line 3, column 13: this key is a list, but a string is expected"},
		"merge of itself":          {"variant: fcos\nversion: 1.5.0\nstorage: &s\n  <<: *s\n", "test, line 4, column 7: *s is inside of its own anchor &s, so it would contain itself without an end"},
		"merge of itself, deeper":  {"variant: fcos\nversion: 1.5.0\nstorage: &s {files: [{<<: *s}]}\n", "test, line 3, column 27: *s is inside of its own anchor"},
		"item of itself":           {"variant: fcos\nversion: 1.5.0\nstorage: {files: &f [*f]}\n", "test, line 3, column 22: *f is inside of its own anchor"},
		"merge of a string":        {"variant: fcos\nversion: 1.5.0\nstorage: {<<: a}\n", "test, line 3, column 15: << merges mappings, this is a string; give it the alias of a mapping, or a list of such aliases"},
		"merge of nothing":         {"variant: fcos\nversion: 1.5.0\nstorage: {<<: }\n", "<< merges mappings, this is nothing"},
		"merge of an alias":        {"variant: fcos\nversion: 1.5.0\nx: &x 1\nstorage: {<<: *x}\n", "test, line 4, column 15: << merges mappings, this is a number"},
		"merge of a list's alias":  {"variant: fcos\nversion: 1.5.0\nx: &x [{}]\nstorage: {<<: *x}\n", "<< merges mappings, this is a list"},
		"merge of a list":          {"variant: fcos\nversion: 1.5.0\nstorage: {<<: [{}, a]}\n", "test, line 3, column 20: << merges mappings, this is a string"},
		"merge at the root":        {"variant: fcos\nversion: 1.5.0\n<<: a\n", "test, line 3, column 5: << merges mappings, this is a string"},
		"merge of no anchor":       {"variant: fcos\nversion: 1.5.0\nstorage: {<<: *x}\n", "there is no anchor &x before the alias *x"},
		"merge twice":              {"variant: fcos\nversion: 1.5.0\nstorage:\n  <<: {}\n  <<: {}\n", "test, line 5, column 3: << was given before at line 4; give all mappings in one list"},
		"second document":          {"---\nvariant: fcos\nversion: 1.5.0\n---\nvariant: fcos\nversion: 1.5.0\n", "test, line 4, column 1: a second document starts here, and only the first would be read"},
		"less indentation":         {" variant: fcos\n version: 1.5.0\n\n# x\nstorage: {}\n", "test, line 5, column 1: this is not valid YAML: this is indented by 0, but should be by 1, as in line 2"},
		"closed too early":         {"{variant: fcos,\n version: 1.5.0}\n storage: {}\n", "test, line 3, column 2: this is not valid YAML: the document has ended before this line"},
		"second document, broken":  {"variant: fcos\nversion: 1.5.0\n---\n}\n", "test, line 3, column 1: a second document starts here"},
		"second, after an end":     {"variant: fcos\nversion: 1.5.0\n...\n# x\n---  # y\n\nvariant: fcos\n", "test, line 5, column 1: a second document starts here"},
		"second, on the marker":    {"variant: fcos\nversion: 1.5.0\n--- {}\n", "test, line 3, column 1: a second document starts here"},
		"second, CRLF":             {"variant: fcos\r\nversion: 1.5.0\r\n---\r\nx\r\n", "test, line 3, column 1: a second document starts here"},
		"infinity":                 {"variant: fcos\nversion: 1.5.0\nstorage: {files: [{mode: -.inf}]}\n", "this is a number, but a whole number"},
	} {
		_, problems, err := Translate([]byte(c.text), "test", Options{})
		if !errors.Is(err, ErrDocument) || !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant %s", name, err, c.want)
		}
		if len(problems) == 0 {
			t.Errorf("%s: no problems", name)
		}
		if _, _, err := Parse([]byte(c.text), "test"); !errors.Is(err, ErrDocument) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, on a machine: %v", name, err)
		}
	}
	if _, _, err := Translate(nil, "test", Options{}); !errors.Is(err, config.ErrEmpty) {
		t.Errorf("no text: %v", err)
	}
}

func TestAllWrongTypesAreReportedAtOnce(t *testing.T) {
	_, problems, _ := Translate(document("fcos 1.5.0", "storage: {files: [{path: [], mode: x}]}\nsystemd: 5\n"), "test", Options{})
	if len(problems) != 3 {
		t.Errorf("%d problems:\n%s", len(problems), problems)
	}
}

func TestScalars(t *testing.T) {
	for value, want := range map[string]float64{
		"0644": 420, "0o644": 420, "0x1F": 31, "0b101": 5, "1_000": 1000, "420.0": 420, "4e1": 40, "08": 8, "-0": 0, "+5": 5,
		"0o7_7": 63, "-0b11": -3, "-0x10": -16, "1_0.0": 10,
	} {
		text := "storage: {luks: [{name: a, device: /d, clevis: {threshold: " + value + "}}]}\n"
		if got := dig(translated(t, "fcos 1.7.0", text, Options{}), "storage.luks.0.clevis.threshold"); got != want {
			t.Errorf("the number %s is %v", value, got)
		}
	}
	for value, want := range map[string]int{
		"9223372036854775807": math.MaxInt64, "0x7fffffffffffffff": math.MaxInt64, "-9223372036854775808": math.MinInt64, "9007199254740993": 1<<53 + 1,
	} {
		cfg, _, err := Parse(document("fcos 1.7.0", "ignition: {timeouts: {http_total: "+value+"}}\n"), "")
		if err != nil || *cfg.Ignition.Timeouts.HTTPTotal != want {
			t.Errorf("the number %s: %v", value, err)
		}
	}
	for value, want := range map[string]bool{
		"true": true, "True": true, "TRUE": true, "y": true, "Yes": true, "ON": true,
		"false": false, "n": false, "No": false, "off": false, "OFF": false, "'yes'": true,
	} {
		text := "storage: {files: [{path: /a, overwrite: " + value + ", contents: {inline: x}}]}\n"
		if got := dig(translated(t, "fcos 1.7.0", text, Options{}), "storage.files.0.overwrite"); got != want {
			t.Errorf("the boolean %s is %v", value, got)
		}
	}
	for value, want := range map[string]string{
		"123": "123", "1.50": "1.50", "true": "true", "0644": "0644", "2020-01-01": "2020-01-01", "!!binary aGkh": "hi!", `"a\tb"`: "a\tb", "'~'": "~",
	} {
		text := "passwd: {users: [{name: core, gecos: " + value + "}]}\n"
		if got := dig(translated(t, "fcos 1.5.0", text, Options{}), "passwd.users.0.gecos"); got != want {
			t.Errorf("the string %s is %q", value, got)
		}
	}
	for _, value := range []string{"tRUE", "yES", "oN", "tru", "'true'"} {
		if _, _, err := Translate(document("fcos 1.5.0", "storage: {files: [{overwrite: "+value+"}]}\n"), "", Options{}); !errors.Is(err, ErrDocument) {
			t.Errorf("the boolean %s: %v", value, err)
		}
	}
}

func TestNullsAreAbsent(t *testing.T) {
	got := translated(t, "fcos 1.5.0", "storage:\n  files:\n  -\n  - {path: /a, mode: ~, user: {name: null}}\n  links: ~\n", Options{})
	if text, _ := json.Marshal(got); string(text) != `{"ignition":{"version":"3.4.0"},"storage":{"files":[{"path":"/a"}]}}` {
		t.Errorf("%s", text)
	}
	testRules(t, Options{}, []rule{
		{"empty section", "fcos 1.5.0", "storage:\nsystemd: ~\n", []string{"W storage there is nothing in storage", "W systemd there is nothing in systemd"}},
		{"items after a null keep their place", "fcos 1.5.0", "storage: {files: [~, {path: a}]}\n", []string{`E storage.files[1].path "a" is not absolute`}},
	})
}

func TestAliasesAndMergeKeys(t *testing.T) {
	got := translated(t, "fcos 1.5.0", `
storage:
  files:
  - &a {path: /a, mode: 0600, user: {name: core}}
  - {<<: *a, path: /b}
  - {<<: [*a, {group: {id: 1}, mode: 1}], path: /c, mode: 0640}
  directories: [&d {path: /d}]
systemd:
  units:
  - name: &n a.service
    dropins: [{name: &c 1.conf, contents: *n}]
`, Options{})
	for way, want := range map[string]any{
		"storage.files.1.path": "/b", "storage.files.1.mode": 384.0, "storage.files.1.user.name": "core",
		"storage.files.2.mode": 416.0, "storage.files.2.group.id": 1.0,
		"systemd.units.0.dropins.0.contents": "a.service",
	} {
		if got := dig(got, way); got != want {
			t.Errorf("%s is %v, want %v", way, got, want)
		}
	}
}

func TestAliasesCannotBlowUp(t *testing.T) {
	var b strings.Builder
	b.WriteString("x0: &x0 {name: a, value: b}\n")
	for _, level := range []string{"x1: &x1 [*x0", "x2: &x2 [{source: 'http://x', http_headers: *x1}", "y: &y [{path: /a, append: *x2}"} {
		item := level[strings.IndexByte(level, '[')+1:]
		b.WriteString(level + strings.Repeat(", "+item, 400) + "]\n")
	}
	b.WriteString("storage: {files: *y}\n")
	_, problems, err := Translate(document("fcos 1.5.0", b.String()), "test", Options{})
	if !errors.Is(err, ErrDocument) || !strings.Contains(problems.String(), "the aliases make this config far larger than its text") {
		t.Errorf("%v", err)
	}
}

func TestPositionsCountBytes(t *testing.T) {
	for text, column := range map[string]int{
		"storage: {files: [{path: a}]}":                            26,
		"storage: {files: [{user: {name: ééé}, path: a}]}":         48,
		"storage: {files: [{user: {name: 日本}, path: a}]}":          48,
		"storage: {files: [{user: {name: \"\\u00e9\"}, path: a}]}": 50,
	} {
		_, problems, _ := Translate(document("fcos 1.5.0", text), "test", Options{})
		if len(problems) != 1 || problems[0].Origin.Line != 3 || problems[0].Origin.Column != column {
			t.Errorf("%s: want column %d: %s", text, column, problems)
		}
	}
}

func TestByteOrderMarksAndLineEnds(t *testing.T) {
	text := strings.ReplaceAll(string(document("fcos 1.5.0", "storage:\n  files:\n  - path: a\n")), "\n", "\r\n")
	_, problems, _ := Translate([]byte("\ufeff"+text), "test", Options{})
	if len(problems) != 1 || problems[0].Origin.Line != 5 || problems[0].Origin.Column != 11 {
		t.Errorf("%s", problems)
	}
}

func TestEndsOfDocuments(t *testing.T) {
	for _, end := range []string{"---\n", "...\n", "---", "...", "---\n...\n", "--- # end\n\n# nothing\n", "---\r\n"} {
		got := translated(t, "fcos 1.5.0", "storage: {files: [{path: /a, contents: {inline: \"b\\n---\\nc\"}}]}\n"+end, Options{})
		if got := dig(got, "storage.files.0.path"); got != "/a" {
			t.Errorf("%q: %v", end, got)
		}
	}
	// Nothing that contains the marker is one.
	mustParse(t, "storage:\n  files:\n  - path: /a\n    contents:\n      inline: |\n       ---\n       x\n#---\nx:\n ---\n----: 1\n")
}

func TestAnchorsThatMeanSomething(t *testing.T) {
	cfg := mustParse(t, `
x: &key path
y: &y {z: *y}
storage:
  files:
  - *key : /a
`)
	if got := cfg.Storage.Files[0].Path; got != "/a" {
		t.Errorf("got %v", got)
	}
}

func mustParse(t *testing.T, text string) *config.Config {
	t.Helper()
	cfg, _, err := Parse(document("fcos 1.5.0", text), "test")
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestUnknownKeys(t *testing.T) {
	testRules(t, Options{}, []rule{
		{"typo", "fcos 1.5.0", "storag: {}\n", []string{`W storag "storag" is not a key of fcos 1.5.0 here and has no effect`}},
		{"other case", "fcos 1.5.0", "Storage: {}\n", []string{`W Storage "Storage" is not a key`}},
		{"the spec's name", "fcos 1.5.0", "storage: {files: [{path: /a, contents: {httpHeaders: []}}]}\n", []string{`W storage.files[0].contents.httpHeaders is not a key`}},
		{"version of the spec", "fcos 1.5.0", "ignition: {version: 3.4.0}\n", []string{`W ignition.version "version" is not a key of fcos 1.5.0 here`}},
		{"newer key", "fcos 1.4.0", "grub: {}\nstorage: {luks: [{name: a, device: /a, discard: true}]}\n",
			[]string{`W grub "grub" exists since fcos 1.5.0 and has no effect in fcos 1.4.0; raise the version`, "W storage.luks[0].discard exists since fcos 1.5.0"}},
		{"newer key after a jump", "openshift 5.0.0", "systemd: {quadlets: []}\n", []string{`W systemd.quadlets "quadlets" exists since openshift 5.1.0-experimental`}},
		{"newer key before a jump", "openshift 4.8.0,openshift 4.22.0", "systemd: {quadlets: []}\n", []string{`W systemd.quadlets "quadlets" exists since openshift 4.23.0-experimental`}},
		{"later variant's key", "fiot 1.0.0", "systemd: {quadlets: []}\n", []string{`W systemd.quadlets "quadlets" exists since fiot 1.1.0-experimental`}},
		{"other variant's key", "flatcar 1.1.0", "boot_device: {}\n", []string{`W boot_device "boot_device" is a key of fcos and openshift and has no effect in flatcar 1.1.0`}},
		{"references in the first version", "fcos 1.0.0", "ignition: {config: {merge: [{source: 'http://x', inline: x, compression: gzip}]}}\n",
			[]string{"W ignition.config.merge[0].inline exists since fcos 1.1.0 and has no effect in fcos 1.0.0", "W ignition.config.merge[0].compression exists since fcos 1.1.0"}},
	})
}

func TestEveryDialectTranslates(t *testing.T) {
	if len(dialects()) != 9+3+3+2+18+1 {
		t.Errorf("%d dialects", len(dialects()))
	}
	for _, d := range Dialects() {
		got := translated(t, d.String(), "", Options{Raw: true})
		if version := dig(got, "ignition.version"); version != d.Spec.String() {
			t.Errorf("%s makes version %v", &d, version)
		}
		if _, _, err := Parse(document(d.String(), ""), "test"); (err == nil) != (d.Variant != openshift) {
			t.Errorf("%s on a machine: %v", &d, err)
		}
	}
	if got := translated(t, "fcos 01.005.0", "", Options{}); dig(got, "ignition.version") != "3.4.0" {
		t.Error(got)
	}
}

func TestMachineConfigsAreNotForMachines(t *testing.T) {
	_, problems, err := Parse(document("openshift 4.14.0", ""), "user config")
	if !errors.Is(err, ErrSource) || !strings.Contains(problems.String(), "user config, line 1, column 10 (variant): the variant openshift makes a MachineConfig") {
		t.Error(err)
	}
}

func TestIsButane(t *testing.T) {
	for text, want := range map[string]bool{
		"":                                                  false,
		"variant: fcos\nversion: 1.5.0\n":                   true,
		"\ufeff# comment\nvariant: fcos":                    true,
		"'variant': fcos":                                   true,
		"---\nvariant : fcos":                               true,
		"storage:\n  files: []\n":                           true, // it lacks a variant, and is told so
		"ignition:\r\n  config: {}":                         true,
		"{variant: fcos, version: 1.5.0}":                   true,
		`{"variant": "fcos"}`:                               true,
		"{\n  # JSON has no comments\n variant: fcos}":      true,
		`{"variant": "fcos", "ignition": {"version": "3"}}`: false,
		`{"ignition": {"version": "3.0.0"}}`:                false,
		`{"ignition": {}}`:                                  false,
		`{"ignition": {"version": "3.4.0"}`:                 false,
		`{"a": "{\"variant\": 1}"}`:                         false,
		"#cloud-config\nusers: []\n":                        false,
		"#!/bin/sh\n":                                       false,
		"[]":                                                false,
		"  storage:\n    files: []":                         true,
	} {
		if got := IsButane([]byte(text)); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}

func TestParseAnySpeaksOfTheLanguageThatWasMeant(t *testing.T) {
	for text, want := range map[string]string{
		"variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: a}]}\n": `user config, line 3, column 26 (storage.files[0].path): the path "a" is not absolute`,
		"variant: fcos\nversion: 1.5.0\nstorage:\n - files\n":            "user config, line 4, column 2 (storage): this is a list, but a mapping is expected",
		`{"variant": "fcos"}`: "there is no version; it should say which version of the variant",
		`{"ignition": {"version": "3.4.0"}, "storage": {"files": [{}]}}`: "storage.files[0].path): a path is missing",
		`{"ignition": `: "this is not valid JSON",
		"hello":         "this is not valid JSON",
		"systemd:\n  units:\n    - name: a.service\n      enable: true\n": "user config: this is a Container Linux Config, and no config; translate it with ct",
		"storage:\n  files: []\n":                                                           "there is no variant",
		"#!/usr/bin/env butane\nvariant: fcos\nversion: 9.0.0\n":                            "user config, line 3, column 10",
		"variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /a, mode: {{ mode }}}]}\n": "user config, line 3, column 36 (storage.files[0].mode): this is a placeholder of a template that was not filled in, but a whole number",
		"variant: fcos\nversion: 1.5.0\n{% if x %}\nstorage: {}\n":                          "user config, line 3, column 2: this is a template that was not filled in",
		"storage:\n  files: [{path: /a, mode: {{ mode }}]\n":                                "this is a template that was not filled in",
		"variant: fcos\nversion: 1.5.0\nstorage: {\n# ${A}\n":                               "this is not valid YAML",
	} {
		cfg, _, err := ParseAny([]byte(text), "user config")
		if cfg != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v\nwant %s", text, err, want)
		}
	}
	if cfg, _, err := ParseAny(document("fcos 1.7.0", "storage: {files: [{path: /a}]}\n"), ""); err != nil || cfg.Storage.Files[0].Path != "/a" {
		t.Error(err)
	}
	if cfg, _, err := ParseAny([]byte("#cloud-config\nvariant: fcos\nversion: 1.5.0\n"), ""); err != nil || cfg == nil {
		t.Error("a comment of YAML:", err)
	}
	if cfg, _, err := ParseAny([]byte(`{"ignition": {"version": "3.4.0"}}`), ""); err != nil || cfg == nil {
		t.Error(err)
	}
	if _, _, err := ParseAny(nil, ""); !errors.Is(err, config.ErrEmpty) {
		t.Error(err)
	}
}
