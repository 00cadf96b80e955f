package stages

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

const extended = `"ignition": {"version": "3.6.0+firstlight.1"}`

// withIdentity gives the bench an identity of age, and credentials.
func (b *bench) withIdentity(credentials map[string]string) *age.X25519Identity {
	b.t.Helper()
	identity, err := age.GenerateX25519Identity()
	testkit.NoError(b.t, err)
	b.t.Setenv("CREDENTIALS_DIRECTORY", b.path("credentials"))
	b.write("credentials/firstlight.age", identity.String()+"\n")
	for name, text := range credentials {
		b.write("credentials/"+name, text)
	}
	return identity
}

// sealed is a text that is encrypted to an identity, armored.
func sealed(t *testing.T, to *age.X25519Identity, text string) string {
	t.Helper()
	var out bytes.Buffer
	a := armor.NewWriter(&out)
	w, err := age.Encrypt(a, to.Recipient())
	testkit.NoError(t, err)
	_, err = io.WriteString(w, text)
	testkit.NoError(t, err)
	testkit.NoError(t, w.Close())
	testkit.NoError(t, a.Close())
	return out.String()
}

func TestSecretsOfAFirstBoot(t *testing.T) {
	b := newBench(t, "")
	identity := b.withIdentity(map[string]string{"unit": "[Service]\nEnvironment=A=canary\n"})
	url := server(t, map[string]string{"/remote": sealed(t, identity, "remote canary")})
	b.write("user.ign", fmt.Sprintf(`{%s, "storage": {"files": [
		{"path": "/etc/inline", "mode": 384, "contents": {"source": "age:%s"}},
		{"path": "/etc/remote", "mode": 384, "contents": {"source": "age:%s/remote"}, "append": [{"source": "credential:unit"}]}]},
		"systemd": {"units": [{"name": "a.service", "contentsFrom": {"source": "credential:unit"}}]}}`,
		extended, config.DataURL([]byte(sealed(t, identity, "inline canary"))), url))
	// One of them needs the network, so that nothing is cached before there is one.
	b.must("fetch-offline")
	if system.Exists(b.opts.ConfigCache) || !system.Exists(b.opts.NeedNet) {
		t.Error("the network was not asked for")
	}
	b.must("fetch", "files")
	for name, want := range map[string]string{"inline": "inline canary", "remote": "remote canary[Service]\nEnvironment=A=canary\n", "systemd/system/a.service": "[Service]\nEnvironment=A=canary\n"} {
		testkit.Equal(t, name, b.read("root/etc/"+name), want)
	}
	for name, text := range b.tree("run") {
		if strings.Contains(text, "canary") || strings.Contains(text, "AGE-SECRET") {
			t.Errorf("%s has a secret: %s", name, text)
		}
	}
	if log := b.log.String(); strings.Contains(log, "canary") || strings.Contains(log, "AGE-SECRET") || !strings.Contains(log, "reading 4 secrets, as a trial") {
		t.Errorf("the log is\n%s", log)
	}
}

// Whatever is wrong with them is said at once, with its place, before anything is written.
func TestSecretsThatCannotBeUsedStopTheBootBeforeAnythingIsWritten(t *testing.T) {
	b := newBench(t, "")
	b.withIdentity(map[string]string{"plain": "password1", "key": "-----BEGIN OPENSSH PRIVATE KEY-----\n", "empty": "", "unit": "[Service\n", "good": "$6$salt$hash"})
	other, err := age.GenerateX25519Identity()
	testkit.NoError(t, err)
	source := config.DataURL([]byte(sealed(t, other, "canary")))
	b.write("user.ign", fmt.Sprintf(`{%s, "storage": {"files": [{"path": "/etc/a", "contents": {"source": "age:%s"}}, {"path": "/etc/b", "contents": {"source": "credential:none"}}],
		"luks": [{"name": "l", "device": "/dev/null", "keyFile": {"source": "credential:empty"}}]},
		"passwd": {"users": [{"name": "a", "passwordHashFrom": {"source": "credential:plain"}, "sshAuthorizedKeysFrom": [{"source": "credential:key"}, {"source": "credential:empty"}]},
			{"name": "b", "passwordHashFrom": {"source": "credential:empty"}}, {"name": "c", "passwordHashFrom": {"source": "credential:good"}}]},
		"systemd": {"units": [{"name": "a.service", "contentsFrom": {"source": "credential:unit"}, "dropins": [{"name": "d.conf", "contentsFrom": {"source": "credential:empty"}}]}]}}`,
		extended, source))
	b.fails("fetch-offline", "problem 1 looking at the secret from credential:empty cause the key is empty", "hint put there what is meant to be there, or name another source")
	type problem struct {
		Operation, Cause, Hint string
		Origin                 struct{ Path string }
	}
	var stage struct{ Problems []problem }
	testkit.NoError(t, json.Unmarshal([]byte(b.read("run/ignition/report.json")), &stage))
	found := map[string]string{}
	for _, p := range stage.Problems {
		found[p.Origin.Path] = p.Operation + ": " + p.Cause + "; " + p.Hint
	}
	want := map[string]string{
		"storage.files[0].contents.source":                "it is encrypted with age, but not to this machine; encrypt it to this machine: firstlightctl encrypt --to age1",
		"storage.files[1].contents.source":                `fetching credential:none: there is no credential "none"`,
		"storage.luks[0].keyFile.source":                  "looking at the secret from credential:empty: the key is empty",
		"passwd.users[0].passwordHashFrom.source":         "this is not the hash of a password",
		"passwd.users[0].sshAuthorizedKeysFrom[0].source": "this is a private key, which is a secret",
		"passwd.users[0].sshAuthorizedKeysFrom[1].source": "there are no keys in it",
		"passwd.users[1].passwordHashFrom.source":         "it is empty; it should be the hash of a password",
		"systemd.units[0].contentsFrom.source":            "looking at the secret from credential:unit: systemd cannot read line 1 of this",
		"systemd.units[0].dropins[0].contentsFrom.source": "it is empty; it should be a unit, or a drop-in",
	}
	for path, words := range want {
		testkit.Contains(t, path, found[path], words)
	}
	testkit.Equal(t, "the number of problems", len(stage.Problems), len(want))
	text := b.read("run/ignition/report.txt") + b.log.String() + b.read("run/ignition/report.json")
	for _, secret := range []string{"password1", "canary", "AGE-SECRET", "$6$salt"} {
		if strings.Contains(text, secret) {
			t.Errorf("the report has %q:\n%s", secret, text)
		}
	}
	if system.Exists(b.opts.ConfigCache) {
		t.Error("the config is cached")
	}
}

