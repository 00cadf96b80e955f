package redteam_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/tests/canary"
)

// A secretMachine has secrets that stand not in its config: credentials, and what is
// encrypted to its identity of age. Its config may be read by anybody.
type secretMachine struct {
	*machine
	server   *server
	identity *age.X25519Identity
}

func newSecretMachine(t *testing.T) *secretMachine {
	t.Helper()
	s := newServer(t, canary.Birds{})
	m := &secretMachine{machine: s.machine(t), server: s}
	m.secretSources = true
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	m.identity, m.Birds["the identity"] = identity, identity.String()
	m.credential("firstlight.age", identity.String())
	m.env = append(m.env, "CREDENTIALS_DIRECTORY="+m.path("credentials"))
	m.credential("hash", "$6$salt$"+m.Word("hash of a password")+"\n")
	m.credential("unit", "[Service]\nEnvironment=A="+m.Word("unit from a credential")+"\n")
	remote := m.encrypted("[Service]\nEnvironment=A=" + m.Word("drop-in from a server") + "\n")
	s.answers["/dropin.age"] = func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, remote) }
	large := m.encrypted(strings.Repeat(m.Word("large file from a server")+"\n", 20_000))
	s.answers["/large.age"] = func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, large) }
	m.config(m.document())
	return m
}

func (m *secretMachine) credential(name, text string) {
	m.Helper()
	m.write("credentials/"+name, text, 0o600)
}

// encrypted is a text, armored, that only this machine can read.
func (m *secretMachine) encrypted(text string) string {
	m.Helper()
	var out bytes.Buffer
	a := armor.NewWriter(&out)
	w, err := age.Encrypt(a, m.identity.Recipient())
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	for _, c := range []io.Closer{w, a} {
		if err == nil {
			err = c.Close()
		}
	}
	if err != nil {
		m.Fatal(err)
	}
	return out.String()
}

func (m *secretMachine) document() string {
	m.Helper()
	inline := "age:" + config.DataURL([]byte(m.encrypted(m.Word("encrypted contents"))))
	return fmt.Sprintf(`{
  "ignition": {"version": "3.6.0+firstlight.1", "timeouts": {"httpTotal": 5}},
  "passwd": {"users": [{"name": "core", "passwordHashFrom": {"source": "credential:hash"}}]},
  "storage": {"files": [
    {"path": "/srv/inline", "mode": 384, "contents": {"source": %q}, "append": [{"source": "credential:unit"}]},
    {"path": "/srv/large", "mode": 384, "contents": {"source": "age:%s/large.age"}}
  ]},
  "systemd": {"units": [{"name": "x.service", "contentsFrom": {"source": "credential:unit"}, "dropins": [{"name": "d.conf", "contentsFrom": {"source": "age:%s/dropin.age"}}]}]}
}`, inline, m.server.URL, m.server.URL)
}

// Nothing of them is anywhere but where the config wants it, not even in what only root
// reads: the cache and the state.
func TestSecretsFromSourcesAreShownNowhere(t *testing.T) {
	m := newSecretMachine(t)
	m.traced = true
	for _, stage := range []string{"fetch", "files", "umount"} {
		if status := m.run("file", stage); status != 0 {
			t.Fatalf("%s: status %d", stage, status)
		}
	}
	for name, place := range map[string]string{
		"srv/inline": "encrypted contents", "srv/large": "large file from a server", "etc/shadow": "hash of a password",
		"etc/systemd/system/x.service": "unit from a credential", "etc/systemd/system/x.service.d/d.conf": "drop-in from a server",
	} {
		text, err := os.ReadFile(m.path("root/" + name))
		if err != nil || !strings.Contains(strings.Join(m.In(text), ","), place) {
			t.Errorf("%s: %v, %.100q", name, err, text)
		}
	}
}

// With the real program, of which all output is recorded.
func TestSecretsThatSystemdDecryptsAreShownNowhere(t *testing.T) {
	m := newSecretMachine(t)
	store := "/run/credstore.encrypted"
	if err := os.MkdirAll(store, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(store) })
	out, err := exec.Command("systemd-creds", "encrypt", "--with-key=tpm2-absent", "--name=sealed", m.path("credentials/unit"), store+"/sealed").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	m.config(strings.ReplaceAll(m.document(), `"credential:unit"`, `"credential:sealed"`))
	for _, stage := range []string{"fetch", "files", "umount"} {
		if status := m.run("file", stage); status != 0 {
			t.Fatalf("%s: status %d", stage, status)
		}
	}
	text, err := os.ReadFile(m.path("root/etc/systemd/system/x.service"))
	if err != nil || !strings.Contains(string(text), m.Word("unit from a credential")) {
		t.Errorf("%v, %q", err, text)
	}
}

