package trust

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

const message = `{"ignition": {"version": "3.5.0"}}` + "\n"

// run runs a program of those that people sign with.
func run(t testing.TB, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s(tests/prepare installs it)", cmd, err, out)
	}
}

// A signer is a key pair in a directory of its own.
type signer struct {
	t    testing.TB
	dir  string
	kind string // of ssh-keygen, or minisign
}

func newSigner(t testing.TB, kind string, options ...string) signer {
	s := signer{t, t.TempDir(), kind}
	if kind == "minisign" {
		run(t, "minisign", "-G", "-W", "-p", s.public(), "-s", s.dir+"/key")
	} else {
		run(t, "ssh-keygen", append([]string{"-q", "-t", kind, "-N", "", "-C", "a person", "-f", s.dir + "/key"}, options...)...)
	}
	return s
}

func (s signer) public() string { return s.dir + "/key.pub" }

func (s signer) keys() Keys {
	s.t.Helper()
	keys, err := ParseKeys(testkit.ReadFile(s.t, s.public()), s.public())
	testkit.NoError(s.t, err)
	return keys
}

// sign returns a signature, made with more options than usual.
func (s signer) sign(text string, options ...string) string {
	s.t.Helper()
	name := filepath.Join(s.t.TempDir(), "config")
	testkit.WriteFile(s.t, name, text)
	if s.kind == "minisign" {
		run(s.t, "minisign", append([]string{"-S", "-s", s.dir + "/key", "-m", name, "-x", name + Suffix}, options...)...)
	} else {
		if options == nil {
			options = []string{"-n", Namespace}
		}
		run(s.t, "ssh-keygen", append(append([]string{"-q", "-Y", "sign", "-f", s.dir + "/key"}, options...), name)...)
	}
	return testkit.ReadFile(s.t, name+Suffix)
}

func TestSignaturesOfRealProgramsAreVerified(t *testing.T) {
	for _, c := range [][]string{{"minisign"}, {"ed25519"}, {"ecdsa", "-b", "256"}, {"ecdsa", "-b", "384"}, {"ecdsa", "-b", "521"}, {"rsa", "-b", "2048"}} {
		t.Run(strings.Join(c, ""), func(t *testing.T) {
			s := newSigner(t, c[0], c[1:]...)
			keys := s.keys()
			other := newSigner(t, "ed25519").keys()
			for _, text := range []string{message, "", strings.Repeat("x", 128), strings.Repeat("binary\x00\xff", 1000)} {
				signature := s.sign(text)
				by, err := append(other, keys...).Verify([]byte(text), []byte(signature))
				if err != nil || !strings.Contains(by, "(key.pub)") {
					t.Errorf("%d bytes: got %q, %v", len(text), by, err)
				}
				if _, err := keys.Verify([]byte(text+" "), []byte(signature)); err != errAltered {
					t.Errorf("%d bytes, altered: got %v", len(text), err)
				}
				_, err = other.Verify([]byte(text), []byte(signature))
				testkit.ErrorContains(t, "a stranger's", err, "it was signed with the ", "which is none of the trusted keys: SSH key SHA256:")
			}
		})
	}
}

func TestHashesOfSSHSignatures(t *testing.T) {
	s := newSigner(t, "rsa", "-b", "2048")
	for _, hash := range []string{"sha256", "sha512"} {
		_, err := s.keys().Verify([]byte(message), []byte(s.sign(message, "-n", Namespace, "-O", "hashalg="+hash)))
		testkit.NoError(t, err)
	}
}

func TestTheTrustedCommentIsSaid(t *testing.T) {
	s := newSigner(t, "minisign")
	by, err := s.keys().Verify([]byte(message), []byte(s.sign(message, "-t", "for web1, May 2026")))
	testkit.NoError(t, err)
	testkit.Contains(t, "signer", by, "minisign key ", `trusted comment "for web1, May 2026"`)
}

