package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// A keyring is a directory with an identity in the file key, and its recipient.
type keyring struct {
	*testing.T
	dir, recipient string
}

func newKeyring(t *testing.T) keyring {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	testkit.NoError(t, err)
	k := keyring{t, t.TempDir(), identity.Recipient().String()}
	testkit.WriteFile(t, k.path("key"), identity.String()+"\n")
	return k
}

func (k keyring) path(name string) string { return filepath.Join(k.dir, name) }

// run runs firstlightctl, and returns what it prints.
func (k keyring) run(status int, stdin string, args ...string) (stdout, stderr string) {
	k.Helper()
	var out, err bytes.Buffer
	if got := run(args, strings.NewReader(stdin), &out, &err); got != status {
		k.Fatalf("%q: exit status %d, want %d\n%s%s", args, got, status, &out, &err)
	}
	return out.String(), err.String()
}

// decrypt has the program age decrypt a text.
func (k keyring) decrypt(key, encrypted string) string {
	k.Helper()
	c := exec.Command("age", "--decrypt", "--identity", k.path(key))
	c.Stdin = strings.NewReader(encrypted)
	out, err := c.Output()
	testkit.NoError(k, err)
	return string(out)
}

func TestTheProgramAgeReadsWhatIsEncrypted(t *testing.T) {
	k, other := newKeyring(t), newKeyring(t)
	testkit.WriteFile(t, k.path("recipients"), "# web\n"+k.recipient+"\n\n"+other.recipient+"\n")
	testkit.WriteFile(t, k.path("plain"), "hello\n")
	for name, args := range map[string][]string{
		"two recipients": {"encrypt", "--to", k.recipient, "-t", other.recipient, k.path("plain")},
		"a file of them": {"encrypt", "-R", k.path("recipients"), k.path("plain")},
		"standard input": {"encrypt", "-R", k.path("recipients")},
	} {
		out, _ := k.run(exitOK, "hello\n", args...)
		if !config.IsAge([]byte(out)) || !strings.HasPrefix(out, "-----BEGIN AGE") {
			t.Errorf("%s: got %s", name, out)
		}
		testkit.Equal(t, name, k.decrypt("key", out), "hello\n")
		testkit.Equal(t, name+", the other", other.decrypt("key", out), "hello\n")
	}
	k.run(exitOK, "", "encrypt", "--to", k.recipient, "-o", k.path("out.age"), k.path("plain"))
	testkit.Equal(t, "a file", k.decrypt("key", testkit.ReadFile(t, k.path("out.age"))), "hello\n")
}

func TestRecipientsThatAreNone(t *testing.T) {
	k := newKeyring(t)
	key := strings.TrimSpace(testkit.ReadFile(t, k.path("key")))
	testkit.WriteFile(t, k.path("empty"), "# none\n")
	testkit.WriteFile(t, k.path("wrong"), "# one\n"+key+"\n")
	for want, args := range map[string][]string{
		"to whom? give the recipient of a machine with --to age1...":                  {},
		"--to: this is an identity, which is secret; its recipient is " + k.recipient: {"--to", key},
		"--to: this is an identity, which is secret, and not a recipient":             {"--to", key[:30]},
		"which machines do not know":                                                  {"--to", "age1pq1abc"},
		"--to: this is a key of SSH":                                                  {"--to", "ssh-ed25519 AAAA"},
		"--to: this is no recipient":                                                  {"--to", k.recipient[:40]},
		"there are no recipients in " + k.path("empty"):                               {"-R", k.path("empty")},
		k.path("wrong") + ", line 2: this is an identity, which is secret":            {"-R", k.path("wrong")},
		"reading recipients: open " + k.path("missing"):                               {"-R", k.path("missing")},
		"reading what is to be encrypted: open " + k.path("missing"):                  {"--to", k.recipient, k.path("missing")},
	} {
		out, err := k.run(exitError, "secret", append([]string{"encrypt"}, args...)...)
		testkit.Contains(t, "standard error", err, want)
		if out != "" || strings.Contains(err, key[20:30]) {
			t.Errorf("%q: printed %q and %q", args, out, err)
		}
	}
}

// editWith has edit run a script of a shell, with the file as $1.
func (k keyring) editWith(script string) {
	k.Helper()
	testkit.WriteFile(k, k.path("editor"), "#!/bin/sh\n"+script)
	testkit.NoError(k, os.Chmod(k.path("editor"), 0o755))
	k.Setenv("VISUAL", k.path("editor")+" --wait")
	k.Setenv("XDG_RUNTIME_DIR", k.path("memory"))
	testkit.NoError(k, os.MkdirAll(k.path("memory"), 0o700))
}

const appendLine = `test "$1" = --wait && shift; stat -c '%a %n' "$1" "${1%/*}" > ` + `"$(dirname "$0")/seen"; echo more >> "$1"` + "\n"