// Whatever a secret is in place of what it should be.
func TestSecretsThatAreWrongAreShownNowhere(t *testing.T) {
	damaged := func(s string) string { return strings.Replace(s, "\n-----END", "AAAA\n-----END", 1) }
	for name, spoil := range map[string]func(m *secretMachine){
		"a password":        func(m *secretMachine) { m.credential("hash", m.Word("password in plain")) },
		"two lines":         func(m *secretMachine) { m.credential("hash", "$6$a$"+m.Word("one")+"\n$6$a$"+m.Word("two")) },
		"a broken unit":     func(m *secretMachine) { m.credential("unit", "["+m.Word("section")+"\n"+m.Word("line")) },
		"a broken line":     func(m *secretMachine) { m.credential("unit", "[Service]\n"+m.Word("line")) },
		"a broken identity": func(m *secretMachine) { m.credential("firstlight.age", m.identity.String()+m.Word("more")) },
		"another identity":  func(m *secretMachine) { m.credential("firstlight.age", "AGE-SECRET-KEY-1"+m.Word("key")) },
		"no age":            func(m *secretMachine) { m.answer("/large.age", m.Word("no age")) },
		"damaged":           func(m *secretMachine) { m.answer("/large.age", damaged(m.encrypted(m.Word("damaged")))) },
		"too large for a unit": func(m *secretMachine) {
			m.answer("/dropin.age", m.encrypted(strings.Repeat("#"+m.Word("large")+"\n", 80_000)))
		},
		"cut off": func(m *secretMachine) {
			m.answer("/large.age", m.encrypted(strings.Repeat(m.Word("cut off"), 20_000))[:200_000])
		},
		"a server that repeats": func(m *secretMachine) { m.server.answers["/dropin.age"] = echo(403) },
	} {
		t.Run(name, func(t *testing.T) {
			m := newSecretMachine(t)
			spoil(m)
			if m.run("file", "fetch") == 0 {
				t.Error("it has not failed")
			}
			if _, err := os.Stat(m.path("run/ignition.json")); err == nil {
				t.Error("the config is cached")
			}
		})
	}
}

func (m *secretMachine) answer(path, text string) {
	m.server.answers[path] = func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }
}

func TestHelpersThatRepeatSecretsFromSourcesShowNone(t *testing.T) {
	for _, program := range []string{"useradd", "chpasswd"} {
		t.Run(program, func(t *testing.T) {
			m := newSecretMachine(t)
			m.helper(program, "echo \"$0 $*\"; echo \"$0 $*\" >&2; cat >&2; cat /proc/$$/environ >&2; exit 1\n")
			if m.run("file", "fetch") != 0 || m.run("file", "files") == 0 {
				t.Error("it has not failed in files")
			}
		})
	}
	t.Run("systemd-creds", func(t *testing.T) {
		m := newSecretMachine(t)
		if err := os.MkdirAll("/run/credstore.encrypted", 0o700); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll("/run/credstore.encrypted") })
		if err := os.WriteFile("/run/credstore.encrypted/sealed", nil, 0o600); err != nil {
			t.Fatal(err)
		}
		m.helper("systemd-creds", "echo "+m.Word("half of a credential")+"; echo no TPM >&2; exit 1\n")
		m.config(strings.ReplaceAll(m.document(), `"credential:unit"`, `"credential:sealed"`))
		if m.run("file", "fetch") == 0 {
			t.Error("it has not failed")
		}
	})
}

// A config that is encrypted as a whole is in the cache, as others are, and nowhere else.
func TestConfigsThatAreEncryptedShowNoSecret(t *testing.T) {
	m := newSecretMachine(t)
	m.secretSources = false
	m.config(m.encrypted(m.server.config()))
	for _, stage := range []string{"fetch", "files", "umount"} {
		if status := m.run("file", stage); status != 0 {
			t.Fatalf("%s: status %d", stage, status)
		}
	}
}

// mayHoldSource is mayHold for secrets from sources: only what the config asks for may hold
// them, and what becomes that, for root alone.
func mayHoldSource(name string, mode fs.FileMode) bool {
	switch {
	case strings.HasPrefix(name, "credentials/"), strings.HasPrefix(name, "bin/"), name == "cmdline", name == "config.ign":
		return true // the test's own
	case mode&0o077 != 0 && !strings.HasPrefix(name, "root/etc/shadow"):
		return false
	}
	return strings.HasPrefix(name, "root/srv/") || strings.HasPrefix(name, "root/etc/systemd/system/x.service") || strings.HasPrefix(name, "root/etc/shadow") || temporaryInRoot(name)
}

// temporaryInRoot is temporary for what becomes a file of the root.
func temporaryInRoot(name string) bool { return strings.HasPrefix(name, "root/") && temporary(name) }