func TestSignaturesThatDoNotCount(t *testing.T) {
	m, s := newSigner(t, "minisign"), newSigner(t, "ed25519")
	trusted := append(m.keys(), s.keys()...)
	mini, ssh := m.sign(message, "-t", "comment"), s.sign(message)
	lines := strings.Split(mini, "\n")
	for name, c := range map[string]struct{ signature, want string }{
		"empty":                 {"", "is none of minisign, and none of ssh-keygen"},
		"another text":          {"-----BEGIN PGP SIGNATURE-----\n", "is none of minisign, and none of ssh-keygen"},
		"huge":                  {sshBegin + strings.Repeat("\n", maxSignature), "has more than 16384 bytes, or does not end"},
		"another namespace":     {s.sign(message, "-n", "file"), "it was signed for another namespace than firstlight"},
		"without an end":        {ssh[:len(ssh)/2], "the signature of ssh-keygen is damaged"},
		"something after it":    {ssh + "x", "the signature of ssh-keygen is damaged"},
		"no base64":             {strings.Replace(ssh, "\nU1NIU0lH", "\n!!!!!!!!", 1), "the signature of ssh-keygen is damaged"},
		"a bit of it":           {sshBegin + "\nU1NIU0lHAAAAAQ==\n" + sshEnd, "the signature of ssh-keygen is damaged"},
		"another version":       {strings.Replace(ssh, "U1NIU0lHAAAAAQ", "U1NIU0lHAAAAAg", 1), "the signature of ssh-keygen is damaged"},
		"three lines":           {strings.Join(lines[:3], "\n"), "should be four lines"},
		"a short line":          {strings.Replace(mini, lines[1], lines[1][:40], 1), "should be four lines"},
		"no comment":            {strings.Replace(mini, "trusted comment: comment", "comment", 1), "should be four lines"},
		"another comment":       {strings.Replace(mini, "trusted comment: comment", "trusted comment: Comment", 1), "the trusted comment of the signature was changed"},
		"signed without a hash": {m.sign(message, "-l"), "old versions of minisign make it unless they are called with -H"},
		"of something else":     {m.sign("other"), "the signature is not one of these bytes"},
		"SSH, of something else": {s.sign("other"),
			"they were changed after they were signed, or it belongs to something else"},
	} {
		_, err := trusted.Verify([]byte(message), []byte(c.signature))
		testkit.ErrorContains(t, name, err, c.want)
	}
}

// security makes a signature as a device does.
func security(kind string, public [][]byte, application string, sign func(message []byte) []byte) (key, signature string) {
	frame := func(parts ...[]byte) (all []byte) {
		for _, p := range parts {
			all = append(binary.BigEndian.AppendUint32(all, uint32(len(p))), p...)
		}
		return all
	}
	blob := frame(slices.Concat([][]byte{[]byte(kind)}, public, [][]byte{[]byte(application)})...)
	sum, app := sha256.Sum256([]byte(message)), sha256.Sum256([]byte(application))
	signed := append([]byte("SSHSIG"), frame([]byte(Namespace), nil, []byte("sha256"), sum[:])...)
	over := sha256.Sum256(signed)
	state := []byte{1, 0, 0, 0, 7}
	inner := append(frame([]byte(kind), sign(slices.Concat(app[:], state, over[:]))), state...)
	all := append([]byte("SSHSIG\x00\x00\x00\x01"), frame(blob, []byte(Namespace), nil, []byte("sha256"), inner)...)
	return kind + " " + base64.StdEncoding.EncodeToString(blob) + " device",
		sshBegin + "\n" + base64.StdEncoding.EncodeToString(all) + "\n" + sshEnd + "\n"
}

