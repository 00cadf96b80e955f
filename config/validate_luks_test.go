package config

import (
	"strings"
	"testing"
)

func TestLuksRules(t *testing.T) {
	luks := func(l string) string { return `"storage":{"luks":[{"name":"a","device":"/d",` + l + `}]}` }
	const at = "storage.luks[0]"
	testRules(t, []rule{
		{"good", "3.2+", luks(`"label":"l","uuid":"whatever","options":["a","a"],"keyFile":{"source":"data:,x"}`), nil},
		{"not known before 3.2", "≤3.1", luks(`"label":5`), []string{"W storage.luks since version 3.2.0"}},
		{"name with slash", "3.2+", `"storage":{"luks":[{"name":"a/b","device":"/d"}]}`, []string{"E " + at + `.name "a/b" has a slash`}},
		{"empty name", "3.2+", `"storage":{"luks":[{"name":"","device":"/d"}]}`, []string{"E storage.luks[0].name is missing"}},
		{"name twice", "3.2+", `"storage":{"luks":[{"name":"a","device":"/d"},{"name":"a","device":"/e"}]}`, []string{`E storage.luks[1] the name "a" is already storage.luks[0]`}},
		{"label of 47 bytes", "3.2+", luks(`"label":"` + strings.Repeat("a", 47) + `"`), nil},
		{"label of 48 bytes", "3.2+", luks(`"label":"` + strings.Repeat("é", 24) + `"`), []string{"E " + at + ".label is 48 bytes long, at most 47"}},
		{"no device", "3.2+", `"storage":{"luks":[{"name":"a"}]}`, []string{"E " + at + ".device path is missing"}},
		{"empty device", "3.2+", `"storage":{"luks":[{"name":"a","device":""}]}`, []string{"E " + at + ".device path is missing"}},
		{"relative device", "3.2+", `"storage":{"luks":[{"name":"a","device":"d"}]}`, []string{"E " + at + ".device not absolute"}},
		{"bad key URL is reported once", "3.2+", luks(`"keyFile":{"source":"foo"}`), []string{"E " + at + ".keyFile.source has no scheme"}},
		{"key hash without source", "3.2+", luks(`"keyFile":{"verification":{"hash":"` + sha512 + `"}}`), []string{"E " + at + ".keyFile.verification.hash no source"}},
		{"openOptions twice", "3.4+", luks(`"openOptions":["a","a"]`), []string{"E " + at + `.openOptions[1] "a" is already`}},
		{"openOptions and discard before 3.4", "3.2-3.3", luks(`"openOptions":["a","a"],"discard":true`), []string{"W " + at + ".openOptions since version 3.4.0", "W " + at + ".discard since version 3.4.0"}},
	})
}

func TestCexRules(t *testing.T) {
	luks := func(l string) string { return `"storage":{"luks":[{"name":"a","device":"/d",` + l + `}]}` }
	const at = "storage.luks[0].cex"
	testRules(t, []rule{
		{"not known before 3.5", "3.2-3.4", luks(`"cex":{"enabled":true}`), []string{"W " + at + " since version 3.5.0"}},
		{"good", "3.5+", luks(`"cex":{"enabled":true},"clevis":{"threshold":0},"keyFile":{"source":""}`), nil},
		{"with a threshold", "3.5+", luks(`"cex":{"enabled":true},"clevis":{"threshold":1}`), []string{"E " + at + " remove one of the two"}},
		{"with TPM", "3.5+", luks(`"cex":{"enabled":true},"clevis":{"tpm2":true}`), []string{"E " + at + " remove one of the two"}},
		{"with Tang", "3.5+", luks(`"cex":{"enabled":true},"clevis":{"tang":[{"url":"http://x","thumbprint":"x"}]}`), []string{"E " + at + " remove one of the two"}},
		{"with a pin", "3.5+", luks(`"cex":{"enabled":true},"clevis":{"custom":{"pin":"tpm2","config":"{}"}}`), []string{"E " + at + " remove one of the two"}},
		{"with a key", "3.5+", luks(`"cex":{"enabled":true},"keyFile":{"source":"data:,x"}`), []string{"E " + at + " cannot have a keyFile"}},
		{"not enabled", "3.5+", luks(`"cex":{"enabled":false},"keyFile":{"source":"data:,x"}`), nil},
	})
}