func TestEdit(t *testing.T) {
	k := newKeyring(t)
	encrypted, _ := k.run(exitOK, "first\n", "encrypt", "--to", k.recipient)
	testkit.WriteFile(t, k.path("db.yaml.age"), encrypted)
	testkit.NoError(t, os.Chmod(k.path("db.yaml.age"), 0o640))
	k.editWith(appendLine)
	k.run(exitOK, "", "edit", "--identity", k.path("key"), k.path("db.yaml.age"))
	after := testkit.ReadFile(t, k.path("db.yaml.age"))
	testkit.Equal(t, "what is edited", k.decrypt("key", after), "first\nmore\n")
	info, err := os.Stat(k.path("db.yaml.age"))
	if err != nil || info.Mode().Perm() != 0o640 || !strings.HasPrefix(after, "-----BEGIN") {
		t.Errorf("got mode %v, %v, %s", info.Mode(), err, after)
	}
	// The file of the editor is the user's alone, in memory, has a name that tells its kind,
	// and is gone.
	seen := testkit.ReadFile(t, k.path("seen"))
	lines := strings.Split(seen, "\n")
	if !strings.HasPrefix(lines[0], "600 "+k.path("memory/firstlight-")) || !strings.HasSuffix(lines[0], "/db.yaml") || !strings.HasPrefix(lines[1], "700 ") {
		t.Errorf("the editor saw %s", seen)
	}
	if left, err := os.ReadDir(k.path("memory")); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
	// Binary files stay so, and others get to read them.
	other := newKeyring(t)
	binary, err := exec.Command("age", "--encrypt", "--recipient", k.recipient, k.path("seen")).Output()
	testkit.NoError(t, err)
	testkit.WriteFile(t, k.path("b.age"), string(binary))
	k.run(exitOK, "", "edit", "-i", k.path("key"), "--to", other.recipient, k.path("b.age"))
	after = testkit.ReadFile(t, k.path("b.age"))
	testkit.Equal(t, "a binary file", other.decrypt("key", after), seen+"more\n")
	testkit.Equal(t, "it is binary", strings.HasPrefix(after, "age-encryption.org/"), true)
	// A new one is made.
	k.run(exitOK, "", "edit", "--to", k.recipient, k.path("new.age"))
	testkit.Equal(t, "a new file", k.decrypt("key", testkit.ReadFile(t, k.path("new.age"))), "more\n")
}

func TestEditsThatChangeNothing(t *testing.T) {
	k, other := newKeyring(t), newKeyring(t)
	one, _ := k.run(exitOK, "first\n", "encrypt", "--to", k.recipient)
	two, _ := k.run(exitOK, "first\n", "encrypt", "--to", k.recipient, "--to", other.recipient)
	testkit.WriteFile(t, k.path("one"), one)
	testkit.WriteFile(t, k.path("two"), two)
	testkit.WriteFile(t, k.path("cut"), one[:len(one)-60])
	testkit.WriteFile(t, k.path("plain"), "hello")
	testkit.WriteFile(t, k.path("no key"), "AGE-SECRET-KEY-1XXX")
	for _, c := range []struct {
		script string
		status int
		want   string
		args   []string
	}{
		{"true\n", exitOK, k.path("one") + ": nothing was changed", []string{"-i", k.path("key"), k.path("one")}},
		{"exit 3\n", exitError, "the editor has failed, and the file stays as it was: exit status 3", []string{"-i", k.path("key"), k.path("one")}},
		{appendLine, exitError, "the file is encrypted to 2 recipients and does not say to whom; give them again with --to", []string{"-i", k.path("key"), k.path("two")}},
		{appendLine, exitError, "with what is it decrypted? give the file with your identity with --identity", []string{k.path("one")}},
		{appendLine, exitError, "decrypting " + k.path("one") + ": it is encrypted with age, but not to " + other.path("key"), []string{"-i", other.path("key"), k.path("one")}},
		{appendLine, exitError, "it is damaged, cut off, or was changed", []string{"-i", k.path("key"), k.path("cut")}},
		{appendLine, exitError, "what is there is not encrypted with age", []string{"-i", k.path("key"), k.path("plain")}},
		{appendLine, exitError, k.path("no key") + ": line 1 is no identity of age", []string{"-i", k.path("no key"), k.path("one")}},
		{appendLine, exitError, "reading the identity: open " + k.path("missing"), []string{"-i", k.path("missing"), k.path("one")}},
		{appendLine, exitError, "to whom? give the recipient", []string{"-i", k.path("key"), k.path("new")}},
	} {
		k.editWith(c.script)
		_, stderr := k.run(c.status, "", append([]string{"edit"}, c.args...)...)
		testkit.Contains(t, "standard error", stderr, c.want)
		if testkit.ReadFile(t, k.path("one")) != one || testkit.ReadFile(t, k.path("two")) != two {
			t.Fatalf("%s: a file was changed", c.want)
		}
		if left, err := os.ReadDir(k.path("memory")); err != nil || len(left) > 0 {
			t.Errorf("%s: %v is left, %v", c.want, left, err)
		}
	}
}
