package secret

import (
	"bytes"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// machineWith has identities.
func machineWith(t *testing.T, text string) *Machine {
	t.Helper()
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, Identity), text)
	return &Machine{Root: t.TempDir(), Directory: dir}
}

func newIdentity(t *testing.T) *age.X25519Identity {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	testkit.NoError(t, err)
	return identity
}

func encrypt(t *testing.T, text string, armored bool, to ...age.Recipient) []byte {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser = nopCloser{&out}
	if armored {
		w = armor.NewWriter(&out)
	}
	e, err := age.Encrypt(w, to...)
	testkit.NoError(t, err)
	_, err = io.WriteString(e, text)
	testkit.NoError(t, errors.Join(err, e.Close(), w.Close()))
	return out.Bytes()
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func decrypt(t *testing.T, m *Machine, encrypted io.Reader) (string, error) {
	t.Helper()
	r, err := m.Decrypt(t.Context(), encrypted)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(r)
	return string(text), err
}

func TestDecryption(t *testing.T) {
	ours, others := newIdentity(t), newIdentity(t)
	m := machineWith(t, "# created: today\n# public key: "+ours.Recipient().String()+"\n"+newIdentity(t).String()+"\n\n"+ours.String()+"\n")
	for _, text := range []string{"", "hello", strings.Repeat("0123456789", 20_000)} {
		for _, armored := range []bool{false, true} {
			encrypted := encrypt(t, text, armored, others.Recipient(), ours.Recipient())
			got, err := decrypt(t, m, iotest.OneByteReader(bytes.NewReader(encrypted)))
			if err != nil || got != text {
				t.Errorf("%d bytes, armored %t: got %d bytes, %v", len(text), armored, len(got), err)
			}
		}
	}
	got, err := decrypt(t, m, strings.NewReader("\r\n"+strings.ReplaceAll(string(encrypt(t, "hello", true, ours.Recipient())), "\n", "\r\n")))
	if err != nil || got != "hello" {
		t.Errorf("with the line ends of Windows: got %q, %v", got, err)
	}
}

func TestWhatCannotBeDecrypted(t *testing.T) {
	ours, others := newIdentity(t), newIdentity(t)
	passphrase, err := age.NewScryptRecipient("secret")
	testkit.NoError(t, err)
	passphrase.SetWorkFactor(2)
	whole := encrypt(t, strings.Repeat("hello", 20_000), false, ours.Recipient())
	armored := encrypt(t, "hello", true, ours.Recipient())
	changed := func(at int) []byte {
		other := bytes.Clone(whole)
		other[at] ^= 1
		return other
	}
	const damaged = "it is encrypted with age, but it is damaged, cut off, or was changed"
	for name, c := range map[string]struct {
		text       []byte
		want, hint string
	}{
		"nothing":                  {nil, "what is there is not encrypted with age", ""},
		"plain text":               {[]byte("password"), "what is there is not encrypted with age", ""},
		"to others":                {encrypt(t, "hello", false, others.Recipient()), "it is encrypted with age, but not to this machine", "firstlightctl encrypt --to " + ours.Recipient().String() + " FILE"},
		"with a passphrase":        {encrypt(t, "hello", false, passphrase), "it is encrypted with a passphrase, and not to this machine", "--to " + ours.Recipient().String()},
		"a header that was cut":    {whole[:40], damaged, "encrypt it again"},
		"a header that is changed": {changed(bytes.Index(whole, []byte("\n--- ")) + 10), damaged, ""},
		"cut in the middle":        {whole[:80_000], damaged, ""},
		"changed in the middle":    {changed(80_000), damaged, ""},
		"changed at the end":       {changed(len(whole) - 1), damaged, ""},
		"with more behind it":      {append(bytes.Clone(whole), 'x'), damaged, ""},
		"armor that was cut":       {armored[:len(armored)-40], damaged, ""},
		"armor with other text":    {bytes.Replace(armored, []byte("\n"), []byte("\n!!"), 1), damaged, ""},
	} {
		got, err := decrypt(t, machineWith(t, ours.String()), bytes.NewReader(c.text))
		testkit.ErrorContains(t, name, err, c.want)
		problem := report.Explain(err)[0]
		testkit.Contains(t, name+": the hint", problem.Hint, c.hint)
		if problem.Cause != c.want || strings.Contains(err.Error(), ours.String()) {
			t.Errorf("%s: the cause is %q, after %d bytes", name, problem.Cause, len(got))
		}
	}
}

// An error of the network is one, whatever the library makes of it.
func TestErrorsOfWhatIsDecryptedStay(t *testing.T) {
	ours := newIdentity(t)
	broken := errors.New("the connection is broken")
	for _, armored := range []bool{false, true} {
		whole := encrypt(t, strings.Repeat("hello", 30_000), armored, ours.Recipient())
		for _, length := range []int{0, 10, 100, 300, 100_000} {
			_, err := decrypt(t, machineWith(t, ours.String()), io.MultiReader(bytes.NewReader(whole[:length]), iotest.ErrReader(broken)))
			if err != broken {
				t.Errorf("after %d bytes, armored %t: got %v", length, armored, err)
			}
		}
	}
}

func TestIdentitiesThatCannotBeUsed(t *testing.T) {
	encrypted := encrypt(t, "hello", false, newIdentity(t).Recipient())
	key := newIdentity(t).String()
	for name, c := range map[string]struct{ text, want string }{
		"nothing":        {"\n# nothing\n", "looking for the age identity of this machine: there is no identity in it"},
		"a damaged one":  {"# one\n" + key[:len(key)-1], "line 2 is no identity of age"},
		"a recipient":    {newIdentity(t).Recipient().String(), "line 1 is no identity of age"},
		"one of SSH":     {"-----BEGIN OPENSSH PRIVATE KEY-----\n", "line 1 is no identity of age"},
		"another secret": {"AGE-PLUGIN-YUBIKEY-1QQQ", "line 1 is no identity of age"},
	} {
		_, err := decrypt(t, machineWith(t, c.text), bytes.NewReader(encrypted))
		testkit.ErrorContains(t, name, err, c.want)
		testkit.Contains(t, name+": the hint", report.Explain(err)[0].Hint, "age-keygen")
		if strings.Contains(err.Error(), key[20:40]) {
			t.Errorf("%s: the error has the identity: %v", name, err)
		}
	}
	_, err := decrypt(t, &Machine{Root: t.TempDir()}, bytes.NewReader(encrypted))
	testkit.ErrorContains(t, "no identity", err, `looking for the age identity of this machine: there is no credential "firstlight.age": this machine does not have it`)
}

// The program age encrypts, and reads what we encrypt; see firstlightctl for the rest.
func TestWhatTheProgramAgeEncrypts(t *testing.T) {
	dir := t.TempDir()
	key, plain := filepath.Join(dir, "key"), filepath.Join(dir, "plain")
	testkit.WriteFile(t, plain, "hello")
	command(t, "age-keygen", "-o", key)
	identities, err := ParseIdentities([]byte(testkit.ReadFile(t, key)))
	if err != nil || len(identities) != 1 {
		t.Fatalf("%d identities, %v", len(identities), err)
	}
	m := machineWith(t, testkit.ReadFile(t, key))
	for _, options := range [][]string{nil, {"--armor"}} {
		out, err := exec.Command("age", append(options, "--encrypt", "--identity", key, plain)...).Output()
		testkit.NoError(t, err)
		if got, err := decrypt(t, m, bytes.NewReader(out)); err != nil || got != "hello" {
			t.Errorf("%q: got %q, %v", options, got, err)
		}
	}
}

// Whatever a server has in place of a file of age is refused, or decrypted as a whole.
func FuzzDecrypt(f *testing.F) {
	const key = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
	f.Add([]byte("age-encryption.org/v1\n-> X25519 abc\n"))
	f.Add([]byte("-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n-----END AGE ENCRYPTED FILE-----\n"))
	f.Add([]byte("age-encryption.org/v1\n-> X25519 CJM36AHmTbdHSuOQL+NESqyVQE75f2e610iRdLPEN20\nC3ZAeY64NXS4QFrksLm3EGz+uPRyI0eQsWw7LWbbYig\n--- x\n"))
	identity, err := age.ParseX25519Identity(key)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m := &Machine{identities: []age.Identity{identity}}
		if r, err := m.Decrypt(t.Context(), bytes.NewReader(text)); err == nil {
			io.Copy(io.Discard, r)
		}
	})
}
