package config

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

const (
	armoredSource = "age:data:,-----BEGIN%20AGE%20ENCRYPTED%20FILE-----%0AYWdl%0A"
	binarySource  = "age:data:;base64,YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOQ=="
)

func TestSourcesOfSecrets(t *testing.T) {
	long := strings.Repeat("n", 256)
	for source, want := range map[string]string{
		"age:https://example.com/a.age":     "",
		"age:s3://bucket/a.age":             "",
		"age:tftp://10.0.0.1/a.age":         "",
		armoredSource:                       "",
		binarySource:                        "",
		"age:data:,hello":                   "this is not encrypted with age: it does not begin with \"-----BEGIN AGE ENCRYPTED FILE-----\"",
		"age:":                              "age: stands before the URL of a file",
		"age:credential:a":                  "age: stands before the URL of a file",
		"age:age:https://example.com/a.age": "age: stands before the URL of a file",
		"age:ftp://example.com/a.age":       `the scheme "ftp" of this URL is unknown`,
		"age:https:///a.age":                "the URL names no host",
		"age:data:;base64,???":              "the data URL",
		"credential:db-password":            "",
		"credential:":                       "the name of the credential is missing; it should be credential:NAME",
		"credential:..":                     `".." cannot be the name of a credential`,
		"credential:a/b":                    `"a/b" cannot be the name of a credential: it is the name of a file, without slashes and colons`,
		"credential:a:b":                    "cannot be the name",
		"credential:a\nb":                   "cannot be the name",
		"credential:" + long:                "the name of the credential is 256 bytes long, at most 255 are possible",
		"aws-sm:prod/db?region=eu-west-1#k": "",
		"aws-sm:":                           "this does not name a secret; it should look like aws-sm:NAME",
		"aws-sm:db?key=password":            "a parameter that aws-sm URLs do not have; they have region, stage, version",
		"azure-kv:web/db":                   "",
		"azure-kv:web":                      "this does not name a secret; it should look like azure-kv:VAULT/SECRET",
		"gcp-sm:projects/p/secrets/s":       "",
		"gcp-sm:p/s":                        "this does not name a secret; it should look like gcp-sm:projects/PROJECT/secrets/SECRET",
		"vault:https://v:8200/kv/a#k":       "",
		"vault:":                            "this does not name a secret; it should look like vault:https://HOST/MOUNT/PATH#MEMBER",
		"vault:https://v/kv/a":              "add #MEMBER",
		"vault:https://v*/kv/a#k":           "letters, digits",
		"vault:https://v:99999/kv/a#k":      "ports are from 0 to 65535",
		"vault:https://v o/kv/a#k":          "this is not a URL: there is a character in the host's name",
		"vault:https://me:pw@v/kv/a#k":      "a user or a password stands in front of the host",
		"Credential:a":                      "",
	} {
		document := `"storage":{"files":[{"path":"/a","contents":{"source":` + quoteJSON(source) + `}}]}`
		_, problems, err := Parse(extendedDocument("3.6.0+firstlight.1", document), "test")
		if source == "Credential:a" {
			want = "the scheme" // is in lower case
		}
		switch {
		case want == "" && (err != nil || len(problems) > 0):
			t.Errorf("%s: got %v, want none", source, problems)
		case want != "" && (len(problems) != 1 || problems[0].Origin.Path != "storage.files[0].contents.source" || !strings.Contains(problems[0].Message, want)):
			t.Errorf("%s: got %v, want %q", source, problems, want)
		}
	}
}

func TestWhichSecretsNeedTheNetwork(t *testing.T) {
	for source, want := range map[string]bool{
		"age:https://example.com/a": true, armoredSource: false, "credential:a": false, "aws-sm:a": true, "gcp-sm:a": true, "azure-kv:a/b": true, "vault:https://v/a": true,
	} {
		if got := IsRemote(source); got != want || !IsSecret(source) {
			t.Errorf("%s: remote is %t, secret is %t; want %t and true", source, got, IsSecret(source), want)
		}
	}
	if IsSecret("https://example.com/a") || IsSecret("data:,a") || IsSecret("") {
		t.Error("plain sources are secrets")
	}
}

// secretsDocument has a source in each place that can have one.
const secretsDocument = `"ignition":{"version":"3.6.0+firstlight.1","config":{"merge":[{"source":"age:https://example.com/1"}]}},` +
	`"passwd":{"users":[{"name":"a","passwordHashFrom":{"source":"credential:hash"},"sshAuthorizedKeysFrom":[{"source":"https://example.com/keys"}]}]},` +
	`"storage":{"files":[{"path":"/a","contents":{"source":"credential:a"},"append":[{"source":"aws-sm:b"}]}],` +
	`"luks":[{"name":"l","device":"/dev/vda","keyFile":{"source":"vault:https://v/kv/l#k"}}]},` +
	`"systemd":{"units":[{"name":"a.service","contentsFrom":{"source":"credential:unit"},"dropins":[{"name":"a.conf","contentsFrom":{"source":"data:,"}}]}]}`

