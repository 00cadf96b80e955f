package main

import (
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/internal/tpm"
)

func TestVerifyingConfigs(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	tool := func(name string, args ...string) {
		t.Helper()
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
	tool("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path("key"))
	tool("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path("other"))
	const text = "{\"ignition\": {\"version\": \"3.5.0\"}}\n"
	for _, name := range []string{"beside", "changed", "unsigned"} {
		testkit.WriteFile(t, path(name), text)
	}
	for _, name := range []string{"beside", "changed"} {
		tool("ssh-keygen", "-q", "-Y", "sign", "-n", "firstlight", "-f", path("key"), path(name))
	}
	testkit.WriteFile(t, path("before"), testkit.ReadFile(t, path("beside.sig"))+text)
	testkit.WriteFile(t, path("changed"), text+" ")
	testkit.WriteFile(t, path("trusted.d/a.pub"), testkit.ReadFile(t, path("key.pub")))

	for _, keys := range []string{"trusted.d", "key.pub"} {
		status, out, _ := ctl(t, "verify", "--trusted", path(keys), path("beside"), path("before"))
		testkit.Equal(t, "status", status, exitOK)
		testkit.Contains(t, "output", out, path("beside")+": signed with the SSH key SHA256:", path("before")+": signed with the SSH key SHA256:")
	}
	for name, want := range map[string]string{
		"unsigned": path("unsigned") + ": not signed: it does not begin with a signature, and there is no " + path("unsigned.sig"),
		"changed":  path("changed") + ": not signed: the signature is not one of these bytes",
	} {
		status, out, _ := ctl(t, "verify", "--trusted", path("key.pub"), path(name), path("beside"))
		testkit.Equal(t, "status", status, exitRefused)
		testkit.Contains(t, "output", out, want, path("beside")+": signed with the ")
	}
	_, out, _ := ctl(t, "verify", "--trusted", path("other.pub"), path("beside"))
	testkit.Contains(t, "a stranger's", out, "not signed: it was signed with the SSH key SHA256:", "which is none of the trusted keys: SSH key")
	testkit.NoError(t, os.Mkdir(path("empty"), 0o755))
	for name, args := range map[string][]string{
		`required flag(s) "trusted" not set`:    {path("beside")},
		"reading the trusted keys: stat ":       {"--trusted", path("none"), path("beside")},
		"there is no key in " + path("empty"):   {"--trusted", path("empty"), path("beside")},
		"key, line 1: this is no public key of": {"--trusted", path("key"), path("beside")},
		"reading the config: open ":             {"--trusted", path("key.pub"), path("none")},
	} {
		status, _, errors := ctl(t, append([]string{"verify"}, args...)...)
		testkit.Equal(t, "status", status, exitError)
		testkit.Contains(t, "errors", errors, name)
	}
	// What a platform gets is checked as what it has in it.
	status, out, errors := ctl(t, "validate", path("before"))
	testkit.Equal(t, "validate "+out+errors, status, exitOK)
	status, _, errors = ctl(t, "fmt", "--write", path("before"))
	testkit.Equal(t, "status", status, exitError)
	testkit.Contains(t, "fmt", errors, path("before")+" is packed (signature); format the text that it was made of")
}

func TestPredictionIsWhatATPMHas(t *testing.T) {
	dir := t.TempDir()
	conn, err := testkit.TPM(t)()
	testkit.NoError(t, err)
	defer conn.Close()
	device := tpm.New(conn)
	banks, _, err := device.ActiveBanks()
	testkit.NoError(t, err)
	args := []string{"measure"}
	for name, text := range map[string]string{"a": "user data", "b": testkit.Gzip("another")} {
		testkit.WriteFile(t, filepath.Join(dir, name), text)
		testkit.NoError(t, device.Extend(banks, []byte(text)))
		args = append(args, filepath.Join(dir, name))
	}
	status, out, errors := ctl(t, append(args, args[1])...) // the first once more
	testkit.Equal(t, errors, status, exitOK)
	for _, b := range banks {
		value, err := device.Value(b)
		testkit.NoError(t, err)
		testkit.Contains(t, "prediction", out, b.Name+" "+hex.EncodeToString(value)+"\n")
	}
	// In two steps it is the same.
	sha256 := func(out string) string { return strings.Fields(out[strings.Index(out, "sha256"):])[1] }
	_, first, _ := ctl(t, "measure", args[1])
	_, second, _ := ctl(t, "measure", "--from", "sha256="+sha256(first), args[2])
	testkit.Equal(t, "in two steps", second, "sha256 "+sha256(out)+"\n")
	for _, from := range []string{"", "sha256", "md5=00", "sha256=00", "sha1=x", "sha256=" + strings.Repeat("x", 64)} {
		status, _, errors := ctl(t, "measure", "--from", from, args[1])
		testkit.Equal(t, "status", status, exitError)
		testkit.Contains(t, "errors", errors, "--from="+from+": it should be sha1, sha256, sha384 or sha512, =, and all digits of its value")
	}
	_, _, errors = ctl(t, "measure", filepath.Join(dir, "none"))
	testkit.Contains(t, "errors", errors, "reading the config: open ")
}
