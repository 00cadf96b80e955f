package main

import (
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
)

func TestSnippetsHideSecrets(t *testing.T) {
	const pem = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKB"
	for name, tc := range map[string]struct {
		text string
		at   string // what the problem is with
		want string // the line that is shown
	}{
		"data URL":                {`{"source": "data:,hunter2"}`, `"data`, `{"source": "data:,***"}`},
		"data URL, base64":        {`{"source": "data:text/plain;base64,aHVudGVyMg=="}`, `"data`, `{"source": "data:text/plain;base64,***"}`},
		"data URL, upper case":    {`{"source": "DATA:,hunter2"}`, `"DATA`, `{"source": "DATA:,***"}`},
		"data URL, no comma":      {`{"source": "data:hunter2"}`, `"source`, `{"source": "data:hunter2"}`},
		"data URL, plain":         {"source: data:,hunter2,[x]{y}z", "data", "source: data:,***"},
		"data URL, in flow":       {"{source: data:,hunter2}", "data", "{source: data:,***}"},
		"data URL, elsewhere":     {`{"mode": 1, "source": "data:,hunter2"}`, `1`, `{"mode": 1, "source": "data:,***"}`},
		"data URL, unclosed":      {`{"source": "data:,hunter2`, `"source`, `{"source": "data:,***`},
		"password, JSON":          {`{"passwordHash": "hunter2", "uid": 1}`, "1", `{"passwordHash": "***", "uid": 1}`},
		"password, YAML":          {"password_hash: hunter2", "password", "password_hash: ***"},
		"password, flow":          {"{password_hash: hunter2,name: x}", "x", "{password_hash: ***,name: x}"},
		"password with comma":     {"password_hash: hunter,2", "password", "password_hash: ***,***"},
		"password, quoted":        {"'password_hash': 'hunter''2'", "'password", "'password_hash': '***''***'"},
		"password in a comment":   {"a: b # password_hash: hunter2", "b", "a: b # password_hash: ***"},
		"password that is {":      {`{"passwordHash": "hun{ter,2"}`, `"pass`, `{"passwordHash": "***"}`},
		"crypt anywhere":          {`{"gecos": "x $6$salt$hash. y"}`, `"gecos`, `{"gecos": "x *** y"}`},
		"yescrypt":                {"- $y$j9T$salt$hash", "$y", "- ***"},
		"GRUB's hash":             {"users: [grub.pbkdf2.sha512.10000.AA.BB]", "grub", "users: [***]"},
		"credentials":             {`{"source": "https://user:hunter2@example.com/x"}`, `"https`, `{"source": "https://***@example.com/x"}`},
		"a hash as password":      {"source: https://u:$6$a$b@example.com/x", "https", "source: https://***"},
		"single quote alone":      {"password_hash: 'hunter2", "password", "password_hash: '***"},
		"token in a query":        {"source: https://example.com/x?token=hunter2", "https", "source: https://example.com/x?***"},
		"both":                    {"source: https://u:p@example.com/x?token=hunter2#y", "https", "source: https://***@example.com/x?***"},
		"an @ in the path":        {"source: https://example.com/x@y", "https", "source: https://example.com/x@y"},
		"header":                  {`{"name": "Authorization", "value": "Bearer hunter2"}`, `"Auth`, `{"name": "Authorization", "value": "***"}`},
		"inline":                  {"inline: hunter2", "inline", "inline: ***"},
		"a key of nobody":         {`{"password": "hunter2", "uid": 1}`, "1", `{"password": "***", "uid": 1}`},
		"a number of nobody's":    {`{"passcode": 271828}`, `"pass`, `{"passcode": ***}`},
		"a secret for an object":  {`{"keyFile": "hunter2"}`, `"key`, `{"keyFile": "***"}`},
		"headers as a mapping":    {"http_headers:\n  Authorization: Bearer hunter2", "Auth", "  Authorization: ***"},
		"headers as texts":        {`{"httpHeaders": ["Authorization: Bearer hunter2"]}`, `"http`, `{"httpHeaders": ["***"]}`},
		"headers on lines":        {"http_headers:\n  - \"Authorization: Bearer hunter2\"\n", `"Auth`, `  - "***"`},
		"headers on JSON's lines": {"{\n\"httpHeaders\": [\n \"Authorization: hunter2\"\n]}", `"Auth`, ` "***"`},
		"after a list of objects": {`{"httpHeaders": [{"name": "x"}, "hunter2"]}`, `"http`, `{"httpHeaders": [{"name": "x"}, "***"]}`},
		"a key of clevis":         {"custom: {pin: sss, config: [hunter2]}", "pin", "custom: {pin: sss, config: [***]}"},
		"credentials, no slashes": {`{"httpsProxy": "http:user:hunter2@proxy:3128"}`, `"http`, `{"httpsProxy": "***"}`},
		"data URL, misspelt":      {`{"source": "dta:,hunter2"}`, `"source`, `{"source": "***"}`},
		"data URL, colon first":   {`{"source": ":data:,hunter2"}`, `"source`, `{"source": "***"}`},
		"two URLs in one":         {`{"source": "http://a:hunter2@h\nhttp://a:hunter3@h"}`, `"http`, `{"source": "http://***@h\nhttp://***@h"}`},
		"a slash in the password": {"source: https://user:hun/ter2@example.com/x", "https", "source: https://***@example.com/x"},
		"three slashes":           {"source: https:///user:hunter2@example.com/x", "https", "source: https:///***@example.com/x"},
		"a port, an @ in a path":  {"source: https://example.com:443/x@y", "https", "source: https://example.com:443/x@y"},
		"a store":                 {"source: arn:aws:s3:::bucket/key", "arn", "source: arn:aws:s3:::bucket/key"},
		"a label of one's own":    {"metadata:\n  labels:\n    example.com/role: worker\n", "worker", "    example.com/role: worker"},
		"inline, empty":           {`inline: ""`, `""`, `inline: ""`},
		"key in a secret's place": {`{"inline": {"hunter2": 1}}`, `"inline`, `{"inline": {"***": 1}}`},
		"advertisement":           {`{"advertisement": "hunter2"}`, `"adv`, `{"advertisement": "***"}`},
		"unit":                    {`{"contents": "[Service]\nEnvironment=PASSWORD=hunter2"}`, `"contents`, `{"contents": "***"}`},
		"contents, object":        {`{"contents": {"source": "https://x"}}`, `"https`, `{"contents": {"source": "https://x"}}`},
		"block, its start":        {"inline: |\n  hunter2", "|", "inline: |"},
		"block, inside":           {"- inline: |\n    hunter2: x\n      y\n", "hunter2", "    ***"},
		"block, deeper inside":    {"- inline: >-  # text\n    hunter2: x\n      y\n", "y\n", "      ***"},
		"block, empty line":       {"inline: !!str |2\n\n\n  hunter2\n", "hunter2", "  ***"},
		"after a block":           {"a:\n  inline: |\n    hunter2\n  mode: 1\n", "1", "  mode: 1"},
		"after a block in a list": {"- inline: |\n    hunter2\n  mode: 1\n", "1", "  mode: 1"},
		"a block in a list":       {"a:\n  - |\n    hunter2\n", "hunter2", "    ***"},
		"a block of the root":     {"--- |\n hunter2\n", "hunter2", " ***"},
		"a document's end":        {"a: |\n  hunter2\n---\nb: 1", "---", "---"},
		"a block of keys":         {"a: >2\n  - x: |\n  hunter2\nb: 1", "hunter2", "  ***"},
		"after a folded plain":    {"a: x |\nb: 1\n", "1", "b: 1"},
		"private key":             {pem, "M", "***"},
		"private key in text":     {"x: " + pem + "==\n", "x", "x: ***"},
		"public key":              {"- ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGxhbGFsYWxhbGFsYWxhbGFsYWxhbGFsYWxhbGFs me", "ssh", "- ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGxhbGFsYWxhbGFsYWxhbGFsYWxhbGFsYWxhbGFs me"},
		"hash of contents":        {"hash: sha256-e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "hash", "hash: sha256-e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		"long path":               {"path: /usr/local/share/containers/storage/overlay/images", "path", "path: /usr/local/share/containers/storage/overlay/images"},
		"very long value":         {"gecos: " + strings.Repeat("a b ", 300), "gecos", "gecos: ***"},
		"escape sequence first":   {`{"inline": "\"hunter2"}`, `"inline`, `{"inline": "***"}`},
	} {
		shown, _, _ := strings.Cut(snippetAt(t, tc.text, tc.at), "\n")
		_, shown, _ = strings.Cut(shown, " | ")
		compare(t, name, shown, tc.want)
	}
}

func TestMaskedValueIsMarked(t *testing.T) {
	for name, tc := range map[string]struct{ text, at, want string }{
		"the value":  {`{"a": 1, "source": "data:,hunter2"}`, `"data`, "\n   |                    ^^^^^^^^^^^\n"},
		"after it":   {`{"source": "data:,hunter2", "a": 12}`, `12`, "\n   |                              ^^\n"},
		"in a block": {"a: |\n  hunter2", `hunter2`, "\n   |   ^^^\n"},
	} {
		if got := snippetAt(t, tc.text, tc.at); !strings.HasSuffix(got, tc.want) {
			t.Errorf("%s:\n%s", name, got)
		}
	}
}

func FuzzSnippet(f *testing.F) {
	for _, text := range testFiles {
		f.Add(text, 1, 1)
		f.Add(text, 2, 5)
	}
	f.Add("a: |\n\n  'b''\"c\\\n #: {,]\n", 3, 4)
	f.Add(`{"source": "data:,a", 'x': https://u:p@h/?q#f, $6$a$b grub.pbkdf2.x`, 1, 30)
	f.Fuzz(func(t *testing.T, text string, line, column int) {
		r := &report{inputs: []input{{name: "c", text: []byte(text)}}}
		l := newLineFinder(r).find(config.Origin{Source: "c", Line: line, Column: column})
		end := 0
		for _, s := range l.scalars {
			if s.start < end || s.end <= s.start || s.end > len(l.text) {
				t.Fatalf("%+v in %q", l.scalars, l.text)
			}
			end = s.end
			inside := s.start
			for _, secret := range s.secrets(l.text) {
				if secret.start < inside || secret.end < secret.start || secret.end > s.end {
					t.Fatalf("secret %+v of %+v in %q", secret, s, l.text)
				}
				inside = secret.end
			}
		}
		// Two lines, whatever the text.
		if shown := l.snippet(false, config.Error); l.found && strings.Count(shown, "\n") != 2 {
			t.Errorf("%q", shown)
		}
		if strings.ContainsAny(l.sameWidth(), "\x1b\r") {
			t.Errorf("%q", l.sameWidth())
		}
		checkUnknownKey(t, text)
	})
}

// checkUnknownKey checks that nothing is shown of a value whose key nobody knows, and
// of what is in the place of a secret.
func checkUnknownKey(t *testing.T, text string) {
	t.Helper()
	const canary = "canaryqzjxw"
	key := "x" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' {
			return r
		}
		return -1
	}, text[:min(len(text), 20)])
	if shownKeys()[key] {
		return
	}
	for _, config := range []string{
		`{"` + key + `": "` + canary + `"}`,
		`{"` + key + `": ["a", "` + canary + `"]}`,
		`{"files": [{"path": "/a", "` + key + `": "` + canary + `"}]}`,
		`{"passwordHash": {"` + canary + `": "` + canary + `"}}`,
		key + ": " + canary,
		"- name: core\n  " + key + ": [a, " + canary + "]",
		"inline: {" + key + ": " + canary + "}",
	} {
		if shown := snippetAt(t, config, canary); strings.Contains(shown, canary) {
			t.Errorf("%q is shown as %q", config, shown)
		}
	}
}
