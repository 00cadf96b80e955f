package butane

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/firstlight-os/firstlight/config"
)

const (
	armored    = "-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n-----END AGE ENCRYPTED FILE-----\n"
	armoredURL = "age:data:,-----BEGIN%20AGE%20ENCRYPTED%20FILE-----%0AYWdl%0A-----END%20AGE%20ENCRYPTED%20FILE-----%0A"
)

func TestSecretsInTheVariantFirstlight(t *testing.T) {
	files := fstest.MapFS{"a.age": {Data: []byte(armored)}}
	block := "|\n" + indentation("            ", armored)
	for name, c := range map[string]struct{ text, want string }{
		"a source": {
			"storage: {files: [{path: /a, contents: {source: 'age:https://example.com/a'}}]}",
			`{"ignition":{"version":"3.6.0+firstlight.1"},"storage":{"files":[{"path":"/a","contents":{"source":"age:https://example.com/a"}}]}}`},
		"armored text": {
			"storage:\n  files:\n    - path: /a\n      contents:\n          age: " + block,
			`{"ignition":{"version":"3.6.0+firstlight.1"},"storage":{"files":[{"path":"/a","contents":{"source":"` + armoredURL + `"}}]}}`},
		"a local file, and how it is compressed": {
			"storage: {luks: [{name: l, device: /dev/a, key_file: {age_local: a.age, compression: gzip}}]}",
			`{"ignition":{"version":"3.6.0+firstlight.1"},"storage":{"luks":[{"name":"l","device":"/dev/a","keyFile":{"source":"` + armoredURL + `","compression":"gzip"}}]}}`},
		"in place of texts": {
			"passwd: {users: [{name: a, password_hash_from: {source: 'credential:h'}, ssh_authorized_keys_from: [{source: 'https://example.com/k'}]}]}\n" +
				"systemd: {units: [{name: a.service, contents_from: {local: a.age}, dropins: [{name: a.conf, contents_from: {source: 'vault:https://v/kv/a#k'}}]}]}",
			`{"ignition":{"version":"3.6.0+firstlight.1"},"passwd":{"users":[{"name":"a","passwordHashFrom":{"source":"credential:h"},"sshAuthorizedKeysFrom":[{"source":"https://example.com/k"}]}]},` +
				`"systemd":{"units":[{"name":"a.service","contentsFrom":{"compression":"","source":"` + strings.TrimPrefix(armoredURL, "age:") + `"},"dropins":[{"name":"a.conf","contentsFrom":{"source":"vault:https://v/kv/a#k"}}]}]}}`},
		"empty ones": {
			"storage: {files: [{path: /a, contents: {source: 'https://example.com/a'}}]}\nsystemd: {units: [{name: a.service, contents_from: {}}]}\npasswd: {users: [{name: a, ssh_authorized_keys_from: []}]}",
			`{"ignition":{"version":"3.6.0"},"passwd":{"users":[{"name":"a"}]},"storage":{"files":[{"path":"/a","contents":{"source":"https://example.com/a"}}]},"systemd":{"units":[{"name":"a.service"}]}}`},
	} {
		result, problems, err := Translate(document("firstlight 1.0.0", c.text), "test", Options{Files: files})
		if err != nil || len(problems) > 0 {
			t.Errorf("%s: %v, %s", name, err, problems)
			continue
		}
		if got := string(result.JSON); !sameJSON(t, got, c.want) {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

func indentation(indent, text string) string {
	return indent + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+indent) + "\n"
}

func TestMistakesWithSecrets(t *testing.T) {
	for name, c := range map[string]struct{ dialect, text, want string }{
		"a source in another variant": {"fcos 1.7.0", "storage: {files: [{path: /a, contents: {source: 'credential:a'}}]}",
			`storage.files[0].contents.source: sources of secrets are extensions of Firstlight, which fcos 1.7.0 does not have; write "variant: firstlight" and "version: 1.0.0"`},
		"a key in another variant": {"flatcar 1.1.0", "storage: {files: [{path: /a, contents: {age: a}}]}", `"age" is a key of firstlight and has no effect in flatcar 1.1.0`},
		"not encrypted":            {"firstlight 1.0.0", "storage: {files: [{path: /a, contents: {age: hello}}]}", "this is not encrypted with age"},
		"two ways":                 {"firstlight 1.0.0", "storage: {files: [{path: /a, contents: {age: hello, source: 'data:,'}}]}", "source and age are set together"},
		"two contents":             {"firstlight 1.0.0", "systemd: {units: [{name: a.service, contents: '', contents_from: {source: 'credential:a'}}]}", "contents and contents_from are set together"},
		"two hashes":               {"firstlight 1.0.0", "passwd: {users: [{name: a, password_hash: '', password_hash_from: {source: 'credential:a'}}]}", "password_hash and password_hash_from are set together"},
		"no source":                {"firstlight 1.0.0", "passwd: {users: [{name: a, password_hash_from: {compression: gzip}}]}", "the source is missing: the URL of what should be password_hash here"},
		"no local file":            {"firstlight 1.0.0", "storage: {files: [{path: /a, overwrite: true, contents: {age_local: b.age}}]}", "there is no b.age in the local files"},
	} {
		_, problems, _ := Translate(document(c.dialect, c.text), "test", Options{Files: fstest.MapFS{}})
		found := 0
		for _, p := range problems {
			if strings.Contains(p.Origin.Path+": "+p.Message, c.want) {
				found++
			}
		}
		if found != 1 || len(problems) != 1 {
			t.Errorf("%s: got %v, want one problem: %s", name, problems, c.want)
		}
	}
}

func TestSecretsAreReadOnTheMachine(t *testing.T) {
	cfg, problems, err := Parse(document("firstlight 1.0.0", "storage: {files: [{path: /a, contents: {source: 'credential:a'}}]}"), "test")
	if err != nil || !cfg.IsExtended() || config.ValueOr(cfg.Storage.Files[0].Contents.Source, "") != "credential:a" {
		t.Errorf("got %v, %v", problems, err)
	}
}
