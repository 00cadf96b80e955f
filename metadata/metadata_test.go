package metadata

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/providers"
)

func TestValuesAreQuotedWhereSystemdWantsIt(t *testing.T) {
	for value, want := range map[string]string{
		"":                                  "",
		"i-0abc":                            "i-0abc",
		"203.0.113.7/32":                    "203.0.113.7/32",
		"projects/1/machineTypes/t1":        "projects/1/machineTypes/t1",
		"a:b":                               "a:b",
		"https://x/y?z=1":                   `"https://x/y?z=1"`,
		"two words":                         `"two words"`,
		`a"b`:                               `"a\"b"`,
		`a\b`:                               `"a\\b"`,
		"$HOME `id`":                        "\"\\$HOME \\`id\\`\"",
		"two\nlines":                        "\"two\nlines\"",
		" x ":                               `" x "`,
		"ü":                                 `"ü"`,
		"#no comment; nor this 'or' (that)": `"#no comment; nor this 'or' (that)"`,
	} {
		testkit.Equal(t, value, quoted(value), want)
	}
}

// A shell reads the file as systemd does.
func TestAShellReadsWhatIsQuoted(t *testing.T) {
	for _, value := range []string{"plain", "", `"`, `\`, `\\"$x`, "`id`$(id)", "a b\tc", "x\ny", "'", "ü ö", `ends in \`} {
		name := filepath.Join(t.TempDir(), "f")
		testkit.WriteFile(t, name, "V="+quoted(value)+"\n")
		out, err := exec.Command("sh", "-c", `. "$1"; printf %s "$V"`, "sh", name).Output()
		testkit.NoError(t, err)
		testkit.Equal(t, value, string(out), value)
	}
}

func TestWhatAnEnvironmentCanHave(t *testing.T) {
	for value, want := range map[string]bool{"": true, "a\tb\nc": true, "ü": true, "a\rb": false, "\x1b[2J": false, "\x7f": false, "\xff": false, "a\x00": false} {
		testkit.Equal(t, value, isEnvironment(value), want)
	}
}

func TestHostnames(t *testing.T) {
	a := func(n int) string { return strings.Repeat("a", n) }
	for given, want := range map[string]string{
		"web1":                       "web1",
		"web1.example.com":           "web1.example.com",
		"web1.example.com.":          "web1.example.com",
		"Web_1":                      "Web_1",
		a(60) + ".example.com":       a(60),
		strings.Repeat("b", 70):      strings.Repeat("b", 64),
		a(52) + ".example.com":       a(52) + ".example.com",
		a(63) + "-" + a(9):           a(63),
		a(20) + "." + a(60) + ".com": a(20),
		"a..b":                       "!each part between dots",
		"-a":                         "!each part between dots",
		"a-.b":                       "!each part between dots",
		".":                          "!it has no letter",
		"a b":                        "!it may have letters, digits, dots and dashes",
		"a\nb":                       "!it may have letters",
		"a/../b":                     "!it may have letters",
		"$(reboot)":                  "!it may have letters",
		"héros":                      "!it has characters that are not ASCII",
		a(63) + "é":                  "!it has characters that are not ASCII",
	} {
		got, err := CheckHostname(given)
		if message, refused := strings.CutPrefix(want, "!"); refused {
			testkit.ErrorContains(t, given, err, "is no hostname: ", message)
			continue
		}
		testkit.NoError(t, err)
		testkit.Equal(t, given, got, want)
	}
}

func FuzzHostname(f *testing.F) {
	for _, s := range []string{"web1", strings.Repeat("a.", 50), "é", "-", strings.Repeat("a-", 40)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, given string) {
		hostname, err := CheckHostname(given)
		if err != nil {
			return
		}
		if len(hostname) > maxHostname || hostname == "" || strings.ContainsAny(hostname, " \n/") || !strings.HasPrefix(given, hostname) {
			t.Errorf("%q is %q", given, hostname)
		}
		if again, err := CheckHostname(hostname); err != nil || again != hostname {
			t.Errorf("%q is %q, and that %q, %v", given, hostname, again, err)
		}
	})
}

const (
	ed25519 = "AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"
	key     = "ssh-ed25519 " + ed25519
)

