package config

import (
	"encoding/json"
	"strings"
	"testing"
)

func quoteJSON(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}

func TestNamesOfAccounts(t *testing.T) {
	for name, words := range map[string]string{
		"core": "", "Ab.c_d-1": "", "é": "", "a$": "", "123": "", strings.Repeat("a", 255): "",
		"":                       "is missing",
		"-x":                     "begins with one of -+~",
		"+x":                     "begins with one of -+~",
		"a:b":                    "cannot be the name",
		"a/b":                    "cannot be the name",
		"..":                     "cannot be the name",
		"a b":                    "cannot be the name",
		"a\nb":                   "control character",
		"a\x7fb":                 "control character",
		strings.Repeat("a", 256): "at most 255",
	} {
		var user, group []string
		if words != "" {
			user, group = []string{"E passwd.users[0].name " + words}, []string{"E passwd.groups[0].name " + words}
		}
		testRules(t, []rule{
			{"user " + name, "all", `"passwd":{"users":[{"name":` + quoteJSON(name) + `}]}`, user},
			{"group " + name, "all", `"passwd":{"groups":[{"name":` + quoteJSON(name) + `}]}`, group},
		})
	}
}

func TestFieldsOfAccounts(t *testing.T) {
	user := func(m string) string { return `"passwd":{"users":[{"name":"a",` + m + `}]}` }
	testRules(t, []rule{
		{"largest ids", "all", user(`"uid":4294967294`), nil},
		{"uid of chown", "all", user(`"uid":4294967295`), []string{"E passwd.users[0].uid 4294967295 is not the id of a user"}},
		{"negative uid", "all", user(`"uid":-1`), []string{"E passwd.users[0].uid -1 is not the id of a user; ids are from 0 to 4294967294"}},
		{"negative gid", "all", `"passwd":{"groups":[{"name":"a","gid":-1}]}`, []string{"E passwd.groups[0].gid -1 is not the id of a group"}},
		{"fields of a line", "all", user(`"gecos":"a:b","shell":"/bin/sh\n","homeDir":"/a:b","primaryGroup":"a:b"`), []string{
			"E passwd.users[0].gecos a colon or a line end", "E passwd.users[0].shell a colon", "E passwd.users[0].homeDir a colon", "E passwd.users[0].primaryGroup a colon"}},
		{"hash of a group", "all", `"passwd":{"groups":[{"name":"a","passwordHash":"$6$x:"}]}`, []string{"W passwd.groups[0].passwordHash cut off", "E passwd.groups[0].passwordHash a colon"}},
		{"NUL", "all", user(`"gecos":"a\u0000b"`), []string{"E passwd.users[0].gecos a NUL character"}},
	})
}

func TestPasswordHashes(t *testing.T) {
	for hash, words := range map[string]string{
		"": "", "*": "", "!": "", "!!": "", "!*": "", "x": "", "zJW/EKqqIk44o": "", "_J9..CCCCXBrJUJV154M": "",
		"!$6$salt$hash": "", "$6$salt$hash": "", "$6$rounds=5000$salt$hash": "", "$1$$hash": "", "$5$salt$hash": "",
		"$y$j9T$salt$hash": "", "$gy$j9T$salt$hash": "", "$2b$05$hash": "", "$y$j9T$aUmgEDoFIDPhGxEe2FUjc/$C5A...": "",
		"$7$CU..../....salt$hash": "", "$sha1$40000$salt$hash": "",
		"hunter2":                      "not the hash of a password",
		"saltsalt.hash/hash":           "not the hash of a password",
		"$6$salt":                      "is cut off",
		"$6$salt$":                     "is cut off",
		"$6$rounds=5000$salt":          "is cut off",
		"$y$j9T$salt":                  "is cut off",
		"$argon2id$v=19$m=1$salt$hash": "no hash of this kind",
		"$":                            "no hash of this kind",
		"{{ hash }}":                   "not the hash of a password",
	} {
		var user, group []string
		if words != "" {
			user, group = []string{"W passwd.users[0].passwordHash " + words}, []string{"W passwd.groups[0].passwordHash " + words}
		}
		testRules(t, []rule{
			{"user " + hash, "3.6", `"passwd":{"users":[{"name":"a","passwordHash":` + quoteJSON(hash) + `}]}`, user},
			{"group " + hash, "3.6", `"passwd":{"groups":[{"name":"a","passwordHash":` + quoteJSON(hash) + `}]}`, group},
		})
	}
}

func TestWhatIsNoPublicKey(t *testing.T) {
	for key, words := range map[string]string{
		"ssh-ed25519 AAAAC3 me@host": "", "# a comment": "", "": "", "key1": "", `command="/bin/true" ssh-rsa AAAA`: "", "sk-ssh-ed25519@openssh.com AAAA /home/me": "",
		"/home/me/.ssh/id_ed25519.pub":            "the path of a file",
		"~/.ssh/id_rsa.pub":                       "the path of a file",
		"id_rsa.pub":                              "the path of a file",
		"https://github.com/core.keys":            "a URL",
		"-----BEGIN OPENSSH PRIVATE KEY-----":     "a private key",
		"-----BEGIN RSA PRIVATE KEY-----\nMIIE\n": "a private key",
		"PuTTY-User-Key-File-3: ssh-ed25519":      "a private key",
		"---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n": "a key in a form that sshd does not read",
		"-----BEGIN PUBLIC KEY-----":              "a key in a form that sshd does not read",
	} {
		var want []string
		if words != "" {
			want = []string{"W passwd.users[0].sshAuthorizedKeys[0] this is " + words}
		}
		testRules(t, []rule{{key, "3.6", `"passwd":{"users":[{"name":"a","sshAuthorizedKeys":[` + quoteJSON(key) + `]}]}`, want}})
	}
}

// No part of a value that may be a secret is shown.
func TestWarningsOfSecretsDoNotShowThem(t *testing.T) {
	_, problems, _ := Parse(document(V3_6, `"passwd":{"users":[{"name":"a","passwordHash":"hunter2:x","sshAuthorizedKeys":["-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2"]}]}`), "test")
	if len(problems) != 3 || strings.Contains(problems.String(), "hunter2") {
		t.Error(problems)
	}
}