func TestConfigsThatAreEncryptedAsAWhole(t *testing.T) {
	const motd = `, "storage": {"files": [{"path": "/etc/motd", "contents": {"source": "data:,hello"}}]}}`
	for name, pack := range map[string]func(string) string{
		"armored":              func(s string) string { return s },
		"in base64":            testkit.Base64,
		"compressed":           testkit.Gzip,
		"compressed in base64": func(s string) string { return testkit.Base64(testkit.Gzip(s)) },
	} {
		b := newBench(t, "")
		identity := b.withIdentity(nil)
		b.write("user.ign", pack(sealed(t, identity, testkit.Gzip("{"+version+motd))))
		b.must("fetch-offline", "files")
		testkit.Equal(t, name, b.read("root/etc/motd"), "hello")
		testkit.Contains(t, "the log", b.log.String(), "was packed: ", "age, gzip")
	}
	// One that another config refers to, in Butane.
	b := newBench(t, "")
	identity := b.withIdentity(nil)
	child := sealed(t, identity, "variant: fcos\nversion: 1.6.0\nstorage: {files: [{path: /etc/motd, contents: {inline: hello}}]}\n")
	b.write("user.ign", `{`+version+`, "storage": {"files": [{"path": "/etc/issue"}]}}`)
	b.write("image/usr/base.d/a.ign", child)
	b.must("fetch-offline", "files")
	testkit.Equal(t, "what a base config has", b.read("root/etc/motd"), "hello")
	b = newBench(t, "")
	identity = b.withIdentity(nil)
	b.write("user.ign", `{"ignition": {"version": "3.6.0+firstlight.1", "config": {"replace": {"source": "age:`+config.DataURL([]byte(sealed(t, identity, "{"+version+motd)))+`"}}}}`)
	b.must("fetch-offline", "files")
	testkit.Equal(t, "what replaces it", b.read("root/etc/motd"), "hello")
}

func TestConfigsThatCannotBeDecrypted(t *testing.T) {
	b := newBench(t, "")
	identity := b.withIdentity(nil)
	once := sealed(t, identity, `{`+version+`}`)
	b.write("user.ign", sealed(t, identity, once))
	b.fails("fetch-offline", "it is encrypted twice", "hint encrypt the config itself, once")
	b.write("user.ign", strings.Replace(once, "END", "ENT", 1))
	b.fails("fetch-offline", "it is damaged, cut off, or was changed", "hint encrypt it again")
	b.write("user.ign", once)
	t.Setenv("CREDENTIALS_DIRECTORY", filepath.Join(b.dir, "none"))
	b.fails("fetch-offline", `there is no credential "firstlight.age"`, "io.systemd.credential.binary:firstlight.age=BASE64")
}

func TestTreesHaveNoSecrets(t *testing.T) {
	b := newBench(t, "")
	err := Apply(t.Context(), ApplyOptions{Root: b.path("root"), Name: "test", Log: b.opts.Log,
		Text: []byte(`{` + extended + `, "storage": {"files": [{"path": "/etc/a", "contents": {"source": "data:,a"}}, {"path": "/etc/b", "contents": {"source": "credential:none"}}]}}`)})
	testkit.ErrorContains(t, "applying", err, `there is no credential "none"`)
	if system.Exists(b.path("root/etc/a")) {
		t.Error("a file was written")
	}
}

// A config that is signed vouches for what stands in it, also if that is encrypted. What is
// encrypted elsewhere has its signature inside.
func TestEncryptedConfigsAreSignedOrVouchedFor(t *testing.T) {
	b, sign := trusting(t, "")
	identity := b.withIdentity(nil)
	child := `{` + version + `, "storage": {"files": [{"path": "/etc/child"}]}}`
	url := server(t, map[string]string{"/signed.age": sealed(t, identity, sign(child)+child), "/unsigned.age": sealed(t, identity, child)})
	for source, want := range map[string]string{
		"age:" + config.DataURL([]byte(sealed(t, identity, child))): "",
		"age:" + url + "/signed.age":                                "",
		"age:" + url + "/unsigned.age":                              "encrypted with age is not signed, as this image wants it",
	} {
		text := fmt.Sprintf(`{"ignition": {"version": "3.6.0+firstlight.1", "config": {"replace": {"source": %q}}}}`, source)
		b.write("user.ign", sign(text)+text)
		if want != "" {
			b.refuses("fetch", want)
			continue
		}
		b.must("fetch")
		testkit.Equal(t, source, b.cachedConfig().Storage.Files[0].Path, "/etc/child")
	}
	// The signature of user data that is encrypted as a whole is that of what is handed over.
	whole := sealed(t, identity, child)
	b.write("user.ign", sign(whole)+whole)
	b.must("fetch")
	testkit.Equal(t, "user data", b.cachedConfig().Storage.Files[0].Path, "/etc/child")
}
