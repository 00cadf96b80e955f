package stages

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/internal/trust"
	"github.com/firstlight-os/firstlight/providers"
)

const signedConfig = `{` + version + `, "storage": {"files": [{"path": "/etc/signed"}]}}`

// trusting is a bench whose image has a key, and what signs with it.
func trusting(t *testing.T, cfg string) (b *bench, sign func(text string, options ...string) string) {
	b = newBench(t, cfg)
	return b, b.trustKey()
}

// trustKey puts a key into the image.
func (b *bench) trustKey() (sign func(text string, options ...string) string) {
	b.opts.TrustedKeys = b.path("trusted.d")
	key := b.path("key")
	b.tool("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
	b.write("trusted.d/release.pub", b.read("key.pub"))
	return func(text string, options ...string) string {
		if options == nil {
			options = []string{"-n", trust.Namespace}
		}
		b.write("to-sign", text)
		b.tool("rm", "-f", b.path("to-sign.sig"))
		b.tool("ssh-keygen", append(append([]string{"-q", "-Y", "sign", "-f", key}, options...), b.path("to-sign"))...)
		return b.read("to-sign.sig")
	}
}

func (b *bench) tool(name string, args ...string) {
	b.t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		b.t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// refuses is fails for words that the box may break in two.
func (b *bench) refuses(stage string, words ...string) {
	b.t.Helper()
	b.fails(stage)
	dense := func(text string) string { return strings.Join(strings.Fields(unboxed(text)), "") }
	for _, w := range words {
		testkit.Contains(b.t, "report", dense(b.read("run/ignition/report.txt")), dense(w))
	}
}

func (b *bench) says(words ...string) {
	b.t.Helper()
	testkit.Contains(b.t, "log", b.log.String(), words...)
}

func TestSignedUserDataIsAccepted(t *testing.T) {
	b, sign := trusting(t, "")
	packed := testkit.Gzip(signedConfig)
	butane := "variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /etc/signed}]}\n"
	for _, text := range []string{signedConfig, packed, testkit.WrappedBase64(packed), butane} {
		b.write("user.ign", text)
		b.write("user.ign.sig", sign(text))
		b.must("fetch-offline")
		testkit.Equal(t, "file", b.cachedConfig().Storage.Files[0].Path, "/etc/signed")

		b.tool("rm", b.path("user.ign.sig"))
		b.write("user.ign", sign(text)+text)
		b.must("fetch-offline")
		testkit.Equal(t, "file", b.cachedConfig().Storage.Files[0].Path, "/etc/signed")
	}
	b.says("user config (", "is signed with the SSH key SHA256:", "(release.pub)")
	b.must("files")
	signer := b.record().Sources[0].Signer
	testkit.Contains(t, "signer", signer, "SSH key SHA256:", "(release.pub)")
}

func TestMinisignSignsUserData(t *testing.T) {
	b, _ := trusting(t, signedConfig)
	b.tool("minisign", "-G", "-W", "-p", b.path("trusted.d/minisign.pub"), "-s", b.path("minisign.key"))
	b.tool("minisign", "-S", "-s", b.path("minisign.key"), "-m", b.path("user.ign"), "-x", b.path("user.ign.sig"), "-t", "of May")
	b.must("fetch-offline")
	b.says("is signed with the minisign key ", `(minisign.pub), trusted comment "of May"`)
}

func TestUserDataThatIsNotSignedStopsTheBoot(t *testing.T) {
	b, sign := trusting(t, signedConfig)
	b.refuses("fetch-offline", "is not signed, as this image wants it ("+b.path("trusted.d")+"): it does not begin with a signature, and there is none at "+b.path("user.ign.sig"),
		"user config ("+b.path("user.ign")+"), line 1, column 1", `sign it with "ssh-keygen -Y sign -n firstlight -f KEY CONFIG" or "minisign -S -m CONFIG -x CONFIG.sig", and put the signature there, or before the config itself`)
	for signature, want := range map[string]string{
		sign(signedConfig + " "):              "does not count: the signature is not one of these bytes: they were changed after they were signed, or it belongs to something else",
		sign(signedConfig, "-n", "file"):      "does not count: it was signed for another namespace than firstlight",
		"nonsense":                            "does not count: what should be a signature is none of minisign, and none of ssh-keygen",
		sign(signedConfig)[:80]:               "does not count: the signature of ssh-keygen is damaged",
		strings.Repeat("x", 100_000) + "\n\n": "does not count: the signature has more than 16384 bytes, or does not end",
	} {
		b.write("user.ign.sig", signature)
		b.refuses("fetch-offline", want)
	}
	other, theirs := trusting(t, signedConfig)
	other.write("user.ign.sig", sign(signedConfig))
	other.refuses("fetch-offline", "does not count: it was signed with the SSH key SHA256:", "which is none of the trusted keys: SSH key SHA256:", "(release.pub)")
	// What is before the config counts, whatever is beside it.
	other.write("user.ign.sig", theirs(signedConfig))
	other.write("user.ign", sign(signedConfig)+signedConfig)
	other.refuses("fetch-offline", "which is none of the trusted keys")
}

func TestNothingOfAConfigIsReadBeforeItsSignature(t *testing.T) {
	b, _ := trusting(t, testkit.Gzip("{")[:12])
	b.refuses("fetch-offline", "is not signed")
	if strings.Contains(b.log.String(), "gzip") {
		t.Errorf("it was unpacked:\n%s", &b.log)
	}
}

func TestPlatformsWithoutAPlaceForASignature(t *testing.T) {
	b, sign := trusting(t, "")
	var text string
	b.opts.Platform.Fetch = func(context.Context, *providers.Env) (*providers.UserData, error) {
		return &providers.UserData{Text: []byte(text), Name: "user config (user data)"}, nil
	}
	text = signedConfig
	b.refuses("fetch-offline", "the user config (user data) is not signed, as this image wants it", "it does not begin with a signature", `hand over what "cat CONFIG.sig CONFIG" prints`)
	text = sign(signedConfig) + signedConfig
	b.must("fetch-offline")
	text = sign(signedConfig) + signedConfig + " "
	b.refuses("fetch-offline", "the signature is not one of these bytes")
	text = ""
	b.must("fetch-offline") // a machine without a config has none that could be signed
}

func TestAConfigOfTheCommandLineHasItsSignatureBesideIt(t *testing.T) {
	b, sign := trusting(t, "")
	url := server(t, map[string]string{"/a/web1.ign": signedConfig, "/a/web1.ign.sig": sign(signedConfig), "/b.ign": signedConfig,
		"/c.ign": sign(signedConfig) + signedConfig})
	b.write("cmdline", "ignition.config.url="+url+"/a/web1.ign?token=1")
	b.must("fetch")
	b.says("web1.ign?", "is signed with the SSH key")
	b.write("cmdline", "ignition.config.url="+url+"/c.ign")
	b.must("fetch")
	b.write("cmdline", "ignition.config.url="+url+"/b.ign")
	b.refuses("fetch", "is not signed, as this image wants it", "there is none at "+url+"/b.ign.sig")
	b.write("cmdline", "ignition.config.url=data:,%7B%7D")
	b.refuses("fetch", "is not signed, as this image wants it", "it does not begin with a signature")
}

func TestReferencedConfigsAreSignedOrVouchedFor(t *testing.T) {
	b, sign := trusting(t, "")
	child := `{` + version + `, "storage": {"files": [{"path": "/etc/child"}]}}`
	packed := testkit.Gzip(child)
	url := server(t, map[string]string{
		"/signed.ign": child, "/signed.ign.sig": sign(child),
		"/before.ign": sign(child) + child,
		"/packed.ign": packed, "/packed.ign.sig": sign(packed),
		"/before.ign.gz": sign(packed) + packed, "/inside.ign.gz": testkit.Gzip(sign(child) + child),
		"/other.ign.gz": sign(child) + packed,
		"/unsigned.ign": child, "/unsigned.ign.gz": packed,
		"/forged.ign": child + " ", "/forged.ign.sig": sign(child),
	})
	hash := fmt.Sprintf("sha512-%x", sha512.Sum512([]byte(child)))
	for reference, want := range map[string]string{
		`"source": "` + url + `/signed.ign"`:                                                                       "",
		`"source": "` + url + `/before.ign"`:                                                                       "",
		`"source": "` + url + `/packed.ign", "compression": "gzip"`:                                                "",
		`"source": "` + url + `/before.ign.gz", "compression": "gzip"`:                                             "",
		`"source": "` + url + `/before.ign.gz", "compression": "gzip", "verification": {"hash": "` + hash + `"}`:   "",
		`"source": "` + url + `/before.ign.gz"`:                                                                    "",
		`"source": "` + url + `/inside.ign.gz", "compression": "gzip"`:                                             "is not signed, as this image wants it",
		`"source": "` + url + `/other.ign.gz", "compression": "gzip"`:                                              "the signature is not one of these bytes",
		`"source": "` + url + `/unsigned.ign", "verification": {"hash": "` + hash + `"}`:                           "",
		`"source": "` + url + `/unsigned.ign.gz", "compression": "gzip", "verification": {"hash": "` + hash + `"}`: "",
		`"source": "data:;base64,` + testkit.Base64(child) + `"`:                                                   "",
		`"source": "` + url + `/unsigned.ign"`:                                                                     "the config from " + url + "/unsigned.ign is not signed, as this image wants it",
		`"source": "` + url + `/unsigned.ign.gz", "compression": "gzip"`:                                           "is not signed, as this image wants it",
		`"source": "` + url + `/forged.ign"`:                                                                       "the signature is not one of these bytes",
		`"source": "` + url + `/forged.ign", "verification": {"hash": "` + hash + `"}`:                             "the sha512 of what was fetched is not the one in the config",
		`"source": "data:;base64,` + testkit.Base64(strings.Replace(sign(child), "\nU1", "\nU2", 1)+child) + `"`:   "the signature of ssh-keygen is damaged",
		`"source": "` + url + `/before.ign", "compression": "gzip"`:                                                "the config says that it is compressed with gzip, but it does not begin like that",
	} {
		for _, kind := range []string{`"merge": [{%s}]`, `"replace": {%s}`} {
			text := `{"ignition": {"version": "3.4.0", "config": {` + fmt.Sprintf(kind, reference) + `}}}`
			b.write("user.ign", sign(text)+text)
			if want != "" {
				b.refuses("fetch", want)
				continue
			}
			b.must("fetch")
			testkit.Equal(t, reference, b.cachedConfig().Storage.Files[0].Path, "/etc/child")
		}
	}
}

// The signature of a resource that needs a header needs it, too.
func TestSignaturesAreAskedForAsTheirConfigsAre(t *testing.T) {
	b, sign := trusting(t, "")
	signature := sign(signedConfig)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch page := r.Header.Get("Authorization") + " " + r.URL.Path; page {
		case "Bearer x /a":
			w.Write([]byte(signedConfig))
		case "Bearer x /a.sig":
			w.Write([]byte(signature))
		default:
			http.Error(w, "no", http.StatusForbidden)
		}
	}))
	t.Cleanup(srv.Close)
	text := func(path string) string {
		return `{"ignition": {"version": "3.4.0", "config": {"merge": [{"source": "` + srv.URL + path + `", "httpHeaders": [{"name": "Authorization", "value": "Bearer x"}]}]}}}`
	}
	b.write("user.ign", sign(text("/a"))+text("/a"))
	b.must("fetch")
}