func TestClevisRules(t *testing.T) {
	clevis := func(c string) string {
		return `"storage":{"luks":[{"name":"a","device":"/d","clevis":{` + c + `}}]}`
	}
	const at = "storage.luks[0].clevis"
	testRules(t, []rule{
		{"any threshold", "3.2+", clevis(`"threshold":-5,"tpm2":true`), nil},
		{"empty custom with TPM in 3.2", "3.2", clevis(`"custom":{},"tpm2":true`), []string{"E " + at + " custom excludes"}},
		{"no custom with TPM", "3.2+", clevis(`"custom":null,"tpm2":true,"threshold":1`), []string{"W " + at + ".custom null, an object is expected"}},
		{"empty custom with TPM", "3.3+", clevis(`"custom":{},"tpm2":true`), nil},
		{"pin with TPM", "3.2+", clevis(`"custom":{"pin":"tang","config":"{}"},"tpm2":true`), []string{"E " + at + " custom excludes"}},
		{"pin with Tang", "3.2+", clevis(`"custom":{"pin":"tang","config":"{}"},"tang":[{"url":"http://x","thumbprint":"x"}]`), []string{"E " + at + " custom excludes"}},
		{"pin with threshold", "3.2+", clevis(`"custom":{"pin":"tang","config":"{}"},"threshold":1`), []string{"E " + at + " custom excludes"}},
		{"pin with threshold 0", "3.2+", clevis(`"custom":{"pin":"tang","config":"{}"},"threshold":0,"tpm2":false`), nil},
		{"config without pin, with TPM", "3.3+", clevis(`"custom":{"config":"x"},"tpm2":true`), []string{"E " + at + ".custom.pin name of the clevis pin is missing"}},
		{"pin without config", "3.2+", clevis(`"custom":{"pin":"sss"}`), []string{"E " + at + ".custom.config config of the clevis pin is missing"}},
		{"only needsNetwork in 3.2", "3.2", clevis(`"custom":{"needsNetwork":true}`), nil},
		{"only needsNetwork", "3.3+", clevis(`"custom":{"needsNetwork":true}`), []string{"E " + at + ".custom.pin name of the clevis pin is missing", "E " + at + ".custom.config config of the clevis pin is missing"}},
		{"other pin", "3.6+", clevis(`"custom":{"pin":"foo","config":"{}"}`), nil},
		{"other pin before 3.6", "3.2-3.5", clevis(`"custom":{"pin":"foo","config":"{}"}`), []string{"E " + at + `.custom.pin "foo" is unknown; before version 3.6.0`}},
	})
}

func TestTangRules(t *testing.T) {
	tang := func(s string) string {
		return `"storage":{"luks":[{"name":"a","device":"/d","clevis":{"tang":[` + s + `]}}]}`
	}
	const at = "storage.luks[0].clevis.tang[0]"
	testRules(t, []rule{
		{"good", "3.2+", tang(`{"url":"http://x","thumbprint":"x"}`), nil},
		{"empty", "3.2+", tang(`{}`), []string{"E " + at + ".url http:// or https://", "E " + at + ".thumbprint thumbprint of the Tang server's signing key is missing"}},
		{"other scheme", "3.2+", tang(`{"url":"tftp://x","thumbprint":"x"}`), []string{"E " + at + ".url http:// or https://"}},
		{"unparsable", "3.2+", tang(`{"url":"http://x:y","thumbprint":"x"}`), []string{"E " + at + ".url not a URL"}},
		{"twice", "3.2+", tang(`{"url":"http://x","thumbprint":"x"},{"url":"http://x","thumbprint":"y"}`), []string{`E storage.luks[0].clevis.tang[1] the url "http://x" is already`}},
		{"advertisement", "3.4+", tang(`{"url":"http://x","thumbprint":"x","advertisement":"{\"a\":1,\"a\":2}"}`), nil},
		{"advertisement of a number", "3.4+", tang(`{"url":"http://x","thumbprint":"x","advertisement":"5"}`), nil},
		{"empty advertisement", "3.4+", tang(`{"url":"http://x","thumbprint":"x","advertisement":""}`), nil},
		{"bad advertisement", "3.4+", tang(`{"url":"http://x","thumbprint":"x","advertisement":"{{"}`), []string{"E " + at + ".advertisement is not JSON"}},
		{"advertisement of two values", "3.4+", tang(`{"url":"http://x","thumbprint":"x","advertisement":"{}{}"}`), []string{"E " + at + ".advertisement is not JSON"}},
		{"advertisement as an object", "3.4+", tang(`{"url":"http://x","thumbprint":"x","advertisement":{}}`), []string{"E " + at + ".advertisement an object, but a string is expected"}},
		{"advertisement before 3.4", "3.2-3.3", tang(`{"url":"http://x","thumbprint":"x","advertisement":"{{"}`), []string{"W " + at + ".advertisement since version 3.4.0"}},
	})
}

func TestThresholdsThatCannotBeReached(t *testing.T) {
	luks := func(clevis string) string {
		return `"storage":{"luks":[{"name":"a","device":"/d","clevis":{` + clevis + `}}]}`
	}
	const tang = `"tang":[{"url":"http://x","thumbprint":"x"}],`
	testRules(t, []rule{
		{"of a server and a TPM", "3.2+", luks(tang + `"tpm2":true,"threshold":2`), nil},
		{"of a server", "3.2+", luks(tang + `"threshold":2`), []string{"W storage.luks[0].clevis.threshold is 1 in all"}},
		{"of nothing, which is no clevis", "3.2+", luks(`"threshold":2`), nil},
	})
}
