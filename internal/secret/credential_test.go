package secret

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/system/systemtest"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// structure is one of SMBIOS.
func structure(kind byte, strings ...string) []byte {
	all := []byte{kind, 5, 0, 1, byte(len(strings))}
	for _, s := range strings {
		all = append(append(all, s...), 0)
	}
	if len(strings) == 0 {
		all = append(all, 0)
	}
	return append(all, 0)
}

// table is of structures, and ends as it should.
func table(structures ...[]byte) string {
	var all []byte
	for _, s := range structures {
		all = append(all, s...)
	}
	return string(append(all, 127, 4, 0, 2, 0, 0))
}

func TestCredentialsAreLookedForInOrder(t *testing.T) {
	smbios := table(structure(1, "QEMU"), structure(4), structure(11, "x", "io.systemd.credential:other=o"), structure(11, "io.systemd.credential:key=of SMBIOS"))
	inOrder := []struct{ place, text string }{
		{"directory/key", "of the process"},
		{"run/credentials/@system/key", "of the system"},
		{"sys/firmware/qemu_fw_cfg/by_name/opt/io.systemd.credentials/key/raw", "of fw_cfg"},
		{"sys/firmware/dmi/tables/DMI", "of SMBIOS"},
		{"etc/credstore/key", "of the administrator"},
		{"run/credstore/key", "of this boot"},
		{"usr/lib/credstore/key", "of the image"},
		{"run/credentials/@encrypted/key", "decrypted run/credentials/@encrypted/key"},
		{"etc/credstore.encrypted/key", "decrypted etc/credstore.encrypted/key"},
		{"run/credstore.encrypted/key", "decrypted run/credstore.encrypted/key"},
		{"usr/lib/credstore.encrypted/key", "decrypted usr/lib/credstore.encrypted/key"},
	}
	root := t.TempDir()
	m := &Machine{Root: root, Directory: filepath.Join(root, "directory")}
	for i := len(inOrder) - 1; i >= 0; i-- {
		c := inOrder[i]
		text := c.text
		if c.place == "sys/firmware/dmi/tables/DMI" {
			text = smbios
		}
		testkit.WriteFile(t, filepath.Join(root, c.place), text)
		run := &systemtest.Recorder{Answers: map[string]systemtest.Answer{
			"systemd-creds decrypt --name=key " + filepath.Join(root, c.place) + " -": {Stdout: c.text}}}
		m.Run = run
		got, err := m.Credential(t.Context(), "key")
		if err != nil || string(got) != c.text {
			t.Errorf("%s: got %q, %v; want %q", c.place, got, err, c.text)
		}
		if encrypted := strings.HasPrefix(c.text, "decrypted"); encrypted != (len(run.Lines()) == 1) {
			t.Errorf("%s: systemd-creds was run %q", c.place, run.Lines())
		}
	}
}

func TestCredentialsThatAreNotThere(t *testing.T) {
	m := &Machine{Root: t.TempDir(), Run: &systemtest.Recorder{}}
	_, err := m.Credential(t.Context(), "db-password")
	testkit.ErrorContains(t, "a missing credential", err, `there is no credential "db-password"`)
	if !errors.Is(err, ErrNone) || !errors.Is(err, fs.ErrNotExist) {
		t.Error("the error is not ErrNone, and that of a file that does not exist")
	}
	problem := report.Explain(err)[0]
	testkit.Contains(t, "the hint", problem.Hint, "io.systemd.credential.binary:db-password=BASE64", "loader/credentials/db-password.cred", "/etc/credstore.encrypted/db-password")
}

func TestCredentialsThatCannotBeRead(t *testing.T) {
	for name, c := range map[string]struct{ place, text, want string }{
		"too large":   {"run/credentials/@system/key", strings.Repeat("s", maxCredential+1), "too large: it has 1048577 bytes, at most 1048576 are possible"},
		"a directory": {"run/credentials/@system/key/x", "", "this is no regular file"},
		"no base64":   {"sys/firmware/dmi/tables/DMI", table(structure(11, "io.systemd.credential.binary:key=sec!ret")), `reading the credential "key" of SMBIOS: it is not base64`},
		"encrypted":   {"etc/credstore.encrypted/key", "x", "decrypting ROOT/etc/credstore.encrypted/key: systemd-creds: no TPM"},
	} {
		root := t.TempDir()
		testkit.WriteFile(t, filepath.Join(root, c.place), c.text)
		m := &Machine{Root: root, Run: &systemtest.Recorder{Answers: map[string]systemtest.Answer{"systemd-creds": {Stdout: "no TPM", Err: errors.New("exit status 1")}}}}
		_, err := m.Credential(t.Context(), "key")
		testkit.ErrorContains(t, name, err, strings.ReplaceAll(c.want, "ROOT", root))
		if strings.Contains(err.Error(), "sec!ret") {
			t.Errorf("%s: the error has the secret: %v", name, err)
		}
	}
}