func TestSecurityKeysSignMoreThanTheMessage(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	testkit.NoError(t, err)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	testkit.NoError(t, err)
	point, err := curve.PublicKey.Bytes()
	testkit.NoError(t, err)
	ed, edSignature := security("sk-ssh-ed25519@openssh.com", [][]byte{public}, "ssh:", func(m []byte) []byte { return ed25519.Sign(private, m) })
	ec, ecSignature := security("sk-ecdsa-sha2-nistp256@openssh.com", [][]byte{[]byte("nistp256"), point}, "ssh:", func(m []byte) []byte {
		sum := sha256.Sum256(m)
		r, s, err := ecdsa.Sign(rand.Reader, curve, sum[:])
		testkit.NoError(t, err)
		var all []byte
		for _, n := range [][]byte{r.Bytes(), s.Bytes()} {
			all = append(binary.BigEndian.AppendUint32(all, uint32(len(n))), n...)
		}
		return all
	})
	keys, err := ParseKeys(ed+"\n"+ec, "devices")
	testkit.NoError(t, err)
	for _, signature := range []string{edSignature, ecSignature} {
		_, err := keys.Verify([]byte(message), []byte(signature))
		testkit.NoError(t, err)
		_, err = keys.Verify([]byte("other"), []byte(signature))
		testkit.Equal(t, "another message", err, errAltered)
	}
}

// A signature names its algorithm, which has to be that of its key.
func TestASignatureOfAnotherAlgorithm(t *testing.T) {
	s := newSigner(t, "rsa", "-b", "2048")
	armored := strings.TrimSuffix(strings.TrimPrefix(s.sign(message), sshBegin), sshEnd+"\n")
	blob, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(armored), ""))
	testkit.NoError(t, err)
	for _, form := range []string{"rsa-sha1-512", "ssh-rsa-sha2", "rsa-sha2-256"} {
		text := sshBegin + "\n" + base64.StdEncoding.EncodeToString(bytes.Replace(blob, []byte("rsa-sha2-512"), []byte(form), 1)) + "\n" + sshEnd
		_, err := s.keys().Verify([]byte(message), []byte(text))
		testkit.Equal(t, form, err, errAltered)
	}
}

func TestSignatureBeforeTheConfig(t *testing.T) {
	for _, s := range []signer{newSigner(t, "minisign"), newSigner(t, "ed25519")} {
		for _, text := range []string{message, "", "\x1f\x8b\x08\x00\n\n"} {
			signature := s.sign(text)
			for _, ends := range []string{"\n", "\r\n"} {
				got, rest := Cut([]byte(strings.ReplaceAll(signature, "\n", ends) + text))
				testkit.Equal(t, s.kind+": config", string(rest), text)
				_, err := s.keys().Verify(rest, got)
				testkit.NoError(t, err)
			}
		}
	}
	for _, text := range []string{"", message, "\n" + sshBegin, "variant: fcos\n"} {
		signature, rest := Cut([]byte(text))
		if signature != nil || string(rest) != text {
			t.Errorf("%q: got %q, %q", text, signature, rest)
		}
	}
	for _, text := range []string{sshBegin, sshBegin + "\nU1NI\n", sshBegin + strings.Repeat("\n", maxSignature) + sshEnd} {
		signature, rest := Cut([]byte(text))
		if string(signature) != text || rest != nil {
			t.Errorf("%d bytes: got %d, and %q after them", len(text), len(signature), rest)
		}
	}
}