func TestBaseConfigsAreTrustedAsTheImageIs(t *testing.T) {
	b, sign := trusting(t, "")
	b.write("image/usr/base.d/10.ign", signedConfig)
	b.write("image/etc/user.ign", `{`+version+`}`)
	b.refuses("fetch-offline", "user config ("+b.path("image/etc/user.ign")+") is not signed", "there is none at "+b.path("image/etc/user.ign.sig"))
	b.write("image/etc/user.ign.sig", sign(`{`+version+`}`))
	b.must("fetch-offline")
}

func TestKeysThatCannotBeReadStopTheBoot(t *testing.T) {
	b, sign := trusting(t, signedConfig)
	b.write("user.ign.sig", sign(signedConfig))
	b.write("trusted.d/other", "ssh-dss AAAA\n")
	b.refuses("fetch-offline", b.path("trusted.d/other")+", line 1: this is no public key of minisign, and none of SSH of a kind that is known", "the image is broken: tell those who made it")
}

func TestAnImageWithoutKeysRefusesSignedUserData(t *testing.T) {
	b, sign := trusting(t, "")
	b.write("user.ign", sign(signedConfig)+signedConfig)
	b.opts.TrustedKeys = b.path("none")
	b.refuses("fetch-offline", "begins with a signature, and there are no keys here to verify it with", "put the key into /usr/lib/firstlight/trusted.d of the image, or take the signature off the config")
	b.write("user.ign", signedConfig)
	b.write("user.ign.sig", "nonsense") // nobody looks at it
	b.must("fetch-offline")
}