func TestCredentialsOfSMBIOS(t *testing.T) {
	encoded := base64.StdEncoding.EncodeToString([]byte("a\x00b"))
	whole := table(structure(0), structure(11, "io.systemd.credential:text=a=b", "io.systemd.credential.binary:binary="+encoded, "io.systemd.credential:empty="))
	for name, want := range map[string]string{"text": "a=b", "binary": "a\x00b", "empty": ""} {
		got, err := findSMBIOS([]byte(whole), name)
		if err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v; want %q", name, got, err, want)
		}
	}
	for name, text := range map[string]string{
		"another name": whole, "nothing": "", "cut off": whole[:9], "of no length": "\x0b\x00\x00\x00", "behind the end": table() + whole,
		"of another kind": table(structure(12, "io.systemd.credential:missing=x")),
	} {
		if got, err := findSMBIOS([]byte(text), "missing"); !os.IsNotExist(err) || got != nil {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}

// Whatever the table of a host has, its end is found, and nothing is made up.
func FuzzSMBIOS(f *testing.F) {
	f.Add([]byte(table(structure(11, "io.systemd.credential:key=x"))))
	f.Add([]byte(table(structure(11, "io.systemd.credential.binary:key=eA=="))))
	f.Add([]byte("\x0b\x05\x00\x00\x01io.systemd.credential:key=x"))
	f.Fuzz(func(t *testing.T, text []byte) {
		value, err := findSMBIOS(text, "key")
		if err == nil && len(value) > len(text) {
			t.Errorf("%q is not in the table", value)
		}
	})
}

// command runs a program of this machine.
func command(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// With a key of nothing, which machines without a TPM accept.
func TestCredentialsThatSystemdHasEncrypted(t *testing.T) {
	root := t.TempDir()
	plain, at := filepath.Join(root, "plain"), filepath.Join(root, "usr/lib/credstore.encrypted/key")
	testkit.WriteFile(t, plain, "hello\n")
	testkit.WriteFile(t, at, "")
	command(t, "systemd-creds", "encrypt", "--with-key=tpm2-absent", "--name=key", plain, at)
	m := &Machine{Root: root, Run: system.Exec{Log: report.NewWriterLogger(t.Output())}}
	got, err := m.Credential(t.Context(), "key")
	if err != nil || string(got) != "hello\n" {
		t.Errorf("got %q, %v", got, err)
	}
	// Under another name it is another's.
	testkit.NoError(t, os.Rename(at, filepath.Join(filepath.Dir(at), "other")))
	_, err = m.Credential(t.Context(), "other")
	testkit.ErrorContains(t, "a credential by another name", err, "decrypting "+root+"/usr/lib/credstore.encrypted/other: ")
}

func TestCredentialsThatATPMHasSealed(t *testing.T) {
	root := t.TempDir()
	address := startTPM(t)
	t.Setenv("SYSTEMD_TPM2_DEVICE", address)
	plain, at := filepath.Join(root, "plain"), filepath.Join(root, "run/credentials/@encrypted/"+Identity)
	testkit.WriteFile(t, plain, "sealed")
	testkit.WriteFile(t, at, "")
	command(t, "systemd-creds", "encrypt", "--with-key=tpm2", "--name="+Identity, plain, at)
	m := &Machine{Root: root, Run: system.Exec{Log: report.NewWriterLogger(t.Output())}}
	got, err := m.Credential(t.Context(), Identity)
	if err != nil || string(got) != "sealed" {
		t.Errorf("got %q, %v", got, err)
	}
	t.Setenv("SYSTEMD_TPM2_DEVICE", startTPM(t)) // of another machine
	_, err = m.Credential(t.Context(), Identity)
	testkit.ErrorContains(t, "another TPM", err, "decrypting "+at+": ", "systemd-creds")
	testkit.Contains(t, "the hint", report.Explain(err)[0].Hint, "TPM")
}

// startTPM starts one, and returns how programs of systemd reach it.
func startTPM(t *testing.T) string {
	t.Helper()
	state := t.TempDir()
	for port := 22000 + os.Getpid()%20000; port < 65000; port += 2 {
		if isTaken(port) || isTaken(port+1) {
			continue
		}
		ctx, cancel := context.WithCancel(context.Background())
		tpm := exec.CommandContext(ctx, "swtpm", "socket", "--tpm2", "--tpmstate", "dir="+state, "--server", "type=tcp,port="+strconv.Itoa(port),
			"--ctrl", "type=tcp,port="+strconv.Itoa(port+1), "--flags", "not-need-init,startup-clear")
		testkit.NoError(t, tpm.Start())
		ended := make(chan struct{})
		go func() { tpm.Wait(); close(ended) }()
		if listens(port, ended) {
			t.Cleanup(func() { cancel(); <-ended })
			return fmt.Sprintf("swtpm:port=%d", port)
		}
		cancel()
		<-ended
	}
	t.Fatal("there is no port for a TPM")
	return ""
}

func isTaken(port int) bool {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return true
	}
	l.Close()
	return false
}

// listens waits until the control port of a TPM, which takes a connection of its own,
// answers, or the TPM has ended as the port is another's.
func listens(port int, ended <-chan struct{}) bool {
	for {
		if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port+1)); err == nil {
			c.Close()
			return true
		}
		select {
		case <-ended:
			return false
		case <-time.After(10 * time.Millisecond):
		}
	}
}