func TestFilesOfKeys(t *testing.T) {
	m, s := testkit.ReadFile(t, newSigner(t, "minisign").public()), testkit.ReadFile(t, newSigner(t, "ed25519").public())
	short := newSigner(t, "rsa", "-b", "1024")
	private := newSigner(t, "ed25519")
	for name, c := range map[string]struct {
		text string
		keys int
		want string
	}{
		"minisign":               {m, 1, ""},
		"minisign, key alone":    {strings.Split(m, "\n")[1], 1, ""},
		"SSH":                    {"# ours\r\n\r\n" + strings.TrimSpace(s) + "\r\n", 1, ""},
		"both":                   {m + s, 2, ""},
		"allowed signers":        {"*@example.com " + s, 1, ""},
		"for this":               {`* namespaces="firstlight" ` + s, 1, ""},
		"for this and more":      {`* namespaces="git,firstlight" ` + s, 1, ""},
		"for something else":     {`* namespaces="git" ` + s, 0, ""},
		"an authority":           {"* cert-authority " + s, 0, "f, line 1: of the options of a key only namespaces is known"},
		"for some time":          {"\n" + `* namespaces="firstlight",valid-before="20300101" ` + s, 0, "f, line 2: of the options"},
		"a kind that is unknown": {"ssh-dss AAAA", 0, "f, line 1: this is no public key of minisign, and none of SSH of a kind that is known: ecdsa-sha2-nistp256, "},
		"nothing behind it":      {"ssh-ed25519", 0, "f, line 1: this is no public key of minisign"},
		"no base64":              {"ssh-ed25519 ! x", 0, "f, line 1: the key is not base64"},
		"half a key":             {s[:48] + " x", 0, "f, line 1: this key of the kind ssh-ed25519 is damaged"},
		"another kind of key":    {strings.Replace(s, "ssh-ed25519 ", "ssh-rsa ", 1), 0, "f, line 1: this is no key of the kind ssh-rsa"},
		"a short key":            {testkit.ReadFile(t, short.public()), 0, "is damaged, or too small"},
		"a private key":          {testkit.ReadFile(t, private.dir+"/key"), 0, "f, line 1: this is no public key of minisign, and none of SSH"},
	} {
		keys, err := ParseKeys(c.text, "f")
		if c.want == "" {
			testkit.NoError(t, err)
			testkit.Equal(t, name, len(keys), c.keys)
			continue
		}
		testkit.ErrorContains(t, name, err, c.want)
	}
}

func TestDirectoryOfKeys(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{dir, dir + "/none"} {
		keys, err := ReadKeys(d, os.ReadFile)
		if err != nil || keys != nil {
			t.Errorf("got %v, %v", keys, err)
		}
	}
	testkit.WriteFile(t, dir+"/.hidden", "nonsense")
	testkit.WriteFile(t, dir+"/a.pub", testkit.ReadFile(t, newSigner(t, "minisign").public()))
	testkit.WriteFile(t, dir+"/b", testkit.ReadFile(t, newSigner(t, "ed25519").public()))
	keys, err := ReadKeys(dir, os.ReadFile)
	testkit.NoError(t, err)
	testkit.Equal(t, "keys", len(keys), 2)
	testkit.WriteFile(t, dir+"/c", "nonsense\n")
	_, err = ReadKeys(dir, os.ReadFile)
	testkit.ErrorContains(t, "a file without a key", err, dir+"/c, line 1: this is no public key")
	testkit.NoError(t, os.Remove(dir+"/c"))
	testkit.NoError(t, os.Mkdir(dir+"/d", 0o755))
	_, err = ReadKeys(dir, os.ReadFile)
	testkit.ErrorContains(t, "a directory", err, "reading a trusted key: ", dir+"/d")
	empty := t.TempDir()
	testkit.WriteFile(t, empty+"/a", "# to come\n")
	_, err = ReadKeys(empty, os.ReadFile)
	testkit.ErrorContains(t, "no key", err, "have no key for the namespace firstlight")
}

// b2sum is of coreutils. The sizes are around those of blocks.
func TestBLAKE2b(t *testing.T) {
	for _, size := range []int{0, 1, 127, 128, 129, 255, 256, 257, 100_000} {
		text := bytes.Repeat([]byte{0xa5, 7, 0}, size)[:size]
		cmd := exec.Command("b2sum")
		cmd.Stdin = bytes.NewReader(text)
		out, err := cmd.Output()
		testkit.NoError(t, err)
		sum := blake2b(text)
		testkit.Equal(t, fmt.Sprint(size, " bytes"), hex.EncodeToString(sum[:]), strings.Fields(string(out))[0])
	}
}