func TestHashOfTheUserConfig(t *testing.T) {
	packed := testkit.Gzip(signedConfig)
	butane := "variant: fcos\nversion: 1.5.0\n"
	b := newBench(t, "")
	for _, text := range []string{signedConfig, packed, butane} {
		b.write("user.ign", text)
		b.write("cmdline", fmt.Sprintf("ignition.config.hash=sha256-%x", sha256.Sum256([]byte(text))))
		b.must("fetch-offline")
		b.write("cmdline", fmt.Sprintf("ignition.config.hash=sha512-%X", sha512.Sum512([]byte(text))))
		b.must("fetch-offline")
	}
	b.write("cmdline", fmt.Sprintf("ignition.config.hash=sha256-%x", sha256.Sum256([]byte(packed))))
	b.write("user.ign", signedConfig)
	b.refuses("fetch-offline", fmt.Sprintf("the sha256 of the user config (%s) is not the one on the kernel command line: want %x got %x (%d bytes)",
		b.path("user.ign"), sha256.Sum256([]byte(packed)), sha256.Sum256([]byte(signedConfig)), len(signedConfig)),
		"kernel command line (ignition.config.hash)", "if the config was changed on purpose, change the argument")
	b.write("user.ign", "")
	b.refuses("fetch-offline", "there is no user config, though the kernel command line has a hash of one", "give the machine its config, or remove the argument")
	for _, value := range []string{"", "sha256-", "sha256-12", "md5-d41d8cd98f00b204e9800998ecf8427e", fmt.Sprintf("%x", sha256.Sum256(nil)), "sha512-" + fmt.Sprintf("%x", sha256.Sum256(nil)), "sha256-" + strings.Repeat("x", 64)} {
		b.write("cmdline", "ignition.config.hash="+value)
		b.refuses("fetch-offline", "the kernel argument ignition.config.hash="+value+" is no hash", "write sha256- and the 64 digits that sha256sum CONFIG prints")
	}
}

func TestHashOfAFetchedConfig(t *testing.T) {
	b := newBench(t, "")
	url := server(t, map[string]string{"/a": signedConfig, "/b": signedConfig + " "})
	hash := fmt.Sprintf("ignition.config.hash=sha256-%x ignition.config.url=", sha256.Sum256([]byte(signedConfig)))
	b.write("cmdline", hash+url+"/a")
	b.must("fetch")
	b.write("cmdline", hash+url+"/b")
	b.refuses("fetch", "the sha256 of the user config ("+url+"/b from the kernel command line) is not the one")
	b.opts.Platform, _ = providers.ByID("metal")
	b.write("cmdline", strings.TrimSuffix(hash, " ignition.config.url="))
	b.refuses("fetch", "there is no user config, though the kernel command line has a hash of one")
}