func TestExtensionsOfSecretsAreRefusedInPlainConfigs(t *testing.T) {
	cfg, problems, err := Parse([]byte("{"+secretsDocument+"}"), "test")
	if err != nil || len(problems) > 0 {
		t.Fatal(problems)
	}
	if got, err := cfg.MarshalJSON(); string(got) != "{"+secretsDocument+"}" {
		t.Errorf("it is printed as %s, %v", got, err)
	}
	places := func(err error) []string {
		var all []string
		refusal := new(ParseError)
		errors.As(err, &refusal)
		for _, p := range refusal.Problems {
			if !strings.Contains(p.Message, "this is an extension of Firstlight") {
				t.Errorf("got %v", p)
			}
			all = append(all, p.Origin.Path)
		}
		slices.Sort(all)
		return all
	}
	want := []string{
		"ignition.config.merge[0].source", "passwd.users[0].passwordHashFrom", "passwd.users[0].sshAuthorizedKeysFrom", "storage.files[0].append[0].source", "storage.files[0].contents.source",
		"storage.luks[0].keyFile.source", "systemd.units[0].contentsFrom", "systemd.units[0].dropins[0].contentsFrom",
	}
	if got := places(cfg.CheckPlain()); !slices.Equal(got, want) {
		t.Errorf("not plain are %v, want %v", got, want)
	}
	_, err = cfg.TranslateTo(V3_5)
	if got := places(err); !slices.Equal(got, want) {
		t.Errorf("not in 3.5.0 are %v, want %v", got, want)
	}
	plain := strings.Replace(secretsDocument, "+firstlight.1", "", 1)
	_, problems, _ = Parse([]byte("{"+plain+"}"), "test")
	var found []string
	for _, p := range problems {
		if p.Rule != RuleExtensionVersion || !strings.Contains(p.Message, `write "version": "3.6.0+firstlight.1"`) {
			t.Errorf("got %v", p)
		}
		found = append(found, p.Origin.Path)
	}
	if slices.Sort(found); !slices.Equal(found, want) {
		t.Errorf("refused in 3.6.0 are %v, want %v", found, want)
	}
	var needs []string
	for _, o := range cfg.NeedsNetwork() {
		needs = append(needs, o.Path)
	}
	wantNeeds := []string{"ignition.config.merge[0].source", "storage.luks[0].keyFile.source", "passwd.users[0].sshAuthorizedKeysFrom[0].source", "storage.files[0].append[0].source"}
	if !slices.Equal(needs, wantNeeds) {
		t.Errorf("the network is needed for %v, want %v", needs, wantNeeds)
	}
	if len(New(V3_6).NeedsNetwork()) != 0 || New(V3_6).IsExtended() {
		t.Error("an empty config has secrets")
	}
}

func TestSecretsInPlaceOfTexts(t *testing.T) {
	for text, want := range map[string]string{
		`"passwd":{"users":[{"name":"a","passwordHash":"$y$a$b$c","passwordHashFrom":{"source":"credential:h"}}]}`:                                           "passwd.users[0].passwordHashFrom: passwordHash and passwordHashFrom are set together; set only one of them",
		`"passwd":{"users":[{"name":"a","passwordHashFrom":{}}]}`:                                                                                            "",
		`"passwd":{"users":[{"name":"a","passwordHashFrom":{"compression":"gzip"}}]}`:                                                                        "passwd.users[0].passwordHashFrom: the source is missing: the URL of what should be passwordHash here",
		`"passwd":{"users":[{"name":"a","sshAuthorizedKeysFrom":[{}]}]}`:                                                                                     "passwd.users[0].sshAuthorizedKeysFrom[0]: the source is missing: the URL of the public keys",
		`"passwd":{"users":[{"name":"a","sshAuthorizedKeys":["ssh-ed25519 AAAA"],"sshAuthorizedKeysFrom":[{"source":"credential:k"}]}]}`:                     "",
		`"systemd":{"units":[{"name":"a.service","contents":"[Unit]\n","contentsFrom":{"source":"credential:u"}}]}`:                                          "systemd.units[0].contentsFrom: contents and contentsFrom are set together; set only one of them",
		`"systemd":{"units":[{"name":"a.service","enabled":true,"contentsFrom":{"source":"credential:u"}}]}`:                                                 "",
		`"systemd":{"units":[{"name":"a.service","dropins":[{"name":"a.conf","contents":"","contentsFrom":{"source":"ftp://a"}}]}]}`:                         "systemd.units[0].dropins[0].contentsFrom: contents and contentsFrom are set together",
		`"systemd":{"units":[{"name":"a.service","contentsFrom":{"source":"ftp://a"}}]}`:                                                                     `systemd.units[0].contentsFrom.source: the scheme "ftp" of this URL is unknown`,
		`"storage":{"files":[{"path":"/etc/systemd/system/a.service"}]},"systemd":{"units":[{"name":"a.service","contentsFrom":{"source":"credential:u"}}]}`: "storage.files[0].path: \"/etc/systemd/system/a.service\" is written already",
		`"storage":{"files":[{"path":"/a","contents":{"source":"age:https://e.org/a","httpHeaders":[{"name":"A","value":"b"}]}}]}`:                           "",
		`"storage":{"files":[{"path":"/a","contents":{"source":"credential:a","httpHeaders":[{"name":"A","value":"b"}]}}]}`:                                  "storage.files[0].contents.httpHeaders: HTTP headers need a source that starts with http:// or https://",
	} {
		_, problems, _ := Parse(extendedDocument("3.6.0+firstlight.1", text), "test")
		got := ""
		if len(problems) > 0 {
			got = problems[0].Origin.Path + ": " + problems[0].Message
		}
		if want == "" && got != "" || !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestMergedSecretsInPlaceOfTextsAreRefused(t *testing.T) {
	parse := func(text string) *Config {
		cfg, problems, err := Parse([]byte(text), "test")
		if err != nil {
			t.Fatal(problems)
		}
		return cfg
	}
	merged := Merge(parse(`{"ignition":{"version":"3.5.0"},"systemd":{"units":[{"name":"a.service","contents":"[Unit]\n"}]}}`),
		parse(`{"ignition":{"version":"3.6.0+firstlight.1"},"systemd":{"units":[{"name":"a.service","contentsFrom":{"source":"credential:u"}}]}}`))
	problems := merged.ValidateMerged()
	if len(problems) != 1 || problems[0].Rule != RuleContentsSeveral {
		t.Errorf("got %v, want one problem", problems)
	}
}