func TestKeys(t *testing.T) {
	for given, want := range map[string]string{
		key:                          key + " ",
		key + " alice":               key + " alice",
		"  " + key + " \t a  b \r\n": key + " a  b",
		"ssh-ed25519\t" + ed25519:    key + " ",
		"no-pty " + key:              "no-pty " + key + " ",
		`from="10.0.0.0/8, x",command="a \"b c\"" ` + key + " c": `from="10.0.0.0/8, x",command="a \"b c\"" ` + key + " c",
		"":                            "!it is not a public key of a type",
		"broken":                      "!it is not a public key of a type",
		key + " a\nroot":              "!it has a line break",
		key + " \x1b[2J":              "!it has a line break or another control character",
		"ssh-ed25519":                 "!it is cut off",
		"ssh-ed25519 !!!":             "!not base64",
		"ssh-ed25519 " + ed25519[:40]: "!it is cut off",
		"ssh-rsa " + ed25519:          "!not of type ssh-rsa",
		"ssh-ed25519-cert-v01@openssh.com " + ed25519: "!it is not a public key of a type",
		`command="x ` + key:                           "!it is not a public key of a type",
	} {
		got, err := normalKey(given)
		if message, refused := strings.CutPrefix(want, "!"); refused {
			testkit.ErrorContains(t, given, err, message)
			continue
		}
		testkit.NoError(t, err)
		testkit.Equal(t, given, got, want)
	}
}

// Keys that ssh-keygen makes are keys.
func TestKeysOfSSHKeygen(t *testing.T) {
	for kind, bits := range map[string]string{"rsa": "2048", "ed25519": "", "ecdsa": "521"} {
		name := filepath.Join(t.TempDir(), "id")
		args := []string{"-q", "-t", kind, "-N", "", "-C", "me", "-f", name}
		if bits != "" {
			args = append(args, "-b", bits)
		}
		if out, err := exec.Command("ssh-keygen", args...).CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen: %v\n%s", err, out)
		}
		public := strings.TrimSpace(testkit.ReadFile(t, name+".pub"))
		got, err := normalKey(public)
		testkit.NoError(t, err)
		testkit.Equal(t, kind, got, public)
	}
}

func TestBadKeysAreSkippedWhereLinesMayBeOthers(t *testing.T) {
	skipped := 0
	keys, err := CheckKeys(providers.Keys{Lines: []string{"# x", key, "y"}, SkipBad: true}, func(error) { skipped++ })
	testkit.NoError(t, err)
	testkit.Equal(t, "keys", keys, []string{key + " "})
	testkit.Equal(t, "skipped", skipped, 2)
	_, err = CheckKeys(providers.Keys{Lines: []string{key, strings.Repeat("ü", 50)}}, nil)
	testkit.ErrorContains(t, "a bad one", err, `key 2 of 2 ("`+strings.Repeat("ü", 20)+`..."): it is not a public key`)
}

func FuzzKeys(f *testing.F) {
	for _, s := range []string{key, key + " a", `a="b \" c" ` + key, "ssh-rsa AAAA", " ", `\"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		got, err := normalKey(line)
		if err != nil {
			return
		}
		if strings.ContainsAny(got, "\n\r\x00") {
			t.Errorf("%q is %q", line, got)
		}
		if again, err := normalKey(got); err != nil || again != got && utf8.ValidString(line) {
			t.Errorf("%q is %q, and that %q, %v", line, got, again, err)
		}
	})
}

func TestAccountsAreFound(t *testing.T) {
	dir := t.TempDir()
	files := []string{filepath.Join(dir, "passwd"), filepath.Join(dir, "none"), filepath.Join(dir, "usr")}
	testkit.WriteFile(t, files[0], "root:x:0:0:root:/root:/bin/sh\nbroken\nnohome:x:7:7:::/bin/sh\nbad:x:-1:7::/h:/bin/sh\n")
	testkit.WriteFile(t, files[2], "core:x:1000:1001::/home/core:/bin/bash\nroot:x:5:5::/x:/bin/sh\n")
	for name, want := range map[string]user{"root": {"root", 0, 0, "/root"}, "core": {"core", 1000, 1001, "/home/core"}} {
		got, err := findUser(files, name)
		testkit.NoError(t, err)
		testkit.Equal(t, name, *got, want)
	}
	for name, want := range map[string]string{"nobody": "this machine has no such user", "nohome": "the user has no home directory in " + files[0], "bad": "this machine has no such user", "": "this machine has no such user"} {
		_, err := findUser(files, name)
		testkit.ErrorContains(t, name, err, want)
	}
}

func TestRemovingKeysThatAreNotThere(t *testing.T) {
	name := filepath.Join(t.TempDir(), "none/keys")
	testkit.NoError(t, removeKeys(name))
	if _, err := os.Stat(filepath.Dir(name)); err == nil {
		t.Error("a directory was made")
	}
}
